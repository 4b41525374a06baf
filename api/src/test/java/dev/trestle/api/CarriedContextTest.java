package dev.trestle.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.trestle.contract.Baggage;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.MDC;

/** The context of a thread, from capture to restore: the MDC, and the carriers that the service loader finds. */
@Timeout(30)
class CarriedContextTest {

    private final RecordedLog log = new RecordedLog();

    @AfterEach
    void carryNothing() {
        MDC.clear();
        Baggage.clear();
        log.end();
    }

    @Test
    void theMdcAndEachCarrierGoAlong() throws InterruptedException {
        MDC.put("request", "7");
        Baggage.put("user", "alice");
        CarriedContext context = CarriedContext.capture();
        List<Object> seen = new ArrayList<>();

        Thread.ofPlatform()
                .start(() -> {
                    MDC.put("request", "of the thread");
                    ContextCarrier.Scope scope = context.restore();
                    seen.add(MDC.getCopyOfContextMap());
                    seen.add(Baggage.carried());
                    MDC.put("more", "of the code");
                    scope.close();
                    seen.add(MDC.getCopyOfContextMap());
                    seen.add(Baggage.carried());
                })
                .join();

        assertThat(seen)
                .containsExactly(
                        Map.of("request", "7"), Map.of("user", "alice"), Map.of("request", "of the thread"), Map.of());
    }

    @Test
    void nothingIsRestoredAsNothing() {
        CarriedContext nothing = CarriedContext.capture();
        MDC.put("request", "7");
        ContextCarrier.Scope scope = nothing.restore();
        Map<String, String> during = MDC.getCopyOfContextMap();
        MDC.put("left", "behind");
        scope.close();

        assertThat(nothing.isNothing()).isTrue();
        assertThat(during == null || during.isEmpty()).isTrue();
        assertThat(MDC.getCopyOfContextMap()).isEqualTo(Map.of("request", "7"));
    }

    @Test
    void textNamesTheCarriersAndShowsNoValues() {
        assertThat(CarriedContext.providedCarriers()).containsExactly(Baggage.class.getName());
        assertThat(CarriedContext.nothing()).hasToString("CarriedContext[nothing]");
        Baggage.put("user", "alice");
        assertThat(CarriedContext.capture().toString())
                .startsWith("CarriedContext@")
                .doesNotContain("alice");
        assertThat(new MdcCarrier()).hasToString("MdcCarrier");
    }

    @Test
    void carrierThatThrowsAtSubmissionIsLogged() {
        log.begin();
        MDC.put("request", "7");
        Baggage.failWith(new IllegalStateException("no luck"));

        CarriedContext context = CarriedContext.capture();
        assertThat(CarriedContext.captureText()).isEqualTo(Map.of(MdcCarrier.class.getName(), Map.of("request", "7")));

        assertThat(context.isNothing()).isFalse();
        assertThat(log.lines).hasSize(2).allSatisfy(line -> {
            assertThat(line.getMessage()).contains("The step 'capture' of " + Baggage.class.getName() + " failed");
            assertThat(line.getThrown()).hasMessage("no luck");
        });
    }

    @Test
    void anErrorOfTheVirtualMachineInACarrierReachesTheSubmitter() {
        Baggage.failWith(new OutOfMemoryError("on purpose"));

        assertThatThrownBy(CarriedContext::capture).isInstanceOf(OutOfMemoryError.class);
        assertThatThrownBy(CarriedContext::captureText).isInstanceOf(OutOfMemoryError.class);
    }

    @Test
    void textIsSortedByCarrier() {
        assertThat(CarriedContext.captureText()).isEmpty();
        MDC.put("request", "7");
        Baggage.put("user", "alice");

        assertThat(CarriedContext.captureText())
                .isEqualTo(Map.of(
                        MdcCarrier.class.getName(), Map.of("request", "7"),
                        Baggage.class.getName(), Map.of("user", "alice")));
    }

    @Test
    void aThreadThatCarriesNothingAllocatesNothing() throws InterruptedException {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        var allocated = new long[1];
        Thread.ofPlatform()
                .start(() -> {
                    capture(10_000); // until it is compiled
                    long before = threads.getCurrentThreadAllocatedBytes();
                    capture(100_000);
                    allocated[0] = threads.getCurrentThreadAllocatedBytes() - before;
                })
                .join();

        assertThat(allocated[0]).isLessThan(10_000);
    }

    private static void capture(int times) {
        for (int i = 0; i < times; i++) {
            assert CarriedContext.capture().isNothing()
                    && CarriedContext.captureText().isEmpty();
        }
    }

    /** A carrier that throws at one of its steps. */
    private record Failing(String step) implements ContextCarrier {
        private void fail(String here) {
            if (here.equals(step)) {
                throw new IllegalStateException("no luck in " + step);
            }
        }

        @Override
        public Map<String, String> capture() {
            fail("capture");
            return Map.of("some", "thing");
        }

        @Override
        public Scope restore(Map<String, String> context) {
            fail("restore");
            return () -> fail("close");
        }
    }

    @Test
    void aCarrierThatThrowsIsLoggedAndTheOthersGoOn() {
        log.begin();
        for (String step : List.of("restore", "close")) {
            log.lines.clear();
            Map<ContextCarrier, Map<String, String>> contexts = new LinkedHashMap<>();
            contexts.put(new Failing(step), Map.of("some", "thing"));
            contexts.put(new Baggage(), Map.of("user", "alice"));
            contexts.put(new Failing("nowhere"), Map.of());

            ContextCarrier.Scope scope = CarriedContext.restoreText(contexts);
            assertThat(Baggage.carried()).isEqualTo(Map.of("user", "alice"));
            assertThatCode(scope::close).doesNotThrowAnyException();

            assertThat(Baggage.carried()).isEmpty();
            assertThat(log.lines).singleElement().satisfies(line -> {
                assertThat(line.getMessage())
                        .contains("The step '" + step + "' of " + Failing.class.getName() + " failed")
                        .contains("META-INF/services/dev.trestle.api.ContextCarrier");
                assertThat(line.getThrown()).hasMessage("no luck in " + step);
            });
        }
    }
}
