package dev.trestle.cluster;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jgroups.stack.Protocol;

/**
 * The options that all nodes of a cluster have, members and clients. Not thread-safe.
 *
 * @param <B> the builder
 */
public abstract sealed class NodeBuilder<B extends NodeBuilder<B>> permits ClusterMember.Builder, ClusterPool.Builder {

    final String cluster;
    NodeOptions options = NodeOptions.DEFAULT;
    long maxPayloadBytes = 1L << 30;
    Supplier<Map<String, String>> code = Code::own;

    NodeBuilder(String cluster) {
        this.cluster = Arguments.name("cluster", cluster);
    }

    /** Returns this builder. */
    abstract B self();

    /**
     * Sets how the nodes of the cluster find each other.
     *
     * @param value the discovery; by the host {@code localhost} if not set
     * @return this builder
     */
    public final B discovery(Discovery value) {
        options = options.withDiscovery(requireNonNull(value, "discovery"));
        return self();
    }

    /**
     * Sets the key and the certificate of this node, and the certificates of the nodes that may take part unless
     * there is a {@link #truststore}. Both sides of each connection show theirs: a node without one reaches
     * nothing.
     *
     * @param file a PKCS12 or JKS file
     * @param password its password
     * @return this builder
     */
    public final B keystore(Path file, String password) {
        options = options.withKeystore(file, password);
        return self();
    }

    /**
     * Sets the certificates of the nodes, or of the authorities, that may take part.
     *
     * @param file a PKCS12 or JKS file
     * @param password its password
     * @return this builder
     */
    public final B truststore(Path file, String password) {
        options = options.withTruststore(file, password);
        return self();
    }

    /**
     * Does without certificates. The node listens on a loopback address only; every user of this machine can run
     * code as the user of this program.
     *
     * @return this builder
     */
    public final B insecureOnLoopback() {
        options = options.withoutSecurity();
        return self();
    }

    /**
     * Sets the address of this machine where the node listens; the first that is not loopback if not set.
     *
     * @param address a name or an address
     * @return this builder
     */
    public final B bind(String address) {
        options = options.withBind(address);
        return self();
    }

    /**
     * Sets the port where the node listens; {@value Discovery#DEFAULT_PORT} if not set. If the port is taken, one
     * of the ten after it is used.
     *
     * @param value the port
     * @return this builder
     * @throws IllegalArgumentException if it is not between 1 and 65535
     */
    public final B port(int value) {
        options = options.withPort(value);
        return self();
    }

    /**
     * Sets the time after which a node that cannot be reached counts as gone; 8 seconds if not set. A process that
     * ends is noticed at once.
     *
     * @param value half a second or more
     * @return this builder
     * @throws IllegalArgumentException if it is less
     */
    public final B failureTimeout(Duration value) {
        options = options.withFailureTimeout(value);
        return self();
    }

    /**
     * Sets the largest size of a call and of a result; 1 GiB if not set.
     *
     * @param bytes the size in bytes
     * @return this builder
     * @throws IllegalArgumentException if it is less than 1 KiB or more than 1 GiB
     */
    public final B maxPayload(long bytes) {
        if (bytes < 1024 || bytes > 1L << 30) {
            throw new IllegalArgumentException(
                    "The largest payload must be between 1 KiB and 1 GiB, in bytes: " + bytes);
        }
        maxPayloadBytes = bytes;
        return self();
    }

    /** Sets the code that the node says it has; for tests. */
    final B code(Map<String, String> value) {
        code = () -> value;
        return self();
    }

    /** Changes the protocols of the channel; for tests. */
    final B stack(UnaryOperator<List<Protocol>> change) {
        options = options.withStack(change);
        return self();
    }
}
