package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.Call;
import dev.trestle.api.RunnableCall;
import dev.trestle.processpool.CallListener;
import dev.trestle.processpool.CallNotSerializableException;
import dev.trestle.processpool.CallOptions;
import dev.trestle.processpool.FatJar;
import dev.trestle.processpool.Gate;
import dev.trestle.processpool.NothingLeft;
import dev.trestle.processpool.PackagedJail;
import dev.trestle.processpool.PackagedProgram;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.processpool.PropertiesLauncher;
import dev.trestle.processpool.Sandbox;
import dev.trestle.processpool.TestJvm;
import dev.trestle.processpool.TestPools;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.ref.WeakReference;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.net.URLConnection;
import java.net.URLStreamHandler;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Workers find the classes of a program, however it is packaged and started; or the pool says why they cannot. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class ProgramClassesTest {

    @TempDir
    Path folder = Path.of("");

    private static void runTool(String name, String... arguments) {
        var output = new StringWriter();
        var writer = new PrintWriter(output);
        int exit = ToolProvider.findFirst(name).orElseThrow().run(writer, writer, arguments);
        assertThat(exit).as(output.toString()).isZero();
    }

    /** Runs a JVM; returns what the program writes into the file that is its last argument. */
    private String answerOf(String... arguments) throws IOException, InterruptedException {
        Path answer = folder.resolve("answer");
        Path output = folder.resolve("output");
        var command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1"));
        command.addAll(List.of(arguments));
        command.add(answer.toString());
        TestJvm.runToEnd(command, output);
        assertThat(answer).as(Files.readString(output)).exists();
        return Files.readString(answer);
    }

    // On the class path

    @Test
    void aLinkOnAClassPathStaysWhatItWasWhenAPoolFirstAsked() throws Exception {
        Path first = Files.createDirectory(folder.resolve("first")).toRealPath();
        Path second = Files.createDirectory(folder.resolve("second"));
        Path link = Files.createSymbolicLink(folder.resolve("current"), first);
        String path = link + File.pathSeparator + link.resolve("app.jar");
        String expected = first + File.pathSeparator + first.resolve("app.jar");
        try (var loader = new URLClassLoader(new URL[] {link.toUri().toURL()}, null)) {
            assertThat(ProgramClasses.real(path)).isEqualTo(expected);
            assertThat(ProgramClasses.of(loader).path()).isEqualTo(first.toString());

            Files.delete(link);
            Files.createSymbolicLink(link, second);

            assertThat(ProgramClasses.real(path)).isEqualTo(expected);
            assertThat(ProgramClasses.of(loader).path()).isEqualTo(first.toString());
        }
        assertThat(ProgramClasses.real("")).isEmpty();
        assertThat(ProgramClasses.real("a" + File.pathSeparator))
                .isEqualTo(new File("a").getCanonicalPath() + File.pathSeparator + new File("").getCanonicalPath());
    }

    @Test
    void aClassPathMayHaveAllThatJavaTakes() throws Exception {
        Path odd = Files.createDirectory(folder.resolve("100% odd #1+"));
        Files.writeString(odd.resolve("in-directory"), "");
        Path jars = Files.createDirectory(folder.resolve("jars"));
        Path packed = Files.createDirectory(folder.resolve("packed"));
        Files.writeString(packed.resolve("in-jar"), "");
        runTool("jar", "-cf", jars.resolve("some.jar").toString(), "-C", packed.toString(), "in-jar");
        var manifest = new Manifest();
        manifest.getMainAttributes().putValue("Manifest-Version", "1.0");
        manifest.getMainAttributes()
                .putValue(
                        "Class-Path",
                        String.join(
                                " ",
                                FatJar.needed().stream()
                                        .map(each -> each.toUri().toString())
                                        .toList()));
        Path pathing = folder.resolve("pathing.jar");
        new JarOutputStream(Files.newOutputStream(pathing), manifest).close();

        try (var pool = TestPools.plain(1)
                .classPath(String.join(
                        File.pathSeparator,
                        pathing.toString(),
                        folder.resolve("missing.jar").toString(),
                        odd.toString(),
                        jars + File.separator + "*"))
                .build()) {
            assertThat(pool.submit(() -> Stream.of("in-directory", "in-jar", "in-neither")
                                    .filter(name -> ClassLoader.getSystemResource(name) != null)
                                    .toList())
                            .result())
                    .containsExactly("in-directory", "in-jar");
        }
    }

    @Test
    void aClassPathWithoutWhatWorkersNeedIsRefused() {
        String withoutJackson = FatJar.needed().stream()
                .map(Path::toString)
                .filter(entry -> !entry.contains("jackson"))
                .collect(Collectors.joining(File.pathSeparator));

        assertThatThrownBy(() -> TestPools.plain(1).classPath(withoutJackson).build())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith(
                        "The class path that is set for the workers of a process pool, " + withoutJackson)
                .hasMessageContaining(
                        "lacks com.fasterxml.jackson.annotation.JsonAutoDetect, tools.jackson.core.JsonParser,")
                .hasMessageEndingWith("It must have Trestle, what Trestle needs, and the classes of the calls.");
        assertThatThrownBy(() -> TestPools.plain(1)
                        .classPath(folder + File.separator + "*")
                        .build())
                .hasMessageContaining("lacks dev.trestle.processpool.child.WorkerMain, dev.trestle.api.Call,");
    }

    @Test
    void theUrlOfAFileMayBeWithoutEscapes() throws Exception {
        @SuppressWarnings("deprecation") // only the old constructor takes it, and some build tools use that
        var url = new URL("file:/my app/a.jar");
        try (var loader = new URLClassLoader(new URL[] {url}, null)) {
            assertThat(ProgramClasses.of(loader).path()).isEqualTo("/my app/a.jar");
        }
    }

    @Test
    void aRelativeClassPathWorksInAnotherWorkingDirectory() {
        JvmOptions options = TestPools.jvmOptions(
                TestPools.plain(1).classPath(String.join(File.pathSeparator, "lib/*", "", "a.jar")));
        String here = System.getProperty("user.dir");

        assertThat(JavaCommand.arguments(options))
                .containsSequence("-cp", String.join(File.pathSeparator, here + "/lib/*", here, here + "/a.jar"));
    }

    // In other class loaders

    @Test
    void aProgramInAClassLoaderOfUrlsHasWorkersWithTheSameUrls() throws Exception {
        URL[] urls = FatJar.needed().stream().map(ProgramClassesTest::url).toArray(URL[]::new);
        try (var loader = new URLClassLoader("of a build tool", urls, ClassLoader.getPlatformClassLoader())) {
            var answer = loader.loadClass(PackagedProgram.class.getName()).getDeclaredMethod("answer");
            answer.setAccessible(true);

            assertThat(answer.invoke(null))
                    .isEqualTo("Point[x=42, names=[a]] from a AppClassLoader to a URLClassLoader");
        }
    }

    private static URL url(Path file) {
        return url(file.toUri().toString());
    }

    private static URL url(String text) {
        try {
            return URL.of(URI.create(text), text.startsWith("jar:nested:") ? new Nested() : null);
        } catch (IOException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private static final class Nested extends URLStreamHandler {
        @Override
        protected URLConnection openConnection(URL url) throws IOException {
            throw new IOException("not to be read");
        }
    }

    @Test
    void theUrlsOfAClassLoaderAndItsParentsBecomeAClassPath() throws Exception {
        try (var parent = new URLClassLoader(new URL[] {url("file:/none/shared.jar")});
                var loader = new URLClassLoader(
                        new URL[] {
                            url("file:/my%20app/classes/"),
                            url("jar:file:/my%20app/a.jar!/"),
                            url("file:/none/shared.jar")
                        },
                        parent)) {
            assertThat(ProgramClasses.of(loader))
                    .isEqualTo(new ProgramClasses(
                            String.join(
                                    File.pathSeparator,
                                    "/my app/classes",
                                    "/my app/a.jar",
                                    "/none/shared.jar",
                                    ProgramClasses.real(System.getProperty("java.class.path"))),
                            List.of(),
                            Optional.empty()));
        }
    }

    @Test
    void aClassLoaderThatDoesNotSayWhatItHasIsRefused() throws Exception {
        assertThatThrownBy(() -> ProgramClasses.of(new ClassLoader("bundle", null) {}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("Trestle was loaded by 'bundle', a " + ProgramClassesTest.class.getName() + "$")
                .hasMessageContaining("does not say where it finds them")
                .hasMessageContaining("ProcessPool.builder().classPath(...)");
        try (var remote = new URLClassLoader(new URL[] {url("http://localhost/a.jar")})) {
            assertThatThrownBy(() -> ProgramClasses.of(remote))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining(
                            "a java.net.URLClassLoader has some of them from http://localhost/a.jar, which"
                                    + " java -cp cannot take")
                    .hasMessageContaining("ProcessPool.builder().classPath(...)");
        }
    }

    @Test
    void workersOfASpringBootJarStartByItsLauncher() throws Exception {
        Path jar = FatJar.of(PackagedProgram.class, folder.resolve("app.jar"));

        assertThat(answerOf("-jar", jar.toString()))
                .isEqualTo("Point[x=42, names=[a]] from a LaunchedClassLoader to a LaunchedClassLoader");
    }

    @Test
    void aProgramInAJarOfJarsRunsCallsAndMainsInASandbox() throws Exception {
        Path jar = FatJar.of(PackagedJail.class, folder.resolve("jail.jar"));

        assertThat(answerOf("-jar", jar.toString()).lines())
                .containsExactly(
                        "Point[x=42, names=[a]] from a LaunchedClassLoader",
                        "MainResult[exitCode=3, out=Point[x=7, names=[b]] from a LaunchedClassLoader, err=]",
                        "hidden: " + Sandbox.support().isAvailable());
    }

    @Test
    void aWarOfSpringBootHasItsJarsElsewhere() throws Exception {
        System.setProperty("loader.path", "plugins");
        try (var loader = new PropertiesLauncher.NestedJars(url("jar:nested:/app.war/!WEB-INF/classes/!/"))) {
            ProgramClasses found = ProgramClasses.of(loader);

            assertThat(found.launcher()).contains(PropertiesLauncher.class.getName());
            assertThat(found.options())
                    .containsExactly(
                            "-Dloader.main=dev.trestle.processpool.child.WorkerMain",
                            "-Dloader.path=plugins,WEB-INF/classes,WEB-INF/lib,WEB-INF/lib-provided");
        } finally {
            System.clearProperty("loader.path");
        }
    }

    // Classes that workers do not have

    private static final String PLUGIN = """
        package plugin;

        public class Plugin {
            public record Answer(int value) {}

            public static dev.trestle.api.Call<Answer> call() {
                return () -> new Answer(42);
            }

            public static class Refused extends RuntimeException {
                public Refused(String message) {
                    super(message);
                }
            }

            public static dev.trestle.api.Call<Answer> failing() {
                return () -> {
                    dev.trestle.processpool.WorkerContext.current().message("fails");
                    throw new Refused("on purpose");
                };
            }

            public static dev.trestle.api.RunnableCall initializer() {
                return () -> {};
            }

            public static dev.trestle.processpool.CallListener listener() {
                return new dev.trestle.processpool.CallListener() {
                    public void progress(double fraction, String text) {}
                };
            }

            public record Question(int value) implements dev.trestle.api.Call<Answer> {
                public Answer call() {
                    return new Answer(2 * value);
                }
            }
        }
        """;

    @Test
    void aCallOfAClassThatWorkersLackIsRefusedWithItsClassPath() throws Exception {
        Path source = Files.createDirectories(folder.resolve("plugin")).resolve("Plugin.java");
        Files.writeString(source, PLUGIN);
        Path classes = folder.resolve("classes");
        runTool("javac", "-cp", System.getProperty("java.class.path"), "-d", classes.toString(), source.toString());
        try (var loader = new URLClassLoader(
                        "plug-in", new URL[] {url(classes)}, getClass().getClassLoader());
                var without = TestPools.plain(1).build();
                var with = TestPools.plain(1)
                        .classPath(System.getProperty("java.class.path") + File.pathSeparator + classes)
                        .build()) {
            Class<?> plugin = loader.loadClass("plugin.Plugin");
            var call = (Call<?>) plugin.getMethod("call").invoke(null);
            var question = (Call<?>) loader.loadClass("plugin.Plugin$Question")
                    .getConstructor(int.class)
                    .newInstance(21);
            String why = " was loaded by 'plug-in', a java.net.URLClassLoader, and workers have only what Trestle's own"
                    + " class loader has. Let them have it: ProcessPool.builder().classPath(System.getProperty("
                    + "\"java.class.path\") + \"" + File.pathSeparator + classes + "\").";

            assertThatThrownBy(() -> without.submit(call))
                    .isInstanceOf(CallNotSerializableException.class)
                    .hasMessage("The call Plugin.call(Plugin.java:7) cannot travel: its class plugin.Plugin" + why);
            assertThatThrownBy(() -> without.submit(question))
                    .isInstanceOf(CallNotSerializableException.class)
                    .hasMessage(
                            "The call plugin.Plugin$Question cannot travel: its class plugin.Plugin$Question" + why);
            assertThat(with.submit(call).result())
                    .hasToString("Answer[value=42]")
                    .satisfies(answer ->
                            assertThat(answer.getClass().getClassLoader()).isSameAs(loader));
            assertThat(with.submit(question).result()).hasToString("Answer[value=42]");
        }
    }

    @Test
    void workerStartedAfterAChangeOfClassesRefusesCalls() throws Exception {
        Path source = Files.createDirectories(folder.resolve("plugin")).resolve("Plugin.java");
        Path classes = folder.resolve("classes");
        String[] javac = {"-cp", System.getProperty("java.class.path"), "-d", classes.toString(), source.toString()};
        Files.writeString(source, PLUGIN);
        runTool("javac", javac);
        try (var loader = new URLClassLoader(
                        "plug-in", new URL[] {url(classes)}, getClass().getClassLoader());
                var pool = TestPools.plain(1)
                        .maxTasksPerWorker(2)
                        .classPath(System.getProperty("java.class.path") + File.pathSeparator + classes)
                        .build()) {
            var call = (Call<?>)
                    loader.loadClass("plugin.Plugin").getMethod("call").invoke(null);
            assertThat(pool.submit(call).result()).hasToString("Answer[value=42]");
            Files.writeString(
                    source,
                    PLUGIN.replaceFirst(
                            "public static dev",
                            "static dev.trestle.api.Call<Answer> other() { return () -> new Answer(666); }"
                                    + " public static dev"));
            runTool("javac", javac);
            assertThat(pool.submit(call).result()).as("by the old worker").hasToString("Answer[value=42]");

            assertThatThrownBy(pool.submit(call)::result)
                    .as("by the next one")
                    .isInstanceOf(CallNotSerializableException.class)
                    .hasMessageContaining("plugin.Plugin is another version in the worker")
                    .hasMessageContaining("Have the classes changed on disk since the program started?");
            assertThat(pool.submit(() -> 1).result())
                    .as("a call of another class")
                    .isEqualTo(1);
        }
    }

    /** The thread that submits its calls has its class loader as the context, as in an application server. */
    @Test
    void theClassLoaderOfAPluginIsCollectedWhenItsCallsAreOver() throws Exception {
        Path source = Files.createDirectories(folder.resolve("plugin")).resolve("Plugin.java");
        Files.writeString(source, PLUGIN);
        Path classes = folder.resolve("classes");
        runTool("javac", "-cp", System.getProperty("java.class.path"), "-d", classes.toString(), source.toString());
        try (var pool = TestPools.plain(1)
                .classPath(System.getProperty("java.class.path") + File.pathSeparator + classes)
                .build()) {
            WeakReference<ClassLoader> loader = new WeakReference<>(calledBy(classes, pool));

            Gate.until(() -> {
                System.gc();
                return loader.get() == null;
            });
            assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
        }
    }

    /** The classes were those of calls, arguments, results, exceptions, listeners and the initializer. */
    @Test
    void aClosedPoolKeepsNoClass() throws Exception {
        Path source = Files.createDirectories(folder.resolve("plugin")).resolve("Plugin.java");
        Files.writeString(source, PLUGIN);
        Path classes = folder.resolve("classes");
        runTool("javac", "-cp", System.getProperty("java.class.path"), "-d", classes.toString(), source.toString());
        var loader = new WeakReference<ClassLoader>(null);
        ProcessPool pool;
        try (var plugin = new URLClassLoader(
                "plug-in", new URL[] {url(classes)}, getClass().getClassLoader())) {
            loader = new WeakReference<>(plugin);
            pool = closedAfterCallsOf(plugin.loadClass("plugin.Plugin"), classes);
        }

        var collected = loader;
        Gate.until(() -> {
            System.gc();
            return collected.get() == null;
        });
        assertThat(pool.isTerminated()).isTrue();
        assertThatThrownBy(() -> pool.submit(() -> 1)).isInstanceOf(RejectedExecutionException.class);
    }

    private static ProcessPool closedAfterCallsOf(Class<?> plugin, Path classes) throws Exception {
        var listener = (CallListener) plugin.getMethod("listener").invoke(null);
        var initializer = (RunnableCall) plugin.getMethod("initializer").invoke(null);
        var call = (Call<?>) plugin.getMethod("call").invoke(null);
        var failing = (Call<?>) plugin.getMethod("failing").invoke(null);
        try (var pool = TestPools.builder(1)
                .classPath(System.getProperty("java.class.path") + File.pathSeparator + classes)
                .initializer(initializer)
                .build()) {
            Object answer = pool.submit(call).result();
            assertThat(pool.submit(() -> answer.toString()).result())
                    .as("by a call of the program")
                    .isEqualTo("Answer[value=42]");
            assertThat(pool.submit(failing, CallOptions.DEFAULT.withListener(listener))
                            .exception()
                            .orElseThrow())
                    .hasSameClassAs(plugin.getClassLoader()
                            .loadClass("plugin.Plugin$Refused")
                            .getConstructor(String.class)
                            .newInstance(""));
            return pool;
        }
    }

    private static ClassLoader calledBy(Path classes, ProcessPool pool) throws Exception {
        Thread here = Thread.currentThread();
        ClassLoader before = here.getContextClassLoader();
        try (var loader = new URLClassLoader("plug-in", new URL[] {url(classes)}, before)) {
            here.setContextClassLoader(loader);
            var call = (Call<?>)
                    loader.loadClass("plugin.Plugin").getMethod("call").invoke(null);
            assertThat(pool.submit(call).result()).hasToString("Answer[value=42]");
            return loader;
        } finally {
            here.setContextClassLoader(before);
        }
    }

    private static final String SOURCE = """
        import dev.trestle.processpool.*;
        import java.nio.file.*;

        void main(String[] arguments) throws Exception {
            String said = "";
            try (var pool = new ProcessPool(1)) {
                pool.submit(() -> 1);
            } catch (CallNotSerializableException e) {
                said = e.getMessage();
            }
            Files.writeString(Path.of(arguments[0]), said);
        }
        """;

    @Test
    void programInSourceMustBeCompiledToFiles() throws Exception {
        Path source = Files.writeString(folder.resolve("Tried.java"), SOURCE);

        assertThat(answerOf("-cp", System.getProperty("java.class.path"), source.toString()))
                .isEqualTo("The call Tried.main(Tried.java:7) cannot travel: its class Tried was compiled in memory, by"
                        + " java with the name of a source file, and workers cannot find it. Compile it to files"
                        + " and run these: javac -d classes Tried.java, java"
                        + " -cp classes" + File.pathSeparator + "... Tried.");
    }

    // The Java runtime

    @Test
    void aRuntimeWithoutModulesThatAreNeededIsRefused() throws Exception {
        assertThat(answerOf(
                        "--limit-modules=java.base,java.management",
                        "-cp",
                        System.getProperty("java.class.path"),
                        PackagedProgram.class.getName()))
                .isEqualTo("A process pool needs modules that this Java runtime, " + System.getProperty("java.home")
                        + ", does not have: make it with jlink --add-modules java.xml,jdk.jfr, in addition"
                        + " to the modules that it has.");
    }

    @Test
    void aRuntimeWithoutALauncherIsRefused() {
        String home = System.getProperty("java.home");
        System.setProperty("java.home", folder.toString());
        try {
            assertThatThrownBy(() -> new ProcessPool(1))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining(folder.resolve("bin").resolve("java") + ", and there is no such file")
                    .hasMessageContaining("A runtime made by jlink --strip-native-commands has none")
                    .hasMessageContaining(
                            "jpackage --jlink-options \"--strip-debug --no-man-pages --no-header-files\"");
            System.clearProperty("java.home");
            assertThatThrownBy(() -> new ProcessPool(1))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("this program has none, as a native image of GraalVM");
        } finally {
            System.setProperty("java.home", home);
        }
    }
}
