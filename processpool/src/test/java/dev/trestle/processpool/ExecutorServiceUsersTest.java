package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.Call;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Code that is written against {@link ExecutorService}, with a process pool. Libraries that pass tasks on unchanged get
 * results; libraries that wrap a task into a future of this process get a refusal that says what to do.
 */
@Timeout(60)
class ExecutorServiceUsersTest {

    @AutoClose
    private final ProcessPool pool = new ProcessPool(1);

    /** Returns users of an executor that hand a future of their own to it. */
    static Stream<Named<Consumer<ProcessPool>>> wrappers() {
        return Stream.of(
                Named.of("supplyAsync", pool -> {
                    var _ = CompletableFuture.supplyAsync(() -> 1, pool);
                }),
                Named.of("runAsync", pool -> {
                    var _ = CompletableFuture.runAsync(() -> {}, pool);
                }),
                Named.of("completion service", pool -> {
                    var _ = new ExecutorCompletionService<Integer>(pool).submit(() -> 1);
                }),
                Named.of("future task", pool -> pool.execute(new FutureTask<>(() -> 1))));
    }

    @ParameterizedTest
    @MethodSource("wrappers")
    void aFutureOfThisProcessIsRefusedWithTheWayOut(Consumer<ProcessPool> wrapper) {
        assertThatThrownBy(() -> wrapper.accept(pool))
                .isInstanceOf(CallNotSerializableException.class)
                .isInstanceOf(RejectedExecutionException.class)
                .hasMessageContaining("it is itself the future of a task in this process")
                .hasMessageContaining("pool.submit(() -> ...).toCompletableFuture()")
                .hasMessageContaining("pool.supplyAsync(() -> ...)");
        assertThat(pool.statistics().submitted()).isZero();
    }

    /** Returns tasks as libraries wrap them: in objects and lambdas of their own, around the program's task. */
    static Stream<Named<Callable<Integer>>> wrapped() {
        Call<Integer> call = () -> 1;
        return Stream.of(
                Named.of("an object", new Callable<>() {
                    @Override
                    public Integer call() throws Exception {
                        return call.call();
                    }
                }),
                Named.of("a lambda", () -> call.call() + 1),
                Named.of("the JDK's adapter", Executors.callable(() -> {}, 1)));
    }

    @ParameterizedTest
    @MethodSource("wrapped")
    void aTaskThatALibraryHasWrappedIsRefusedWithTheWayOut(Callable<Integer> task) {
        assertThatThrownBy(() -> pool.submit(task))
                .isInstanceOf(CallNotSerializableException.class)
                .isInstanceOf(RejectedExecutionException.class)
                .hasMessageContaining("If a library has wrapped the call")
                .hasMessageContaining("give the pool the call itself, pool.submit(() -> ...)");
        assertThat(pool.statistics().submitted()).isZero();
    }

    @Test
    void theProgramsOwnCallIsRefusedWithoutAWordAboutLibraries() {
        var here = new Object();

        assertThatThrownBy(() -> pool.submit(() -> here))
                .isInstanceOf(CallNotSerializableException.class)
                .message()
                .doesNotContain("library");
    }

    @Test
    void aStageThatIsDoneFirstIsGivenTheRefusalToo() {
        CompletableFuture<Integer> stage = CompletableFuture.completedFuture(1);

        assertThatThrownBy(
                        () -> stage.thenApplyAsync(n -> n + 1, (Executor) pool).join())
                .hasStackTraceContaining("CallNotSerializableException")
                .hasStackTraceContaining("it is itself the future");
    }

    @Test
    void decoratorsThatPassCallsOnAreAsGoodAsThePool() throws Exception {
        ExecutorService decorated = Executors.unconfigurableExecutorService(pool);
        Call<Long> parent = () -> ProcessHandle.current().parent().orElseThrow().pid();
        long here = ProcessHandle.current().pid();

        assertThat(decorated.submit(parent).get()).isEqualTo(here);
        assertThat(decorated.invokeAll(List.of(parent)))
                .allSatisfy(each -> assertThat(each.get()).isEqualTo(here));
        assertThat(decorated.invokeAny(List.of(parent))).isEqualTo(here);
    }

    @Test
    void composingWhatThePoolReturnsIsTheWayOut() {
        var sum = pool.submit(() -> 40)
                .toCompletableFuture()
                .thenCombine(pool.submit(() -> 2).toCompletableFuture(), Integer::sum);

        assertThat(sum.join()).isEqualTo(42);
    }

    @Test
    void aSchedulerSubmitsToThePool() throws Exception {
        try (var scheduler = new ScheduledThreadPoolExecutor(1)) {
            Callable<Integer> later = () -> pool.submit(() -> 42).result();

            assertThat(scheduler.schedule(later, 1, TimeUnit.MILLISECONDS).get())
                    .isEqualTo(42);
        }
    }

    @Test
    void tasksThatAreDataTravel() throws Exception {
        record Add(int a, int b) implements Callable<Integer> {
            @Override
            public Integer call() {
                return a + b;
            }
        }
        var sums = new ArrayList<Integer>();
        for (var future : pool.invokeAll(List.of(new Add(1, 2), new Add(3, 4)))) {
            sums.add(future.get());
        }

        assertThat(sums).containsExactly(3, 7);
    }
}
