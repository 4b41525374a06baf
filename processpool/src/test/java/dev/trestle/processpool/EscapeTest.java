package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.trestle.api.Call;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Ways out of a {@link Sandbox#strict} sandbox, which are closed. Where that does no harm, each test shows that the
 * same call succeeds in a worker without a sandbox.
 */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class EscapeTest {

    private static ProcessPool jailed = TestPools.of(1);
    private static ProcessPool open = TestPools.of(1);

    @TempDir
    Path folder = Path.of("");

    private static ProcessPool.Builder builder(Sandbox sandbox) {
        return TestPools.builder(1)
                .heap(64 << 20)
                .jvmArguments("--enable-native-access=ALL-UNNAMED")
                .sandbox(sandbox);
    }

    @BeforeAll
    static void start() {
        jailed.close();
        open.close();
        Jails.assume();
        jailed = builder(Sandbox.strict()).build();
        open = TestPools.builder(1)
                .jvmArguments("--enable-native-access=ALL-UNNAMED")
                .build();
    }

    @AfterAll
    static void close() {
        jailed.close();
        open.close();
    }

    private static <T> void succeedsOnlyInTheOpen(Call<T> call, T result) {
        assertThat(open.submit(call).result()).as("in the open").isEqualTo(result);
        assertThat(jailed.submit(call).exception()).as("in the sandbox").isPresent();
    }

    // 1. The network

    @Test
    void noTcpConnectionLeavesIt() throws Exception {
        try (var server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            int port = server.getLocalPort();
            succeedsOnlyInTheOpen(
                    () -> {
                        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                            return socket.isConnected();
                        }
                    },
                    true);
        }
        assertThat(jailed.submit(() -> NetworkInterface.networkInterfaces()
                                .map(NetworkInterface::getName)
                                .toList())
                        .result())
                .isEqualTo(List.of("lo"));
    }

    @Test
    void noDatagramLeavesIt() throws Exception {
        try (var receiver = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            int port = receiver.getLocalPort();
            Call<String> send = () -> {
                try (var socket = new DatagramSocket()) {
                    byte[] secret = "secret".getBytes(StandardCharsets.US_ASCII);
                    socket.send(new DatagramPacket(secret, secret.length, InetAddress.getLoopbackAddress(), port));
                    return "sent";
                }
            };
            var packet = new DatagramPacket(new byte[10], 10);
            receiver.setSoTimeout(10_000);
            open.submit(send).result();
            receiver.receive(packet);
            assertThat(packet.getLength()).isEqualTo("secret".length());

            var _ = jailed.submit(send).exception();
            receiver.setSoTimeout(200);
            assertThatThrownBy(() -> receiver.receive(packet)).isInstanceOf(SocketTimeoutException.class);
        }
    }

    // 2. Unix-domain sockets

    @Test
    void noUnixSocketOutsideIsReached() throws Exception {
        Path file = folder.resolve("socket");
        String text = file.toString();
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(file));
            succeedsOnlyInTheOpen(
                    () -> {
                        try (var channel = SocketChannel.open(UnixDomainSocketAddress.of(text))) {
                            return channel.isConnected();
                        }
                    },
                    true);
        }
    }

    @Test
    void noUnixSocketWithAnAbstractNameIsReached() {
        String name = "trestle-test-" + ProcessHandle.current().pid();
        int server = NativeCall.listen(name);
        assertThat(server).isNotNegative();
        try {
            assertThat(open.submit(() -> NativeCall.connect(name)).result()).isNotNegative();
            assertThat(jailed.submit(() -> NativeCall.connect(name)).result()).isEqualTo(-1);
        } finally {
            NativeCall.close(server);
        }
    }

    /** It is in the private directory of the pool, where only this worker's own files are visible. */
    @Test
    void noSocketOfThePoolIsReached() {
        int files = jailed.submit(() -> {
                    try (Stream<Path> all = Files.list(privateDirectory())) {
                        return (int) all.count();
                    }
                })
                .result();
        assertThat(files)
                .as("arguments, socket, journal, crash log, shared arrays")
                .isLessThanOrEqualTo(5);
        assertThat(jailed.submit(() -> {
                            try (Stream<Path> all = Files.list(privateDirectory())) {
                                return all.filter(each -> each.toString().endsWith(".sock"))
                                        .filter(EscapeTest::accepts)
                                        .count();
                            }
                        })
                        .result())
                .isZero();
    }

    private static boolean accepts(Path socket) {
        try (var channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            return channel.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    private static Path privateDirectory() {
        return requireNonNull(crashLog().getParent());
    }

    private static Path crashLog() {
        String option = "-XX:ErrorFile=";
        return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(each -> each.startsWith(option))
                .map(each -> Path.of(each.substring(option.length())))
                .findFirst()
                .orElseThrow();
    }

    // 3. Writing

    @Test
    void nothingIsWrittenOutside() throws Exception {
        String in = folder.toString();
        succeedsOnlyInTheOpen(
                () -> Files.writeString(Path.of(in, "written"), "x")
                        .getFileName()
                        .toString(),
                "written");
        List<String> places = Stream.of(
                        "/",
                        "/usr",
                        "/usr/bin",
                        "/etc",
                        "/dev",
                        "/dev/shm",
                        "/var/tmp",
                        "/run",
                        System.getProperty("java.home"),
                        System.getProperty("java.home") + "/lib",
                        Path.of(EscapeTest.class
                                        .getProtectionDomain()
                                        .getCodeSource()
                                        .getLocation()
                                        .toURI())
                                .toString())
                .toList();
        assertThat(jailed.submit(() ->
                                places.stream().filter(EscapeTest::canWriteIn).toList())
                        .result())
                .isEmpty();
    }

    /** Files of the kernel's settings belong to root, and root needs no capability to change its own files. */
    @Test
    void noSettingOfTheKernelIsChanged() throws Exception {
        Path setting = Path.of("/proc/sys/kernel/core_pattern");
        String value = Files.readString(setting);
        String file = setting.toString();
        assertThat(jailed.submit(() -> Files.writeString(Path.of(file), value).toString())
                        .exception())
                .hasValueSatisfying(e -> assertThat(e).isInstanceOf(IOException.class));
        assertThat(jailed.submit(() -> {
                            try (Stream<Path> all = Files.find(
                                    Path.of("/proc/sys"),
                                    3,
                                    (path, is) -> is.isRegularFile() && Files.isWritable(path))) {
                                return all.map(Path::toString).toList();
                            }
                        })
                        .result())
                .isEmpty();
        assertThat(jailed.submit(() -> Files.isWritable(Path.of("/proc/sysrq-trigger")))
                        .result())
                .isFalse();
    }

    private static boolean canWriteIn(String directory) {
        try {
            Files.delete(Files.writeString(Path.of(directory, "trestle-test"), "x"));
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    // 4. Reading

    @Test
    void neitherTheHomeNorSecretsAreRead() throws Exception {
        Path secret = Files.writeString(folder.resolve("secret"), "password");
        Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rw-------"));
        String file = secret.toString();
        succeedsOnlyInTheOpen(() -> Files.readString(Path.of(file)), "password");

        for (String each : List.of("/etc/shadow", "/etc/passwd", "/etc/hostname", "/etc/ssh", "/var", "/sys")) {
            assertThat(jailed.submit(() -> Files.exists(Path.of(each)) && !isEmptyDirectory(each))
                            .result())
                    .as(each)
                    .isFalse();
        }
        Path home = Path.of(System.getProperty("user.home"));
        Set<String> needed = Stream.of(
                        Stream.of(System.getProperty("java.home")),
                        Stream.of(TestJvm.CLASS_PATH.split(":", -1)),
                        TestJvm.archiveOptions().stream().map(each -> each.replaceFirst(".*=", "")))
                .flatMap(each -> each)
                .map(Path::of)
                .filter(each -> each.startsWith(home) && !each.equals(home))
                .map(each -> home.relativize(each).getName(0).toString())
                .collect(Collectors.toSet());
        String homeText = home.toString();
        assertThat(new HashSet<>(jailed.submit(() -> namesIn(homeText)).result()))
                .isSubsetOf(needed);
        assertThat(jailed.submit(() -> namesIn(System.getProperty("user.home"))).result())
                .isEmpty();
    }

    private static boolean isEmptyDirectory(String path) {
        return Files.isDirectory(Path.of(path)) && namesIn(path).isEmpty();
    }

    private static List<String> namesIn(String directory) {
        String[] names = Path.of(directory).toFile().list();
        return names == null ? List.of() : List.of(names);
    }

    // 5. and 6. Other processes

    private static Process victim() throws IOException {
        return new ProcessBuilder("sleep", "600").start();
    }

    @Test
    void noProcessOutsideIsTraced() throws Exception {
        Process victim = victim();
        try {
            long pid = victim.pid();
            if (mayTrace()) {
                assertThat(open.submit(() -> NativeCall.trace(pid)).result()).isZero();
            }
            assertThat(jailed.submit(() -> NativeCall.trace(pid)).result()).isEqualTo(-1);
        } finally {
            victim.destroyForcibly();
        }
        long program = ProcessHandle.current().pid();
        assertThat(jailed.submit(() -> NativeCall.trace(program)).result()).isEqualTo(-1);
    }

    /** Returns whether the system lets a process trace another one of the same user. */
    private static boolean mayTrace() throws IOException {
        Path setting = Path.of("/proc/sys/kernel/yama/ptrace_scope");
        return !Files.exists(setting) || Files.readString(setting).strip().equals("0");
    }

    @Test
    void noSignalReachesTheProgram() throws Exception {
        long program = ProcessHandle.current().pid();
        assertThat(open.submit(() -> NativeCall.kill(program, 0)).result()).isZero();
        assertThat(jailed.submit(() -> NativeCall.kill(program, 0)).result()).isEqualTo(-1);

        Process victim = victim();
        try {
            long pid = victim.pid();
            jailed.submit(() -> NativeCall.kill(pid, 9)).result();
            assertThat(victim.isAlive()).isTrue();
        } finally {
            victim.destroyForcibly();
        }
    }

    /** Process 1 is bubblewrap, which ignores what comes from inside. */
    @Test
    void aWorkerCannotEndItsSandboxAndGoOn() {
        long worker = jailed.submit(() -> {
                    NativeCall.kill(1, 9);
                    NativeCall.kill(1, 15);
                    return ProcessHandle.current().pid();
                })
                .result();
        assertThat(jailed.submit(() -> ProcessHandle.current().pid()).result()).isEqualTo(worker);
    }

    @Test
    void theProgramIsNotInItsProc() {
        String environment = "/proc/" + ProcessHandle.current().pid() + "/environ";
        succeedsOnlyInTheOpen(() -> Files.readAllBytes(Path.of(environment)).length > 0, true);
        assertThat(jailed.submit(() -> namesIn("/proc").stream()
                                .filter(name -> Character.isDigit(name.charAt(0)))
                                .count())
                        .result())
                .as("bubblewrap and this JVM")
                .isEqualTo(2);
    }

    // 7. Many processes

    @Test
    void aForkBombEndsWithItsWorker() {
        int limit = 100;
        try (var pool = builder(Sandbox.strict()).processLimit(limit).build()) {
            var bomb = pool.submit(() -> {
                int started = 0;
                try {
                    while (started < 20 * limit) {
                        new ProcessBuilder("sleep", "601").start();
                        started++;
                    }
                } catch (IOException e) {
                    return started;
                }
                Gate.hang(); // this program looks at it some times in a second
                return started;
            });
            if (bomb.exception().isEmpty()) {
                assertThat(bomb.result())
                        .as("processes that the system has allowed")
                        .isLessThan(limit);
            } else if (bomb.exception().get() instanceof OutOfMemoryError e) {
                assertThat(e).as("the system allows no further thread").hasMessageContaining("native thread");
            } else { // as root
                assertThat(bomb.exception().get())
                        .isInstanceOf(WorkerDiedException.class)
                        .hasMessageContaining("more than the " + limit + " that its sandbox allows")
                        .hasMessageContaining("processLimit");
            }
            assertThat(pool.submit(() -> 6 * 7).result()).isEqualTo(42);
        }
        await().pollInterval(Duration.ofMillis(1)).until(() -> isGone("601"));
    }

    private static boolean isGone(String argument) {
        return ProcessHandle.allProcesses()
                .noneMatch(each ->
                        List.of(each.info().arguments().orElse(new String[0])).contains(argument));
    }

    // 8. Full disks

    @Test
    void temporarySpaceIsLimited() throws Exception {
        String in = folder.toString();
        assertThat(open.submit(() -> fill(in, 3 << 20)).result()).isEqualTo(3 << 20);
        try (var pool = builder(Sandbox.strict().withTemporarySpace(2 << 20)).build()) {
            assertThat(pool.submit(() -> fill("/tmp", 3 << 20)).exception())
                    .hasValueSatisfying(
                            e -> assertThat(e).isInstanceOf(IOException.class).hasMessageContaining("No space left"));
            assertThat(pool.submit(() -> fill("/tmp", 1 << 10)).exception())
                    .as("it stays full")
                    .isPresent();
        }
    }

    private static int fill(String directory, int bytes) throws IOException {
        Files.write(Files.createTempFile(Path.of(directory), "fill", ""), new byte[bytes]);
        return bytes;
    }

    /** The files of the worker itself, which are on a disk. */
    @Test
    void theFilesOfAWorkerCannotGrowWithoutLimit() {
        try (var pool = builder(Sandbox.strict()).fileSizeLimit(4 << 20).build()) {
            assertThat(pool.submit(() -> grow(3 << 20)).result()).isEqualTo(3 << 20);
            assertThat(pool.submit(() -> grow(5 << 20)).exception())
                    .hasValueSatisfying(e -> assertThat(e).isInstanceOf(IOException.class));
        }
    }

    private static long grow(long length) throws IOException {
        try (var file = new RandomAccessFile(crashLog().toFile(), "rw")) {
            file.setLength(length);
            return file.length();
        }
    }

    // 9. Full memory

    @Test
    void aWorkerThatFillsTheMemoryIsKilled() {
        try (var pool = builder(Sandbox.strict()).memoryLimit(200 << 20).build()) {
            var filling = pool.submit(() -> {
                for (int i = 0; i < 40; i++) {
                    NativeCall.allocate(10 << 20);
                }
                Gate.hang();
                return 0;
            });
            isKilledForItsMemory(filling.exception().orElseThrow());
        }
    }

    @Test
    void aWorkerWhoseProcessesFillTheMemoryIsKilled() {
        try (var pool = builder(Sandbox.strict()).memoryLimit(200 << 20).build()) {
            var filling = pool.submit(() -> {
                // tail keeps what may be the last line
                new ProcessBuilder("sh", "-c", "(head --bytes=300M /dev/zero; sleep 603) | tail").start();
                Gate.hang();
                return 0;
            });
            isKilledForItsMemory(filling.exception().orElseThrow());
            assertThat(pool.submit(() -> 6 * 7).result()).isEqualTo(42);
        }
        await().pollInterval(Duration.ofMillis(1)).until(() -> isGone("603"));
    }

    private static void isKilledForItsMemory(Throwable thrown) {
        assertThat(thrown)
                .isInstanceOf(WorkerDiedException.class)
                .hasMessageMatching(
                        "(?s).*the pool killed it because it used \\d+ MiB of at most 200 MiB \\(memoryLimit: .*");
    }

    // 10. The environment

    @Test
    void theEnvironmentOfTheProgramIsNotThere() {
        Set<String> names = new HashSet<>(
                jailed.submit(() -> List.copyOf(System.getenv().keySet())).result());
        assertThat(names)
                .isSubsetOf(
                        "HOME",
                        "PATH",
                        "TMPDIR",
                        "PWD",
                        "LANG",
                        "LC_ALL",
                        "LC_CTYPE",
                        "TRESTLE_WORKER",
                        "TRESTLE_WORKER_DEPTH");
        assertThat(jailed.submit(() -> Files.readString(Path.of("/proc/1/environ"), StandardCharsets.ISO_8859_1)
                                .split("\0", -1))
                        .result())
                .as("that of bubblewrap")
                .allSatisfy(each -> assertThat(each.isEmpty() || names.contains(each.split("=", -1)[0]))
                        .isTrue());
        String path = System.getenv("PATH");
        assumeTrue(path != null && !path.equals("/usr/bin:/bin"), "nothing to tell apart");
        assertThat(open.submit(() -> System.getenv("PATH")).result()).isEqualTo(path);
        assertThat(jailed.submit(() -> System.getenv("PATH")).result()).isEqualTo("/usr/bin:/bin");
    }

    // 11. Outliving the pool

    @Test
    void nothingOutlivesThePool() throws Exception {
        Call<Integer> leave = () -> {
            new ProcessBuilder("/usr/bin/env", "-i", "/usr/bin/setsid", "--fork", "/bin/sleep", "602")
                    .start()
                    .waitFor();
            return 1;
        };
        try (var pool = TestPools.of(1)) {
            pool.submit(leave).result();
        }
        assertThat(isGone("602"))
                .as("in the open, without the mark of its worker")
                .isFalse();
        ProcessHandle.allProcesses()
                .filter(each ->
                        List.of(each.info().arguments().orElse(new String[0])).contains("602"))
                .forEach(ProcessHandle::destroyForcibly);
        await().pollInterval(Duration.ofMillis(1)).until(() -> isGone("602"));

        try (var pool = builder(Sandbox.strict()).build()) {
            pool.submit(leave).result();
            assertThat(isGone("602")).as("while the pool lives").isFalse();
        }
        await().pollInterval(Duration.ofMillis(1)).until(() -> isGone("602"));
    }

    // 12. Attaching

    @Test
    void noJvmOutsideIsAttachedTo() throws Exception {
        Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        assumeTrue(Files.exists(jcmd), "this Java runtime has no jcmd");
        String tool = jcmd.toString();
        String program = Long.toString(ProcessHandle.current().pid());
        Call<Integer> attach =
                () -> new ProcessBuilder(tool, program, "VM.version").start().waitFor();

        assertThat(open.submit(attach).result()).isZero();
        assertThat(jailed.submit(attach).result()).isNotZero();
    }

    // Privileges

    @ParameterizedTest
    @ValueSource(strings = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
    void aWorkerHasNoCapability(String set) {
        assertThat(jailed.submit(() -> status(set)).result()).isEqualTo("0000000000000000");
    }

    @Test
    void aWorkerGainsNoPrivilegesAndNoNamespaces() {
        assertThat(jailed.submit(() -> status("NoNewPrivs")).result()).isEqualTo("1");
        assertThat(jailed.submit(() -> new ProcessBuilder("unshare", "--user", "true")
                                .start()
                                .waitFor())
                        .result())
                .isNotZero();
    }

    private static String status(String key) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith(key + ":"))
                .map(line -> line.substring(key.length() + 1).strip())
                .findFirst()
                .orElseThrow();
    }
}
