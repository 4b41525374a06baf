package dev.trestle.processpool.jvm;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import dev.trestle.api.Call;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.dataformat.smile.SmileFactory;

/**
 * The places where workers find the classes of the program: on the class path of its JVM, or, if another class loader
 * has brought Trestle into it, where that one has them from.
 *
 * @param path as {@code java -cp} takes it
 * @param options further options of the JVM
 * @param launcher the main class that makes the class loader in a worker; empty if the JVM's own will do
 */
public record ProgramClasses(String path, List<String> options, Optional<String> launcher) {

    /*
     * A worker has what the class loader of Trestle has: WorkerMain, and with it all that calls need, is to be found by
     * the loader that corresponds to it. Workers do not have the classes of the program's other class loaders (of
     * plug-ins, of scripts), and `missing` says so before a call is sent.
     */

    private static final ClassLoader loader = loader();

    /** The files of the entries of paths, each looked up once. */
    private static final Map<String, String> real = new ConcurrentHashMap<>();

    /** The URL protocols of classes that are in a file, where workers can find them, and not only in memory. */
    private static final Set<String> protocols = Set.of("file", "jar", "jrt");

    /** The class loader of jshell, which may have loaded Trestle too. */
    private static final String JSHELL = "jdk.jshell.execution.DefaultLoaderDelegate$RemoteClassLoader";

    private static final Pattern IN_WAR = Pattern.compile("!/?WEB-INF/");

    private static final String WAY_OUT = " Name them: ProcessPool.builder()."
            + (isModule() ? "modulePath(...), as java -p" : "classPath(...), as java -cp")
            + " takes them, with Trestle, what it needs, and the classes of the calls.";

    private static ClassLoader loader() {
        ClassLoader own = ProgramClasses.class.getClassLoader();
        return own == null ? ClassLoader.getSystemClassLoader() : own;
    }

    /**
     * Finds the classes of the program for the workers of a pool.
     *
     * @throws IllegalStateException if that cannot be found out
     */
    static ProgramClasses of(JvmOptions options) {
        boolean said = (isModule() ? options.modulePath() : options.classPath()).isPresent();
        return said || isOfJvm(loader) ? onPath(options.classPath().orElseGet(ProgramClasses::ownPath)) : of(loader);
    }

    /**
     * Checks that a class path of the user's has what every worker needs, unless that may be on a module path.
     *
     * @throws IllegalStateException if it does not
     */
    static void check(JvmOptions options) {
        if (options.classPath().isEmpty() || options.modulePath().isPresent() || isModule()) {
            return;
        }
        String path = options.classPath().get();
        Stream<Class<?>> ofEachJar =
                Stream.of(Call.class, JsonAutoDetect.class, JsonParser.class, ObjectMapper.class, SmileFactory.class);
        try (var there = new URLClassLoader(urls(path), null)) {
            List<String> lacking = Stream.concat(Stream.of(JavaCommand.MAIN), ofEachJar.map(Class::getName))
                    .filter(name -> there.findResource(name.replace('.', '/') + ".class") == null)
                    .toList();
            if (!lacking.isEmpty()) {
                throw new IllegalStateException("The class path that is set for the workers of a process pool, " + path
                        + ", lacks " + String.join(", ", lacking)
                        + ". It must have Trestle, what Trestle needs, and the classes of the calls.");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "Cannot look into the class path that is set for the workers of a process pool, " + path, e);
        }
    }

    private static URL[] urls(String path) throws IOException {
        var urls = new ArrayList<URL>();
        for (String entry : path.split(Pattern.quote(File.pathSeparator), -1)) {
            if (entry.endsWith("*")) {
                File[] jars = new File(entry.substring(0, entry.length() - 1))
                        .getAbsoluteFile()
                        .listFiles((_, name) -> name.endsWith(".jar") || name.endsWith(".JAR"));
                for (File jar : jars == null ? new File[0] : jars) {
                    urls.add(jar.toURI().toURL());
                }
            } else {
                urls.add(new File(entry).getAbsoluteFile().toURI().toURL());
            }
        }
        return urls.toArray(URL[]::new);
    }

    private static boolean isModule() {
        return ProgramClasses.class.getModule().isNamed();
    }

    private static ProgramClasses onPath(String path) {
        return new ProgramClasses(path, List.of(), Optional.empty());
    }

    private static String ownPath() {
        return real(System.getProperty("java.class.path"));
    }

    /**
     * Returns a path of the program with the files that its entries are now, or were when this JVM first asked: a link
     * may be set to another release while the program runs, whose classes are no longer those of the program.
     */
    static String real(String path) {
        if (path.isEmpty()) {
            return path; // there is none; an empty entry of one is the working directory
        }
        return Stream.of(path.split(Pattern.quote(File.pathSeparator), -1))
                .map(entry -> real.computeIfAbsent(entry, ProgramClasses::realEntry))
                .collect(Collectors.joining(File.pathSeparator));
    }

    private static String realEntry(String entry) {
        try {
            String real = new File(entry).getCanonicalPath(); // as the class loaders of the JVM have it
            return NativeText.isWritable(real) ? real : entry;
        } catch (IOException e) {
            return entry; // the JVM finds nothing there either
        }
    }

    /**
     * Returns whether a class loader is there in every JVM that is started with the same class path and module path.
     */
    private static boolean isOfJvm(ClassLoader loader) {
        for (ClassLoader each = ClassLoader.getSystemClassLoader(); each != null; each = each.getParent()) {
            if (each == loader) {
                return true;
            }
        }
        return false;
    }

