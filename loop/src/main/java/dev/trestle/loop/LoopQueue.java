package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.StackRoom;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A queue between coroutines of one loop: Python's {@code asyncio.Queue}, {@code PriorityQueue} and {@code LifoQueue}.
 *
 * {@snippet class="dev.trestle.loop.JavadocExamplesTest" region="queue"}
 *
 * <p>Fair: coroutines that wait for an item, or for room, are served in FIFO order. A coroutine that is cancelled after
 * its item has arrived leaves the item to the next: no item is lost, and none is taken twice. Items are not null. Not
 * thread-safe; it belongs to the loop in which it is used. It may be filled before that, by one thread.
 *
 * @param <T> the type of the items
 */
public final class LoopQueue<T> {

    /*
     * An item stays in the queue until a getter runs and takes it; so it keeps its slot until then, and the best item
     * of a priority queue is the best at that moment. A waiter that was woken has a claim: to one of the items, or to
     * one of the free slots, and `settle` never wakes more than there are. Only what is not claimed is given to
     * newcomers. A woken waiter that is cancelled gives its claim up, and `settle` finds it another.
     */

    /**
     * A snapshot of a queue's numbers.
     *
     * @param size the number of items in the queue
     * @param getters the number of coroutines that wait for an item
     * @param putters the number of coroutines that wait for room
     * @param unfinished the number of items that were put, and not declared done by {@link #taskDone}
     */
    public record Statistics(int size, int getters, int putters, int unfinished) {}

    private final String kind;
    private final int maxsize;
    private final QueueItems<T> items;
    private final Waiters getters = new Waiters(this);
    private final Waiters putters = new Waiters(this);
    private final LoopEvent finished = new LoopEvent();
    private int unfinished;
    private boolean shutDown;

    private LoopQueue(String kind, int maxsize, QueueItems<T> items) {
        if (maxsize < 0) {
            throw new IllegalArgumentException(
                    "A queue has room for 1 item or more, or 0 for no limit; its maxsize is negative: " + maxsize);
        }
        this.kind = kind;
        this.maxsize = maxsize;
        this.items = items;
    }

    /**
     * Returns a queue that gives the oldest item first, with room for any number.
     *
     * @param <T> the type of the items
     * @return the queue
     */
    public static <T> LoopQueue<T> fifo() {
        return fifo(0);
    }

    /**
     * Returns a queue that gives the oldest item first.
     *
     * @param maxsize the largest number of items; 0 for no limit
     * @param <T> the type of the items
     * @return the queue
     * @throws IllegalArgumentException if it is negative
     */
    public static <T> LoopQueue<T> fifo(int maxsize) {
        return new LoopQueue<>("fifo", maxsize, QueueItems.fifo());
    }

    /**
     * Returns a queue that gives the newest item first, with room for any number.
     *
     * @param <T> the type of the items
     * @return the queue
     */
    public static <T> LoopQueue<T> lifo() {
        return lifo(0);
    }

    /**
     * Returns a queue that gives the newest item first.
     *
     * @param maxsize the largest number of items; 0 for no limit
     * @param <T> the type of the items
     * @return the queue
     * @throws IllegalArgumentException if it is negative
     */
    public static <T> LoopQueue<T> lifo(int maxsize) {
        return new LoopQueue<>("lifo", maxsize, QueueItems.lifo());
    }

    /**
     * Returns a queue that gives the least item first, with room for any number; of equal ones the oldest.
     *
     * @param <T> the type of the items
     * @return the queue
     */
    public static <T extends Comparable<? super T>> LoopQueue<T> priority() {
        return priority(0);
    }

    /**
     * Returns a queue that gives the least item first; of equal ones the oldest.
     *
     * @param maxsize the largest number of items; 0 for no limit
     * @param <T> the type of the items
     * @return the queue
     * @throws IllegalArgumentException if it is negative
     */
    public static <T extends Comparable<? super T>> LoopQueue<T> priority(int maxsize) {
        return priority(Comparator.<T>naturalOrder(), maxsize);
    }

    /**
     * Returns a queue that gives the least item first, with room for any number; of equal ones the oldest.
     *
     * @param order compares items
     * @param <T> the type of the items
     * @return the queue
     */
    public static <T> LoopQueue<T> priority(Comparator<? super T> order) {
        return priority(order, 0);
    }

