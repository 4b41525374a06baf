package dev.trestle.processpool.child;

import dev.trestle.processpool.jvm.Orphans;
import dev.trestle.processpool.jvm.StaleDirectories;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The worker's stdin. It brings one line, the secret, and then nothing for as long as the program lives; its end means
 * that the program is gone.
 */
final class Lifeline {

    /** The exit code of a worker whose program is gone. The program cannot see it any more. */
    static final int ORPHANED = 86;

    /**
     * The time limit for ending the processes that calls have started: a worker outlives its program by less than a
     * second.
     */
    private static final Duration LONGEST_END = Duration.ofMillis(500);

    /** The time limit for the deletion of what the program has shared, within that for the processes. */
    private static final Duration LONGEST_DELETION = Duration.ofMillis(300);

    /** The directory in memory that has the shared arrays of the program, if it has any; null until that is known. */
    private static volatile @Nullable Path sharedInMemory;

    private final InputStream stdin;

    private Lifeline(InputStream stdin) {
        this.stdin = stdin;
    }

    /** Takes stdin; calls find it empty. */
    static Lifeline take() {
        var lifeline = new Lifeline(System.in);
        System.setIn(InputStream.nullInputStream());
        return lifeline;
    }

    /** Reads the secret. */
    byte[] secret() throws IOException {
        var line = new StringBuilder();
        for (int octet = stdin.read(); octet != '\n'; octet = stdin.read()) {
            if (octet < 0) {
                throw new EOFException("This is a worker of a Trestle process pool: only a pool can start it");
            }
            line.append((char) octet);
        }
        return HexFormat.of().parseHex(line);
    }

    /**
     * Halts this JVM as soon as the program is gone, whatever a call is doing, with what calls have started. A platform
     * thread, since an endless loop in a call must not keep it from running; halt, since shutdown hooks could hang.
     *
     * <p>A worker that has said goodbye loses its stdin too, and ends in order: a JVM waits 300 ms at its exit for
     * threads that sit in a system call, as this one does.
     *
     * @param ending whether this worker was told to end
     * @param memory the directory in memory that has the shared arrays of the program, if it has any
     */
    void watch(BooleanSupplier ending, @Nullable Path memory) {
        sharedInMemory = memory;
        Thread.ofPlatform().name("trestle-lifeline").daemon().start(() -> {
            watchParent();
            try {
                while (stdin.read() >= 0) {
                    // nothing is ever sent
                }
            } catch (IOException e) {
                // as good as the end: it is a pipe, and its other side belongs to the program
            }
            if (!ending.getAsBoolean()) {
                end(ORPHANED);
            }
        });
    }

    /**
     * Ends this JVM at once, and before that the processes that calls have started, and the memory that a dead program
     * has shared: no other code does that when the program is gone. A directory that is not found in time is left to
     * the next program that sweeps up.
     */
    static void end(int code) {
        try {
            Thread.ofPlatform()
                    .name("trestle-end")
                    .daemon()
                    .start(() -> {
                        Orphans.killOwn();
                        Path shared = sharedInMemory;
                        if (shared != null) {
                            StaleDirectories.removeWhenStale(shared, LONGEST_DELETION);
                        }
                    })
                    .join(LONGEST_END);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // by a call: then there is no time for it
        } finally {
            Runtime.getRuntime().halt(code);
        }
    }

    /**
     * Ends this JVM when its parent is gone, too: the pipe stays open if a process that the program forked behind
     * Java's back has inherited it. The JDK polls for processes that are not its children, so this takes seconds.
     */
    private static void watchParent() {
        ProcessHandle.current().parent().ifPresent(parent -> {
            var _ = parent.onExit().thenRun(() -> end(ORPHANED));
        });
    }
}
