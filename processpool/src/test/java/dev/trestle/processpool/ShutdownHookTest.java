package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.processpool.jvm.PrivateDirectory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The shutdown hook of a pool, in virtual time. Real programs that end are in {@link AcceptedCallsTest}. */
@Timeout(10)
class ShutdownHookTest {

    private static final Duration GRACE = Duration.ofSeconds(5);

    private final VirtualTimer timer = new VirtualTimer();
    private final List<Worker> workers = new ArrayList<>();
    private final Dispatcher dispatcher =
            new Dispatcher(ProcessPool.builder().workers(1).closeGrace(GRACE).options(), 1, null, workers::add, timer);
    private final Calls calls = new Calls(dispatcher);

    @AfterEach
    void everythingEnds() {
        dispatcher.shutdownNow();
        workers.forEach(each -> each.couldNotStart(new IllegalStateException("The test is over")));
        timer.advance(Duration.ofMinutes(1));
        assertThat(dispatcher.isTerminated()).isTrue();
        assertThat(PrivateDirectory.ours()).isEmpty();
    }

    /** The hooks of the program run beside it, and may not have submitted their calls yet. */
    @Test
    void anIdlePoolTakesCallsUntilItsGraceIsOver() {
        dispatcher.jvmEnds();
        var call = calls.of(() -> 1);
        dispatcher.accept(call);
        timer.advance(GRACE.minusNanos(1));
        assertThat(call.promise().isDone()).isFalse();
        timer.advance(Duration.ofNanos(1));

        assertThat(call.promise().isCancelled()).isTrue();
        assertThat(dispatcher.isShutdown()).isTrue();
    }

    @Test
    void theHookWaitsForCallsInFlightOnly() throws Exception {
        var first = calls.of(() -> 1);
        var second = calls.of(() -> 2);
        dispatcher.accept(first);
        dispatcher.accept(second);
        var hook = Thread.ofPlatform().start(dispatcher::jvmEnds);
        Gate.until(() -> hook.getState() == Thread.State.TIMED_WAITING);
        hook.interrupt();
        first.promise().cancel(true);
        Gate.until(() -> hook.getState() == Thread.State.TIMED_WAITING);
        second.fail(new IllegalStateException("on purpose"));
        hook.join();

        assertThat(dispatcher.isShutdown()).isFalse();
    }
}
