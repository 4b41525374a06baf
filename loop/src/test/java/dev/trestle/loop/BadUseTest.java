package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.currentTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.waitUntil;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.trestle.api.InvalidStateException;
import dev.trestle.api.ReturnWhen;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The classic mistakes: each is told what it is and what to do instead, and the loop goes on. One row per mistake. */
@Timeout(30)
class BadUseTest {

    private static final String NOT_IN_A_CALLBACK =
            "Cannot .+ in a callback of EventLoop\\[.+]: only a coroutine can be suspended\\. Start one with"
                    + " createTask\\(\\(\\) -> \\.\\.\\.\\)\\.";
    private static final String NO_LOOP_HERE =
            "No event loop is running on Thread\\[.+]\\. Call this from a coroutine, inside EventLoop\\.run\\(\\(\\)"
                    + " -> \\.\\.\\.\\), or from a callback of a loop; from another thread, go through"
                    + " loop\\.callSoonThreadsafe or Bridge\\.runCoroutineThreadsafe\\.";
    private static final String NOT_THREAD_SAFE =
            "Cannot .+ something of EventLoop\\[.+] on Thread\\[.+]: a loop and its futures are not thread-safe\\."
                    + " From another thread, go through loop\\.callSoonThreadsafe\\(\\.\\.\\.\\)\\.";
    private static final String INSIDE_A_LOOP =
            " cannot be called while EventLoop\\[.+] is running on this thread: it would stop that loop\\. In a"
                    + " coroutine, call the method itself, or await\\(createTask\\(\\.\\.\\.\\)\\)\\.";
    private static final String OTHER_LOOP =
            "LoopFuture@.+ belongs to EventLoop\\[.+], not to EventLoop\\[.+]\\. A future can only be awaited in its"
                    + " own loop\\.";

