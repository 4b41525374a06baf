package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.yieldNow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.InvalidStateException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The states of a future, its callbacks, and its exception. */
@Timeout(30)
class LoopFutureTest {

    @AutoClose
    private final EventLoop loop = new EventLoop(new VirtualClock());

    private final List<String> trail = new ArrayList<>();
    private final List<ExceptionContext> reports = new ArrayList<>();

    @Test
    void aFutureIsPendingUntilItHasAnOutcome() {
        LoopFuture<@Nullable Integer> future = loop.createFuture();
        assertThat(future.loop()).isSameAs(loop);
        assertThat(future.isDone()).isFalse();
        assertThat(future.isCancelled()).isFalse();
        assertThat(future.toString()).endsWith("[pending]");

        future.setResult(42);
        assertThat(future.isDone()).isTrue();
        assertThat(future.result()).isEqualTo(42);
        assertThat(future.exception()).isEmpty();
        assertThat(future.toString()).endsWith("[result 42]");
    }

    @Test
    void aPendingFutureHasNeitherResultNorException() {
        LoopFuture<String> future = loop.createFuture();
        assertThatThrownBy(future::result)
                .isInstanceOf(InvalidStateException.class)
                .hasMessageContaining("The result of " + future + " is not there yet")
                .hasMessageContaining("wait for it with await(future)");
        assertThatThrownBy(future::exception)
                .isInstanceOf(InvalidStateException.class)
                .hasMessageContaining("The exception of ");
    }

    @Test
    void aFailedFutureThrowsTheSameExceptionEveryTime() {
        var unchecked = new IllegalStateException("unchecked");
        LoopFuture<String> future = loop.createFuture();
        future.setException(unchecked);
        assertThat(future.exception()).containsSame(unchecked);
        assertThatThrownBy(future::result).isSameAs(unchecked);
        assertThatThrownBy(future::result).isSameAs(unchecked);
        assertThat(future.toString()).endsWith("[failed with " + unchecked + "]");

        var checked = new IOException("checked");
        LoopFuture<String> other = loop.createFuture();
        other.setException(checked);
        assertThat(other.exception()).containsSame(checked);
        assertThatThrownBy(other::result)
                .isInstanceOf(CompletionException.class)
                .hasCause(checked);
    }

    @Test
    void cancelledFutureThrowsTheMessageOfItsCancellation() {
        LoopFuture<String> future = loop.createFuture();
        assertThat(future.cancel("why")).isTrue();
        assertThat(future.cancel("again")).isFalse();
        assertThat(future.isCancelled()).isTrue();
        assertThat(future.isDone()).isTrue();
        assertThatThrownBy(future::result).isInstanceOf(CancelledError.class).hasMessage("why");
        assertThatThrownBy(future::exception).isInstanceOf(CancelledError.class).hasMessage("why");
        assertThat(future.toString()).endsWith("[cancelled]");

        LoopFuture<String> without = loop.createFuture();
        without.cancel();
        assertThatThrownBy(without::result).isInstanceOf(CancelledError.class).hasMessage(null);
    }

    @Test
    void aFutureThatIsDoneIsNotCancelled() {
        LoopFuture<String> future = loop.createFuture();
        future.setResult("result");
        assertThat(future.cancel()).isFalse();
        assertThat(future.result()).isEqualTo("result");
    }

    @Test
    void aCancelledErrorAsExceptionIsACancellation() {
        var error = new CancelledError("by hand");
        LoopFuture<String> future = loop.createFuture();
        future.setException(error);
        assertThat(future.isCancelled()).isTrue();
        assertThatThrownBy(future::result).isSameAs(error);
    }

