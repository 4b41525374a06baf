package dev.trestle.processpool.jvm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The process id of a worker whose launcher has stayed as its parent, and may have put it into a PID namespace. */
final class WorkerPid {

    private static final Path PROC = Path.of("/proc");

    /** The last of the process ids that a process has: the one in its own namespace. */
    private static final Pattern INNERMOST = Pattern.compile("^NSpid:.*?(\\d{1,18})\\s*$", Pattern.MULTILINE);

    /** A launcher may start another one, and that another one. */
    private static final int MOST_DEEP = 8;

    private WorkerPid() {}

    /**
     * Finds a process among those that a launcher has started, and nowhere else: a worker may say anything.
     *
     * @param launcher the launcher
     * @param ownPid the process id by which the process knows itself
     */
    static Optional<ProcessHandle> find(ProcessHandle launcher, long ownPid) {
        Optional<ProcessHandle> found = findBelow(launcher.pid(), ownPid, MOST_DEEP);
        if (found.isPresent()) {
            return found;
        }
        try (Stream<ProcessHandle> started = launcher.descendants()) { // looks at all processes of the machine
            return started.filter(each -> innermost(each.pid()) == ownPid).findFirst();
        }
    }

    /** Looks where some kernels list the children of a thread; most launchers have one thread. */
    private static Optional<ProcessHandle> findBelow(long pid, long ownPid, int levels) {
        for (String child : childrenOf(pid)) {
            long number = Long.parseLong(child);
            Optional<ProcessHandle> found = innermost(number) == ownPid
                    ? ProcessHandle.of(number)
                    : levels > 0 ? findBelow(number, ownPid, levels - 1) : Optional.empty();
            if (found.isPresent()) {
                return found;
            }
        }
        return Optional.empty();
    }

    private static String[] childrenOf(long pid) {
        String number = Long.toString(pid);
        try {
            String children = Files.readString(
                            PROC.resolve(number).resolve("task").resolve(number).resolve("children"))
                    .strip();
            return children.isEmpty() ? new String[0] : children.split(" ", -1);
        } catch (IOException e) {
            return new String[0]; // this kernel has no such list, or the process has ended
        }
    }

    /** Returns the process id of a process in its own namespace, which is the only one if the system does not say. */
    private static long innermost(long pid) {
        try {
            Matcher found = INNERMOST.matcher(
                    Files.readString(PROC.resolve(Long.toString(pid)).resolve("status")));
            return found.find() ? Long.parseLong(found.group(1)) : pid;
        } catch (IOException e) {
            return pid; // another system, or it has ended
        }
    }
}
