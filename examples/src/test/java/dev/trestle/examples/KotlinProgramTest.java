package dev.trestle.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** A program in Kotlin, compiled and run. Kotlin's compiler is there with {@code -Pcompatibility} only: it is large. */
@Timeout(300)
class KotlinProgramTest {

    private static final String COMPILER = "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler";
    private static final Path SOURCE = Path.of("src", "test", "kotlin", "guests", "Guests.kt");
    private static final Path PAGE = Path.of("..", "docs", "with-other-libraries.md");
    private static final String ADVICE = "Make it a data class whose properties are all in its constructor";

    @TempDir
    Path folder = Path.of("");

    static boolean compilerIsThere() {
        return KotlinProgramTest.class.getClassLoader().getResource(COMPILER.replace('.', '/') + ".class") != null;
    }

    private List<String> run(int expectedExit, String classPath, String... arguments) throws Exception {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp",
                classPath));
        command.addAll(List.of(arguments));
        Path output = folder.resolve("output");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            assertThat(process.waitFor(250, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(process.exitValue()).as(Files.readString(output)).isEqualTo(expectedExit);
        return Files.readAllLines(output);
    }

    private List<String> compile(int expectedExit, Path source, Path classes) throws Exception {
        String classPath = System.getProperty("java.class.path");
        return run(
                expectedExit,
                classPath,
                COMPILER,
                "-no-stdlib",
                "-no-reflect",
                "-nowarn",
                "-jvm-target",
                "25",
                "-cp",
                classPath,
                "-d",
                classes.toString(),
                source.toString());
    }

    @Test
    @EnabledIf("compilerIsThere")
    void programInKotlinSendsItsDataClasses() throws Exception {
        Path classes = folder.resolve("classes");
        compile(0, SOURCE, classes);

        List<String> lines =
                run(0, classes + File.pathSeparator + System.getProperty("java.class.path"), "guests.GuestsKt");

        assertThat(lines)
                .containsSubsequence(
                        "Point(x=2, y=2)",
                        "Line(from=Point(x=1, y=2), to=Point(x=1, y=2), names=[a, b])",
                        "Line(from=Point(x=1, y=2), to=Point(x=1, y=2), names=[])",
                        "(Point(x=1, y=2), two)",
                        "(Point(x=1, y=2), 1, [Point(x=1, y=2)])",
                        "Point(x=1, y=2)",
                        "3",
                        "Hidden(secret=1, text=null)",
                        "WithId(id=Id(id=3), size=4)",
                        "Circle(center=Point(x=1, y=2), radius=1.5)",
                        "{Point(x=1, y=2)=[(Point(x=1, y=2), 1)]}",
                        "true",
                        "[]")
                .containsSubsequence("Point(x=40, y=2) 42", "[1, 4, 9]", "42")
                .anySatisfy(line -> assertThat(line)
                        .contains("Ref$IntRef, which is a variable that a lambda shares with the code around it")
                        .contains("Copy it into a constant (val)"))
                .anySatisfy(line -> assertThat(line)
                        .contains("a guests.Derived, which is not data")
                        .contains(ADVICE))
                .anySatisfy(line -> assertThat(line)
                        .contains("a guests.Plain, which is not data")
                        .contains(ADVICE));
    }

    /** A later compiler may accept one of these lines; then the page has to say what it takes the line for. */
    @Test
    @EnabledIf("compilerIsThere")
    void compilerRefusesLambdasWithoutATypeAsThePageSays() throws Exception {
        Path source = Files.writeString(folder.resolve("Bare.kt"), """
            import dev.trestle.loop.Async.createTask
            import dev.trestle.loop.Task
            import dev.trestle.processpool.ProcessPool

            fun submit(pool: ProcessPool) = pool.submit { 40 }

            fun task(): Task<Int> = createTask { 40 }
            """);

        assertThat(compile(1, source, folder.resolve("none")))
                .anySatisfy(line -> assertThat(line).contains("Bare.kt:5:").contains("overload resolution ambiguity"))
                .anySatisfy(line -> assertThat(line).contains("Bare.kt:7:").contains("Task<Void?>"));
    }

    @Test
    void pageShowsCodeThatIsCompiled() throws IOException {
        String source = withoutIndentation(Files.readString(SOURCE));
        List<String> shown = Pattern.compile("```kotlin\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(PAGE))
                .results()
                .map(each -> withoutIndentation(each.group(1)))
                .toList();

        assertThat(shown).hasSize(2).allSatisfy(each -> assertThat(source).contains(each));
    }

    private static String withoutIndentation(String code) {
        return code.replaceAll("(?m)^\\s+", "");
    }
}
