package dev.trestle.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.processpool.CallOptions;
import dev.trestle.processpool.WorkerDiedException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/**
 * Calls that are submitted one after the other until that ends, and the check of what became of them. Each call appends
 * its number to one file when it runs; those with odd numbers have retries.
 */
final class Load {

    /** The files that a worker appends to. */
    private static final Map<String, OutputStream> files = new ConcurrentHashMap<>();

    private static final int MANY_RETRIES = 10_000;
    private static final Duration LONGEST = Duration.ofMinutes(4);

    private final ClusterPool pool;
    private final Path file;
    private final int most;
    private final byte[] payload;
    private final long workNanos;
    private final List<ConcurrentFuture<Integer>> futures = new ArrayList<>();
    private final Thread submitter;
    private volatile boolean over;
    private volatile int submitted;

    /** The counts of a load that has ended: the calls, those that were lost, and the runs. */
    record Outcome(int calls, int lost, int runs) {}

    /**
     * Begins to submit.
     *
     * @param pool should have a queue limit
     * @param file a file that does not exist
     * @param most the number of calls after which it ends by itself
     * @param bytes the size of what each call brings along
     * @param workNanos the duration of a call
     */
    Load(ClusterPool pool, Path file, int most, int bytes, long workNanos) throws IOException {
        this.pool = pool;
        this.file = Files.createFile(file);
        this.most = most;
        this.payload = new byte[bytes];
        this.workNanos = workNanos;
        this.submitter = Thread.ofPlatform().name("load").daemon().start(this::submit);
    }

    private void submit() {
        String name = file.toString();
        byte[] bytes = payload;
        long nanos = workNanos;
        for (int i = 0; i < most && !over; i++) {
            int number = i;
            CallOptions options = isIdempotent(i) ? CallOptions.DEFAULT.withRetries(MANY_RETRIES) : CallOptions.DEFAULT;
            futures.add(pool.submit(() -> run(name, number, bytes, nanos), options));
            submitted = i + 1;
        }
    }

    private static boolean isIdempotent(int number) {
        return number % 2 == 1;
    }

    private static int run(String file, int number, byte[] payload, long nanos) throws IOException {
        append(file, number);
        LockSupport.parkNanos(nanos);
        return number + payload.length;
    }

    /** Appends a number to a file, by one write, which is atomic; in a worker, and in some microseconds. */
    static void append(String file, int number) throws IOException {
        OutputStream open = files.get(file);
        if (open == null) {
            open = files.computeIfAbsent(file, Load::open);
        }
        open.write((number + "\n").getBytes(StandardCharsets.UTF_8));
    }

    private static OutputStream open(String file) {
        try {
            return Files.newOutputStream(Path.of(file), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    int submitted() {
        return submitted;
    }

    boolean isSubmitting() {
        return submitter.isAlive();
    }

    /** Returns the number of runs that have begun so far. */
    int runs() throws IOException {
        try (var lines = Files.lines(file)) {
            return (int) lines.count();
        }
    }

    /** Submits no more, waits for all calls, and checks the law of failures. */
    Outcome end() throws Exception {
        over = true;
        submitter.join();
        long limit = System.nanoTime() + LONGEST.toNanos();
        int lost = 0;
        var ended = new boolean[futures.size()];
        for (int i = 0; i < futures.size(); i++) {
            ConcurrentFuture<Integer> future = futures.get(i);
            awaitEnd(i, future, limit);
            Optional<Throwable> exception = future.exception();
            if (exception.isPresent()) {
                lost++;
                assertThat(exception.get()).as("call %s", i).isInstanceOf(WorkerDiedException.class);
                assertThat(isIdempotent(i)).as("the call %s has retries", i).isFalse();
            } else {
                ended[i] = true;
                assertThat(future.result()).isEqualTo(i + payload.length);
            }
        }
        var runs = new int[futures.size()];
        int all = 0;
        for (String each : Files.readAllLines(file)) {
            runs[Integer.parseInt(each)]++;
            all++;
        }
        for (int i = 0; i < runs.length; i++) {
            if (!isIdempotent(i)) {
                assertThat(runs[i]).as("runs of the call %s", i).isLessThanOrEqualTo(1);
            }
            if (ended[i]) {
                assertThat(runs[i])
                        .as("runs of the call %s, which has a result", i)
                        .isGreaterThanOrEqualTo(1);
            }
        }
        return new Outcome(futures.size(), lost, all);
    }

    private void awaitEnd(int number, ConcurrentFuture<Integer> future, long limit) {
        while (!future.isDone()) {
            if (System.nanoTime() - limit > 0) {
                throw new AssertionError("The call " + number + " has not ended within " + LONGEST + ": " + pool);
            }
            LockSupport.parkNanos(1_000_000);
        }
    }

    @Override
    public String toString() {
        return "Load[submitted=" + submitted + " of " + most + ", to " + pool + "]";
    }
}
