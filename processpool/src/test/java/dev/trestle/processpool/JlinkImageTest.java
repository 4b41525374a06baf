package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * A program in an image that jlink has made of its modules, of Trestle and of what Trestle needs. A build runs it by its
 * launcher; CONTRIBUTING.md has the command for all.
 */
@Timeout(120)
class JlinkImageTest {

    private static final String MODULE = """
        module program {
            requires transitive dev.trestle.processpool;
            requires java.management;
            exports program;
            opens program to dev.trestle.processpool, tools.jackson.databind;
        }
        """;

    private static final String PROGRAM = """
        package program;

        import dev.trestle.processpool.ProcessPool;
        import dev.trestle.processpool.Sandbox;
        import java.lang.management.ManagementFactory;
        import java.nio.file.Files;
        import java.nio.file.Path;
        import java.util.ArrayList;
        import java.util.List;

        public class Program {
            record Point(int x, List<String> names) {}

            public static class Odd extends RuntimeException {
                public Odd(String message) {
                    super(message);
                }
            }

            // To look into the JDK is allowed by an option of the image only.
            static String opened() throws Exception {
                var size = ArrayList.class.getDeclaredField("size");
                size.setAccessible(true);
                return "size " + size.get(new ArrayList<>(List.of(1, 2, 3)));
            }

            static String nameOf(String className) throws Exception {
                return Class.forName(className).getModule().getName();
            }

            public static class Inner {
                public static void main(String[] arguments) {
                    System.out.print(Inner.class.getModule() + " " + List.of(arguments));
                    System.exit(3);
                }
            }

            static boolean startedFromCache() {
                return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                        .anyMatch(argument -> argument.startsWith("-XX:AOTCache="));
            }

            public static void main(String[] arguments) throws Exception {
                Path answers = Path.of(arguments[0]);
                var lines = new ArrayList<String>();
                var builder = ProcessPool.builder().workers(1).aotCacheDirectory(answers.resolveSibling("aot"));
                if (arguments[1].equals("train")) {
                    try (var pool = builder.build()) {
                        lines.add("made " + pool.makeAotCache());
                    }
                    try (var pool = builder.build()) {
                        lines.add("used " + pool.submit(Program::startedFromCache).result());
                    }
                } else if (arguments[1].equals("jail")) {
                    var point = new Point(6, List.of("a"));
                    String hidden = Files.createFile(answers).toString();
                    try (var pool = builder.sandbox(Sandbox.strict()).aotCache(false).build()) {
                        lines.add(pool.submit(() -> new Point(point.x() * 7, point.names())).result().toString());
                        lines.add(pool.submit(() -> Program.class.getModule().toString()).result());
                        lines.add(pool.submit(Program::opened).result());
                        lines.add("hidden " + pool.submit(() -> !Files.exists(Path.of(hidden))).result());
                        lines.add(pool.runMain(Inner.class, "b").result().toString());
                    }
                } else {
                    var point = new Point(6, List.of("a"));
                    try (var pool = builder.aotCache(false).build()) {
                        lines.add(pool.submit(() -> new Point(point.x() * 7, point.names())).result().toString());
                        lines.add(pool.submit(() -> Program.class.getModule().toString()).result());
                        lines.add(pool.submit(Program::opened).result());
                        lines.add(pool.submit(() -> {
                            if (point.x() == 6) {
                                throw new Odd("odd");
                            }
                        }).exception().orElseThrow().toString());
                        for (String each : arguments[1].split(",")) {
                            lines.add(pool.submit(() -> nameOf(each)).result());
                        }
                    }
                }
                Files.write(answers, lines);
            }
        }
        """;

    @TempDir
    static Path folder = Path.of("");

    private static Path image = Path.of("");

