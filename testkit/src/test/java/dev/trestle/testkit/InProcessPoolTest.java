package dev.trestle.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.MapOptions;
import dev.trestle.processpool.CallNotSerializableException;
import dev.trestle.processpool.CallOptions;
import dev.trestle.processpool.RemoteException;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class InProcessPoolTest {

    @AutoClose
    private final InProcessPool pool = new InProcessPool(2);

    record Point(int x, int y) {}

    @Test
    void valuesAndResultsAreCopies() {
        var list = new ArrayList<>(List.of("a"));
        var large = new byte[100_000];
        ConcurrentFuture<List<String>> first = pool.submit(() -> {
            list.add("b");
            large[0] = 1;
            return list;
        });

        assertThat(first.result()).containsExactly("a", "b").isNotSameAs(list);
        assertThat(list).containsExactly("a");
        assertThat(large[0]).isZero();
        var point = new Point(1, 2);
        assertThat(pool.submit(() -> point).result()).isEqualTo(point).isNotSameAs(point);
    }

    @Test
    void valuesAreRefusedAsByAProcessPool() {
        InputStream stream = new ByteArrayInputStream(new byte[0]);
        assertThatThrownBy(() -> pool.submit(() -> stream.read()))
                .isInstanceOf(CallNotSerializableException.class)
                .hasMessageContaining("InProcessPoolTest")
                .hasMessageContaining("ByteArrayInputStream");
        Runnable plain = () -> {};
        assertThatThrownBy(() -> pool.submit(plain))
                .isInstanceOf(CallNotSerializableException.class)
                .hasMessageContaining("it is not serializable");
        assertThatThrownBy(() -> pool.execute(plain)).isInstanceOf(CallNotSerializableException.class);
    }

    @Test
    void aResultThatCannotTravelFailsItsCall() {
        assertThatThrownBy(() -> pool.<Object>submit(() -> new ByteArrayInputStream(new byte[0]))
                        .result())
                .isInstanceOf(CallNotSerializableException.class)
                .hasMessageContaining("ByteArrayInputStream");
    }

    @Test
    void aTypeThatAResultDoesNotDeclareMustBeAllowed() {
        assertThatThrownBy(() -> pool.submit(InProcessPoolTest::bean).result())
                .isInstanceOf(CallNotSerializableException.class)
                .hasMessageContaining("Bean");
        for (InProcessPoolOptions options : List.of(
                new InProcessPoolOptions(1).withAllowedType(Bean.class),
                new InProcessPoolOptions(1).withAllowedPackage("dev.trestle.testkit"))) {
            try (var allowing = new InProcessPool(options)) {
                assertThat(allowing.submit(InProcessPoolTest::bean).result()).isInstanceOf(Bean.class);
            }
        }
    }

    private static Object bean() {
        var bean = new Bean();
        bean.setName("green");
        return bean;
    }

    /** A class that is no data by its nature, as a record is. */
    public static class Bean {
        private String name = "";

        public String getName() {
            return name;
        }

        public void setName(String value) {
            name = value;
        }
    }

    @Test
    void aCallThatIsTooLargeIsRefused() {
        var large = new byte[2000];
        try (var small = new InProcessPool(new InProcessPoolOptions(1).withMaxPayloadBytes(1024))) {
            assertThatThrownBy(() -> small.submit(() -> large.length)).isInstanceOf(CallNotSerializableException.class);
        }
    }

    /** An exception that keeps its reason in a local class cannot be made again. */
    @Test
    void exceptionThatCannotTravelArrivesAsRemoteException() {
        assertThatThrownBy(() -> pool.submit(InProcessPoolTest::throwLocal).result())
                .isInstanceOfSatisfying(
                        RemoteException.class,
                        e -> assertThat(e.remoteClassName()).contains("InProcessPoolTest"))
                .hasMessageContaining("reason");
        assertThatThrownBy(() -> pool.submit(() -> Integer.parseInt("x")).result())
                .isInstanceOf(NumberFormatException.class)
                .hasMessageContaining("\"x\"");
    }

    private static String throwLocal() {
        List<String> words = List.of("reason");
        class Local extends IllegalStateException {
            private static final long serialVersionUID = 1;

            @Override
            public String getMessage() {
                return words.getFirst();
            }
        }
        throw new Local();
    }

    @Test
    void aCallThatTakesTooLongIsInterruptedAndShowsItsStack() {
        var options = CallOptions.DEFAULT.withTimeout(Duration.ofMillis(20)).withLabel("endless");
        ConcurrentFuture<String> future = pool.submit(InProcessPoolTest::waitForever, options);

        assertThat(future.exception())
                .hasValueSatisfying(e -> assertThat(e)
                        .isInstanceOf(TimeoutException.class)
                        .hasMessageStartingWith("endless (")
                        .hasMessageContaining("has run for longer than PT0.02S and was interrupted")
                        .hasMessageContaining("InProcessPoolTest.waitForever"));
        assertThat(pool.submit(() -> Thread.currentThread().isInterrupted()).result())
                .isFalse();
    }

    private static String waitForever() throws InterruptedException {
        new CountDownLatch(1).await();
        return "never";
    }

    @Test
    void aCallThatIsQuickEnoughHasItsResultOrItsOwnException() {
        var options = CallOptions.DEFAULT.withTimeout(Duration.ofHours(1));

        assertThat(pool.submit(() -> 42, options).result()).isEqualTo(42);
        assertThatThrownBy(
                        () -> pool.submit(() -> Integer.parseInt("x"), options).result())
                .isInstanceOf(NumberFormatException.class);
    }

    @Test
    void onlyTheInputWithABadResultFailsInAChunk() {
        var results = pool.map(InProcessPoolTest::evenOrStream, List.of(2, 3), MapOptions.DEFAULT.withChunkSize(2))
                .iterator();

        assertThat(results.next()).isEqualTo(2);
        assertThatThrownBy(results::next)
                .isInstanceOf(CallNotSerializableException.class)
                .hasMessageContaining("ByteArrayInputStream");
    }

    private static Object evenOrStream(int number) {
        return number % 2 == 0 ? number : new ByteArrayInputStream(new byte[0]);
    }

    @Test
    void aPoolThatWasShutDownSaysSoFirst() {
        pool.shutdown();
        Runnable plain = () -> {};
        assertThatThrownBy(() -> pool.submit(plain))
                .isInstanceOf(RejectedExecutionException.class)
                .hasMessageContaining("it has been shut down");
    }

    @Test
    void aPoolWithoutWorkersIsRefused() {
        assertThatThrownBy(() -> new InProcessPool(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("The number of workers must be 1 or more: 0");
    }
}
