package dev.trestle.api;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The keeper thread in a program that goes on; programs that end are in the tests of the pools. */
@Timeout(60)
class KeepAliveTest {

    private final AtomicInteger calls = new AtomicInteger();

    private static List<Thread> keepers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("trestle-keep-alive"))
                .toList();
    }

    private static void awaitKeepers(int count) {
        await().pollInterval(Duration.ofMillis(1)).until(() -> keepers().size() == count);
    }

    @Test
    void keeperLivesFromFirstCallToLastClose() {
        var one = new KeepAlive(() -> calls.get() > 0);
        var other = new KeepAlive(() -> false);
        awaitKeepers(0);

        calls.incrementAndGet();
        one.onAccepted();
        one.onAccepted();
        other.onAccepted();
        assertThat(keepers()).singleElement().matches(keeper -> !keeper.isDaemon());
        calls.decrementAndGet();
        one.onEnded();
        one.close();
        one.close();
        assertThat(keepers()).hasSize(1);
        other.close();

        awaitKeepers(0);
    }

    /** A call is accepted after the keeper has seen that there is no call, and before the keeper says that it ends. */
    @Test
    void aCallThatIsAcceptedWhileTheKeeperEndsHasAKeeper() {
        var comes = new AtomicBoolean();
        var checks = new AtomicInteger();
        try (var keepAlive = new KeepAlive(() -> {
            boolean unfinished = calls.get() > 0;
            if (comes.compareAndSet(true, false)) {
                calls.incrementAndGet();
            }
            checks.incrementAndGet();
            return unfinished;
        })) {
            keepAlive.onAccepted();
            comes.set(true);
            requireNonNull(KeepAlive.keeper()).interrupt(); // as if a minute had passed without calls
            await().pollInterval(Duration.ofMillis(1)).until(() -> checks.get() == 2);
            keepAlive.onAccepted();

            await().pollInterval(Duration.ofMillis(1)).until(KeepAliveTest::keeperWaits);
            assertThat(keepers()).containsExactly(KeepAlive.keeper());
            calls.decrementAndGet();
            keepAlive.onEnded();
        }
        awaitKeepers(0);
    }

    private static boolean keeperWaits() {
        Thread keeper = KeepAlive.keeper();
        return keeper != null && keeper.getState() == Thread.State.TIMED_WAITING;
    }
}
