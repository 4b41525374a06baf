package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class EndingsTest {

    private final Dispatcher dispatcher = new Dispatcher(ProcessPool.builder().options(), 1, null);
    private final Calls calls = new Calls(dispatcher);
    private final Endings endings = new Endings();
    private final PoolCall<?> first = calls.shortOne();
    private final PoolCall<?> second = calls.shortOne();

    @AfterEach
    void close() {
        dispatcher.shutdown();
    }

    @Test
    void callsEndInTheirOrderAndAreHereUntilAllHave() {
        var ended = new ArrayList<PoolCall<?>>();
        var batch = endings.of(List.of(first, second));
        assertThat(endings.has(second.promise())).as("from now on").isTrue();
        assertThat(Endings.areHere(second.promise())).isFalse();
        batch.end(call -> {
            assertThat(Endings.areHere(second.promise())).isTrue();
            assertThat(endings.has(first.promise())).isTrue();
            assertThat(endings.areHere()).isTrue();
            assertThat(new Endings().areHere()).as("those of another pool").isFalse();
            ended.add(call);
        });

        assertThat(ended).containsExactly(first, second);
        assertThat(endings.has(second.promise())).isFalse();
        assertThat(endings.areHere()).isFalse();
    }

    @Test
    void anotherThreadEndsNothingHereButItIsKnown() throws Exception {
        endings.of(List.of(first)).end(_ -> {
            var other = Thread.ofPlatform().start(() -> {
                assertThat(endings.has(first.promise())).isTrue();
                assertThat(Endings.areHere(first.promise())).isFalse();
                first.promise().cancel(false);
            });
            assertThat(join(other)).isTrue();
        });
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
        var other = new Endings();
        endings.of(List.of(first)).end(_ -> {
            other.of(List.of(second)).end(_ -> {
                assertThat(Endings.areHere(first.promise())).isTrue();
                assertThat(Endings.areHere(second.promise())).isTrue();
                assertThat(endings.areHere()).isTrue();
            });
            assertThat(Endings.areHere(second.promise())).isFalse();
        });
        assertThat(other.has(second.promise())).isFalse();
    }

    @Test
    void noCallsAreNoBatch() {
        var nothing = endings.of(List.of());
        nothing.run(() -> {
            throw new AssertionError("There is nothing to end");
        });
        assertThat(endings).hasToString("Endings[]");
    }
}
