package dev.trestle.processpool.wire;

import org.jspecify.annotations.Nullable;

/**
 * The death of a worker under a call, for a program that has no other way to find out.
 *
 * @param worker its name
 * @param pid its process id
 * @param exit the exit of its process; null if that is not known
 * @param step its step in the call
 * @param running the number of calls that it ran
 * @param killedBecause the reason for which its pool killed it; null if it did not
 * @param stderrTail its last lines
 * @param crash the head of its crash log; empty if there is none
 */
public record DeathReport(
        String worker,
        long pid,
        @Nullable Exit exit,
        WorkerJournal.Step step,
        int running,
        @Nullable String killedBecause,
        String stderrTail,
        String crash) {

    /** The largest body of a frame that carries one. */
    static final int MAX_BYTES = 1 << 20;

    /** The most characters of each text. */
    private static final int MOST_TEXT = 64 << 10;

    /**
     * The exit of a process.
     *
     * @param code the exit code
     * @param evidence the number of what else is known
     * @param suspect the sender of its SIGKILL: the end of a sentence
     * @param oomKills whether the kernel's OOM killer has killed a process while this one lived
     */
    public record Exit(int code, int evidence, String suspect, boolean oomKills) {}

    void write(BodyWriter to) {
        to.string(cut(worker));
        to.longNumber(pid);
        to.flag(exit != null);
        if (exit != null) {
            to.number(exit.code());
            to.number(exit.evidence());
            to.string(cut(exit.suspect()));
            to.flag(exit.oomKills());
        }
        to.number(step.number());
        to.number(running);
        to.nullableString(killedBecause == null ? null : cut(killedBecause));
        to.string(cut(stderrTail));
        to.string(cut(crash));
    }

    private static String cut(String text) {
        return ShownText.cut(text, MOST_TEXT);
    }

    static DeathReport read(BodyReader from) throws ProtocolException {
        String worker = from.string();
        long pid = from.longNumber();
        Exit exit = from.flag() ? new Exit(from.number(), from.number(), from.string(), from.flag()) : null;
        return new DeathReport(
                worker,
                pid,
                exit,
                WorkerJournal.Step.at(from.number()),
                from.number(),
                from.nullableString(),
                from.string(),
                from.string());
    }
}
