package dev.trestle.processpool;

import static java.util.concurrent.TimeUnit.NANOSECONDS;

import dev.trestle.processpool.wire.WorkerJournal.Progress;
import dev.trestle.processpool.wire.WorkerJournal.Step;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The time limit of a call: of one assignment at a time. Guarded by the dispatcher's lock. */
final class Deadline {

    /*
     * A call may be sent several times: a worker gives it back, or dies before it has begun the call, or the call may
     * be run again. Each time that it becomes the first of a worker its time begins anew, and ends when that worker no
     * longer has the call. Both happen under the lock. The thread that acts when the time is up acts for an assignment,
     * and finds out under the lock whether that is still the one: so what is left of a former assignment touches
     * nothing of the next one.
     *
     * The limit is for the call's own code. The time before, while classes are loaded and arguments are read, is
     * bounded by the time that a worker has for its start, or by the limit if that is longer: otherwise each new worker
     * on a busy machine would be killed while it is cold, and the next would be as cold. The worker journal tells
     * whether the own code has begun, and when, in time since the worker's hello, which the pool has heard: so no
     * clocks are compared. When the limit seems to be up, the journal is read; a call that has time left is looked at
     * again when that is up. The journal is not believed beyond these bounds: a worker that lies gains the time of a
     * start. Likewise, what a worker takes to set up what it needs to write a result for the first time does not count:
     * the journal shifts the time at which the call began by that.
     *
     * When the worker has answered, the limit goes on until the future has ended, since what the answer is made of may
     * take long to read, or never be read. If it is not known when the call's own code began, because that was late or
     * because the call was one of several that were answered together, it has the whole limit again; and a second in
     * any case, since the program may be cold too.
     *
     * Needs memory when it is made, with its call, and not afterwards.
     */

    /** A decision about a call whose time limit seems to have passed. */
    enum Verdict {
        /** Nothing: the worker no longer has the call, or there is time left. */
        GO_ON,
        /** The call has ended, so its worker is to send the answer. */
        ASK_FOR_ANSWER,
        /**
         * The call may have been answered, so the reader of its worker, which is busy with another answer, is to be
         * relieved.
         */
        READ_ANSWER,
        /** The call is to be ended. */
        EXPIRE
    }

    /** A call that has not begun is looked at no more often than this. */
    private static final long SHORTEST_LOOK_NANOS = Duration.ofMillis(10).toNanos();

    /** The time that an answer may take to arrive and to be read. */
    private static final long TRANSIT_NANOS = Duration.ofSeconds(1).toNanos();

    private final PoolCall<?> call;
    private final Duration limit;
    private final long limitNanos;
    private final long startNanos;
    private final Timer timer;
    private final Timer.Task task;

    private @Nullable Worker worker;
    private long ticket;
    private long since;
    private boolean awaitsAnswer;
    private @Nullable Worker answeredBy;
    private long readUntil;
    private boolean waited;
    private boolean expired;

    /**
     * @param limit the time for which the call's own code may run
     */
    Deadline(Dispatcher dispatcher, PoolCall<?> call, Duration limit) {
        this.call = call;
        this.limit = limit;
        this.limitNanos = NANOSECONDS.convert(limit);
        this.startNanos = Math.max(limitNanos, NANOSECONDS.convert(dispatcher.startTimeout()));
        this.timer = dispatcher.timer();
        this.task = timer.prepare(new Look(dispatcher, this));
    }

    /** The timer's action at the end of a time limit: asks the dispatcher to decide. */
    record Look(Dispatcher dispatcher, Deadline deadline) implements Runnable {
        @Override
        public void run() {
            dispatcher.timeIsUp(deadline);
        }
    }

    /** Begins, since the call is now the first of a worker. */
    void begin(Worker current, long number) {
        worker = current;
        ticket = number;
        since = timer.nanoTime();
        awaitsAnswer = false;
        waited = false;
        expired = false;
        task.inNanos(limitNanos);
    }

    /** Ends, since the worker no longer has the call, or since its future has ended. */
    void end() {
        worker = null;
        answeredBy = null;
        task.cancel();
    }

    /** Goes on, unless the future has ended, since a worker has answered. */
    void answered(Worker by) {
        if (expired || call.promise().isDone()) {
            end();
            return;
        }
        long now = timer.nanoTime();
        long left = limitNanos - (now - since);
        boolean isScheduled = worker != null && left > 0;
        worker = null;
        answeredBy = by;
        waited = false;
        readUntil = now + Math.max(isScheduled ? left : limitNanos, TRANSIT_NANOS);
        if (!isScheduled) {
            lookAtReading(now);
        }
    }

    /** Returns whether it is for the reading of an answer, until the future has ended. */
    boolean isOfReading() {
        return answeredBy != null;
    }

