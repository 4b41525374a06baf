package dev.trestle.bridge;

import static dev.trestle.loop.Async.await;
import static java.util.Objects.requireNonNull;

import dev.trestle.loop.ClosingListener;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import dev.trestle.loop.LoopPromise;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The subscription behind {@link PublishedItems}, and the items that have arrived. The publisher calls it on threads of
 * its own; each of its calls is one entry of the loop's queue.
 */
final class Intake<T> implements Flow.Subscriber<T>, ClosingListener {

    /*
     * The publisher and the loop hold this object, the user holds the PublishedItems. So the PublishedItems are garbage
     * when no code can read items any more, and then the subscription is cancelled.
     *
     * `subscription` has three kinds of value: null, there is none yet; the subscription; OVER. The thread that
     * replaces the subscription by OVER ends it: the publisher by its last call, any other thread by cancelling it. So
     * the subscription is cancelled at most once, and never after its end. Cancelling is safe on any thread by the
     * contract of Flow (reactive streams, rule 3.5).
     */

    private static final Flow.Subscription OVER = new Flow.Subscription() {
        @Override
        public void request(long n) {}

        @Override
        public void cancel() {}
    };

    private final EventLoop loop;
    private final int room;

    // any thread
    private final AtomicReference<Flow.@Nullable Subscription> subscription = new AtomicReference<>();
    private volatile boolean closed;
    private volatile boolean loopEnds;

    // confined to the loop
    private final Queue<T> items = new ArrayDeque<>();
    private @Nullable LoopFuture<@Nullable Void> change;
    private int asked;
    private boolean ended;
    private @Nullable Throwable failure;

    Intake(EventLoop loop, int room) {
        this.loop = loop;
        this.room = room;
    }

    void subscribeTo(Flow.Publisher<? extends T> publisher) {
        loop.addClosingListener(this);
        try {
            publisher.subscribe(this);
        } catch (Throwable e) {
            cancel();
            throw e;
        }
    }

    // In the loop

    boolean hasNext() {
        while (!closed && !ended && items.isEmpty()) {
            if (loopEnds) {
                throw new IllegalStateException("There are no more items: " + loop
                        + " is being closed, which has cancelled" + " the subscription to their publisher");
            }
            change = new LoopPromise<@Nullable Void>(loop, () -> {}).future(); // other threads bring the items
            await(change);
        }
        if (closed) {
            return false;
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

    /** Returns the next item; the caller must know that there is one. */
    T next() {
        T item = items.remove();
        ask();
        return item;
    }

    /** Asks for as many items as there is room for, as soon as half of the room is free. */
    private void ask() {
        Flow.Subscription from = subscription.get();
        int free = room - asked - items.size();
        if (from != null && free * 2 >= room) {
            asked += free;
            from.request(free);
        }
    }

    private void changed() {
        if (change != null && !change.isDone()) {
            change.setResult(null);
        }
    }

    // On any thread

    /** Cancels the subscription, drops the items that have arrived, and ends the wait for one. */
    void close() {
        closed = true;
        cancel();
        if (loop.isRunningHere()) {
            changed();
        } else {
            LoopEntry.enter(loop, this::changed);
        }
    }

    /** Cancels the subscription, unless it has ended; a subscription that arrives later is cancelled at once. */
    void cancel() {
        Flow.Subscription before = finish();
        if (before != null) {
            before.cancel();
        }
    }

    /** Returns whether the subscription has ended, or was cancelled. */
    boolean isOver() {
        return subscription.get() == OVER;
    }

    private Flow.@Nullable Subscription finish() {
        loop.removeClosingListener(this);
        return subscription.getAndSet(OVER);
    }

    @Override
    public void onClosing() {
        loopEnds = true;
        cancel();
    }

    @Override
    public void onClosed() {
        onClosing();
    }

    // On the publisher's threads

    @Override
    public void onSubscribe(Flow.Subscription given) {
        requireNonNull(given, "subscription");
        if (!subscription.compareAndSet(null, given)) {
            given.cancel();
        } else if (!LoopEntry.enter(loop, this::ask)) {
            cancel();
        }
    }

    @Override
    public void onNext(T item) {
        if (item == null) {
            throw refuseNull("onNext");
        }
        boolean entered = LoopEntry.enter(loop, () -> {
            asked--;
            items.add(item);
            changed();
        });
        if (!entered) {
            cancel();
        }
    }

    @Override
    public void onError(Throwable thrown) {
        if (thrown == null) {
            throw refuseNull("onError");
        }
        if (finish() != OVER) {
            fail(thrown);
        }
    }

    /**
     * Ends the subscription of a publisher that breaks rule 2.13, and fails its reader, which must not take this for
     * the end of the items.
     */
    private NullPointerException refuseNull(String method) {
        var refusal = new NullPointerException("The publisher has called " + method
                + "(null), which reactive streams forbid (rule 2.13); its subscription has been cancelled");
        Flow.Subscription before = finish();
        if (before != OVER) {
            fail(refusal);
            if (before != null) {
                before.cancel();
            }
        }
        return refusal;
    }

    private void fail(Throwable thrown) {
        LoopEntry.enter(loop, () -> {
            failure = thrown;
            ended = true;
            changed();
        });
    }

    @Override
    public void onComplete() {
        if (finish() != OVER) {
            LoopEntry.enter(loop, () -> {
                ended = true;
                changed();
            });
        }
    }

    @Override
    public String toString() {
        return "the subscription of Bridge.iterate to " + subscription.get();
    }
}
