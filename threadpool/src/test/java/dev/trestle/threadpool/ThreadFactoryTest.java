package dev.trestle.threadpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.ConcurrentFuture;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Pools whose threads are made by a factory of the program. */
@Timeout(30)
class ThreadFactoryTest {

    private static ThreadPool poolOf(int size, ThreadFactory factory) {
        return ThreadPool.builder().size(size).threadFactory(factory).build();
    }

    @Test
    void callsRunOnThreadsOfTheFactory() {
        ThreadFactory factory = Thread.ofPlatform().name("mine-", 7).factory();
        try (var pool = poolOf(1, factory)) {
            assertThat(pool.submit(() -> Thread.currentThread().getName()).result())
                    .isEqualTo("mine-7");
        }
    }

    @Test
    void aFactoryMayMakeVirtualThreads() {
        try (var pool = poolOf(2, Thread.ofVirtual().name("v-", 0).factory())) {
            assertThat(pool.submit(() -> Thread.currentThread().isVirtual()).result())
                    .isTrue();
        }
    }

    /** The factory of {@link Executors} makes threads that would keep a program running while they are idle. */
    @Test
    void threadsBecomeDaemons() {
        try (var pool = poolOf(1, Executors.defaultThreadFactory())) {
            assertThat(pool.submit(() -> Thread.currentThread().isDaemon()).result())
                    .isTrue();
        }
    }

