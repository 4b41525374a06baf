package dev.trestle.processpool;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import dev.trestle.processpool.jvm.JavaCommand;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Workers that debuggers may attach to. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class DebuggerTest {

    private static final byte[] HANDSHAKE = "JDWP-Handshake".getBytes(US_ASCII);

    @TempDir
    private Path folder;

    @Test
    void eachWorkerAnswersADebuggerOnAPortOfItsOwn() throws Exception {
        try (var pool = TestPools.builder(1).debug().build()) {
            long first = pool.submit(() -> ProcessHandle.current().pid()).result();
            assertThat(greet(debugPort(first))).isEqualTo(HANDSHAKE);

            assertThat(pool.submit(() -> Runtime.getRuntime().halt(1)).exception())
                    .isPresent();
            long second = pool.submit(() -> ProcessHandle.current().pid()).result();
            assertThat(greet(debugPort(second))).isEqualTo(HANDSHAKE);
        }
    }

    @Test
    void aWorkerBehindALauncherAnswersADebugger() throws Exception {
        try (var pool = TestPools.builder(1)
                .debug()
                .launcher(List.of("sh", "-c", "\"$@\"; exit $?", "sh"))
                .build()) {
            pool.submit(() -> 1).result();

            assertThat(greet(debugPort(pool.workerPids().getFirst()))).isEqualTo(HANDSHAKE);
        }
    }

    /** JDWP asks for no password. */
    @Test
    void itsPortIsOnTheLoopbackInterface() {
        PoolOptions options = TestPools.builder(1).debug().options();

        assertThat(JavaCommand.arguments(options.jvm()).filter(argument -> argument.contains("jdwp")))
                .containsExactly("-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:0");
    }

    /** A program with two pools that debuggers may attach to. */
    static final class Program {
        public static void main(String[] arguments) {
            ProcessPool.builder().name("by-debug").debug().build().close();
            ProcessPool.builder()
                    .name("by-argument")
                    .jvmArguments(arguments)
                    .build()
                    .close();
        }
    }

    /** A pool in production may have it by accident; so the log says what it means. */
    @Test
    void theLogWarnsOfIt() throws Exception {
        Path output = folder.resolve("output");
        List<String> command = TestJvm.command(
                List.of("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"),
                Program.class,
                "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=*:0");

        assertThat(TestJvm.runToEnd(command, output)).isZero();
        for (String pool : List.of("by-debug", "by-argument")) {
            assertThat(Files.readAllLines(output).stream().filter(line -> line.contains(pool)))
                    .singleElement(STRING)
                    .contains("jdwp", "JDWP asks for no password", "This is not for production");
        }
    }

    @Test
    void withoutItNoWorkerListens() {
        PoolOptions options = TestPools.builder(1).options();

        assertThat(JavaCommand.arguments(options.jvm())).noneMatch(argument -> argument.contains("jdwp"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-agentlib:jdwp=transport=dt_socket,server=y,address=*:5005",
                "-agentlib:jdwp=transport=dt_socket,server=y,address=0.0.0.0:0",
                "-Xrunjdwp:transport=dt_socket,server=y,address=5005",
                "-agentpath:/jdk/lib/libjdwp.so=server=y"
            })
    void anotherAddressBesideItIsRefused(String agent) {
        var builder = TestPools.builder(1).name("two-agents").debug().jvmArguments(agent);

        assertThatThrownBy(builder::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("two-agents")
                .hasMessageContaining("debug()")
                .hasMessageContaining(agent)
                .hasMessageContaining("Leave one of them away");
        assertThatThrownBy(TestPools.builder(1).debug().environment("JAVA_TOOL_OPTIONS", "-Da=b " + agent)::build)
                .hasMessageContaining(agent);
    }

    /** Asks the worker by the attach API; by reflection, because its module is no business of this one. */
    private static int debugPort(long pid) throws Exception {
        Class<?> attach = Class.forName("com.sun.tools.attach.VirtualMachine");
        Object worker = attach.getMethod("attach", String.class).invoke(null, Long.toString(pid));
        try {
            var properties = (Properties) attach.getMethod("getAgentProperties").invoke(worker);
            String address = properties.getProperty("sun.jdwp.listenerAddress");
            return Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
        } finally {
            attach.getMethod("detach").invoke(worker);
        }
    }

    private static byte[] greet(int port) throws Exception {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.getOutputStream().write(HANDSHAKE);
            return socket.getInputStream().readNBytes(HANDSHAKE.length);
        }
    }

    @Test
    void noTimeLimitEndsACallThatIsBeingLookedAt() {
        String in = folder.toString();
        var hasty = CallOptions.DEFAULT.withTimeout(Duration.ofMillis(1));
        try (var pool = TestPools.builder(1)
                .debug()
                .callTimeout(Duration.ofMillis(1))
                .cancelGrace(Duration.ofMillis(1))
                .build()) {
            var call = pool.submit(() -> Gate.spin(in, "spins"), hasty);
            long worker = Gate.await(folder, "spins");
            assertThat(call.isDone()).isFalse();

            call.cancel(true);
            assertThatThrownBy(call::result).isInstanceOf(CancellationException.class);
            assertThat(pool.workerPids()).as("not killed").containsExactly(worker);
            pool.killWorkers();
        }
    }
}
