package dev.trestle.benchmarks;

import static dev.trestle.loop.Async.await;

import com.sun.management.ThreadMXBean;
import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.FutureExecutor;
import dev.trestle.bridge.Bridge;
import dev.trestle.loop.EventLoop;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.processpool.Sandbox;
import dev.trestle.threadpool.ThreadPool;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The cost of a call on a process pool, and the run time from which on the cost is worth it. */
final class ProcessProgram {

    private static final int MEGABYTE = 1 << 20;

    /** The number of pools, or processes, of which the best counts: they differ in the cores of their threads. */
    static final int POOLS = 3;

    private ProcessProgram() {}

    public static void main(String[] wanted) throws Exception {
        var program = new Program()
                .least("start to first result", "ms", 1, () -> withCache(pools -> best(8, () -> firstResult(pools))))
                .least("start to first result, processor time", "ms", 1, () -> withCache(ProcessProgram::processorTime))
                .least(
                        "calls 1001 to 2000 of a worker",
                        "us",
                        1,
                        () -> withCache(pools -> best(5, () -> secondThousand(pools) / 1e3)))
                .least(
                        "start to first result, no cache",
                        "ms",
                        5,
                        () -> firstResult(ProcessPool.builder().workers(1).aotCache(false)))
                .least("round trip, blocked", "us", POOLS, () -> bestRoundTrip(10_000, 8) / 1e3)
                .least("round trip, awaited", "us", POOLS, () -> bestAwaitedRoundTrip(10_000, 8) / 1e3);
        for (int workers : new int[] {1, 2, 4, 8}) {
            String name = "pipelined, " + workers + (workers == 1 ? " worker" : " workers");
            program.most(name, "calls/s", 1, () -> 1e9 / bestQueue(workers, 50_000, 3));
        }
        program.least("pipelined, 2 workers, garbage of the program", "B", 1, () -> garbageOfQueue(2, 50_000, 5));
        program.most("map of 1000000", "items/s", 1, () -> mapped(1_000_000, 5))
                .most("64 MB there and back", "GB/s", 1, () -> 2 * 64 * MEGABYTE / bestEcho(64 * MEGABYTE, 3, 4))
                .least("payload of 1 bytes", "ns", 1, () -> bestEcho(1, 5_000, 5))
                .least("payload of 1024 bytes", "ns", 1, () -> bestEcho(1 << 10, 5_000, 5))
                .least("payload of 65536 bytes", "ns", 1, () -> bestEcho(64 << 10, 1_000, 5))
                .least("payload of 1048576 bytes", "ns", 1, () -> bestEcho(MEGABYTE, 100, 5))
                .least("payload of 67108864 bytes", "ns", 1, () -> bestEcho(64 * MEGABYTE, 3, 4))
                .least("queue of 1000", "ns", 1, () -> bestQueue(2, 1_000, 20))
                .least("queue of 10000", "ns", 1, () -> bestQueue(2, 10_000, 5))
                .least("queue of 100000", "ns", 1, () -> bestQueue(2, 100_000, 2))
                .least("queue of 1000000", "ns", 1, () -> bestQueue(2, 1_000_000, 1))
                .most("efficiency, 2 workers", "of 1", POOLS, () -> speedUp(pool(2), 10_000, 50) / 2)
                .most("100 calls on 256 MB, shared, speed-up", "of 1", 1, () -> shared().speedUp())
                .most("100 calls on 256 MB, shared, processor time saved", "of 1", 1, () -> shared().saving())
                .least("256 MB shared, resident in a worker", "of 1", 1, () -> shared().resident())
                .least("warm state, 4 workers", "ms", POOLS, () -> withWarmState(4, 1))
                .least("warm state, 4 calls in one worker", "ms", POOLS, () -> withWarmState(1, 4));
        for (int micros : new int[] {10, 100, 1_000, 10_000}) {
            int calls = Math.clamp(300_000 / micros, 30, 5_000);
            program.most(
                            "speed-up by 2 processes, calls of " + micros + " us",
                            "of 1",
                            1,
                            () -> speedUp(pool(2), micros, calls))
                    .most(
                            "speed-up by 2 threads, calls of " + micros + " us",
                            "of 1",
                            1,
                            () -> speedUp(new ThreadPool(2), micros, calls));
        }
        if (Sandbox.support().isAvailable()) {
            program.least("first result in a sandbox", "of 1", 1, ProcessProgram::firstResultInASandbox)
                    .least("round trip in a sandbox", "of 1", 1, ProcessProgram::roundTripInASandbox);
        }
        program.run(wanted);
    }

    /** A measurement of workers. */
    private interface OfWorkers {
        double measure(ProcessPool.Builder pools) throws Exception;
    }

