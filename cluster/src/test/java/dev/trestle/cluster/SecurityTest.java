package dev.trestle.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.BrokenExecutorException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Peers without a certificate that the cluster trusts: they reach nothing. */
@Timeout(60)
class SecurityTest {

    private static final String PASSWORD = "a password for tests";

    @TempDir
    static Path directory;

    private static int port;
    private static ClusterMember member;

    @BeforeAll
    static void start() throws IOException {
        Certificates.make(directory.resolve("ours"), List.of("node"), PASSWORD, "", 2);
        port = Ports.free();
        member = ClusterMember.builder("secure")
                .name("one")
                .discovery(Discovery.hosts("127.0.0.1:" + port))
                .bind("127.0.0.1")
                .port(port)
                .keystore(directory.resolve("ours/node.p12"), PASSWORD)
                .truststore(directory.resolve("ours/truststore.p12"), PASSWORD)
                .pool(Clusters.workers(1))
                .join();
    }

    @AfterAll
    static void stop() {
        member.close();
    }

    private static ClusterPool.Builder client() {
        return ClusterPool.builder("secure")
                .discovery(Discovery.hosts("127.0.0.1:" + port))
                .bind("127.0.0.1")
                .port(port)
                .minMembers(1)
                .startTimeout(Duration.ofSeconds(2));
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "no permissions of Unix")
    void noOtherUserReadsAKey() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve("ours/node.p12"))))
                .isEqualTo("rw-------");
    }

    @Test
    void aClientWithATrustedCertificateGetsIn() {
        try (var pool = client().keystore(directory.resolve("ours/node.p12"), PASSWORD)
                .truststore(directory.resolve("ours/truststore.p12"), PASSWORD)
                .startTimeout(Duration.ofSeconds(20))
                .build()) {
            assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
        }
    }

    @Test
    void aClientWithACertificateOfAnotherAuthorityDoesNotGetIn() throws IOException {
        Certificates.make(directory.resolve("theirs"), List.of("node"), PASSWORD, "", 2);

        assertThatThrownBy(() -> client().keystore(directory.resolve("theirs/node.p12"), PASSWORD)
                        .truststore(directory.resolve("ours/truststore.p12"), PASSWORD)
                        .build())
                .isInstanceOf(BrokenExecutorException.class);
        assertThat(member.clients()).isZero();
    }

    @Test
    void aClientWithAnExpiredCertificateDoesNotGetIn() throws IOException {
        Certificates.make(directory.resolve("expired"), List.of("node"), PASSWORD, "-3d", 1);

        assertThatThrownBy(() -> client().keystore(directory.resolve("expired/node.p12"), PASSWORD)
                        .truststore(directory.resolve("ours/truststore.p12"), PASSWORD)
                        .build())
                .isInstanceOf(BrokenExecutorException.class);
        assertThat(member.clients()).isZero();
    }

    @Test
    void aClientWithoutACertificateDoesNotGetIn() {
        assertThatThrownBy(() -> client().insecureOnLoopback().build()).isInstanceOf(BrokenExecutorException.class);
        assertThat(member.clients()).isZero();
    }

    @Test
    void aNodeWithoutAKeystoreIsRefused() {
        assertThatThrownBy(() -> client().build())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("needs a keystore")
                .hasMessageContaining("java -m dev.trestle.cluster certificates")
                .hasMessageContaining("insecureOnLoopback()");
        assertThatThrownBy(() -> ClusterMember.builder("secure").join()).hasMessageContaining("needs a keystore");
    }

    @Test
    void insecureOnLoopbackHoldsForLoopbackOnly() {
        assertThatThrownBy(() -> client().bind("192.0.2.1").insecureOnLoopback().build())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("would listen on 192.0.2.1");
    }

    @Test
    void aKeystoreThatCannotBeReadIsNamed() {
        assertThatThrownBy(() -> client().keystore(directory.resolve("nowhere.p12"), PASSWORD)
                        .build())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("There is no keystore")
                .hasMessageContaining("nowhere.p12");
        assertThatThrownBy(() -> client().keystore(directory.resolve("ours/node.p12"), "wrong")
                        .build())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("Cannot read the keystore");
    }
}
