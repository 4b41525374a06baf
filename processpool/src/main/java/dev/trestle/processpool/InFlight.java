package dev.trestle.processpool;

import dev.trestle.processpool.wire.Frame;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The calls that a worker has: it runs the first, or as many as it has places, and was sent the others ahead. Guarded
 * by the dispatcher's lock.
 * The methods that say so take that lock themselves, since the worker calls them; the lock is re-entrant.
 *
 * <p>A worker that has calls gets more only if all of them together are expected to take a fraction of a millisecond,
 * so that it need not wait for the wire, and no call waits long behind another while a second worker has nothing to do.
 * To a child process with several places nothing is sent ahead; to a member of a cluster as much for each place as to a
 * process with one.
 */
final class InFlight {

    /** The limit of the expected run time of all calls together. */
    private static final long MOST_NANOS = 400_000;

    /** The cost of a call for a worker in addition to its run time. */
    private static final long LEAST_NANOS = 2_000;

    static final int MOST_CALLS = 128;

    /** The most calls that wait behind those that run. */
    static final int MOST_AHEAD = MOST_CALLS - 1;

    /**
     * The limit of the bytes sent: they must fit into the socket, which the worker does not read while it runs a call.
     */
    private static final long MOST_BYTES = 64 << 10;

    private static final Frame[] NOTHING = {};

    /** A call that has run for so long has shown that it is not short. */
    static final Duration SHORT = Duration.ofMillis(2);

    private final ReentrantLock lock;
    private final LongSupplier clock;

    private int places;

    /** The number of calls that may wait behind those that run. */
    private int mostAhead;

    // As large as they get, so that to add a call needs no memory
    private final ArrayDeque<PoolCall<?>> calls = new ArrayDeque<>(MOST_CALLS);
    private final ArrayDeque<PoolCall<?>> unwritten = new ArrayDeque<>(MOST_CALLS);

    /** True while a thread is writing calls; that thread looks for further calls before it stops. */
    private boolean writing;

    private long lastTicket;
    private long lastWritten;
    private long expectedNanos;
    private long bytes;
    private long firstSince;
    private long askedBack;

    /** The number of the last call that the worker runs, or will as soon as the call has been written. */
    private long lastBegun;

    /**
     * @param lock the dispatcher's
     * @param clock as {@link System#nanoTime}
     * @param places the number of calls that the worker runs at the same time
     */
    InFlight(ReentrantLock lock, LongSupplier clock, int places) {
        this.lock = lock;
        this.clock = clock;
        this.places = places;
        this.mostAhead = places == 1 ? MOST_AHEAD : 0;
    }

    /** Changes the number of places of a member of a cluster. */
    void setPlaces(int value) {
        places = value;
    }

    /** Sets how many calls may wait at a member of a cluster behind those that run. */
    void setMostAhead(int value) {
        mostAhead = value;
    }

    int places() {
        return places;
    }

    /** Returns the number of the last call that was handed to the connection; 0 if there was none. Takes the lock. */
    long lastWritten() {
        lock.lock();
        try {
            return lastWritten;
        } finally {
            lock.unlock();
        }
    }

    /** Returns the call that runs, or will as soon as it has been written. */
    @Nullable
    PoolCall<?> first() {
        return calls.peekFirst();
    }

    boolean isEmpty() {
        return calls.isEmpty();
    }

    int size() {
        return calls.size();
    }

    List<PoolCall<?>> all() {
        return List.copyOf(calls);
    }

    long expectedNanos() {
        return expectedNanos;
    }

    /** Returns whether a call that is added now runs at once, and not behind others. */
    boolean hasFreePlace() {
        return calls.size() < places;
    }

    /** Returns the number of calls that wait behind another one. */
    int ahead() {
        return Math.max(0, calls.size() - places);
    }

    /** Returns whether one more call may be added now: always if there is a place for it, else if all are short. */
    boolean hasRoomFor(PoolCall<?> call, long now) {
        return hasFreePlace()
                || (ahead() < mostAhead
                        && expected(call) <= places * MOST_NANOS - expectedNanos
                        && call.size() <= places * MOST_BYTES - bytes
                        && firstHasRun(now) < SHORT.toNanos());
    }

    private static long expected(PoolCall<?> call) {
        return Math.clamp(call.runTime().nanos(), LEAST_NANOS, 2 * MOST_NANOS);
    }

    /** Adds a call, which gets its number. */
    void add(PoolCall<?> call) {
        if (calls.isEmpty()) {
            firstSince = clock.getAsLong();
        }
        call.ticket = ++lastTicket;
        if (hasFreePlace()) {
            lastBegun = lastTicket;
        }
        call.expectedNanos = expected(call);
        expectedNanos += call.expectedNanos;
        bytes += call.size();
        calls.addLast(call);
        unwritten.addLast(call);
    }

