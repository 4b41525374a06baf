package dev.trestle.loop;

import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** A block of code with a time limit. */
final class TimeLimit {

    private final Task<?> task;
    private final Duration timeout;
    private final int cancellingBefore;
    private boolean expired;

    TimeLimit(Task<?> task, Duration timeout) {
        this.task = task;
        this.timeout = timeout;
        this.cancellingBefore = task.cancelling();
    }

    <T extends @Nullable Object> T run(Coroutine<T> body) throws TimeoutException {
        Handle timer = task.loop().callLater(timeout, () -> {
            expired = true;
            task.cancel("timeout");
        });
        try {
            return body.run();
        } catch (CancelledError e) {
            if (expired && task.uncancel() <= cancellingBefore) {
                expired = false;
                var timedOut = new TimeoutException(task.name() + " was not done after " + timeout);
                timedOut.initCause(e);
                throw timedOut;
            }
            throw e;
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new CompletionException(e);
        } finally {
            timer.cancel();
            if (expired) {
                task.uncancel();
            }
        }
    }
}