    @Test
    void threadsAreReusedAndNoMoreAreMadeThanTheSize() {
        var made = new AtomicInteger();
        try (var pool = poolOf(2, task -> {
            made.incrementAndGet();
            return new Thread(task);
        })) {
            List<ConcurrentFuture<Integer>> calls = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                int n = i;
                calls.add(pool.submit(() -> n));
            }

            assertThat(calls).allSatisfy(each -> assertThat(each.result()).isBetween(0, 99));
            assertThat(pool.statistics().threads()).isLessThanOrEqualTo(2);
            assertThat(made.get()).isLessThanOrEqualTo(2);
        }
    }

    /** The factory waits for another thread that uses the pool, which it could not do under a lock of the pool. */
    @Test
    void theFactoryIsCalledWithoutALockOfThePool() throws Exception {
        var pools = new CompletableFuture<ThreadPool>();
        ThreadFactory factory = task -> {
            CompletableFuture.runAsync(() -> pools.join().statistics(), each -> new Thread(each).start())
                    .orTimeout(10, TimeUnit.SECONDS)
                    .join();
            return new Thread(task);
        };
        try (var pool = poolOf(2, factory)) {
            pools.complete(pool);
            var busy = new CountDownLatch(1);
            ConcurrentFuture<?> first = pool.submit(() -> busy.await(10, TimeUnit.SECONDS));
            // a call whose callback keeps its thread: another thread is made for what is queued
            ConcurrentFuture<Integer> second = pool.submit(() -> 1);
            second.addDoneCallback(_ -> assertThat(pool.submit(() -> 2)).isNotNull());
            assertThat(second.result()).isEqualTo(1);
            busy.countDown();
            first.result();
        }
    }

    @Test
    void aCallIsRejectedIfTheFactoryReturnsNull() {
        var broken = new AtomicInteger(1);
        try (var pool = poolOf(1, task -> broken.getAndDecrement() > 0 ? null : new Thread(task))) {
            assertThatThrownBy(() -> pool.submit(() -> 1))
                    .isInstanceOf(RejectedExecutionException.class)
                    .hasMessageMatching("The thread factory .* of trestle-threadpool-\\d+ returned null, so no thread"
                            + " can run the call\\. It must return a new thread\\.");

            assertThat(pool.submit(() -> 2).result()).isEqualTo(2);
            assertThat(pool.statistics().submitted()).isEqualTo(1);
        }
    }

    @Test
    void aCallIsRejectedIfTheFactoryStartsItsThread() {
        try (var pool = poolOf(1, _ -> Thread.startVirtualThread(() -> {}))) {
            assertThatThrownBy(() -> pool.execute(() -> {}))
                    .isInstanceOf(RejectedExecutionException.class)
                    .hasMessageContaining("the pool starts its threads itself");
            assertThat(pool.callsInFlight()).isZero();
        }
    }

    @Test
    void anExceptionOfTheFactoryReachesTheCaller() {
        var broken = new AtomicInteger(1);
        try (var pool = poolOf(1, task -> {
            if (broken.getAndDecrement() > 0) {
                throw new IllegalStateException("no more threads today");
            }
            return new Thread(task);
        })) {
            assertThatThrownBy(() -> pool.submit(() -> 1)).hasMessage("no more threads today");
            assertThat(pool.submit(() -> 2).result()).isEqualTo(2);
        }
    }

    /** A call that a thread was to take which then had callbacks to run gets another thread, or waits. */
    @Test
    void anExceptionOfTheFactoryWithoutACallerIsLogged() throws Exception {
        var log = Logger.getLogger(ThreadPool.class.getName());
        var logged = new ConcurrentLinkedQueue<LogRecord>();
        var handler = new Handler() {
            @Override
            public void publish(LogRecord line) {
                logged.add(line);
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        log.addHandler(handler);
        log.setUseParentHandlers(false);
        try {
            for (int i = 0; i < 100; i++) {
                logged.clear();
                assertThat(aSecondCallWaits(i)).as("waits without a word").isEqualTo(!logged.isEmpty());
                assertThat(logged)
                        .allSatisfy(line -> assertThat(line.getMessage())
                                .contains("The thread factory ", "so a call waits until another thread is free"));
            }
        } finally {
            log.removeHandler(handler);
            log.setUseParentHandlers(true);
        }
    }

    /** Returns whether a call waits for the end of a callback, since there is only one thread; else it is refused. */
    private static boolean aSecondCallWaits(int round) throws InterruptedException {
        var made = new AtomicInteger();
        try (var pool = poolOf(2, task -> {
            if (made.getAndIncrement() > 0) {
                throw new IllegalStateException("one thread is all there is in round " + round);
            }
            return new Thread(task);
        })) {
            var mayEnd = new CountDownLatch(1);
            var callbackBegins = new CountDownLatch(1);
            var callbackEnds = new CountDownLatch(1);
            var first = pool.submit(() -> mayEnd.await(10, TimeUnit.SECONDS));
            first.addDoneCallback(_ -> {
                callbackBegins.countDown();
                try {
                    callbackEnds.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            mayEnd.countDown();
            first.result();
            ConcurrentFuture<Integer> second = null;
            try {
                second = pool.submit(() -> 2); // its thread may be on the way to its callback, and count as free
            } catch (IllegalStateException e) {
                assertThat(e).hasMessageStartingWith("one thread is all there is");
            }
            callbackBegins.await();
            callbackEnds.countDown();
            if (second != null) {
                assertThat(second.result()).isEqualTo(2);
            }
            return second != null;
        }
    }

    /** A thread whose start fails, before or after the thread has begun to run. */
    private static final class Stubborn extends Thread {
        private final boolean begins;
        private final CountDownLatch begun = new CountDownLatch(1);

        Stubborn(Runnable task, boolean begins) {
            super(task);
            this.begins = begins;
        }

        @Override
        public void run() {
            begun.countDown();
            super.run();
        }

        @Override
        public void start() {
            if (begins) {
                super.start();
                try {
                    begun.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
            throw new OutOfMemoryError("on purpose");
        }

        void startLate() throws InterruptedException {
            super.start();
            join();
        }
    }

    @Test
    void aRejectedCallDoesNotRunWhenItsThreadBeginsLater() throws Exception {
        var made = new ArrayList<Stubborn>();
        var ran = new AtomicInteger();
        try (var pool = poolOf(2, task -> {
            if (!made.isEmpty()) {
                return new Thread(task);
            }
            var stubborn = new Stubborn(task, false);
            made.add(stubborn);
            return stubborn;
        })) {
            assertThatThrownBy(() -> pool.submit(ran::incrementAndGet)).isInstanceOf(OutOfMemoryError.class);
            made.getFirst().startLate();

            assertThat(ran).hasValue(0);
            assertThat(pool.callsInFlight()).isZero();
            assertThat(pool.statistics()).isEqualTo(new ThreadPool.Statistics(2, 0, 0, 0, 0, 0));
            assertThat(pool.submit(() -> 2).result()).isEqualTo(2);
        }
    }

    /** The JDK may fail to start a virtual thread that it has queued already. The call runs, or it is rejected. */
    @Test
    void aCallWhoseThreadFailsToStartRunsOnceOrIsRejected() {
        for (int i = 0; i < 200; i++) {
            var ran = new AtomicInteger();
            int accepted = 0;
            try (var pool = poolOf(2, task -> new Stubborn(task, true))) {
                try {
                    pool.execute(ran::incrementAndGet);
                    accepted++;
                } catch (OutOfMemoryError e) {
                    // rejected
                }
            }
            assertThat(ran.get()).isEqualTo(accepted);
        }
    }

    private static Runnable failing(Runnable task) {
        return () -> {
            if (task != null) {
                throw new IllegalStateException("thrown on purpose, before the task");
            }
        };
    }

    static Stream<ThreadFactory> factoriesOfThreadsThatDoNotRunTheirTask() {
        return Stream.of(
                _ -> new Thread(() -> {}),
                task -> Thread.ofPlatform()
                        .uncaughtExceptionHandler((_, _) -> {})
                        .unstarted(failing(task)),
                _ -> Thread.ofVirtual().unstarted(() -> {}));
    }

    @ParameterizedTest
    @MethodSource("factoriesOfThreadsThatDoNotRunTheirTask")
    void aCallWhoseThreadEndsWithoutRunningItFails(ThreadFactory factory) {
        var broken = new AtomicInteger(3);
        var ran = new AtomicInteger();
        try (var pool = ThreadPool.builder()
                .size(1)
                .queueLimit(2)
                .threadFactory(task -> broken.getAndDecrement() > 0 ? factory.newThread(task) : new Thread(task))
                .build()) {
            List<ConcurrentFuture<Integer>> calls = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                calls.add(pool.submit(ran::incrementAndGet));
            }

            assertThat(calls)
                    .allSatisfy(each -> assertThatThrownBy(each::result)
                            .isInstanceOf(RejectedExecutionException.class)
                            .hasMessageContaining("has ended without running the task that the factory was given"));
            assertThat(pool.submit(ran::incrementAndGet).result()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @MethodSource("factoriesOfThreadsThatDoNotRunTheirTask")
    void aPoolWhoseThreadsRunNoTaskEnds(ThreadFactory factory) {
        var pool = poolOf(2, factory);
        List<ConcurrentFuture<Integer>> calls = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            calls.add(pool.submit(() -> 1));
        }
        calls.getFirst().addDoneCallback(_ -> pool.close());
        pool.close();

        assertThat(calls).allMatch(each -> each.exception().isPresent());
        assertThat(pool.statistics()).isEqualTo(new ThreadPool.Statistics(2, 0, 0, 0, 5, 0));
    }

    /** A place in the queue that a rejected call has taken is free again. */
    @Test
    void aRejectedCallLeavesItsPlaceInTheQueue() {
        var broken = new AtomicInteger(5);
        try (var pool = ThreadPool.builder()
                .size(1)
                .queueLimit(0)
                .threadFactory(task -> broken.getAndDecrement() > 0 ? null : new Thread(task))
                .build()) {
            for (int i = 0; i < 5; i++) {
                assertThatThrownBy(() -> pool.submit(() -> 1)).isInstanceOf(RejectedExecutionException.class);
            }
            assertThat(pool.submit(() -> 2).result()).isEqualTo(2);
        }
    }

    @Test
    void aPoolThatIsShutDownWhileItsFactoryWorksRejectsTheCall() {
        var pools = new CompletableFuture<ThreadPool>();
        try (var pool = poolOf(1, task -> {
            pools.join().shutdown();
            return new Thread(task);
        })) {
            pools.complete(pool);

            assertThatThrownBy(() -> pool.submit(() -> 1)).hasMessageContaining("it has been shut down");
            assertThat(pool.isTerminated()).isTrue();
        }
    }

    @Test
    void virtualAndAFactoryTogetherAreRefused() {
        var builder = ThreadPool.builder().virtual().threadFactory(Thread::new);

        assertThatThrownBy(builder::build)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("Both virtual() and threadFactory(")
                .hasMessageContaining("Leave virtual() out");
    }
}
