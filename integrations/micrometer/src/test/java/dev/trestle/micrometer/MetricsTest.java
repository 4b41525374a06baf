package dev.trestle.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.trestle.loop.Async;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopLock;
import dev.trestle.loop.LoopQueue;
import dev.trestle.loop.LoopSemaphore;
import dev.trestle.processpool.CallOptions;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.threadpool.ThreadPool;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.jvm.ExecutorServiceMetrics;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The values of the metrics, at pools and loops that have done something. */
@Timeout(60)
class MetricsTest {

    @AutoClose
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

    private double gauge(String name) {
        return registry.get(name).gauge().value();
    }

    private double count(String name) {
        return registry.get(name).functionCounter().count();
    }

    /** Spins, as nothing here sleeps. */
    private static int spin(int millis) {
        long end = System.nanoTime() + millis * 1_000_000L;
        while (System.nanoTime() - end < 0) {
            Thread.onSpinWait();
        }
        return millis;
    }

    private static int waitForever() throws InterruptedException {
        new CountDownLatch(1).await();
        return 0;
    }

    @Test
    void aProcessPoolShowsItsCallsAndWorkers() {
        try (var pool =
                ProcessPool.builder().workers(1).name("shown").aotCache(false).build()) {
            new ProcessPoolMetrics(pool).bindTo(registry);
            assertThat(gauge("executor.pool.size")).isZero();
            assertThat(registry.get("trestle.worker.memory").gauge().value()).isNaN();

            assertThat(pool.submit(() -> spin(20)).result()).isEqualTo(20);
            var limit = CallOptions.DEFAULT.withTimeout(Duration.ofMillis(50));
            assertThat(pool.submit(MetricsTest::waitForever, limit).exception()).isPresent();
            pool.submit(() -> Integer.parseInt("x")).exception();

            await().untilAsserted(() -> assertThat(
                            registry.get("trestle.calls.failed").counter().count())
                    .isEqualTo(2));
            assertThat(gauge("executor.pool.max")).isEqualTo(1);
            assertThat(gauge("executor.pool.size")).isEqualTo(1);
            assertThat(gauge("executor.active")).isZero();
            assertThat(gauge("executor.queued")).isZero();
            assertThat(gauge("trestle.pool.broken")).isZero();
            assertThat(count("trestle.calls.submitted")).isEqualTo(3);
            assertThat(count("executor.completed")).isEqualTo(2);
            assertThat(count("trestle.calls.timed.out")).isEqualTo(1);
            assertThat(count("trestle.workers.started")).isPositive();
            assertThat(registry.get("executor").tag("name", "shown").timer().count())
                    .isEqualTo(3);
            assertThat(registry.get("executor").timer().totalTime(TimeUnit.MILLISECONDS))
                    .isGreaterThan(20);
            assertThat(registry.get("executor.idle").timer().totalTime(TimeUnit.NANOSECONDS))
                    .isPositive();
            if (ResidentMemory.isKnown()) {
                assertThat(registry.get("trestle.worker.memory")
                                .tag("worker", "1")
                                .gauge()
                                .value())
                        .isGreaterThan(5_000_000);
            }
        }
    }

    @Test
    void aThreadPoolShowsItsCalls() throws InterruptedException {
        try (var pool = ThreadPool.builder().size(1).namePrefix("threads").build()) {
            new ThreadPoolMetrics(pool, List.of(Tag.of("area", "x"))).bindTo(registry);
            var begun = new CountDownLatch(1);
            var go = new CountDownLatch(1);
            var first = pool.submit(() -> {
                begun.countDown();
                go.await();
                return 1;
            });
            begun.await();
            var second = pool.submit(() -> Integer.parseInt("x"));
            var third = pool.submit(() -> 3);

            assertThat(gauge("executor.active")).isEqualTo(1);
            assertThat(gauge("executor.queued")).isEqualTo(2);
            third.cancel(true);
            go.countDown();
            first.result();
            assertThat(second.exception()).isPresent();

            assertThat(count("executor.completed")).isEqualTo(2);
            assertThat(registry.get("trestle.calls.failed").counter().count()).isEqualTo(1);
            assertThat(registry.get("trestle.calls.cancelled").counter().count())
                    .isEqualTo(1);
            assertThat(registry.get("executor")
                            .tags("name", "threads", "area", "x")
                            .timer()
                            .count())
                    .isEqualTo(2);
        }
    }