    @Test
    void aCallbackOfAFutureThatIsDoneRunsLater() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            future.setResult("result");
            future.addDoneCallback(done -> trail.add("callback of " + done.result()));
            trail.add("first");
            yieldNow();
        });

        assertThat(trail).containsExactly("first", "callback of result");
    }

    @Test
    void callbacksRunOnEveryOutcome() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> failed = loop.createFuture();
            failed.addDoneCallback(
                    done -> trail.add("failed: " + done.exception().isPresent()));
            LoopFuture<String> cancelled = loop.createFuture();
            cancelled.addDoneCallback(done -> trail.add("cancelled: " + done.isCancelled()));
            failed.setException(new IllegalStateException());
            cancelled.cancel();
            assertThat(trail).isEmpty();
            yieldNow();
        });

        assertThat(trail).containsExactly("failed: true", "cancelled: true");
    }

    @Test
    void aCallbackIsRemovedAsOftenAsItWasAdded() {
        Consumer<LoopFuture<String>> one = _ -> trail.add("one");
        Consumer<LoopFuture<String>> two = _ -> trail.add("two");
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            assertThat(future.removeDoneCallback(one)).isZero();
            future.addDoneCallback(one);
            future.addDoneCallback(two);
            future.addDoneCallback(one);
            future.addDoneCallback(two);
            assertThat(future.removeDoneCallback(one)).isEqualTo(2);
            assertThat(future.removeDoneCallback(one)).isZero();
            future.setResult("result");
            assertThat(future.removeDoneCallback(two)).as("on their way").isZero();
            yieldNow();
        });

        assertThat(trail).containsExactly("two", "two");
    }

    @Test
    void aCallbackMayAddAnother() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            future.addDoneCallback(done -> {
                trail.add("one");
                done.addDoneCallback(_ -> trail.add("three"));
            });
            future.addDoneCallback(_ -> trail.add("two"));
            future.setResult("result");
            yieldNow();
            assertThat(trail).containsExactly("one", "two");
            yieldNow();
        });

        assertThat(trail).containsExactly("one", "two", "three");
    }

    @Test
    void aFutureThatIsDoneIsAwaitedWithoutSuspending() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            future.setResult("result");
            createTask(() -> trail.add("another task"));
            assertThat(await(future)).isEqualTo("result");
            assertThat(trail).isEmpty();
        });
    }

    @Test
    void everyAwaiterOfAFutureGoesOnInOrder() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            Task<?> one = createTask(() -> trail.add("one " + await(future)));
            Task<?> two = createTask(() -> trail.add("two " + await(future)));
            yieldNow();
            future.setResult("result");
            await(one);
            await(two);
        });

        assertThat(trail).containsExactly("one result", "two result");
    }

    /** The cancellation of one awaiter cancels the future, and so all awaiters; see {@link Async#shield}. */
    @Test
    void cancellingOneAwaiterOfAFutureCancelsTheFuture() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            Task<?> one = createTask(() -> await(future));
            Task<?> two = createTask(() -> await(future));
            yieldNow();
            one.cancel();
            assertThat(future.isCancelled()).isTrue();
            assertThatThrownBy(() -> await(two)).isInstanceOf(CancelledError.class);
        });
    }

    @Test
    void aRetrievedExceptionIsNotReported() {
        loop.setExceptionHandler((_, report) -> reports.add(report));
        loop.runUntilComplete(() -> {
            LoopFuture<String> byResult = failed();
            assertThatThrownBy(byResult::result).isInstanceOf(IllegalStateException.class);
            LoopFuture<String> byException = failed();
            assertThat(byException.exception()).isPresent();
            LoopFuture<String> byAwait = failed();
            assertThatThrownBy(() -> await(byAwait)).isInstanceOf(IllegalStateException.class);
            LoopFuture<String> withResult = loop.createFuture();
            withResult.setResult("not retrieved");
            LoopFuture<String> cancelled = loop.createFuture();
            cancelled.cancel();
        });
        loop.close();

        assertThat(reports).isEmpty();
    }

    private LoopFuture<String> failed() {
        LoopFuture<String> future = loop.createFuture();
        future.setException(new IllegalStateException("failed"));
        return future;
    }

    /** Departs from asyncio, where a cancel that comes too late silences the report. */
    @Test
    void aCancelThatComesTooLateDoesNotSilenceAnException() {
        loop.setExceptionHandler((_, report) -> reports.add(report));
        loop.runUntilComplete(() -> {
            assertThat(failed().cancel()).isFalse();
        });
        loop.close();

        assertThat(reports)
                .singleElement()
                .satisfies(report -> assertThat(report.message()).contains("was never retrieved"));
    }
}
