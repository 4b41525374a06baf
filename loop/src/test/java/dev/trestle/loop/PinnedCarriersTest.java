package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static java.time.Duration.ofMillis;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import jdk.management.VirtualThreadSchedulerMXBean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * More virtual threads than there are carriers wait where they cannot leave their carrier: in static initializers. In
 * JVMs of their own, which have two carriers, since all loops of a JVM are concerned.
 */
@Timeout(90)
class PinnedCarriersTest {

    private static final String TWO_CARRIERS = "-Djdk.virtualThreadScheduler.parallelism=2";

    private static volatile @Nullable LoopFuture<Integer> future;
    private static final CountDownLatch over = new CountDownLatch(1);

    private static int value() {
        return await(requireNonNull(future));
    }

    private static int blocked() {
        try {
            over.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return 1;
    }

    private static final class First {
        static final int VALUE = value();
    }

    private static final class Second {
        static final int VALUE = value();
    }

    private static final class Third {
        static final int VALUE = value();
    }

    private static final class Fourth {
        static final int VALUE = value();
    }

    @Test
    void loopsGoOnWhileMoreCoroutinesThanCarriersArePinned() throws Exception {
        List<String> lines = ChildJvm.run(FourCoroutines.class, TWO_CARRIERS);

        assertThat(lines).contains("it slept", "another loop has run", "sum 10", "carriers again 2");
        assertThat(String.join("\n", lines))
                .contains("carriers of virtual threads are kept by threads that wait, so event loops stood still;")
                .containsPattern(
                        "Task\\[pinned \\d] \\(created at [^)]+\\)\\) of EventLoop\\[trestle-loop-\\d+, running,"
                                + " tasks=\\d+] in the static initializer of"
                                + " dev\\.trestle\\.loop\\.PinnedCarriersTest\\$(First|Second|Third|Fourth)\n"
                                + "    at ")
                .doesNotContain("Task[sleeper] (created at", "still does");
    }

    static final class FourCoroutines {
        public static void main(String[] args) {
            EventLoop.run(() -> {
                EventLoop loop = EventLoop.getRunningLoop();
                LoopFuture<Integer> source = loop.createFuture();
                future = source;
                Task<Integer> first = createTask(() -> First.VALUE, "pinned 1");
                Task<Integer> second = createTask(() -> Second.VALUE, "pinned 2");
                Task<Integer> third = createTask(() -> Third.VALUE, "pinned 3");
                Task<Integer> fourth = createTask(() -> Fourth.VALUE, "pinned 4");
                Task<?> sleeper = createTask(
                        () -> {
                            sleep(ofMillis(20));
                            System.out.println("it slept");
                            return 1;
                        },
                        "sleeper");
                await(sleeper);
                var another = new LoopPromise<Integer>(loop, () -> {});
                Thread.ofPlatform()
                        .start(() -> another.trySetResult(EventLoop.run(() -> {
                            sleep(ofMillis(1));
                            return 4;
                        })));
                System.out.println(await(another.future()) == 4 ? "another loop has run" : "");
                source.setResult(1);
                int sum = 0;
                for (Task<Integer> each : List.of(first, second, third, fourth)) {
                    sum += await(each);
                }
                System.out.println("sum " + (sum + 6));
                awaitCarriers(2);
            });
        }
    }

    private static final class Fifth {
        static final int VALUE = blocked();
    }

    private static final class Sixth {
        static final int VALUE = blocked();
    }

    /** Begins the jam by threads that are not the loop's, while no loop runs. */
    @Test
    void aLoopStartsWhileOtherVirtualThreadsKeepAllCarriers() throws Exception {
        List<String> lines = ChildJvm.run(OtherThreads.class, TWO_CARRIERS);

        assertThat(lines).contains("it slept", "carriers again 2");
        assertThat(String.join("\n", lines))
                .containsPattern("No coroutine is pinned: look at the other virtual threads, with jcmd \\d+ ");
    }

    static final class OtherThreads {
        public static void main(String[] args) throws Exception {
            startPinned();
            EventLoop.run(() -> {
                sleep(ofMillis(20));
                System.out.println("it slept");
                over.countDown();
                awaitCarriers(2);
            });
        }
    }

    private static void startPinned() {
        Thread.ofVirtual().start(() -> System.out.println(Fifth.VALUE));
        Thread.ofVirtual().start(() -> System.out.println(Sixth.VALUE));
        VirtualThreadSchedulerMXBean scheduler =
                ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class);
        while (scheduler.getMountedVirtualThreadCount() < 2) {
            Thread.onSpinWait();
        }
    }

    @Test
    void theWarningSaysThatTheJdkAllowsNoMoreCarriers() throws Exception {
        List<String> lines = ChildJvm.run(Bounded.class, TWO_CARRIERS, "-Djdk.virtualThreadScheduler.maxPoolSize=2");

        assertThat(lines).contains("it slept in the end");
        assertThat(String.join("\n", lines))
                .contains("All 2 carriers of virtual threads are kept by threads that wait, so event loops stood still;"
                        + " the JDK allows no more carriers (jdk.virtualThreadScheduler.maxPoolSize), so these"
                        + " loops stand still until one of them goes on.");
    }

    static final class Bounded {
        public static void main(String[] args) {
            java.util.logging.Logger.getLogger(EventLoop.class.getName()).addHandler(new Release());
            startPinned();
            EventLoop.run(() -> sleep(ofMillis(20)));
            System.out.println("it slept in the end");
        }
    }

    /** Ends the jam when the warning about it was logged. */
    private static final class Release extends java.util.logging.Handler {
        @Override
        public void publish(java.util.logging.LogRecord line) {
            if (line.getMessage().contains("allows no more carriers")) {
                System.out.println(line.getMessage()); // before the program ends
                over.countDown();
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }

    @Test
    void aLoopRunsWithoutTheModulesOfManagement() throws Exception {
        List<String> lines = ChildJvm.run(Plain.class, "--limit-modules=java.base");

        assertThat(lines).contains("it held the baton and slept");
    }

    /** Holds the baton until the slow-callback detector has logged a warning. */
    static final class Plain {
        public static void main(String[] args) {
            EventLoop.run(() -> {
                EventLoop.getRunningLoop().setSlowCallbackDuration(ofMillis(20));
                while (Thread.getAllStackTraces().keySet().stream()
                        .noneMatch(each -> each.getName().equals("trestle-watch-log"))) {
                    Thread.onSpinWait();
                }
                sleep(ofMillis(20));
                System.out.println("it held the baton and slept");
            });
        }
    }

    private static void awaitCarriers(int carriers) {
        VirtualThreadSchedulerMXBean scheduler =
                ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class);
        while (scheduler.getParallelism() != carriers) {
            sleep(ofMillis(10));
        }
        System.out.println("carriers again " + carriers);
    }
}
