package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The end of a loop: nothing is lost, no thread is left parked, and code that refuses to end is named. */
@Timeout(30)
class LoopShutdownTest {

    private final VirtualClock clock = new VirtualClock();
    private final EventLoop loop = new EventLoop(clock);
    private final List<String> trail = new ArrayList<>();
    private final LinkedBlockingQueue<ExceptionContext> reports = new LinkedBlockingQueue<>();

    LoopShutdownTest() {
        loop.setExceptionHandler((_, context) -> reports.add(context));
    }

    @Test
    void closeLetsCoroutinesCleanUpWithTasksOfTheirOwn() {
        var left = new AtomicReference<Task<?>>();
        loop.runUntilComplete(() -> {
            createTask(() -> {
                try {
                    sleep(ofHours(1));
                } finally {
                    await(createTask(() -> sleep(ofSeconds(3))));
                    trail.add("cleaned up");
                    left.set(createTask(() -> sleep(ofHours(1))));
                }
            });
            yieldNow();
        });
        loop.close();

        assertThat(trail).containsExactly("cleaned up");
        assertThat(left.get().isCancelled()).isTrue();
        assertThat(reports).isEmpty();
    }

    @Test
    void aCoroutineThatRefusesToEndIsNamedAndThrownOut() throws Exception {
        var thread = new AtomicReference<Thread>();
        loop.runUntilComplete(() -> {
            loop.createTask(
                    () -> {
                        thread.set(Thread.currentThread());
                        while (true) {
                            try {
                                await(loop.createFuture());
                            } catch (CancelledError e) {
                                trail.add("swallowed");
                            } catch (IllegalStateException e) {
                                trail.add(e.getMessage());
                                throw e;
                            }
                        }
                    },
                    "stubborn");
            yieldNow();
        });
        loop.close(ofMillis(50));

        assertThat(trail)
                .containsExactly(
                        "swallowed",
                        "stubborn cannot go on: its loop is closed, and it refused to end when it was cancelled");
        assertThat(reports.remove().message())
                .contains("Task[stubborn")
                .contains("(created at dev.trestle.loop.LoopShutdownTest.")
                .contains("refused to end");
        assertThat(thread.get().join(ofSeconds(10))).isTrue();
        assertThat(loop.isClosed()).isTrue();
    }

    @Test
    void aCoroutineThatCatchesEverythingIsNotResumedForEver() {
        var refusals = new AtomicInteger();
        loop.runUntilComplete(() -> {
            createTask(() -> {
                while (true) {
                    try {
                        await(loop.createFuture());
                    } catch (Throwable e) {
                        refusals.incrementAndGet();
                    }
                }
            });
            yieldNow();
        });
        loop.close(ofMillis(50));

        assertThat(loop.isClosed()).isTrue();
        assertThat(refusals).hasValue(1_001); // its cancellation, and a thousand refusals
    }

    /** Takes longer than patience lasts, which is its point; each task takes a hundredth of it. */
    @Test
    void tasksThatCleanUpOneAfterTheOtherHavePatienceEach() {
        var real = new EventLoop();
        real.setExceptionHandler((_, context) -> reports.add(context));
        int count = 150;
        real.runUntilComplete(() -> {
            LoopFuture<@Nullable Void> before = real.createFuture();
            before.setResult(null);
            for (int i = 0; i < count; i++) {
                LoopFuture<@Nullable Void> myTurn = before;
                LoopFuture<@Nullable Void> cleanedUp = real.createFuture();
                before = cleanedUp;
                createTask(() -> {
                    try {
                        sleep(ofHours(1));
                    } finally {
                        await(myTurn);
                        sleep(ofMillis(2));
                        trail.add("cleaned up");
                        cleanedUp.setResult(null);
                    }
                });
            }
            yieldNow();
        });
        long begin = System.nanoTime();
        real.close(ofMillis(250));

        assertThat(System.nanoTime() - begin).isGreaterThan(ofMillis(250).toNanos());
        assertThat(trail).hasSize(count);
        assertThat(reports).isEmpty();
    }

    /** Its patience is longer than the machine stands still, or the test would pass whatever renews it. */
    @Test
    void tasksThatAreCreatedWhileClosingDoNotRenewPatience() {
        var created = new AtomicInteger();
        loop.runUntilComplete(() -> {
            createTask(
                    () -> {
                        while (true) {
                            try {
                                await(createTask(() -> sleep(ofSeconds(1))));
                                created.incrementAndGet();
                            } catch (CancelledError e) {
                                trail.add("swallowed");
                            }
                        }
                    },
                    "hydra");
            yieldNow();
        });
        loop.close(ofMillis(300));

        assertThat(loop.isClosed()).isTrue();
        assertThat(trail).containsExactly("swallowed");
        assertThat(created.get()).isPositive();
        assertThat(reports)
                .anySatisfy(report -> assertThat(report.message())
                        .contains("Task[hydra")
                        .contains("went on for PT0.3S in which no other task ended"));
    }

