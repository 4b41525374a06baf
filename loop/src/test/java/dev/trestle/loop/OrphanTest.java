package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.currentTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.timeout;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Code that goes on after its loop was closed without it: its task has ended, and it touches nothing of the loop. */
@Timeout(60)
class OrphanTest {

    private final EventLoop loop = new EventLoop();
    private final BlockingQueue<String> trail = new LinkedBlockingQueue<>();
    private final BlockingQueue<ExceptionContext> reports = new LinkedBlockingQueue<>();
    private final CountDownLatch mayGoOn = new CountDownLatch(1);

    OrphanTest() {
        loop.setSlowCallbackDuration(ofHours(1));
        loop.setExceptionHandler((_, context) -> reports.add(context));
    }

    private void waitUninterruptibly() {
        boolean open = false;
        while (!open) {
            try {
                mayGoOn.await();
                open = true;
            } catch (InterruptedException e) {
                trail.add("interrupted");
            }
        }
    }

    /** Places at which a closed loop abandons code. */
    enum Manner {
        IN_A_BLOCKING_CALL {
            @Override
            void leave(OrphanTest test, Action afterwards) {
                createTask(() -> {
                    try {
                        blocking(test::waitUninterruptibly);
                    } finally {
                        afterwards.run();
                    }
                });
            }
        },
        IN_A_COROUTINE_WITH_THE_BATON {
            @Override
            void leave(OrphanTest test, Action afterwards) {
                createTask(() -> {
                    try {
                        sleep(ofHours(1));
                    } finally {
                        test.waitUninterruptibly();
                        afterwards.run();
                    }
                });
            }
        },
        IN_A_CALLBACK {
            @Override
            void leave(OrphanTest test, Action afterwards) {
                createTask(() -> sleep(ofHours(1))).addDoneCallback(_ -> {
                    test.waitUninterruptibly();
                    try {
                        afterwards.run();
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                });
            }
        };

        /** Called in the main coroutine. */
        abstract void leave(OrphanTest test, Action afterwards);
    }

    /** Operations on a loop. */
    enum Touch {
        AWAIT((_, things) -> await(things.future)),
        SLEEP((_, _) -> sleep(ofMillis(1))),
        YIELD((_, _) -> yieldNow()),
        BLOCKING((_, _) -> blocking(() -> 1)),
        GATHER((_, things) -> gather(things.future)),
        TIMEOUT((_, _) -> timeout(ofSeconds(1), () -> 1)),
        CURRENT_TASK((_, _) -> currentTask()),
        GROUP((_, _) -> TaskGroup.run(group -> {})),
        CREATE_TASK((_, _) -> createTask(() -> 1)),
        CREATE_TASK_IN_THE_LOOP((loop, _) -> loop.createTask(() -> 1)),
        CALL_SOON((loop, _) -> loop.callSoon(() -> {})),
        CALL_LATER((loop, _) -> loop.callLater(ofSeconds(1), () -> {})),
        CALL_SOON_THREADSAFE((loop, _) -> loop.callSoonThreadsafe(() -> {})),
        COMPLETE((_, things) -> things.future.setResult("late")),
        FAIL((_, things) -> things.future.setException(new IllegalStateException("late"))),
        CANCEL_A_FUTURE((_, things) -> things.future.cancel()),
        CANCEL_A_TASK((_, things) -> things.task.cancel()),
        ADD_A_CALLBACK((_, things) -> things.future.addDoneCallback(_ -> {})),
        ACQUIRE((_, things) -> things.lock.acquire()),
        RELEASE((_, things) -> things.lock.release()),
        SET((_, things) -> things.event.set()),
        SET_FOR_THE_FIRST_TIME((_, _) -> new LoopEvent().set()),
        PUT((_, things) -> things.queue.put("late")),
        TRY_PUT((_, things) -> things.queue.tryPut("late")),
        RELEASE_A_PERMIT((_, things) -> things.semaphore.release()),
        LIST_TASKS((loop, _) -> loop.allTasks()),
        CLOSE_WITH_THE_LOOP((loop, _) -> loop.closeWithLoop(() -> {})),
        RUN((loop, _) -> loop.runOnce());

