package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.timeout;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ZERO;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Blocking calls of coroutines: the loop goes on, and an interrupt reaches just the call it is meant for. */
@Timeout(30)
class BlockingTest {

    private final List<String> trail = new ArrayList<>();

    @Test
    void aBlockingCallRunsOnTheCoroutinesOwnThread() {
        EventLoop.run(() -> {
            var released = new CountDownLatch(1);
            createTask(() -> {
                trail.add("other");
                released.countDown();
            });
            Thread coroutine = Thread.currentThread();
            Thread call = blocking(() -> {
                released.await();
                return Thread.currentThread();
            });
            assertThat(call).isSameAs(coroutine);
            assertThat(EventLoop.getRunningLoop().isRunningHere()).isTrue();
        });

        assertThat(trail).containsExactly("other");
    }

    @Test
    void aBlockingCallThrowsByTheOneRuleForErrors() {
        EventLoop.run(() -> {
            var unchecked = new IllegalArgumentException("as it is");
            assertThatThrownBy(() -> blocking(() -> {
                        throw unchecked;
                    }))
                    .isSameAs(unchecked);
            assertThatThrownBy(() -> blocking(() -> {
                        throw new IOException("wrapped");
                    }))
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(IOException.class);
        });
    }

    @Test
    void cancellingInterruptsTheCallAndLeavesNoInterrupt() {
        EventLoop.run(() -> {
            var started = new CountDownLatch(1);
            var interrupted = new CountDownLatch(1);
            var mayEnd = new CountDownLatch(1);
            Task<?> task = createTask(() -> {
                try {
                    blocking(() -> {
                        started.countDown();
                        try {
                            new CountDownLatch(1).await();
                        } finally {
                            interrupted.countDown();
                            mayEnd.await();
                            trail.add("call ended");
                        }
                    });
                } finally {
                    trail.add("holding=" + EventLoop.getRunningLoop().isRunningHere());
                    trail.add("interrupted=" + Thread.currentThread().isInterrupted());
                }
            });
            blocking(() -> started.await());
            task.cancel("enough");
            blocking(() -> interrupted.await());
            yieldNow();
            assertThat(task.isDone()).isFalse();
            mayEnd.countDown();
            assertThatThrownBy(() -> await(task))
                    .isInstanceOf(CancelledError.class)
                    .hasMessage("enough")
                    .hasCauseInstanceOf(InterruptedException.class);
        });

        assertThat(trail).containsExactly("call ended", "holding=true", "interrupted=false");
    }

    @Test
    void aCallThatIgnoresItsInterruptIsCancelledAllTheSame() {
        EventLoop.run(() -> {
            var started = new CountDownLatch(1);
            Task<?> task = createTask(() -> blocking(() -> {
                started.countDown();
                while (!Thread.currentThread().isInterrupted()) {
                    Thread.onSpinWait();
                }
                return "a result that comes too late";
            }));
            blocking(() -> started.await());
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledError.class);
        });
    }

    @Test
    void aTaskCancelledBeforeItsCallDoesNotMakeIt() {
        EventLoop.run(() -> {
            Task<?> task = createTask(() -> {
                Async.currentTask().cancel();
                blocking(() -> trail.add("called"));
            });
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledError.class);
        });

        assertThat(trail).isEmpty();
    }

    @Test
    void aTimeLimitInterruptsTheCall() {
        EventLoop.run(() -> {
            for (int i = 0; i < 20; i++) {
                assertThatThrownBy(() -> timeout(ofMillis(2), () -> blocking(() -> new CountDownLatch(1).await())))
                        .isInstanceOf(TimeoutException.class);
                assertThat(timeout(ofHours(1), () -> blocking(() -> "quick"))).isEqualTo("quick");
            }
        });
    }

    @Test
    void aVirtualClockStandsStillWhileACallRuns() {
        var clock = new VirtualClock();
        try (var loop = new EventLoop(clock)) {
            loop.runUntilComplete(() -> {
                var seen = new AtomicReference<>(ofHours(9));
                Task<?> sleeper = createTask(() -> sleep(ofHours(1)));
                yieldNow();
                var arrived = new CountDownLatch(1);
                Thread.ofVirtual()
                        .start(() -> loop.callSoonThreadsafe(() -> {
                            seen.set(clock.elapsed());
                            arrived.countDown();
                        }));
                blocking(() -> arrived.await());
                assertThat(seen.get()).isEqualTo(ZERO);
                await(sleeper);
                assertThat(clock.elapsed()).isEqualTo(ofHours(1));
            });
        }
    }

    @Test
    void theLoopsMethodsAreRefusedInsideACall() {
        EventLoop.run(() -> {
            assertThatThrownBy(() -> blocking(() -> createTask(() -> {})))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("inside blocking(...)");
            EventLoop loop = EventLoop.getRunningLoop();
            assertThatThrownBy(() -> blocking(() -> loop.callSoon(() -> {}))).hasMessageContaining("not thread-safe");
            assertThat(blocking(() -> EventLoop.run(() -> "another loop"))).isEqualTo("another loop");
        });
    }
}
