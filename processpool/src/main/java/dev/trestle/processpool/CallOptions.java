package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.TimeLimit;
import java.time.Duration;
import java.util.Optional;

/**
 * Options of one call of a {@link ProcessPool}.
 *
 * {@snippet class="dev.trestle.processpool.JavadocExamplesTest" region="time-limit"}
 *
 * @param timeout the time that the call may run in its worker, until its result is written; empty for the pool's
 *     default. The wait in the queue does not count. The worker's work before the call's own code begins, such as
 *     reading the arguments, does not count either: it has as much time as a worker has to start, or this time if it is
 *     longer. A call that takes longer fails with a {@link java.util.concurrent.TimeoutException} that shows the call's
 *     stack; the call is interrupted, and its worker killed if that does not help. A call that is run again has this
 *     time again
 * @param retries the number of times that the call may be run again when its worker dies under it. More than 0 declares
 *     the call idempotent: running it twice does no harm. A call that had not begun when its worker died is always run
 *     in another worker; a stream of which an item has arrived is never run again
 * @param label the name of the call in logs and messages; empty for the method's name
 * @param listener the listener to the reports that the call makes through its {@link WorkerContext}
 * @param priority the priority of the call among those that wait for a worker; any number, 0 for most calls. Calls of a
 *     higher priority go first, and calls of one priority in the order in which they were submitted. A call that runs
 *     is not disturbed. No call starves: when 1000 calls that came later have overtaken the call that waits longest,
 *     that call is the next one
 * @param key the key of the call: calls with equal keys go to the same worker while it lives. Empty if any worker will
 *     do
 */
public record CallOptions(
        Optional<Duration> timeout,
        int retries,
        String label,
        Optional<CallListener> listener,
        int priority,
        Optional<Object> key) {

    /** The pool's timeout, no retries, no label, no listener, the priority 0, no key. */
    public static final CallOptions DEFAULT =
            new CallOptions(Optional.empty(), 0, "", Optional.empty(), 0, Optional.empty());

    /** Checks the values. */
    public CallOptions {
        requireNonNull(timeout, "timeout");
        requireNonNull(label, "label");
        requireNonNull(listener, "listener");
        requireNonNull(key, "key");
        if (timeout.isPresent() && !timeout.get().isPositive()) {
            throw new IllegalArgumentException("The timeout of a call must be positive: " + timeout.get());
        }
        timeout = timeout.map(TimeLimit::cut);
        if (retries < 0) {
            throw new IllegalArgumentException("The number of retries must not be negative: " + retries);
        }
    }

    /**
     * Returns these options with a time limit.
     *
     * @param value the time that the call may run
     * @return the new options
     */
    public CallOptions withTimeout(Duration value) {
        return new CallOptions(Optional.of(value), retries, label, listener, priority, key);
    }

    /**
     * Returns these options with retries: the call is idempotent.
     *
     * @param value the number of times that the call may be run again
     * @return the new options
     */
    public CallOptions withRetries(int value) {
        return new CallOptions(timeout, value, label, listener, priority, key);
    }

    /**
     * Returns these options with a label.
     *
     * @param value the name of the call in logs and messages
     * @return the new options
     */
    public CallOptions withLabel(String value) {
        return new CallOptions(timeout, retries, value, listener, priority, key);
    }

    /**
     * Returns these options with a listener.
     *
     * @param value the listener to the reports that the call makes through its {@link WorkerContext}
     * @return the new options
     */
    public CallOptions withListener(CallListener value) {
        return new CallOptions(timeout, retries, label, Optional.of(value), priority, key);
    }

    /**
     * Returns these options with a priority.
     *
     * @param value the priority: any number. Higher ones go first; calls without a priority have 0
     * @return the new options
     */
    public CallOptions withPriority(int value) {
        return new CallOptions(timeout, retries, label, listener, value, key);
    }

    /**
     * Returns these options with a key: calls with equal keys go to the same worker, one after the other, while that
     * worker lives. So they find there what an earlier call has left in static fields: a cache, a parsed document, a
     * session. A call must be able to make it again. The worker may be another one for the next call: when it has died,
     * was retired because it was idle or had run as many calls as it may, or when the pool has forgotten the key.
     *
     * <p>A call whose worker is busy waits for that worker, also while other workers are idle, and holds up no call
     * with another key. The first call with a key goes to an idle worker that has the fewest keys, or else to the
     * worker that is free first. Cancelling a call changes nothing for its key, unless the worker is killed for it.
     *
     * <p>The pool remembers the keys of calls that wait or run, and 10 000 others, the keys that were used last; it
     * holds these objects until it has terminated. Keys are compared by {@code equals} and {@code hashCode}, on the
     * thread that submits; what these methods throw, {@code submit} throws. A key stays in this program: it need not
     * be data.
     *
     * @param value the key; not to be changed afterwards
     * @return the new options
     */
    public CallOptions withKey(Object value) {
        return new CallOptions(timeout, retries, label, listener, priority, Optional.of(value));
    }
}
