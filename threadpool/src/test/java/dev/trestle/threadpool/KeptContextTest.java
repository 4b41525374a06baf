package dev.trestle.threadpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.contract.Baggage;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A future that a program holds does not hold what its caller carried, nor the calls that waited beside it. */
@Timeout(30)
class KeptContextTest {

    private final List<WeakReference<Object>> gone = new ArrayList<>();

    /** Submits a call from a thread that carries a text, which no other object holds. */
    private <T> ConcurrentFuture<T> submitCarrying(ThreadPool pool, Callable<T> call) {
        String text = "carried, ".repeat(2); // a new object
        gone.add(new WeakReference<>(text));
        Baggage.put("name", text);
        try {
            return pool.submit(call);
        } finally {
            Baggage.clear();
        }
    }

    private void awaitGone() {
        await().until(() -> {
            System.gc();
            return gone.stream().allMatch(each -> each.refersTo(null));
        });
    }

    @Test
    void aFutureDropsTheContextOfItsCallHoweverTheCallEnds() {
        var gate = new CountDownLatch(1);
        var held = new ArrayList<ConcurrentFuture<?>>();
        try (var pool = new ThreadPool(1);
                var broken = ThreadPool.builder()
                        .size(1)
                        .initializer(() -> {
                            throw new IllegalStateException("on purpose");
                        })
                        .build()) {
            held.add(submitCarrying(pool, () -> 1));
            held.add(submitCarrying(pool, () -> {
                throw new IllegalStateException("on purpose");
            }));
            held.add(submitCarrying(broken, () -> 2));
            held.forEach(ConcurrentFuture::exception);
            var running = pool.submit(() -> {
                gate.await();
                return 3;
            });
            var cancelled = submitCarrying(pool, () -> 4);
            cancelled.cancel(false);
            held.add(cancelled);

            awaitGone();
            gate.countDown();
            assertThat(running.result()).isEqualTo(3);
        }
        assertThat(held).hasSize(4).allMatch(ConcurrentFuture::isDone); // held until here
    }

    /** Submits three calls that wait, and returns the future of the one in the middle. */
    private ConcurrentFuture<Integer> submitBetweenOthers(ThreadPool busy) {
        gone.add(new WeakReference<>(busy.submit(() -> 1)));
        ConcurrentFuture<Integer> middle = busy.submit(() -> 2);
        gone.add(new WeakReference<>(busy.submit(() -> 3)));
        return middle;
    }

    @Test
    void aFutureThatNeverRanDropsItsNeighboursInTheQueue() {
        var gate = new CountDownLatch(1);
        try (var pool = new ThreadPool(1)) {
            var _ = pool.submit(() -> gate.await(30, TimeUnit.SECONDS));
            ConcurrentFuture<Integer> held = submitBetweenOthers(pool);
            pool.shutdownNow();

            awaitGone();
            assertThat(held.isCancelled()).isTrue(); // held until here
        }
    }
}
