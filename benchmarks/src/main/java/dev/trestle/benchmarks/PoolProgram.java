package dev.trestle.benchmarks;

import static dev.trestle.loop.Async.await;

import dev.trestle.bridge.Bridge;
import dev.trestle.loop.EventLoop;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.threadpool.ThreadPool;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Calls on thread pools beside the JDK's pools, and on a process pool beside a bare socket, by turns in one program: by
 * the clock, by processor time, and by the number of times that a thread goes to sleep. Linux only.
 */
final class PoolProgram {

    /** The command of a process that loads the machine: it never sleeps, and no figure of ours contains it. */
    private static final List<String> BURNER = List.of("sh", "-c", "while :; do :; done");

    private static final int CALLS = 4_000;

    /** Of calls that take a microsecond. */
    private static final int CALLS_WITHOUT_THE_SYSTEM = 40_000;

    /** The bytes of a message over a bare socket. */
    private static final int MESSAGE = 64;

    /** One comparison. */
    @FunctionalInterface
    private interface Comparison {
        Turns compare() throws Exception;
    }

    private record Row(String name, Comparison comparison) {}

    private static final List<Row> ROWS = List.of(
            new Row("thread's call, blocked", PoolProgram::blocked),
            new Row("thread's call, awaited", PoolProgram::awaited),
            new Row("two threads' calls, blocked", PoolProgram::pairs),
            new Row("virtual thread's call, blocked", PoolProgram::virtualBlocked),
            new Row("virtual thread's call, awaited", PoolProgram::virtualAwaited),
            new Row("process's call, blocked", () -> process(PoolProgram::blocked)),
            new Row("process's call, awaited", () -> process(PoolProgram::awaited)));

    private PoolProgram() {}

    public static void main(String[] wanted) throws Exception {
        if (!Cost.isKnown()) {
            System.err.println("No figures of thread pools: /proc of Linux is missing.");
            return;
        }
        for (int burners : new int[] {0, 4}) {
            for (Row row : ROWS) {
                String name = row.name() + (burners == 0 ? "" : ", " + burners + " burners");
                if (Program.isWanted(name, wanted)) {
                    beside(burners, row.comparison()).print(name);
                }
            }
        }
    }

    private static Turns beside(int burners, Comparison comparison) throws Exception {
        List<Process> burning = new ArrayList<>();
        try {
            for (int i = 0; i < burners; i++) {
                burning.add(burner());
            }
            return comparison.compare();
        } finally {
            burning.forEach(Process::destroyForcibly);
        }
    }

    private static Process burner() throws IOException {
        return new ProcessBuilder(BURNER).start();
    }

    private static Turns blocked() throws Exception {
        try (var ours = new ThreadPool(1);
                var theirs = Executors.newFixedThreadPool(1)) {
            return Turns.of(CALLS, times -> blocked(ours, times), times -> blocked(theirs, times));
        }
    }

    private static void blocked(ExecutorService pool, int times) throws Exception {
        for (int i = 0; i < times; i++) {
            pool.submit(() -> 1).get();
        }
    }

    /** The JDK's side is a virtual thread that waits, since a coroutine is one. */
    private static Turns awaited() throws Exception {
        try (var ours = new ThreadPool(1);
                var theirs = Executors.newFixedThreadPool(1)) {
            return Turns.of(
                    CALLS, times -> awaited(ours, times), times -> onVirtualThread(() -> blocked(theirs, times)));
        }
    }

    /** The caller is a virtual thread on both sides. */
    private static Turns virtualBlocked() throws Exception {
        try (var ours = ThreadPool.builder().virtual().build();
                var theirs = Executors.newVirtualThreadPerTaskExecutor()) {
            return Turns.of(
                    CALLS_WITHOUT_THE_SYSTEM,
                    times -> onVirtualThread(() -> blocked(ours, times)),
                    times -> onVirtualThread(() -> blocked(theirs, times)));
        }
    }

    private static Turns virtualAwaited() throws Exception {
        try (var ours = ThreadPool.builder().virtual().build();
                var theirs = Executors.newVirtualThreadPerTaskExecutor()) {
            return Turns.of(
                    CALLS_WITHOUT_THE_SYSTEM,
                    times -> awaited(ours, times),
                    times -> onVirtualThread(() -> blocked(theirs, times)));
        }
    }

    /** Calls of one process, one at a time. */
    @FunctionalInterface
    private interface Calls {
        void run(ProcessPool pool, int times) throws Exception;
    }

    private static Turns process(Calls calls) throws Exception {
        try (var pool = ProcessPool.builder().workers(1).aotCache(false).build()) {
            long worker = pool.submit(() -> ProcessHandle.current().pid()).result();
            return BareProgram.withPeer((channel, peer) -> Turns.of(
                    CALLS,
                    times -> calls.run(pool, times),
                    times -> BareProgram.roundTrips(channel, MESSAGE, times),
                    List.of(worker, peer.pid())));
        }
    }

    private static void blocked(ProcessPool pool, int times) {
        for (int i = 0; i < times; i++) {
            pool.submit(() -> 1).result();
        }
    }

    private static void awaited(ProcessPool pool, int times) {
        EventLoop.run(() -> {
            for (int i = 0; i < times; i++) {
                await(Bridge.runInExecutor(pool, () -> 1));
            }
            return 0;
        });
    }

    private static void awaited(ThreadPool pool, int times) {
        EventLoop.run(() -> {
            for (int i = 0; i < times; i++) {
                await(Bridge.runInExecutor(pool, () -> 1));
            }
            return 0;
        });
    }

    /** Code that may throw. */
    @FunctionalInterface
    private interface Body {
        void run() throws Exception;
    }

    private static void onVirtualThread(Body body) throws InterruptedException {
        Thread.startVirtualThread(() -> {
                    try {
                        body.run();
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                })
                .join();
    }

    private static Turns pairs() throws Exception {
        try (var ours = new ThreadPool(4);
                var theirs = Executors.newFixedThreadPool(4)) {
            return Turns.of(CALLS, times -> pairs(ours, times), times -> pairs(theirs, times));
        }
    }

    private static void pairs(ExecutorService pool, int times) throws Exception {
        for (int i = 0; i < times; i++) {
            var one = pool.submit(() -> 1);
            var two = pool.submit(() -> 2);
            one.get();
            two.get();
        }
    }
}
