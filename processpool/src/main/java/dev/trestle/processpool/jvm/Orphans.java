package dev.trestle.processpool.jvm;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The processes that a worker left behind when it was killed, halted or crashed. They have lost their parent,
 * but they have inherited a mark in their environment. Linux lets us read it; elsewhere, and where a process has
 * changed its user or its environment, nothing is found. Thread-safe.
 */
public final class Orphans {

    /*
     * A mark is the name of the pool's private directory, a slash, and the name of the worker. A worker of a worker has
     * its mark behind that of the other, with a colon between them; so what has the mark of a worker was started below
     * it.
     *
     * A worker looks for them when its program is gone, and has a moment for that. So this is written for code that
     * runs for the first time: without lambdas, and with few classes.
     */

    private static final String VARIABLE = "TRESTLE_WORKER";
    private static final String SEPARATOR = ":";
    private static final String ENTRY = "\0" + VARIABLE + "=";
    private static final String PROC = "/proc/";

    private Orphans() {}

    /**
     * Marks the environment of a worker, after the mark that this JVM has if it is a worker itself.
     *
     * @param environment takes the name of a variable and its value
     * @param mark the mark of the worker
     */
    public static void mark(BiConsumer<String, @Nullable String> environment, String mark) {
        String outer = System.getenv(VARIABLE);
        environment.accept(VARIABLE, outer == null ? mark : outer + SEPARATOR + mark);
    }

    /**
     * Kills the processes that a worker left behind.
     *
     * @param mark the mark of the worker
     * @return the number of processes
     */
    public static int kill(String mark) {
        return killWith(mark + SEPARATOR);
    }

    /**
     * Kills the processes that the workers of a pool left behind, and those workers.
     *
     * @param directory the name of the pool's private directory
     * @return the number of processes
     */
    public static int killAllOf(String directory) {
        return killWith(directory + "/");
    }

    /**
     * Returns the mark of this worker.
     *
     * @return the argument of {@link #mark}; empty if this is no mark
     */
    public static String ownMark() {
        String marks = System.getenv(VARIABLE);
        return marks == null ? "" : marks.substring(marks.lastIndexOf(SEPARATOR) + 1);
    }

    /** Kills the processes that this worker has started and those that they left behind. */
    public static void killOwn() {
        String mark = ownMark();
        if (!mark.isEmpty()) {
            kill(mark);
        }
        try (Stream<ProcessHandle> others = ProcessHandle.current().descendants()) {
            for (Iterator<ProcessHandle> each = others.iterator(); each.hasNext(); ) {
                each.next().destroyForcibly();
            }
        }
    }

    /** Kills the processes of which a mark begins so, with the colon that follows each. */
    private static int killWith(String beginning) {
        String[] all = new File(PROC).list();
        int killed = 0;
        for (String name : all == null ? new String[0] : all) {
            if (isNumber(name) && marksOf(name).contains(SEPARATOR + beginning)) {
                Optional<ProcessHandle> found = ProcessHandle.of(Long.parseLong(name));
                // Asked again, since the number may have been given to another process before the handle was there.
                if (found.isPresent()
                        && !found.get().equals(ProcessHandle.current())
                        && marksOf(name).contains(SEPARATOR + beginning)
                        && found.get().destroyForcibly()) {
                    killed++;
                }
            }
        }
        return killed;
    }

    private static boolean isNumber(String name) {
        for (int i = 0; i < name.length(); i++) {
            if (name.charAt(i) < '0' || name.charAt(i) > '9') {
                return false;
            }
        }
        return true;
    }

    /** Returns the marks of a process, with a colon before and behind each; nothing if there are none. */
    private static String marksOf(String pid) {
        try (var in = new FileInputStream(PROC + pid + "/environ")) {
            String environment = "\0" + new String(in.readAllBytes(), StandardCharsets.ISO_8859_1) + "\0";
            int at = environment.indexOf(ENTRY);
            if (at < 0) {
                return "";
            }
            int begin = at + ENTRY.length();
            return SEPARATOR + environment.substring(begin, environment.indexOf('\0', begin)) + SEPARATOR;
        } catch (IOException e) {
            return ""; // the process has ended in between, or is another user's
        }
    }
}
