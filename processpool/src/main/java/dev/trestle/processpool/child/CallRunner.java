package dev.trestle.processpool.child;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.processpool.wire.CallDecoder;
import dev.trestle.processpool.wire.DecodedCall;
import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.FlightRecord;
import dev.trestle.processpool.wire.FlightRecord.Step;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.Payload;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Runs the calls, one after the other, on one thread. Each call gets one answer, whatever happens, or the JVM ends: a
 * call without an answer would hang its caller.
 */
final class CallRunner {

    /*
     * The lock guards whom a cancellation hits: it interrupts the thread only while the very call is running, and a pending
     * interrupt is cleared under the same lock when the call ends. So no interrupt leaks into the next one.
     */

    /** The exit code after an exhausted heap, as with -XX:+ExitOnOutOfMemoryError. */
    private static final int OUT_OF_MEMORY = 3;

    private static final int BROKEN = 70;
    private static final int HUNG_UP = 71;

    private static final long NONE = -1;

    private final FrameChannel channel;
    private final CallDecoder decoder;
    private final FlightRecord record;
    private final Thread thread;
    private final @Nullable ClassLoader classLoader;

    private final Object lock = new Object();

    @GuardedBy("lock")
    private final ArrayDeque<Frame.Call> waiting = new ArrayDeque<>();

    @GuardedBy("lock")
    private long running = NONE;

    @GuardedBy("lock")
    private boolean ending;

    CallRunner(FrameChannel channel, CallDecoder decoder, FlightRecord record, Thread thread) {
        this.channel = channel;
        this.decoder = decoder;
        this.record = record;
        this.thread = thread;
        this.classLoader = thread.getContextClassLoader();
    }

    // On its thread

    /** Runs calls until it is told to end; then ends the JVM in order. */
    void run() {
        try {
            for (Frame.Call call = next(); call != null; call = next()) {
                answer(call);
            }
            channel.write(new Frame.Goodbye("told to end"));
        } catch (Throwable e) {
            giveUp(e);
        }
        System.exit(0);
    }

    private Frame.@Nullable Call next() {
        synchronized (lock) {
            while (waiting.isEmpty() && !ending) {
                try {
                    lock.wait();
                } catch (InterruptedException e) {
                    // A thread that some call left behind interrupted us; there is no call it could mean.
                }
            }
            Frame.Call call = waiting.pollFirst();
            if (call != null) {
                running = call.id();
            }
            return call;
        }
    }

    private void answer(Frame.Call call) throws IOException {
        long start = System.nanoTime();
        Frame reply;
        try {
            reply = new Frame.Result(call.id(), perform(call), System.nanoTime() - start);
        } catch (CallFailed e) {
            Failure failure = e.failure;
            reply = new Frame.Failed(call.id(), e.phase, failure, System.nanoTime() - start);
            if (e.thrown instanceof VirtualMachineError && !(e.thrown instanceof StackOverflowError)) {
                channel.write(reply, new Frame.Fatal(failure));
                Runtime.getRuntime().halt(e.thrown instanceof OutOfMemoryError ? OUT_OF_MEMORY : BROKEN);
            }
        }
        thread.setContextClassLoader(classLoader);
        channel.write(reply);
    }

    private Payload perform(Frame.Call call) throws CallFailed {
        Frame.Phase phase = Frame.Phase.DECODING;
        DecodedCall decoded = null;
        try {
            record.note(call.id(), Step.DECODING);
            decoded = decoder.decode(call.payload());
            phase = Frame.Phase.RUNNING;
            record.note(call.id(), Step.RUNNING);
            Object result = decoded.run();
            phase = Frame.Phase.ENCODING;
            record.note(call.id(), Step.ENCODING);
            endInterruption();
            return decoded.encodeResult(result);
        } catch (Throwable e) {
            Failure failure =
                    decoded != null && phase == Frame.Phase.RUNNING ? decoded.encodeFailure(e) : Failure.of(e);
            throw new CallFailed(phase, e, failure);
        } finally {
            endInterruption();
        }
    }

    private void endInterruption() {
        synchronized (lock) {
            running = NONE;
            var _ = Thread.interrupted();
        }
    }

    // On the reader's thread

    void add(Frame.Call call) {
        synchronized (lock) {
            waiting.addLast(call);
            lock.notifyAll();
        }
    }

    /** Interrupts a call that runs, drops one that waits; one that has ended already has been answered. */
    void cancel(long id) throws IOException {
        boolean dropped;
        synchronized (lock) {
            if (running == id) {
                thread.interrupt();
            }
            dropped = waiting.removeIf(call -> call.id() == id);
        }
        if (dropped) {
            channel.write(new Frame.Cancelled(id));
        }
    }

    /** Ends the JVM when the calls that wait have been run. */
    void end() {
        synchronized (lock) {
            ending = true;
            lock.notifyAll();
        }
    }

    /** Returns whether the pool has told us to end. */
    boolean isEnding() {
        synchronized (lock) {
            return ending;
        }
    }

    /** Ends the JVM because the connection did: nobody can take an answer. */
    void hangUp(IOException why) {
        System.err.println("The connection to the pool has ended: " + why);
        Runtime.getRuntime().halt(HUNG_UP);
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
