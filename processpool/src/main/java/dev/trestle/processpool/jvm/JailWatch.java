package dev.trestle.processpool.jvm;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The memory and the processes in a jail, as the program sees them. A worker does not see how it is watched, and cannot
 * change it.
 *
 * @param proc the jail's own view of processes, which has nothing else in it
 * @param mostMemory the limit, in bytes
 * @param mostTasks the limit of processes and threads together
 */
record JailWatch(Path proc, long mostMemory, int mostTasks) {

    /*
     * Linux sums up the memory of several processes only for control groups, which a program without privileges may
     * not have; and it does not count the processes of root against a limit (RLIMIT_NPROC). So they are counted here.
     * The directory is looked up through process 1 of the jail, which is bubblewrap's: other processes of the jail can
     * keep strangers, and so this program, from looking through them.
     */

    private static final Pattern MEMORY =
            Pattern.compile("^(?:RssAnon|RssShmem|VmSwap):\\s*(\\d{1,15}) kB$", Pattern.MULTILINE);

    private static final Pattern THREADS = Pattern.compile("^Threads:\\s*(\\d{1,9})$", Pattern.MULTILINE);

    /** Returns a watch for limits that {@link Jail#limits} has made. */
    static JailWatch of(long processOne, ProcessLimits limits) {
        return new JailWatch(
                Path.of("/proc", Long.toString(processOne), "root", "proc"),
                limits.memory().orElseThrow(),
                limits.processes().orElseThrow());
    }

    /**
     * Returns why the jail has to end, as the rest of a sentence; empty if it may go on.
     *
     * @throws IOException if that cannot be found out
     */
    Optional<String> excess() throws IOException {
        String[] names = new File(proc.toString()).list();
        if (names == null) {
            throw new IOException("Cannot list " + proc);
        }
        long kilobytes = 0;
        long tasks = 0;
        int processes = 0;
        for (String name : names) {
            if (Character.isDigit(name.charAt(0))) {
                String status = statusOf(name);
                processes++;
                tasks += sum(THREADS, status);
                kilobytes += sum(MEMORY, status);
            }
        }
        if (tasks > mostTasks) {
            return Optional.of("it had " + tasks + " threads in " + processes + " processes, more than the " + mostTasks
                    + " that its sandbox allows (processLimit)");
        }
        return kilobytes * 1024 > mostMemory
                ? Optional.of(ProcessMemory.excess(kilobytes * 1024, mostMemory))
                : Optional.empty();
    }

    private String statusOf(String pid) {
        try {
            return Files.readString(proc.resolve(pid).resolve("status"));
        } catch (IOException e) {
            return ""; // it has ended in between
        }
    }

    private static long sum(Pattern pattern, String status) {
        long sum = 0;
        for (Matcher found = pattern.matcher(status); found.find(); ) {
            sum += Long.parseLong(found.group(1));
        }
        return sum;
    }
}
