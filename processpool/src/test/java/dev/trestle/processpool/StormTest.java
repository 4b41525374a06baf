package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.processpool.jvm.PrivateDirectory;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Many calls while random workers are killed, many pools that end at random moments, and many errors inside the pool.
 * Few by default; CONTRIBUTING.md has the commands for many. Mutated frames are in {@code wire.FrameFuzzTest}.
 */
@Timeout(1800)
@ExtendWith(NothingLeft.class)
class StormTest {

    private static final int CALLS = Integer.getInteger("trestle.storm.calls", 1_500);
    private static final int POOLS = Integer.getInteger("trestle.storm.pools", 6);
    private static final int ERRORS = Integer.getInteger("trestle.storm.errors", 2);
    private static final long SEED = Long.getLong("trestle.storm.seed", 20261121);
    private static final int KILL_EVERY_MILLIS = 50;

    /** The places that are struck unless others are chosen: all but those of calls. */
    private static final String ALLOCATIONS = "^(?!.*" + StruckClasses.CALL + ")";

    /** The number of calls of which one may run twice. */
    private static final int IDEMPOTENT = 10;

    @TempDir
    Path folder = Path.of("");

    /** A worker's notes of the calls that it runs, in a file that outlives it; an earlier one may have had its pid. */
    private static @Nullable FileChannel notes;

