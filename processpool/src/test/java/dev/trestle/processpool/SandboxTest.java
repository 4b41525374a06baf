package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The things that a sandbox shows and allows. {@link EscapeTest} has those that it keeps out. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class SandboxTest {

    @TempDir
    Path folder = Path.of("");

    @BeforeAll
    static void assume() {
        Jails.assume();
    }

    private static ProcessPool.Builder builder(Sandbox sandbox) {
        return TestPools.builder(1).heap(64 << 20).sandbox(sandbox);
    }

    @Test
    void callsRunAsElsewhere() {
        String text = "never trust a document from the internet";
        try (
        // @start region="sandbox"
        var pool = ProcessPool.builder()
                .workers(2)
                .sandbox(Sandbox.strict())
                .callTimeout(Duration.ofSeconds(10))
                .build()
        // @end
        ) {
            assertThat(pool.submit(() -> text.split(" ", -1).length).result()).isEqualTo(7);
            assertThat(pool.submit(() -> System.getProperty("user.name")
                                    + " "
                                    + System.getProperty("user.home")
                                    + " "
                                    + System.getProperty("user.dir"))
                            .result())
                    .isEqualTo("worker /tmp/home /tmp");
            assertThat(pool.submit(() -> Runtime.getRuntime().maxMemory()).result())
                    .isBetween(400L << 20, 512L << 20);
        }
    }

    @Test
    void workersShareNoTemporaryDirectory() {
        try (var pool =
                builder(Sandbox.strict()).workers(2).maxTasksPerWorker(1).build()) {
            assertThat(pool.submit(() ->
                                    Files.writeString(Path.of("/tmp/note"), "x").toString())
                            .result())
                    .isEqualTo("/tmp/note");
            assertThat(pool.submit(() -> Files.exists(Path.of("/tmp/note"))).result())
                    .isFalse();
        }
    }

    @Test
    void readableFilesAreReadOnly() throws Exception {
        Path file = Files.writeString(folder.resolve("input"), "text");
        Path sibling = Files.writeString(folder.resolve("sibling"), "text");
        Path directory = Files.createDirectory(folder.resolve("directory"));
        Files.writeString(directory.resolve("within"), "text");
        List<String> paths =
                List.of(file.toString(), directory.resolve("within").toString(), sibling.toString());
        var sandbox = Sandbox.strict().withReadable(file).withReadable(directory);
        try (var pool = builder(sandbox).build()) {
            assertThat(pool.submit(() -> Files.readString(Path.of(paths.get(0))))
                            .result())
                    .isEqualTo("text");
            assertThat(pool.submit(() -> Files.readString(Path.of(paths.get(1))))
                            .result())
                    .isEqualTo("text");
            assertThat(pool.submit(() -> Files.exists(Path.of(paths.get(2)))).result())
                    .isFalse();
            for (String each : paths.subList(0, 2)) {
                assertThat(pool.submit(() -> Files.writeString(Path.of(each), "changed")
                                        .toString())
                                .exception())
                        .as(each)
                        .hasValueSatisfying(e -> assertThat(e).isInstanceOf(IOException.class));
            }
        }
        assertThat(file).hasContent("text");
    }

    @Test
    void writableFilesAreChangedOutside() throws Exception {
        Path file = Files.writeString(folder.resolve("output"), "");
        Path directory = Files.createDirectory(folder.resolve("directory"));
        String in = directory.toString();
        String written = file.toString();
        var sandbox = Sandbox.strict().withWritable(directory).withWritable(file);
        try (var pool = builder(sandbox).workingDirectory(directory).build()) {
            pool.submit(() -> Files.writeString(Path.of(in, "new"), "new").toString())
                    .result();
            pool.submit(() -> Files.writeString(Path.of(written), "text").toString())
                    .result();
            assertThat(pool.submit(() -> Files.exists(Path.of("new"))).result())
                    .as("the working directory")
                    .isTrue();
        }
        assertThat(directory.resolve("new")).hasContent("new");
        assertThat(file).hasContent("text");
    }

    @Test
    void theNetworkIsThatOfTheProgram() throws Exception {
        try (var server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
                var pool = builder(Sandbox.strict().withNetwork()).build()) {
            int port = server.getLocalPort();
            assertThat(pool.submit(() -> {
                                try (var socket = new Socket("localhost", port)) {
                                    return socket.isConnected();
                                }
                            })
                            .result())
                    .isTrue();
        }
    }

    @Test
    void variablesThatAreNamedAreThere() {
        String name = System.getenv().keySet().stream()
                .filter(each -> !List.of("PWD", "_", "SHLVL", "OLDPWD", "HOME", "JAVA_TOOL_OPTIONS")
                                .contains(each)
                        && each.matches("\\w+"))
                .findFirst()
                .orElseThrow();
        var sandbox = Sandbox.strict().withEnvironment(name).withEnvironment("TRESTLE_NO_SUCH_VARIABLE");
        try (var pool = builder(sandbox).environment("ADDED", "by the pool").build()) {
            assertThat(pool.submit(() -> System.getenv(name)).result()).isEqualTo(System.getenv(name));
            assertThat(pool.submit(() -> System.getenv("ADDED")).result()).isEqualTo("by the pool");
            assertThat(pool.submit(() -> System.getenv("TRESTLE_NO_SUCH_VARIABLE") == null)
                            .result())
                    .isTrue();
        }
    }

    @Test
    void aLauncherStandsInFrontOfIt() {
        try (var pool =
                builder(Sandbox.strict()).launcher(List.of("nice", "-n", "7")).build()) {
            String stat = pool.submit(() -> Files.readString(Path.of("/proc/self/stat")))
                    .result();
            assertThat(Integer.parseInt(
                            stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[16]))
                    .isGreaterThanOrEqualTo(7);
            assertThat(pool.submit(() -> Files.exists(Path.of("/etc/shadow"))).result())
                    .isFalse();
        }
    }

    // Classes

    /** A jar that names the class path in its manifest, as build tools and IDEs make it; and a wildcard. */
    @ParameterizedTest
    @ValueSource(strings = {"manifest", "manifest of a manifest", "wildcard"})
    void theClassesOfTheProgramAreVisibleWhereverTheyAre(String form) throws Exception {
        List<String> entries =
                Stream.of(TestJvm.CLASS_PATH.split(File.pathSeparator, -1)).toList();
        Path home = Files.createDirectory(folder.resolve("a home"));
        String classPath = switch (form) {
            case "manifest" -> naming(home.resolve("path.jar"), entries).toString();
            case "manifest of a manifest" ->
                naming(
                                home.resolve("outer.jar"),
                                List.of(naming(home.resolve("path.jar"), entries)
                                        .toString()))
                        .toString();
            default -> {
                naming(home.resolve("path.jar"), entries);
                yield home + "/*";
            }
        };
        try (var pool = TestPools.plain(1)
                .sandbox(Sandbox.strict())
                .classPath(form.equals("wildcard") ? classPath + File.pathSeparator + TestJvm.CLASS_PATH : classPath)
                .build()) {
            assertThat(pool.submit(() -> 6 * 7).result()).isEqualTo(42);
            String jar = home.resolve("path.jar").toString();
            assertThat(pool.submit(() -> Files.isReadable(Path.of(jar))).result())
                    .isTrue();
        }
    }

    private static Path naming(Path jar, List<String> entries) throws IOException {
        var manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes()
                .put(
                        Attributes.Name.CLASS_PATH,
                        entries.stream()
                                .map(each -> Path.of(each).toUri().toString())
                                .collect(Collectors.joining(" ")));
        new JarOutputStream(Files.newOutputStream(jar), manifest).close();
        return jar;
    }

    // Refusals

    @ParameterizedTest
    @ValueSource(strings = {"/", "/proc", "/proc/1", "/dev", "/dev/shm", "/sys", "/usr/../proc"})
    void placesThatASandboxHasOfItsOwnAreRefused(String path) {
        assertThatThrownBy(() -> Sandbox.strict().withReadable(Path.of(path)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("of its own");
        assertThatThrownBy(() -> Sandbox.strict().withWritable(Path.of(path)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("A sandbox cannot show " + Path.of(path).normalize());
    }

    @Test
    void badSpacesAndNamesAreRefused() {
        assertThatThrownBy(() -> Sandbox.strict().withTemporarySpace(-1)).hasMessageContaining("1 MiB");
        assertThatThrownBy(() -> Sandbox.strict().withEnvironment("A=B")).hasMessageContaining("'A=B'");
    }

    @Test
    void aFileThatIsNotThereIsRefused() {
        Path missing = folder.resolve("missing");

        assertThatThrownBy(builder(Sandbox.strict().withReadable(missing))::build)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("cannot show " + missing + " to workers: there is no such file");
    }

    /** The class path would show all that is in it. */
    @Test
    void aClassPathThatWouldOpenTheHomeIsRefused() {
        for (String each : List.of(System.getProperty("user.home"), "/", System.getProperty("java.io.tmpdir"))) {
            assertThatThrownBy(TestPools.plain(1)
                            .sandbox(Sandbox.strict())
                            .classPath(TestJvm.CLASS_PATH + File.pathSeparator + each)::build)
                    .as(each)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("A sandbox cannot show " + each)
                    .hasMessageContaining("class path")
                    .hasMessageContaining("into a directory of their own");
        }
    }

    @Test
    void aWorkingDirectoryThatIsNotVisibleIsRefused() {
        assertThatThrownBy(builder(Sandbox.strict()).workingDirectory(folder)::build)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("working directory of the workers, " + folder)
                .hasMessageContaining("Sandbox.withReadable");
    }

    @Test
    void aDebuggerNeedsTheNetwork() {
        assertThatThrownBy(builder(Sandbox.strict()).debug()::build)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("Sandbox.withNetwork()");
    }

    /** In a sandbox no other can be made, and a pool without one is no way out. */
    @Test
    void workerInASandboxMayHaveUnsandboxedWorkers() {
        try (var pool = builder(Sandbox.strict()).build()) {
            assertThat(pool.submit(() -> nested(true)).result())
                    .contains("A process pool cannot have a sandbox")
                    .contains("probably in a sandbox of its own");
            assertThat(pool.submit(() -> nested(false)).result()).isEqualTo("false");
        }
    }

    private static String nested(boolean sandbox) {
        var builder = ProcessPool.builder().workers(1).heap(32 << 20).aotCache(false);
        if (sandbox) {
            builder.sandbox(Sandbox.strict());
        }
        try (var pool = builder.build()) {
            return pool.submit(() -> Files.exists(Path.of("/etc/shadow")) + "").result();
        } catch (IllegalStateException e) {
            return String.valueOf(e.getMessage());
        }
    }

    // Where there can be none

    /** A program that prints whether it can have a sandbox, and what it is told if it wants one all the same. */
    static final class Asking {
        @SuppressWarnings("SystemOut") // how the programs of this test speak
        public static void main(String[] arguments) {
            System.out.println("available: " + Sandbox.support().isAvailable());
            System.out.println("reason: " + Sandbox.support().reason());
            try (var pool = TestPools.builder(1).sandbox(Sandbox.strict()).build()) {
                System.out.println("built: " + pool.submit(() -> 1).result());
            } catch (IllegalStateException e) {
                System.out.println("refused: " + e.getMessage());
            }
        }
    }

    private List<String> ask(List<String> before, Map<String, String> environment, String... options) throws Exception {
        Path output = folder.resolve("output");
        var command = new ArrayList<>(before);
        command.addAll(TestJvm.command(
                Stream.concat(Stream.of("-Xmx64m"), Stream.of(options)).toList(), Asking.class));
        var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().putAll(environment);
        Process program = builder.start();
        try {
            assertThat(program.waitFor(50, TimeUnit.SECONDS)).isTrue();
        } finally {
            program.destroyForcibly();
        }
        return Files.readAllLines(output);
    }

    @Test
    void aProgramIsToldThatItCanHaveOne() throws Exception {
        assertThat(ask(List.of(), Map.of())).containsSubsequence("available: true", "reason: ", "built: 1");
    }

    @Test
    void aProgramWithoutBubblewrapIsToldWhatToInstall() throws Exception {
        assertThat(ask(List.of(), Map.of("PATH", folder.toString())))
                .contains("available: false")
                .anyMatch(line -> line.startsWith("reason: ") && line.contains("apt-get install bubblewrap"))
                .anyMatch(line -> line.startsWith("refused: A process pool cannot have a sandbox for its workers. ")
                        && line.contains("there is no program 'bwrap' in the PATH")
                        && line.contains("apt-get install bubblewrap"));
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aProgramThatMayMakeNoNamespacesIsToldWhatToAllow() throws Exception {
        var without = List.of(
                "unshare",
                "--user",
                "--map-root-user",
                "sh",
                "-c",
                "echo 0 > /proc/sys/user/max_user_namespaces; exec \"$@\"",
                "sh");
        assertThat(ask(without, Map.of()))
                .contains("available: false")
                .anyMatch(line -> line.startsWith("refused: ")
                        && line.contains("bubblewrap cannot make a sandbox here: bwrap: ")
                        && line.contains("sysctl -w user.max_user_namespaces=10000"));
    }

    @Test
    void aTemporaryDirectoryWithALongPathIsRefused() throws Exception {
        Path temporary = Files.createDirectory(folder.resolve("d".repeat(100)));

        assertThat(ask(List.of(), Map.of(), "-Djava.io.tmpdir=" + temporary))
                .contains("available: true")
                .anyMatch(line -> line.startsWith("refused: ") && line.contains("set java.io.tmpdir to a directory"));
    }
}
