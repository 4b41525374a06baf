package dev.trestle.processpool.jvm;

import dev.trestle.api.CarriedContext;
import dev.trestle.processpool.wire.AsciiText;
import dev.trestle.processpool.wire.CallContext;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.module.Configuration;
import java.lang.module.ModuleFinder;
import java.lang.module.ResolvedModule;
import java.nio.channels.spi.SelectorProvider;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The command line of a worker: this program's own JVM, class path and module path, and the options of the pool.
 *
 * <p>The arguments go into a file, because a class path can be longer than a command line may be.
 */
public final class JavaCommand {

    static final String MAIN = "dev.trestle.processpool.child.WorkerMain";

    /** The options of this JVM that decide whether the same code can run in the child at all. */
    private static final List<String> inherited = List.of(
            "--add-opens",
            "--add-exports",
            "--add-reads",
            "--add-modules",
            "--enable-native-access",
            "--enable-preview",
            "--illegal-native-access",
            "--sun-misc-unsafe-memory-access");

    /** Changes what a call reads and writes, if the program was started with it. */
    private static final String FILE_ENCODING = "file.encoding";

    private static final String SELECTOR_PROVIDER = "java.nio.channels.spi.SelectorProvider";

    /** The modules of the JDK that Trestle and Jackson need; a runtime made by jlink may lack them. */
    private static final List<String> needed = List.of("java.management", "java.xml", "jdk.jfr");

    /** The module of {@code sun.misc.Signal}, by which workers ignore the signals of a terminal. */
    private static final String SIGNALS = "jdk.unsupported";

    /** The system property that has the main module; the launcher sets it, unless the main class has none. */
    private static final String MAIN_MODULE = "jdk.module.main";

    private JavaCommand() {}

    // Loops, since the constructor of a program's first pool comes here: the JVM sets lambdas and patterns up one by
    // one.

    /**
     * Checks what no worker could start without.
     *
     * @throws IllegalStateException if this program cannot have workers with these options, with the way out
     */
    public static void check(JvmOptions options) {
        if (System.getProperty("java.home") == null) {
            throw new IllegalStateException(
                    "A process pool starts its workers with the Java runtime of the program, and this"
                            + " program has none, as a native image of GraalVM: run it on a JVM.");
        }
        var lacking = new ArrayList<String>();
        for (String module : needed) {
            if (ModuleLayer.boot().findModule(module).isEmpty()) {
                lacking.add(module);
            }
        }
        if (!lacking.isEmpty()) {
            throw new IllegalStateException("A process pool needs modules that this Java runtime, "
                    + System.getProperty("java.home") + ", does not have: make it with jlink --add-modules "
                    + String.join(",", lacking) + ", in addition to the modules that it has.");
        }
        NativeText.check(options);
        options.limits().check(options.heapBytes(), options.arguments());
        if (!Files.exists(launcher()) && !Files.exists(launcher().resolveSibling("java.exe"))) {
            throw new IllegalStateException("A process pool starts its workers with " + launcher()
                    + ", and there is no such file. A runtime made by jlink --strip-native-commands has none: make it"
                    + " without that option. jpackage gives jlink that option unless it is told the others: jpackage"
                    + " --jlink-options \"--strip-debug --no-man-pages --no-header-files\".");
        }
        Launcher.check(options.launcher());
        var _ = ProgramClasses.of(options);
        NativeText.checkArguments(arguments(options).toList());
        ProgramClasses.check(options);
        if (options.jail().isPresent()) {
            options.jail().get().check(options);
        }
    }

    static Path launcher() {
        return Path.of(System.getProperty("java.home"), "bin", "java");
    }

    /**
     * Writes the arguments of a worker to a file; returns the command that reads it, behind the program that limits it
     * if the system is to do so.
     *
     * @param more further options for the JVM
     * @param mainArguments the arguments of the worker's main method
     */
    public static List<String> write(
            JvmOptions options, Path argumentFile, List<String> more, List<String> mainArguments) throws IOException {
        Module own = JavaCommand.class.getModule();
        Stream<String> main = own.isNamed()
                ? Stream.of("-m", own.getName() + "/" + MAIN)
                : Stream.of(ProgramClasses.of(options).launcher().orElse(MAIN));
        List<String> all = Stream.concat(more.stream(), arguments(options)).toList();
        List<String> java = write(
                argumentFile,
                Stream.of(
                                all.stream().filter(each -> !NativeText.isLate(each)),
                                main,
                                mainArguments.stream(),
                                all.stream()
                                        .filter(NativeText::isLate)
                                        .map(each -> AsciiText.encode(each.substring(2))))
                        .flatMap(arguments -> arguments));
        return Stream.concat(options.limits().prefix().stream(), java.stream()).toList();
    }