    /** Made in the main coroutine, unless it says where. */
    @SuppressWarnings("NullAway") // null is one of the mistakes
    enum Mistake {
        AWAIT_ITSELF(
                _ -> await(currentTask()),
                IllegalStateException.class,
                "Task\\[.+] cannot await itself: it would never end"),
        AWAIT_A_FUTURE_OF_ANOTHER_LOOP(
                _ -> await(new EventLoop().createFuture()), IllegalArgumentException.class, OTHER_LOOP),
        GATHER_A_FUTURE_OF_ANOTHER_LOOP(
                _ -> gather(List.of(new EventLoop().createFuture())), IllegalArgumentException.class, OTHER_LOOP),
        WAIT_FOR_NOTHING(
                _ -> waitUntil(ReturnWhen.ALL_COMPLETED, List.of()),
                IllegalArgumentException.class,
                "waitUntil needs at least one future: without any, nothing would end it"),
        AWAIT_IN_A_CALLBACK(
                loop -> inACallback(loop, () -> await(loop.createFuture())),
                IllegalStateException.class,
                NOT_IN_A_CALLBACK),
        SLEEP_IN_A_CALLBACK(
                loop -> inACallback(loop, () -> sleep(ofSeconds(1))), IllegalStateException.class, NOT_IN_A_CALLBACK),
        BLOCK_IN_A_CALLBACK(
                loop -> inACallback(loop, () -> blocking(() -> 1)), IllegalStateException.class, NOT_IN_A_CALLBACK),
        AWAIT_ON_A_FOREIGN_THREAD(
                loop -> onAForeignThread(() -> await(loop.createFuture())), IllegalStateException.class, NO_LOOP_HERE),
        CREATE_A_TASK_ON_A_FOREIGN_THREAD(
                _ -> onAForeignThread(() -> createTask(() -> 1)), IllegalStateException.class, NO_LOOP_HERE),
        CREATE_A_TASK_IN_A_LOOP_FROM_A_FOREIGN_THREAD(
                loop -> onAForeignThread(() -> loop.createTask(() -> 1)), IllegalStateException.class, NOT_THREAD_SAFE),
        CALL_SOON_FROM_A_FOREIGN_THREAD(
                loop -> onAForeignThread(() -> loop.callSoon(() -> {})), IllegalStateException.class, NOT_THREAD_SAFE),
        CALL_LATER_FROM_A_FOREIGN_THREAD(
                loop -> onAForeignThread(() -> loop.callLater(ofSeconds(1), () -> {})),
                IllegalStateException.class,
                NOT_THREAD_SAFE),
        COMPLETE_FROM_A_FOREIGN_THREAD(
                loop -> {
                    LoopFuture<Integer> future = loop.createFuture();
                    onAForeignThread(() -> future.setResult(1));
                },
                IllegalStateException.class,
                NOT_THREAD_SAFE),
        CANCEL_FROM_A_FOREIGN_THREAD(
                loop -> {
                    Task<?> task = currentTask();
                    onAForeignThread(() -> task.cancel());
                },
                IllegalStateException.class,
                NOT_THREAD_SAFE),
        ADD_A_CALLBACK_FROM_A_FOREIGN_THREAD(
                loop -> {
                    LoopFuture<Integer> future = loop.createFuture();
                    onAForeignThread(() -> future.addDoneCallback(_ -> {}));
                },
                IllegalStateException.class,
                NOT_THREAD_SAFE),
        RUN_FROM_A_FOREIGN_THREAD(
                loop -> onAForeignThread(loop::runForever),
                IllegalStateException.class,
                "EventLoop\\[.+] is already running, on another thread\\. From here, go through callSoonThreadsafe\\."),
        RUN_INSIDE_RUN(_ -> EventLoop.run(() -> {}), IllegalStateException.class, "EventLoop\\.run" + INSIDE_A_LOOP),
        RUN_INSIDE_A_CALLBACK(
                loop -> inACallback(loop, () -> EventLoop.run(() -> {})),
                IllegalStateException.class,
                "EventLoop\\.run" + INSIDE_A_LOOP),
        RUN_THE_SAME_LOOP_INSIDE_ITSELF(
                loop -> loop.runUntilComplete(() -> {}),
                IllegalStateException.class,
                "runUntilComplete" + INSIDE_A_LOOP),
        RUN_ANOTHER_LOOP_INSIDE_A_LOOP(
                _ -> new EventLoop().runForever(), IllegalStateException.class, "runForever" + INSIDE_A_LOOP),
        CLOSE_WHILE_IT_RUNS(
                EventLoop::close,
                IllegalStateException.class,
                "Cannot close EventLoop\\[.+] while it is running; call stop\\(\\) first"),
        ASK_FOR_A_RESULT_THAT_IS_NOT_THERE(
                loop -> loop.createFuture().result(),
                InvalidStateException.class,
                "The result of LoopFuture@.+\\[pending] is not there yet\\. In a coroutine, wait for it with"
                        + " await\\(future\\); elsewhere, use addDoneCallback\\."),
        ASK_FOR_AN_EXCEPTION_THAT_IS_NOT_THERE(
                loop -> loop.createFuture().exception(),
                InvalidStateException.class,
                "The exception of LoopFuture@.+\\[pending] is not there yet\\..+"),
        COMPLETE_TWICE(
                loop -> {
                    LoopFuture<Integer> future = loop.createFuture();
                    future.setResult(1);
                    future.setResult(2);
                },
                InvalidStateException.class,
                "Cannot complete LoopFuture@.+\\[result 1]: it is already done\\. A future completes once; ask"
                        + " isDone\\(\\) where losing the race is normal\\."),
        COMPLETE_A_CANCELLED_FUTURE(
                loop -> {
                    LoopFuture<Integer> future = loop.createFuture();
                    future.cancel();
                    future.setException(new IllegalArgumentException("boom"));
                },
                InvalidStateException.class,
                "Cannot complete LoopFuture@.+\\[cancelled]: it is already done\\..+"),
        SET_THE_RESULT_OF_A_TASK(
                _ -> createTask(() -> 1).setResult(2),
                UnsupportedOperationException.class,
                "The result of Task\\[.+] is what its coroutine returns; to set one by hand, use a future of"
                        + " loop\\.createFuture\\(\\)"),
        SET_THE_EXCEPTION_OF_A_TASK(
                _ -> createTask(() -> 1).setException(new IllegalArgumentException("boom")),
                UnsupportedOperationException.class,
                "The exception of Task\\[.+] is what its coroutine throws; .+"),
        SLEEP_FOR_LESS_THAN_NOTHING(
                _ -> sleep(ofSeconds(-1)),
                IllegalArgumentException.class,
                "The delay is negative: PT-1S\\. Use Duration\\.ZERO, or a point in time, which may have passed:"
                        + " callAt\\(when, \\.\\.\\.\\)\\."),
        CALL_EARLIER(
                loop -> loop.callLater(ofSeconds(-1), () -> {}),
                IllegalArgumentException.class,
                "The delay is negative: PT-1S\\..+"),
        CREATE_A_TASK_OF_NULL(
                loop -> loop.createTask((Coroutine<Integer>) null), NullPointerException.class, "coroutine"),
        CREATE_A_TASK_OF_A_NULL_ACTION(_ -> createTask((Action) null), NullPointerException.class, "action"),
        CALL_NULL_SOON(loop -> loop.callSoon(null), NullPointerException.class, "callback"),
        CALL_NULL_LATER(loop -> loop.callLater(ofSeconds(1), null), NullPointerException.class, "callback"),
        CALL_NULL_FROM_ANYWHERE(loop -> loop.callSoonThreadsafe(null), NullPointerException.class, "callback"),
        CALL_IN_NO_CONTEXT(loop -> loop.callSoon(() -> {}, null), NullPointerException.class, "context"),
        AWAIT_NULL(_ -> await(null), NullPointerException.class, "future"),
        ADD_NULL_AS_A_CALLBACK(
                loop -> loop.createFuture().addDoneCallback(null), NullPointerException.class, "callback"),
        FAIL_WITH_NULL(loop -> loop.createFuture().setException(null), NullPointerException.class, "exception"),
        BLOCK_ON_NULL(_ -> blocking((Action) null), NullPointerException.class, "action");

