package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.StackRoom;
import java.util.function.BooleanSupplier;

/**
 * A lock, and a place to wait for a change of what it guards: Python's {@code asyncio.Condition}.
 *
 * {@snippet class="dev.trestle.loop.JavadocExamplesTest" region="condition"}
 *
 * <p>Python's {@code notify} is {@link #signal} here, as in {@link java.util.concurrent.locks.Condition}:
 * {@code notify} is a method of every Java object, and throws an {@link IllegalMonitorStateException}. Fair, and no
 * signal is lost to a waiter that is cancelled. Not thread-safe; it belongs to the loop in which it is used.
 */
public final class LoopCondition {

    private final LoopLock lock;
    private final Waiters waiters = new Waiters(this);

    /** Creates a condition with a lock of its own. */
    public LoopCondition() {
        this(new LoopLock());
    }

    /**
     * Creates a condition of a lock, which it may share with others.
     *
     * @param lock the lock that guards the state
     */
    public LoopCondition(LoopLock lock) {
        this.lock = requireNonNull(lock, "lock");
    }

    /**
     * Takes the lock; see {@link LoopLock#acquire}.
     *
     * @throws CancelledError if the task is cancelled while it waits; then it does not have the lock
     */
    public void acquire() {
        lock.acquire();
    }

    /**
     * Releases the lock; see {@link LoopLock#release}.
     *
     * @throws IllegalStateException if the lock is not held
     */
    public void release() {
        lock.release();
    }

    /**
     * Returns whether the lock is held.
     *
     * @return whether it is taken
     */
    public boolean isLocked() {
        return lock.isLocked();
    }

    /**
     * Releases the lock, suspends the coroutine until it is signalled, and takes the lock again. The state may have
     * changed again by then, and the signal may have been meant for another coroutine; so check the state again, or use
     * {@link #waitFor}.
     *
     * <p>If the task is cancelled, however often, or an error is thrown, this method first takes the lock again, and
     * then throws. A signal that the coroutine does not use for that reason goes to the next waiter.
     *
     * @throws CancelledError if the task is cancelled while it waits; it holds the lock nevertheless
     * @throws IllegalStateException if the lock is not held
     */
    public void await() {
        requireLocked("await");
        Waiters.Turn turn = waiters.turn();
        StackRoom.requireForLinkage(); // for taking the lock again, some calls deeper
        lock.release();
        Throwable thrown = null;
        try {
            waiters.await(turn);
        } catch (Throwable e) {
            thrown = e;
        }
        while (true) {
            try {
                lock.acquire();
                break;
            } catch (Error e) { // not the exception of a loop that has ended
                thrown = e; // the latest, as every request to cancel is thrown once
            }
        }
        if (thrown != null) {
            boolean passedOn = !turn.woken;
            while (!passedOn) {
                try {
                    waiters.wakeNext();
                    passedOn = true;
                } catch (Throwable e) {
                    Thread.onSpinWait(); // no other code passes the signal on
                }
            }
            throw LoopFuture.unchecked(thrown);
        }
    }

    /**
     * Suspends the coroutine until a condition holds; does not suspend if the condition holds already. Checks the
     * condition after each signal, with the lock held.
     *
     * @param predicate the condition; must not await
     * @throws CancelledError if the task is cancelled while it waits; it holds the lock nevertheless
     * @throws IllegalStateException if the lock is not held, and the condition does not hold
     */
    public void waitFor(BooleanSupplier predicate) {
        requireNonNull(predicate, "predicate");
        while (!predicate.getAsBoolean()) {
            await();
        }
    }

    /**
     * Wakes the coroutine that has waited longest; it goes on when it gets the lock. Python's {@code notify}.
     *
     * @throws IllegalStateException if the lock is not held
     */
    public void signal() {
        signal(1);
    }

    /**
     * Wakes the coroutines that have waited longest; they go on one after the other, as they get the lock.
     *
     * @param number the largest number of coroutines to wake
     * @throws IllegalArgumentException if it is negative
     * @throws IllegalStateException if the lock is not held
     */
    public void signal(int number) {
        if (number < 0) {
            throw new IllegalArgumentException("The number of coroutines to signal is negative: " + number);
        }
        lock.checkHere("signal");
        requireLocked("signal");
        int left = number;
        while (left > 0 && waiters.wakeNext()) {
            left--;
        }
    }

    /**
     * Wakes all waiting coroutines; they go on one after the other, as they get the lock. Python's {@code notify_all}.
     *
     * @throws IllegalStateException if the lock is not held
     */
    public void signalAll() {
        signal(Integer.MAX_VALUE);
    }

    private void requireLocked(String what) {
        if (!lock.isLocked()) {
            throw new IllegalStateException("Cannot " + what + " " + this
                    + ": its lock is not held. Call acquire() before, and release() in a finally after it.");
        }
    }

    /**
     * Returns the number of coroutines that wait for a signal; those that wait for the lock are not counted.
     *
     * @return their number
     */
    public int waiting() {
        return waiters.size();
    }

    @Override
    public String toString() {
        return "LoopCondition[" + lock + ", waiting=" + waiting() + "]";
    }
}