    /** Does the same as {@link #write}, for a JVM that has the same options and runs nothing. */
    public static List<String> writeWithoutMain(JvmOptions options, Path argumentFile, List<String> more)
            throws IOException {
        return write(
                argumentFile,
                Stream.concat(arguments(options), more.stream()).filter(each -> !NativeText.isLate(each)));
    }

    private static List<String> write(Path argumentFile, Stream<String> arguments) throws IOException {
        String content = arguments.map(JavaCommand::quoted).collect(Collectors.joining("\n", "", "\n"));
        Files.writeString(argumentFile, content, NativeText.CHARSET);
        return List.of(launcher().toString(), "@" + argumentFile);
    }

    /** Returns the options that all workers of a pool have. */
    public static Stream<String> arguments(JvmOptions options) {
        var arguments = new ArrayList<String>();
        machineShare(options, arguments);
        arguments.add("-XX:+ExitOnOutOfMemoryError");
        arguments.add("-XX:-CreateCoredumpOnCrash");
        arguments.add("-XX:-UsePerfData");
        arguments.add("-Djava.awt.headless=true");
        arguments.add("-Dstdout.encoding=UTF-8");
        arguments.add("-Dstderr.encoding=UTF-8");
        if (options.debug()) {
            arguments.add(DebugAgent.ON_LOOPBACK);
        }
        if (JavaCommand.class.desiredAssertionStatus()) {
            arguments.add("-ea");
        }
        String encoding = System.getProperty(FILE_ENCODING);
        if (encoding != null) {
            arguments.add("-D" + FILE_ENCODING + "=" + encoding);
        }
        for (String each : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (isInherited(each)) {
                arguments.add(each);
            }
        }
        Class<?> selectorProvider = SelectorProvider.provider().getClass();
        if (selectorProvider.getModule() == Object.class.getModule()) {
            // The JDK's own. To look for another one a worker would open all jars of its class path.
            arguments.add("-D" + SELECTOR_PROVIDER + "=" + selectorProvider.getName());
        }
        List<String> carriers = CarriedContext.providedCarriers();
        if (!carriers.isEmpty()) {
            arguments.add("-D" + CallContext.CARRIERS_PROPERTY + "=" + String.join(",", carriers));
        }
        if (options.jail().isPresent()) {
            arguments.add("-Duser.name=" + Jail.Policy.USER); // there is no database of users
            arguments.add("-Duser.home=" + Jail.Policy.HOME);
        }
        for (Map.Entry<String, String> each : options.systemProperties().entrySet()) {
            arguments.add("-D" + each.getKey() + "=" + each.getValue());
        }
        arguments.addAll(options.arguments());
        paths(options, arguments);
        return arguments.stream();
    }

    private static boolean isInherited(String argument) {
        for (String each : inherited) {
            if (argument.startsWith(each)) {
                return true;
            }
        }
        return false;
    }

    /** Adds the options that keep a worker from behaving as if the whole machine were its own. */
    private static void machineShare(JvmOptions options, List<String> arguments) {
        int processors = Math.max(1, Runtime.getRuntime().availableProcessors() / options.count());
        arguments.add("-XX:ActiveProcessorCount=" + processors);
        if (processors <= 2 && !choosesCollector(options.arguments())) {
            arguments.add("-XX:+UseSerialGC");
            arguments.add("-XX:-ShrinkHeapInSteps"); // see IdleHeap: one collection gives back what it can
        } else {
            arguments.add("-XX:G1PeriodicGCInterval=10000"); // G1 gives memory back when it collects while idle
        }
        HeapOptions.add(options, arguments);
    }

    private static boolean choosesCollector(List<String> arguments) {
        for (String each : arguments) {
            if ((each.startsWith("-XX:+Use") || each.startsWith("-XX:-Use")) && each.endsWith("GC")) {
                return true;
            }
        }
        return false;
    }

    private static void paths(JvmOptions options, List<String> arguments) {
        ProgramClasses classes = ProgramClasses.of(options);
        arguments.addAll(classes.options());
        if (!classes.path().isEmpty()) {
            arguments.add("-cp");
            arguments.add(absolute(classes.path()));
        }
        String modulePath =
                options.modulePath().orElseGet(() -> ProgramClasses.real(System.getProperty("jdk.module.path", "")));
        if (!modulePath.isEmpty()) {
            arguments.add("--module-path");
            arguments.add(absolute(modulePath));
        }
        Module own = JavaCommand.class.getModule();
        if (own.isNamed() || options.modulePath().isPresent()) {
            modules(applicationModules(options, own.isNamed()), own, arguments);
        }
    }

