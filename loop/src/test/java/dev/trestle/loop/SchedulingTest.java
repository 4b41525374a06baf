package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofSeconds;
import static java.util.Objects.requireNonNull;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Callbacks, timers, running and stopping, and the reports of failures. */
@Timeout(30)
class SchedulingTest {

    private final VirtualClock clock = new VirtualClock();

    @AutoClose
    private final EventLoop loop = new EventLoop(clock);

    private final List<String> trail = new ArrayList<>();

    private void note(String what) {
        trail.add(what);
    }

    @Test
    void callbacksAreCalledInTheOrderOfTheirRegistration() {
        loop.callSoon(() -> note("a"));
        loop.callSoon(() -> note("b"));
        loop.callSoonThreadsafe(() -> note("c, from where else"));
        loop.runUntilComplete(() -> {
            loop.callSoon(() -> note("d"));
            loop.callSoonThreadsafe(() -> note("e"));
            yieldNow();
        });
        assertThat(trail).contains("a", "b", "c, from where else", "d");
        assertThat(trail).startsWith("a", "b");
    }

    @Test
    void aHandleIsCancelledAlsoByACallbackOfTheSameTurn() {
        Handle never = loop.callSoon(() -> note("never"));
        never.cancel();
        never.cancel();
        assertThat(never.isCancelled()).isTrue();
        assertThat(never).hasToString("Handle[cancelled]");
        loop.runUntilComplete(() -> {
            var later = new Handle[1];
            loop.callSoon(() -> later[0].cancel());
            later[0] = loop.callSoon(() -> note("never"));
            yieldNow();
            yieldNow();
        });
        assertThat(trail).isEmpty();
    }

    @Test
    void cancellingFromAnotherThreadDoesNotWaitForTheCallback() throws Exception {
        var begun = new CountDownLatch(1);
        var cancelled = new CountDownLatch(1);
        var handle = new AtomicReference<@Nullable Handle>();
        var other = Thread.ofVirtual().start(() -> {
            handle.set(loop.callSoonThreadsafe(() -> {
                begun.countDown();
                note("waits: " + awaits(cancelled));
                loop.stop();
            }));
            awaits(begun);
            requireNonNull(handle.get()).cancel();
            cancelled.countDown();
        });
        loop.runForever();
        other.join();

        assertThat(trail).containsExactly("waits: true");
        assertThat(requireNonNull(handle.get()).isCancelled()).isTrue();
    }