    @Test
    void aLoopShowsItsTasksStepsAndLag() {
        try (var loop = new EventLoop()) {
            new EventLoopMetrics(loop, Tags.of("name", "main")).bindTo(registry);
            assertThat(registry.get("trestle.loop.lag").timeGauge().value()).isZero();
            loop.runUntilComplete(() -> {
                assertThat(gauge("trestle.loop.running")).isEqualTo(1);
                assertThat(gauge("trestle.loop.tasks")).isEqualTo(1);
                var lag = registry.get("trestle.loop.lag").tag("name", "main").timeGauge();
                assertThat(lag.value(TimeUnit.NANOSECONDS)).isPositive(); // a probe waits since this moment
                spin(20);
                assertThat(lag.value(TimeUnit.MILLISECONDS)).isGreaterThanOrEqualTo(20);
                Async.yieldNow();
                Async.yieldNow();
                spin(1);
                assertThat(lag.value(TimeUnit.MILLISECONDS)).isGreaterThanOrEqualTo(20);
            });
            assertThat(registry.get("trestle.loop.steps").functionCounter().count())
                    .isPositive();
            assertThat(gauge("trestle.loop.running")).isZero();
            assertThat(registry.get("trestle.loop.lag").timeGauge().value()).isZero();
        }
    }

    @Test
    void locksSemaphoresAndQueuesShowWhatWaits() {
        EventLoop.run(() -> {
            var lock = new LoopLock();
            var semaphore = new LoopSemaphore(2);
            LoopQueue<Integer> queue = LoopQueue.fifo(3);
            LoopQueue<Integer> endless = LoopQueue.lifo();
            new LoopLockMetrics("ledger", lock).bindTo(registry);
            new LoopSemaphoreMetrics("connections", semaphore).bindTo(registry);
            new LoopQueueMetrics("orders", queue).bindTo(registry);
            new LoopQueueMetrics("endless", endless).bindTo(registry);
            assertThat(gauge("trestle.loop.lock.held")).isZero();

            lock.acquire();
            semaphore.acquire();
            var tasks = List.of(Async.createTask(lock::acquire), Async.createTask(endless::get));
            queue.put(1);
            queue.put(2);
            Async.yieldNow();

            assertThat(gauge("trestle.loop.lock.held")).isEqualTo(1);
            assertThat(gauge("trestle.loop.lock.waiting")).isEqualTo(1);
            assertThat(lock.statistics()).isEqualTo(new LoopLock.Statistics(true, 1));
            assertThat(gauge("trestle.loop.semaphore.available")).isEqualTo(1);
            assertThat(gauge("trestle.loop.semaphore.waiting")).isZero();
            assertThat(semaphore.statistics()).isEqualTo(new LoopSemaphore.Statistics(1, 0));
            assertThat(of("orders", "size")).isEqualTo(2);
            assertThat(of("orders", "capacity")).isEqualTo(3);
            assertThat(of("orders", "unfinished")).isEqualTo(2);
            assertThat(of("orders", "putters")).isZero();
            assertThat(of("endless", "getters")).isEqualTo(1);
            assertThat(of("endless", "capacity")).isInfinite();
            tasks.forEach(each -> each.cancel());
        });
    }

    private double of(String queue, String what) {
        return registry.get("trestle.loop.queue." + what)
                .tag("name", queue)
                .gauge()
                .value();
    }

    @Test
    void metersOfExecutorsHaveMicrometersNamesTagsAndUnits() {
        var theirs = new SimpleMeterRegistry();
        var executor = Executors.newFixedThreadPool(1);
        ExecutorServiceMetrics.monitor(theirs, executor, "x");
        try (var pool = ThreadPool.builder().size(1).namePrefix("x").build();
                var processes = ProcessPool.builder().workers(1).name("x").build()) {
            new ThreadPoolMetrics(pool).bindTo(registry);
            var ofProcesses = new SimpleMeterRegistry();
            new ProcessPoolMetrics(processes).bindTo(ofProcesses);

            assertThat(shapes(theirs)).containsAllEntriesOf(executorsOnly(registry));
            assertThat(shapes(theirs)).containsAllEntriesOf(executorsOnly(ofProcesses));
            assertThat(executorsOnly(registry).keySet())
                    .contains("executor", "executor.idle", "executor.active", "executor.queued", "executor.completed");
        } finally {
            executor.shutdown();
            theirs.close();
        }
    }

    private static Map<String, String> executorsOnly(SimpleMeterRegistry registry) {
        var shapes = shapes(registry);
        shapes.keySet().removeIf(name -> !name.startsWith("executor"));
        return shapes;
    }

    private static Map<String, String> shapes(SimpleMeterRegistry registry) {
        return registry.getMeters().stream()
                .map(Meter::getId)
                .collect(Collectors.toMap(
                        Meter.Id::getName,
                        id -> id.getType() + " " + id.getTags() + " " + id.getBaseUnit(),
                        (one, _) -> one));
    }
}
