package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A program on the module path. */
@Timeout(60)
class ModularProgramTest {

    private static final Set<String> needed = Set.of(
            "dev.trestle.api",
            "dev.trestle.processpool",
            "tools.jackson.core",
            "tools.jackson.databind",
            "tools.jackson.dataformat.smile",
            "com.fasterxml.jackson.annotation",
            "org.zeroturnaround.exec",
            "org.slf4j",
            "org.jspecify");

    private static final String MODULE = """
        module program {
            requires dev.trestle.processpool;
            opens program to dev.trestle.processpool, tools.jackson.databind;
        }
        """;

    private static final String PROGRAM = """
                package program;

                import dev.trestle.processpool.ProcessPool;
                import java.util.List;
        import java.util.Locale;

                public class Program {
                    record Point(int x, List<String> names) {}

                    public static void main(String[] arguments) throws Exception {
                        var point = new Point(6, List.of("a"));
                        try (var pool = new ProcessPool(1)) {
                            var answer = pool.submit(() -> new Point(point.x() * 7, point.names())).result();
                            var where = pool.submit(() -> Program.class.getModule().toString()).result();
                            var file = java.nio.file.Path.of(arguments[0]);
                            java.nio.file.Files.writeString(file, answer + " in " + where);
                        }
                    }
                }
        """;

    @TempDir
    Path folder = Path.of("");

    /** Returns the modules of Trestle and those that it needs, as {@code java -p} takes them. */
    static String modulePath() {
        Path[] entries = Arrays.stream(System.getProperty("java.class.path").split(Pattern.quote(File.pathSeparator)))
                .map(Path::of)
                .filter(Files::exists)
                .toArray(Path[]::new);
        return Arrays.stream(entries)
                .filter(entry -> ModuleFinder.of(entry).findAll().stream()
                        .map(ModuleReference::descriptor)
                        .anyMatch(module -> needed.contains(module.name())))
                .map(Path::toString)
                .collect(Collectors.joining(File.pathSeparator));
    }

    private Path compile(String into, String module, String className, String source, String modulePath)
            throws IOException {
        return compile(folder, into, module, className, source, modulePath);
    }

    /** Compiles a module with one class; its package has the name of the class, in lower case. */
    static Path compile(Path folder, String into, String module, String className, String source, String modulePath)
            throws IOException {
        Path sources = folder.resolve(into + "-source");
        Path file = Files.createDirectories(sources.resolve(className.toLowerCase(Locale.ROOT)))
                .resolve(className + ".java");
        Files.writeString(sources.resolve("module-info.java"), module);
        Files.writeString(file, source);
        Path classes = folder.resolve(into);
        var output = new StringWriter();
        var writer = new PrintWriter(output);
        int exit = ToolProvider.findFirst("javac")
                .orElseThrow()
                .run(
                        writer,
                        writer,
                        "-p",
                        modulePath,
                        "-d",
                        classes.toString(),
                        sources.resolve("module-info.java").toString(),
                        file.toString());
        assertThat(exit).as(output.toString()).isZero();
        return classes;
    }

    /** Runs a modular program; returns what it writes into the file that is its first argument. */
    private String run(String modulePath, String... moreArguments) throws IOException, InterruptedException {
        return run(List.of("-p", modulePath, "-m", "program/program.Program"), moreArguments);
    }

