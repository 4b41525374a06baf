package dev.trestle.processpool.child;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.api.ChunkResult;
import dev.trestle.api.ContextCarrier;
import dev.trestle.processpool.CallNotSerializableException;
import dev.trestle.processpool.values.CallDecoder;
import dev.trestle.processpool.values.DecodedCall;
import dev.trestle.processpool.values.NotEncodableException;
import dev.trestle.processpool.wire.CallContext;
import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.Payload;
import dev.trestle.processpool.wire.WorkerJournal;
import dev.trestle.processpool.wire.WorkerJournal.Step;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A thread that runs calls, one after the other, and answers them. A worker has one or several of these, with one lock
 * for all.
 */
final class CallPlace {

    /*
     * The lock ensures that a cancellation hits the right call: it interrupts the thread only while that very call is
     * running, and a pending interrupt is cleared when under that lock the call has ended, and again before the next.
     * So no interrupt leaks into the next one.
     *
     * In a worker with one place the thread that reads the calls runs them. In a worker with several it hands each to a
     * place that is free: `offered`, from then until the place has answered it.
     */

    private enum ResultKind {
        VALUE,
        STREAM
    }

    /** The exit code after an exhausted heap, as with -XX:+ExitOnOutOfMemoryError. */
    static final int OUT_OF_MEMORY = 3;

    static final int BROKEN = 70;

    private static final long NONE = -1;

    /** Answers that are held back are sent after this time, if no call keeps their thread from it. */
    private static final long LONGEST_HELD_NANOS = 100_000;

    /** Larger answers are sent at once. */
    private static final int LARGEST_HELD = 4 << 10;

    private final FrameChannel channel;
    private final CallDecoder decoder;
    private final WorkerJournal.Place journal;
    private final Reports.Place reports;
    private final boolean isOnlyOne;
    private final Object lock;
    private final CallCarriers carriers = new CallCarriers();

    // Set by the thread, before its first call
    private Thread thread;
    private @Nullable ClassLoader classLoader;

    /** The time at which the oldest answer that is held back was ready; confined to the thread. */
    private long heldSince = NONE;

    /**
     * The error that the last call threw, or one of the inputs of its chunk, and after which this JVM must not go on;
     * null if there is none. Confined to the thread.
     */
    private @Nullable VirtualMachineError fatalError;

    /** Written under the lock, and by the thread of this place only, which may therefore read it without. */
    private volatile long running = NONE;

    /** Sends the items of the call that is running, if it streams. */
    @GuardedBy("lock")
    private @Nullable ItemSender items;

    /** The call that was handed to this place and is not answered yet; null if the place is free. */
    @GuardedBy("lock")
    private Frame.@Nullable OfCall offered;

    /** True if the offered call was cancelled before it began. */
    @GuardedBy("lock")
    private boolean isOfferCancelled;

    /**
     * @param lock the lock of all places of this worker
     * @param isOnlyOne whether no other place runs calls at the same time
     */
    CallPlace(
            FrameChannel channel,
            CallDecoder decoder,
            WorkerJournal.Place journal,
            Reports.Place reports,
            Object lock,
            boolean isOnlyOne) {
        this.channel = channel;
        this.decoder = decoder;
        this.journal = journal;
        this.reports = reports;
        this.lock = lock;
        this.isOnlyOne = isOnlyOne;
        this.thread = Thread.currentThread();
        this.classLoader = thread.getContextClassLoader();
    }

    Thread thread() {
        return thread;
    }

    // On the thread that reads calls

    /** Hands a call to this place; returns false if it has one. */
    boolean offer(Frame.OfCall call) {
        synchronized (lock) {
            if (offered != null) {
                return false;
            }
            journal.note(call.id(), Step.RECEIVING);
            offered = call;
            isOfferCancelled = false;
            lock.notifyAll();
            return true;
        }
    }

    // On its thread

