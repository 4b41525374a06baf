package dev.trestle.loop;

import static dev.trestle.loop.Async.asCompleted;
import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.gatherOutcomes;
import static dev.trestle.loop.Async.shield;
import static dev.trestle.loop.Async.timeout;
import static dev.trestle.loop.Async.waitFor;
import static dev.trestle.loop.Async.waitUntil;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.ReturnWhen;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A wait that a program gives up leaves nothing with the futures that go on, or with what a coroutine waited at. */
@Timeout(30)
class LongLivedFutureTest extends WithLoop {

    private static final int ROUNDS = 20;

    private final Garbage garbage = new Garbage();

    /** A future that never ends. */
    private final LoopFuture<String> longLived = loop.createFuture();

    private final LoopLock lock = new LoopLock();
    private final LoopQueue<String> queue = LoopQueue.fifo();
    private final LoopSemaphore semaphore = new LoopSemaphore(0);
    private final LoopEvent event = new LoopEvent();
    private final LoopCondition condition = new LoopCondition();

    @BeforeEach
    void takeTheLock() {
        loop.runUntilComplete((Action) lock::acquire);
    }

    /** A wait that is given up beside the long-lived future. */
    enum GivenUp {
        AS_COMPLETED_LEFT_EARLY {
            @Override
            void run(LongLivedFutureTest test) {
                var _ = asCompleted(List.of(test.longLived, test.done()))
                        .iterator()
                        .next();
            }
        },
        AS_COMPLETED_LEFT_EARLY_WITH_A_TIME_LIMIT {
            @Override
            void run(LongLivedFutureTest test) {
                var _ = asCompleted(List.of(test.longLived, test.done()), ofHours(1))
                        .iterator()
                        .next();
            }
        },
        UNREAD_AS_COMPLETED {
            @Override
            void run(LongLivedFutureTest test) {
                var _ = asCompleted(List.of(test.longLived, test.done())).iterator();
            }
        },
        GATHER_THAT_FAILED {
            @Override
            void run(LongLivedFutureTest test) {
                LoopFuture<?> all = gather(test.longLived, test.failed());
                assertThatThrownBy(() -> await(all)).hasMessage("on purpose");
            }
        },
        GATHER_OF_A_SHIELD_THAT_FAILED {
            @Override
            void run(LongLivedFutureTest test) {
                LoopFuture<?> all = gather(test.garbage.expect(shield(test.longLived)), test.failed());
                assertThatThrownBy(() -> await(all)).hasMessage("on purpose");
            }
        },
        UNAWAITED_GATHER {
            @Override
            void run(LongLivedFutureTest test) {
                var _ = gather(test.longLived, test.done());
            }
        },
        OUTCOMES_OF_AN_UNAWAITED_SHIELD {
            @Override
            void run(LongLivedFutureTest test) {
                var _ = gatherOutcomes(List.of(test.garbage.expect(shield(test.longLived)), test.done()));
            }
        },
        UNAWAITED_SHIELD {
            @Override
            void run(LongLivedFutureTest test) {
                var _ = test.garbage.expect(shield(shield(test.longLived)));
            }
        },
        SHIELD_WITH_A_REMOVED_CALLBACK {
            @Override
            void run(LongLivedFutureTest test) {
                LoopFuture<String> shield = test.garbage.expect(shield(test.longLived));
                Consumer<LoopFuture<String>> callback = _ -> {};
                shield.addDoneCallback(callback);
                assertThat(shield.removeDoneCallback(callback)).isOne();
            }
        },
        SHIELD_AWAITED_FOR_A_TIME {
            @Override
            void run(LongLivedFutureTest test) {
                LoopFuture<String> shield = test.garbage.expect(shield(test.longLived));
                assertThatThrownBy(() -> waitFor(shield, ofMillis(1))).isInstanceOf(TimeoutException.class);
            }
        },
        WAIT_UNTIL_ONE_IS_DONE {
            @Override
            void run(LongLivedFutureTest test) {
                waitUntil(ReturnWhen.FIRST_COMPLETED, List.of(test.longLived, test.done()));
            }
        },
        WAIT_UNTIL_THE_TIME_IS_OVER {
            @Override
            void run(LongLivedFutureTest test) {
                waitUntil(ReturnWhen.ALL_COMPLETED, List.of(test.longLived, test.done()), ofMillis(1));
            }
        },
        TIME_LIMIT_THAT_IS_NOT_REACHED {
            @Override
            void run(LongLivedFutureTest test) throws Exception {
                timeout(ofHours(1), () -> await(test.done()));
            }
        },
        TASK_CANCELLED_AT_A_SHIELD {
            @Override
            void run(LongLivedFutureTest test) {
                test.cancelled(() -> await(test.garbage.expect(shield(test.longLived))));
            }
        },
        TASK_CANCELLED_AT_A_LOCK {
            @Override
            void run(LongLivedFutureTest test) {
                test.cancelled(test.lock::acquire);
            }
        },
        TASK_CANCELLED_AT_A_CONDITION {
            @Override
            void run(LongLivedFutureTest test) {
                test.cancelled(() -> {
                    test.condition.acquire();
                    try {
                        test.condition.await();
                    } finally {
                        test.condition.release();
                    }
                });
            }
        },
        TASK_CANCELLED_AT_AN_EMPTY_QUEUE {
            @Override
            void run(LongLivedFutureTest test) {
                test.cancelled(test.queue::get);
            }
        },
        TASK_CANCELLED_AT_A_SEMAPHORE {
            @Override
            void run(LongLivedFutureTest test) {
                test.cancelled(test.semaphore::acquire);
            }
        },
        TASK_CANCELLED_AT_AN_EVENT {
            @Override
            void run(LongLivedFutureTest test) {
                test.cancelled(test.event::await);
            }
        };

