package dev.trestle.loop;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Something that coroutines of one loop wait for together: Python's {@code asyncio.Event}. Not thread-safe; it belongs to
 * the loop in which it is used.
 */
public final class LoopEvent {

    private final Set<LoopFuture<@Nullable Void>> waiting = new LinkedHashSet<>();
    private boolean set;

    /** Creates an event that is not set. */
    public LoopEvent() {}

    /**
     * Suspends the coroutine until the event is set; returns at once, without suspending, if it is.
     *
     * @throws CancelledError if the task is cancelled meanwhile
     */
    public void await() {
        if (set) {
            return;
        }
        LoopFuture<@Nullable Void> happened = EventLoop.getRunningLoop().createFuture();
        waiting.add(happened);
        try {
            Async.await(happened);
        } finally {
            waiting.remove(happened);
        }
    }

    /** Sets the event. All who wait go on, in the order in which they came, even if it is cleared at once. */
    public void set() {
        if (!set) {
            set = true;
            for (LoopFuture<@Nullable Void> each : new ArrayList<>(waiting)) {
                if (!each.isDone()) {
                    each.setResult(null);
                }
            }
        }
    }

    /** Makes later callers of {@link #await} wait again. */
    public void clear() {
        set = false;
    }

    /**
     * Returns whether the event is set.
     *
     * @return whether it is set
     */
    public boolean isSet() {
        return set;
    }

    @Override
    public String toString() {
        return "LoopEvent[" + (set ? "set" : "not set") + ", waiting=" + waiting.size() + "]";
    }
}
