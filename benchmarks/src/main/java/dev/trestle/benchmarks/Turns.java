package dev.trestle.benchmarks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToLongFunction;

/**
 * The cost of one operation in two ways, measured by turns in one program. Other programs on the machine make both
 * dearer, so their ratio and the counts can be compared where times cannot.
 */
final class Turns {

    /** Does an operation that many times. */
    @FunctionalInterface
    interface Operations {
        void run(int times) throws Exception;
    }

    /** The end of the name of a figure that is a multiple of theirs. */
    static final String TIMES_THEIRS = ", times theirs";

    private static final int WARM_UP = 5;
    private static final int TURNS = 15;

    private final int times;
    private final List<Long> pids = new ArrayList<>();
    private final List<Cost> ours = new ArrayList<>();
    private final List<Cost> theirs = new ArrayList<>();

    private Turns(int times, List<Long> others) {
        this.times = times;
        pids.add(ProcessHandle.current().pid());
        pids.addAll(others);
    }

    static Turns of(int times, Operations ours, Operations theirs) throws Exception {
        return of(times, ours, theirs, List.of());
    }

    /**
     * Measures operations that other processes take part in.
     *
     * @param others the ids of those processes, whose cost counts as well; of either side, one that waits costs nothing
     */
    static Turns of(int times, Operations ours, Operations theirs, List<Long> others) throws Exception {
        var turns = new Turns(times, others);
        for (int i = -WARM_UP; i < TURNS; i++) {
            Cost our = turns.cost(ours);
            Cost their = turns.cost(theirs);
            if (i >= 0) {
                turns.ours.add(our);
                turns.theirs.add(their);
            }
        }
        return turns;
    }

    private Cost cost(Operations operations) throws Exception {
        Cost before = Cost.of(pids);
        operations.run(times);
        return Cost.of(pids).since(before);
    }

    /** Prints the medians, and by how much ours is dearer. */
    void print(String name) {
        double clock = median(ours, Cost::nanos);
        double processor = median(ours, Cost::processorNanos);
        line(name + ", clock", clock, "ns");
        line(name + ", clock" + TIMES_THEIRS, clock / median(theirs, Cost::nanos), "times");
        line(name + ", processor", processor, "ns");
        line(name + ", processor" + TIMES_THEIRS, processor / median(theirs, Cost::processorNanos), "times");
        line(name + ", switches", median(ours, Cost::voluntarySwitches), "each");
        line(name + ", switches of theirs", median(theirs, Cost::voluntarySwitches), "each");
        if (pids.size() > 1) {
            line(name + ", reads and writes", median(ours, Cost::readsAndWrites), "each");
            line(name + ", reads and writes of theirs", median(theirs, Cost::readsAndWrites), "each");
        }
    }

    private static void line(String name, double value, String unit) {
        System.out.printf("%s\t%.6g\t%s%n", name, value, unit);
    }

    private double median(List<Cost> costs, ToLongFunction<Cost> figure) {
        long[] sorted = costs.stream().mapToLong(figure).toArray();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2] / (double) times;
    }
}
