package dev.trestle.processpool;

import static java.util.Objects.requireNonNullElse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.trestle.contract.Baggage;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.MDC;
import org.slf4j.helpers.BasicMDCAdapter;

/** The MDC, and what other carriers have, in the calls of workers. */
@Timeout(120)
class ContextInWorkersTest {

    private static final String LARGE = "x".repeat(70_000);

    @SuppressWarnings("NullAway") // set before all tests
    private static ProcessPool pool = null;

    @SuppressWarnings("NullAway") // set before all tests
    private static Object adapterBefore = null;

    /** The logging system of the tests has no MDC. */
    @BeforeAll
    static void open() throws ReflectiveOperationException {
        adapterBefore = MDC.getMDCAdapter();
        adapter().set(null, new BasicMDCAdapter());
        pool = builder().build();
    }

    @AfterAll
    static void close() throws ReflectiveOperationException {
        adapter().set(null, adapterBefore);
        pool.close();
    }

    private static Field adapter() throws ReflectiveOperationException {
        Field adapter = MDC.class.getDeclaredField("MDC_ADAPTER");
        adapter.setAccessible(true);
        return adapter;
    }

    private static ProcessPool.Builder builder() {
        return TestPools.builder(1).systemProperty("slf4j.provider", MdcProvider.class.getName());
    }

    @AfterEach
    void carryNothing() {
        MDC.clear();
        Baggage.clear();
    }

    private static String mdc() {
        return new TreeMap<>(requireNonNullElse(MDC.getCopyOfContextMap(), Map.of())).toString();
    }

    private static String changeMdc() {
        String before = mdc();
        MDC.put("left", "behind");
        return before;
    }

    @Test
    void callsStreamsAndChunksHaveTheMdcOfTheirSubmitter() {
        MDC.put("request", "7");
        assertThat(pool.submit(() -> mdc()).result()).isEqualTo("{request=7}");
        try (Stream<String> items = pool.stream(() -> Stream.of(1, 2).map(n -> n + mdc()))) {
            assertThat(items).containsExactly("1{request=7}", "2{request=7}");
        }
        assertThat(pool.map(n -> n + mdc(), List.of(1, 2))).containsExactly("1{request=7}", "2{request=7}");
        Stream<String> lazy =
                pool.submit(() -> Stream.of(1).map(n -> n + mdc())).result();
        assertThat(lazy).containsExactly("1{request=7}");
        MDC.clear();
        assertThat(pool.submit(() -> mdc()).result()).isEqualTo("{}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"carrying", "empty-handed"})
    void mdcEntriesOfACallAreGoneAfterIt(String submitter) {
        try (var fresh = builder().build()) {
            List<String> seen = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                if (submitter.equals("carrying")) {
                    MDC.put("request", "7");
                }
                seen.add(fresh.submit(() -> changeMdc()).result());
                MDC.clear();
                seen.add(fresh.submit(() -> changeMdc()).result());
            }
            String first = submitter.equals("carrying") ? "{request=7}" : "{}";
            assertThat(seen).containsExactly(first, "{}", first, "{}", first, "{}");
        }
    }

    private static void changeBaggage() {
        Baggage.put("of the initializer", Baggage.carried() + mdc());
    }

    @Test
    void anInitializerHasNoContext() {
        MDC.put("request", "7");
        Baggage.put("user", "alice");
        try (var initialized =
                builder().initializer(ContextInWorkersTest::changeBaggage).build()) {
            assertThat(initialized.submit(() -> Baggage.carried() + mdc()).result())
                    .isEqualTo("{user=alice}{request=7}");
            Baggage.clear();
            assertThat(initialized.submit(() -> Baggage.carried() + mdc()).result())
                    .isEqualTo("{}{request=7}");
        }
    }

    @Test
    void aWorkerWhoseCallsDoNotLogHasNoSlf4j() {
        Baggage.put("user", "alice");
        try (var fresh = builder().build()) {
            for (int i = 0; i < 2; i++) {
                assertThat(fresh.submit(() -> Baggage.carried() + " " + isSlf4jLoaded())
                                .result())
                        .isEqualTo("{user=alice} false");
            }
        }
    }

    private static boolean isSlf4jLoaded() {
        return ClassLoader.getSystemClassLoader().getDefinedPackage("org.slf4j") != null;
    }

    /** Halts its worker at the first attempt. */
    private static String atTheSecondAttempt(String marker) throws IOException {
        if (!Files.deleteIfExists(Path.of(marker))) {
            Files.createFile(Path.of(marker));
            Runtime.getRuntime().halt(1);
        }
        return Baggage.carried().toString();
    }

    @Test
    void aRetriedCallHasItsContextAgain(@TempDir Path folder) {
        Baggage.put("user", "alice");
        String marker = folder.resolve("marker").toString();
        var future = pool.submit(() -> atTheSecondAttempt(marker), CallOptions.DEFAULT.withRetries(1));
        Baggage.clear();

        assertThat(future.result()).isEqualTo("{user=alice}");
    }

    @Test
    void aListenerHasTheContextOfTheSubmitter() {
        List<String> heard = new CopyOnWriteArrayList<>();
        MDC.put("request", "7");
        var future = pool.submit(
                () -> WorkerContext.current().progress(0.5, "half"),
                CallOptions.DEFAULT.withListener((_, text) -> heard.add(text + mdc())));
        MDC.clear();
        future.result();

        await().until(() -> !heard.isEmpty());
        assertThat(heard).containsExactly("half{request=7}");
    }

    @Test
    void aContextThatIsTooLargeIsRefused() {
        MDC.put("request", "7");
        MDC.put("document", LARGE);

        assertThatThrownBy(() -> pool.submit(() -> mdc()))
                .isInstanceOf(CallNotSerializableException.class)
                .hasMessageContaining("The context that goes along with the call ")
                .hasMessageContaining("allowed are 65536")
                .hasMessageContaining(
                        "The largest entry is 'document' of dev.trestle.api.MdcCarrier, with 70000 characters")
                .hasMessageContaining("Carry less there")
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("xxx"));
        MDC.remove("document");
        assertThat(pool.submit(() -> mdc()).result()).isEqualTo("{request=7}");
    }

    @Test
    void aContextJustBelowTheLimitArrives() {
        MDC.put("document", LARGE.substring(0, 65_000));

        assertThat(pool.submit(() -> MDC.get("document").length()).result()).isEqualTo(65_000);
    }
}