        abstract void run(LongLivedFutureTest test) throws Exception;
    }

    /** Returns a future that is done, and is to be collected. */
    private LoopFuture<String> done() {
        LoopFuture<String> future = garbage.expect(loop.createFuture());
        future.setResult("done");
        return future;
    }

    /** Returns a task that fails, and is to be collected. */
    private Task<String> failed() {
        return garbage.expect(createTask(() -> {
            throw new IllegalStateException("on purpose");
        }));
    }

    /** Starts a coroutine, which is to be collected, and cancels it where it waits. */
    private void cancelled(Action wait) {
        Task<?> task = garbage.expect(createTask(wait));
        yieldNow();
        task.cancel();
        assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledError.class);
    }

    @ParameterizedTest
    @EnumSource
    void aWaitThatIsGivenUpIsCollected(GivenUp wait) {
        for (int i = 0; i < ROUNDS; i++) {
            loop.runUntilComplete(() -> wait.run(this));
        }

        int most = 3; // a chain of shields takes as many rounds as it is long
        for (int i = 0; i < 10 && (garbage.left() > most || longLived.callbackCount() > most); i++) {
            System.gc();
            loop.runUntilComplete(() -> wait.run(this));
        }
        assertThat(garbage.left()).as("left in memory").isLessThanOrEqualTo(most);
        assertThat(longLived.callbackCount())
                .as("callbacks of the long-lived future")
                .isLessThanOrEqualTo(most);
        assertThat(loop.baton().timerCount()).as("timers").isLessThanOrEqualTo(most);
        assertThat(loop.allTasks()).as("tasks").isEmpty();
        assertThat(List.of(lock.waiting(), condition.waiting(), semaphore.waiting(), event.waiting()))
                .as("waiters")
                .containsOnly(0);
        assertThat(queue.statistics().getters()).as("getters").isZero();
    }

    /** The program keeps only the future inside, and what the callback is for. */
    @Test
    void callbackOfAnUnreferencedShieldOrGatherRuns() {
        loop.runUntilComplete(() -> {
            shield(shield(longLived)).addDoneCallback(done -> trail.add("shield: " + done.result()));
            gather(shield(longLived), longLived).addDoneCallback(done -> trail.add("gather: " + done.result()));
            createTask(() -> trail.add("task: " + await(shield(longLived))));
            yieldNow();
            for (int i = 0; i < 4; i++) {
                System.gc();
                var _ = asCompleted(List.of(longLived)).iterator(); // lets what is garbage leave
            }
            longLived.setResult("x");
            for (int i = 0; i < 5; i++) {
                yieldNow();
            }
        });

        assertThat(trail).containsExactlyInAnyOrder("shield: x", "gather: [x, x]", "task: x");
    }

    /** The only reference to the iterator is on the stack of the coroutine that waits for it. */
    @Test
    void coroutineGetsTheNextFutureOfAnUnreferencedIterator() {
        loop.runUntilComplete(() -> {
            var read = new ArrayList<Task<?>>();
            for (int i = 0; i < 3; i++) {
                int number = i;
                read.add(createTask(() -> {
                    for (LoopFuture<String> each : asCompleted(List.of(longLived), ofHours(1))) {
                        trail.add(number + each.result());
                    }
                }));
            }
            yieldNow();
            System.gc();
            var _ = asCompleted(List.of(longLived)).iterator();
            longLived.setResult("x");
            await(gather(read));
        });

        assertThat(trail).containsExactly("0x", "1x", "2x");
    }
}