    /** Measures workers that start from an AOT cache, which is made before, in a directory of its own. */
    private static double withCache(OfWorkers measurement) throws Exception {
        Path directory = Files.createTempDirectory("trestle-aot-");
        ProcessPool.Builder cached = ProcessPool.builder().workers(1).aotCacheDirectory(directory);
        try (var pool = cached.build()) {
            if (!pool.makeAotCache()) {
                throw new IllegalStateException("There is no AOT cache; is the class path of jars only?");
            }
        }
        double measured = measurement.measure(cached);
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
        return measured;
    }

    /** The mean of the milliseconds of processor time of a worker until the program has its first result. */
    private static double processorTime(ProcessPool.Builder options) {
        int starts = 10;
        double millis = 0;
        for (int i = 0; i < starts; i++) {
            try (var pool = options.build()) {
                long worker = pool.submit(() -> ProcessHandle.current().pid()).result();
                millis += BareProgram.processorMillis(worker);
            }
        }
        return millis / starts;
    }

    private static double secondThousand(ProcessPool.Builder options) throws Exception {
        try (var pool = options.build()) {
            Program.nanosEach(1_000, () -> pool.submit(() -> 1).result());
            return Program.nanosEach(1_000, () -> pool.submit(() -> 1).result());
        }
    }

    // A sandbox, where there can be one: by turns with workers without one, of which each figure is a multiple

    private static double firstResultInASandbox() throws Exception {
        ProcessPool.Builder open =
                ProcessPool.builder().workers(1).aotCache(false).heap(512 * MEGABYTE);
        ProcessPool.Builder jailed =
                ProcessPool.builder().workers(1).aotCache(false).sandbox(Sandbox.strict());
        double without = Double.MAX_VALUE;
        double within = Double.MAX_VALUE;
        for (int i = 0; i < 10; i++) {
            without = Math.min(without, firstResult(open));
            within = Math.min(within, firstResult(jailed));
        }
        return within / without;
    }

    private static double roundTripInASandbox() throws Exception {
        double without = Double.MAX_VALUE;
        double within = Double.MAX_VALUE;
        for (int i = 0; i < POOLS; i++) {
            try (var open = pool(1);
                    var jailed = ProcessPool.builder()
                            .workers(1)
                            .aotCache(false)
                            .sandbox(Sandbox.strict())
                            .build()) {
                for (int j = 0; j < 8; j++) {
                    without = Math.min(
                            without,
                            Program.nanosEach(10_000, () -> open.submit(() -> 1).result()));
                    within = Math.min(
                            within,
                            Program.nanosEach(
                                    10_000, () -> jailed.submit(() -> 1).result()));
                }
            }
        }
        return within / without;
    }

    /** None of the other pools makes a cache, which would keep a processor busy meanwhile. */
    private static ProcessPool pool(int workers) {
        return ProcessPool.builder().workers(workers).aotCache(false).build();
    }

    /** Milliseconds from nothing to a result; that the pool must be closed too is not part of it. */
    private static double firstResult(ProcessPool.Builder options) {
        long begin = System.nanoTime();
        try (var pool = options.build()) {
            pool.submit(() -> 1).result();
            return (System.nanoTime() - begin) / 1e6;
        }
    }

    /**
     * Milliseconds from nothing to the results of calls that need a large table, which a worker computes when its first
     * call asks for it.
     */
    private static double withWarmState(int workers, int callsPerWorker) {
        long begin = System.nanoTime();
        try (var pool = ProcessPool.builder()
                .workers(workers)
                .callsPerWorker(callsPerWorker)
                .heap(512 << 20)
                .aotCache(false)
                .build()) {
            List<ConcurrentFuture<Long>> futures = IntStream.range(0, 64)
                    .mapToObj(i -> pool.submit(() -> WarmState.walk(i, 20_000)))
                    .toList();
            for (ConcurrentFuture<Long> each : futures) {
                each.result();
            }
            return (System.nanoTime() - begin) / 1e6;
        }
    }

    /** A table that takes long to load and is read by many calls: 128 MB, in which each element names the next one. */
    private static final class WarmState {
        private static final int[] next = load();

        private static int[] load() {
            var table = new int[32 << 20];
            long random = 20261128;
            for (int i = 0; i < table.length; i++) {
                random = random * 6364136223846793005L + 1442695040888963407L;
                table[i] = (int) (random >>> 33) % table.length;
            }
            return table;
        }

        static long walk(int from, int steps) {
            int at = from;
            long sum = 0;
            for (int i = 0; i < steps; i++) {
                at = next[(at + i) & next.length - 1];
                sum += at;
            }
            return sum;
        }
    }

