package dev.trestle.benchmarks;

import dev.trestle.api.Promise;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Compares a promise with a {@link CompletableFuture}: made, completed and read, without and with a callback; in time,
 * and with {@code -prof gc} in bytes.
 *
 * <pre>
 * mvn -q -Pbenchmarks -pl benchmarks -am test-compile exec:exec@jmh -Dbench=FutureBenchmark -Dargs="-prof gc"
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class FutureBenchmark {

    private static final List<Row> ROWS = List.of(
            new Row("promise", Subject.TRESTLE, "complete and read a future"),
            new Row("completableFuture", Subject.JDK, "complete and read a future"),
            new Row("promiseWithCallback", Subject.TRESTLE, "complete a future with a callback"),
            new Row("completableFutureWithCallback", Subject.JDK, "complete a future with a callback"));

    private final Integer value = 42;
    private int seen;

    @Benchmark
    public Object promise() {
        var promise = new Promise<Integer>();
        promise.setResult(value);
        return promise.result();
    }

    @Benchmark
    public Object completableFuture() {
        var future = new CompletableFuture<Integer>();
        future.complete(value);
        return future.join();
    }

    @Benchmark
    public Object promiseWithCallback() {
        var promise = new Promise<Integer>();
        promise.addDoneCallback(done -> seen += done.result());
        promise.setResult(value);
        return promise;
    }

    @Benchmark
    public Object completableFutureWithCallback() {
        var future = new CompletableFuture<Integer>();
        var _ = future.whenComplete((result, _) -> seen += result);
        future.complete(value);
        return future;
    }

    private record Row(String method, Subject subject, String name) {}

    /** Returns the time and bytes of the wanted benchmarks, for the suite. */
    static List<Result> run(String[] wanted) throws RunnerException {
        var options = new OptionsBuilder()
                .forks(1)
                .addProfiler(GCProfiler.class)
                .jvmArgsPrepend("--sun-misc-unsafe-memory-access=allow")
                .verbosity(VerboseMode.SILENT);
        List<Row> rows = ROWS.stream()
                .filter(row -> Program.isWanted(row.name(), wanted))
                .toList();
        if (rows.isEmpty()) {
            return List.of();
        }
        rows.forEach(row -> options.include("FutureBenchmark\\." + row.method() + "$"));
        List<Result> results = new ArrayList<>();
        for (RunResult run : new Runner(options.build()).run()) {
            String benchmark = run.getParams().getBenchmark();
            Row row = rows.stream()
                    .filter(each -> benchmark.endsWith("." + each.method()))
                    .findFirst()
                    .orElseThrow();
            double nanos = run.getPrimaryResult().getScore();
            double bytes = run.getSecondaryResults().get("gc.alloc.rate.norm").getScore();
            results.add(new Result(row.subject(), row.name() + ", time", nanos, Result.Unit.NANOS));
            results.add(new Result(row.subject(), row.name() + ", bytes", bytes, Result.Unit.BYTES));
        }
        return results;
    }
}