    /** Runs the calls that are handed to this place, forever. */
    void live() throws IOException {
        thread = Thread.currentThread();
        classLoader = thread.getContextClassLoader();
        journal.enter();
        while (true) {
            Frame.OfCall call = take();
            answer(call);
            synchronized (lock) {
                offered = null;
                lock.notifyAll();
            }
        }
    }

    private Frame.OfCall take() {
        synchronized (lock) {
            while (offered == null) {
                try {
                    lock.wait();
                } catch (InterruptedException e) {
                    // By a thread that some call left behind: no call runs that it could be meant for.
                }
            }
            begin(offered.id());
            if (isOfferCancelled) {
                reports.cancel();
            }
            return offered;
        }
    }

    /** Notes that a call begins. */
    void begin(long id) {
        synchronized (lock) {
            running = id;
            reports.begin(id);
            var _ = Thread.interrupted();
        }
    }

    /** Runs a call and answers it. */
    void answer(Frame.OfCall frame) throws IOException {
        if (frame instanceof Frame.Call call) {
            answer(call.id(), call.payload(), call.context(), ResultKind.VALUE);
        } else {
            var call = (Frame.StreamCall) frame;
            answer(call.id(), call.payload(), call.context(), ResultKind.STREAM);
        }
    }

    private void answer(long id, Payload call, CallContext context, ResultKind kind) throws IOException {
        long start = System.nanoTime();
        Frame reply;
        long size = 0;
        long end;
        try {
            Payload result = performInContext(id, call, context, kind);
            size = result.size();
            end = System.nanoTime();
            reply = new Frame.Result(id, result, end - start);
        } catch (NotWanted e) {
            end = System.nanoTime();
            reply = new Frame.Cancelled(id);
        } catch (CallFailed e) {
            end = System.nanoTime();
            reply = new Frame.Failed(id, e.phase, e.failure, end - start);
            if (e.thrown instanceof VirtualMachineError error && !(error instanceof StackOverflowError)) {
                fatalError = error;
            }
        }
        VirtualMachineError fatal = fatalError;
        if (fatal != null) {
            reports.end();
            channel.write(reply, new Frame.Fatal(Failure.of(fatal)));
            Runtime.getRuntime().halt(fatal instanceof OutOfMemoryError ? OUT_OF_MEMORY : BROKEN);
        }
        thread.setContextClassLoader(classLoader);
        reports.end();
        channel.append(reply);
        if (heldSince == NONE) {
            heldSince = end;
        }
        if (!isOnlyOne || size > LARGEST_HELD || end - heldSince > LONGEST_HELD_NANOS) {
            flush();
        }
    }

    /** Sends the answers that are held back. */
    void flush() throws IOException {
        channel.flush();
        heldSince = NONE;
    }

    /** Performs a call with what its submitter carried. An initializer has no submitter, and leaves what it likes. */
    private Payload performInContext(long id, Payload call, CallContext context, ResultKind kind)
            throws CallFailed, NotWanted {
        ContextCarrier.Scope scope =
                id == Frame.Call.INITIALIZER ? CallCarriers.NOTHING : carriers.enter(context); // throws nothing
        try {
            return perform(id, call, kind);
        } finally {
            scope.close();
            endInterruption();
        }
    }

    private Payload perform(long id, Payload call, ResultKind kind) throws CallFailed, NotWanted {
        Frame.Phase phase = Frame.Phase.DECODING;
        DecodedCall decoded = null;
        try {
            journal.note(id, Step.DECODING);
            decoded = decoder.decode(call);
            phase = Frame.Phase.RUNNING;
            refuseIfCancelled();
            journal.noteBegun(id);
            Object result = null;
            if (kind == ResultKind.STREAM) {
                stream(id, decoded);
            } else {
                result = decoded.run();
            }
            phase = Frame.Phase.ENCODING;
            journal.note(id, Step.ENCODING);
            endInterruption();
            return encode(decoded, result);
        } catch (NotWanted e) {
            throw e;
        } catch (NotEncodableException e) {
            throw new CallFailed(Frame.Phase.ENCODING, e, Failure.of(e));
        } catch (Throwable e) {
            Failure failure =
                    decoded != null && phase == Frame.Phase.RUNNING ? decoded.encodeFailure(e) : Failure.of(e);
            throw new CallFailed(phase, e, failure);
        } finally {
            endInterruption();
            if (decoded != null) {
                decoded.end();
            }
        }
    }

