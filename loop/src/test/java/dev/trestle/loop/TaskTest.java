package dev.trestle.loop;

import static dev.trestle.loop.Async.allTasks;
import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.currentTask;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Names, outcomes, awaited futures, and the paths of cancellations. */
@Timeout(30)
class TaskTest extends WithLoop {

    @Test
    void aTaskThatIsDoneHoldsNoThread() {
        List<WeakReference<Thread>> threads = new ArrayList<>();
        List<Task<?>> kept = new ArrayList<>();
        EventLoop.run(() -> {
            for (int i = 0; i < 3; i++) {
                kept.add(createTask(() -> {
                    threads.add(new WeakReference<>(Thread.currentThread()));
                    yieldNow();
                }));
            }
            kept.forEach(Async::await);
        });

        while (threads.stream().anyMatch(each -> each.get() != null)) {
            System.gc();
            Thread.onSpinWait();
        }
        assertThat(kept).allMatch(Task::isDone);
    }

    @Test
    void aTaskHasANumberedNameUntilItGetsAnother() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(() -> sleep(ofHours(1)));
            assertThat(task.name()).matches("Task-\\d+");
            assertThat(createTask(() -> 1, "given").name()).isEqualTo("given");
            task.setName("renamed");
            assertThat(task).hasToString("Task[renamed, pending]");
            yieldNow();
            assertThat(task.toString()).startsWith("Task[renamed, pending, awaiting LoopFuture@");
        });
    }

    @Test
    void aTaskEndsAsItsCoroutineEnds() {
        loop.runUntilComplete(() -> {
            assertThat(await(createTask(() -> 42))).isEqualTo(42);
            Task<?> unchecked = createTask(() -> {
                throw new IllegalStateException("unchecked");
            });
            assertThatThrownBy(() -> await(unchecked)).isInstanceOf(IllegalStateException.class);
            Task<?> checked = createTask(() -> {
                throw new IOException("checked");
            });
            assertThatThrownBy(() -> await(checked))
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(IOException.class);
            assertThat(checked.exception()).get().isInstanceOf(IOException.class);
        });
    }

    @Test
    void aTaskMayReturnAFutureThatIsNotAwaited() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            assertThat(await(createTask(() -> future))).isSameAs(future);
        });
    }

    @Test
    void aTaskThatThrowsACancelledErrorOfItsOwnIsCancelled() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(() -> {
                throw new CancelledError("of its own");
            });
            assertThatThrownBy(() -> await(task))
                    .isInstanceOf(CancelledError.class)
                    .hasMessage("of its own");
            assertThat(task.isCancelled()).isTrue();
            assertThat(task.cancelling()).isZero();
        });
    }

    @Test
    void currentTaskIsTheRunningTaskAndEmptyInACallback() {
        loop.runUntilComplete(() -> {
            Task<?> main = currentTask();
            Task<?> other = createTask(
                    () -> {
                        trail.add(currentTask().name());
                        yieldNow();
                        trail.add(currentTask().name());
                    },
                    "other");
            loop.callSoon(() -> trail.add("callback " + loop.currentTask()));
            yieldNow();
            assertThat(currentTask()).isSameAs(main);
            await(other);
            assertThat(currentTask()).isSameAs(main);
        });

        assertThat(trail).containsExactly("other", "callback null", "other");
        assertThatThrownBy(Async::currentTask).hasMessageContaining("No event loop is running");
    }

    @Test
    void allTasksAreThePendingOnes() {
        loop.runUntilComplete(() -> {
            Task<?> done = createTask(() -> 1);
            Task<?> pending = createTask(() -> sleep(ofHours(1)));
            assertThat(allTasks()).containsExactly(currentTask(), done, pending);
            yieldNow();
            assertThat(allTasks()).containsExactly(currentTask(), pending);
            List<Task<?>> before = allTasks();
            pending.cancel();
            yieldNow();
            assertThat(before).as("a copy").hasSize(2);
        });
    }

    @Test
    void aTaskThatAwaitsItselfIsRefused() {
        loop.runUntilComplete(() -> {
            Task<?> self = createTask(() -> assertThatThrownBy(() -> await(currentTask()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("cannot await itself"));
            await(self);
        });
    }

    @Test
    void aTaskWithoutAReferenceGoesOn() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            createTask(() -> trail.add(await(future)));
            yieldNow();
            System.gc();
            future.setResult("went on");
            yieldNow();
        });

        assertThat(trail).containsExactly("went on");
    }

    @Test
    void aTaskThatIsDoneIsNotCancelledAndItsCountStands() {
        loop.runUntilComplete(() -> {
            Task<?> done = createTask(() -> 1);
            await(done);
            assertThat(done.cancel()).isFalse();
            assertThat(done.cancelling()).isZero();
            assertThat(done.uncancel()).as("never below zero").isZero();

            Task<?> cancelled = createTask(() -> sleep(ofHours(1)));
            yieldNow();
            assertThat(cancelled.cancel()).isTrue();
            assertThat(cancelled.cancel()).isTrue();
            yieldNow();
            assertThat(cancelled.isCancelled()).isTrue();
            assertThat(cancelled.cancelling()).isEqualTo(2);
            assertThat(cancelled.uncancel()).isEqualTo(1);
            assertThat(cancelled.isCancelled()).isTrue();
        });
    }

    @Test
    void aTaskCancelledBeforeItsStartHasTheMessage() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(() -> trail.add("never"));
            task.cancel("too early");
            assertThatThrownBy(() -> await(task))
                    .isInstanceOf(CancelledError.class)
                    .hasMessage("too early");
        });

        assertThat(trail).isEmpty();
    }

    @Test
    void aTaskThatCatchesItsCancellationHasItsResult() {
        loop.runUntilComplete(() -> {
            Task<Integer> task = createTask(() -> {
                try {
                    sleep(ofHours(1));
                    return 1;
                } catch (CancelledError e) {
                    return 2;
                }
            });
            yieldNow();
            task.cancel();
            assertThat(await(task)).isEqualTo(2);
            assertThat(task.isCancelled()).isFalse();
        });
    }

    @Test
    void aTaskThatFailsWhenItIsCancelledHasFailed() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(() -> {
                try {
                    sleep(ofHours(1));
                } finally {
                    fail();
                }
            });
            yieldNow();
            task.cancel();
            assertThatThrownBy(() -> await(task)).hasMessage("while cleaning up");
            assertThat(task.isCancelled()).isFalse();
        });
    }

    private static void fail() {
        throw new IllegalStateException("while cleaning up");
    }

    @Test
    void aTaskWhoseFutureIsCancelledIsCancelled() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            Task<?> task = createTask(() -> await(future));
            yieldNow();
            future.cancel("the future");
            assertThatThrownBy(() -> await(task))
                    .isInstanceOf(CancelledError.class)
                    .hasMessage("the future");
            assertThat(task.isCancelled()).isTrue();
        });
    }

    @Test
    void aTaskAndItsFutureCancelledInOneTurnAreCancelledOnce() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            Task<?> task = createTask(() -> {
                try {
                    await(future);
                } catch (CancelledError e) {
                    trail.add("cancelled");
                }
                sleep(ofSeconds(1));
                trail.add("went on");
            });
            yieldNow();
            future.cancel();
            assertThat(task.cancel()).isTrue();
            await(task);
        });

        assertThat(trail).containsExactly("cancelled", "went on");
    }

    @Test
    void aCancelWinsOverAFailureOfTheSameTurn() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            Task<?> task = createTask(() -> await(future));
            yieldNow();
            future.setException(new IllegalStateException("lost to the cancellation"));
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledError.class);
            assertThat(future.exception()).isPresent();
        });
    }

    @Test
    void aTaskThatAwaitsACancelledTaskIsCancelledWithItsMessage() {
        loop.runUntilComplete(() -> {
            Task<?> inner = createTask(() -> sleep(ofHours(1)));
            Task<?> outer = createTask(() -> await(inner));
            yieldNow();
            outer.cancel("from outside");
            assertThatThrownBy(() -> await(outer)).hasMessage("from outside");
            assertThat(inner.isCancelled()).isTrue();
        });
    }

    @Test
    void aTaskThatIsCancelledInAYieldIsCancelledThere() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(() -> {
                yieldNow();
                trail.add("never");
            });
            yieldNow();
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledError.class);
        });

        assertThat(trail).isEmpty();
    }

    @Test
    void innerUncancelLeavesTheCountOfOuterBlocks() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(() -> {
                try {
                    sleep(ofHours(1));
                } catch (CancelledError e) {
                    trail.add("requests " + currentTask().cancelling());
                    currentTask().uncancel();
                }
                sleep(ofSeconds(1));
                trail.add("requests " + currentTask().cancelling());
            });
            yieldNow();
            task.cancel();
            await(task);
        });

        assertThat(trail).containsExactly("requests 1", "requests 0");
    }

    @Test
    void sleepingForNoTimeTakesOneTurn() {
        loop.runUntilComplete(() -> {
            Task<?> other = createTask(() -> {
                for (int i = 0; i < 3; i++) {
                    trail.add("other " + i);
                    yieldNow();
                }
            });
            for (int i = 0; i < 3; i++) {
                sleep(java.time.Duration.ZERO);
                trail.add("main " + i);
            }
            await(other);
        });

        assertThat(trail).containsExactly("other 0", "main 0", "other 1", "main 1", "other 2", "main 2");
        assertThat(clock.elapsed()).isZero();
    }

    @Test
    void aSleepTakesItsTimeAndANegativeOneIsRefused() {
        loop.runUntilComplete(() -> {
            sleep(ofSeconds(3));
            assertThat(clock.elapsed()).isEqualTo(ofSeconds(3));
            assertThatThrownBy(() -> sleep(ofSeconds(-1)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("The delay is negative");
        });
    }
}
