package dev.trestle.processpool.jvm;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The memory that a process and the processes below it hold, as Linux tells it. Thread-safe.
 *
 * <p>The figure counts memory that the machine cannot take back without swapping: anonymous pages, which are the heap,
 * the native memory and the stacks, pages of shared memory, and both of them in swap. Pages of files that are only
 * read, such as the JDK, jars, and the archive or the AOT cache that workers start from, do not count. Shared memory
 * that several processes have mapped counts by its share as soon as that matters.
 */
public final class ProcessMemory {

    /*
     * A look at a process is one read of /proc/<pid>/status, which needs no lock of the process and does not walk its
     * pages. The processes below it are looked up once a second: one read for each thread of each of them. Only if the
     * sum is above a limit, and part of it is shared memory, does a look read smaps_rollup, which walks the pages and
     * knows shares.
     */

    private static final Path PROC = Path.of("/proc");

    private static final long FAMILY_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Larger than any status or smaps_rollup, and than the list of children of most threads. */
    private static final int BUFFER = 8 << 10;

    private static final byte[] ANONYMOUS = key("RssAnon:");
    private static final byte[] SHARED = key("RssShmem:");
    private static final byte[] SWAPPED = key("VmSwap:");
    private static final byte[] SHARE = key("Pss_Shmem:");

    private final Path proc;
    private final LongSupplier nanoTime;
    private final byte[] buffer = new byte[BUFFER];

    // Guarded by this
    private long[] family;
    private int familySize;
    private boolean familyKnown;
    private long familySince;
    private long shared;
    private long filesRead;

    public ProcessMemory(long pid, LongSupplier nanoTime) {
        this(PROC, pid, nanoTime);
    }

    ProcessMemory(Path proc, long pid, LongSupplier nanoTime) {
        this.proc = proc;
        this.nanoTime = nanoTime;
        this.family = new long[] {pid};
        this.familySize = 1;
    }

    private static byte[] key(String text) {
        return ("\n" + text).getBytes(StandardCharsets.US_ASCII);
    }

    /** Returns why the memory of processes cannot be known here, the rest of a sentence; empty if it can. */
    public static Optional<String> unknownBecause() {
        return unknownBecause(PROC, System.getProperty("os.name", "unknown"));
    }

    static Optional<String> unknownBecause(Path proc, String system) {
        Path own = proc.resolve("self/status");
        try {
            String status = Files.readString(own, StandardCharsets.ISO_8859_1);
            return status.contains("\nRssAnon:")
                    ? Optional.empty()
                    : Optional.of("the kernel does not say in " + own + " how much memory is anonymous (RssAnon)");
        } catch (IOException e) {
            return Optional.of(
                    system.toLowerCase(Locale.ROOT).startsWith("linux")
                            ? own + " cannot be read: " + e
                            : "it is read from /proc, which only Linux has, and this is " + system);
        }
    }

    /**
     * Returns the number of bytes that the process and those below it hold now; 0 if it has ended.
     *
     * @param limit above this the share of shared memory is looked up
     */
    public synchronized long bytes(long limit) {
        lookForFamily();
        shared = 0;
        long sum = 0;
        for (int i = 0; i < familySize; i++) {
            sum += bytesOf(family[i]);
        }
        return sum > limit && shared > 0 ? Math.min(sum, sum - shared + shareOfShared()) : sum;
    }

    /** Returns the number of files that have been read so far. */
    public synchronized long filesRead() {
        return filesRead;
    }

    private long bytesOf(long process) {
        int length = read(new File(proc + "/" + process + "/status"));
        long ofShared = kibibytes(length, SHARED);
        shared += ofShared;
        return kibibytes(length, ANONYMOUS) + ofShared + kibibytes(length, SWAPPED);
    }

    private long shareOfShared() {
        long sum = 0;
        for (int i = 0; i < familySize; i++) {
            int length = read(new File(proc + "/" + family[i] + "/smaps_rollup"));
            if (length <= 0) {
                return shared; // not for us to read: all of it counts
            }
            sum += kibibytes(length, SHARE);
        }
        return sum;
    }

    /** Reads the beginning of a file into the buffer; returns how many bytes there are, 0 if it cannot be read. */
    private int read(File file) {
        filesRead++;
        try (var in = new FileInputStream(file)) {
            return Math.max(0, in.readNBytes(buffer, 0, BUFFER));
        } catch (IOException e) {
            return 0; // that process has ended
        }
    }

    /** Returns the number behind a key at the beginning of a line, in bytes; 0 if there is no such line. */
    private long kibibytes(int length, byte[] key) {
        for (int i = 0; i + key.length < length; i++) {
            if (buffer[i] == '\n' && Arrays.equals(buffer, i, i + key.length, key, 0, key.length)) {
                return numberFrom(i + key.length, length) << 10;
            }
        }
        return 0;
    }

    private long numberFrom(int start, int length) {
        int at = start;
        while (at < length && (buffer[at] == ' ' || buffer[at] == '\t')) {
            at++;
        }
        long number = 0;
        while (at < length && buffer[at] >= '0' && buffer[at] <= '9') {
            number = number * 10 + buffer[at] - '0';
            at++;
        }
        return number;
    }

    // The processes below it

    private void lookForFamily() {
        long now = nanoTime.getAsLong();
        if (familyKnown && now - familySince < FAMILY_NANOS) {
            return;
        }
        familyKnown = true;
        familySince = now;
        familySize = 1;
        for (int i = 0; i < familySize; i++) {
            addChildrenOf(family[i]);
        }
    }

    private void addChildrenOf(long parent) {
        String tasks = proc + "/" + parent + "/task";
        String[] threads = new File(tasks).list();
        if (threads == null) {
            return; // it has ended
        }
        for (String thread : threads) {
            int length = read(new File(tasks + "/" + thread + "/children"));
            for (int at = 0; at < length; at++) {
                long child = numberFrom(at, length);
                if (child > 0) {
                    add(child);
                }
                while (at < length && buffer[at] != ' ') {
                    at++;
                }
            }
        }
    }

    private void add(long child) {
        if (familySize == family.length) {
            family = Arrays.copyOf(family, 2 * familySize);
        }
        family[familySize] = child;
        familySize++;
    }

    /** Stands in the reason for which a worker is killed that has more than it may, and in no other. */
    public static final String OVER_LIMIT = " (memoryLimit: ";

    /** Returns why a worker that has more than it may is killed. */
    public static String excess(long used, long limit) {
        return "it used " + mebibytes(used) + " of at most " + mebibytes(limit)
                + OVER_LIMIT + "heap, native memory and the processes that it has started). Give it more, or each"
                + " call less to do";
    }

    /** Returns an amount of memory as messages have it. */
    public static String mebibytes(long bytes) {
        long halves = bytes >> 19; // without an overflow
        return (halves + 1) / 2 + " MiB";
    }
}