    /**
     * Finds the calls that were answered. If this throws, nothing has changed but the lists.
     *
     * @param answers those to calls that are not here, second ones, and those that say that a call was dropped which
     *     may not be, are removed
     * @param found gets the calls, in the same order
     */
    void match(List<Frame.OfCall> answers, List<PoolCall<?>> found) {
        Iterator<PoolCall<?>> inOrder = calls.iterator();
        PoolCall<?> expected = inOrder.hasNext() ? inOrder.next() : null;
        boolean strays = false;
        for (Iterator<Frame.OfCall> each = answers.iterator(); each.hasNext(); ) {
            Frame.OfCall answer = each.next();
            long ticket = answer.id();
            PoolCall<?> call = expected;
            if (call != null && call.ticket == ticket) {
                expected = inOrder.hasNext() ? inOrder.next() : null;
            } else {
                call = callWith(ticket);
                strays = true;
            }
            if (call == null || (strays && found.contains(call)) || isDroppedUnasked(call, answer)) {
                strays = true; // the next answer may be another one to this call
                each.remove();
            } else {
                found.add(call);
            }
        }
    }

    /** Returns whether an answer says that the worker has dropped a call that it was to run. */
    static boolean isDroppedUnasked(PoolCall<?> call, Frame.OfCall answer) {
        return answer instanceof Frame.Cancelled && !call.mayBeDropped();
    }

    /** Takes a call away, which is here, now. Needs no memory. */
    void take(PoolCall<?> call, long now) {
        expectedNanos -= call.expectedNanos;
        bytes -= call.size();
        boolean isFirst = call == calls.peekFirst();
        if (isFirst) {
            calls.removeFirst();
        } else {
            calls.remove(call);
            unwritten.remove(call); // so that it is not written with the number that it gets elsewhere
        }
        if (isFirst || places > 1) { // with several places, an answer to any of them shows that calls are short
            firstSince = now;
        }
    }

    /** Stops sending calls ahead until the next answer, since the worker has given back a call that it was to run. */
    void noteGivenBack() {
        firstSince = clock.getAsLong() - SHORT.toNanos();
    }

    /**
     * Returns the next call that the worker runs now that others have been taken away; null if there is none. Needs
     * memory only if the worker has several places.
     */
    @Nullable
    PoolCall<?> nextToBegin() {
        PoolCall<?> first = calls.peekFirst();
        if (places == 1 || first == null || first.ticket > lastBegun) {
            return begun(first);
        }
        int place = 0;
        for (PoolCall<?> each : calls) {
            if (place++ == places) {
                break;
            }
            if (each.ticket > lastBegun) {
                return begun(each);
            }
        }
        return null;
    }

    private @Nullable PoolCall<?> begun(@Nullable PoolCall<?> call) {
        if (call == null || call.ticket <= lastBegun) {
            return null;
        }
        lastBegun = call.ticket;
        return call;
    }

    /** Returns the call with a ticket; null if it is not here. Takes the lock. */
    @Nullable
    PoolCall<?> find(long ticket) {
        lock.lock();
        try {
            return callWith(ticket);
        } finally {
            lock.unlock();
        }
    }

    /** Returns whether the call with a ticket is not behind another one. Takes the lock. */
    boolean isRunning(long ticket) {
        lock.lock();
        try {
            PoolCall<?> call = places == 1 ? calls.peekFirst() : callWith(ticket);
            return call != null && call.ticket == ticket;
        } finally {
            lock.unlock();
        }
    }

    private @Nullable PoolCall<?> callWith(long ticket) {
        for (PoolCall<?> each : calls) { // almost always the first
            if (each.ticket == ticket) {
                return each;
            }
        }
        return null;
    }

    /** Returns for how long the first call has run, as far as one can know. */
    long firstHasRun(long now) {
        return now - firstSince;
    }

    /** Takes all calls away. Needs no memory. */
    void clear() {
        for (PoolCall<?> call = calls.pollFirst(); call != null; call = calls.pollFirst()) {
            call.left();
        }
        unwritten.clear();
    }

    /** Puts the books right after a change that was cut short by an Error; the calls that are here are what counts. */
    void putRight() {
        expectedNanos = 0;
        bytes = 0;
        unwritten.clear();
        for (PoolCall<?> each : calls) {
            expectedNanos += each.expectedNanos;
            bytes += each.size();
            if (each.ticket > lastWritten) {
                unwritten.addLast(each);
            }
        }
    }

    // Writing

    /** Returns whether the caller has to write what is unwritten; if not, there is nothing, or another thread does. */
    boolean startWriting() {
        if (writing || unwritten.isEmpty()) {
            return false;
        }
        writing = true;
        return true;
    }

    /**
     * Returns the frames to write now, in the order of their tickets; if there are none, the caller has finished
     * writing. Takes the lock.
     */
    Frame[] nextToWrite() {
        lock.lock();
        try {
            return takeUnwritten();
        } finally {
            lock.unlock();
        }
    }

    private Frame[] takeUnwritten() {
        if (unwritten.isEmpty()) {
            writing = false;
            return NOTHING;
        }
        var frames = new Frame[unwritten.size()];
        int count = 0;
        for (PoolCall<?> each : unwritten) {
            frames[count++] = each.frame();
        }
        lastWritten = unwritten.getLast().ticket; // nothing has changed so far, if there was no memory
        unwritten.clear();
        return frames;
    }

    // Taking back

    /** Returns the tickets of the calls that wait behind those that run and have not been asked for yet. */
    List<Long> toAskBack() {
        List<Long> tickets = calls.stream()
                .skip(places)
                .filter(each -> each.ticket > askedBack)
                .peek(PoolCall::askBack)
                .map(each -> each.ticket)
                .toList();
        askedBack = lastTicket;
        return tickets;
    }

    @Override
    public String toString() {
        return "InFlight" + calls;
    }
}
