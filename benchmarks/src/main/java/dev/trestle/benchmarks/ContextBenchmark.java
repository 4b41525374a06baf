package dev.trestle.benchmarks;

import dev.trestle.loop.EventLoop;
import java.lang.reflect.Field;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.slf4j.MDC;
import org.slf4j.helpers.BasicMDCAdapter;

/**
 * Measures a callback of an event loop that is scheduled and run, with what its scheduler carries: in a logging system
 * without an MDC, with an empty MDC, and with an MDC of two entries.
 *
 * <pre>
 * mvn -q -Pbenchmarks -pl benchmarks -am test-compile exec:exec@jmh -Dbench=ContextBenchmark -Dargs="-prof gc"
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class ContextBenchmark {

    private static final int CALLBACKS = 1000;

    /** The state of the MDC of the thread that schedules. */
    @Param({"none", "empty", "two entries"})
    public String mdc = "none";

    private final EventLoop loop = new EventLoop();
    private int seen;

    @Setup
    public void carry() throws ReflectiveOperationException {
        if (!mdc.equals("none")) { // slf4j-simple has none
            Field adapter = MDC.class.getDeclaredField("MDC_ADAPTER");
            adapter.setAccessible(true);
            adapter.set(null, new BasicMDCAdapter());
        }
        if (mdc.equals("two entries")) {
            MDC.put("request", "7");
            MDC.put("user", "alice");
        }
    }

    @TearDown
    public void close() {
        loop.close();
    }

    @Benchmark
    @OperationsPerInvocation(CALLBACKS)
    public int callback() {
        for (int i = 0; i < CALLBACKS; i++) {
            var _ = loop.callSoon(() -> seen++);
        }
        loop.runOnce();
        return seen;
    }
}
