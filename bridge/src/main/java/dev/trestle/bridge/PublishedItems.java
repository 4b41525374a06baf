package dev.trestle.bridge;

import dev.trestle.loop.EventLoop;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Flow;

/**
 * The items of a {@link Flow.Publisher}, for a coroutine to iterate over: Python's asynchronous iterator.
 *
 * <p>{@code hasNext} and {@code next} suspend the coroutine until there is an item or the end. The publisher is asked
 * only for as many items as there is room for. A failure of the publisher is thrown after the items before it. The
 * items can be iterated over once.
 *
 * <p>The subscription is cancelled by {@link #close}; when the loop begins to be closed; and when this object is
 * garbage, so that a publisher does not wait for a reader that has left without closing it. Code that reads on while
 * the loop is closed gets the items that have arrived, and then an {@link IllegalStateException}.
 *
 * <p>Belongs to the coroutines of its loop, one at a time; {@code close} may be called from any thread.
 *
 * @param <T> the type of the items
 */
@SuppressWarnings(
        "IterableAndIterator") // its own iterator, as in Python: a second loop goes on where the first stopped
public final class PublishedItems<T> implements Iterable<T>, Iterator<T>, AutoCloseable {

    /** The cleaner, created for the first iteration; a program without iterations has no cleaner thread. */
    private static final class Forgotten {
        static final Cleaner cleaner = Cleaner.create(
                Thread.ofPlatform().name("trestle-published-items").daemon().factory());

        /** A publisher may take its time, so it is not called on the cleaner's thread. Must not hold the items. */
        static void cancel(Intake<?> intake) {
            if (!intake.isOver()) {
                Thread.ofVirtual().name("trestle-cancels-subscription").start(intake::cancel);
            }
        }
    }

    private final Intake<T> intake;

    /** Holds the intake until the cleaning has run. */
    private final Cleaner.Cleanable forgotten;

    PublishedItems(EventLoop loop, Flow.Publisher<? extends T> publisher, int room) {
        var mine = new Intake<T>(loop, room);
        this.intake = mine;
        mine.subscribeTo(publisher);
        this.forgotten = Forgotten.cleaner.register(this, () -> Forgotten.cancel(mine));
    }

    @Override
    public Iterator<T> iterator() {
        return this;
    }

    /**
     * Suspends until there is an item, or the end.
     *
     * @return whether there is an item
     * @throws dev.trestle.loop.CancelledError if the task is cancelled while it waits
     * @throws CompletionException if the publisher failed with a checked exception
     * @throws IllegalStateException if the loop is being closed, and all items that have arrived have been read
     */
    @Override
    public boolean hasNext() {
        try {
            return intake.hasNext();
        } finally {
            if (intake.isOver()) {
                forgotten.clean(); // the items or the failure may reach this object, which would never be garbage
            }
            Reference.reachabilityFence(this);
        }
    }

    @Override
    public T next() {
        if (!hasNext()) {
            throw new NoSuchElementException("The publisher has no more items");
        }
        return intake.next();
    }

    /** Cancels the subscription and drops the items that have arrived. Idempotent. */
    @Override
    public void close() {
        intake.close();
    }
}
