package dev.trestle.processpool.jvm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The number of processes that the kernel's OOM killer had killed at one moment: it and a {@code kill -9} look the same
 * to a parent. Linux counts them, for the machine and all control groups together.
 *
 * @param count since the machine was started; empty if the system does not count
 */
record OomKills(OptionalLong count) {

    private static final Path VMSTAT = Path.of("/proc/vmstat");
    private static final Pattern COUNT = Pattern.compile("^oom_kill (\\d{1,18})$", Pattern.MULTILINE);

    static OomKills now() {
        return in(VMSTAT);
    }

    static OomKills in(Path vmstat) {
        try {
            Matcher found = COUNT.matcher(Files.readString(vmstat));
            return new OomKills(found.find() ? OptionalLong.of(Long.parseLong(found.group(1))) : OptionalLong.empty());
        } catch (IOException e) {
            return new OomKills(OptionalLong.empty()); // another system, or /proc is hidden
        }
    }

    /** Returns whether the OOM killer is known to have killed a process between then and now. */
    boolean haveGrownSince(OomKills then) {
        return count.orElse(0) > then.count.orElse(Long.MAX_VALUE);
    }

    /**
     * Returns the sender of the SIGKILL that ended a process between then and now, as far as can be known: the end of a
     * sentence.
     */
    String suspect(OomKills then) {
        if (count.isEmpty() || then.count.isEmpty()) {
            return "by a kill -9, or by the kernel because memory ran out (see dmesg)";
        }
        return haveGrownSince(then)
                ? "probably by the kernel because memory ran out: its OOM killer has killed a process in"
                        + " that time (see"
                        + " dmesg). Have fewer workers, or let them use less, of heap or of native memory"
                : "by a kill -9; the kernel's OOM killer has killed no process in that time";
    }
}
