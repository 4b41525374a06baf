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
class EndingsTest {

    private final Dispatcher dispatcher = new Dispatcher(ProcessPool.builder().options(), 1, null);
    private final Calls calls = new Calls(dispatcher);
    private final Endings endings = new Endings(new AcceptedCalls(true));
    private final PoolCall<?> first = calls.shortOne();
    private final PoolCall<?> second = calls.shortOne();

    @AfterEach
    void close() {
        dispatcher.shutdown();
    }

    private @Nullable Throwable wrong;

    /** What goes wrong with ending a call does not come out of it; so it is kept for {@link #end}. */
    private Consumer<PoolCall<?>> checked(Consumer<PoolCall<?>> how) {
        return call -> wrong = wrong == null ? catchThrowable(() -> how.accept(call)) : wrong;
    }

    private void end(Endings.Batch batch) {
        batch.end();
        assertThat(wrong).isNull();
    }

    @Test
    void aCallThatCannotEndAtFirstEndsLater() {
        var attempts = new AtomicInteger();
        endings.of(List.of(first, second), call -> {
                    if (call == first && attempts.incrementAndGet() < 4) {
                        throw new OutOfMemoryError("by hand");
                    }
                    call.promise().cancel(false);
                })
                .end();

        assertThat(attempts).hasValue(4);
        assertThat(first.promise().isCancelled()).isTrue();
        assertThat(second.promise().isCancelled()).isTrue();
        assertThat(endings).hasToString("Endings[]");
    }

    @Test
    void aCallThatHasEndedIsNotEndedAgainWhenACallbackThrows() {
        var attempts = new AtomicInteger();
        endings.of(List.of(first), call -> {
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
        var batch = endings.of(List.of(first, second), checked(call -> {
            assertThat(Endings.areHere(second.promise())).isTrue();
            assertThat(endings.has(first.promise())).isTrue();
            assertThat(endings.areHere()).isTrue();
            assertThat(new Endings(new AcceptedCalls(true)).areHere())
                    .as("those of another pool")
                    .isFalse();
            ended.add(call);
        }));
        assertThat(endings.has(second.promise())).as("from now on").isTrue();
        assertThat(Endings.areHere(second.promise())).isFalse();
        end(batch);

        assertThat(ended).containsExactly(first, second);
        assertThat(endings.has(second.promise())).isFalse();
        assertThat(endings.areHere()).isFalse();
    }

    @Test
    void anotherThreadEndsNothingHereButItIsKnown() throws Exception {
        end(endings.of(List.of(first), checked(_ -> {
            var other = Thread.ofPlatform().start(() -> {
                assertThat(endings.has(first.promise())).isTrue();
                assertThat(Endings.areHere(first.promise())).isFalse();
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
    void whatIsEndedWithinCountsAndSoDoesWhatIsAround() {
        var other = new Endings(new AcceptedCalls(true));
        end(endings.of(List.of(first), checked(_ -> {
            end(other.of(List.of(second), checked(_ -> {
                assertThat(Endings.areHere(first.promise())).isTrue();
                assertThat(Endings.areHere(second.promise())).isTrue();
                assertThat(endings.areHere()).isTrue();
            })));
            assertThat(Endings.areHere(second.promise())).isFalse();
        })));
        assertThat(other.has(second.promise())).isFalse();
    }

    @Test
    void noCallsAreNoBatch() {
        end(endings.of(List.of(), checked(_ -> {
            throw new AssertionError("There is nothing to end");
        })));
        assertThat(endings).hasToString("Endings[]");
    }
}
