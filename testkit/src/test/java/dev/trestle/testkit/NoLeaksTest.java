package dev.trestle.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import dev.trestle.loop.Async;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopEvent;
import dev.trestle.loop.Task;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.threadpool.ThreadPool;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** Tests that leave something behind. This class runs the tests of its nested classes, most of which fail. */
@Timeout(60)
class NoLeaksTest {

    /** The things that the inner tests have left, to be closed here. */
    private static final List<AutoCloseable> left = new ArrayList<>();

    /** Runs the tests of a class; returns the messages of the failures. */
    private static List<String> failures(Class<?> tests) throws Exception {
        var messages = new ArrayList<String>();
        var request = LauncherDiscoveryRequestBuilder.request()
                .selectors(selectClass(tests))
                .configurationParameter("junit.jupiter.conditions.deactivate", "*")
                .build();
        LauncherFactory.create().execute(request, new TestExecutionListener() {
            @Override
            public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                Optional<Throwable> thrown = result.getThrowable();
                thrown.ifPresent(each -> messages.add(String.valueOf(each)));
            }
        });
        for (AutoCloseable each : left) {
            each.close();
        }
        left.clear();
        return messages;
    }

    private static <T extends AutoCloseable> T leave(T resource) {
        left.add(resource);
        return resource;
    }

    @NoLeaks
    static class LeavesAThreadPool {
        @Test
        void leaves() {
            leave(new ThreadPool(1)).submit(() -> 1).result();
        }
    }

    @Test
    void aThreadPoolIsNamedWithThePlaceOfItsCreation() throws Exception {
        assertThat(failures(LeavesAThreadPool.class))
                .singleElement()
                .satisfies(message -> assertThat(message)
                        .startsWith("dev.trestle.testkit.LeakError: The test leaves() left behind")
                        .contains("ThreadPool[")
                        .contains(
                                "created at dev.trestle.testkit.NoLeaksTest$LeavesAThreadPool.leaves(NoLeaksTest.java:")
                        .contains("@NoLeaks(sharedByClass = true)"));
    }

    @NoLeaks
    static class LeavesALoop {
        @Test
        void leaves() {
            var loop = leave(new EventLoop());
            loop.runUntilComplete(() -> {
                Task<?> waiting = Async.createTask(() -> new LoopEvent().await(), "the one that waits");
                Async.yieldNow();
                assertThat(waiting.isDone()).isFalse();
            });
        }
    }

    @Test
    void aLoopIsNamedWithItsTasks() throws Exception {
        assertThat(failures(LeavesALoop.class))
                .singleElement()
                .satisfies(message -> assertThat(message)
                        .contains("EventLoop[")
                        .contains("the one that waits")
                        .contains("created at dev.trestle.testkit.NoLeaksTest$LeavesALoop.leaves"));
    }

    @NoLeaks
    static class LeavesWorkers {
        @Test
        void leaves() {
            leave(ProcessPool.builder().workers(1).aotCache(false).build())
                    .submit(() -> 1)
                    .result();
        }
    }

    @Test
    void aProcessPoolIsNamedWithTheProcessesOfItsWorkers() throws Exception {
        assertThat(failures(LeavesWorkers.class))
                .singleElement()
                .satisfies(message -> assertThat(message)
                        .containsPattern("ProcessPool\\[.*, processes \\[\\d+]")
                        .contains("NoLeaksTest$LeavesWorkers.leaves"));
    }

    @NoLeaks
    static class LeavesAProcess {
        @Test
        void leaves() throws IOException {
            Process process = new ProcessBuilder("sleep", "60").start();
            leave(() -> process.destroyForcibly().waitFor());
        }
    }

    @Test
    void aProcessIsNamedWithItsCommand() throws Exception {
        assertThat(failures(LeavesAProcess.class))
                .singleElement()
                .satisfies(message -> assertThat(message).containsPattern("the process \\d+, .*sleep"));
    }

    @NoLeaks
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    static class LeavesACallInASharedPool {
        private final CountDownLatch end = new CountDownLatch(1);
        private @Nullable ThreadPool pool;

        @BeforeAll
        void open() {
            pool = new ThreadPool(1);
        }

        @Test
        void leaves() {
            if (pool != null) {
                var _ = pool.submit(() -> {
                    end.await();
                    return 1;
                });
            }
        }

        @AfterAll
        void close() {
            end.countDown();
            if (pool != null) {
                pool.close();
            }
        }
    }

    @Test
    void aCallThatIsLeftInASharedPoolFailsTheTestThatLeftIt() throws Exception {
        assertThat(failures(LeavesACallInASharedPool.class))
                .singleElement()
                .satisfies(message -> assertThat(message)
                        .contains("The test leaves()")
                        .contains("calls or tasks, 1 more than before, in ThreadPool["));
    }

    @NoLeaks(sharedByClass = true)
    static class SharesAPoolThatIsNeverClosed {
        private static @Nullable ThreadPool pool;

        @Test
        void first() {
            use();
        }

        @Test
        void second() {
            use();
        }

        private static void use() {
            if (pool == null) {
                pool = leave(new ThreadPool(1));
            }
        }
    }

    @Test
    void aSharedPoolThatIsNeverClosedFailsTheClass() throws Exception {
        assertThat(failures(SharesAPoolThatIsNeverClosed.class))
                .singleElement()
                .satisfies(
                        message -> assertThat(message).contains("The tests of ").contains("ThreadPool["));
    }

    @NoLeaks
    static class LeavesNothing {
        @AutoClose
        private final ThreadPool field = new ThreadPool(1);

        @Test
        void usesAField() {
            assertThat(field.submit(() -> 1).result()).isEqualTo(1);
        }

        @Test
        void closesWhatItOpens() {
            try (var pool = new InProcessPool(1)) {
                assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
            }
            EventLoop.run(() -> Async.createTask(() -> new LoopEvent().await()));
        }

        @Test
        void shutsDown() {
            var pool = new ThreadPool(1);
            var _ = pool.submit(() -> 1);
            pool.shutdown(); // and does not wait
        }
    }

    @Test
    void aTestThatLeavesNothingPasses() throws Exception {
        assertThat(failures(LeavesNothing.class)).isEmpty();
    }
}
