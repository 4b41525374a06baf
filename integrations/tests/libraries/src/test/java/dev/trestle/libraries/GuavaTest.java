package dev.trestle.libraries;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.util.concurrent.ForwardingFuture.SimpleForwardingFuture;
import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.common.util.concurrent.ListeningExecutorService;
import com.google.common.util.concurrent.MoreExecutors;
import dev.trestle.api.ConcurrentFuture;
import dev.trestle.processpool.CallNotSerializableException;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.threadpool.ThreadPool;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Guava with pools. */
@Timeout(60)
class GuavaTest {

    @AutoClose
    private final ProcessPool pool = new ProcessPool(1);

    // region guava-future
    static final class ListenableCall<T> extends SimpleForwardingFuture<T> implements ListenableFuture<T> {

        private final ConcurrentFuture<T> call;

        ListenableCall(ConcurrentFuture<T> call) {
            super(call);
            this.call = call;
        }

        @Override
        public void addListener(Runnable listener, Executor executor) {
            call.addDoneCallback(_ -> executor.execute(listener));
        }
    }
    // endregion

    @Test
    void callsOfAProcessPoolAreListenable() throws Exception {
        // region guava
        ListenableFuture<Integer> count = new ListenableCall<>(pool.submit(() -> Primes.below(1000)));
        ListenableFuture<String> text = Futures.transform(count, n -> n + " primes", MoreExecutors.directExecutor());
        // endregion

        assertThat(text.get(30, TimeUnit.SECONDS)).isEqualTo("168 primes");
    }

    @Test
    void cancellingWhatIsMadeOfACallCancelsTheCall() {
        var call = pool.submit(() -> Primes.forEver());
        ListenableFuture<String> text =
                Futures.transform(new ListenableCall<>(call), n -> n + "", MoreExecutors.directExecutor());

        text.cancel(true);

        assertThatThrownBy(call::result).isInstanceOf(CancellationException.class);
    }

    @Test
    void aThreadPoolCanBeDecorated() throws Exception {
        try (var threads = new ThreadPool(4)) {
            // region guava-threads
            ListeningExecutorService listening = MoreExecutors.listeningDecorator(threads);
            ListenableFuture<String> name =
                    listening.submit(() -> Thread.currentThread().getName());
            // endregion

            assertThat(name.get(30, TimeUnit.SECONDS)).contains("trestle-threadpool");
        }
    }

    @Test
    void aProcessPoolAsExecutorFailsTheTransformedFuture() {
        ListenableFuture<Integer> next = Futures.transform(Futures.immediateFuture(1), n -> n + 1, pool);

        assertThatThrownBy(() -> next.get(30, TimeUnit.SECONDS))
                .cause()
                .isInstanceOf(CallNotSerializableException.class)
                .hasMessageContaining("pool.submit(() -> ...)");
    }

    @Test
    void aDecoratedProcessPoolRefusesCalls() {
        try (var listening = MoreExecutors.listeningDecorator(pool)) {
            assertThatThrownBy(() -> listening.submit(() -> 1)).isInstanceOf(CallNotSerializableException.class);
        }
    }
}