    @Test
    void closingWithoutPatienceLeavesATurn() {
        loop.runUntilComplete(() -> {
            createTask(() -> {
                try {
                    sleep(ofHours(1));
                } finally {
                    trail.add("cleaned up at once");
                }
            });
            createTask(
                    () -> {
                        try {
                            sleep(ofHours(1));
                        } finally {
                            await(loop.createFuture());
                            trail.add("never");
                        }
                    },
                    "slow");
            yieldNow();
        });
        loop.close(Duration.ZERO);

        assertThat(trail).containsExactly("cleaned up at once");
        assertThat(reports.remove().message()).contains("Task[slow").contains("refused to end");
    }

    @Test
    void aTaskThatFailsWhileItIsCancelledIsReported() {
        loop.runUntilComplete(() -> {
            createTask(
                    () -> {
                        try {
                            sleep(ofHours(1));
                        } finally {
                            throwIllegalState("clean-up failed");
                        }
                    },
                    "cleaner");
            yieldNow();
        });
        loop.close();

        assertThat(reports).hasSize(1).first().satisfies(report -> {
            assertThat(report.message())
                    .contains("cleaner (created at dev.trestle.loop.LoopShutdownTest.")
                    .contains(") failed while its loop was closing");
            assertThat(report.exception()).hasMessage("clean-up failed");
        });
    }

    private static void throwIllegalState(String message) {
        throw new IllegalStateException(message);
    }

    @Test
    void closeInterruptsBlockingCalls() {
        var started = new CountDownLatch(1);
        var interrupted = new CountDownLatch(1);
        loop.runUntilComplete(() -> {
            createTask(() -> blocking(() -> {
                started.countDown();
                try {
                    new CountDownLatch(1).await();
                } finally {
                    interrupted.countDown();
                }
            }));
            blocking(() -> started.await());
        });
        loop.close();

        assertThat(interrupted.getCount()).isZero();
        assertThat(reports).isEmpty();
    }

    @Test
    void closeRunsCallbacksOfCancelledTasksAndOfForeignThreads() {
        Task<?> never = loop.createTask(() -> sleep(ofHours(1)));
        never.addDoneCallback(_ -> trail.add("done"));
        loop.callSoonThreadsafe(() -> trail.add("sent"));
        loop.callLater(ofHours(1), () -> trail.add("timer"));
        loop.close();

        assertThat(trail).containsExactlyInAnyOrder("done", "sent");
        assertThatThrownBy(() -> loop.callSoon(() -> {})).hasMessageContaining("is closed");
        assertThatThrownBy(() -> loop.createTask(() -> {})).hasMessageContaining("is closed");
    }

    @Test
    void closeReportsAnUnretrievedException() {
        loop.runUntilComplete(() -> {
            loop.createTask(
                    () -> {
                        throw new IllegalStateException("not retrieved");
                    },
                    "failed");
            Task<?> seen = createTask(() -> {
                throw new IllegalStateException("retrieved");
            });
            assertThatThrownBy(() -> await(seen)).hasMessage("retrieved");
        });
        loop.close();

        assertThat(reports).hasSize(1).first().satisfies(report -> {
            assertThat(report.message())
                    .contains("The exception of Task[failed] (created at dev.trestle.loop.LoopShutdownTest.")
                    .contains(") was never retrieved")
                    .containsPattern("It left the coroutine at"
                            + " .*LoopShutdownTest\\.lambda\\$.*\\(LoopShutdownTest\\.java:\\d+\\)");
            assertThat(report.exception()).hasMessage("not retrieved");
        });
    }

    @Test
    void anUnretrievedExceptionIsReportedWithItsGarbageFuture() throws Exception {
        loop.runUntilComplete(() -> {
            createTask(() -> {
                throw new IllegalStateException("of a garbage future");
            });
            yieldNow();
        });
        ExceptionContext report = null;
        while (report == null) { // until the class's time limit
            System.gc();
            report = reports.poll(20, TimeUnit.MILLISECONDS);
        }
        loop.close();

        assertThat(report.exception()).hasMessage("of a garbage future");
        assertThat(reports).isEmpty();
    }

    @Test
    void everyResourceIsClosedWhateverAnotherThrows() {
        loop.closeWithLoop(() -> trail.add("first"));
        loop.closeWithLoop(() -> {
            throw new AssertionError("close failed on purpose");
        });
        loop.closeWithLoop(() -> trail.add("last"));
        loop.close();

        assertThat(trail).containsExactly("last", "first");
        assertThat(loop.isClosed()).isTrue();
        assertThat(reports.remove().message()).matches("Closing .*LoopShutdownTest.* with its loop failed");
        assertThat(reports).isEmpty();
    }

