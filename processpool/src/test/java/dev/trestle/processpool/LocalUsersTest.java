package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A pool whose workers start while other users of the machine try to reach them. */
@Timeout(60)
@EnabledOnOs(OS.LINUX)
@ExtendWith(NothingLeft.class)
class LocalUsersTest {

    private static final Pattern PORT = Pattern.compile("tcp:127\\.0\\.0\\.1/(\\d+)");

    @TempDir
    Path folder = Path.of("");

    private final String temporary = System.getProperty("java.io.tmpdir");
    private final String home = System.getProperty("java.home");

    @BeforeEach
    void loadWhatTheJdkReadsFromItsHome() {
        new SecureRandom().nextBytes(new byte[1]);
    }

    @AfterEach
    void restore() {
        System.setProperty("java.io.tmpdir", temporary);
        System.setProperty("java.home", home);
    }

    /** Workers are started by a script from now on, which has the path of the real launcher in JAVA. */
    private void launchBy(String script) throws IOException {
        Path jdk = Files.createDirectory(folder.resolve("jdk"));
        for (String each : List.of("lib", "conf", "release")) {
            Files.createSymbolicLink(jdk.resolve(each), Path.of(home, each));
        }
        Path java = Files.createDirectory(jdk.resolve("bin")).resolve("java");
        Files.writeString(java, "#!/bin/sh\nJAVA='" + TestJvm.java() + "'\ncd '" + folder + "'\n" + script + "\n");
        Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwx------"));
        System.setProperty("java.home", jdk.toString());
    }

    /** Makes workers use a port, as on a system without Unix-domain sockets. */
    private void useAPort() throws IOException {
        System.setProperty(
                "java.io.tmpdir",
                Files.createDirectory(folder.resolve("d".repeat(120))).toString());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theSecretIsInNoArgumentVariableOrFile(boolean port) throws Exception {
        if (port) {
            useAPort();
        }
        launchBy("""
            IFS= read -r secret
            printf %s "$secret" > secret
            cat /proc/$$/cmdline /proc/$$/environ > seen
            for file in "$(dirname "${1#@}")"/*; do
                [ -f "$file" ] && cat "$file" >> seen
            done
            exit 6\
            """);
        try (var pool =
                TestPools.builder(1).startRetryTime(Duration.ofMillis(1)).build()) {
            assertThat(pool.submit(() -> 1).exception()).isPresent();
        }
        String secret = Files.readString(folder.resolve("secret"));
        String seen = new String(Files.readAllBytes(folder.resolve("seen")), StandardCharsets.ISO_8859_1);

        assertThat(secret).matches("[0-9a-f]{64}");
        assertThat(seen)
                .contains(port ? "tcp:127.0.0.1/" : "unix:", "TRESTLE_WORKER=")
                .doesNotContain(secret);
    }

    /** The strangers connect before the worker does, and the start does not wait for them. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 64})
    void strangersAtThePortDoNotDelayTheStart(int bytes) throws Exception {
        useAPort();
        launchBy("cat \"${1#@}\" > arguments.new; mv arguments.new arguments\n"
                + "while [ ! -e go ]; do sleep 0.01; done\nexec \"$JAVA\" \"$@\"");
        var strangers = new ArrayList<SocketChannel>();
        try (var pool = TestPools.builder(1)
                .startTimeout(Duration.ofSeconds(20))
                .startRetryTime(Duration.ofMillis(1))
                .build()) {
            var call = pool.submit(() -> 6 * 7);
            Path arguments = folder.resolve("arguments");
            Gate.until(() -> Files.exists(arguments));
            Matcher port = PORT.matcher(Files.readString(arguments));
            assertThat(port.find()).isTrue();
            for (int i = 0; i < 1000; i++) {
                var stranger = SocketChannel.open(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(port.group(1))));
                strangers.add(stranger);
                try {
                    stranger.write(ByteBuffer.allocate(bytes));
                } catch (IOException e) {
                    assertThat(e).hasMessageMatching(".*(reset|pipe).*"); // refused meanwhile
                }
            }
            Files.createFile(folder.resolve("go"));

            assertThat(call.result()).isEqualTo(42);
            assertThat(pool.statistics().startsFailed()).isZero();
        } finally {
            for (SocketChannel each : strangers) {
                each.close();
            }
        }
    }

    /** A program has ended, and a process of another user has got its port before its worker dials. */
    @Test
    void aWorkerTellsItsSecretToNoProcessThatHasItsPort() throws Exception {
        String secret = "0123456789abcdef".repeat(4);
        try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            server.setSoTimeout(20_000);
            Path output = folder.resolve("output");
            var command = TestJvm.command(
                    List.of(),
                    Class.forName("dev.trestle.processpool.child.WorkerMain"),
                    "tcp:127.0.0.1/" + server.getLocalPort(),
                    Files.write(folder.resolve("journal"), new byte[1 << 20]),
                    1 << 20,
                    1,
                    "a-worker");
            Process worker = TestJvm.start(command, output);
            try (var stdin = worker.getOutputStream()) {
                stdin.write((secret + "\n").getBytes(StandardCharsets.US_ASCII));
                stdin.flush();
                byte[] heard;
                try (Socket caller = server.accept()) {
                    caller.getOutputStream().write(new byte[1000]);
                    caller.shutdownOutput();
                    heard = read(caller);
                }

                assertThat(worker.waitFor(20, TimeUnit.SECONDS)).isTrue();
                assertThat(worker.exitValue()).isNotZero();
                assertThat(heard).isNotEmpty();
                var text = new String(heard, StandardCharsets.ISO_8859_1);
                assertThat(text)
                        .doesNotContain(secret)
                        .doesNotContain(new String(HexFormat.of().parseHex(secret), StandardCharsets.ISO_8859_1));
                assertThat(Files.readString(output)).contains("another process has its port");
            } finally {
                worker.destroyForcibly();
            }
        }
    }

