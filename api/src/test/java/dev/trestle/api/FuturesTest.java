package dev.trestle.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Waits for several futures, among them futures that other code than this library has written. */
@Timeout(30)
class FuturesTest {

    private final Promise<String> first = new Promise<>();
    private final Promise<String> second = new Promise<>();

    /** Returns a future that does what a promise does, and is none. */
    @SuppressWarnings("unchecked")
    private static ConcurrentFuture<String> foreign(Promise<String> behind) {
        return (ConcurrentFuture<String>) Proxy.newProxyInstance(
                FuturesTest.class.getClassLoader(),
                new Class<?>[] {ConcurrentFuture.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "equals" -> proxy == arguments[0];
                    case "hashCode" -> System.identityHashCode(proxy);
                    default -> {
                        try {
                            yield method.invoke(behind, arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    }
                });
    }

    /** Runs a wait on a thread of its own, until that thread waits. */
    private static <T> FutureTask<T> waiting(Callable<T> wait) {
        var task = new FutureTask<>(wait);
        Thread thread = Thread.ofPlatform().start(task);
        while (thread.getState() != Thread.State.WAITING && thread.getState() != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
        }
        return task;
    }

    @Test
    void futuresOfOtherCodeAreAwaitedToo() throws Exception {
        ConcurrentFuture<String> one = foreign(first);
        ConcurrentFuture<String> other = foreign(second);
        var all = waiting(() -> Futures.waitUntil(ReturnWhen.ALL_COMPLETED, List.of(one, other)));
        var any = waiting(() -> Futures.waitUntil(ReturnWhen.FIRST_COMPLETED, List.of(one, other)));
        var iteration = waiting(() -> {
            var completed = new ArrayList<ConcurrentFuture<String>>();
            Futures.asCompleted(List.of(one, other)).forEach(completed::add);
            return completed;
        });

        second.setResult("second");
        assertThat(any.get().done()).containsExactly(other);
        assertThat(all.isDone()).isFalse();
        first.setResult("first");
        assertThat(all.get().done()).containsExactly(one, other);
        assertThat(iteration.get()).containsExactly(other, one);
    }

    @Test
    void anIterationThatIsLateForgetsAFutureOfOtherCode() {
        Iterator<ConcurrentFuture<String>> late =
                Futures.asCompleted(List.of(foreign(first)), Duration.ZERO).iterator();

        assertThatThrownBy(late::next)
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(TimeoutException.class)
                .hasMessageContaining("1 (of 1) futures unfinished after PT0S");
        first.setResult("x");
        assertThat(late.hasNext()).isTrue();
    }

    @Test
    void aWaitThatHasItsAnswerLeavesNoListener() throws Exception {
        var any = waiting(() -> Futures.waitUntil(ReturnWhen.FIRST_COMPLETED, List.of(first, second)));
        first.setResult("x");

        assertThat(any.get().pending()).containsExactly(second);
        assertThat(second.listenerCount()).isZero();
    }

    @Test
    void waitForTheFirstExceptionGoesOnAfterResults() throws Exception {
        var third = new Promise<String>();
        var failure = waiting(() -> Futures.waitUntil(ReturnWhen.FIRST_EXCEPTION, List.of(first, second, third)));
        var results = waiting(() -> Futures.waitUntil(ReturnWhen.FIRST_EXCEPTION, List.of(first, second)));

        first.setResult("x");
        assertThat(failure.isDone()).isFalse();
        assertThat(results.isDone()).isFalse();
        second.setResult("y");
        assertThat(results.get().done()).containsExactly(first, second);
        assertThat(failure.isDone()).isFalse();
        third.setException(new IllegalStateException("on purpose"));
        assertThat(failure.get().pending()).isEmpty();
    }

    @Test
    void anInterruptedWaitSaysForHowManyFuturesItWaited() {
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> Futures.waitUntil(ReturnWhen.ALL_COMPLETED, List.of(first, second)))
                .isInstanceOf(CompletionException.class)
                .hasMessageContaining("waiting for 2 futures")
                .hasCauseInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isTrue();
        Iterator<Promise<String>> iteration =
                Futures.asCompleted(List.of(first, second)).iterator();
        Thread.currentThread().interrupt();
        assertThatThrownBy(iteration::next)
                .isInstanceOf(CompletionException.class)
                .hasMessageContaining("waiting for the next of 2 futures");
        assertThat(Thread.interrupted()).isTrue();
        assertThat(first.listenerCount()).as("of the iteration, which goes on").isEqualTo(1);
    }

    @Test
    void anIterationEndsAfterItsLastFuture() {
        first.setResult("x");
        second.setResult("y");
        Iterator<Promise<String>> both =
                Futures.asCompleted(List.of(first, second, first)).iterator();

        assertThat(both.next()).isSameAs(first);
        assertThat(both.hasNext()).isTrue();
        assertThat(both.next()).isSameAs(second);
        assertThat(both.hasNext()).isFalse();
        assertThatThrownBy(both::next)
                .isInstanceOf(NoSuchElementException.class)
                .hasMessage("All 2 futures have been returned");
    }

    // Views

    @Test
    void aViewIsCancelledOnceAndOnlyIfItIsPending() {
        CompletableFuture<String> view = first.toCompletableFuture();
        CompletableFuture<String> stage = view.thenApply(x -> x);
        assertThat(stage.cancel(true)).isTrue();
        assertThat(first.isDone()).as("after the cancellation of a stage").isFalse();
        assertThat(view.cancel(true)).isTrue();
        assertThat(first.isCancelled()).isTrue();

        second.setResult("x");
        assertThat(second.toCompletableFuture().cancel(true)).isFalse();
        assertThat(second.isCancelled()).isFalse();
    }

    @Test
    void aTimeLimitOfAStageSaysThatTheCallGoesOn() {
        CompletableFuture<String> stage =
                first.toCompletableFuture().thenApply(x -> x).orTimeout(1, TimeUnit.NANOSECONDS);

        assertThatThrownBy(stage::join)
                .cause()
                .isInstanceOf(TimeoutException.class)
                .hasMessageContaining("was not done after PT0.000000001S; it goes on");
    }

    @Test
    void aReadOfAViewThatIsLateNamesItsCauseToo() throws Exception {
        CompletableFuture<String> view = first.toCompletableFuture();

        assertThatThrownBy(() -> view.get(1, TimeUnit.NANOSECONDS))
                .isInstanceOf(TimeoutException.class)
                .hasMessageContaining("was not done after PT0.000000001S; it goes on")
                .hasCauseInstanceOf(TimeoutException.class);
        first.setResult("x");
        assertThat(view.get(1, TimeUnit.NANOSECONDS)).isEqualTo("x");
    }
}
