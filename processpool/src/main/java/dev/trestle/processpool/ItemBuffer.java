package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.api.WaitGuard;
import dev.trestle.processpool.jvm.Log;
import dev.trestle.processpool.values.NotDecodableException;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.ProtocolException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.ArrayDeque;
import java.util.Spliterator;
import java.util.Spliterators.AbstractSpliterator;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/** The items of one call, between the thread that reads them from the worker and the one that consumes them. */
final class ItemBuffer {

    /*
     * The call's future ends when the worker has answered it, after the last item: so a taker of items takes what is
     * here, then waits for more or for that end, and then throws what the future holds. That way an item is never lost
     * to an exception that came after it.
     *
     * The worker limits the items here: it stops when it has sent a window full. Items that were taken are credited
     * when they are a good part of the window, so that the worker goes on before it has to stop. A worker that sends
     * more than it may is in error, and its conversation ends.
     */

    private static final Log logger = Log.of(ProcessPool.class);
    private static final long CREDIT = Frame.Item.WINDOW / 4;

    private final PoolCall<?> call;
    private final Dispatcher dispatcher;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    @GuardedBy("lock")
    private final ArrayDeque<Frame.Item> items = new ArrayDeque<>();

    /** The number of items that have arrived, which is also the number of the next item. */
    @GuardedBy("lock")
    private long arrived;

    /** The cost of what has arrived and has not been credited. */
    @GuardedBy("lock")
    private long outstanding;

    /** The part of it that has been taken. */
    @GuardedBy("lock")
    private long taken;

    @GuardedBy("lock")
    private boolean closed;

    ItemBuffer(PoolCall<?> call, Dispatcher dispatcher) {
        this.call = call;
        this.dispatcher = dispatcher;
        call.promise().addDoneCallback(_ -> wakeUp());
    }

    // On the worker's thread

    /**
     * Takes an item from the worker. One that is here already came twice, from the connection and the worker journal.
     */
    void add(Frame.Item item) throws ProtocolException {
        lock.lock();
        try {
            if (item.number() < arrived || closed || call.promise().isDone()) {
                return;
            }
            if (item.number() > arrived) {
                throw new ProtocolException(
                        "Item " + item.number() + " of a stream arrived instead of item " + arrived);
            }
            if (outstanding >= Frame.Item.WINDOW) {
                throw new ProtocolException("Item " + arrived + " of a stream was sent without credit: " + outstanding
                        + " bytes have not been consumed, and " + Frame.Item.WINDOW + " are allowed");
            }
            arrived++;
            outstanding += item.cost();
            items.addLast(item);
            if (outstanding >= Frame.Item.WINDOW) {
                call.releaseProgram(); // the program may have stopped reading the stream
            }
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Returns the number of items that have arrived. */
    long arrived() {
        lock.lock();
        try {
            return arrived;
        } finally {
            lock.unlock();
        }
    }

    private void wakeUp() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    // On the consumer's thread

    /** Returns the stream of the items, which may be asked for once. */
    <R extends @Nullable Object> Stream<R> stream(Cleaner cleaner) {
        var items = new Items<R>(this);
        var _ = cleaner.register(items, this::abandon);
        return StreamSupport.stream(items, false).onClose(this::close);
    }

    /** Waits for the next item; returns null after the last, and throws what the call threw when it has failed. */
    private Frame.@Nullable Item next() {
        if (mustWait()) {
            WaitGuard.askAll(call.promise()); // not under the lock: this is the user's code
        }
        Frame.Item item;
        long credit = 0;
        lock.lock();
        try {
            awaitItem();
            item = items.pollFirst();
            if (item != null) {
                taken += item.cost();
                if (taken >= CREDIT) {
                    credit = taken;
                    outstanding -= taken;
                    taken = 0;
                    holdProgram();
                }
            }
        } finally {
            lock.unlock();
        }
        if (credit > 0) {
            dispatcher.credit(call, credit);
        }
        if (item == null) {
            var _ = call.promise().result();
        }
        return item;
    }

    /** Makes the program wait for the call again: its worker may go on. */
    private void holdProgram() {
        try {
            call.holdProgram();
        } catch (OutOfMemoryError e) { // the item that was taken must not be lost to this
            logger.debug("The program may end before {}", call.description(), e);
        }
    }

    private boolean mustWait() {
        lock.lock();
        try {
            return items.isEmpty() && !call.promise().isDone();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until an item is here, or none will come any more. */
    @GuardedBy("lock")
    private void awaitItem() {
        try {
            while (items.isEmpty() && !call.promise().isDone()) {
                changed.await();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CompletionException(
                    "Interrupted while waiting for item " + arrived + " of the stream of " + call.description()
                            + "; the call itself goes on until the stream is closed",
                    e);
        }
    }

    private @Nullable Object decode(Frame.Item item) {
        try {
            return call.decodeItem(item);
        } catch (NotDecodableException e) {
            close();
            throw new CallNotSerializableException(requireNonNull(e.getMessage()), e);
        }
    }

    /** Cancels the call, if it has not ended, and forgets what has arrived. */
    private void close() {
        lock.lock();
        try {
            closed = true;
            items.clear();
        } finally {
            lock.unlock();
        }
        call.promise().cancel(true);
    }

    /** Called when the consumer has dropped the stream, which no code can read any more. */
    private void abandon() {
        if (!call.promise().isDone()) {
            close();
            logger.warn(
                    "The stream of {} was dropped before its end without being closed; its call is cancelled",
                    call.description());
        }
    }

    @Override
    public String toString() {
        lock.lock();
        try {
            return "ItemBuffer[" + call.description() + ", arrived=" + arrived + ", waiting=" + items.size()
                    + (closed ? ", closed]" : "]");
        } finally {
            lock.unlock();
        }
    }

    /**
     * The source of the consumer's stream. Only the stream refers to it, so a stream that is dropped becomes garbage.
     */
    private static final class Items<R extends @Nullable Object> extends AbstractSpliterator<R> {
        private final ItemBuffer itemBuffer;

        Items(ItemBuffer itemBuffer) {
            super(Long.MAX_VALUE, Spliterator.ORDERED);
            this.itemBuffer = itemBuffer;
        }

        @Override
        @SuppressWarnings({"unchecked", "NullAway"}) // what a Stream<R> makes is an R, and null only if R has it
        public boolean tryAdvance(Consumer<? super R> action) {
            try {
                Frame.Item item = itemBuffer.next();
                if (item == null) {
                    return false;
                }
                action.accept((R) itemBuffer.decode(item));
                return true;
            } finally {
                Reference.reachabilityFence(this);
            }
        }
    }
}
