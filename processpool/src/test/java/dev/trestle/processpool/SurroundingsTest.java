package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.processpool.wire.AsciiText;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs in a locale, a network or a container that is not what most have. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class SurroundingsTest {

    @TempDir
    Path folder = Path.of("");

    private List<String> options(Stream<String> more) {
        return Stream.concat(
                        Stream.of(
                                "-Xmx64m",
                                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                                "-Djava.io.tmpdir=" + folder),
                        more)
                .toList();
    }

    private List<String> run(
            List<String> launcher, Class<?> program, Map<String, String> environment, Stream<String> options)
            throws Exception {
        return run(launcher, TestJvm.command(options(options), program), environment);
    }

    /** Runs a program; returns what it printed, line by line. */
    private List<String> run(List<String> launcher, List<String> program, Map<String, String> environment)
            throws Exception {
        Path output = folder.resolve("output");
        var command = new ArrayList<>(launcher);
        command.addAll(program);
        var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().putAll(environment);
        Process process = builder.start();
        try {
            assertThat(process.waitFor(50, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        List<String> lines = Files.readAllLines(output, StandardCharsets.ISO_8859_1);
        assertThat(process.exitValue())
                .as("the exit code of a program that printed %s", lines)
                .isZero();
        return lines;
    }

    /** Talks to a worker in both directions. */
    static final class Talking {
        public static void main(String[] arguments) {
            byte[] large = new byte[4 << 20];
            try (var pool = TestPools.of(1)) {
                print("large=" + pool.submit(() -> large).result().length);
                print("failed=" + pool.statistics().startsFailed());
            }
        }
    }

    @SuppressWarnings("SystemOut") // how the programs of this test speak
    private static void print(String line) {
        System.out.println(AsciiText.encode(line));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-Djava.net.preferIPv6Addresses=true",
                "-Djava.net.preferIPv6Addresses=system",
                "-Djava.net.preferIPv4Stack=true",
                "-Dfile.encoding=UTF-16",
                "-Dfile.encoding=US-ASCII"
            })
    void aProgramWithOtherPreferencesThanItsWorkersTalksToThem(String option) throws Exception {
        // Over ports if that is what the option is about; and in UTF-16 no socket would have the name that it should.
        Path temporary = Files.createDirectory(folder.resolve("d".repeat(option.contains("net") ? 120 : 1)));
        List<String> lines =
                run(List.of(), Talking.class, Map.of(), Stream.of("-Djava.io.tmpdir=" + temporary, option));

        assertThat(lines).map(line -> line.replace("\0", "")).containsSubsequence("large=4194304", "failed=0");
        assertThat(temporary).isEmptyDirectory();
    }

    /** A program in the locale POSIX, which has nothing but ASCII. */
    static final class InPosix {
        public static void main(String[] arguments) {
            Map<String, String> names =
                    Map.of("greeting", "gr\u00fc\u00dfe", "both.ways", "\\u4e2d = \u4e2d", "lone", "\ud83d");
            var builder = TestPools.builder(1).jvmArguments("-Dof.the.jvm=\u00e4", "-Dwithout.value");
            names.forEach(builder::systemProperty);
            try (var pool = builder.build()) {
                names.forEach((name, value) -> print(name + " "
                        + AsciiText.encode(value)
                                .equals(pool.submit(() -> AsciiText.encode(System.getProperty(name)))
                                        .result())));
                print("of.the.jvm "
                        + pool.submit(() -> System.getProperty("of.the.jvm")).result());
            }
            refused(pool -> pool.jvmArguments("-Xlog:gc:file=\u00e4.log"));
            refused(pool -> pool.systemProperty("java.library.path", "/\u00e4"));
            refused(pool -> pool.environment("GREETING", "gr\u00fc\u00dfe"));
            refused(pool -> pool.environment("ZERO", "\0"));
            refused(pool -> pool.classPath("/a:/\u00e4"));
        }

        private static void refused(UnaryOperator<ProcessPool.Builder> option) {
            try (var pool = option.apply(TestPools.builder(1)).build()) {
                print("accepted by " + pool);
            } catch (IllegalStateException e) {
                print("refused: " + e.getMessage());
            }
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void textThatTheLocaleCannotEncodeTravelsOrIsRefused() throws Exception {
        List<String> lines = run(
                List.of(), InPosix.class, Map.of("LC_ALL", "POSIX"), Stream.of("-Duser.home=/home/gr\u00fc\u00dfe"));

        assertThat(lines).contains("greeting true", "both.ways true", "lone true", "of.the.jvm \\u00e4");
        assertThat(lines.stream().filter(line -> line.startsWith("refused")))
                .hasSize(5)
                .allSatisfy(line -> assertThat(line).containsAnyOf("LC_ALL=C.UTF-8", "the number 0"))
                .satisfiesExactly(
                        line -> assertThat(line).contains("the argument file=\\u00e4.log"),
                        line -> assertThat(line).contains("the argument -Djava.library.path=/\\u00e4"),
                        line -> assertThat(line).contains("the environment variable GREETING:"),
                        line -> assertThat(line).contains("the environment variable ZERO:"),
                        line -> assertThat(line).contains("the argument /\\u00e4:"));
        assertThat(lines).noneMatch(line -> line.startsWith("accepted"));
    }

    static Stream<Map<String, String>> locales() {
        return Stream.of(Map.of("LC_ALL", "POSIX"), Map.of("LC_ALL", "C.UTF-8"));
    }

    /** The working directory cannot be expressed, and nothing depends on it. */
    @ParameterizedTest
    @MethodSource("locales")
    @EnabledOnOs(OS.LINUX)
    void poolWorksInADirectoryThatTheLocaleCannotEncode(Map<String, String> locale) throws Exception {
        Path there = folder.resolve("there.sh");
        Files.writeString(there, """
            cd "$(dirname "$0")" && mkdir gr\u00fc\u00dfe && cd gr* && exec "$@"
            """);
        List<String> lines = run(List.of("sh", there.toString()), Talking.class, locale, Stream.of());

        assertThat(lines).contains("large=4194304", "failed=0");
    }

    /** Wants more workers than it can have. */
    static final class WantsManyWorkers {
        public static void main(String[] arguments) {
            try (var pool = TestPools.builder(24).heap(16 << 20).build()) {
                List<ConcurrentFuture<Integer>> calls = IntStream.range(0, 48)
                        .mapToObj(i -> pool.submit(() -> i))
                        .toList();
                print("sum=" + calls.stream().mapToInt(ConcurrentFuture::result).sum());
                print("failed=" + (pool.statistics().startsFailed() > 0));
            }
            print("closed");
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void fewFileHandlesAllowFewWorkers() throws Exception {
        var launcher = List.of("sh", "-c", "ulimit -n 96 && exec \"$@\"", "sh");
        List<String> lines = run(
                launcher, WantsManyWorkers.class, Map.of(), Stream.of("-Dorg.slf4j.simpleLogger.defaultLogLevel=off"));

        assertThat(lines).containsExactly("sum=1128", "failed=true", "closed");
    }

    /**
     * A thread counts as a process there. Root has no such limit, so another user runs this, and that user may not read
     * our class path.
     */
    @Test
    @EnabledOnOs(OS.LINUX)
    void aProgramThatMayHaveFewProcessesRunsItsCallsOnThose() throws Exception {
        var launcher =
                List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "prlimit", "--nproc=90:90");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
        assumeTrue(
                new ProcessBuilder(Stream.concat(
                                                launcher.stream(),
                                                Stream.of(
                                                        "touch",
                                                        folder.resolve("there").toString()))
                                        .toList())
                                .start()
                                .waitFor()
                        == 0,
                "only root may be another user, and there are the programs setpriv and prlimit");
        List<String> lines = run(
                launcher,
                TestJvm.command(
                        readableClassPath(),
                        options(Stream.of("-Dorg.slf4j.simpleLogger.defaultLogLevel=off")),
                        WantsManyWorkers.class),
                Map.of());

        assertThat(lines).contains("sum=1128", "closed");
        assertThat(lines).as("how hard it was").anyMatch(line -> line.contains("EAGAIN") || line.equals("failed=true"));
    }

    /** A program with one worker, when the memory limit for its next processes becomes lower than these need. */
    static final class LacksMemoryForFurtherWorkers {
        public static void main(String[] arguments) throws Exception {
            try (var pool = TestPools.builder(2)
                    .heap(1L << 31)
                    .startRetryTime(Duration.ofMillis(100))
                    .build()) {
                pool.submit(() -> 1).result();
                limitMemory();
                int sum = 0;
                while (pool.statistics().startsFailed() == 0) {
                    var calls = List.of(pool.submit(() -> pause()), pool.submit(() -> pause()));
                    sum = calls.stream().mapToInt(ConcurrentFuture::result).sum();
                }
                print("sum=" + sum);
                pool.submit(() -> halt()).exception();
                print("broken=" + pool.submit(() -> 1).exception().orElseThrow());
            }
            print("closed");
        }

        private static void limitMemory() throws IOException, InterruptedException {
            long pid = ProcessHandle.current().pid();
            assertThat(new ProcessBuilder("prlimit", "--pid", Long.toString(pid), "--as=" + (1L << 31))
                            .start()
                            .waitFor())
                    .isZero();
        }

        private static int pause() {
            LockSupport.parkNanos(1_000_000);
            return 1;
        }

        private static int halt() {
            Runtime.getRuntime().halt(9);
            return 0;
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void callsRunOnTheWorkersThatMemorySufficesFor() throws Exception {
        assumeTrue(new ProcessBuilder("prlimit", "--version").start().waitFor() == 0, "there is the program prlimit");
        List<String> lines = run(
                List.of(),
                LacksMemoryForFurtherWorkers.class,
                Map.of("MALLOC_ARENA_MAX", "1"),
                Stream.of(
                        "-XX:CompressedClassSpaceSize=32m",
                        "-XX:ReservedCodeCacheSize=32m",
                        "-Dorg.slf4j.simpleLogger.defaultLogLevel=off"));

        assertThat(lines).contains("sum=2", "closed");
        assertThat(lines)
                .as("what the JVM says, and what to do")
                .anyMatch(line -> line.startsWith("broken=") && line.contains("its workers cannot start"))
                .anyMatch(line -> line.contains("Could not reserve enough space"))
                .anyMatch(line -> line.contains("have fewer workers, or give each a smaller heap"));
    }

    private String readableClassPath() throws IOException {
        Path copies = Files.createDirectory(folder.resolve("classes"));
        var classPath = new ArrayList<String>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            Path from = Path.of(entry);
            Path to = copies.resolve(classPath.size() + "-" + from.getFileName());
            try (Stream<Path> files = Files.walk(from)) {
                for (Path each : files.toList()) {
                    Files.copy(each, to.resolve(from.relativize(each).toString()));
                }
            }
            classPath.add(to.toString());
        }
        return String.join(File.pathSeparator, classPath);
    }

    /** A program that is process 1, so it gets the children of a worker that died. */
    static final class AsInit {
        public static void main(String[] arguments) {
            print("pid=" + ProcessHandle.current().pid());
            try (var pool = TestPools.of(1)) {
                for (int i = 0; i < 2; i++) {
                    pool.submit(() -> leaveChildren()).exception();
                }
                print("result=" + pool.submit(() -> 42).result());
            }
        }

        private static int leaveChildren() throws IOException, InterruptedException {
            new ProcessBuilder("sleep", "3600").start();
            new ProcessBuilder("sh", "-c", "sleep 3600 &").start().waitFor();
            Runtime.getRuntime().halt(9);
            return 0;
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void process1IsToldToRunAnInitProcess() throws Exception {
        var launcher = List.of("unshare", "--fork", "--pid", "--mount-proc");
        assumeTrue(
                new ProcessBuilder(Stream.concat(launcher.stream(), Stream.of("true"))
                                        .toList())
                                .start()
                                .waitFor()
                        == 0,
                "only root may make a namespace for processes, and there is the program unshare");
        List<String> lines = run(launcher, AsInit.class, Map.of(), Stream.of());

        assertThat(lines).contains("pid=1", "result=42");
        assertThat(lines.stream().filter(line -> line.contains("remain as zombies")))
                .as("warned once, in %s", lines)
                .hasSize(1)
                .allSatisfy(line -> assertThat(line).contains("docker run --init"));
    }
}
