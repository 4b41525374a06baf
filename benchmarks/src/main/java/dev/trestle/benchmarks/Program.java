package dev.trestle.benchmarks;

import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.DoubleBinaryOperator;

/**
 * A program of measurements, run in a JVM of its own by {@link Suite}, or by hand. It prints one line a measurement,
 * {@code name<TAB>value<TAB>unit}, as baselines.py and Coroutines.kt do. With arguments, only the measurements whose
 * names contain one of them; with {@code --names} before them, it prints the names of these and measures nothing; with
 * {@code --only}, it measures the one that has exactly the name that follows.
 *
 * <p>These are loops around a clock and not JMH, because what is measured runs inside an event loop, a coroutine or
 * another process, for a million tasks at a time; a harness that calls a method a million times cannot get between
 * them, and the loops of Kotlin and Python beside them have to have the same shape.
 *
 * <p>Each figure is the best of several repetitions, after some that warm up: what the machine can do when it is left
 * alone, which is what differs least between runs.
 */
final class Program {

    /** Measures once. */
    @FunctionalInterface
    interface Measurement {
        double measure() throws Exception;
    }

    private record Line(String unit, Measurement measurement) {}

    /** A sink for results, so that the compiler cannot leave out the code that computes them. */
    @SuppressWarnings("unused")
    private static volatile Object sink;

    private final Map<String, Line> lines = new LinkedHashMap<>();

    /** Prints a figure of which less is better: a time, a size. */
    Program least(String name, String unit, int repetitions, Measurement measurement) {
        return add(name, unit, repetitions, Math::min, measurement);
    }

    /** Prints a figure of which more is better: a rate. */
    Program most(String name, String unit, int repetitions, Measurement measurement) {
        return add(name, unit, repetitions, Math::max, measurement);
    }

    private Program add(
            String name, String unit, int repetitions, DoubleBinaryOperator better, Measurement measurement) {
        lines.put(name, new Line(unit, () -> {
            double best = measurement.measure();
            for (int i = 1; i < repetitions; i++) {
                best = better.applyAsDouble(best, measurement.measure());
            }
            return best;
        }));
        return this;
    }

    void run(String[] arguments) throws Exception {
        String first = arguments.length == 0 ? "" : arguments[0];
        for (var entry : lines.entrySet()) {
            String name = entry.getKey();
            switch (first) {
                case "--names" -> {
                    if (isWanted(name, Arrays.copyOfRange(arguments, 1, arguments.length))) {
                        System.out.println(name);
                    }
                }
                case "--only" -> {
                    if (name.equals(arguments[1])) {
                        print(name, entry.getValue());
                    }
                }
                default -> {
                    if (isWanted(name, arguments)) {
                        print(name, entry.getValue());
                    }
                }
            }
        }
    }

    private static void print(String name, Line line) throws Exception {
        System.out.printf("%s\t%.6g\t%s%n", name, line.measurement().measure(), line.unit());
    }

    static boolean isWanted(String name, String[] wanted) {
        if (wanted.length == 0) {
            return true;
        }
        for (String word : wanted) {
            if (name.contains(word)) {
                return true;
            }
        }
        return false;
    }

    /** Nanoseconds for each of a number of calls. */
    static double nanosEach(int times, Callable<?> call) throws Exception {
        long begin = System.nanoTime();
        for (int i = 0; i < times; i++) {
            sink = call.call();
        }
        return (System.nanoTime() - begin) / (double) times;
    }

    /** Bytes of the heap in use by objects that can be reached. */
    static long reachableBytes() {
        var memory = ManagementFactory.getMemoryMXBean();
        memory.gc();
        memory.gc();
        return memory.getHeapMemoryUsage().getUsed();
    }
}