    private static boolean awaits(CountDownLatch latch) {
        try {
            return latch.await(10, SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @Test
    void timersKnowTheirTimeAndAreCancelled() {
        TimerHandle never = loop.callLater(ofSeconds(2), () -> note("never"));
        TimerHandle at =
                loop.callAt(ofSeconds(3), () -> note("at " + clock.elapsed().toSeconds()));
        assertThat(never.when()).isEqualTo(ofSeconds(2));
        assertThat(at.when()).isEqualTo(ofSeconds(3));
        never.cancel();
        loop.runUntilComplete(() -> {
            sleep(ofSeconds(5));
            assertThat(loop.time()).isEqualTo(ofSeconds(5));
        });
        assertThat(trail).containsExactly("at 3");
    }

    @Test
    void ofTimersThatHavePassedTheEarliestIsFirst() {
        loop.callAt(ofSeconds(-1), () -> note("-1"));
        loop.callAt(ofSeconds(-2), () -> note("-2"));
        loop.runUntilComplete(() -> {
            yieldNow();
            yieldNow();
        });
        assertThat(trail).containsExactly("-2", "-1");
    }

    @Test
    void aCancelledSleepLeavesNoTimer() {
        loop.runUntilComplete(() -> {
            Task<?> sleeper = createTask(() -> sleep(ofHours(1)));
            yieldNow();
            sleeper.cancel();
            yieldNow();
            sleep(ofSeconds(1));
        });
        assertThat(clock.elapsed()).isEqualTo(ofSeconds(1));
    }

    @Test
    void aLoopThatWasStoppedBeforeItRunsRunsOneTurn() {
        loop.callSoon(() -> {
            note("first turn");
            loop.callSoon(() -> note("next run"));
        });
        loop.stop();
        loop.runForever();
        assertThat(trail).containsExactly("first turn");
        loop.stop();
        loop.runForever();
        assertThat(trail).containsExactly("first turn", "next run");
    }

    @Test
    void aLoopThatIsStoppedBeforeItsFutureIsDoneSaysSoAndCanGoOn() {
        LoopFuture<String> future = loop.createFuture();
        loop.callSoon(loop::stop);
        assertThatThrownBy(() -> loop.runUntilComplete(future))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("was stopped before LoopFuture@");
        loop.callSoon(() -> future.setResult("later"));
        assertThat(loop.runUntilComplete(future)).isEqualTo("later");
        assertThat(loop.runUntilComplete(future)).as("done already").isEqualTo("later");
    }

    /** The stop of the first run is in flight when that run ends; it must not stop the second run. */
    @Test
    void stopOfARunWithADoneFutureLeavesNoStopBehind() {
        String first = loop.runUntilComplete(() -> {
            loop.stop();
            return "first";
        });
        String second = loop.runUntilComplete(() -> {
            sleep(ofSeconds(1));
            return "second";
        });
        assertThat(List.of(first, second)).containsExactly("first", "second");
    }

    @Test
    void theFutureOfAnotherLoopIsNotRun() {
        try (var other = new EventLoop()) {
            LoopFuture<String> foreign = other.createFuture();
            assertThatThrownBy(() -> loop.runUntilComplete(foreign))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("belongs to");
        }
    }

    @Test
    void aRunningLoopRefusesAnotherThread() {
        try (var other = new EventLoop()) {
            loop.runUntilComplete(() -> {
                assertThatThrownBy(loop::runForever)
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("while EventLoop[");
                assertThatThrownBy(() -> other.runUntilComplete(() -> note("never")))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("it would stop that loop");
                assertThatThrownBy(() -> EventLoop.run(() -> note("never")))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("EventLoop.run cannot be called while");
                assertThat(loop.isRunning()).isTrue();
                yieldNow();
            });
        }
        assertThat(trail).isEmpty();
    }

    @Test
    void runningLoopIsKnownInCoroutinesAndCallbacksOnly() {
        loop.runUntilComplete(() -> {
            assertThat(EventLoop.getRunningLoop()).isSameAs(loop);
            loop.callSoon(() -> note(String.valueOf(EventLoop.getRunningLoop() == loop)));
            yieldNow();
        });
        assertThat(trail).containsExactly("true");
        assertThatThrownBy(EventLoop::getRunningLoop)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("No event loop is running on");
    }

    @Test
    void aClosedLoopStaysClosedAndDropsItsTimers() {
        loop.callLater(ofSeconds(1), () -> note("never"));
        loop.close();
        loop.close();
        assertThat(loop.isClosed()).isTrue();
        assertThat(trail).isEmpty();
        for (Action use : List.<Action>of(
                () -> loop.callSoon(() -> {}),
                () -> loop.callLater(ofSeconds(1), () -> {}),
                () -> loop.callAt(ofSeconds(1), () -> {}),
                () -> loop.callSoonThreadsafe(() -> {}),
                () -> loop.createTask(() -> note("never")),
                loop::runForever,
                () -> loop.runUntilComplete(() -> note("never")))) {
            assertThatThrownBy(use::run)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("is closed");
        }
    }

    @Test
    void theExceptionHandlerIsToldWhatHappenedAndWhere() {
        var failure = new IllegalStateException("in a callback");
        var reports = new ArrayList<ExceptionContext>();
        loop.setExceptionHandler((where, report) -> {
            assertThat(where).isSameAs(loop);
            reports.add(report);
        });
        Handle handle = loop.callSoon(() -> {
            throw failure;
        });
        loop.runUntilComplete(() -> {
            loop.callExceptionHandler(new ExceptionContext("by hand", null, null, null));
            yieldNow();
            yieldNow();
        });
        assertThat(reports).hasSize(2);
        assertThat(reports.getFirst().exception()).isSameAs(failure);
        assertThat(reports.getFirst().handle()).isSameAs(handle);
        assertThat(reports.getFirst().message()).startsWith("Exception in callback");
        assertThat(reports.getLast().message()).isEqualTo("by hand");
    }

    @Test
    void anExceptionHandlerThatFailsDoesNotStopTheLoop() {
        loop.setExceptionHandler((_, _) -> {
            note("told");
            throw new IllegalStateException("in the handler");
        });
        loop.callSoon(() -> {
            throw new IllegalStateException("in a callback");
        });
        loop.runUntilComplete(() -> {
            yieldNow();
            note("went on");
        });
        assertThat(trail).containsExactly("told", "went on");
    }

    @Test
    void aCoroutineOfARunMayAwaitWhatAnEarlierRunStarted() {
        Task<String> task = loop.createTask(() -> {
            sleep(ofSeconds(1));
            return "from before";
        });
        loop.runUntilComplete(() -> yieldNow());
        assertThat(task.isDone()).isFalse();
        assertThat(loop.<String>runUntilComplete(() -> await(task))).isEqualTo("from before");
    }
}
