package dev.trestle.threadpool;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.common.util.concurrent.ListeningExecutorService;
import com.google.common.util.concurrent.MoreExecutors;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.scheduling.concurrent.ConcurrentTaskExecutor;

/** Users of the JDK's interfaces, in the JDK, Guava and Spring, with a thread pool of ours. */
@Timeout(30)
class ExecutorServiceUsersTest {

    @AutoClose
    private final ThreadPool pool =
            ThreadPool.builder().size(2).namePrefix("users").build();

    @Test
    void completableFutureRunsItsStagesOnIt() {
        var names = CompletableFuture.supplyAsync(() -> Thread.currentThread().getName(), pool)
                .thenApplyAsync(first -> List.of(first, Thread.currentThread().getName()), pool)
                .join();

        assertThat(names).allMatch(name -> name.startsWith("users-thread-"));
    }

    @Test
    void completionServiceTakesItsResults() throws Exception {
        var service = new ExecutorCompletionService<Integer>(pool);
        IntStream.range(0, 10).forEach(i -> {
            var _ = service.submit(() -> i);
        });
        var results = new ArrayList<Integer>();
        for (int i = 0; i < 10; i++) {
            results.add(service.take().get());
        }

        assertThat(results).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    }

    @Test
    void aDecoratorOfTheJdkPassesItsCallsOn() throws Exception {
        ExecutorService decorated = Executors.unconfigurableExecutorService(pool);

        assertThat(decorated.submit(() -> 1).get()).isEqualTo(1);
        assertThat(decorated.<Integer>invokeAny(List.of(() -> 2))).isEqualTo(2);
        decorated.shutdown();
        assertThat(pool.awaitTermination(10, SECONDS)).isTrue();
    }

    @Test
    void aFutureTaskOfTheCallerIsRunAndHandedBack() throws Exception {
        var task = new FutureTask<>(() -> "its own future");
        pool.execute(task);

        assertThat(task.get()).isEqualTo("its own future");
    }

    @Test
    void aPublisherDeliversOnIt() {
        var received = new CompletableFuture<String>();
        try (var publisher = new SubmissionPublisher<String>((Executor) pool, 8)) {
            var consumed = publisher.consume(received::complete);
            publisher.submit("item");
            assertThat(received.join()).isEqualTo("item");
            publisher.close();
            consumed.join();
        }
    }

    @Test
    void guavasListeningDecoratorGivesListenableFutures() throws Exception {
        ListeningExecutorService decorated = MoreExecutors.listeningDecorator(pool);
        var heard = new CompletableFuture<Integer>();
        ListenableFuture<Integer> sum = Futures.transform(decorated.submit(() -> 41), n -> n + 1, decorated);
        sum.addListener(() -> heard.complete(Futures.getUnchecked(sum)), Runnable::run);

        assertThat(heard.get(10, SECONDS)).isEqualTo(42);
        assertThat(decorated.invokeAll(List.of(() -> 1, () -> 2))).allMatch(Future::isDone);
        assertThat(MoreExecutors.shutdownAndAwaitTermination(decorated, Duration.ofSeconds(10)))
                .isTrue();
    }

    @Test
    void cancellingGuavasFutureInterruptsTheTask() throws Exception {
        ListeningExecutorService decorated = MoreExecutors.listeningDecorator(pool);
        var started = new CountDownLatch(1);
        var interrupted = new CountDownLatch(1);
        ListenableFuture<?> future = decorated.submit(() -> {
            started.countDown();
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                interrupted.countDown();
            }
        });
        started.await();
        future.cancel(true);

        assertThat(interrupted.await(10, SECONDS)).isTrue();
    }

    @Test
    void guavasSequentialExecutorKeepsItsOrderOnIt() {
        Executor oneAfterTheOther = MoreExecutors.newSequentialExecutor(pool);
        var order = new ArrayList<Integer>(); // unguarded: the executor's promise is that it need not be
        for (int i = 0; i < 100; i++) {
            int item = i;
            oneAfterTheOther.execute(() -> order.add(item));
        }
        CompletableFuture.runAsync(() -> {}, oneAfterTheOther).join();

        assertThat(order).isEqualTo(IntStream.range(0, 100).boxed().toList());
    }

    @Test
    void springsTaskExecutorRunsItsTasksOnIt() throws Exception {
        var spring = new ConcurrentTaskExecutor(pool);

        assertThat(spring.submit(() -> Thread.currentThread().getName()).get()).startsWith("users-thread-");
        assertThat(spring.submitCompletable(() -> 42).get()).isEqualTo(42);
    }

    @Test
    void springsTaskDecoratorSeesEveryTask() throws Exception {
        var decorated = new AtomicInteger();
        var spring = new ConcurrentTaskExecutor(pool);
        spring.setTaskDecorator(task -> {
            decorated.incrementAndGet();
            return task;
        });
        spring.submitCompletable(() -> 1).get();

        assertThat(decorated).hasValue(1);
    }

    @Test
    void ourFuturesComposeWithStages() {
        var sum = pool.submit(() -> 40)
                .toCompletableFuture()
                .thenCombine(pool.submit(() -> 2).toCompletableFuture(), Integer::sum);

        assertThat(sum.join()).isEqualTo(42);
        assertThatThrownBy(() -> pool.submit(() -> {
                            throw new IOException("x");
                        })
                        .toCompletableFuture()
                        .get())
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(IOException.class);
    }
}
