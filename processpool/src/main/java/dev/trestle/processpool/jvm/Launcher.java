package dev.trestle.processpool.jvm;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A command in front of the {@code java} of workers. It replaces itself by that, as {@code nice} does, or stays as its
 * parent, as {@code firejail} does.
 */
public final class Launcher {

    /*
     * A terminal sends its signals to all processes of a program. Workers ignore them, by code of theirs (see
     * docs/adr/0264), but a launcher that stays would die of them, and its worker with it. So a shell, which replaces
     * itself, makes the system ignore them: that is inherited. A new session would keep the signals away too, but many
     * systems share the processors among sessions first, and then `nice` would have no effect.
     *
     * The program is looked up in this process: its PATH counts, and not that of the workers, which may have none.
     */

    private static final Path SHELL = Path.of("/bin/sh");
    private static final List<String> IGNORING_THE_TERMINAL =
            List.of(SHELL.toString(), "-c", "trap '' INT HUP; exec \"$@\"", "sh");

    /** The PATH of a program that has none. */
    private static final String DEFAULT_PATH = "/usr/bin:/bin";

    private Launcher() {}

    /**
     * Checks a launcher.
     *
     * @param prefix the command, with its arguments; empty if there is none
     * @throws IllegalStateException if workers cannot be started by it, with the way out
     */
    static void check(List<String> prefix) {
        for (String each : prefix) {
            if (!NativeText.isWritable(each)) {
                throw new IllegalStateException("A process pool cannot start its workers by the launcher " + prefix
                        + ": in the argument '" + each + "' " + NativeText.remedy(each));
            }
        }
        if (!prefix.isEmpty() && find(prefix.getFirst()).isEmpty()) {
            String program = prefix.getFirst();
            throw new IllegalStateException("A process pool cannot start its workers by the launcher "
                    + String.join(" ", prefix) + ": "
                    + (isPath(program)
                            ? "there is no program " + absolute(program) + " that this user may run."
                            : "there is no program '" + program + "' that this user may run in the directories of this"
                                    + " program's PATH, which are " + path() + ".")
                    + " Install it, or give its whole path. The launcher is a list of the program and its arguments,"
                    + " each an element of its own: launcher(List.of(\"nice\", \"-n\", \"10\")).");
        }
    }

    /** Returns whether something starts the JVMs of a pool, instead of this program itself. */
    static boolean isUsed(JvmOptions options) {
        return !options.launcher().isEmpty() || options.jail().isPresent();
    }

    /**
     * Returns a command behind the launcher of a pool and in its jail, as far as it has them.
     *
     * @param command the command of a worker
     * @param more the options of its JVM besides those of the pool
     * @param readable the worker's own files that it only reads
     * @param writable the worker's own files that it changes
     */
    public static List<String> before(
            List<String> command, JvmOptions options, List<String> more, List<Path> readable, List<Path> writable) {
        if (!isUsed(options)) {
            return command;
        }
        var all = new ArrayList<String>();
        if (Files.exists(SHELL)) {
            all.addAll(IGNORING_THE_TERMINAL);
        }
        List<String> prefix = options.launcher();
        if (!prefix.isEmpty()) {
            String program = prefix.getFirst();
            all.add(find(program).map(Path::toString).orElse(program));
            all.addAll(prefix.subList(1, prefix.size()));
        }
        all.addAll(
                options.jail().isEmpty()
                        ? command
                        : Bubblewrap.around(
                                command,
                                Stream.concat(more.stream(), JavaCommand.arguments(options)),
                                options,
                                readable,
                                writable));
        return all;
    }

    /** Returns a sentence for a start that failed before there was a JVM; nothing if no launcher can be to blame. */
    public static String doubts(JvmOptions options) {
        if (!options.launcher().isEmpty()) {
            return " Or its launcher has started no JVM: what it says is below, and in a shell it can be tried as: "
                    + String.join(" ", options.launcher()) + " java -version";
        }
        return options.jail().isPresent() ? " Or its sandbox was not made: what bubblewrap says is below." : "";
    }

    /** Finds a program as a shell does, in this process; empty if there is none that this user may run. */
    static Optional<Path> find(String program) {
        if (isPath(program)) {
            return executable(absolute(program));
        }
        for (String directory : path().split(Pattern.quote(File.pathSeparator), -1)) {
            Optional<Path> found = executable(absolute(directory + File.separator + program));
            if (found.isPresent()) {
                return found;
            }
        }
        return File.separatorChar == '\\'
                ? Optional.of(Path.of(program)) // Windows completes names and has more places
                : Optional.empty();
    }

    private static String path() {
        String path = System.getenv("PATH");
        return path == null ? DEFAULT_PATH : path;
    }

    private static boolean isPath(String program) {
        return program.indexOf('/') >= 0 || program.indexOf(File.separatorChar) >= 0;
    }

    /** Makes a path absolute, since workers may have another working directory. */
    private static String absolute(String path) {
        return new File(path).getAbsolutePath();
    }

    private static Optional<Path> executable(String path) {
        try {
            Path file = Path.of(path);
            return Files.isRegularFile(file) && Files.isExecutable(file) ? Optional.of(file) : Optional.empty();
        } catch (InvalidPathException e) {
            return Optional.empty(); // the locale cannot express an entry of the PATH
        }
    }
}