    /** Finds what a class loader has that is not the JVM's own. */
    static ProgramClasses of(ClassLoader loader) {
        if (!(loader instanceof URLClassLoader)) {
            throw new IllegalStateException(
                    "A process pool cannot tell its workers where the classes of this program are:"
                            + " Trestle was loaded by " + described(loader)
                            + ", which does not say where it finds them." + WAY_OUT);
        }
        var entries = new LinkedHashSet<String>();
        for (ClassLoader each = loader; each != null; each = each.getParent()) {
            if (isOfJvm(each)) {
                entries.add(ownPath());
                break;
            }
            if (each instanceof URLClassLoader known) { // one that does not say what it has may be a mere filter
                for (URL url : known.getURLs()) {
                    Optional<String> file = file(url);
                    if (file.isEmpty()) {
                        return inSpringBoot(known).orElseThrow(() -> unreachable(known, url));
                    }
                    entries.add(real(file.get()));
                }
            }
        }
        entries.remove("");
        return onPath(String.join(File.pathSeparator, entries));
    }

    private static IllegalStateException unreachable(ClassLoader loader, URL url) {
        return new IllegalStateException(
                "A process pool cannot tell its workers where the classes of this program are: " + described(loader)
                        + " has some of them from " + url + ", which java -cp cannot take." + WAY_OUT);
    }

    /** Returns the file or directory that a URL names; empty if it names something else, such as a jar within a jar. */
    private static Optional<String> file(URL url) {
        String text = url.toString();
        if (text.startsWith("jar:file:") && text.indexOf("!/") == text.length() - 2) {
            text = text.substring("jar:".length(), text.length() - 2);
        }
        if (!text.startsWith("file:")) {
            return Optional.empty();
        }
        try {
            return Optional.of(Path.of(new URI(text)).toString());
        } catch (URISyntaxException | IllegalArgumentException e) {
            return Optional.of(text.substring("file:".length())); // made by hand, without escaping anything
        }
    }

    /**
     * Starts workers as Spring Boot starts the program, if it did: its loader of jars within a jar comes with a
     * launcher for other main classes than the one in the manifest.
     */
    private static Optional<ProgramClasses> inSpringBoot(URLClassLoader loader) {
        String launcher = loader.getClass().getPackageName() + ".PropertiesLauncher";
        try {
            Class.forName(launcher, false, loader.getClass().getClassLoader());
        } catch (ClassNotFoundException e) {
            return Optional.empty();
        }
        var options = new ArrayList<String>();
        options.add("-Dloader.main=" + JavaCommand.MAIN);
        for (String property : List.of("loader.home", "loader.config.name", "loader.config.location")) {
            Optional.ofNullable(System.getProperty(property))
                    .ifPresent(value -> options.add("-D" + property + "=" + value));
        }
        boolean war = Stream.of(loader.getURLs())
                .anyMatch(url -> IN_WAR.matcher(url.toString()).find());
        List<String> paths = Stream.of(
                        Optional.ofNullable(System.getProperty("loader.path")),
                        war
                                ? Optional.of("WEB-INF/classes,WEB-INF/lib,WEB-INF/lib-provided")
                                : Optional.<String>empty())
                .flatMap(Optional::stream)
                .toList();
        if (!paths.isEmpty()) {
            options.add("-Dloader.path=" + String.join(",", paths));
        }
        return Optional.of(new ProgramClasses(ownPath(), options, Optional.of(launcher)));
    }

    /** Returns why the workers of a pool cannot have a class of the program, and what to do; empty if they can. */
    public static Optional<String> missing(JvmOptions options, Class<?> type) {
        ClassLoader its = type.getClassLoader();
        if (options.classPath().isPresent() || options.modulePath().isPresent() || its == null || isThere(type, its)) {
            return Optional.empty();
        }
        String name = type.getName();
        return Optional.of(
                switch (its.getClass().getName()) {
                    case "com.sun.tools.javac.launcher.MemoryClassLoader" ->
                        "its class " + name
                                + " was compiled in memory, by java with the name of a source file, and workers"
                                + " cannot find it. Compile it to files and run these: javac -d classes " + file(type)
                                + ", java -cp classes" + File.pathSeparator + "... " + name + ".";
                    case JSHELL ->
                        "it is written in jshell, whose classes and variables no other process can find. Write it in a"
                                + " class on the class path of jshell, in a method that returns the Call.";
                    default ->
                        "its class " + name + " was loaded by " + described(its)
                                + ", and workers have only what Trestle's own"
                                + " class loader has. Let them have it: ProcessPool.builder().classPath(" + wider(its)
                                + ").";
                });
    }

    /**
     * Returns whether a worker can find a class. A class of the same class loader counts without a look, since a
     * program's first look for a resource takes milliseconds.
     */
    private static boolean isThere(Class<?> type, ClassLoader its) {
        if (its == loader && !its.getClass().getName().equals(JSHELL)) {
            return true;
        }
        URL found = loader.getResource(type.getName().replace('.', '/') + ".class");
        return found != null && protocols.contains(found.getProtocol());
    }

    private static String file(Class<?> type) {
        return type.getSimpleName() + ".java";
    }

    /** Returns, as Java code, the class path with what a class loader has besides. */
    private static String wider(ClassLoader more) {
        String own = isOfJvm(loader) ? "System.getProperty(\"java.class.path\")" : "...";
        if (!(more instanceof URLClassLoader known)) {
            return own + " + ...";
        }
        List<String> files = Stream.of(known.getURLs())
                .map(ProgramClasses::file)
                .flatMap(Optional::stream)
                .toList();
        return own + " + \"" + File.pathSeparator + String.join(File.pathSeparator, files) + "\"";
    }

    private static String described(ClassLoader loader) {
        String name = loader.getName();
        return (name == null ? "" : "'" + name + "', ") + "a "
                + loader.getClass().getName();
    }
}
