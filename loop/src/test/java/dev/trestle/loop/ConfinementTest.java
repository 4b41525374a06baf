package dev.trestle.loop;

import static java.time.Duration.ZERO;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMinutes;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Threads at a loop that does not run at this moment: programs that call runOnce spend most of their time between two
 * turns.
 */
@Timeout(60)
class ConfinementTest {

    @AutoClose
    private final EventLoop loop = new EventLoop();

    private static <T extends @Nullable Object> T onAnotherThread(Coroutine<T> action) {
        var result = new CompletableFuture<T>();
        Thread thread = Thread.ofPlatform().daemon().start(() -> {
            try {
                result.complete(action.run());
            } catch (Throwable e) {
                result.completeExceptionally(e);
            }
        });
        try {
            if (!thread.join(ofSeconds(20))) {
                throw new AssertionError(
                        "It waits on " + thread + " and was not refused: " + List.of(thread.getStackTrace()));
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return result.join();
    }

    /**
     * The other thread cancels timers while this one, between two turns, adds timers and cancels some: both would
     * change the heap at once. Those that are left fire once each.
     */
    @Test
    void anotherThreadCancelsTimersBetweenTurns() throws Exception {
        int rounds = 60_000;
        var toCancel = new ConcurrentLinkedQueue<TimerHandle>();
        int[] fired = new int[rounds];
        Throwable[] thrown = {null};
        var done = new CompletableFuture<Void>();
        Thread canceller = Thread.ofPlatform()
                .start(() -> thrown[0] = catchThrowable(() -> {
                    while (!done.isDone() || !toCancel.isEmpty()) {
                        TimerHandle timer = toCancel.poll();
                        if (timer != null) {
                            timer.cancel();
                        }
                    }
                }));
        for (int i = 0; i < rounds; i++) {
            int number = i;
            toCancel.add(loop.callLater(ofMinutes(60 - i % 60), () -> fired[number] += 100));
            TimerHandle mine = loop.callLater(ofHours(1), () -> fired[number] += 100);
            loop.callLater(ZERO, () -> fired[number]++);
            mine.cancel();
            if (i % 100 == 0) {
                loop.runOnce();
            }
        }
        done.complete(null);
        canceller.join();
        loop.runOnce();
        loop.runOnce();

        assertThat(thrown).containsNull();
        assertThat(fired).containsOnly(1);
        assertThat(loop.baton().timerCount()).isZero();
    }

    @Test
    void theOwnerSchedulesAndCancelsBetweenItsTurns() {
        var trail = new ArrayList<String>();
        loop.runOnce();
        TimerHandle cancelled = loop.callLater(ZERO, () -> trail.add("cancelled"));
        loop.callLater(ZERO, () -> trail.add("timer"));
        loop.callSoon(() -> trail.add("callback"));
        loop.createTask(() -> trail.add("coroutine"));
        cancelled.cancel();
        assertThat(cancelled.isCancelled()).isTrue();
        loop.runOnce();
        assertThat(trail).containsExactly("callback", "coroutine", "timer");
    }

    /** Operations that only the loop's own code may perform. */
    enum Use {
        CALL_SOON(loop -> loop.callSoon(() -> {})),
        CALL_LATER(loop -> loop.callLater(ofHours(1), () -> {})),
        CREATE_A_TASK(loop -> loop.createTask(() -> {})),
        COMPLETE_A_FUTURE(loop -> loop.createFuture().setResult("done")),
        CANCEL_A_FUTURE(loop -> loop.createFuture().cancel()),
        ADD_A_CALLBACK(loop -> loop.createFuture().addDoneCallback(_ -> {})),
        CREATE_A_PROMISE(loop -> new LoopPromise<>(loop, () -> {})),
        SET_THE_TASK_FACTORY(loop -> loop.setTaskFactory(null)),
        LIST_TASKS(EventLoop::allTasks),
        READ_THE_TIME(EventLoop::time);

        @FunctionalInterface
        private interface Call {
            void make(EventLoop loop);
        }

        @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
        private final Call call;

        Use(Call call) {
            this.call = call;
        }
    }

    @ParameterizedTest
    @EnumSource
    void anotherThreadIsRefusedBetweenTurns(Use use) {
        loop.runOnce();
        onAnotherThread(() -> assertThatThrownBy(() -> use.call.make(loop))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("not thread-safe")
                .hasMessageContaining("callSoonThreadsafe"));
        use.call.make(loop);
    }

    @ParameterizedTest
    @EnumSource
    void aThreadThatRunsATurnOwnsTheLoop(Use use) {
        loop.runOnce();
        onAnotherThread(() -> {
            loop.runOnce();
            use.call.make(loop);
            return null;
        });
        use.call.make(loop); // that thread has ended
    }

    @Test
    void aLoopThatWasRunToTheEndIsForAnyThread() {
        loop.runOnce();
        String result = onAnotherThread(() -> loop.runUntilComplete(() -> "run elsewhere"));
        assertThat(result).isEqualTo("run elsewhere");
        loop.callSoon(() -> {});
    }

    @Test
    void theHandlerIsToldOnTheLoopsThread() {
        List<Thread> told = new ArrayList<>();
        loop.setExceptionHandler((_, _) -> told.add(Thread.currentThread()));
        loop.runOnce();
        onAnotherThread(() -> {
            loop.callExceptionHandler(new ExceptionContext("from another thread", null, null, null));
            return null;
        });
        assertThat(told).isEmpty();
        loop.runOnce();
        assertThat(told).containsExactly(Thread.currentThread());
    }

    /** The handler is called on a driver: the closing thread runs no code that may hang. */
    @Test
    void aReportAfterTheLastTurnIsToldByClose() {
        List<Boolean> toldInTheLoop = new ArrayList<>();
        loop.setExceptionHandler((_, _) -> toldInTheLoop.add(loop.isRunningHere()));
        loop.runOnce();
        onAnotherThread(() -> {
            loop.callExceptionHandler(new ExceptionContext("after the last turn", null, null, null));
            return null;
        });
        assertThat(toldInTheLoop).isEmpty();
        loop.close();
        assertThat(toldInTheLoop).containsExactly(true);
    }

    /** An object that coroutines share, in the middle of its use. */
    private static final class Shared {
        private final LoopQueue<String> queue = LoopQueue.fifo(1);
        private final LoopSemaphore semaphore = new LoopSemaphore(1);
        private final LoopBarrier barrier = new LoopBarrier(2);
        private final LoopLock lock = new LoopLock();
        private final LoopEvent event = new LoopEvent();
        private final LoopCondition condition = new LoopCondition();
        private final TaskGroup group;

        Shared(TaskGroup group) {
            this.group = group;
            queue.put("item");
            semaphore.acquire();
            lock.acquire();
            condition.acquire();
            group.createTask(() -> Async.await(EventLoop.getRunningLoop().createFuture()));
            group.createTask((Action) barrier::await);
            group.createTask(event::await);
            group.createTask(() -> queue.put("waits for room"));
            Async.yieldNow();
        }

        @Override
        public String toString() {
            return queue + " " + semaphore + " " + barrier + " " + lock + " " + event + " " + condition + " " + group;
        }
    }

    /** Operations on shared objects that a thread outside of the loop must not perform. */
    enum ForeignUse {
        PUT(shared -> shared.queue.put("x")),
        TRY_PUT(shared -> shared.queue.tryPut("x")),
        GET(shared -> shared.queue.get()),
        TRY_GET(shared -> shared.queue.tryGet()),
        TASK_DONE(shared -> shared.queue.taskDone()),
        JOIN(shared -> shared.queue.join()),
        SHUT_DOWN(shared -> shared.queue.shutdown()),
        SHUT_DOWN_NOW(shared -> shared.queue.shutdownNow()),
        ACQUIRE_A_PERMIT(shared -> shared.semaphore.acquire()),
        RELEASE_A_PERMIT(shared -> shared.semaphore.release()),
        AWAIT_A_BARRIER(shared -> shared.barrier.await()),
        RESET_A_BARRIER(shared -> shared.barrier.reset()),
        ABORT_A_BARRIER(shared -> shared.barrier.abort()),
        ACQUIRE_A_LOCK(shared -> shared.lock.acquire()),
        RELEASE_A_LOCK(shared -> shared.lock.release()),
        AWAIT_AN_EVENT(shared -> shared.event.await()),
        SET_AN_EVENT(shared -> shared.event.set()),
        CLEAR_AN_EVENT(shared -> shared.event.clear()),
        AWAIT_A_CONDITION(shared -> shared.condition.await()),
        SIGNAL_A_CONDITION(shared -> shared.condition.signal()),
        CREATE_A_TASK_IN_A_GROUP(shared -> shared.group.createTask(() -> {})),
        CANCEL_A_GROUP(shared -> shared.group.cancel());

        @FunctionalInterface
        private interface Step {
            void make(Shared shared) throws Exception;
        }

        @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
        private final Step step;

        ForeignUse(Step step) {
            this.step = step;
        }
    }

    /** Methods are called on a thread of the program's, and on that of a coroutine in a blocking call. */
    @ParameterizedTest
    @EnumSource
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a coroutine that waits ignores interrupts
    void aThreadOutsideOfTheLoopIsRefusedWhatCoroutinesShare(ForeignUse use) {
        loop.runUntilComplete(() -> TaskGroup.run(group -> {
            var shared = new Shared(group);
            String before = shared.toString();
            ThrowingCallable call = () -> use.step.make(shared);
            Async.blocking(
                    () -> onAnotherThread(() -> assertThatThrownBy(call).isInstanceOf(IllegalStateException.class)));
            Async.blocking(() -> assertThatThrownBy(call).isInstanceOf(IllegalStateException.class));
            assertThat(shared).hasToString(before);
            group.cancel();
        }));
    }

    /** Timers are dropped by close, so nothing is left to take out of the heap. */
    @Test
    void aTimerMayBeCancelledWhileItsLoopIsClosedAndAfterwards() {
        var reports = new ArrayList<ExceptionContext>();
        loop.setExceptionHandler((_, context) -> reports.add(context));
        TimerHandle whileClosing = loop.callLater(ofHours(1), () -> {});
        TimerHandle afterwards = loop.callLater(ofHours(2), () -> {});
        TimerHandle elsewhere = loop.callLater(ofHours(3), () -> {});
        loop.callSoon(whileClosing::cancel);
        loop.close();
        assertThat(reports).isEmpty();
        assertThat(whileClosing.isCancelled()).isTrue();
        assertThat(afterwards.isCancelled()).isFalse();

        afterwards.cancel();
        afterwards.cancel();
        onAnotherThread(() -> {
            elsewhere.cancel();
            return null;
        });
        assertThat(afterwards.isCancelled()).isTrue();
        assertThat(elsewhere.isCancelled()).isTrue();
    }

    @Test
    void aClosedLoopKeepsNoTimerThatIsCancelled() {
        var garbage = new Garbage();
        var timers = new ArrayList<TimerHandle>();
        for (int i = 0; i < 6; i++) {
            timers.add(garbage.expect(loop.callLater(ofHours(1), () -> {})));
        }
        loop.close();
        timers.forEach(TimerHandle::cancel);
        timers.clear();
        garbage.collectAllBut(1);
        assertThat(loop.isClosed()).isTrue();
    }
}
