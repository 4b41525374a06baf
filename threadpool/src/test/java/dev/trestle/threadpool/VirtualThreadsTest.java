package dev.trestle.threadpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.ConcurrentFuture;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Pools of virtual threads: a thread for each call below the size, which runs what waits and then ends. */
@Timeout(30)
class VirtualThreadsTest {

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final CountDownLatch gate = new CountDownLatch(1);

    @AfterEach
    void openTheGate() {
        gate.countDown();
    }

    private Thread threadBehindTheGate() throws InterruptedException {
        gate.await();
        return Thread.currentThread();
    }

    private static ThreadPool poolOf(int size) {
        return ThreadPool.builder().size(size).virtual().build();
    }

    @Test
    void aThreadEndsWhenNoCallWaits() throws Exception {
        try (var pool = poolOf(4)) {
            for (int i = 0; i < 100; i++) {
                Thread thread = pool.submit(Thread::currentThread).result();

                assertThat(thread.join(PATIENCE)).as("call " + i).isTrue();
                assertThat(pool.statistics().threads()).isZero();
            }
            assertThat(pool.isTerminated()).isFalse();
        }
    }

    @Test
    void aThreadRunsTheCallsThatWaitForOneInOrder() throws Exception {
        try (var pool = poolOf(1)) {
            var order = new ArrayList<Integer>();
            ConcurrentFuture<Thread> first = pool.submit(this::threadBehindTheGate);
            List<ConcurrentFuture<Thread>> waiting = IntStream.range(0, 20)
                    .mapToObj(i -> pool.submit(() -> {
                        order.add(i);
                        return Thread.currentThread();
                    }))
                    .toList();
            assertThat(pool.statistics().queued()).isEqualTo(20);
            gate.countDown();

            Thread thread = first.result();
            assertThat(waiting).allMatch(each -> each.result() == thread);
            assertThat(order).isEqualTo(IntStream.range(0, 20).boxed().toList());
            assertThat(thread.join(PATIENCE)).isTrue();
        }
    }

    @Test
    void namesHaveThePrefixOfThePool() {
        try (var pool = ThreadPool.builder().virtual().namePrefix("requests").build()) {
            assertThat(pool.submit(() -> Thread.currentThread().getName()).result())
                    .matches("requests-thread-\\d+");
        }
    }

    @Test
    void noMoreCallsRunAtOnceThanTheSize() {
        var running = new AtomicInteger();
        var most = new AtomicInteger();
        var mostThreads = new AtomicInteger();
        try (var pool = poolOf(3)) {
            List<ConcurrentFuture<Boolean>> calls = IntStream.range(0, 3_000)
                    .mapToObj(_ -> pool.submit(() -> {
                        most.accumulateAndGet(running.incrementAndGet(), Math::max);
                        mostThreads.accumulateAndGet(pool.statistics().threads(), Math::max);
                        LockSupport.parkNanos(1); // others run meanwhile
                        running.decrementAndGet();
                        return true;
                    }))
                    .toList();

            assertThat(calls).allMatch(ConcurrentFuture::result);
        }
        assertThat(most).hasValueLessThanOrEqualTo(3);
        assertThat(mostThreads).hasValueLessThanOrEqualTo(3);
    }

    /** The most calls that the pool may run, each of which waits for all the others. */
    @Test
    void asManyCallsRunAtOnceAsTheSize() {
        int size = 500;
        try (var pool = poolOf(size)) {
            for (int round = 0; round < 3; round++) {
                var all = new CountDownLatch(size);
                Set<Thread> threads = ConcurrentHashMap.newKeySet();
                List<ConcurrentFuture<Boolean>> calls = IntStream.range(0, size)
                        .mapToObj(_ -> pool.submit(() -> {
                            threads.add(Thread.currentThread());
                            all.countDown();
                            return all.await(10, TimeUnit.SECONDS);
                        }))
                        .toList();

                assertThat(calls).allMatch(ConcurrentFuture::result);
                assertThat(threads).hasSize(size);
            }
        }
    }

    @Test
    void closeWaitsForCallsThatRunAndWait() throws Exception {
        var ran = new AtomicInteger();
        var pool = poolOf(2);
        var entered = new CountDownLatch(2);
        for (int i = 0; i < 10; i++) {
            pool.execute(() -> {
                entered.countDown();
                try {
                    gate.await();
                    ran.incrementAndGet();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
        }
        entered.await();
        pool.shutdown();
        assertThat(pool.isTerminated()).isFalse();
        gate.countDown();
        pool.close();

        assertThat(ran).hasValue(10);
        assertThat(pool.statistics().threads()).isZero();
    }

    @Test
    void anInterruptReachesItsCallAndNoOther() throws Exception {
        try (var pool = poolOf(1)) {
            var entered = new CountDownLatch(1);
            var interrupted = new CompletableFuture<Thread>();
            var cancelled = pool.submit(() -> {
                entered.countDown();
                try {
                    gate.await();
                } catch (InterruptedException e) {
                    interrupted.complete(Thread.currentThread());
                    Thread.currentThread().interrupt();
                }
            });
            entered.await();
            var next = pool.submit(() -> Thread.currentThread().isInterrupted() ? null : Thread.currentThread());
            assertThat(cancelled.cancel(true)).isTrue();

            assertThat(next.result()).as("the thread of both").isSameAs(interrupted.join());
            assertThatThrownBy(cancelled::result).isInstanceOf(CancellationException.class);
        }
    }

    @Test
    void aCallbackThatWaitsForACallOfItsPoolGetsAnotherThread() throws Exception {
        try (var pool = poolOf(2)) {
            var seen = new CompletableFuture<Set<Thread>>();
            pool.submit(this::threadBehindTheGate).addDoneCallback(done -> {
                Set<Thread> threads = new HashSet<>();
                threads.add(done.result());
                threads.add(pool.submit(Thread::currentThread).result());
                seen.complete(threads);
            });
            gate.countDown();

            assertThat(seen.get(10, TimeUnit.SECONDS)).hasSize(2);
        }
    }

    /** To be initialized may be dear, so a thread that was is kept. */
    @Test
    void threadsThatWereInitializedAreKept() {
        var initialized = new AtomicInteger();
        try (var pool = ThreadPool.builder()
                .size(2)
                .virtual()
                .initializer(initialized::incrementAndGet)
                .build()) {
            Thread thread = pool.submit(Thread::currentThread).result();
            for (int i = 0; i < 100; i++) {
                assertThat(pool.submit(Thread::currentThread).result()).isSameAs(thread);
            }
            assertThat(pool.statistics().threads()).isEqualTo(1);
        }
        assertThat(initialized).hasValue(1);
    }

    @Test
    void threadsOfAFactoryAreKept() {
        try (var pool = ThreadPool.builder()
                .size(2)
                .threadFactory(Thread.ofVirtual().factory())
                .build()) {
            Thread thread = pool.submit(Thread::currentThread).result();
            for (int i = 0; i < 100; i++) {
                assertThat(pool.submit(Thread::currentThread).result()).isSameAs(thread);
            }
        }
    }
}
