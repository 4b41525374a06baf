package dev.trestle.processpool.child;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.processpool.values.CallDecoder;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.ProtocolException;
import dev.trestle.processpool.wire.WorkerJournal;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Takes calls from the connection, and runs them on the same thread, or hands them to the threads of several
 * {@link CallPlace}s. Each call gets one answer, whatever happens, or the JVM ends: a call without an answer would hang
 * its caller.
 */
final class CallRunner {

    /*
     * In a worker with one place, one thread reads a call, runs it and writes its answer: to hand calls from one thread
     * to another would wake a thread for each. So calls that were sent ahead wait in the connection, unread. Frames
     * about calls that have not begun come over a connection of its own, on another thread: a call that is dropped
     * before it was read is remembered by its number, and skipped when its turn comes. The numbers ascend, so whether a
     * call has begun is a comparison.
     *
     * Answers are held back while the next call is there already, and sent together. They are safe in the worker
     * journal; but when a call takes longer than the pool expected, their callers should not wait for it: the pool asks
     * for them then, with TakeBack.
     *
     * A worker with several places has a thread for each, since calls may use the processor and keep what they have
     * prepared in thread locals. The pool sends it no call for which it has no place, and each answer is sent at once.
     */

    private static final int HUNG_UP = 71;

    private static final long NONE = -1;

    private final FrameChannel channel;

    /** The place of the thread that reads, which runs the initializer, and all calls if there is no other place. */
    private final CallPlace own;

    /** The places of other threads. */
    private final List<CallPlace> places;

    private volatile boolean ending;

    private final Object lock;

    @GuardedBy("lock")
    private long begun = NONE;

    /** The calls that were dropped and will still be read. */
    @GuardedBy("lock")
    private final Set<Long> dropped = new HashSet<>();

    private CallRunner(FrameChannel channel, CallPlace own, List<CallPlace> places, Object lock) {
        this.channel = channel;
        this.own = own;
        this.places = places;
        this.lock = lock;
    }

    /**
     * Creates the runner of a worker, on the thread that is to read the calls.
     *
     * @param count the number of calls that run at the same time
     */
    static CallRunner create(
            FrameChannel channel, CallDecoder decoder, WorkerJournal journal, Reports reports, int count) {
        var lock = new Object();
        var own = new CallPlace(channel, decoder, journal.place(0), reports.place(0), lock, count == 1);
        List<CallPlace> places = new ArrayList<>();
        for (int i = 0; count > 1 && i < count; i++) {
            places.add(new CallPlace(channel, decoder, journal.place(i), reports.place(i), lock, false));
        }
        return new CallRunner(channel, own, places, lock);
    }

    // On the thread that reads

    /**
     * Runs calls until it is told to end; then ends the JVM in order.
     *
     * @param controls the thread of {@link Controls}, which ends then too
     * @param onFirstAnswer called once, when the first call has been answered
     */
    void run(Thread controls, Runnable onFirstAnswer) {
        try {
            for (int i = 0; i < places.size(); i++) {
                CallPlace place = places.get(i);
                Thread.ofPlatform().name("trestle-call-" + (i + 1)).start(() -> live(place));
            }
            boolean more = handle(next());
            if (more) {
                flushIfNoneIsNext();
                onFirstAnswer.run();
            }
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

    private void live(CallPlace place) {
        try {
            place.live();
        } catch (IOException e) {
            hangUp(e);
        } catch (Throwable e) {
            giveUp(e);
        }
    }

    /**
     * Returns whether there is more to come. Without a switch over types, which the first call would have to wait for.
     */
    private boolean handle(Frame frame) throws IOException {
        if (frame instanceof Frame.Call || frame instanceof Frame.StreamCall) {
            take((Frame.OfCall) frame);
            return true;
        }
        if (frame instanceof Frame.Goodbye) {
            return false;
        }
        throw new ProtocolException("The pool sent a frame that does not belong here: " + frame);
    }

    private Frame next() throws IOException {
        flushIfNoneIsNext();
        return channel.read();
    }

    private void flushIfNoneIsNext() throws IOException {
        if (!channel.isNextHere()) {
            own.flush();
        }
    }

    /** Runs a call, or hands it to a free place, unless it was dropped. */
    void take(Frame.OfCall call) throws IOException {
        if (places.isEmpty() || call.id() == Frame.Call.INITIALIZER) {
            if (begin(call.id())) {
                own.answer(call);
            }
        } else {
            hand(call);
        }
    }

    private void hand(Frame.OfCall call) {
        synchronized (lock) {
            if (isDropped(call.id())) {
                return;
            }
            while (places.stream().noneMatch(each -> each.offer(call))) {
                try {
                    lock.wait(); // the place that has sent its answer is about to become free
                } catch (InterruptedException e) {
                    // By a thread that some call left behind.
                }
            }
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
            if (isDropped(id)) {
                return false;
            }
            own.begin(id);
            return true;
        }
    }

    /** Returns whether a call that was read was dropped; if not, the call counts as begun. */
    @GuardedBy("lock")
    private boolean isDropped(long id) {
        begun = id;
        if (dropped.isEmpty()) {
            return false;
        }
        boolean skip = dropped.remove(id);
        dropped.removeIf(each -> each < id); // never sent
        return skip;
    }

    // On the thread of the controls

    /** Drops a call that has not begun; tells a running call that it was cancelled, and interrupts it if asked to. */
    void cancel(long id, boolean interrupt) throws IOException {
        synchronized (lock) {
            own.cancel(id, interrupt);
            for (CallPlace each : places) {
                each.cancel(id, interrupt);
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

    /** Returns the number of the last call that has begun, or {@link IdleHeap#BUSY} while any runs. From any thread. */
    long idleAfter() {
        synchronized (lock) {
            boolean isBusy = own.isBusy() || places.stream().anyMatch(CallPlace::isBusy);
            return isBusy ? IdleHeap.BUSY : Math.max(0, begun);
        }
    }

    /** Allows a call to send further items, if it is running. */
    void credit(long id, long bytes) {
        own.credit(id, bytes);
        for (CallPlace each : places) {
            each.credit(id, bytes);
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
        Runtime.getRuntime().halt(why instanceof OutOfMemoryError ? CallPlace.OUT_OF_MEMORY : CallPlace.BROKEN);
    }

    /** Returns the stacks of all platform threads, those of the calls first. */
    String threadDump() {
        Map<Thread, StackTraceElement[]> stacks = Thread.getAllStackTraces();
        var text = new StringBuilder();
        for (CallPlace each : places.isEmpty() ? List.of(own) : places) {
            print(each.title(), each.thread(), stacks.remove(each.thread()), text);
        }
        stacks.forEach((each, stack) -> print(each.getName(), each, stack, text));
        return text.toString();
    }

    private static void print(String title, Thread thread, StackTraceElement @Nullable [] stack, StringBuilder text) {
        text.append('"').append(title).append("\" ").append(thread.getState()).append('\n');
        if (stack != null) {
            for (StackTraceElement each : stack) {
                text.append("\tat ").append(each).append('\n');
            }
        }
    }
}
