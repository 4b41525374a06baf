package dev.trestle.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Values that builders and the program of a member refuse, and the words in which they do. */
@Timeout(30)
class OptionsTest {

    private static void refused(ThrowingCallable code, String message) {
        assertThatThrownBy(code).isInstanceOf(IllegalArgumentException.class).hasMessageContaining(message);
    }

    @Test
    void buildersRefuseWhatMakesNoSense() {
        refused(() -> ClusterPool.builder(" "), "The name of a cluster must have between 1 and 100 characters");
        refused(() -> ClusterMember.builder("a").name("x\ny"), "none of them a control character");
        refused(() -> ClusterPool.builder("a").minMembers(-1), "minMembers must not be negative: -1");
        refused(() -> ClusterPool.builder("a").callsAhead(-1), "callsAhead must not be negative: -1");
        refused(() -> ClusterPool.builder("a").queueLimit(0), "must be positive: 0");
        refused(() -> ClusterPool.builder("a").startTimeout(Duration.ZERO), "startTimeout must be positive: PT0S");
        refused(() -> ClusterPool.builder("a").port(70_000), "between 1 and 65535: 70000");
        refused(() -> ClusterPool.builder("a").maxPayload(-1), "between 1 KiB and 1 GiB, in bytes: -1");
        refused(() -> ClusterMember.builder("a").maxPayload(1L << 31), "between 1 KiB and 1 GiB, in bytes: 2147483648");
        refused(
                () -> ClusterMember.builder("a").failureTimeout(Duration.ofMillis(1)),
                "half a second or more, since a pause of a JVM is no failure: PT0.001S");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "../node", "a/b", "/node", ".", ".."})
    void aCertificateIsMadeForANameAndNotForAPath(String name) {
        refused(
                () -> Certificates.make(Path.of("nowhere"), List.of("node", name), "password", "", 1),
                "so it is no path: '" + name + "'");
        assertThat(Path.of("nowhere")).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource({
        "node-1, node-1:7800",
        "node-1:99, node-1:99",
        "10.0.0.1:99, 10.0.0.1:99",
        "::1, ::1:7800",
        "[::1]:99, ::1:99",
        "[::1], ::1:7800"
    })
    void hostsHaveAPort(String text, String shown) {
        assertThat(Discovery.hosts(text).toString().replace("0:0:0:0:0:0:0:1", "::1"))
                .isEqualTo("by the hosts " + shown);
    }

    @Test
    void aHostThatIsNoneIsNamed() {
        refused(() -> Discovery.hosts(), "at least one host");
        refused(() -> Discovery.hosts("a:b"), "The port of 'a:b' is no number: b");
        refused(() -> Discovery.hosts("a:0"), "The port of 'a:0' must be between 1 and 65535: 0");
        refused(() -> Discovery.hosts(":99"), "A host without a name: ':99'");
        refused(() -> Discovery.dns(""), "needs a name");
    }

    private static String refusalOf(String... arguments) {
        PrintStream before = System.err;
        var said = new ByteArrayOutputStream();
        System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
        try {
            assertThat(Main.run(arguments)).isNotZero();
        } finally {
            System.setErr(before);
        }
        return said.toString(StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--hosts a --insecure-on-loopback | Missing required option: '--cluster=NAME'",
                "--cluster a --insecure-on-loopback | Missing required argument (specify one of these): (--hosts",
                "--cluster a --hosts b --dns c --insecure-on-loopback | are mutually exclusive (specify only one)",
                "--cluster a --hosts b | Missing required argument (specify one of these): (--insecure-on-loopback | [",
                "--cluster a --hosts b --keystore c | --password-file=FILE",
                "--cluster | Missing required parameter for option '--cluster' (NAME)",
                "--cluster a --hosts b --insecure-on-loopback --port x | Invalid value for option '--port': 'x' is not",
                "--cluster a --hosts b --insecure-on-loopback --worker 1 | Unknown options: '--worker', '1'",
                "--cluster a --hosts b --insecure-on-loopback --port 70000 | between 1 and 65535: 70000",
                "--cluster a --hosts b --keystore c --password-file no-file | no-file",
                "certificates --names a | Missing required options: '--directory=DIR', '--password-file=FILE'"
            })
    void theProgramSaysWhichArgumentIsWrong(String arguments, String message) {
        assertThat(refusalOf(arguments.split(" ", -1))).contains(message);
    }
}
