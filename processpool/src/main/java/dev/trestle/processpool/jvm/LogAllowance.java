package dev.trestle.processpool.jvm;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A limit of what one worker may write to the log in a second, over both of its outputs. Lines beyond it are dropped
 * and counted. Thread-safe.
 */
final class LogAllowance {

    /** The lines that are logged of one worker in a second, at most. */
    static final int LINES = 10_000;

    /** The bytes that are logged of one worker in a second, at most. */
    static final int BYTES = 1 << 20;

    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final LongSupplier clock;

    @GuardedBy("this")
    private long since;

    @GuardedBy("this")
    private int lines;

    @GuardedBy("this")
    private long bytes;

    @GuardedBy("this")
    private long droppedLines;

    @GuardedBy("this")
    private long droppedBytes;

    /**
     * @param clock as {@link System#nanoTime}
     */
    LogAllowance(LongSupplier clock) {
        this.clock = clock;
        this.since = clock.getAsLong();
    }

    /** Returns whether a line may be logged now; if not, it counts as dropped. */
    synchronized boolean take(int size) {
        beginSecond();
        if (lines == LINES || bytes + size > BYTES) {
            droppedLines++;
            droppedBytes += size;
            return false;
        }
        lines++;
        bytes += size;
        return true;
    }

    /** Returns a line about what was dropped, once the second of it is over; null if there is nothing to tell. */
    synchronized @Nullable String noteInNextSecond() {
        return beginSecond() ? note() : null;
    }

    /** Returns a line about what was dropped; null if nothing was since the last such line. */
    synchronized @Nullable String note() {
        if (droppedLines == 0) {
            return null;
        }
        String note = "(" + droppedLines + " lines of this worker, " + droppedBytes
                + " bytes, were not logged: the limit is " + LINES + " lines and " + BYTES + " bytes in a second)";
        droppedLines = 0;
        droppedBytes = 0;
        return note;
    }

    /** Returns whether this is another second than that of the last line. */
    @GuardedBy("this")
    private boolean beginSecond() {
        long now = clock.getAsLong();
        if (now - since < SECOND) {
            return false;
        }
        since = now;
        lines = 0;
        bytes = 0;
        return true;
    }

    @Override
    public synchronized String toString() {
        return "LogAllowance[lines=" + lines + ", bytes=" + bytes + ", droppedLines=" + droppedLines + "]";
    }
}
