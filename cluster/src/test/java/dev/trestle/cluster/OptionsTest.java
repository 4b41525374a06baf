package dev.trestle.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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

    private static String refusalOf(String... arguments) throws InterruptedException {
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

    @Test
    void theProgramSaysWhatIsMissingOrUnknown() throws InterruptedException {
        assertThat(refusalOf("--hosts", "a"))
                .startsWith("--cluster is missing")
                .contains("java -m dev.trestle.cluster");
        assertThat(refusalOf("--cluster", "a")).startsWith("Say by --hosts or by --dns");
        assertThat(refusalOf("--cluster")).startsWith("--cluster needs a value");
        assertThat(refusalOf("--cluster", "a", "--hosts", "b", "--port", "x")).startsWith("--port must be a number: x");
        assertThat(refusalOf("--cluster", "a", "--hosts", "b", "--colour", "red"))
                .startsWith("Unknown options: --colour");
        assertThat(refusalOf("--cluster", "a", "--hosts", "b")).contains("needs a keystore");
        assertThat(refusalOf("certificates", "--names", "a")).startsWith("--directory is missing");
    }
}
