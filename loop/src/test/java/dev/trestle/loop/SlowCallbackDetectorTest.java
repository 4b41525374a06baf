package dev.trestle.loop;

import static dev.trestle.loop.Async.blocking;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.loop.SlowCallbackDetector.Sight;
import dev.trestle.loop.SlowCallbackDetector.Verdict;
import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The warning about a task that holds the baton for too long, while it does. On the machine's clock, which the detector
 * watches.
 */
@Timeout(30)
class SlowCallbackDetectorTest {

    private static final Thread HOLDER = new Thread(() -> {});

    @AutoClose
    private final EventLoop loop = new EventLoop();

    private final LinkedBlockingQueue<String> warnings = new LinkedBlockingQueue<>();

    @AutoClose
    @SuppressWarnings("UnusedVariable") // JUnit closes it
    private final LoopLog log = new LoopLog(message -> {
        if (message.contains(loop.name() + ",")) {
            warnings.add(message);
        }
    });

    @BeforeEach
    void watchClosely() {
        loop.setSlowCallbackDuration(ofMillis(8));
    }

    /** Waits for a warning about a holder; on a busy machine there may be warnings about other holders too. */
    private String nextWarning(String holder, String what) throws InterruptedException {
        while (true) {
            String warning = requireNonNull(warnings.poll(20, TimeUnit.SECONDS));
            if (warning.startsWith(holder) && warning.contains(what)) {
                return warning;
            }
        }
    }

    @Test
    void coroutineThatRunsTooLongIsLoggedWithItsStack() throws Exception {
        loop.runUntilComplete(() -> {
            Task<String> task = loop.createTask(this::holdUntilNamed, "hog");
            Async.await(task);
            assertThat(task.result())
                    .matches("(?s)Task\\[hog] \\(created at dev\\.trestle\\.loop\\.SlowCallbackDetectorTest\\.[^ ]+\\)"
                            + " has run for \\d+ ms without awaiting and still does, so nothing else runs in"
                            + " EventLoop\\["
                            + loop.name()
                            + ", running, tasks=2]\\."
                            + " If it waits for something, put that into blocking\\(\\(\\) -> \\.\\.\\.\\); if"
                            + " it computes, call yieldNow\\(\\) now and then, or give the work to a pool\\.\n"
                            + ".*")
                    .contains("\n"
                            + "    at"
                            + " dev.trestle.loop.SlowCallbackDetectorTest.holdUntilNamed("
                            + "SlowCallbackDetectorTest.java:")
                    .doesNotContain("Task.live");
        });
        assertThat(nextWarning("Task[hog]", " has awaited or ended after about "))
                .contains(" ms in EventLoop[");
    }

    private String holdUntilNamed() throws InterruptedException {
        return nextWarning("Task[hog]", " has run for ");
    }

    @Test
    void soIsACallback() throws Exception {
        var named = new LinkedBlockingQueue<String>();
        loop.callSoon(new Runnable() {
            @Override
            public void run() {
                try {
                    named.add(nextWarning("Callback slow callback", " has run for "));
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                loop.stop();
            }

            @Override
            public String toString() {
                return "slow callback";
            }
        });
        loop.runForever();

        assertThat(named.remove())
                .matches("(?s)Callback slow callback has run for \\d+ ms and still does, so nothing else runs in"
                        + " EventLoop\\[.*");
    }

    @Test
    void aReturnFromABlockingCallStartsTheTimeAnew() {
        loop.runUntilComplete(() -> {
            int before = loop.baton().progress();
            blocking(() -> {});
            assertThat(loop.baton().progress()).isNotEqualTo(before);
        });
    }

    @Test
    void aLimitBelowAMillisecondIsRefused() {
        assertThatThrownBy(() -> loop.setSlowCallbackDuration(Duration.ofNanos(999_999)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("The limit is shorter than a millisecond: PT0.000999999S");
    }

    // The state to which a look is compared

    @Test
    void onlyAHolderSeenAtEveryLookIsTooLong() {
        var sight = new Sight();
        assertThat(sight.look(HOLDER, 1, 250, 1_000)).isEqualTo(Verdict.QUIET);
        assertThat(sight.look(HOLDER, 1, 250, 1_000)).isEqualTo(Verdict.QUIET);
        assertThat(sight.look(HOLDER, 1, 250, 1_000)).isEqualTo(Verdict.QUIET);
        assertThat(sight.look(HOLDER, 1, 250, 1_000)).isEqualTo(Verdict.QUIET);
        assertThat(sight.look(HOLDER, 1, 250, 1_000)).isEqualTo(Verdict.TOO_LONG);
        assertThat(sight.look(HOLDER, 1, 250, 1_000)).isEqualTo(Verdict.QUIET); // told once
        assertThat(sight.look(HOLDER, 2, 250, 1_000)).isEqualTo(Verdict.GIVEN_AWAY);
        assertThat(sight.look(HOLDER, 2, 250, 1_000)).isEqualTo(Verdict.QUIET);
    }

    @Test
    void aHolderSeenAgainAfterOthersBeginsAnew() {
        var sight = new Sight();
        for (int progress = 0; progress < 100; progress++) {
            assertThat(sight.look(HOLDER, progress, 250, 1_000)).isEqualTo(Verdict.QUIET);
        }
    }

    @Test
    void aLoopThatHasNothingToDoIsNotTooLong() {
        var sight = new Sight();
        for (int look = 0; look < 100; look++) {
            assertThat(sight.look(null, 1, ofSeconds(1).toNanos(), 1_000)).isEqualTo(Verdict.QUIET);
        }
    }
}
