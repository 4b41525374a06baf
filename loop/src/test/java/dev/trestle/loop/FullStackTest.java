package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofDays;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofNanos;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The rules that hold when the stack of a thread that uses a loop is exhausted, at each distance from the end: the
 * caller gets the error, or the call counts; the loop goes on.
 */
@Timeout(60)
class FullStackTest {

    /** The number of distances from the end at which each door is tried, about a hundred bytes apart. */
    private static final int FRAMES = 600;

    private static final int STACK_BYTES = 256 << 10;

    private static final Duration LONG = Duration.ofSeconds(20);

    /** Operations that a foreign thread may perform. */
    enum Door {
        SET_RESULT {
            @Override
            boolean call(Subject subject) {
                return requireNonNull(subject.promise).trySetResult(1);
            }
        },
        SET_EXCEPTION {
            @Override
            boolean call(Subject subject) {
                return requireNonNull(subject.promise).trySetException(new IllegalStateException("on purpose"));
            }
        },
        CANCEL {
            @Override
            boolean call(Subject subject) {
                return requireNonNull(subject.promise).tryCancel();
            }
        },
        CALL_SOON {
            @Override
            boolean call(Subject subject) {
                subject.loop.callSoonThreadsafe(subject::arrive);
                return true;
            }
        },
        CANCEL_A_TIMER {
            @Override
            boolean call(Subject subject) {
                requireNonNull(subject.timer).cancel();
                return true;
            }

            @Override
            boolean isFollowedByAnArrival() {
                return false;
            }
        },
        EXCEPTION_HANDLER {
            @Override
            boolean call(Subject subject) {
                subject.loop.callExceptionHandler(new ExceptionContext(subject.name, null, null, null));
                return true;
            }
        },
        STOP {
            @Override
            boolean call(Subject subject) {
                subject.loop.stop();
                return true;
            }

            @Override
            boolean isFollowedByAnArrival() {
                return false;
            }
        };

        abstract boolean call(Subject subject);

        boolean isFollowedByAnArrival() {
            return true;
        }
    }

    /** A coroutine that awaits an outcome, in a loop that has nothing else to do. */
    static final class Subject {
        final EventLoop loop;
        final String name;
        final CompletableFuture<String> arrived = new CompletableFuture<>();
        boolean accepted;

        @Nullable
        LoopPromise<Integer> promise;

        @Nullable
        TimerHandle timer;

        Subject(EventLoop loop, int number) {
            this.loop = loop;
            this.name = "subject " + number;
        }

        void arrive() {
            arrived.complete("arrived");
        }

        void prepare() {
            var outcome = new LoopPromise<Integer>(loop, () -> {});
            promise = outcome;
            timer = loop.callLater(ofDays(1), () -> {});
            try {
                var _ = await(outcome.future());
            } finally {
                arrive();
            }
        }
    }

    /** Descends to the end of the stack, and calls the door on the way back, each time for another subject. */
    private static final class Descent {
        private final Door door;
        private final Subject[] subjects;
        private int next;

        @Nullable
        Throwable unexpected;

        Descent(Door door, Subject[] subjects) {
            this.door = door;
            this.subjects = subjects;
        }

        @SuppressWarnings("InfiniteRecursion") // until the stack ends
        void descend() {
            try {
                descend();
            } catch (StackOverflowError e) {
                // the end, or a frame that was too near to it
            }
            if (next < subjects.length) {
                call(subjects[next++]);
            }
        }

        private void call(Subject subject) {
            try {
                subject.accepted = door.call(subject);
            } catch (StackOverflowError e) {
                // refused
            } catch (Throwable e) {
                unexpected = e;
            }
        }

        void runOnDeepThread() throws InterruptedException {
            Thread thread = new Thread(null, this::descend, "deep", STACK_BYTES);
            thread.start();
            thread.join();
        }
    }

    private static void onLoop(EventLoop loop, Runnable callback) throws Exception {
        var done = new CompletableFuture<@Nullable Void>();
        loop.callSoonThreadsafe(() -> {
            callback.run();
            done.complete(null);
        });
        done.get(LONG.toSeconds(), TimeUnit.SECONDS);
    }

    private static Thread start(EventLoop loop) {
        return Thread.ofPlatform().start(() -> {
            while (!loop.isClosed() && !Thread.currentThread().isInterrupted()) {
                try {
                    loop.runForever();
                } catch (RuntimeException e) {
                    return; // interrupted
                }
            }
        });
    }