    private Payload encode(DecodedCall decoded, @Nullable Object result) throws NotEncodableException {
        if (!(result instanceof ChunkResult chunk)) {
            return decoded.encodeResult(result);
        }
        fatalError = chunk.fatalError();
        try {
            return decoded.encodeResult(chunk.toData());
        } catch (NotEncodableException e) {
            chunk.refuse(outcome -> problemWith(decoded, outcome));
            return decoded.encodeResult(chunk.toData());
        }
    }

    /** Returns the exception for an outcome that cannot travel by itself; null for one that can. */
    private static @Nullable Throwable problemWith(DecodedCall decoded, @Nullable Object outcome) {
        try {
            var _ = decoded.encodeResult(outcome);
            return null;
        } catch (NotEncodableException e) {
            return new CallNotSerializableException(requireNonNull(e.getMessage()), null);
        }
    }

    /** A call that was cancelled while it was read does not begin: what it read may have dropped the interrupt. */
    private void refuseIfCancelled() throws NotWanted {
        if (reports.isCancelled()) {
            throw new NotWanted();
        }
    }

    private void stream(long id, DecodedCall decoded) throws Throwable {
        try (var sender = new ItemSender(channel, decoded, id)) {
            synchronized (lock) {
                items = sender;
                if (reports.isCancelled()) {
                    sender.cancel();
                }
            }
            sender.sendAll();
        } finally {
            synchronized (lock) {
                items = null;
            }
        }
    }

    /** Sees to it that no cancellation interrupts the call any more, and that no interrupt is left. Idempotent. */
    private void endInterruption() {
        if (running != NONE) {
            synchronized (lock) {
                running = NONE;
            }
        }
        var _ = Thread.interrupted();
    }

    // On the thread of the controls

    /**
     * Tells a call that it was cancelled, and interrupts it if asked to; a call that has not begun does not begin then.
     * Does nothing if this place does not have the call.
     */
    void cancel(long id, boolean interrupt) {
        synchronized (lock) {
            if (running == id) {
                reports.cancel();
                if (items != null) {
                    items.cancel();
                }
                if (interrupt) {
                    thread.interrupt();
                }
            } else if (offered != null && offered.id() == id) {
                isOfferCancelled = true;
            }
        }
    }

    /** Allows a call to send further items, if it is the running call. */
    void credit(long id, long bytes) {
        synchronized (lock) {
            if (running == id && items != null) {
                items.credit(bytes);
            }
        }
    }

    /** Returns whether a call runs here, or was handed to this place and is not answered. From any thread. */
    boolean isBusy() {
        synchronized (lock) {
            return running != NONE || offered != null;
        }
    }

    /** Returns what a thread dump says of this place: the name of its thread, and the number of its call. */
    String title() {
        synchronized (lock) {
            return thread.getName() + (running == NONE ? "" : " (call " + running + ")");
        }
    }

    @Override
    public String toString() {
        return "CallPlace[" + title() + "]";
    }

    /** Thrown to end a call that was cancelled or is late, and whose own code has not begun. */
    private static final class NotWanted extends Exception {
        private static final long serialVersionUID = 1;

        NotWanted() {
            super(null, null, false, false);
        }
    }

    /** Carries what a call threw, and where, to the one place that answers. */
    private static final class CallFailed extends Exception {
        private static final long serialVersionUID = 1;

        private final Frame.Phase phase;
        private final Throwable thrown;
        private final Failure failure;

        CallFailed(Frame.Phase phase, Throwable thrown, Failure failure) {
            super(null, thrown, false, false);
            this.phase = phase;
            this.thrown = thrown;
            this.failure = failure;
        }
    }
}
