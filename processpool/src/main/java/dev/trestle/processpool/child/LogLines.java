package dev.trestle.processpool.child;

import static java.util.Objects.requireNonNull;

import dev.trestle.processpool.jvm.Orphans;
import dev.trestle.processpool.wire.LogRecord;
import java.io.PrintStream;
import org.jspecify.annotations.Nullable;

/**
 * The way of forwarded log records out of this worker: its standard error, as it was before a call could replace it.
 * Thread-safe; blocks while the program does not read.
 */
final class LogLines {

    private static volatile @Nullable LogLines installed;

    private final PrintStream stderr;
    private final byte[] prefix;
    private final int lowest;

    private LogLines(PrintStream stderr, byte[] prefix, int lowest) {
        this.stderr = stderr;
        this.prefix = prefix;
        this.lowest = lowest;
    }

    /** Takes standard error, if the program has asked for records. */
    static void install() {
        String lowest = System.getProperty(LogRecord.PROPERTY);
        if (lowest != null) {
            installed = new LogLines(System.err, LogRecord.prefix(Orphans.ownMark()), Integer.parseInt(lowest));
        }
    }

    /** Gives this JVM, which has the options of a worker and is none, a logging system of its own again. */
    static void leave() {
        if (System.getProperty(LogRecord.PROPERTY) != null) {
            System.clearProperty(LogRecord.PROPERTY);
            System.clearProperty(LogRecord.PROVIDER_PROPERTY);
        }
    }

    /** Returns the way out. There is one wherever the provider of the log is ours. */
    static LogLines installed() {
        return requireNonNull(installed, "only a worker whose program has asked for log records has them");
    }

    /** Returns whether records of a level are wanted. */
    boolean takes(int level) {
        return level >= lowest;
    }

    /** Writes a record, by one call, so that no line of another thread gets between its bytes. */
    void write(LogRecord line) {
        byte[] base64 = line.encode();
        byte[] bytes = new byte[prefix.length + base64.length + 1];
        System.arraycopy(prefix, 0, bytes, 0, prefix.length);
        System.arraycopy(base64, 0, bytes, prefix.length, base64.length);
        bytes[bytes.length - 1] = '\n';
        synchronized (stderr) {
            stderr.write(bytes, 0, bytes.length);
            stderr.flush();
        }
    }
}
