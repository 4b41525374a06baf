package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import dev.trestle.processpool.NothingLeft;
import dev.trestle.processpool.TestPools;
import dev.trestle.processpool.WorkerDiedException;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.PrintStream;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.ILoggerFactory;
import org.slf4j.Logger;
import org.slf4j.event.Level;
import org.slf4j.helpers.SubstituteLoggerFactory;

@Timeout(30)
@ExtendWith(NothingLeft.class)
class LogTest {

    @Test
    void aLoggerThatThrowsDoesNoHarm() {
        var broken = (Logger)
                Proxy.newProxyInstance(LogTest.class.getClassLoader(), new Class<?>[] {Logger.class}, (_, _, _) -> {
                    throw new OutOfMemoryError("by hand");
                });

        assertThatCode(() -> new Log(broken).error("{} failed", "it")).doesNotThrowAnyException();
    }

    @Test
    void withoutALoggingSystemLinesGoToStandardError() {
        var printed = new ByteArrayOutputStream();
        var stream = new PrintStream(printed, true, StandardCharsets.UTF_8);
        var log = new Log(new StandardErrorLogger(() -> stream, Level.WARN));

        log.info("{} started", "a worker");
        log.warn("{} (pid {}) died: {}", "w-1", 7, "exit code 3");
        log.error("{} failed", "it", new IllegalStateException("by hand"));

        assertThat(printed.toString(StandardCharsets.UTF_8).lines())
                .startsWith("w-1 (pid 7) died: exit code 3", "it failed", "java.lang.IllegalStateException: by hand")
                .element(3, STRING)
                .startsWith("\tat ");
    }

    @Test
    void controlCharactersAreShownAndLinesIndented() {
        var printed = new ByteArrayOutputStream();
        var stream = new PrintStream(printed, true, StandardCharsets.UTF_8);
        var log = new Log(new StandardErrorLogger(() -> stream, Level.WARN));

        log.warn("{} died: {}", "w-1", "\u001b[2J\r\n2026-11-27 ERROR forged");
        log.error("it failed", new IllegalStateException("\u001b[2J"));

        assertThat(printed.toString(StandardCharsets.UTF_8).lines())
                .startsWith(
                        "w-1 died: \\u001b[2J",
                        "\t2026-11-27 ERROR forged",
                        "it failed",
                        "java.lang.IllegalStateException: \\u001b[2J");
    }

    @Test
    void aLongArgumentIsCut() {
        var printed = new ByteArrayOutputStream();
        var stream = new PrintStream(printed, true, StandardCharsets.UTF_8);

        new Log(new StandardErrorLogger(() -> stream, Level.WARN)).warn("{} died", "x".repeat(1 << 20));

        assertThat(printed.size()).isLessThan(70_000);
        assertThat(printed.toString(StandardCharsets.UTF_8)).endsWith("more characters) died\n");
    }

    /**
     * While another thread sets SLF4J up, SLF4J hands out substitutes; a thread may get hold of their factory and ask
     * it for a logger when the set-up is over and nothing will ever be behind that logger.
     */
    @Test
    void aSubstituteLoggerIsNotKept() {
        var printed = new ByteArrayOutputStream();
        var stream = new PrintStream(printed, true, StandardCharsets.UTF_8);
        var substitutes = new SubstituteLoggerFactory();
        var factory = new AtomicReference<ILoggerFactory>(substitutes);
        var log = new Log(new LoggerSource("x", Level.WARN, factory::get)::get);
        log.warn("during the set-up");
        factory.set(_ -> new StandardErrorLogger(() -> stream, Level.WARN));
        substitutes.clear();

        log.warn("after it");
        factory.set(_ -> {
            throw new AssertionError("asked again");
        });
        log.warn("and later");

        assertThat(printed.toString(StandardCharsets.UTF_8).lines()).containsExactly("after it", "and later");
    }

    /** A program without a logging system on its class path. */
    static final class Printing {
        public static void main(String[] arguments) {
            try (var pool = TestPools.builder(1).name("quiet").build()) {
                pool.submit(() -> print("a line of a call")).result();
                assertThatThrownBy(() ->
                                pool.submit(() -> Runtime.getRuntime().halt(3)).result())
                        .isInstanceOf(WorkerDiedException.class);
            }
        }

        @SuppressWarnings("SystemOut") // what calls do
        private static void print(String line) {
            System.out.println(line);
            System.err.println("error: " + line);
        }
    }

    @Test
    void printsOfCallsAreSeenWithoutALoggingSystem(@TempDir Path folder) throws Exception {
        Path output = folder.resolve("output");
        String classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.contains("slf4j-simple"))
                .collect(Collectors.joining(File.pathSeparator));
        Process program = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-Xmx64m",
                        "-cp",
                        classPath,
                        Printing.class.getName())
                .redirectError(output.toFile())
                .start();
        try {
            assertThat(program.waitFor(20, TimeUnit.SECONDS)).isTrue();
        } finally {
            program.destroyForcibly();
        }

        assertThat(Files.readString(output))
                .contains("[quiet-worker-1] a line of a call\n", "[quiet-worker-1] error: a line of a call\n")
                .containsPattern("quiet-worker-1 \\(pid \\d+\\) died: .*exit code 3");
        assertThat(program.exitValue()).isZero();
    }
}
