package dev.trestle.processpool.jvm;

import dev.trestle.processpool.jvm.Jail.Policy;
import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The command that starts a worker in a jail, by bubblewrap: a small program that makes namespaces, and a file system
 * of what it is told to show.
 *
 * @see <a href="https://github.com/containers/bubblewrap">bubblewrap</a>
 */
final class Bubblewrap {

    /*
     * Mounts are made in the order of the arguments, and a later one covers an earlier one. So the jail's own places
     * come first, then what is visible, and at last what of the private directory the worker needs, file by file: in a
     * directory it could make files of any number and size. The root, and /dev, are in memory and without a limit; so
     * they are closed for writing when everything is in its place. So is /proc: root could change the settings of the
     * whole kernel there, as the owner of their files and without any capability.
     *
     * No namespace can be made inside (`--disable-userns`), so no worker can mount anything or regain a capability.
     *
     * Process 1 of the jail is bubblewrap's own. It ends with the worker and with the program, and the kernel then
     * kills everything that is left in the jail.
     */

    private static final Log logger = Log.of(Bubblewrap.class);

    static final String PROGRAM = "bwrap";

    private static final List<String> WITHOUT_CORE_DUMPS = List.of("prlimit", "--core=0", "--");

    /** Options of a JVM that are followed by a path as an argument of its own. */
    private static final Set<String> BEFORE_PATHS =
            Set.of("-cp", "-classpath", "--class-path", "-p", "--module-path", "--upgrade-module-path");

    /** Options of a JVM that have a path in them, up to an equals sign if it is that of an agent. */
    private static final Map<String, String> WITH_PATHS = Map.of(
            "-javaagent:", "=",
            "-agentpath:", "=",
            "-Xbootclasspath/a:", File.pathSeparator,
            "--module-path=", File.pathSeparator,
            "--class-path=", File.pathSeparator,
            "-XX:SharedArchiveFile=", File.pathSeparator,
            "-XX:AOTCache=", "\0",
            "-Dloader.path=", ",",
            "-Dloader.home=", "\0");

    private static final List<String> CLOSING =
            List.of("--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/");

    private Bubblewrap() {}

    /**
     * Returns a command in a jail.
     *
     * @param command the command of a worker
     * @param arguments the arguments of its JVM, which name what must be visible
     * @param readable the worker's own files that it only reads
     * @param writable the worker's own files that it changes
     */
    static List<String> around(
            List<String> command,
            Stream<String> arguments,
            JvmOptions options,
            List<Path> readable,
            List<Path> writable) {
        Jail jail = options.jail().orElseThrow();
        var all = new ArrayList<>(foundation(jail));
        Stream.concat(runtime().stream(), named(arguments).stream())
                .filter(each -> Files.exists(Path.of(each)) && !isOfSystem(Path.of(each)))
                .forEach(each -> show("--ro-bind-try", each, all));
        jail.readable().forEach(each -> show("--ro-bind", each.toString(), all));
        jail.writable().forEach(each -> show("--bind", each.toString(), all));
        readable.forEach(each -> show("--ro-bind", each.toString(), all));
        writable.forEach(each -> show("--bind", each.toString(), all));
        all.addAll(CLOSING);
        all.addAll(List.of(
                "--chdir", options.workingDirectory().map(Path::toString).orElse(Policy.TEMPORARY)));
        all.add("--");
        all.addAll(WITHOUT_CORE_DUMPS);
        all.addAll(command);
        return all;
    }

    /** Returns the jail without anything of the program. */
    private static List<String> foundation(Jail jail) {
        var all = new ArrayList<String>();
        all.add(Launcher.find(PROGRAM).map(Path::toString).orElse(PROGRAM));
        Policy.OWN.forEach(each -> all.add("--unshare-" + each));
        if (!jail.network()) {
            all.add("--unshare-net");
        }
        all.addAll(List.of("--disable-userns", "--die-with-parent", "--new-session", "--cap-drop", "ALL"));
        all.addAll(List.of("--hostname", Policy.USER));
        Policy.SYSTEM.forEach(each -> show("--ro-bind-try", each, all));
        Policy.SYSTEM_NAMES.forEach(each -> showSystemName(Path.of(each), all));
        Policy.SETTINGS.forEach(each -> show("--ro-bind-try", each, all));
        if (jail.network()) {
            Policy.NETWORK_SETTINGS.forEach(each -> show("--ro-bind-try", each, all));
        }
        all.addAll(List.of("--proc", "/proc", "--dev", "/dev"));
        all.addAll(List.of("--size", Long.toString(jail.temporaryBytes()), "--tmpfs", Policy.TEMPORARY));
        all.addAll(List.of("--dir", Policy.HOME));
        return all;
    }