    /**
     * Returns a queue that gives the least item first; of equal ones the oldest.
     *
     * @param order compares items
     * @param maxsize the largest number of items; 0 for no limit
     * @param <T> the type of the items
     * @return the queue
     * @throws IllegalArgumentException if it is negative
     */
    public static <T> LoopQueue<T> priority(Comparator<? super T> order, int maxsize) {
        requireNonNull(order, "order");
        return new LoopQueue<>("priority", maxsize, QueueItems.sorted(order));
    }

    /**
     * Puts an item into the queue, and suspends the coroutine until there is room. Does not suspend if there is room.
     *
     * @param item the item
     * @throws QueueShutDownException if the queue was shut down, or is shut down during the wait
     * @throws CancelledError if the task is cancelled while it waits; then the item is not in the queue
     * @throws IllegalStateException if this is not a coroutine of the loop in which the queue is used
     */
    public void put(T item) {
        requireNonNull(item, "item");
        enter();
        if (!shutDown && !hasRoom()) {
            await(putters);
        }
        add(item);
    }

    /**
     * Puts an item into the queue if there is room: Python's {@code put_nowait}. Never suspends, and may be called by a
     * callback.
     *
     * @param item the item
     * @return false if there is no room, or others wait for it
     * @throws QueueShutDownException if the queue was shut down
     */
    public boolean tryPut(T item) {
        requireNonNull(item, "item");
        getters.checkHere("put an item into");
        if (!shutDown && !hasRoom()) {
            return false;
        }
        add(item);
        return true;
    }

    private void add(T item) {
        if (shutDown) {
            throw new QueueShutDownException("Cannot put an item into " + this + ": it was shut down");
        }
        StackRoom.require();
        finished.clear();
        try {
            items.add(item); // fails if the item cannot be compared with the others, or there is no memory
            unfinished++;
        } finally {
            // The same loop is in `take` and `await`, and in no method of all: an error may strike at the call of it,
            // in
            // front of its loop, and the waiters would never be woken. WholeOrNothingTest throws such errors.
            boolean settled = false;
            while (!settled) {
                try {
                    settle();
                    settled = true;
                } catch (Throwable again) {
                    Thread.onSpinWait(); // no other code wakes those waiters
                }
            }
        }
    }

    /**
     * Takes the next item out of the queue, and suspends the coroutine until there is an item. Does not suspend if
     * there is one.
     *
     * @return the item
     * @throws QueueShutDownException if the queue was shut down, or is shut down during the wait, and no item is left
     * @throws CancelledError if the task is cancelled while it waits; then it has taken no item
     * @throws IllegalStateException if this is not a coroutine of the loop in which the queue is used
     */
    public T get() {
        enter();
        if (!shutDown && !hasItem()) {
            await(getters);
        }
        return take();
    }

    /**
     * Takes the next item out of the queue if there is one: Python's {@code get_nowait}. Never suspends, and may be
     * called by a callback.
     *
     * @return the item, or empty if the queue is empty or waiting coroutines have a claim to all of its items
     * @throws QueueShutDownException if the queue was shut down, and no item is left
     */
    public Optional<T> tryGet() {
        getters.checkHere("take an item out of");
        if (!shutDown && !hasItem()) {
            return Optional.empty();
        }
        Optional<T> next = Optional.ofNullable(items.peek()); // before it is taken, as there may be no memory
        take();
        return next;
    }

    private T take() {
        StackRoom.require();
        @Nullable T next;
        try {
            next = items.poll(); // fails if the items cannot be compared
        } finally {
            // Repeats the loop of `add`, where a comment says why.
            boolean settled = false;
            while (!settled) {
                try {
                    settle();
                    settled = true;
                } catch (Throwable again) {
                    Thread.onSpinWait(); // the item is taken, and no other code wakes those waiters
                }
            }
        }
        if (next == null) { // only a shutdown makes a claim void
            throw new QueueShutDownException("Cannot take an item out of " + this + ": it was shut down, and is empty");
        }
        return next;
    }

    /** Binds the queue to the running loop, for getters and putters alike. */
    private void enter() {
        getters.enter();
        putters.enter();
    }

    private boolean hasItem() {
        return items.size() > getters.woken();
    }

    private boolean hasRoom() {
        return maxsize == 0 || items.size() + putters.woken() < maxsize;
    }

    private void await(Waiters waiters) {
        Waiters.Turn turn = waiters.turn();
        try {
            waiters.await(turn);
        } catch (Throwable e) {
            boolean settled = false;
            while (!settled) {
                try {
                    settle();
                    settled = true;
                } catch (Throwable again) {
                    Thread.onSpinWait(); // what this one was woken for is for another
                }
            }
            throw e;
        }
    }