    /** Opens the notes; one of several calls that run at a time does. */
    private static synchronized FileChannel notes(String folder, long pid) throws IOException {
        FileChannel open = notes;
        if (open == null) {
            open = FileChannel.open(
                    Path.of(folder, "ran-" + pid), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            notes = open;
        }
        return open;
    }

    private static long noteAndRun(String folder, int number) throws IOException {
        long pid = ProcessHandle.current().pid();
        FileChannel open = notes(folder, pid);
        open.write(ByteBuffer.allocate(Integer.BYTES).putInt(number).flip());
        if (number % 20 == 0) {
            LockSupport.parkNanos(1_000_000);
        }
        return pid;
    }

    private int[] runs() throws IOException {
        var runs = new int[CALLS];
        try (var files = Files.newDirectoryStream(folder, "ran-*")) {
            for (Path each : files) {
                ByteBuffer numbers = ByteBuffer.wrap(Files.readAllBytes(each));
                while (numbers.hasRemaining()) {
                    runs[numbers.getInt()]++;
                }
            }
        }
        return runs;
    }

    /**
     * Kills one of those that have answered a call, save the last of them: a machine cannot start workers as fast as
     * this kills them, and then there would be none to run the calls.
     */
    private static final class Killer implements Runnable {
        final Map<Long, Boolean> seen = new ConcurrentHashMap<>();
        final AtomicInteger killed = new AtomicInteger();
        private final SplittableRandom random = new SplittableRandom(SEED);

        @Override
        public void run() {
            List<Long> alive = List.copyOf(seen.keySet());
            if (alive.size() > 1) {
                long victim = alive.get(random.nextInt(alive.size()));
                seen.remove(victim);
                if (ProcessHandle.of(victim)
                        .filter(Killer::isOfThisProgram) // a pid is used again after the death of its process
                        .filter(ProcessHandle::destroyForcibly)
                        .isPresent()) {
                    killed.incrementAndGet();
                }
            }
        }

        private static boolean isOfThisProgram(ProcessHandle process) {
            return process.parent().filter(ProcessHandle.current()::equals).isPresent();
        }
    }

    @ParameterizedTest
    @CsvSource({"4, 1", "3, 4"})
    void everyCallEndsAndNoneRunsTwiceWhileWorkersAreKilled(int workers, int places) throws Exception {
        String in = folder.toString();
        var killer = new Killer();
        var retrying = CallOptions.DEFAULT.withRetries(1000);
        int failed = 0;
        ProcessPool.Statistics counts;
        try (var pool = TestPools.builder(workers).callsPerWorker(places).build();
                var clock = Executors.newSingleThreadScheduledExecutor()) {
            var futures = new ArrayList<ConcurrentFuture<Long>>(CALLS);
            for (int i = 0; i < CALLS; i++) {
                int number = i;
                var future = pool.submit(
                        () -> noteAndRun(in, number), number % IDEMPOTENT == 0 ? retrying : CallOptions.DEFAULT);
                future.addDoneCallback(done -> {
                    if (done.state() == Future.State.SUCCESS) {
                        killer.seen.put(done.resultNow(), true);
                    }
                });
                futures.add(future);
            }
            var _ = clock.scheduleAtFixedRate(killer, 0, KILL_EVERY_MILLIS, TimeUnit.MILLISECONDS);
            for (int i = 0; i < CALLS; i++) {
                var thrown = futures.get(i).exception();
                if (thrown.isPresent()) {
                    assertThat(thrown.get()).isInstanceOf(WorkerDiedException.class);
                    assertThat(i % IDEMPOTENT)
                            .as("a call that may run twice is lost")
                            .isNotZero();
                    failed++;
                }
            }
            clock.shutdownNow();
            counts = pool.statistics();
        }
        report(CALLS + " calls, " + places + " at a time in a worker, " + killer.killed + " workers killed: " + failed
                + " calls lost, " + counts);
        assertThat(counts.lost()).as(counts.toString()).isEqualTo(failed);
        assertThat(failed).isLessThanOrEqualTo(places * killer.killed.get());
        int[] runs = runs();
        int never = 0;
        for (int i = 0; i < CALLS; i++) {
            never += runs[i] == 0 ? 1 : 0;
            if (i % IDEMPOTENT != 0) {
                assertThat(runs[i]).as("runs of call " + i).isLessThanOrEqualTo(1);
            }
        }
        assertThat(never).as("calls that never ran").isLessThanOrEqualTo(failed);
    }

    /**
     * Errors are thrown wherever the pool's code may run out of memory: see {@link StruckProgram}. They strike a
     * program of its own, since one that hangs is ended, and workers that are struck by nothing.
     */
    @Test
    void everyFutureEndsWhereverErrorsStrike() throws Exception {
        Path classes = Path.of(ProcessPool.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        Path struck = folder.resolve("struck");
        Path places = Files.write(folder.resolve("places"), StruckClasses.write(classes, struck));
        Path output = folder.resolve("output");
        List<String> command = TestJvm.command(
                struck + File.pathSeparator + TestJvm.CLASS_PATH,
                Stream.concat(
                                TestJvm.optionsOfPools().stream(),
                                Stream.of(
                                        "-Xmx128m",
                                        "-Djava.io.tmpdir=" + Files.createDirectory(folder.resolve("tmp")),
                                        "-Dorg.slf4j.simpleLogger.defaultLogLevel=off"))
                        .toList(),
                StruckProgram.class,
                TestJvm.CLASS_PATH,
                places,
                SEED,
                ERRORS,
                System.getProperty("trestle.storm.places", ALLOCATIONS));
        Process program = TestJvm.start(command, output);
        try {
            program.waitFor();
        } finally {
            program.destroyForcibly();
        }
        String said = Files.readString(output);
        report("seed " + SEED + ": " + said.lines().findFirst().orElse(""));
        assertThat(program.exitValue()).as(said).isZero();
        assertThat(said).contains(ERRORS + " errors at ");
    }

    private enum Ending {
        CLOSE,
        SHUTDOWN,
        SHUTDOWN_NOW,
        TERMINATE_WORKERS,
        KILL_WORKERS;

        void of(ProcessPool pool) {
            switch (this) {
                case CLOSE -> pool.close();
                case SHUTDOWN -> pool.shutdown();
                case SHUTDOWN_NOW -> pool.shutdownNow();
                case TERMINATE_WORKERS -> pool.terminateWorkers();
                case KILL_WORKERS -> pool.killWorkers();
            }
        }
    }

    @Test
    void everyFutureEndsWhenPoolsEndAtRandomMoments() throws Exception {
        var random = new SplittableRandom(SEED);
        var completions = new EnumMap<Ending, Integer>(Ending.class);
        var outcomes = new EnumMap<Future.State, Integer>(Future.State.class);
        for (int i = 0; i < POOLS; i++) {
            var ending = Ending.values()[random.nextInt(Ending.values().length)];
            var futures = new ArrayList<ConcurrentFuture<Integer>>();
            var pool = TestPools.of(2);
            for (int j = random.nextInt(6); j > 0; j--) {
                int number = j;
                futures.add(pool.submit(() -> number));
            }
            LockSupport.parkNanos(random.nextLong(TimeUnit.MILLISECONDS.toNanos(400)));
            ending.of(pool);
            assertThat(pool.awaitTermination(30, TimeUnit.SECONDS))
                    .as("%s after %s", pool, ending)
                    .isTrue();

            assertThat(pool.workerPids()).isEmpty();
            futures.forEach(future -> {
                assertThat(future.isDone()).as("%s after %s", future, ending).isTrue();
                outcomes.merge(future.state(), 1, Integer::sum);
            });
            if (ending == Ending.CLOSE || ending == Ending.SHUTDOWN) {
                assertThat(futures).allMatch(future -> future.state() == Future.State.SUCCESS);
            }
            completions.merge(ending, 1, Integer::sum);
        }
        report(POOLS + " pools ended: " + completions + ", calls " + outcomes);
        assertThat(PrivateDirectory.ours()).isEmpty();
    }

    @SuppressWarnings("SystemOut") // for the person that runs a storm
    private static void report(String counts) {
        System.out.println("Storm of " + counts);
    }
}
