package dev.trestle.processpool.jvm;

import dev.trestle.processpool.wire.WorkerJournal.Exit;
import dev.trestle.processpool.wire.WorkerJournal.LastWords;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The exit code of a worker, and its explanation.
 *
 * @param code its exit code; 128 + n for signal n, as the JDK reports it on Unix
 * @param evidence further evidence
 * @param suspect the sender of its SIGKILL, if that was its end: the end of a sentence
 * @param oomKills whether the kernel's OOM killer has killed a process while this one lived
 */
public record ExitStatus(int code, Evidence evidence, String suspect, boolean oomKills) {

    /** The evidence of why a JVM ended. Its exit code does not: any code may be that of a {@code System.exit}. */
    public enum Evidence {
        /** No evidence. */
        NONE,
        /** The worker's journal says that it ended in order, after a call of {@code System.exit}. */
        CALLED_EXIT,
        /** The worker's journal says that it ended in order, because of a signal. */
        SIGNALLED,
        /** The JVM printed that it ends for lack of memory. */
        OUT_OF_MEMORY;

        private static final Evidence[] all = values();

        /** Returns the number of this on the wire. */
        @SuppressWarnings("EnumOrdinal") // both sides run the same version, the handshake sees to it
        public int number() {
            return ordinal();
        }

        /** Returns the evidence with a number from the wire; none if there is no such number. */
        public static Evidence at(int number) {
            return number >= 0 && number < all.length ? all[number] : NONE;
        }

        /**
         * Weighs what is known.
         *
         * @param last the worker's last entries in its journal; null if they are not known
         * @param saidOutOfMemory whether its JVM said that it ends for lack of memory
         */
        public static Evidence of(@Nullable LastWords last, boolean saidOutOfMemory) {
            // No switch, which would load a class of its own: there may be no memory for that.
            if (last != null && last.exit() != Exit.NONE) {
                return last.exit() == Exit.CALLED ? CALLED_EXIT : SIGNALLED;
            }
            return saidOutOfMemory ? OUT_OF_MEMORY : NONE;
        }
    }

    /** {@code -XX:+ExitOnOutOfMemoryError} ends a JVM with this. */
    private static final int OUT_OF_MEMORY = 3;

    private static final String OUT_OF_MEMORY_TEXT = "ran out of memory (-XX:+ExitOnOutOfMemoryError)";
    private static final String MORE_MEMORY =
            "give workers a larger heap (ProcessPool.builder().heap(bytes)), or each call less to do";

    private static final Map<Integer, String> SIGNALS = Map.ofEntries(
            Map.entry(1, "SIGHUP"),
            Map.entry(2, "SIGINT"),
            Map.entry(3, "SIGQUIT"),
            Map.entry(4, "SIGILL"),
            Map.entry(5, "SIGTRAP"),
            Map.entry(6, "SIGABRT"),
            Map.entry(7, "SIGBUS"),
            Map.entry(8, "SIGFPE"),
            Map.entry(9, "SIGKILL"),
            Map.entry(11, "SIGSEGV"),
            Map.entry(13, "SIGPIPE"),
            Map.entry(15, "SIGTERM"),
            Map.entry(24, "SIGXCPU"),
            Map.entry(25, "SIGXFSZ"),
            Map.entry(31, "SIGSYS"));

    public ExitStatus with(Evidence found) {
        return new ExitStatus(code, found, suspect, oomKills);
    }

    /** Returns the name of the signal that ended it; empty if it was none, as far as is known. */
    public Optional<String> signal() {
        return evidence == Evidence.CALLED_EXIT ? Optional.empty() : Optional.ofNullable(SIGNALS.get(code - 128));
    }

    /** Returns whether it ended for lack of memory, as far as is known: by its JVM, or probably by the kernel. */
    public boolean outOfMemory() {
        return evidence == Evidence.OUT_OF_MEMORY
                || (oomKills && signal().orElse("").equals("SIGKILL"));
    }

    /**
     * Returns the event and its probable cause, as the middle of a sentence. Where it is not known, says what it
     * may be.
     */
    public String explain() {
        String exit = "exit code " + code;
        if (evidence == Evidence.CALLED_EXIT) {
            String ended = exit + ": something in it called System.exit(" + code + ")";
            String signal = SIGNALS.get(code - 128);
            return signal == null ? ended : ended + ", or System.exit and then " + signal + " came";
        }
        if (evidence == Evidence.OUT_OF_MEMORY) {
            return exit + ": it " + OUT_OF_MEMORY_TEXT + "; " + MORE_MEMORY;
        }
        String halted = "something in it called Runtime.halt(" + code + ")";
        if (signal().isPresent()) {
            String killed = signal().get() + " (" + exit + ")" + cause(signal().get());
            return evidence == Evidence.SIGNALLED
                    ? "killed by " + killed
                    : "killed by " + killed + "; unless " + halted;
        }
        return code == OUT_OF_MEMORY
                ? exit + ": " + halted + ", or it " + OUT_OF_MEMORY_TEXT + "; then " + MORE_MEMORY
                : exit + ": " + halted + ", or the JVM gave up";
    }

    private String cause(String signal) {
        return switch (signal) {
            case "SIGKILL" -> ": " + suspect;
            case "SIGABRT" -> ": the JVM crashed, in native code or by a bug of its own";
            case "SIGTERM" -> ": it was asked to end";
            case "SIGXCPU" ->
                ": it had used all the processor time that it may have in its life (cpuTimeLimit, or ulimit -t)";
            case "SIGXFSZ" -> ": a file would have become larger than it may (fileSizeLimit, or ulimit -f)";
            default -> "";
        };
    }
}