    private static double bestRoundTrip(int times, int repetitions) throws Exception {
        try (var pool = pool(1)) {
            return best(
                    repetitions,
                    () -> Program.nanosEach(times, () -> pool.submit(() -> 1).result()));
        }
    }

    private static double bestAwaitedRoundTrip(int times, int repetitions) throws Exception {
        try (var pool = pool(1)) {
            return EventLoop.run(() -> best(
                    repetitions, () -> Program.nanosEach(times, () -> await(Bridge.runInExecutor(pool, () -> 1)))));
        }
    }

    /** Nanoseconds for each of so many calls, submitted one after the other without waiting. */
    private static double bestQueue(int workers, int calls, int repetitions) throws Exception {
        try (var pool = pool(workers)) {
            warmUp(pool, workers);
            return best(repetitions, () -> nanosOfQueue(pool, calls) / calls);
        }
    }

    private static double nanosOfQueue(FutureExecutor pool, int calls) {
        List<ConcurrentFuture<Integer>> futures = new ArrayList<>(calls);
        long begin = System.nanoTime();
        for (int i = 0; i < calls; i++) {
            int number = i;
            futures.add(pool.submit(() -> number + 1));
        }
        for (ConcurrentFuture<Integer> future : futures) {
            future.result();
        }
        return System.nanoTime() - begin;
    }

    /** The bytes of the heap that this program takes for each of so many calls; the fewest of some repetitions. */
    private static double garbageOfQueue(int workers, int calls, int repetitions) throws Exception {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (var pool = pool(workers)) {
            return best(repetitions, () -> {
                long before = threads.getTotalThreadAllocatedBytes();
                nanosOfQueue(pool, calls);
                return (threads.getTotalThreadAllocatedBytes() - before) / (double) calls;
            });
        }
    }

    private static double mapped(int items, int repetitions) throws Exception {
        List<Integer> inputs = IntStream.range(0, items).boxed().toList();
        try (var pool = pool(2)) {
            warmUp(pool, 2);
            double nanos = best(repetitions, () -> {
                long begin = System.nanoTime();
                try (Stream<Integer> outputs = pool.map(number -> number + 1, inputs)) {
                    long sum = outputs.mapToLong(Integer::longValue).sum();
                    if (sum != items * (items + 1L) / 2) {
                        throw new IllegalStateException("The sum of what came back is wrong: " + sum);
                    }
                }
                return System.nanoTime() - begin;
            });
            return items / nanos * 1e9;
        }
    }

    private static double bestEcho(int size, int times, int repetitions) throws Exception {
        byte[] data = new byte[size];
        try (var pool = pool(1)) {
            return best(
                    repetitions,
                    () -> Program.nanosEach(times, () -> pool.submit(() -> data).result()));
        }
    }

    private static double best(int repetitions, Program.Measurement measurement) throws Exception {
        double best = Double.MAX_VALUE;
        for (int i = 0; i < repetitions; i++) {
            best = Math.min(best, measurement.measure());
        }
        return best;
    }

    /** Starts all workers and runs calls until their code is compiled. */
    private static void warmUp(FutureExecutor pool, int workers) {
        IntStream.range(0, workers * 2_000)
                .mapToObj(number -> pool.submit(() -> number + 1))
                .toList()
                .forEach(ConcurrentFuture::result);
    }

    // A matrix that calls share, beside one that each gets as an argument

    /**
     * @param speedUp how many times faster 100 calls are
     * @param saving how many times less processor time they take, of the program and the workers
     * @param resident the memory that a worker holds after it has read all of the matrix, beyond what it held before,
     *     in multiples of the matrix
     */
    private record Sharing(double speedUp, double saving, double resident) {}

    /** The cost of calls on a matrix: of the clock, and of the processors. */
    private record Cost(double nanos, double processorNanos) {

        Cost min(Cost other) {
            return new Cost(Math.min(nanos, other.nanos), Math.min(processorNanos, other.processorNanos));
        }
    }

    private static Optional<Sharing> sharing = Optional.empty();

    private static Sharing shared() throws Exception {
        if (sharing.isEmpty()) {
            sharing = Optional.of(measureSharing(new double[256 * MEGABYTE / Double.BYTES]));
        }
        return sharing.get();
    }