    @ParameterizedTest
    @EnumSource
    void loopGoesOnAfterACallAtTheEndOfAForeignStack(Door door) throws Exception {
        try (var loop = new EventLoop()) {
            loop.setExceptionHandler((_, context) -> arrival(context.message()));
            Thread runner = start(loop);
            int accepted = 0;
            for (int round = 0; round < 2; round++) { // in the first one, what the door takes may have to be linked
                accepted = tryAtTheEndOfTheStack(door, loop);
            }
            assertThat(accepted).isBetween(1, FRAMES - 1);
            runner.interrupt();
            loop.stop();
            runner.join();
        }
    }

    private static int tryAtTheEndOfTheStack(Door door, EventLoop loop) throws Exception {
        var subjects = new Subject[FRAMES];
        for (int i = 0; i < FRAMES; i++) {
            subjects[i] = new Subject(loop, i);
        }
        all = subjects;
        onLoop(loop, () -> {
            for (Subject subject : subjects) {
                loop.createTask(subject::prepare);
            }
        });
        onLoop(loop, () -> {});
        onLoop(loop, () -> {});

        var descent = new Descent(door, subjects);
        descent.runOnDeepThread();

        assertThat(descent.unexpected).isNull();
        int accepted = 0;
        for (Subject subject : subjects) {
            if (subject.accepted) {
                accepted++;
            } else {
                assertThat(door.call(subject)).isTrue(); // the caller may try again
            }
            if (door.isFollowedByAnArrival()) {
                assertThat(subject.arrived.get(LONG.toSeconds(), TimeUnit.SECONDS))
                        .isEqualTo("arrived");
            }
        }
        onLoop(loop, () -> {});
        return accepted;
    }

    private static volatile Subject[] all = {};

    private static void arrival(String name) {
        for (Subject subject : all) {
            if (subject.name.equals(name)) {
                subject.arrive();
            }
        }
    }

    /** Operations that a coroutine may perform at the end of its own stack. */
    enum Wait {
        YIELD {
            @Override
            void await() {
                yieldNow();
            }
        },
        SLEEP {
            @Override
            void await() {
                sleep(ofNanos(1));
            }
        },
        TASK {
            @Override
            void await() {
                Async.await(createTask(() -> 1));
            }
        },
        BLOCKING {
            @Override
            void await() {
                blocking(() -> 1);
            }
        },
        QUEUE {
            @Override
            void await() {
                LoopQueue<Integer> queue = LoopQueue.fifo();
                createTask(() -> queue.put(1));
                var _ = queue.get();
            }
        },
        TIMEOUT {
            @Override
            void await() throws Exception {
                Async.timeout(ofMillis(100), () -> yieldNow());
            }
        };

        abstract void await() throws Exception;
    }

    /** Descends in a coroutine, and awaits on the way back. */
    private static final class Dive {
        private final Wait wait;
        private int next;
        int awaited;

        @Nullable
        Throwable unexpected;

        Dive(Wait wait) {
            this.wait = wait;
        }

        @SuppressWarnings("InfiniteRecursion") // until the stack ends
        void descend() {
            try {
                descend();
            } catch (StackOverflowError e) {
                // the end, or a frame that was too near to it
            }
            if (next < FRAMES) {
                next++;
                attempt();
            }
        }

        private void attempt() {
            try {
                wait.await();
                awaited++;
            } catch (StackOverflowError e) {
                // refused
            } catch (Throwable e) {
                unexpected = e;
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aCoroutineAwaitsAtTheEndOfItsStackOrGetsTheError(Wait wait) throws Exception {
        var dive = new Dive(wait);
        var count = new AtomicInteger();
        var over = new CountDownLatch(1);
        Thread runner = Thread.ofPlatform().start(() -> {
            EventLoop.run(() -> {
                Task<?> other = createTask(() -> {
                    while (over.getCount() > 0) {
                        count.incrementAndGet();
                        sleep(ofMillis(1));
                    }
                });
                wait.await(); // what it takes is linked
                await(createTask(dive::descend));
                int seen = count.get();
                while (count.get() == seen) {
                    sleep(ofMillis(1));
                }
                over.countDown();
                await(other);
            });
        });
        runner.join(LONG);

        assertThat(runner.isAlive()).as("the loop stands still").isFalse();
        assertThat(dive.unexpected).isNull();
        assertThat(dive.awaited).isPositive();
    }
}
