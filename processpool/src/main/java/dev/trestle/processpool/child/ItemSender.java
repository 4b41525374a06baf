package dev.trestle.processpool.child;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.processpool.values.DecodedCall;
import dev.trestle.processpool.values.NotEncodableException;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.Payload;
import java.io.IOException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Sends the items of the stream that a call returns, as the stream makes them, but not faster than they are consumed.
 */
final class ItemSender implements AutoCloseable {

    /*
     * The thread of the call encodes each item when it is made, since the stream may go on to change it, and appends it
     * to the channel, whose buffer makes batches. An item that comes after a pause is sent at once; items that follow
     * it closely are sent by a second thread soon after, so that they arrive however long the stream takes for its next
     * item.
     *
     * The number of bytes that have been sent and not been consumed is limited. At the limit the thread of the call
     * waits, in the stream, for the credit that the consumer gives back.
     *
     * An exception is the only way to stop a stream from its end. Since the stream may be the user's own and swallow
     * the exception, the first exception is kept; every further item throws it again, and so does the end.
     */

    private static final long PAUSE_NANOS = 1_000_000;

    private final FrameChannel channel;
    private final DecodedCall call;
    private final long id;

    // Confined to the thread of the call
    private long number;
    private long lastSent = System.nanoTime() - PAUSE_NANOS;
    private @Nullable Exception failure;
    private boolean hasHelper;

    private final Object lock = new Object();

    @GuardedBy("lock")
    private long outstanding;

    @GuardedBy("lock")
    private boolean cancelled;

    @GuardedBy("lock")
    private boolean unsent;

    @GuardedBy("lock")
    private boolean closed;

    ItemSender(FrameChannel channel, DecodedCall call, long id) {
        this.channel = channel;
        this.call = call;
        this.id = id;
    }

    // On the thread of the call

    /** Runs the call, and its stream to the end. */
    void sendAll() throws Throwable {
        try {
            call.run(this::send);
        } catch (Throwable e) {
            if (failure == null) {
                throw e;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    private void send(@Nullable Object item) {
        if (failure == null) {
            try {
                append(item);
                return;
            } catch (NotEncodableException | IOException | CancellationException e) {
                failure = e;
            }
        }
        throw new Stopped(failure);
    }

    private void append(@Nullable Object item) throws NotEncodableException, IOException {
        Payload payload = call.encodeItem(item, number);
        var frame = new Frame.Item(id, number, payload);
        awaitCredit(frame.cost());
        number++;
        channel.append(frame);
        long now = System.nanoTime();
        if (now - lastSent >= PAUSE_NANOS) {
            lastSent = now;
            channel.flush();
        } else {
            sendSoon();
        }
    }

    private void awaitCredit(long cost) throws IOException {
        synchronized (lock) {
            if (outstanding < Frame.Item.WINDOW && !cancelled) {
                outstanding += cost;
                return;
            }
        }
        channel.flush(); // what is unsent is what the consumer may be waiting for
        boolean interrupted = false;
        synchronized (lock) {
            while (outstanding >= Frame.Item.WINDOW && !cancelled) {
                try {
                    lock.wait();
                } catch (InterruptedException e) {
                    interrupted =
                            true; // by a cancellation, which says so, or by a thread of the user's: not our affair
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            if (cancelled) {
                throw new CancellationException("The stream was closed by its consumer");
            }
            outstanding += cost;
        }
    }

    private void sendSoon() {
        synchronized (lock) {
            if (!unsent) {
                unsent = true;
                lock.notifyAll();
            }
        }
        if (!hasHelper) {
            hasHelper = true;
            Thread.ofPlatform().name("trestle-items").daemon().start(this::help);
        }
    }

    /** Ends the helping thread. Unsent items go out with the answer to the call. */
    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            lock.notifyAll();
        }
    }

    // On the thread that helps

    private void help() {
        try {
            while (awaitUnsent()) {
                LockSupport.parkNanos(PAUSE_NANOS);
                channel.flush();
            }
        } catch (IOException e) {
            // The connection is gone: the thread that reads from it ends this JVM.
            System.err.println("Items could not be sent: " + e);
        }
    }

    private boolean awaitUnsent() {
        synchronized (lock) {
            while (!unsent && !closed) {
                try {
                    lock.wait();
                } catch (InterruptedException e) {
                    // Some code interrupts threads that are not its own; this one has nothing to stop for.
                }
            }
            unsent = false;
            return !closed;
        }
    }

    // On the thread of the controls

    /** Notes that items have been consumed. */
    void credit(long bytes) {
        synchronized (lock) {
            outstanding -= bytes;
            lock.notifyAll();
        }
    }

    /** Stops the stream at its next item. */
    void cancel() {
        synchronized (lock) {
            cancelled = true;
            lock.notifyAll();
        }
    }

    /** Thrown to stop a stream; its cause is also kept in a field of the sender. */
    private static final class Stopped extends RuntimeException {
        private static final long serialVersionUID = 1;

        Stopped(@Nullable Throwable cause) {
            super("The stream ends here", cause, false, false);
        }
    }
}
