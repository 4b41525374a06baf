package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.StackRoom;
import dev.trestle.api.TimeLimit;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The time limit of code that {@link Async#timeout} runs; the code may move the limit. Python's
 * {@code asyncio.Timeout}. Belongs to its loop.
 *
 * <p>When the time is over, the task is cancelled, and at the end of the code the cancellation becomes a
 * {@link TimeoutException}, unless other code has cancelled the task, too: then the cancellation is thrown. Of nested
 * limits that are over at the same time, the outermost throws.
 */
public final class Timeout {

    private enum State {
        ACTIVE,
        EXPIRING,
        EXPIRED,
        FINISHED
    }

    private final Task<?> task;
    private final int cancellingBefore;
    private State state = State.ACTIVE;

    /** True if the limit has cancelled the task, and no other code has. */
    private boolean hasEndedTheTask;

    private @Nullable Duration when;
    private @Nullable Handle timer;

    // For the message; null if the body does not wait for a single future
    private @Nullable Object awaited;
    private @Nullable Duration limit;

    private Timeout(Task<?> task) {
        this.task = task;
        this.cancellingBefore = task.cancelling();
    }

    @SuppressWarnings("NullAway") // a result that may be null is one that T allows to be
    static <T extends @Nullable Object> T run(Task<?> task, @Nullable Duration when, TimedCoroutine<T> body)
            throws TimeoutException {
        requireNonNull(body, "body");
        var timeout = new Timeout(task);
        timeout.schedule(when);
        T result = null;
        Throwable thrown = null;
        try {
            result = body.run(timeout);
        } catch (Throwable e) {
            thrown = e;
        }
        boolean ended = false;
        while (!ended) {
            try {
                timeout.end();
                ended = true;
            } catch (Throwable e) {
                Thread.onSpinWait(); // the task would count a request to cancel it for good
            }
        }
        if (timeout.timer != null) {
            timeout.timer.cancel();
        }
        if (thrown == null) {
            return result;
        }
        if (timeout.hasEndedTheTask && thrown instanceof CancelledError) {
            throw timeout.timedOut(thrown);
        }
        if (thrown instanceof TimeoutException inner) {
            throw inner;
        }
        throw LoopFuture.unchecked(thrown);
    }

    /** Ends the limit, and takes its request to cancel the task back. A timer that is left does nothing any more. */
    private void end() {
        if (state == State.EXPIRING) {
            hasEndedTheTask = task.uncancel() <= cancellingBefore;
            state = State.EXPIRED;
        } else if (state == State.ACTIVE) {
            state = State.FINISHED;
        }
    }

    /** Sets the texts for the message: what the body waits for, and for how long. */
    void waitsFor(Object what, @Nullable Duration howLong) {
        awaited = what;
        limit = howLong;
    }

    private TimeoutException timedOut(Throwable cause) {
        var exception = new TimeoutException(
                task.name() + " was not done at " + when + " of its loop's time, when the time limit was over"
                        + (awaited == null ? "" : ": it waited for " + awaited + ", for " + limit));
        exception.initCause(cause);
        return exception;
    }

    /**
     * Returns when the time is over.
     *
     * @return the loop's time, or empty for no limit
     */
    public Optional<Duration> when() {
        return Optional.ofNullable(when);
    }

    /**
     * Moves the limit.
     *
     * @param newWhen the loop's time, see {@link EventLoop#time}; if it has passed, the limit is over in the next turn;
     *     null for no limit
     * @throws IllegalStateException if the limit is over, or its code has ended
     */
    public void reschedule(@Nullable Duration newWhen) {
        task.loop().checkHere("reschedule");
        if (state != State.ACTIVE) {
            throw new IllegalStateException("Cannot reschedule " + this
                    + ": its time is over or its code has ended. Reschedule a limit before that, in the code"
                    + " it limits.");
        }
        schedule(newWhen);
    }

    /** Sets the limit. If this throws, the earlier limit holds. */
    private void schedule(@Nullable Duration newWhen) {
        EventLoop loop = task.loop();
        StackRoom.require(); // for cancelling the earlier timer
        Handle newTimer = null;
        if (newWhen != null) {
            newTimer = TimeLimit.nanos(newWhen) <= loop.nanos()
                    ? loop.soonInline(this::expire)
                    : loop.atInline(TimeLimit.nanos(newWhen), this::expire);
        }
        if (timer != null) {
            timer.cancel();
        }
        when = newWhen;
        timer = newTimer;
    }

    /** Cancels the task. If this throws, the task counts no request, and the loop calls this method again. */
    private void expire() {
        if (state == State.ACTIVE) {
            task.cancel("the time limit was over");
            timer = null;
            state = State.EXPIRING;
        }
    }

    /**
     * Returns whether the time was over before the code had ended. The code may have a result nevertheless.
     *
     * @return true if the limit has cancelled its code
     */
    public boolean expired() {
        return state == State.EXPIRING || state == State.EXPIRED;
    }

    @Override
    public String toString() {
        return "Timeout[" + state.name().toLowerCase(java.util.Locale.ROOT) + ", when=" + when + "]";
    }
}