    /**
     * Wakes getters for unclaimed items, and putters for unclaimed slots. If this throws, it is to be called again:
     * no other call would wake them.
     */
    private void settle() {
        while (hasItem() && getters.wakeNext()) {
            // one for each unclaimed item
        }
        while (hasRoom() && putters.wakeNext()) {
            // one for each unclaimed free slot
        }
    }

    /**
     * Declares a taken item done. Must be called once for each item.
     *
     * @throws IllegalStateException if it is called more often than items were put
     */
    public void taskDone() {
        getters.checkHere("declare an item done of");
        if (unfinished == 0) {
            throw new IllegalStateException("taskDone() was called too often: every item that was put into " + this
                    + " is done already. Call it once for each item that get() returned.");
        }
        if (unfinished == 1) {
            finished.set(); // if this fails, nothing has changed
        }
        unfinished--;
    }

    /**
     * Suspends the coroutine until every item that was put has been declared done by {@link #taskDone}. Does not
     * suspend if all have been.
     *
     * @throws CancelledError if the task is cancelled while it waits
     * @throws IllegalStateException if this is not a coroutine of the loop in which the queue is used
     */
    public void join() {
        enter();
        if (unfinished > 0) {
            finished.await();
        }
    }

    /**
     * Closes the queue to producers: {@code put} and {@code tryPut} throw a {@link QueueShutDownException}, also in
     * coroutines that wait for room. {@code get} returns the remaining items and then throws. Idempotent.
     */
    public void shutdown() {
        getters.checkHere("shut down");
        shutDown = true;
        wakeAll();
    }

    /**
     * Wakes all waiters. From now on no coroutine waits, and the first that runs takes an item: a claim would leave an
     * item behind if its holder never took it.
     */
    private void wakeAll() {
        getters.wakeAll();
        putters.wakeAll();
    }

    /**
     * Closes the queue to producers and consumers: Python's {@code shutdown(immediate=True)}. The remaining items count
     * as done. If the comparator of a priority queue fails, its exception is thrown, and nothing has changed.
     *
     * @return the remaining items, in the order in which {@code get} would have returned them
     */
    public List<T> shutdownNow() {
        getters.checkHere("shut down");
        StackRoom.require();
        List<T> left = items.inOrder(); // if a comparator or the memory fails, nothing has changed
        int unfinishedAfter = Math.max(0, unfinished - left.size());
        items.clear();
        shutDown = true;
        unfinished = unfinishedAfter;
        boolean told = false;
        while (!told) {
            try {
                if (unfinished == 0) {
                    finished.set();
                }
                wakeAll(); // after the coroutines in join, as in asyncio
                told = true;
            } catch (Throwable e) {
                Thread.onSpinWait(); // the items are the caller's from here on
            }
        }
        return left;
    }

    /**
     * Returns the number of items in the queue: Python's {@code qsize}. An item that a woken coroutine is about to take
     * counts.
     *
     * @return the number of items
     */
    public int size() {
        return items.size();
    }

    /**
     * Returns whether there is no item in the queue.
     *
     * @return whether the size is 0
     */
    public boolean isEmpty() {
        return items.size() == 0;
    }

    /**
     * Returns whether there is no room in the queue.
     *
     * @return whether the size is {@code maxsize}; false without a limit
     */
    public boolean isFull() {
        return maxsize > 0 && items.size() >= maxsize;
    }

    /**
     * Returns the largest number of items.
     *
     * @return the number; 0 for no limit
     */
    public int maxsize() {
        return maxsize;
    }

    /**
     * Returns whether the queue was shut down.
     *
     * @return whether it was
     */
    public boolean isShutdown() {
        return shutDown;
    }

    /**
     * Returns the numbers of this queue. May be called from any thread: on a thread that is not the loop's, the numbers
     * may be a moment old, and need not be of the same moment.
     *
     * @return a snapshot
     */
    public Statistics statistics() {
        return new Statistics(items.size(), getters.size(), putters.size(), unfinished);
    }

    @Override
    public String toString() {
        return "LoopQueue[" + kind + ", size=" + items.size() + (maxsize == 0 ? "" : " of " + maxsize) + ", getters="
                + getters.size() + ", putters=" + putters.size() + ", unfinished=" + unfinished
                + (shutDown ? ", shut down" : "") + "]";
    }
}
