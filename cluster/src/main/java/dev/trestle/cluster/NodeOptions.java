package dev.trestle.cluster;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jgroups.stack.Protocol;
import org.jspecify.annotations.Nullable;

/**
 * The options of a node of a cluster, as the builders have collected them.
 *
 * @param bind the address of this machine where the node listens; null for the first that is not loopback
 * @param port the port where the node listens, or the first of some
 * @param keystore the key and the certificate of this node
 * @param truststore the certificates of the nodes that may take part; the keystore if it is empty
 * @param insecure whether the node may do without, on loopback
 * @param failureTimeout the time after which a node that cannot be reached is gone
 * @param stack changes the protocols; for tests
 */
record NodeOptions(
        Discovery discovery,
        @Nullable String bind,
        int port,
        Optional<Store> keystore,
        Optional<Store> truststore,
        boolean insecure,
        Duration failureTimeout,
        UnaryOperator<List<Protocol>> stack) {

    /** A file of keys or certificates. The password is in none of its texts. */
    record Store(Path file, String password) {
        @Override
        public String toString() {
            return file.toString();
        }
    }

    static final NodeOptions DEFAULT = new NodeOptions(
            Discovery.hosts("localhost"),
            null,
            Discovery.DEFAULT_PORT,
            Optional.empty(),
            Optional.empty(),
            false,
            Duration.ofSeconds(8),
            UnaryOperator.identity());

    NodeOptions withDiscovery(Discovery value) {
        return new NodeOptions(value, bind, port, keystore, truststore, insecure, failureTimeout, stack);
    }

    NodeOptions withBind(String address) {
        return new NodeOptions(discovery, address, port, keystore, truststore, insecure, failureTimeout, stack);
    }

    NodeOptions withPort(int value) {
        if (value < 1 || value >= 1 << 16) {
            throw new IllegalArgumentException("The port must be between 1 and 65535: " + value);
        }
        return new NodeOptions(discovery, bind, value, keystore, truststore, insecure, failureTimeout, stack);
    }

    NodeOptions withKeystore(Path file, String password) {
        return new NodeOptions(
                discovery,
                bind,
                port,
                Optional.of(new Store(file, password)),
                truststore,
                insecure,
                failureTimeout,
                stack);
    }

    NodeOptions withTruststore(Path file, String password) {
        return new NodeOptions(
                discovery,
                bind,
                port,
                keystore,
                Optional.of(new Store(file, password)),
                insecure,
                failureTimeout,
                stack);
    }

    NodeOptions withoutSecurity() {
        return new NodeOptions(discovery, bind, port, keystore, truststore, true, failureTimeout, stack);
    }

    NodeOptions withFailureTimeout(Duration value) {
        if (value.compareTo(Duration.ofMillis(500)) < 0) {
            throw new IllegalArgumentException(
                    "The failure timeout must be half a second or more, since a pause of a JVM is no failure: "
                            + value);
        }
        return new NodeOptions(discovery, bind, port, keystore, truststore, insecure, value, stack);
    }

    NodeOptions withStack(UnaryOperator<List<Protocol>> value) {
        return new NodeOptions(discovery, bind, port, keystore, truststore, insecure, failureTimeout, value);
    }

    boolean isWithinJvm() {
        return discovery.way() instanceof Discovery.Loopback;
    }

    /**
     * Throws if this node would be reachable without a certificate.
     *
     * @throws IllegalStateException if it would
     */
    void refuseWithoutSecurity() {
        if (keystore.isPresent() || isWithinJvm()) {
            return;
        }
        if (!insecure) {
            throw new IllegalStateException("A node of a cluster needs a keystore with its key and certificate: a peer"
                    + " that is not authenticated could run code here. Set keystore(file, password), and make a"
                    + " certificate for a trial with: java -m dev.trestle.cluster certificates --directory DIR --names"
                    + " NAME --password-file FILE. On one machine, insecureOnLoopback() does without.");
        }
        InetAddress address = bindAddress();
        if (!address.isLoopbackAddress()) {
            throw new IllegalStateException("insecureOnLoopback() holds for a loopback address, and this node would"
                    + " listen on " + address.getHostAddress() + ". Bind it to 127.0.0.1, or set keystore(file,"
                    + " password).");
        }
    }

    /** Returns the address where the node listens. */
    InetAddress bindAddress() {
        try {
            if (bind != null) {
                return InetAddress.getByName(bind);
            }
            return keystore.isEmpty() ? InetAddress.getLoopbackAddress() : Stack.nonLoopbackAddress();
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("The address to bind to is unknown: " + bind, e);
        }
    }
}
