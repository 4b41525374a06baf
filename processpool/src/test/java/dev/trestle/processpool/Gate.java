package dev.trestle.processpool;

import dev.trestle.api.ConcurrentFuture;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;

/** A file by which tests and the calls that they sent to other processes wait for each other. */
public final class Gate {

    /** The time for another process to come to a mark, on a busy machine. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private Gate() {}

    /** Returns the id of the worker's process; runs in a call. */
    static long pid() {
        return ProcessHandle.current().pid();
    }

    /** Marks that the call has come here; runs in a call. */
    static String mark(String folder, String name) throws IOException {
        Files.writeString(Path.of(folder, name), Long.toString(pid()));
        return name;
    }

    /**
     * Marks that the call has come here, and goes on when the test opens the gate, whatever interrupts it; runs in a
     * call.
     */
    static String pass(String folder, String name) throws IOException {
        mark(folder, name);
        while (!Files.exists(Path.of(folder, name + ".open"))) {
            LockSupport.parkNanos(1_000_000);
            var _ = Thread.interrupted();
        }
        return name;
    }

    /** Marks that the call has come here, and stays until it is interrupted; runs in a call. */
    static String stay(String folder, String name) throws IOException, InterruptedException {
        mark(folder, name);
        while (true) {
            LockSupport.parkNanos(1_000_000_000);
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
        }
    }

    /** Marks that the call has come here, and keeps the processor busy, whatever happens; runs in a call. */
    static int spin(String folder, String name) throws IOException {
        mark(folder, name);
        int turns = 0;
        while (turns >= 0) {
            turns = turns + 1 & 0xff;
        }
        return turns;
    }

    /** Returns the number of earlier calls of this method; runs in a call. */
    static int number(String folder) throws IOException {
        for (int number = 0; ; number++) {
            try {
                Files.createFile(Path.of(folder, "number" + number));
                return number;
            } catch (FileAlreadyExistsException e) {
                // the next one, then
            }
        }
    }

    /** Blocks until the JVM ends, whatever happens; runs in a call. */
    static void hang() {
        while (true) {
            LockSupport.park();
            var _ = Thread.interrupted();
        }
    }

    /** Submits calls that stay until the gates "gate0", "gate1" ... open; all run when this returns; runs in a test. */
    static List<ConcurrentFuture<String>> block(ProcessPool pool, Path folder, int calls, CallOptions options) {
        String in = folder.toString();
        var futures = new ArrayList<ConcurrentFuture<String>>();
        for (int i = 0; i < calls; i++) {
            String name = "gate" + i;
            futures.add(pool.submit(() -> pass(in, name), options));
        }
        for (int i = 0; i < calls; i++) {
            await(folder, "gate" + i);
        }
        return futures;
    }

    /** Opens a gate; runs in a test. */
    static void open(Path folder, String name) throws IOException {
        Files.writeString(folder.resolve(name + ".open"), "");
    }

    /** Waits until a call has come to a mark, and returns its process id; runs in a test. */
    static long await(Path folder, String name) {
        return Awaitility.await()
                .pollInterval(Duration.ofMillis(1))
                .atMost(PATIENCE)
                .until(() -> noted(folder.resolve(name)), pid -> pid > 0);
    }

    /** Waits for something that happens in another process, or because of it; runs in a test. */
    public static void until(Callable<Boolean> condition) {
        Awaitility.await().pollInterval(Duration.ofMillis(1)).atMost(PATIENCE).until(condition);
    }

    static boolean isMarked(Path folder, String name) {
        return Files.exists(folder.resolve(name));
    }

    private static long noted(Path mark) throws IOException {
        String text = Files.exists(mark) ? Files.readString(mark) : "";
        return text.isEmpty() ? 0 : Long.parseLong(text);
    }
}