    /** Returns a command that fails where no jail can be made. */
    static List<String> trial() {
        var all = new ArrayList<>(foundation(Jail.STRICT));
        all.addAll(CLOSING);
        all.add("--");
        all.addAll(WITHOUT_CORE_DUMPS);
        all.add("true");
        return all;
    }

    private static void show(String how, String path, List<String> all) {
        all.addAll(List.of(how, path, path));
    }

    /** Shows what a name for a system directory is: a link, or a directory. */
    private static void showSystemName(Path name, List<String> all) {
        try {
            if (Files.isSymbolicLink(name)) {
                all.addAll(List.of("--symlink", Files.readSymbolicLink(name).toString(), name.toString()));
            } else {
                show("--ro-bind-try", name.toString(), all);
            }
        } catch (IOException e) {
            show("--ro-bind-try", name.toString(), all); // bubblewrap finds out what it is, and says so
        }
    }

    // The visible files

    private static boolean isOfSystem(Path path) {
        try {
            return Policy.SYSTEM.stream().anyMatch(path::startsWith)
                    && Policy.SYSTEM.stream().anyMatch(path.toRealPath()::startsWith);
        } catch (IOException e) {
            return false; // it is not there
        }
    }

    /**
     * Returns the Java runtime of the program, and what the links in it lead to: some systems keep its settings in
     * /etc.
     */
    private static Set<String> runtime() {
        Path home = Path.of(System.getProperty("java.home"));
        var found = new LinkedHashSet<String>();
        found.add(home.toString());
        for (String each : List.of("conf", "lib", "lib/security")) {
            linksIn(home.resolve(each), home, found);
        }
        return found;
    }

    private static void linksIn(Path directory, Path home, Set<String> found) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, Files::isSymbolicLink)) {
            for (Path each : files) {
                Path target = directory.resolve(Files.readSymbolicLink(each)).normalize();
                if (!target.startsWith(home)) {
                    found.add(target.toString());
                }
            }
        } catch (IOException e) {
            logger.debug("The Java runtime has no links in {}", directory, e);
        }
    }

    /** Returns the paths that arguments of a JVM name: its classes, its archive, its agents. */
    static Set<String> named(Stream<String> arguments) {
        var found = new LinkedHashSet<String>();
        String before = "";
        for (String argument : (Iterable<String>) arguments::iterator) {
            if (BEFORE_PATHS.contains(before)) {
                addEntries(argument, File.pathSeparator, found);
            }
            for (Map.Entry<String, String> each : WITH_PATHS.entrySet()) {
                if (argument.startsWith(each.getKey())) {
                    String path = argument.substring(each.getKey().length());
                    boolean agent = each.getValue().equals("=");
                    addEntries(agent ? path.split("=", 2)[0] : path, agent ? "\0" : each.getValue(), found);
                }
            }
            before = argument;
        }
        return found;
    }

    private static void addEntries(String path, String separator, Set<String> found) {
        String[] entries = path.split(Pattern.quote(separator), -1);
        for (String entry : entries) {
            File file =
                    new File(entry.endsWith("*") ? entry.substring(0, entry.length() - 1) : entry).getAbsoluteFile();
            found.add(file.toPath().normalize().toString());
            if (entries.length <= ManifestPath.FEW && file.isFile()) {
                addWhatItNames(file.toPath(), found);
            }
        }
    }

    private static void addWhatItNames(Path jar, Set<String> found) {
        try {
            for (Path each : ManifestPath.of(jar)) {
                if (found.add(each.normalize().toString()) && Files.isRegularFile(each)) {
                    addWhatItNames(each, found);
                }
            }
        } catch (IOException e) {
            logger.debug("{} names no files that a sandbox would have to show", jar, e);
        }
    }

    /**
     * Returns the reason why a path must not be shown; empty if it may be.
     *
     * @param path an absolute path
     * @param temporary the parent of this program's private directories
     */
    static Optional<String> objection(Path path, Path temporary) {
        for (String each : Policy.OWN_PLACES) {
            if (path.startsWith(each)) {
                return Optional.of("the sandbox has a " + each + " of its own");
            }
        }
        for (Path each : List.of(Path.of(System.getProperty("user.home")), temporary)) {
            if (each.isAbsolute() && each.normalize().startsWith(path)) {
                return Optional.of("it has " + each + " in it, with what is to stay hidden there");
            }
        }
        return Optional.empty();
    }

    /** Returns whether a path is visible in a jail, as a directory to work in. */
    static boolean shows(Jail jail, Path path) {
        return Stream.of(
                                jail.readable().stream(),
                                jail.writable().stream(),
                                Policy.SYSTEM.stream().map(Path::of))
                        .flatMap(each -> each)
                        .anyMatch(path::startsWith)
                || path.equals(Path.of(Policy.TEMPORARY));
    }
}
