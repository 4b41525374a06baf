package dev.trestle.processpool;

import dev.trestle.processpool.jvm.PoolThreads;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A thread that reads the answers of a worker, and ends the calls that were answered, until another thread relieves it.
 */
final class Reader implements Runnable {

    /*
     * To end a call is to make its result of data, which runs constructors, `hashCode` and `equals` of the program, and
     * then its callbacks: code that may take long, or never come back. So before each call the reader says in `ending`
     * what it is about to do, and afterwards takes that back, by compare-and-set. Another thread that wants to go on in
     * its place takes it away instead, and whichever of them succeeds is the reader from then on: there is never a
     * moment without one, nor one with two. The reader keeps its knowledge of the worker in the worker's fields, and
     * success hands them over.
     *
     * A reader that was relieved ends the call that it was at, unless another thread does, and touches nothing of the
     * worker any more. So the reader can be interrupted without harm to the connection; but only if another thread has
     * ended its call, since otherwise the reader may be in a callback. See docs/adr/0256.
     */

    private final Worker worker;

    // The reader that this one is to relieve, of a call. Both are null for the first of a worker, and when that is done

    private @Nullable Reader tired;
    private @Nullable PoolCall<?> stuck;

    private final AtomicReference<@Nullable PoolCall<?>> ending = new AtomicReference<>();

    private volatile @Nullable Thread thread;

    /** True if another reader has replaced this one; confined to its thread, which finds that out after its call. */
    private boolean relieved;

    /** True while a reader that was started to relieve this one has not found out yet whether it can. */
    private volatile boolean relief;

    // Guarded by the dispatcher's lock

    /** The call that this reader was ending when it was relieved; null if it was not relieved. */
    @Nullable
    PoolCall<?> lastCall;

    /** The time at which this reader was relieved, by the timer's clock. */
    long relievedAt;

    /** The size of the answer to {@link #lastCall}. */
    long lastBytes;

    /** True if the end of the pool waits for this reader although it was relieved. */
    boolean isAwaited;

    /** Creates the first reader of a worker. */
    Reader(Worker worker) {
        this.worker = worker;
    }

    private Reader(Reader tired, PoolCall<?> stuck) {
        this.worker = tired.worker;
        this.tired = tired;
        this.stuck = stuck;
    }

    /**
     * Starts a thread that relieves this reader, if it is still ending a call then. Throws if there can be no thread.
     */
    void startRelief(PoolCall<?> call) {
        if (!relief) {
            relief = true;
            try {
                new Reader(this, call).start();
            } catch (Throwable e) {
                relief = false;
                throw e;
            }
        }
    }

    void start() {
        PoolThreads.start(worker.name(), this);
    }

    @Override
    public void run() {
        thread = Thread.currentThread();
        if (tired == null || stuck == null || relieves(tired, stuck)) {
            tired = null;
            stuck = null;
            worker.live(this);
        }
    }

    private boolean relieves(Reader other, PoolCall<?> call) {
        try {
            return worker.dispatcher().relieve(other, call);
        } finally {
            other.relief = false;
        }
    }

    Worker worker() {
        return worker;
    }

    /** Returns the call that this reader is ending; null if it is reading, or was relieved. */
    @Nullable
    PoolCall<?> ending() {
        return ending.get();
    }

    /** Records that this reader is about to end a call. On its own thread. */
    void begin(PoolCall<?> call) {
        ending.set(call);
    }

    /**
     * Records that the call has ended; returns false if this reader has been relieved in the meantime. On its own
     * thread.
     */
    boolean end(PoolCall<?> call) {
        relieved = !ending.compareAndSet(call, null);
        return !relieved;
    }

    /** Returns whether another has taken its place. On its own thread. */
    boolean isRelieved() {
        return relieved;
    }

    /** Takes the place of this reader; returns false if it is not ending that call any more. On another thread. */
    boolean take(PoolCall<?> call) {
        return ending.compareAndSet(call, null);
    }

    /** Interrupts this reader, which has been relieved, and whose call has been ended by another. */
    void interrupt() {
        Thread reading = thread;
        if (reading != null) {
            reading.interrupt();
        }
    }

    /** Returns the stack of this reader, a line for each frame. */
    String stack() {
        Thread reading = thread;
        var text = new StringBuilder();
        if (reading != null) {
            for (StackTraceElement each : reading.getStackTrace()) {
                text.append("\tat ").append(each).append('\n');
            }
        }
        return text.toString();
    }

    @Override
    public String toString() {
        return "Reader[" + worker + ", ending=" + ending + (lastCall == null ? "]" : ", relieved of " + lastCall + "]");
    }
}