    @BeforeAll
    static void link() throws IOException {
        String modulePath = ModularProgramTest.modulePath();
        Path program = ModularProgramTest.compile(folder, "program", MODULE, "Program", PROGRAM, modulePath);
        image = folder.resolve("image");
        var output = new StringWriter();
        var writer = new PrintWriter(output);
        int exit = ToolProvider.findFirst("jlink")
                .orElseThrow()
                .run(
                        writer,
                        writer,
                        "-p",
                        program + File.pathSeparator + modulePath,
                        "--add-modules",
                        "program,java.logging", // without java.compiler, jdk.unsupported and most others
                        "--launcher",
                        "app=program/program.Program",
                        "--add-options=--add-opens=java.base/java.util=program",
                        "--no-man-pages",
                        "--no-header-files",
                        "--output",
                        image.toString());
        assertThat(exit).as(output.toString()).isZero();
    }

    /** Runs a command of the image; returns the lines that the program writes into the file that it is told. */
    private static List<String> run(String command, List<String> options, String argument) throws Exception {
        Path answer = Files.createTempFile(folder, "answer", "");
        Files.delete(answer);
        var all = new ArrayList<>(List.of(image.resolve("bin").resolve(command).toString()));
        all.addAll(options);
        all.add(answer.toString());
        all.add(argument);
        Path output = folder.resolve("output");
        Process process = TestJvm.start(all, output);
        try {
            assertThat(process.waitFor(100, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(answer).as(Files.readString(output)).exists();
        return Files.readAllLines(answer);
    }

    @Test
    void launcherOfAnImageRunsAProgramWhoseWorkersHaveItsModules() throws Exception {
        assertThat(run("app", List.of(), "tools.jackson.databind.ObjectMapper"))
                .containsExactly(
                        "Point[x=42, names=[a]]",
                        "module program",
                        "size 3",
                        "program.Program$Odd: odd",
                        "tools.jackson.databind");
    }

    /** Jlink takes no automatic modules: they are on a module path beside the image. */
    @Test
    @EnabledIfSystemProperty(named = "trestle.images.all", matches = "true")
    void workersHaveTheAutomaticModulesBesideAnImage() throws Exception {
        Path classes = ModularProgramTest.compile(
                folder, "extra", "module extra {}", "Extra", "package extra; public class Extra {}", "");
        Path jar = folder.resolve("extra.jar");
        try (var out = new JarOutputStream(Files.newOutputStream(jar))) {
            out.putNextEntry(new JarEntry("extra/Extra.class"));
            Files.copy(classes.resolve("extra").resolve("Extra.class"), out);
        }

        assertThat(run(
                        "java",
                        List.of("-p", jar.toString(), "--add-modules", "extra", "-m", "program/program.Program"),
                        "extra.Extra,tools.jackson.core.JsonParser"))
                .endsWith("extra", "tools.jackson.core");
    }

    /** The main class sees all modules of the image, and so do the calls in its workers. */
    @Test
    @EnabledIfSystemProperty(named = "trestle.images.all", matches = "true")
    void workersOfAProgramBesideItsImageHaveTheModulesThatItSees() throws Exception {
        Path classes = ModularProgramTest.compile(
                folder,
                "beside",
                "module beside { requires program; }",
                "Beside",
                """
                package beside;

                public class Beside {
                    public static void main(String[] arguments) throws Exception {
                        program.Program.main(arguments);
                    }
                }
                """,
                folder.resolve("program") + File.pathSeparator + ModularProgramTest.modulePath());
        Files.delete(classes.resolve("module-info.class"));

        assertThat(run("java", List.of("-cp", classes.toString(), "beside.Beside"), "java.util.logging.Logger"))
                .contains("module program")
                .endsWith("java.logging");
    }

    @Test
    void workersOfAnImageRunCallsAndMainsInASandbox() throws Exception {
        Jails.assume();

        assertThat(run("app", List.of(), "jail"))
                .containsExactly(
                        "Point[x=42, names=[a]]",
                        "module program",
                        "size 3",
                        "hidden true",
                        "MainResult[exitCode=3, out=module program [b], err=]");
    }

    @Test
    @EnabledIfSystemProperty(named = "trestle.images.all", matches = "true")
    void workersOfAnImageStartFromAnAotCache() throws Exception {
        assertThat(run("app", List.of(), "train")).containsExactly("made true", "used true");
    }
}