    /** Adds the modules of the child, and opens them: a worker has no code to protect from the program. */
    private static void modules(List<ResolvedModule> modules, Module own, List<String> arguments) {
        if (modules.isEmpty()) {
            return;
        }
        arguments.add(
                "--add-modules=" + modules.stream().map(ResolvedModule::name).collect(Collectors.joining(",")));
        if (own.isNamed() && ModuleFinder.ofSystem().find(SIGNALS).isPresent()) {
            arguments.add("--add-modules=" + SIGNALS);
        }
        if (own.isNamed() && System.getProperty(MAIN_MODULE) == null) {
            // The program's main class is on the class path, whose code sees these modules.
            arguments.add("--add-modules=ALL-DEFAULT");
        }
        if (own.isNamed()) {
            arguments.add("--add-reads=" + own.getName() + "="
                    + modules.stream()
                            .map(ResolvedModule::name)
                            .filter(name -> !name.equals(own.getName()))
                            .collect(Collectors.joining(",", "", ",ALL-UNNAMED")));
        }
        String to = own.isNamed() ? own.getName() + ",tools.jackson.databind" : "ALL-UNNAMED";
        for (ResolvedModule module : modules) {
            // Sorted: a set of Java's has another order in each run, and the AOT cache of one run is for the next.
            for (String each : new TreeSet<>(module.reference().descriptor().packages())) {
                arguments.add("--add-opens=" + module.name() + "/" + each + "=" + to);
            }
        }
    }

    /** Returns the modules of the child that are not the JDK's: of its module path, and those linked by jlink. */
    private static List<ResolvedModule> applicationModules(JvmOptions options, boolean modular) {
        ModuleLayer layer = JavaCommand.class.getModule().getLayer();
        Configuration here = (layer == null ? ModuleLayer.boot() : layer).configuration();
        return options.modulePath().map(path -> resolve(path, modular, here)).orElse(here).modules().stream()
                .filter(module -> module.reference().location().isPresent() && !isOfJdk(module))
                .sorted((a, b) -> a.name().compareTo(b.name()))
                .toList();
    }

    /** Finds out which modules a child will have, as its launcher will: those of the runtime come first. */
    private static Configuration resolve(String modulePath, boolean modular, Configuration here) {
        ModuleFinder finder = ModuleFinder.of(Arrays.stream(modulePath.split(Pattern.quote(File.pathSeparator)))
                .filter(entry -> !entry.isEmpty())
                .map(Path::of)
                .toArray(Path[]::new));
        Stream<String> found = finder.findAll().stream()
                .map(module -> module.descriptor().name())
                .filter(name -> !modular || here.findModule(name).isPresent());
        Stream<String> linked = here.modules().stream()
                .filter(module -> modular && isOfRuntime(module) && !isOfJdk(module))
                .map(ResolvedModule::name);
        return Configuration.resolveAndBind(
                ModuleFinder.ofSystem(),
                List.of(Configuration.empty()),
                finder,
                Stream.concat(found, linked).collect(Collectors.toSet()));
    }

    private static boolean isOfRuntime(ResolvedModule module) {
        return module.reference()
                .location()
                .map(location -> "jrt".equals(location.getScheme()))
                .orElse(false);
    }

    /** The beginnings of the names of the JDK's modules; a runtime made by jlink may have other modules, too. */
    private static boolean isOfJdk(ResolvedModule module) {
        return isOfRuntime(module)
                && (module.name().startsWith("java.") || module.name().startsWith("jdk."));
    }

    /** The child may have another working directory. An empty entry means the working directory. */
    private static String absolute(String path) {
        var all = new StringJoiner(File.pathSeparator);
        for (String entry : path.split(File.pathSeparator, -1)) { // a colon or a semicolon, which needs no quoting
            all.add(absoluteEntry(entry));
        }
        return all.toString();
    }

    private static String absoluteEntry(String entry) {
        String absolute = entry.endsWith("*")
                ? new File(entry.substring(0, entry.length() - 1)).getAbsolutePath() + File.separator + "*"
                : new File(entry).getAbsolutePath();
        // In a working directory whose name the locale cannot express, no JVM finds relative paths.
        return NativeText.isWritable(absolute) ? absolute : entry;
    }

    /** Quotes an argument as the launcher reads it from a file. */
    static String quoted(String argument) {
        return '"'
                + argument.replace("\\", "\\\\")
                        .replace("\"", "\\\"")
                        .replace("\n", "\\n")
                        .replace("\r", "\\r")
                + '"';
    }
}
