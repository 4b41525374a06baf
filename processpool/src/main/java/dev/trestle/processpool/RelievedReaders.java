package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The readers of a pool that were relieved and have not come back. Some read answers that are wanted, or run callbacks;
 * the others are lost, since the calls whose answers they read have ended. Guarded by the dispatcher's lock.
 */
final class RelievedReaders {

    /** The number of readers that may be lost for each worker. */
    private static final int MOST_LOST = 8;

    /** The time that a pool that ends waits, beyond `closeGrace`, for each byte of an answer that is being read. */
    private static final long NANOS_PER_BYTE = 100;

    private final int workers;
    private final long closeGraceNanos;
    private final List<Reader> all = new ArrayList<>();

    /** Read by any thread. */
    private volatile boolean manyLost;

    RelievedReaders(PoolOptions options) {
        this.workers = options.workers();
        this.closeGraceNanos = TimeUnit.NANOSECONDS.convert(options.limits().closeGrace());
    }

    /**
     * Relieves a reader of a call; returns false if it is not ending that any more. If it throws, nothing has changed.
     */
    boolean add(Reader reader, PoolCall<?> call, long now) {
        all.add(reader); // what needs memory comes first
        if (!reader.take(call)) {
            all.removeLast();
            return false;
        }
        reader.lastCall = call;
        reader.lastBytes = reader.worker().bytesOfAnswer();
        reader.relievedAt = now;
        reader.isAwaited = !call.isAbandoned();
        countLost();
        return true;
    }

    void remove(Reader reader) {
        all.remove(reader);
        countLost();
    }

    /**
     * Records that the future of a call has ended; returns the reader that was relieved of it, or null. Needs no
     * memory.
     */
    @Nullable
    Reader abandon(PoolCall<?> call) {
        call.abandon();
        countLost();
        return of(call);
    }

    private void countLost() {
        int lost = 0;
        for (int i = 0; i < all.size(); i++) {
            lost += isLost(all.get(i)) ? 1 : 0;
        }
        manyLost = lost >= (long) MOST_LOST * workers;
    }

    private static boolean isLost(Reader reader) {
        return requireNonNull(reader.lastCall).isAbandoned();
    }

    /** Returns whether so many are lost that no other is to risk that. May be called without the lock. */
    boolean areManyLost() {
        return manyLost;
    }

    /** Returns the reader that was relieved of a call; null if there is none. Needs no memory. */
    @Nullable
    Reader of(PoolCall<?> call) {
        for (int i = 0; i < all.size(); i++) {
            if (all.get(i).lastCall == call) {
                return all.get(i);
            }
        }
        return null;
    }

    /** Returns whether one of a worker is not lost. */
    boolean hasBusyOneOf(Worker worker) {
        for (Reader each : all) {
            if (each.worker() == worker && !isLost(each)) {
                return true;
            }
        }
        return false;
    }

    /** Returns the calls that they were relieved of. */
    Stream<PoolCall<?>> calls() {
        return all.stream().map(each -> requireNonNull(each.lastCall));
    }

    /** Returns for how many the end of the pool waits. Needs no memory. */
    int awaited() {
        int awaited = 0;
        for (int i = 0; i < all.size(); i++) {
            awaited += all.get(i).isAwaited ? 1 : 0;
        }
        return awaited;
    }

    /**
     * Returns the time for which a pool that could end without them waits for them, in nanoseconds. Needs no memory.
     */
    long patienceNanos() {
        long longest = 0;
        for (int i = 0; i < all.size(); i++) {
            longest = Math.max(longest, patienceNanos(all.get(i)));
        }
        return longest;
    }

    /**
     * Returns the time for which a pool that could end without a reader waits for it: longer, if the answer is large.
     */
    private long patienceNanos(Reader reader) {
        return Math.min(closeGraceNanos, Long.MAX_VALUE >> 1) + reader.lastBytes * NANOS_PER_BYTE;
    }

    /** Returns the same as {@link #patienceNanos}, for messages. May be called without the lock. */
    Duration patienceWith(Reader reader) {
        return Duration.ofNanos(patienceNanos(reader));
    }

    /** Returns those for which the end of the pool has waited long enough, if it waits for them. */
    List<Reader> overdue(long now) {
        return all.stream()
                .filter(each -> each.isAwaited && now - each.relievedAt >= patienceNanos(each))
                .toList();
    }

    @Override
    public String toString() {
        return "RelievedReaders" + all;
    }
}
