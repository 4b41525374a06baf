package dev.trestle.processpool;

import dev.trestle.processpool.WorkerDiedException.Phase;
import dev.trestle.processpool.jvm.CrashLog;
import dev.trestle.processpool.jvm.ExitStatus;
import dev.trestle.processpool.jvm.ExitStatus.Evidence;
import dev.trestle.processpool.jvm.ProcessMemory;
import dev.trestle.processpool.wire.DeathReport;
import dev.trestle.processpool.wire.ShownText;
import dev.trestle.processpool.wire.WorkerJournal.Exit;
import dev.trestle.processpool.wire.WorkerJournal.LastWords;
import dev.trestle.processpool.wire.WorkerJournal.Step;
import org.jspecify.annotations.Nullable;

/**
 * The end of a worker: its exit status, its last words, and the exceptions that it causes.
 *
 * @param worker its name
 * @param pid its process id
 * @param exit the exit of its process; null if it could not be ended, or if that is not known
 * @param lastWords its last entries in its journal; null if they are not known
 * @param killedBecause the reason for which the pool killed it; null if it did not
 * @param stderrTail its last lines
 * @param crash the head of the JVM's crash log; empty if there is none
 * @param departure the end of a member of a cluster, as a clause; null if it is a process
 */
record WorkerDeath(
        String worker,
        long pid,
        @Nullable ExitStatus exit,
        @Nullable LastWords lastWords,
        @Nullable String killedBecause,
        String stderrTail,
        String crash,
        @Nullable String departure) {

    /** Creates the death of a process. */
    WorkerDeath(
            String worker,
            long pid,
            @Nullable ExitStatus exit,
            @Nullable LastWords lastWords,
            @Nullable String killedBecause,
            String stderrTail,
            String crash) {
        this(worker, pid, exit, lastWords, killedBecause, stderrTail, crash, null);
    }

    /** Returns the end of the connection to a member of a cluster. */
    static WorkerDeath ofMember(String member, long pid, LastWords lastWords, String departure) {
        return new WorkerDeath(member, pid, null, lastWords, null, "", "", departure);
    }

    /**
     * Returns the death of a worker of a member of a cluster.
     *
     * @param member the name of the member and of its machine
     */
    static WorkerDeath of(DeathReport report, String member) {
        DeathReport.Exit exit = report.exit();
        return new WorkerDeath(
                ShownText.line(report.worker()) + " of " + member,
                report.pid(),
                exit == null
                        ? null
                        : new ExitStatus(exit.code(), Evidence.at(exit.evidence()), exit.suspect(), exit.oomKills()),
                new LastWords(Long.MAX_VALUE, report.step(), Exit.NONE),
                report.killedBecause(),
                report.stderrTail(),
                report.crash());
    }

    /** Returns this death as another program is told of it. */
    DeathReport report(PoolCall<?> call, int running) {
        return new DeathReport(
                worker,
                pid,
                exit == null
                        ? null
                        : new DeathReport.Exit(exit.code(), exit.evidence().number(), exit.suspect(), exit.oomKills()),
                lastWords == null ? Step.RUNNING : lastWords.stepOf(call.ticket),
                running,
                killedBecause,
                stderrTail,
                crash);
    }

    /** Returns whether a call had begun when the worker died; if that is not known, it had. */
    boolean hadBegun(PoolCall<?> call) {
        return lastWords == null || lastWords.hadBegun(call.ticket);
    }

    /** Returns whether the worker was taking a call, which may be large, from the connection. */
    boolean wasReceiving(PoolCall<?> call) {
        return lastWords != null
                && lastWords.callId() == call.ticket
                && lastWords.step() == Step.RECEIVING
                && !lastWords.hasPlace(call.ticket);
    }

    /**
     * Returns the exception for a call that had begun.
     *
     * @param running the number of calls that had begun and had not been answered
     */
    WorkerDiedException ofCall(PoolCall<?> call, int running) {
        Phase phase = lastWords == null
                ? Phase.RUNNING
                : switch (lastWords.stepOf(call.ticket)) {
                    case DECODING -> Phase.DECODING;
                    case RUNNING, NOTHING, RECEIVING -> Phase.RUNNING;
                    case SETTING_UP, ENCODING -> Phase.ENCODING;
                };
        String doing = switch (phase) {
            case DECODING -> "reading";
            case ENCODING -> "sending the result of";
            default -> "running";
        };
        long items = call.itemsDelivered();
        String lost = items == 0
                ? "this call is lost, and is not run again because it had begun. If running it twice does no harm, say"
                        + " so with CallOptions.withRetries."
                : "the rest of this stream is lost. It is not run again, whatever its retries, because the " + items
                        + " items before have arrived.";
        if (departure != null) {
            String fate = items == 0
                    ? "this call is lost, and is not run again because it had been sent and may have begun. If running"
                            + " it twice does no harm, say so with CallOptions.withRetries."
                    : lost;
            return exception(
                    worker + " (pid " + pid + ") was lost while it had " + call.description() + ": " + how()
                            + ". Other members go on; " + fate,
                    null,
                    phase);
        }
        return exception(
                worker + " (pid " + pid + ") died while it was " + doing + " " + call.description() + ": " + how() + "."
                        + among(running) + " The pool replaces the worker; " + lost,
                null,
                phase);
    }

    /** Returns a sentence about the other calls that ended with this one, if there are any. */
    private String among(int running) {
        if (running < 2) {
            return "";
        }
        return " " + running + " calls ran in this worker, and "
                + (killedBecause == null
                        ? "any of them may be the cause; all of them end with it."
                        : "all of them end with it, whichever it was ended for.");
    }

    /** Returns the exception for a call that was sent, again and again, to workers that died before they began it. */
    WorkerDiedException ofUndeliverable(PoolCall<?> call) {
        return exception(
                call.deathsBefore() + " workers died before they had begun " + call.description()
                        + ", the last of them, " + worker
                        + " (pid " + pid + "), by " + how()
                        + ". It may be too large for a worker's heap: then give workers more.",
                null,
                Phase.SENDING);
    }

    /**
     * Returns the exception for a worker that died before it was ready.
     *
     * @param stdoutTail its last lines on stdout, where a JVM says why it does not start
     * @param doubts a sentence about what may have started no JVM; may be empty
     */
    WorkerDiedException ofStart(@Nullable Throwable end, String stdoutTail, String doubts) {
        if (end instanceof Worker.InitializerFailed failed) {
            return exception(worker + " could not start: " + failed.getMessage(), failed.getCause(), Phase.STARTING);
        }
        String said = stdoutTail.isBlank() ? "" : "\nIts last lines on stdout:\n" + stdoutTail.strip();
        return exception(
                worker + " (pid " + pid + ") died before it was ready: " + how() + "." + doubts + said,
                end,
                Phase.STARTING);
    }

    /** Returns the exception for a member of a cluster that may have no calls, or could not be met. */
    WorkerDiedException ofMeeting(@Nullable Throwable cause) {
        String why = cause == null || cause.getMessage() == null ? how() : cause.getMessage();
        return exception(worker + " gets no calls: " + why, cause, Phase.STARTING);
    }

    /** Returns the way in which the worker ended, as the middle of a sentence. */
    String how() {
        if (departure != null) {
            return departure;
        }
        if (killedBecause != null) {
            return "the pool killed it because " + killedBecause;
        }
        if (exit == null) {
            return "it is not known how it ended, or whether it has";
        }
        if (crash.isEmpty()) {
            return exit.explain();
        }
        return "exit code " + exit.code()
                + (CrashLog.tellsOfNoMemory(crash)
                        ? ": its JVM ran out of native memory, which the system refused it; have fewer workers, give"
                                + " each a smaller heap, or raise the limit of the system"
                        : ": the JVM crashed, in native code or by a bug of its own");
    }

    /** Returns whether the worker died for lack of memory, as far as is known. */
    boolean outOfMemory() {
        if (killedBecause != null) {
            return killedBecause.contains(ProcessMemory.OVER_LIMIT); // a constant: its class may not be loaded
        }
        return (exit != null && exit.outOfMemory()) || CrashLog.tellsOfNoMemory(crash);
    }

    private WorkerDiedException exception(String message, @Nullable Throwable cause, Phase phase) {
        var text = new StringBuilder(message);
        if (!crash.isEmpty()) {
            text.append("\nThe JVM's crash log begins:\n").append(crash);
        }
        if (!stderrTail.isEmpty()) {
            text.append("\nIts last lines on stderr:\n").append(stderrTail);
        }
        return new WorkerDiedException(
                ShownText.text(text.toString()), cause, pid, exit, outOfMemory(), phase, stderrTail);
    }
}