    /**
     * Returns the worker whose answer is read, if the time for that is up; otherwise null. Looks again later if there
     * is time left.
     */
    @Nullable
    Worker lateReading() {
        long now = timer.nanoTime();
        if (answeredBy != null && readUntil - now > 0) {
            lookAtReading(now);
            return null;
        }
        return answeredBy;
    }

    /** Goes on for a second, once, since the answer may wait behind that of another call; returns whether it does. */
    boolean waitsOnce() {
        if (waited) {
            return false;
        }
        waited = true;
        long now = timer.nanoTime();
        readUntil = now + TRANSIT_NANOS;
        lookAtReading(now);
        return true;
    }

    private void lookAtReading(long now) {
        task.inNanos(readUntil - now);
    }

    /** Returns the assignment whose time it is; null if there is none. */
    @Nullable
    Assignment assignment() {
        return worker == null ? null : new Assignment(worker, ticket);
    }

    private boolean isOf(Assignment assignment) {
        return worker == assignment.worker() && ticket == assignment.ticket();
    }

    /**
     * Returns the action that is due; looks again later if there is none.
     *
     * @param assignment the assignment that was to be looked at
     * @param progress the worker's progress; null if it is not known
     */
    Verdict look(Assignment assignment, @Nullable Progress progress) {
        if (!isOf(assignment)) {
            return Verdict.GO_ON;
        }
        if (progress != null && progress.isPast(ticket) && !awaitsAnswer) {
            awaitsAnswer = true;
            task.inNanos(TRANSIT_NANOS);
            return Verdict.ASK_FOR_ANSWER;
        }
        long left = left(assignment.worker(), progress, timer.nanoTime() - since);
        if (awaitsAnswer || left <= 0) {
            return assignment.worker().isReading() && waitsOnce() ? Verdict.READ_ANSWER : Verdict.EXPIRE;
        }
        task.inNanos(left);
        return Verdict.GO_ON;
    }

    private long left(Worker current, @Nullable Progress progress, long elapsed) {
        if (progress == null) {
            return limitNanos - elapsed;
        }
        if (!progress.hasBegun(ticket) || progress.isSettingUp(ticket)) {
            return Math.min(startNanos - elapsed, Math.max(limitNanos, SHORTEST_LOOK_NANOS));
        }
        long begun = current.helloAt() + progress.begunNanos() - since;
        return limitNanos - (elapsed - Math.clamp(begun, 0, startNanos));
    }

    /**
     * Records that the time of an assignment is up, and returns true: the caller ends the call. False if the assignment
     * is over.
     */
    boolean expire(Assignment assignment) {
        expired |= isOf(assignment);
        return isOf(assignment);
    }

    /** Returns whether a thread is about to end the call because its time is up, or has done it. */
    boolean isExpired() {
        return expired;
    }

    // Constants, so not guarded

    PoolCall<?> call() {
        return call;
    }

    /**
     * Returns a sentence about a call that exceeded its time limit.
     *
     * @param progress the work of the worker at that time; null if that is not known
     */
    String explain(Assignment assignment, @Nullable Progress progress) {
        Step step = progress != null && progress.callId() == assignment.ticket() ? progress.step() : Step.NOTHING;
        if (progress == null || progress.hasBegun(assignment.ticket())) {
            return call.description() + " ran longer than " + limit + " in " + assignment.worker()
                    + switch (step) {
                        case SETTING_UP -> " and was setting up what it needs to write its result";
                        case ENCODING -> " and was writing its result";
                        default -> "";
                    };
        }
        return call.description() + " has a limit of " + limit + " and has not begun within "
                + Duration.ofNanos(startNanos) + ", which " + assignment.worker() + " had for that. The time ran out "
                + (step == Step.DECODING
                        ? "while it was reading the call's arguments"
                        : "and it had not read the call: it may be stopped, or the machine overloaded");
    }

    /**
     * Returns a sentence about an answer that was not read in time.
     *
     * @param stack the stack of the thread that reads the answer; empty if no thread does
     */
    String explainReading(Worker by, String stack) {
        return by.name() + " has answered " + call.description() + ", but the answer was not read in this"
                + " program in time: the call has a limit of " + limit + ". The answer is dropped. "
                + (stack.isEmpty()
                        ? "It was waiting behind answers that take long to read"
                        : "Reading takes long if an answer is large, if values in it have equal hash codes, or if one"
                                + " of their constructors waits. The thread was here:\n" + stack);
    }

    @Override
    public String toString() {
        return "Deadline[" + limit + (worker == null ? "" : " for number " + ticket + " of " + worker)
                + (answeredBy == null ? "" : " for reading the answer of " + answeredBy)
                + (expired ? ", expired]" : "]");
    }
}