        @FunctionalInterface
        private interface Use {
            void make(EventLoop loop) throws Throwable;
        }

        @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
        private final Use use;

        private final Class<? extends Throwable> refusal;
        private final String message;

        Mistake(Use use, Class<? extends Throwable> refusal, String message) {
            this.use = use;
            this.refusal = refusal;
            this.message = message;
        }

        private static void inACallback(EventLoop loop, Action mistake) throws Throwable {
            LoopFuture<Throwable> thrown = loop.createFuture();
            loop.callSoon(() -> thrown.setResult(catchThrowable(mistake::run)));
            throw await(thrown);
        }

        private static void onAForeignThread(Action mistake) throws Throwable {
            var thrown = new CompletableFuture<Throwable>();
            Thread.ofPlatform().start(() -> thrown.complete(catchThrowable(mistake::run)));
            throw blocking(() -> thrown.get());
        }
    }

    @AutoClose
    private final EventLoop loop = new EventLoop(new VirtualClock());

    @ParameterizedTest
    @EnumSource
    void aMistakeIsToldWhatToDoAndTheLoopGoesOn(Mistake mistake) {
        int answer = loop.runUntilComplete(() -> {
            assertThatThrownBy(() -> mistake.use.make(loop))
                    .isExactlyInstanceOf(mistake.refusal)
                    .message()
                    .matches(mistake.message);
            yieldNow();
            sleep(ofSeconds(1));
            return await(createTask(() -> 42));
        });
        assertThat(answer).isEqualTo(42);
    }

    // After the end

    @FunctionalInterface
    private interface LateUse {
        @Nullable
        Object make(EventLoop loop);
    }

    enum Late {
        CREATE_A_TASK(loop -> loop.createTask(() -> 1)),
        CREATE_AN_EAGER_TASK(loop -> loop.createTask(() -> 1, new TaskOptions().withEagerStart(true))),
        CALL_SOON(loop -> loop.callSoon(() -> {})),
        CALL_LATER(loop -> loop.callLater(ofSeconds(1), () -> {})),
        CALL_AT(loop -> loop.callAt(ofSeconds(1), () -> {})),
        CALL_SOON_THREADSAFE(loop -> loop.callSoonThreadsafe(() -> {})),
        RUN(loop -> loop.runUntilComplete(() -> 1)),
        RUN_FOREVER(loop -> {
            loop.runForever();
            return null;
        }),
        RUN_ONCE(loop -> {
            loop.runOnce();
            return null;
        });

        @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
        private final LateUse use;

        Late(LateUse use) {
            this.use = use;
        }
    }

    @ParameterizedTest
    @EnumSource
    void aClosedLoopSaysSo(Late late) {
        loop.close();
        assertThatThrownBy(() -> late.use.make(loop))
                .isExactlyInstanceOf(IllegalStateException.class)
                .hasMessage(loop + " is closed");
        loop.close(); // idempotent
    }

    @Test
    void aFutureOfAClosedLoopKeepsItsResult() {
        LoopFuture<Integer> future = loop.createFuture();
        future.setResult(1);
        loop.close();
        assertThat(future.result()).isEqualTo(1);
    }
}