    private static Sharing measureSharing(double[] matrix) throws Exception {
        for (int i = 0; i < matrix.length; i++) {
            matrix[i] = i & 255;
        }
        Cost byName = new Cost(Double.MAX_VALUE, Double.MAX_VALUE);
        Cost asArgument = byName;
        try (var pool = pool(2)) {
            warmUp(pool, 2);
            for (int i = 0; i < 3; i++) { // by turns
                byName = byName.min(cost(pool, 1, () -> {
                    try (var shared = pool.share(matrix)) {
                        List<ConcurrentFuture<Double>> sums = IntStream.range(0, 100)
                                .mapToObj(part -> pool.submit(() -> sum(shared.segment(), part)))
                                .toList();
                        return sums.stream()
                                .mapToDouble(ConcurrentFuture::result)
                                .sum();
                    }
                }));
                // Ten calls, which are a tenth of a hundred, since they take so long
                asArgument = asArgument.min(cost(pool, 10, () -> {
                    List<ConcurrentFuture<Double>> sums = IntStream.range(0, 10)
                            .mapToObj(part -> pool.submit(() -> sum(MemorySegment.ofArray(matrix), part)))
                            .toList();
                    return sums.stream().mapToDouble(ConcurrentFuture::result).sum();
                }));
            }
        }
        return new Sharing(
                asArgument.nanos / byName.nanos,
                asArgument.processorNanos / byName.processorNanos,
                (double) residentOf(matrix) / matrix.length / Double.BYTES);
    }

    /** Returns the bytes by which a worker has grown that has read all of a shared matrix. */
    private static long residentOf(double[] matrix) {
        try (var pool = pool(1);
                var shared = pool.share(matrix)) {
            warmUp(pool, 1);
            long before = pool.submit(() -> resident()).result();
            IntStream.range(0, 100)
                    .mapToObj(part -> pool.submit(() -> sum(shared.segment(), part)))
                    .toList()
                    .forEach(ConcurrentFuture::result);
            return pool.submit(() -> resident()).result() - before;
        }
    }

    private static long resident() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.filter(line -> line.startsWith("VmHWM:")) // the most it has ever held
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                    .findFirst()
                    .orElseThrow();
        }
    }

    /** Returns the sum of a hundredth of a matrix. */
    private static double sum(MemorySegment matrix, int part) {
        long count = matrix.byteSize() / Double.BYTES / 100;
        double sum = 0;
        for (long i = part * count; i < (part + 1) * count; i++) {
            sum += matrix.getAtIndex(ValueLayout.JAVA_DOUBLE, i);
        }
        return sum;
    }

    private static Cost cost(ProcessPool pool, int times, Callable<Double> calls) throws Exception {
        long processor = processorNanos(pool);
        double nanos = Program.nanosEach(1, calls);
        return new Cost(nanos * times, (processorNanos(pool) - processor) * (double) times);
    }

    /** Returns the processor time of this program and the workers of a pool. */
    private static long processorNanos(ProcessPool pool) {
        return Stream.concat(Stream.of(ProcessHandle.current().pid()), pool.workerPids().stream())
                .flatMap(pid -> ProcessHandle.of(pid).stream())
                .flatMap(process -> process.info().totalCpuDuration().stream())
                .mapToLong(Duration::toNanos)
                .sum();
    }

    // Is it worth it?

    /** Returns the speed-up of a pool over this thread alone, for calls of a run time. */
    private static double speedUp(FutureExecutor pool, int micros, int calls) throws Exception {
        int rounds = roundsIn(micros);
        try (pool) {
            warmUp(pool, pool.parallelism());
            pool.submit(() -> work(rounds)).result();
            double together = Double.MAX_VALUE;
            double alone = Double.MAX_VALUE;
            for (int i = 0; i < 5; i++) { // by turns: the machine may be busier at one time than at another
                together = Math.min(together, nanosOfAll(pool, calls, rounds));
                alone = Math.min(alone, calls * Program.nanosEach(calls, () -> work(rounds)));
            }
            return alone / together;
        }
    }

    private static double nanosOfAll(FutureExecutor pool, int calls, int rounds) {
        List<ConcurrentFuture<Long>> futures = new ArrayList<>(calls);
        long begin = System.nanoTime();
        for (int i = 0; i < calls; i++) {
            futures.add(pool.submit(() -> work(rounds)));
        }
        for (ConcurrentFuture<Long> future : futures) {
            future.result();
        }
        return System.nanoTime() - begin;
    }

    private static int roundsIn(int micros) throws Exception {
        int rounds = 100_000;
        double nanos = best(50, () -> Program.nanosEach(10, () -> work(rounds)));
        return (int) (micros * 1e3 / nanos * rounds);
    }

    /** Something to compute that no compiler can leave out or shorten: Marsaglia's xorshift. */
    static long work(int rounds) {
        long state = rounds | 1;
        for (int i = 0; i < rounds; i++) {
            state ^= state << 13;
            state ^= state >>> 7;
            state ^= state << 17;
        }
        return state;
    }
}