        private interface Deed {
            void of(EventLoop loop, Things things) throws Exception;
        }

        @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
        private final Deed deed;

        Touch(Deed deed) {
            this.deed = deed;
        }
    }

    /** Made and used in the loop before it is closed. */
    private static final class Things {
        private final LoopFuture<String> future = EventLoop.getRunningLoop().createFuture();
        private final Task<?> task = createTask(() -> sleep(ofHours(1)));
        private final LoopLock lock = new LoopLock();
        private final LoopEvent event = new LoopEvent();
        private final LoopQueue<String> queue = LoopQueue.fifo();
        private final LoopSemaphore semaphore = new LoopSemaphore(1);

        Things() {
            lock.acquire();
            event.set();
            event.await();
            event.clear();
            queue.put("before");
            semaphore.acquire();
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyTouchIsRefusedWithASentenceAfterBeingLeft(Manner manner) throws Exception {
        Map<Touch, @Nullable Throwable> refusals = new EnumMap<>(Touch.class);
        var done = new CountDownLatch(1);
        var made = new CountDownLatch(1);
        var things = new Things[1];
        loop.runUntilComplete(() -> {
            things[0] = new Things();
            manner.leave(this, () -> {
                for (Touch touch : Touch.values()) {
                    refusals.put(touch, catchThrowable(() -> touch.deed.of(loop, things[0])));
                }
                done.countDown();
            });
            yieldNow();
            made.countDown();
        });
        loop.close(ofMillis(20));
        assertThat(done.getCount()).as("still hangs").isOne();
        String before = things[0].lock + " " + things[0].event + " " + things[0].queue + " " + things[0].semaphore + " "
                + things[0].future + " " + things[0].task;
        mayGoOn.countDown();
        done.await();

        assertThat(refusals)
                .allSatisfy((touch, refusal) -> assertThat(refusal)
                        .as(touch + "")
                        .isInstanceOf(IllegalStateException.class)
                        .message()
                        .containsAnyOf("has given up on this coroutine", "is closed"));
        assertThat(things[0].lock + " " + things[0].event + " " + things[0].queue + " " + things[0].semaphore + " "
                        + things[0].future + " " + things[0].task)
                .isEqualTo(before);
    }

    @Test
    void closeCancelsABlockingCallThatIgnoresItsInterrupt() throws Exception {
        var thread = new Thread[1];
        Task<?> orphan = loop.runUntilComplete(() -> {
            Task<?> task = createTask(
                    () -> {
                        thread[0] = Thread.currentThread();
                        blocking(this::waitUninterruptibly);
                    },
                    "deaf");
            task.addDoneCallback(_ -> trail.add("done callback"));
            yieldNow();
            return task;
        });
        loop.close(ofMillis(20));

        assertThat(orphan.isCancelled()).isTrue();
        assertThat(loop.toString()).contains("closed, tasks=0");
        assertThat(trail).contains("done callback");
        assertThat(reports)
                .singleElement()
                .satisfies(report ->
                        assertThat(report.message()).contains("Task[deaf").contains("refused to end"));
        mayGoOn.countDown();
        assertThat(thread[0].join(ofSeconds(30))).as("its thread ends").isTrue();
        assertThat(reports).hasSize(1);
    }

    /** Its call ends while the last callbacks run. */
    @Test
    void anOrphanGoesOnWhenTheLastCallbacksHaveRun() throws Exception {
        var wentOn = new CountDownLatch(1);
        var inCallback = new CountDownLatch(1);
        loop.runUntilComplete(() -> {
            Task<?> orphan = createTask(() -> {
                try {
                    blocking(() -> {
                        waitUninterruptibly();
                        inCallback.countDown();
                    });
                } finally {
                    trail.add("orphan");
                    wentOn.countDown();
                }
            });
            orphan.addDoneCallback(_ -> {
                mayGoOn.countDown();
                while (inCallback.getCount() > 0) {
                    Thread.onSpinWait();
                }
                for (int i = 0; i < 100_000; i++) {
                    Thread.onSpinWait(); // the orphan would have time to go on
                }
                trail.add("callback");
            });
            yieldNow();
        });
        loop.close(ofMillis(20));
        wentOn.await();

        assertThat(trail).filteredOn(entry -> !entry.equals("interrupted")).containsExactly("callback", "orphan");
    }

    @Test
    void anOrphanLeavesItsGroupItsLimitAndItsLockWithTheRefusal() throws Exception {
        var thrown = new LinkedBlockingQueue<Throwable>();
        loop.runUntilComplete(() -> {
            createTask(() -> {
                Throwable failure = catchThrowable(() -> TaskGroup.run(group -> {
                    group.createTask(() -> sleep(ofHours(1)));
                    timeout(
                            ofHours(1),
                            () -> blocking(() -> {
                                waitUninterruptibly();
                                throw new IOException("what the call has thrown");
                            }));
                }));
                thrown.add(failure);
            });
            yieldNow();
        });
        loop.close(ofMillis(20));
        mayGoOn.countDown();

        assertThat(thrown.take())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("cannot go on: its loop is closed")
                .hasRootCauseMessage("what the call has thrown");
    }

    @Test
    void anExceptionOfAnOrphanIsReported() throws Exception {
        loop.runUntilComplete(() -> {
            createTask(
                    () -> {
                        try {
                            blocking(this::waitUninterruptibly);
                        } finally {
                            fail("clean-up failed on purpose");
                        }
                    },
                    "orphan");
            yieldNow();
        });
        loop.close(ofMillis(20));
        reports.clear();
        mayGoOn.countDown();

        ExceptionContext report = reports.take();
        assertThat(report.message())
                .startsWith("orphan (created at dev.trestle.loop.OrphanTest")
                .endsWith("failed after its loop was closed");
        assertThat(report.exception()).hasMessage("clean-up failed on purpose");
    }

    private static void fail(String message) {
        throw new IllegalStateException(message);
    }

    /** Between two runs no thread has the baton, so the coroutine does not have it either. */
    @Test
    void aBlockingCallTouchesNothingBetweenTwoRuns() throws Exception {
        var refusal = new LinkedBlockingQueue<Throwable>();
        var mayTouch = new CountDownLatch(1);
        Task<?> task = loop.runUntilComplete(() -> {
            Task<?> caller = createTask(() -> blocking(() -> {
                mayTouch.await();
                refusal.add(catchThrowable(() -> loop.callSoon(() -> trail.add("called"))));
            }));
            yieldNow();
            return caller;
        });
        mayTouch.countDown();
        assertThat(refusal.take())
                .hasMessageContaining("Cannot call something of a loop here. This is inside blocking(...)");
        loop.runUntilComplete(task);
        loop.close();

        assertThat(trail).isEmpty();
    }

    @Test
    void closingInTheCodeOfAnotherLoopIsRefusedWithTheCallToMake() {
        Throwable refusal = EventLoop.run(() -> catchThrowable(loop::close));
        assertThat(refusal)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("in the code of EventLoop[")
                .hasMessageContaining("blocking(() -> loop.close())");
        assertThat(loop.isClosed()).isFalse();

        EventLoop.run(() -> blocking(() -> loop.close()));
        assertThat(loop.isClosed()).isTrue();
    }

    @Test
    void interruptingTheClosingThreadDoesNotKeepItFromClosing() throws Exception {
        var closed = new LinkedBlockingQueue<List<Boolean>>();
        loop.createTask(() -> {
            try {
                sleep(ofHours(1));
            } finally {
                yieldNow();
                trail.add("cleaned up");
            }
        });
        loop.runOnce();
        var resource = new CountDownLatch(1);
        loop.closeWithLoop(() -> {
            try {
                resource.await();
            } catch (InterruptedException e) {
                trail.add("resource was interrupted");
            }
        });
        Thread.ofPlatform().start(() -> {
            Thread.currentThread().interrupt();
            loop.close(ofHours(1));
            closed.add(List.of(loop.isClosed(), Thread.currentThread().isInterrupted()));
        });

        assertThat(closed.take()).containsExactly(true, true);
        assertThat(trail).containsExactly("cleaned up", "resource was interrupted");
        assertThat(reports).isEmpty();
    }
}
