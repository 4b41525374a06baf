package dev.trestle.benchmarks;

import dev.trestle.api.Promise;
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

/**
 * Is a promise as cheap as a {@link CompletableFuture}? Made, completed and read; the same with a callback; in time, and
 * with {@code -prof gc} in bytes.
 *
 * <pre>mvn -q -Pbenchmarks -pl benchmarks -am test-compile exec:exec -Dbench=FutureBenchmark -Dargs="-prof gc"</pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class FutureBenchmark {

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
}
