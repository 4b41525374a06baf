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
import dev.trestle.processpool.wire.ProtocolException;
import dev.trestle.processpool.wire.WorkerJournal;
import dev.trestle.processpool.wire.WorkerJournal.Step;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Runs the calls, one after the other, on one thread. Each call gets one answer, whatever happens, or the JVM ends: a
 * call without an answer would hang its caller.
 */
final class CallRunner {

    /*
     * One thread reads a call, runs it and writes its answer: to hand calls from one thread to another would wake a
     * thread for each. So calls that were sent ahead wait in the connection, unread. What concerns them comes over a
     * connection of its own, on another thread: a call that is dropped before it was read is remembered by its number,
     * and skipped when its turn comes. The numbers ascend, so whether a call has begun is a comparison.
     *
     * The lock ensures that a cancellation hits the right call: it interrupts the thread only while that very call is
     * running, and a pending interrupt is cleared under the same lock when the call ends, and again before the next. So
     * no interrupt leaks into the next one.
     *
     * Answers are held back while the next call is there already, and sent together. They are safe in the flight
     * journal; but when a call takes longer than the pool expected, their callers should not wait for it: the pool asks
     * for them then, with TakeBack.
     */

    private enum ResultKind {
        VALUE,
        STREAM
    }

    /** The exit code after an exhausted heap, as with -XX:+ExitOnOutOfMemoryError. */
    private static final int OUT_OF_MEMORY = 3;

    private static final int BROKEN = 70;
    private static final int HUNG_UP = 71;

    private static final long NONE = -1;

    /** Answers that are held back are sent after this time, if no call keeps their thread from it. */
    private static final long LONGEST_HELD_NANOS = 100_000;

    /** Larger answers are sent at once. */
    private static final int LARGEST_HELD = 4 << 10;

    private final FrameChannel channel;
    private final CallDecoder decoder;
    private final WorkerJournal journal;
    private final Reports reports;
    private final Thread thread;
    private final @Nullable ClassLoader classLoader;
    private final CallCarriers carriers = new CallCarriers();

    /** The time at which the oldest answer that is held back was ready; confined to the thread. */
    private long heldSince = NONE;

    private volatile boolean ending;

    /**
     * The error that the last call threw, or one of the inputs of its chunk, and after which this JVM must not go on;
     * null if there is none. Confined to the thread.
     */
    private @Nullable VirtualMachineError fatalError;

    private final Object lock = new Object();

    @GuardedBy("lock")
    private long begun = NONE;

    @GuardedBy("lock")
    private long running = NONE;

    /** Sends the items of the call that is running, if it streams. */
    @GuardedBy("lock")
    private @Nullable ItemSender items;

    /** The calls that were dropped and will still be read. */
    @GuardedBy("lock")
    private final Set<Long> dropped = new HashSet<>();

    CallRunner(FrameChannel channel, CallDecoder decoder, WorkerJournal journal, Reports reports, Thread thread) {
        this.channel = channel;
        this.decoder = decoder;
        this.journal = journal;
        this.reports = reports;
        this.thread = thread;
        this.classLoader = thread.getContextClassLoader();
    }

    // On its thread

    /**
     * Runs calls until it is told to end; then ends the JVM in order.
     *
     * @param controls the thread of {@link Controls}, which ends then too
     */
    void run(Thread controls) {
        try {
            boolean more = true;
            while (more) {
                more = handle(next());
            }
            join(controls);
            channel.write(new Frame.Goodbye("told to end"));
        } catch (IOException e) {
            hangUp(e);
        } catch (Throwable e) {
            giveUp(e);
        }
        System.exit(0);
    }

    /**
     * Returns whether there is more to come. Without a switch over types, which the first call would have to wait for.
     */
    private boolean handle(Frame frame) throws IOException {
        if (frame instanceof Frame.Call call) {
            take(call.id(), call.payload(), call.context(), ResultKind.VALUE);
            return true;
        }
        if (frame instanceof Frame.StreamCall call) {
            take(call.id(), call.payload(), call.context(), ResultKind.STREAM);
            return true;
        }
        if (frame instanceof Frame.Goodbye) {
            return false;
        }
        throw new ProtocolException("The pool sent a frame that does not belong here: " + frame);
    }

