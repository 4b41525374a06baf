package dev.trestle.examples.documents;

import dev.trestle.api.Call;
import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.FutureExecutor;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.threadpool.ThreadPool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Queue;
import java.util.Random;

/**
 * The cost of reading documents in child JVMs: the throughput of two workers beside that of two threads of this JVM,
 * by turns; with the content in the call, as the server does it, and with the content in a file. CONTRIBUTING has the
 * command.
 */
final class DocumentsBenchmark {

    private static final int WORKERS = 2;
    private static final int IN_FLIGHT = 6;

    private final Path directory;

    private DocumentsBenchmark(Path directory) {
        this.directory = directory;
    }

    /** Takes the number of turns. */
    public static void main(String[] args) throws IOException {
        int turns = args.length == 0 ? 15 : Integer.parseInt(args[0]);
        Path directory = Files.createTempDirectory("trestle-documents-");
        Documents.SILENCE.forEach(System::setProperty);
        var workers = ProcessPool.builder()
                .workers(WORKERS)
                .minWorkers(WORKERS)
                .heap(256L << 20)
                .aotCache(false)
                .systemProperty("java.awt.headless", "true")
                .initializer(Documents::warmUp);
        Documents.SILENCE.forEach(workers::systemProperty);
        try (var threads = new ThreadPool(WORKERS);
                var pool = workers.build()) {
            var benchmark = new DocumentsBenchmark(directory);
            benchmark.compare("50 kB", small(), 5, threads, pool, turns);
            benchmark.compare("5 MB", large(), 1, threads, pool, turns);
        } finally {
            Files.delete(directory);
        }
    }

    private static List<byte[]> small() {
        var random = new Random(1);
        return List.of(
                Good.jpeg(random, 620, 460),
                Good.pdf(random, 8, 480),
                Good.png(random, 560, 420),
                Good.pdf(random, 12, 460));
    }

    private static List<byte[]> large() {
        var random = new Random(2);
        return List.of(Good.jpeg(random, 5600, 5600), Good.pdf(random, 40, 5000));
    }

    private void compare(
            String name, List<byte[]> documents, int repetitions, FutureExecutor threads, ProcessPool pool, int turns) {
        IO.println(name + ": documents of "
                + documents.stream().map(each -> each.length / 1000 + " kB").toList());
        List<Double> inThreads = new ArrayList<>();
        List<Double> inCalls = new ArrayList<>();
        List<Double> inFiles = new ArrayList<>();
        for (int turn = -3; turn < turns; turn++) {
            double thread = perSecond(documents, repetitions, content -> threads.submit(() -> Documents.read(content)));
            double call = perSecond(documents, repetitions, content -> pool.submit(() -> Documents.read(content)));
            double file = perSecond(documents, repetitions, content -> submitFile(pool, content));
            if (turn >= 0) { // the first ones warm up
                inThreads.add(thread);
                inCalls.add(call / thread);
                inFiles.add(file / thread);
            }
        }
        IO.println(String.format(
                Locale.ROOT,
                "%s: threads %.1f documents a second; workers %.2f times that (quartiles %.2f to %.2f), by files"
                        + " %.2f (%.2f to %.2f)",
                name,
                quantile(inThreads, 0.5),
                quantile(inCalls, 0.5),
                quantile(inCalls, 0.25),
                quantile(inCalls, 0.75),
                quantile(inFiles, 0.5),
                quantile(inFiles, 0.25),
                quantile(inFiles, 0.75)));
    }

    /** Somewhere to read a document. */
    private interface Reader {
        ConcurrentFuture<Result> submit(byte[] content);
    }

    private static double perSecond(List<byte[]> documents, int repetitions, Reader reader) {
        long begin = System.nanoTime();
        Queue<ConcurrentFuture<Result>> inFlight = new ArrayDeque<>();
        for (int i = 0; i < repetitions; i++) {
            for (byte[] document : documents) {
                if (inFlight.size() == IN_FLIGHT) {
                    check(inFlight.remove().result());
                }
                inFlight.add(reader.submit(document));
            }
        }
        inFlight.forEach(future -> check(future.result()));
        return repetitions * documents.size() / ((System.nanoTime() - begin) / 1e9);
    }

    private static void check(Result result) {
        if (!(result instanceof Preview)) {
            throw new IllegalStateException(result.toString());
        }
    }

    /** A server that writes uploads to files: the worker reads the file, and the server deletes it. */
    private ConcurrentFuture<Result> submitFile(ProcessPool pool, byte[] content) {
        try {
            Path file = Files.createTempFile(directory, "upload", "");
            Files.write(file, content);
            String name = file.toString();
            Call<Result> call = () -> Documents.read(Files.readAllBytes(Path.of(name)));
            ConcurrentFuture<Result> future = pool.submit(call);
            future.addDoneCallback(_ -> delete(file));
            return future;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path file) {
        try {
            Files.delete(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static double quantile(List<Double> values, double part) {
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).toArray();
        Arrays.sort(sorted);
        return sorted[(int) Math.round(part * (sorted.length - 1))];
    }
}