    @Test
    void aResourceMayCloseTheLoop() {
        loop.closeWithLoop(() -> trail.add("first"));
        loop.closeWithLoop(() -> {
            loop.close();
            trail.add("last");
        });
        loop.close();

        assertThat(trail).containsExactly("last", "first");
        assertThat(loop.isClosed()).isTrue();
        assertThat(reports).isEmpty();
    }

    @Test
    void aResourceMayRunTheLoopAndItsTasksEnd() {
        var left = new AtomicReference<Task<?>>();
        loop.closeWithLoop(() -> {
            loop.runUntilComplete(() -> {
                left.set(createTask(() -> sleep(ofHours(1))));
                yieldNow();
            });
        });
        loop.close();

        assertThat(left.get().isCancelled()).isTrue();
        assertThat(loop.toString()).contains("closed, tasks=0");
        assertThat(reports).isEmpty();
    }

    @Test
    void aCallbackThatThrowsIsReportedAndTheLoopGoesOn() {
        loop.runUntilComplete(() -> {
            Handle handle = loop.callSoon(() -> throwIllegalState("callback"));
            loop.callSoon(() -> {
                throw new AssertionError("error");
            });
            loop.callSoon(() -> trail.add("after"));
            yieldNow();
            assertThat(reports).hasSize(2);
            assertThat(reports.remove().handle()).isSameAs(handle);
            assertThat(reports.remove().exception()).hasMessage("error");
        });
        loop.close();

        assertThat(trail).containsExactly("after");
    }

    @Test
    void anErrorInACoroutineIsItsOutcomeAndTheLoopGoesOn() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(LoopShutdownTest::overflow);
            assertThatThrownBy(() -> await(task)).isInstanceOf(StackOverflowError.class);
        });
        loop.close();
    }

    @SuppressWarnings("InfiniteRecursion") // its purpose
    private static int overflow() {
        return 1 + overflow();
    }

    @Test
    void closingARunningLoopIsRefused() {
        loop.runUntilComplete(() -> {
            assertThatThrownBy(loop::close).hasMessageContaining("while it is running");
            assertThatThrownBy(loop::runForever).hasMessageContaining("cannot be called while");
        });
        loop.close();
    }

    @Test
    void stopEndsTheTurnAndKeepsTheRestForTheNextRun() {
        loop.callSoon(() -> {
            trail.add("1");
            loop.stop();
            loop.callSoon(() -> trail.add("3"));
        });
        loop.callSoon(() -> trail.add("2"));
        loop.runForever();
        assertThat(trail).containsExactly("1", "2");

        loop.runOnce();
        assertThat(trail).containsExactly("1", "2", "3");
        assertThatThrownBy(() -> {
                    loop.callSoon(loop::stop);
                    loop.runUntilComplete(loop.createFuture());
                })
                .hasMessageContaining("was stopped before");
        loop.close();
    }

    @Test
    void runOnceRunsOneTurnOnTheCallingThreadAndDoesNotWait() {
        Thread me = Thread.currentThread();
        Task<String> task = loop.createTask(() -> {
            trail.add("first");
            yieldNow();
            trail.add("second");
            sleep(ofHours(1));
            return "done";
        });
        loop.callSoon(() -> trail.add("here=" + (Thread.currentThread() == me)
                + EventLoop.getRunningLoop().equals(loop)));
        loop.runOnce();
        assertThat(trail).containsExactly("first", "here=truetrue");
        loop.runOnce();
        loop.runOnce();
        assertThat(trail).containsExactly("first", "here=truetrue", "second");
        assertThat(clock.elapsed()).isZero();

        assertThat(loop.runUntilComplete(task)).isEqualTo("done");
        loop.close();
    }

    @Test
    void interruptingTheThreadThatRunsALoopCancelsTheCoroutine() throws Exception {
        var started = new CountDownLatch(1);
        var outcome = new AtomicReference<Throwable>();
        Thread runner = Thread.ofPlatform().start(() -> {
            try {
                EventLoop.run(() -> {
                    started.countDown();
                    try {
                        sleep(ofHours(1));
                    } finally {
                        trail.add("cleaned up");
                    }
                });
            } catch (CompletionException e) {
                outcome.set(e);
                trail.add("interrupted=" + Thread.currentThread().isInterrupted());
            }
        });
        started.await();
        runner.interrupt();
        runner.join();

        assertThat(trail).containsExactly("cleaned up", "interrupted=true");
        assertThat(outcome.get()).hasCauseInstanceOf(InterruptedException.class);
    }
}