    private Frame next() throws IOException {
        if (!channel.isNextHere()) {
            flush();
        }
        return channel.read();
    }

    /** Runs a call, unless it was dropped, and answers it. */
    private void take(long id, Payload call, CallContext context, ResultKind kind) throws IOException {
        if (begin(id)) {
            answer(id, call, context, kind);
        }
    }

    /** A JVM waits at its exit for threads that sit in a system call. */
    private static void join(Thread controls) {
        try {
            controls.join(Duration.ofSeconds(1));
        } catch (InterruptedException e) {
            // By a thread that some call left behind. The exit may take a moment longer then.
        }
    }

    /** Returns false if the call was dropped. */
    boolean begin(long id) {
        synchronized (lock) {
            begun = id;
            if (!dropped.isEmpty()) {
                boolean skip = dropped.remove(id);
                dropped.removeIf(each -> each < id); // never sent
                if (skip) {
                    return false;
                }
            }
            running = id;
            reports.begin(id);
            var _ = Thread.interrupted();
            return true;
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
        if (size > LARGEST_HELD || end - heldSince > LONGEST_HELD_NANOS) {
            flush();
        }
    }

    private void flush() throws IOException {
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
            refuseIfCancelled(id);
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
    private void refuseIfCancelled(long id) throws NotWanted {
        if (reports.isCancelled(id)) {
            throw new NotWanted();
        }
    }

    private void stream(long id, DecodedCall decoded) throws Throwable {
        try (var sender = new ItemSender(channel, decoded, id)) {
            synchronized (lock) {
                items = sender;
                if (reports.isCancelled(id)) {
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

    /** Returns the number of the last call that has begun, or {@link IdleHeap#BUSY} while it runs. From any thread. */
    long idleAfter() {
        synchronized (lock) {
            return running == NONE ? Math.max(0, begun) : IdleHeap.BUSY;
        }
    }

    private void endInterruption() {
        synchronized (lock) {
            running = NONE;
            var _ = Thread.interrupted();
        }
    }

    // On the thread of the controls

    /** Drops a call that has not begun; tells a running call that it was cancelled, and interrupts it if asked to. */
    void cancel(long id, boolean interrupt) throws IOException {
        synchronized (lock) {
            if (running == id) {
                reports.cancel();
                if (items != null) {
                    items.cancel();
                }
                if (interrupt) {
                    thread.interrupt();
                }
            }
        }
        takeBack(id);
    }

    /**
     * Drops a call that has not begun, and appends the answer. Both before any other call begins: if that one ends the
     * JVM, the journal must say of this one, whose number is smaller, that it had not begun.
     */
    void takeBack(long id) throws IOException {
        synchronized (lock) {
            if (id > begun && dropped.add(id)) {
                channel.append(new Frame.Cancelled(id));
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

    /** Notes that the pool has told us to end. */
    void expectEnd() {
        ending = true;
    }

    /** Returns whether the pool has told us to end. */
    boolean isEnding() {
        return ending;
    }

    /** Ends the JVM because the connection has ended, so that no answer can be sent. */
    void hangUp(IOException why) {
        System.err.println("The connection to the pool has ended: " + why);
        Lifeline.end(HUNG_UP);
    }

    /** Ends the JVM because something that must not fail did. */
    void giveUp(Throwable why) {
        why.printStackTrace();
        Runtime.getRuntime().halt(why instanceof OutOfMemoryError ? OUT_OF_MEMORY : BROKEN);
    }

    /** Returns the stacks of all platform threads, that of the calls first. */
    String threadDump() {
        Map<Thread, StackTraceElement[]> stacks = Thread.getAllStackTraces();
        var text = new StringBuilder();
        print(thread, stacks.remove(thread), text);
        stacks.forEach((each, stack) -> print(each, stack, text));
        return text.toString();
    }

    private static void print(Thread thread, StackTraceElement @Nullable [] stack, StringBuilder text) {
        text.append('"')
                .append(thread.getName())
                .append("\" ")
                .append(thread.getState())
                .append('\n');
        if (stack != null) {
            for (StackTraceElement each : stack) {
                text.append("\tat ").append(each).append('\n');
            }
        }
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
