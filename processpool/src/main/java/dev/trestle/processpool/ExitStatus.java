package dev.trestle.processpool;

import java.util.Map;
import java.util.Optional;

/**
 * How a process ended.
 *
 * @param code its exit code; 128 + n for signal n, as the JDK reports it on Unix
 * @param suspect who sent it SIGKILL, if that was its end: the end of a sentence
 */
record ExitStatus(int code, String suspect) {

    /** {@code -XX:+ExitOnOutOfMemoryError} ends a JVM with this. */
    static final int OUT_OF_MEMORY = 3;

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

    Optional<String> signal() {
        return Optional.ofNullable(SIGNALS.get(code - 128));
    }

    /** Returns what happened and its probable cause, as the middle of a sentence. */
    String explain(boolean exitingInOrder) {
        if (code == OUT_OF_MEMORY && !exitingInOrder) {
            return "exit code 3: it ran out of memory (-XX:+ExitOnOutOfMemoryError); give workers a bigger heap, or the"
                    + " calls less to do at a time";
        }
        if (signal().isPresent()) {
            String name = signal().get();
            String killed = "killed by " + name + " (exit code " + code + ")";
            return switch (name) {
                case "SIGKILL" -> killed + ": " + suspect;
                case "SIGABRT" -> killed + ": the JVM crashed, in native code or by a bug of its own";
                case "SIGTERM" -> killed + ": somebody asked it to end";
                default -> killed;
            };
        }
        return exitingInOrder
                ? "exit code " + code + ": something in it called System.exit(" + code + ")"
                : "exit code " + code + ": something in it called Runtime.halt(" + code + "), or the JVM gave up";
    }
}
