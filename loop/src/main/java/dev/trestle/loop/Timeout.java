package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

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
    private @Nullable Duration when;
    private @Nullable Handle timer;

    // For the message; null if the body does not wait for a single future
    private @Nullable Object awaited;
    private @Nullable Duration limit;

    private Timeout(Task<?> task) {
        this.task = task;
        this.cancellingBefore = task.cancelling();
    }

    static <T extends @Nullable Object> T run(Task<?> task, @Nullable Duration when, TimedCoroutine<T> body)
            throws TimeoutException {
        requireNonNull(body, "body");
        var timeout = new Timeout(task);
        timeout.schedule(when);
        T result;
        try {
            result = body.run(timeout);
        } catch (Throwable e) {
            if (timeout.endsTheTask() && e instanceof CancelledError) {
                throw timeout.timedOut(e);
            }
            if (e instanceof TimeoutException inner) {
                throw inner;
            }
            throw LoopFuture.unchecked(e);
        }
        timeout.endsTheTask();
        return result;
    }

    /** Ends the limit. Returns whether the limit has cancelled the task, and no other code has. */
    private boolean endsTheTask() {
        if (timer != null) {
            timer.cancel();
        }
        if (state != State.EXPIRING) {
            state = State.FINISHED;
            return false;
        }
        state = State.EXPIRED;
        return task.uncancel() <= cancellingBefore;
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

    private void schedule(@Nullable Duration newWhen) {
        EventLoop loop = task.loop();
        if (timer != null) {
            timer.cancel();
        }
        when = newWhen;
        if (newWhen == null) {
            timer = null;
        } else if (TimeLimit.nanos(newWhen) <= loop.nanos()) {
            timer = loop.soonInline(this::expire);
        } else {
            timer = loop.atInline(TimeLimit.nanos(newWhen), this::expire);
        }
    }

    private void expire() {
        int before = task.cancelling();
        try {
            task.cancel("the time limit was over");
        } catch (Throwable e) { // the loop calls this method again
            while (task.cancelling() > before) {
                task.uncancel();
            }
            throw e;
        }
        timer = null;
        state = State.EXPIRING;
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
