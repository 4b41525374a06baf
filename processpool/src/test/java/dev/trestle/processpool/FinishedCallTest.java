package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.Call;
import dev.trestle.api.ConcurrentFuture;
import java.lang.ref.WeakReference;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The future of a call that is over keeps its outcome, and neither its arguments nor its listener. */
@Timeout(30)
@ExtendWith(NothingLeft.class)
class FinishedCallTest {

    private static final ProcessPool pool =
            TestPools.builder(1).cancelGrace(Duration.ofMillis(1)).build();

    @AfterAll
    static void close() {
        pool.shutdownNow();
        pool.close();
    }

    /** Ways for a call to end. */
    enum End {
        RESULT {
            @Override
            ConcurrentFuture<?> submit(byte[] argument, CallOptions options) {
                return pool.submit(() -> argument.length, options);
            }
        },
        EXCEPTION {
            @Override
            ConcurrentFuture<?> submit(byte[] argument, CallOptions options) {
                Call<Integer> call = () -> {
                    throw new IllegalStateException("of " + argument.length);
                };
                return pool.submit(call, options);
            }
        },
        CANCELLED_IN_THE_QUEUE {
            @Override
            ConcurrentFuture<?> submit(byte[] argument, CallOptions options) {
                var first = pool.submit(() -> Gate.hang());
                var future = pool.submit(() -> argument.length, options);
                future.cancel(true);
                first.cancel(true);
                return future;
            }
        },
        CANCELLED_WHILE_IT_RUNS {
            @Override
            ConcurrentFuture<?> submit(byte[] argument, CallOptions options) {
                var future = pool.submit(() -> hang(argument), options);
                Gate.until(future::isRunning);
                future.cancel(true);
                return future;
            }
        },
        CANCELLED_AND_KILLED {
            @Override
            ConcurrentFuture<?> submit(byte[] argument, CallOptions options) {
                var future = pool.submit(() -> spin(argument), options);
                Gate.until(future::isRunning);
                future.cancel(true);
                return future;
            }
        },
        LATE {
            @Override
            ConcurrentFuture<?> submit(byte[] argument, CallOptions options) {
                return pool.submit(() -> hang(argument), options.withTimeout(Duration.ofMillis(1)));
            }
        },
        LOST {
            @Override
            ConcurrentFuture<?> submit(byte[] argument, CallOptions options) {
                return pool.submit(() -> halt(argument), options);
            }
        };

        abstract ConcurrentFuture<?> submit(byte[] argument, CallOptions options);
    }

    private static int hang(byte[] argument) {
        Gate.hang();
        return argument.length;
    }

    /** Ignores interrupts. */
    private static int spin(byte[] argument) {
        while (argument.length > 0) {
            Thread.onSpinWait();
        }
        return 0;
    }

    private static int halt(byte[] argument) {
        Runtime.getRuntime().halt(9);
        return argument.length;
    }

    private static final class Listener implements CallListener {
        @Override
        public void progress(double fraction, String text) {
            assertThat(fraction).isNotNegative();
        }
    }

    @ParameterizedTest
    @EnumSource
    void keepsNothingButItsOutcome(End end) {
        byte[] large = new byte[1 << 20]; // beside the data: what is kept is the array itself
        var listener = new Listener();
        var keptArgument = new WeakReference<>(large);
        var keptListener = new WeakReference<>(listener);
        ConcurrentFuture<?> future = end.submit(large, CallOptions.DEFAULT.withListener(listener));
        large = null;
        listener = null;
        Gate.until(future::isDone);

        Gate.until(() -> isGarbage(keptArgument));
        Gate.until(() -> isGarbage(keptListener));
        assertThat(future.toString()).as("and what it is of").contains("FinishedCallTest");
    }

    private static boolean isGarbage(WeakReference<?> reference) {
        System.gc();
        return reference.get() == null;
    }
}
