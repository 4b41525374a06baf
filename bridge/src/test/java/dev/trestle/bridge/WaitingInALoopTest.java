package dev.trestle.bridge;

import static dev.trestle.loop.Async.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.Futures;
import dev.trestle.api.ReturnWhen;
import dev.trestle.loop.EventLoop;
import dev.trestle.threadpool.ThreadPool;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each way to wait for calls of a pool, in a coroutine, whose loop it would stop. */
@Timeout(30)
class WaitingInALoopTest {

    @AutoClose
    private final ThreadPool pool = new ThreadPool(2);

    private final CountDownLatch gate = new CountDownLatch(1);

    @AfterEach
    void openTheGate() {
        gate.countDown();
    }

    private Callable<Boolean> blocked() {
        return () -> gate.await(30, TimeUnit.SECONDS);
    }

    @SuppressWarnings("ReturnValueIgnored") // nothing is returned
    enum Wait {
        GET {
            @Override
            void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) throws Exception {
                future.get();
            }
        },
        TIMED_GET {
            @Override
            void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) throws Exception {
                future.get(1, TimeUnit.DAYS);
            }
        },
        RESULT {
            @Override
            void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) {
                future.result();
            }
        },
        TIMED_RESULT {
            @Override
            void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) throws Exception {
                future.result(Duration.ofDays(1));
            }
        },
        EXCEPTION {
            @Override
            void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) {
                var _ = future.exception();
            }
        },
        JOIN {
            @Override
            void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) {
                future.toCompletableFuture().join();
            }
        },
        GET_OF_A_STAGE {
            @Override
            void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) throws Exception {
                future.toCompletableFuture().thenApply(x -> x).get();
            }
        },
        TIMED_GET_OF_THE_VIEW {
            @Override
            void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) throws Exception {
                future.toCompletableFuture().get(1, TimeUnit.DAYS);
            }
        },
        WAIT_UNTIL {
            @Override
            void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) {
                Futures.waitUntil(ReturnWhen.ALL_COMPLETED, List.of(test.done(), future));
            }
        },
        TIMED_WAIT_UNTIL {
            @Override
            void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) {
                Futures.waitUntil(ReturnWhen.FIRST_COMPLETED, List.of(future), Duration.ofDays(1));
            }
        },
        AS_COMPLETED {
            @Override
            void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) {
                var completions =
                        Futures.asCompleted(List.of(future, test.done())).iterator();
                assertThat(completions.next()).isNotSameAs(future);
                completions.next();
            }
        },
        TIMED_AS_COMPLETED {
            @Override
            void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) {
                Futures.asCompleted(List.of(future), Duration.ofDays(1))
                        .iterator()
                        .next();
            }
        },
        MAP {
            @Override
            void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) {
                var _ = test.pool.map(_ -> test.blocked().call(), List.of(1, 2)).toList();
            }
        },
        MAP_OF_SLOW_INPUTS {
            @Override
            void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) {
                Iterable<Integer> inputs = () -> List.of(1, 2).iterator();
                var _ = test.pool.map(_ -> test.blocked().call(), inputs).toList();
            }
        },
        INVOKE_ALL {
            @Override
            void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) throws Exception {
                test.pool.invokeAll(List.of(() -> true, test.blocked()));
            }
        },
        TIMED_INVOKE_ALL {
            @Override
            void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) throws Exception {
                test.pool.invokeAll(List.of(test.blocked()), 1, TimeUnit.DAYS);
            }
        },
        INVOKE_ANY {
            @Override
            void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) throws Exception {
                test.pool.invokeAny(List.of(test.blocked(), test.blocked()));
            }
        },
        TIMED_INVOKE_ANY {
            @Override
            void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) throws Exception {
                test.pool.invokeAny(List.of(test.blocked()), 1, TimeUnit.DAYS);
            }
        };

        abstract void wait(WaitingInALoopTest test, ConcurrentFuture<Boolean> future) throws Exception;
    }

    private ConcurrentFuture<Boolean> done() {
        var done = pool.submit(() -> true);
        while (!done.isDone()) {
            Thread.onSpinWait();
        }
        return done;
    }

    @ParameterizedTest
    @EnumSource
    void aWaitIsRefusedAndSaysWhatToCallInstead(Wait wait) {
        boolean result = EventLoop.run(() -> {
            ConcurrentFuture<Boolean> future = pool.submit(blocked());
            assertThatThrownBy(() -> wait.wait(this, future))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("would stop " + EventLoop.getRunningLoop())
                    .hasMessageContaining("await(Bridge.wrapFuture(future))");
            assertThat(future.isDone()).isFalse();
            gate.countDown();
            return await(Bridge.wrapFuture(future));
        });

        assertThat(result).isTrue();
    }

    @ParameterizedTest
    @EnumSource(
            value = Wait.class,
            names = {"INVOKE_ALL", "TIMED_INVOKE_ALL", "INVOKE_ANY", "TIMED_INVOKE_ANY", "MAP"})
    void callsOfARefusedWaitAreCancelled(Wait wait) {
        EventLoop.run(() -> {
            assertThatThrownBy(() -> wait.wait(this, done())).isInstanceOf(IllegalStateException.class);
        });

        assertThat(pool.submit(() -> "free").result()).isEqualTo("free"); // though the gate is closed
        assertThat(pool.statistics().queued()).isZero();
    }

    @ParameterizedTest
    @EnumSource(names = {"GET", "RESULT", "EXCEPTION", "JOIN", "WAIT_UNTIL", "TIMED_WAIT_UNTIL", "TIMED_AS_COMPLETED"})
    void doneFuturesAreReadInALoop(Wait wait) {
        EventLoop.run(() -> wait.wait(this, done()));
    }
}
