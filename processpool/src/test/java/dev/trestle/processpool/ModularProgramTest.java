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
import java.util.Arrays;
import java.util.List;
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

        public class Program {
            record Point(int x, List<String> names) {}

            public static void main(String[] arguments) throws Exception {
                var point = new Point(6, List.of("a"));
                try (var pool = new ProcessPool(1)) {
                    var answer = pool.submit(() -> new Point(point.x() * 7, point.names())).result();
                    var where = pool.submit(() -> Program.class.getModule().toString()).result();
                    java.nio.file.Files.writeString(java.nio.file.Path.of(arguments[0]), answer + " in " + where);
                }
            }
        }
        """;

    @TempDir
    Path folder = Path.of("");

    private static String modulePath() {
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

    private void compile(String modulePath) throws IOException {
        Path source = Files.createDirectories(folder.resolve("source").resolve("program"));
        Files.writeString(source.resolveSibling("module-info.java"), MODULE);
        Files.writeString(source.resolve("Program.java"), PROGRAM);
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
                        folder.resolve("program").toString(),
                        source.resolveSibling("module-info.java").toString(),
                        source.resolve("Program.java").toString());
        assertThat(exit).as(output.toString()).isZero();
    }

    @Test
    void aModularProgramUsesAPool() throws Exception {
        String modulePath = modulePath();
        compile(modulePath);
        Path answer = folder.resolve("answer");
        Path output = folder.resolve("output");
        Process program = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-p",
                        folder.resolve("program") + File.pathSeparator + modulePath,
                        "-m",
                        "program/program.Program",
                        answer.toString()))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            assertThat(program.waitFor(50, TimeUnit.SECONDS)).isTrue();
        } finally {
            program.destroyForcibly();
        }
        assertThat(answer).as(Files.readString(output)).hasContent("Point[x=42, names=[a]] in module program");
    }
}