    private static byte[] read(Socket caller) throws IOException {
        var heard = new ByteArrayOutputStream();
        try (var in = caller.getInputStream()) {
            for (int octet = in.read(); octet >= 0; octet = in.read()) {
                heard.write(octet);
            }
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("reset"); // the worker has not read all
        }
        return heard.toByteArray();
    }

    // The environment

    private static String environment() throws IOException {
        return Files.readString(Path.of("/proc/self/environ"), StandardCharsets.ISO_8859_1);
    }

    @Test
    void aClearedEnvironmentHasNothingOfTheProgram() throws Exception {
        try (var pool = TestPools.builder(1)
                .environment("BEFORE", "1")
                .clearEnvironment()
                .environment("AFTER", "2")
                .build()) {
            Set<String> names =
                    pool.submit(() -> Set.copyOf(System.getenv().keySet())).result();
            String all = pool.submit(LocalUsersTest::environment).result();

            assertThat(names).contains("BEFORE", "AFTER", "TRESTLE_WORKER", "TRESTLE_WORKER_DEPTH");
            assertThat(names)
                    .isSubsetOf(
                            "BEFORE",
                            "AFTER",
                            "TRESTLE_WORKER",
                            "TRESTLE_WORKER_DEPTH",
                            "LANG",
                            "LC_ALL",
                            "LC_CTYPE",
                            "NLSPATH"); // which the launcher of some JDKs sets
            assertThat(System.getenv()).containsKey("PATH");
            assertThat(all).doesNotContain("PATH=").contains("AFTER=2");
        }
    }

    @Test
    void aWorkerHasTheEnvironmentOfTheProgramIfItIsNotCleared() {
        String path = System.getenv("PATH");
        try (var pool = TestPools.of(1)) {
            assertThat(pool.submit(() -> System.getenv("PATH")).result()).isEqualTo(path);
        }
    }

    /** The marks are what its orphans are found by. */
    @Test
    void noOptionOfAPoolTakesTheMarksOfAWorkerAway() {
        try (var pool = TestPools.builder(1)
                .environment("TRESTLE_WORKER", "forged")
                .environment("TRESTLE_WORKER_DEPTH", "0")
                .build()) {
            assertThat(pool.submit(() -> System.getenv("TRESTLE_WORKER")).result())
                    .startsWith("trestle-")
                    .endsWith("/w1");
            assertThat(pool.submit(() -> System.getenv("TRESTLE_WORKER_DEPTH")).result())
                    .isEqualTo("1");
        }
    }

    /** A call runs with what a JVM needs, and a pool in a worker finds its own marks. */
    @Test
    void workersWithAClearedEnvironmentRunCallsAndPools() {
        try (var pool = TestPools.builder(1).clearEnvironment().build()) {
            assertThat(pool.submit(() -> nested()).result()).isEqualTo(42);
        }
    }

    private static int nested() {
        try (var pool = TestPools.builder(1).clearEnvironment().build()) {
            return pool.submit(() -> 6 * 7).result();
        }
    }
}
