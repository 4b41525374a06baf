package dev.trestle.bridge;

import static dev.trestle.loop.Async.await;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * The items of a {@link Flow.Publisher}, for a coroutine to iterate over: Python's asynchronous iterator.
 *
 * <p>{@code hasNext} and {@code next} suspend the coroutine until there is an item or the end. Only so many items are asked
 * of the publisher as there is room for. A failure of the publisher is thrown after the items before it. There is one
 * iteration; closing, or the loop's end, cancels the subscription.
 *
 * <p>Belongs to the coroutines of its loop, one at a time.
 *
 * @param <T> the type of the items
 */
@SuppressWarnings(
        "IterableAndIterator") // its own iterator, as in Python: a second loop goes on where the first stopped
public final class PublishedItems<T> implements Iterable<T>, Iterator<T>, AutoCloseable {

    private final EventLoop loop;
    private final int room;

    // confined to the loop
    private final Queue<T> items = new ArrayDeque<>();
    private Flow.@Nullable Subscription subscription;
    private @Nullable LoopFuture<@Nullable Void> change;
    private int asked;
    private boolean ended;
    private @Nullable Throwable failure;

    PublishedItems(EventLoop loop, Flow.Publisher<? extends T> publisher, int room) {
        this.loop = loop;
        this.room = room;
        publisher.subscribe(new Arrivals());
    }

    @Override
    public Iterator<T> iterator() {
        return this;
    }

    /**
     * Suspends until there is an item, or the end.
     *
     * @return whether there is an item
     * @throws dev.trestle.loop.CancelledError if the task is cancelled meanwhile
     * @throws CompletionException if the publisher failed with a checked exception
     */
    @Override
    public boolean hasNext() {
        while (items.isEmpty() && !ended) {
            change = loop.createFuture();
            await(change);
        }
        if (items.isEmpty() && failure != null) {
            throw switch (failure) {
                case RuntimeException exception -> exception;
                case Error error -> throw error;
                default -> new CompletionException(failure);
            };
        }
        return !items.isEmpty();
    }

    @Override
    public T next() {
        if (!hasNext()) {
            throw new NoSuchElementException("The publisher has no more items");
        }
        T item = items.remove();
        ask();
        return item;
    }

    /** Cancels the subscription and drops the items that have arrived. */
    @Override
    public void close() {
        ended = true;
        items.clear();
        if (subscription != null) {
            subscription.cancel();
        }
        changed();
    }

    /** Asks for as many items as there is room for, when half of it is free. */
    private void ask() {
        int free = room - asked - items.size();
        if (subscription != null && !ended && free * 2 >= room) {
            asked += free;
            subscription.request(free);
        }
    }

    private void changed() {
        if (change != null && !change.isDone()) {
            change.setResult(null);
        }
    }

    /** What the publisher calls, on its threads; each call is one entry of the loop's queue. */
    private final class Arrivals implements Flow.Subscriber<T> {

        @Override
        public void onSubscribe(Flow.Subscription given) {
            boolean entered = Entrance.enter(loop, () -> {
                if (ended || subscription != null || loop.isClosed()) {
                    given.cancel();
                } else {
                    subscription = given;
                    ask();
                }
            });
            if (!entered) {
                given.cancel();
            }
        }

        @Override
        public void onNext(T item) {
            Entrance.enter(loop, () -> {
                asked--;
                if (!ended) {
                    items.add(item);
                    changed();
                }
            });
        }

        @Override
        public void onError(Throwable thrown) {
            Entrance.enter(loop, () -> {
                if (!ended) {
                    failure = thrown;
                    ended = true;
                    changed();
                }
            });
        }

        @Override
        public void onComplete() {
            Entrance.enter(loop, () -> {
                ended = true;
                changed();
            });
        }
    }
}
