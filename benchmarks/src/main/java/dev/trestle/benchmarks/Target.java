package dev.trestle.benchmarks;

import java.util.List;

/**
 * A target, as a ratio to a figure of the same run.
 *
 * @param what the name of the target, for the reader
 * @param ours the subject whose figure is compared
 * @param name the name of the measurement of that figure
 * @param theirs the subject that it is compared with
 * @param theirName the name of the measurement of that subject
 * @param timesBetter the least ratio by which ours is better; below 1, the most by which it may be worse
 */
record Target(String what, Subject ours, String name, Subject theirs, String theirName, double timesBetter) {

    static final List<Target> ALL = List.of(
            faster("switch between two coroutines", Subject.TRESTLE, "switch among 2", Subject.CPYTHON, 4),
            within(
                    "the same, java.lang opened",
                    Subject.OPENED,
                    "switch among 2",
                    Subject.JDK,
                    "raw yield on own scheduler",
                    1.3),
            faster("create a task and await it", Subject.TRESTLE, "create and await", Subject.CPYTHON, 6),
            faster("the same, java.lang opened", Subject.OPENED, "create and await", Subject.KOTLIN, 2),
            faster("300 000 tasks at once", Subject.TRESTLE, "300000 at once", Subject.CPYTHON, 6),
            faster("the same, java.lang opened", Subject.OPENED, "300000 at once", Subject.KOTLIN, 1.25),
            faster("await a call on a one-thread pool", Subject.TRESTLE, "await a thread's call", Subject.CPYTHON, 4),
            faster("the same", Subject.TRESTLE, "await a thread's call", Subject.KOTLIN, 4),
            faster("the same", Subject.TRESTLE, "await a thread's call", Subject.JDK, 4),
            faster("await a blocking call", Subject.TRESTLE, "await a blocking call", Subject.CPYTHON, 50),
            faster("the same", Subject.TRESTLE, "await a blocking call", Subject.KOTLIN, 50),
            within(
                    "process pool, there and back, awaited by a coroutine",
                    Subject.TRESTLE,
                    "round trip, awaited",
                    Subject.BARE,
                    "round trip, blocked",
                    1.2),
            within(
                    "the same, by a blocked platform thread",
                    Subject.TRESTLE,
                    "round trip, blocked",
                    Subject.BARE,
                    "round trip, blocked",
                    1.35),
            faster("small calls pipelined, 2 workers", Subject.TRESTLE, "pipelined, 2 workers", Subject.CPYTHON, 10),
            faster("map of a trivial function over 10^6", Subject.TRESTLE, "map of 1000000", Subject.CPYTHON, 2),
            within(
                    "64 MB there and back",
                    Subject.TRESTLE,
                    "64 MB there and back",
                    Subject.BARE,
                    "64 MB there and back",
                    2),
            within(
                    "worker start to first result",
                    Subject.TRESTLE,
                    "start to first result",
                    Subject.BARE,
                    "start to first result",
                    1.5),
            within(
                    "complete and read a future, time",
                    Subject.TRESTLE,
                    "complete and read a future, time",
                    Subject.JDK,
                    "complete and read a future, time",
                    1.2),
            within(
                    "complete and read a future, bytes",
                    Subject.TRESTLE,
                    "complete and read a future, bytes",
                    Subject.JDK,
                    "complete and read a future, bytes",
                    1.2));

    /**
     * The limit of the cost of each of a million suspended coroutines: no ratio, since they compete for the machine's
     * memory.
     */
    static final List<Result> LIMITS = List.of(
            new Result(Subject.TRESTLE, "suspended, bytes", 1024, Result.Unit.BYTES),
            new Result(Subject.TRESTLE, "suspended, time", 3000, Result.Unit.NANOS),
            new Result(Subject.TRESTLE, "efficiency, 2 workers", 0.95, Result.Unit.FRACTION),
            beside("thread's call, blocked, 4 burners, clock", 1.2),
            beside("thread's call, blocked, 4 burners, processor", 1.2),
            beside("thread's call, awaited, 4 burners, clock", 1.2),
            beside("thread's call, awaited, 4 burners, processor", 1.2),
            beside("virtual thread's call, blocked, processor", 1.3),
            beside("virtual thread's call, awaited, processor", 1.3));

    /** The limit of what a program has measured by turns, ours and theirs. */
    private static Result beside(String name, double times) {
        return new Result(Subject.TRESTLE, name + Turns.TIMES_THEIRS, times, Result.Unit.TIMES);
    }

    private static Target faster(String what, Subject ours, String name, Subject theirs, double times) {
        return new Target(what, ours, name, theirs, name, times);
    }

    private static Target within(
            String what, Subject ours, String name, Subject theirs, String theirName, double times) {
        return new Target(what, ours, name, theirs, theirName, 1 / times);
    }

    boolean isMetBy(double ratio) {
        return ratio >= timesBetter;
    }

    String wanted() {
        return timesBetter > 1
                ? Result.rounded(timesBetter) + "x better"
                : "within " + Result.rounded(1 / timesBetter) + "x";
    }

    static String ratio(double timesBetter) {
        return timesBetter >= 1
                ? Result.rounded(timesBetter) + "x better"
                : Result.rounded(1 / timesBetter) + "x worse";
    }
}
