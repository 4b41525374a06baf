package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class CompletionBatchesTest {

    private final Dispatcher dispatcher = new Dispatcher(ProcessPool.builder().options(), 1, null);
    private final Calls calls = new Calls(dispatcher);
    private final CompletionBatches completions = new CompletionBatches(new AcceptedCalls(true));
    private final PoolCall<?> first = calls.shortOne();
    private final PoolCall<?> second = calls.shortOne();

    @AfterEach
    void close() {
        dispatcher.shutdown();
    }

    private @Nullable Throwable wrong;

    /** Returns an action that keeps its failure for {@link #end}, since a failure to end a call is not thrown. */
    private Consumer<PoolCall<?>> checked(Consumer<PoolCall<?>> how) {
        return call -> wrong = wrong == null ? catchThrowable(() -> how.accept(call)) : wrong;
    }

    private void end(CompletionBatches.Batch batch) {
        batch.end();
        assertThat(wrong).isNull();
    }

    @Test
    void aCallThatCannotEndAtFirstEndsLater() {
        var attempts = new AtomicInteger();
        completions
                .of(List.of(first, second), call -> {
                    if (call == first && attempts.incrementAndGet() < 4) {
                        throw new OutOfMemoryError("by hand");
                    }
                    call.promise().cancel(false);
                })
                .end();

        assertThat(attempts).hasValue(4);
        assertThat(first.promise().isCancelled()).isTrue();
        assertThat(second.promise().isCancelled()).isTrue();
        assertThat(completions).hasToString("CompletionBatches[]");
    }

    @Test
    void aCallThatHasEndedIsNotEndedAgainWhenACallbackThrows() {
        var attempts = new AtomicInteger();
        completions
                .of(List.of(first), call -> {
                    attempts.incrementAndGet();
                    call.promise().cancel(false);
                    throw new StackOverflowError("by hand");
                })
                .end();

        assertThat(attempts).hasValue(1);
    }

    @Test
    void callsEndInTheirOrderAndAreHereUntilAllHave() {
        var ended = new ArrayList<PoolCall<?>>();
        var batch = completions.of(List.of(first, second), checked(call -> {
            assertThat(CompletionBatches.areHere(second.promise())).isTrue();
            assertThat(completions.has(first.promise())).isTrue();
            assertThat(completions.areHere()).isTrue();
            assertThat(new CompletionBatches(new AcceptedCalls(true)).areHere())
                    .as("those of another pool")
                    .isFalse();
            ended.add(call);
        }));
        assertThat(completions.has(second.promise())).as("from now on").isTrue();
        assertThat(CompletionBatches.areHere(second.promise())).isFalse();
        end(batch);

        assertThat(ended).containsExactly(first, second);
        assertThat(completions.has(second.promise())).isFalse();
        assertThat(completions.areHere()).isFalse();
    }

    @Test
    void anotherThreadEndsNothingHereButItIsKnown() throws Exception {
        end(completions.of(List.of(first), checked(_ -> {
            var other = Thread.ofPlatform().start(() -> {
                assertThat(completions.has(first.promise())).isTrue();
                assertThat(CompletionBatches.areHere(first.promise())).isFalse();
                first.promise().cancel(false);
            });
            assertThat(join(other)).isTrue();
        })));
        assertThat(first.promise().isCancelled()).as("all of it was found so").isTrue();
    }

    private static boolean join(Thread thread) {
        try {
            thread.join();
            return true;
        } catch (InterruptedException e) {
            return false;
        }
    }

    /** A callback may end a pool, and so end calls in its turn. */
    @Test
    void nestedBatchesCountWithTheOnesAround() {
        var other = new CompletionBatches(new AcceptedCalls(true));
        end(completions.of(List.of(first), checked(_ -> {
            end(other.of(List.of(second), checked(_ -> {
                assertThat(CompletionBatches.areHere(first.promise())).isTrue();
                assertThat(CompletionBatches.areHere(second.promise())).isTrue();
                assertThat(completions.areHere()).isTrue();
            })));
            assertThat(CompletionBatches.areHere(second.promise())).isFalse();
        })));
        assertThat(other.has(second.promise())).isFalse();
    }

    @Test
    void noCallsAreNoBatch() {
        end(completions.of(List.of(), checked(_ -> {
            throw new AssertionError("There is nothing to end");
        })));
        assertThat(completions).hasToString("CompletionBatches[]");
    }
}