    private String run(List<String> program, String... moreArguments) throws IOException, InterruptedException {
        Path answer = folder.resolve("answer");
        Path output = folder.resolve("output");
        var command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1"));
        command.addAll(program);
        command.add(answer.toString());
        command.addAll(List.of(moreArguments));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            assertThat(process.waitFor(50, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(answer).as(Files.readString(output)).exists();
        return Files.readString(answer);
    }

    @Test
    void aModularProgramUsesAPool() throws Exception {
        String modulePath = modulePath();
        Path program = compile("program", MODULE, "Program", PROGRAM, modulePath);

        assertThat(run(program + File.pathSeparator + modulePath))
                .isEqualTo("Point[x=42, names=[a]] in module program");
    }

    private static final String CLOSED_MODULE = """
        module program {
            requires dev.trestle.processpool;
        }
        """;

    private static final String CLOSED_PROGRAM = """
        package program;

        import dev.trestle.processpool.CallNotSerializableException;
        import dev.trestle.processpool.ProcessPool;
        import java.nio.file.Files;
        import java.nio.file.Path;

        public class Program {
            record Point(int x) {}

            public static void main(String[] arguments) throws Exception {
                var point = new Point(6);
                String text = "";
                try (var pool = new ProcessPool(1)) {
                    text += pool.submit(() -> "without data").result();
                    try {
                        pool.submit(() -> point.x());
                    } catch (CallNotSerializableException e) {
                        text += "\\nsubmit: " + e.getMessage();
                    }
                    var result = pool.submit(() -> new Point(7));
                    text += "\\nresult: " + result.exception().orElseThrow().getMessage();
                }
                Files.writeString(Path.of(arguments[0]), text);
            }
        }
        """;

    @Test
    void aClosedPackageIsNamedWithTheLineThatOpensIt() throws Exception {
        String modulePath = modulePath();
        Path program = compile("program", CLOSED_MODULE, "Program", CLOSED_PROGRAM, modulePath);
        String why =
                "program.Program\\$Point,? (which )?is in a package that its module, program, keeps closed\\. Open it"
                        + " in the module-info of program: opens program to dev\\.trestle\\.processpool,"
                        + " tools\\.jackson\\.databind;";

        assertThat(run(program + File.pathSeparator + modulePath).lines())
                .satisfiesExactly(
                        line -> assertThat(line).isEqualTo("without data"),
                        line -> assertThat(line).matches("submit: The call .* cannot travel: .* is a " + why),
                        line -> assertThat(line).matches("result: The result of .* cannot be read: " + why));
    }

    private static final String VERSIONED_PROGRAM = """
        package program;

        import dev.trestle.processpool.ProcessPool;
        import java.nio.file.Files;
        import java.nio.file.Path;

        public class Program {
            record Point(String version) {}

            static class Elsewhere { // a class that a call runs code of itself has to be the same
                static String version() {
                    return "VERSION";
                }
            }

            static Point version() {
                return new Point(Elsewhere.version());
            }

            public static void main(String[] arguments) throws Exception {
                try (var pool = ProcessPool.builder().workers(1).modulePath(arguments[1]).build()) {
                    var there = pool.submit(Program::version).result();
                    var where = pool.submit(() -> Program.class.getModule().toString()).result();
                    Files.writeString(Path.of(arguments[0]), "here " + version() + ", there " + there + " in " + where);
                }
            }
        }
        """;

    @Test
    void workersMayHaveAModulePathOfTheirOwn() throws Exception {
        String modulePath = modulePath();
        Path here = compile("here", MODULE, "Program", VERSIONED_PROGRAM.replace("VERSION", "1"), modulePath);
        Path there = compile("there", MODULE, "Program", VERSIONED_PROGRAM.replace("VERSION", "2"), modulePath);

        assertThat(run(here + File.pathSeparator + modulePath, there + File.pathSeparator + modulePath))
                .isEqualTo("here Point[version=1], there Point[version=2] in module program");
    }

    /** Starts a modular program in a layer of modules of its own. */
    static final class InALayer {
        public static void main(String[] arguments) throws Exception {
            Path[] modulePath = Arrays.stream(arguments[1].split(Pattern.quote(File.pathSeparator)))
                    .map(Path::of)
                    .toArray(Path[]::new);
            ModuleLayer boot = ModuleLayer.boot();
            var modules = boot.configuration()
                    .resolveAndBind(ModuleFinder.of(), ModuleFinder.of(modulePath), Set.of("program"));
            var layer = ModuleLayer.defineModulesWithOneLoader(
                    modules, List.of(boot), ClassLoader.getPlatformClassLoader());
            layer.addExports(layer.layer().findModule("program").orElseThrow(), "program", InALayer.class.getModule());
            Class<?> program = layer.layer().findLoader("program").loadClass("program.Program");
            program.getMethod("main", String[].class).invoke(null, (Object) arguments);
        }
    }

    @Test
    void programInAModuleLayerNamesTheWorkersModulePath() throws Exception {
        String modulePath = modulePath();
        Path program = compile("program", MODULE, "Program", VERSIONED_PROGRAM.replace("VERSION", "1"), modulePath);
        Path starter = Path.of(InALayer.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());

        assertThat(run(
                        List.of("-cp", starter.toString(), InALayer.class.getName()),
                        program + File.pathSeparator + modulePath))
                .isEqualTo("here Point[version=1], there Point[version=1] in module program");
    }

    @Test
    void workersHaveAllModulesOfTheirModulePath() throws Exception {
        Path extra = compile("extra", "module extra {}", "Extra", """
            package extra;

            class Extra {
                private static String hello() {
                    return "hello from " + Extra.class.getModule();
                }
            }
            """, "");
        try (var pool = TestPools.plain(1).modulePath(extra.toString()).build()) {
            assertThat(pool.submit(ModularProgramTest::callExtra).result()).isEqualTo("hello from module extra");
        }
    }

    private static Object callExtra() throws ReflectiveOperationException {
        var hello = Class.forName("extra.Extra").getDeclaredMethod("hello");
        hello.setAccessible(true);
        return hello.invoke(null);
    }

    private static final String LOGGING_MODULE = """
        module program {
            requires dev.trestle.processpool;
            requires org.slf4j;
            opens program to dev.trestle.processpool, tools.jackson.databind;
        }
        """;

    private static final String LOGGING_PROGRAM = """
        package program;

        import dev.trestle.processpool.ProcessPool;

        public class Program {
            public static void main(String[] arguments) throws Exception {
                try (var pool = ProcessPool.builder().workers(1).forwardLogs(System.Logger.Level.INFO).build()) {
                    pool.submit(() -> org.slf4j.LoggerFactory.getLogger("of.a.call").warn("{}", 42)).result();
                }
                java.nio.file.Files.writeString(java.nio.file.Path.of(arguments[0]), "done");
            }
        }
        """;

    /** SLF4J is a module, and makes the logging system of a worker, which is in a package of another one. */
    @Test
    void aModularProgramGetsTheLogOfItsCalls() throws Exception {
        Path classes = compile("program", LOGGING_MODULE, "Program", LOGGING_PROGRAM, modulePath());

        assertThat(run(modulePath() + File.pathSeparator + classes)).isEqualTo("done");
        assertThat(Files.readString(folder.resolve("output"))).contains("] WARN of.a.call - 42");
    }

    private static final String STARTING_PROGRAM = """
        package program;

        import dev.trestle.processpool.ProcessPool;

        public class Program {
            static class Tool {
                static void main(String[] arguments) {
                    System.out.print(arguments[0] + " in " + Tool.class.getModule());
                    System.exit(4);
                }
            }

            public static void main(String[] arguments) throws Exception {
                try (var pool = new ProcessPool(1)) {
                    var result = pool.runMain(Tool.class, "run").result();
                    java.nio.file.Files.writeString(java.nio.file.Path.of(arguments[0]), result.toString());
                }
            }
        }
        """;

    @Test
    void aModularProgramRunsAnotherMain() throws Exception {
        Path classes = compile("program", MODULE, "Program", STARTING_PROGRAM, modulePath());

        assertThat(run(modulePath() + File.pathSeparator + classes))
                .isEqualTo("MainResult[exitCode=4, out=run in module program, err=]");
    }
}
