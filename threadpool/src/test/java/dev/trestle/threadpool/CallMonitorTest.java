package dev.trestle.threadpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.trestle.api.CallMonitor;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The end of each call and task, as a thread pool tells it to its monitors. */
@Timeout(30)
class CallMonitorTest {

    private record End(Future.State outcome, Duration waited, Duration ran) {}

    @AutoClose
    private final ThreadPool pool = new ThreadPool(1);

    private final ConcurrentLinkedQueue<End> ends = new ConcurrentLinkedQueue<>();

    private void watch() {
        pool.addMonitor((outcome, waited, ran) -> ends.add(new End(outcome, waited, ran)));
    }

    private List<Future.State> outcomes() {
        return ends.stream().map(End::outcome).toList();
    }

    @Test
    void successAndFailureAreToldBeforeTheFutureIsDone() {
        watch();
        pool.submit(() -> 1).result();
        assertThat(outcomes()).containsExactly(Future.State.SUCCESS);
        var failed = pool.submit(() -> {
            throw new IllegalStateException("on purpose");
        });
        assertThat(failed.exception()).isPresent();
        assertThat(outcomes()).containsExactly(Future.State.SUCCESS, Future.State.FAILED);
    }

    @Test
    void theTimeOfWaitingIsNotThatOfRunning() throws InterruptedException {
        watch();
        long start = System.nanoTime();
        var begun = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        var first = pool.submit(() -> {
            begun.countDown();
            go.await();
            return 1;
        });
        begun.await();
        long submitted = System.nanoTime();
        var second = pool.submit(() -> {});
        long wait = System.nanoTime() - submitted;
        go.countDown();
        first.result();
        second.result();

        Duration elapsed = Duration.ofNanos(System.nanoTime() - start);
        assertThat(ends)
                .hasSize(2)
                .allSatisfy(each -> assertThat(each.waited().plus(each.ran())).isBetween(Duration.ZERO, elapsed));
        End last = List.copyOf(ends).getLast();
        assertThat(last.waited().toNanos()).isPositive();
        assertThat(ends.peek().ran().toNanos()).isGreaterThanOrEqualTo(wait);
    }

    @Test
    void callsThatAreCancelledAreToldOnceWhetherTheyRanOrNot() throws InterruptedException {
        watch();
        var begun = new CountDownLatch(1);
        var running = pool.submit(() -> {
            begun.countDown();
            new CountDownLatch(1).await();
            return 1;
        });
        begun.await();
        var waiting = pool.submit(() -> 2);
        waiting.cancel(true);
        assertThat(outcomes()).containsExactly(Future.State.CANCELLED);
        assertThat(ends.peek().ran()).isZero();

        running.cancel(true);

        await().untilAsserted(
                        () -> assertThat(outcomes()).containsExactly(Future.State.CANCELLED, Future.State.CANCELLED));
    }

    @Test
    void tasksOfExecuteAreToldToo() throws InterruptedException {
        watch();
        var begun = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        pool.execute(() -> {
            begun.countDown();
            try {
                go.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt(); // of shutdownNow
            }
        });
        begun.await();
        pool.execute(() -> {});
        assertThat(pool.shutdownNow()).hasSize(1);

        await().untilAsserted(() ->
                assertThat(outcomes()).containsExactlyInAnyOrder(Future.State.CANCELLED, Future.State.SUCCESS));
    }

    @Test
    void callsOfABrokenPoolHaveFailed() {
        try (var broken = ThreadPool.builder()
                .size(1)
                .initializer(() -> {
                    throw new IllegalStateException("on purpose");
                })
                .build()) {
            broken.addMonitor((outcome, waited, ran) -> ends.add(new End(outcome, waited, ran)));
            assertThat(broken.submit(() -> 1).exception()).isPresent();
        }
        assertThat(outcomes()).containsExactly(Future.State.FAILED);
    }

    @Test
    void aTaskOfExecuteThatFailsIsToldAsFailed() {
        watch();
        pool.execute(() -> {
            Thread.currentThread().setUncaughtExceptionHandler((_, _) -> {});
            throw new IllegalStateException("on purpose");
        });

        await().untilAsserted(() -> assertThat(outcomes()).containsExactly(Future.State.FAILED));
    }

    @Test
    void aMonitorThatWasRemovedIsToldNoMore() {
        CallMonitor monitor = (outcome, waited, ran) -> ends.add(new End(outcome, waited, ran));
        pool.addMonitor(monitor);
        pool.submit(() -> 1).result();
        pool.removeMonitor(monitor);
        pool.submit(() -> 1).result();

        assertThat(outcomes()).containsExactly(Future.State.SUCCESS);
    }

    @Test
    void callsInFlightWaitOrRunOrHaveRunningCallbacks() throws InterruptedException {
        var begun = new CountDownLatch(1);
        var inCallback = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        var goOn = new CountDownLatch(1);
        var first = pool.submit(() -> {
            begun.countDown();
            return go.await(10, TimeUnit.SECONDS);
        });
        first.addDoneCallback(_ -> {
            inCallback.countDown();
            awaitQuietly(goOn);
        });
        begun.await();
        assertThat(pool.callsInFlight()).isEqualTo(1);
        var second = pool.submit(() -> 2);
        var third = pool.submit(() -> 3);
        assertThat(pool.callsInFlight()).isEqualTo(3);
        third.cancel(false);
        assertThat(pool.callsInFlight()).as("without the cancelled one").isEqualTo(2);

        go.countDown();
        inCallback.await();
        assertThat(first.isDone()).isTrue();
        assertThat(pool.callsInFlight()).as("in the callback of the first").isEqualTo(2);
        goOn.countDown();
        second.result();
        await().until(() -> pool.callsInFlight() == 0);
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void aPoolThatIsNotMonitoredMeasuresNothing() {
        pool.submit(() -> 1).result();
        watch();
        assertThat(ends).isEmpty();
    }
}
