package dev.trestle.cluster;

import static java.util.Objects.requireNonNull;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import javax.sql.DataSource;

/** A way to find the nodes of a cluster. Immutable. */
public final class Discovery {

    /** The port of a node if none is named. */
    public static final int DEFAULT_PORT = 7800;

    sealed interface Way {}

    record Hosts(List<InetSocketAddress> all) implements Way {
        @Override
        public String toString() {
            return "by the hosts "
                    + all.stream()
                            .map(each -> each.getHostString() + ":" + each.getPort())
                            .collect(Collectors.joining(", "));
        }
    }

    record Dns(String name) implements Way {
        @Override
        public String toString() {
            return "by the DNS name " + name;
        }
    }

    record Jdbc(DataSource source) implements Way {
        @Override
        public String toString() {
            return "by a table of a database";
        }
    }

    record Loopback() implements Way {
        @Override
        public String toString() {
            return "within this JVM";
        }
    }

    private final Way way;

    private Discovery(Way way) {
        this.way = way;
    }

    /**
     * Finds nodes on hosts that are known. At least one of them must be up when a node joins. A host whose name has no
     * address by then is left out, with a warning.
     *
     * @param hosts names or addresses, each with a port after a colon if that is not {@value #DEFAULT_PORT}; an IPv6
     *     address with a port is in brackets
     * @return the discovery
     * @throws IllegalArgumentException if there are no hosts, or a port is none
     */
    public static Discovery hosts(String... hosts) {
        return hosts(List.of(hosts));
    }

    /**
     * Does the same as {@link #hosts(String...)}.
     *
     * @param hosts names or addresses, each with or without a port
     * @return the discovery
     * @throws IllegalArgumentException if there are no hosts, or a port is none
     */
    public static Discovery hosts(List<String> hosts) {
        if (hosts.isEmpty()) {
            throw new IllegalArgumentException("Discovery by hosts needs at least one host, such as \"node-1:7800\"");
        }
        var all = new ArrayList<InetSocketAddress>();
        for (String each : hosts) {
            all.add(address(each.strip()));
        }
        return new Discovery(new Hosts(List.copyOf(all)));
    }

    private static InetSocketAddress address(String host) {
        int bracket = host.lastIndexOf(']');
        int colon = host.lastIndexOf(':');
        boolean hasPort = colon > bracket && (bracket >= 0 || host.indexOf(':') == colon);
        String name = hasPort ? host.substring(0, colon) : host;
        if (name.startsWith("[") && name.endsWith("]")) {
            name = name.substring(1, name.length() - 1);
        }
        if (name.isEmpty()) {
            throw new IllegalArgumentException("A host without a name: '" + host + "'");
        }
        return new InetSocketAddress(name, hasPort ? port(host, host.substring(colon + 1)) : DEFAULT_PORT);
    }

    private static int port(String host, String text) {
        try {
            int port = Integer.parseInt(text);
            if (port > 0 && port < 1 << 16) {
                return port;
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("The port of '" + host + "' is no number: " + text, e);
        }
        throw new IllegalArgumentException("The port of '" + host + "' must be between 1 and 65535: " + text);
    }

    /**
     * Finds nodes by a name of the DNS that stands for all of them, such as that of a headless service of Kubernetes.
     * All nodes have the same port.
     *
     * @param name the name
     * @return the discovery
     */
    public static Discovery dns(String name) {
        if (name.isBlank()) {
            throw new IllegalArgumentException("Discovery by DNS needs a name, such as \"reports.internal\"");
        }
        return new Discovery(new Dns(name));
    }

    /**
     * Finds nodes by a database that all of them can reach. Each node keeps a row there, in the table {@code jgroups},
     * which is created if it is not there.
     *
     * @param source the source of connections to the database
     * @return the discovery
     */
    public static Discovery jdbc(DataSource source) {
        return new Discovery(new Jdbc(requireNonNull(source, "source")));
    }

    /**
     * Finds nodes in this JVM, for tests: there are no sockets, so no other process takes part.
     *
     * @return the discovery
     */
    public static Discovery loopback() {
        return new Discovery(new Loopback());
    }

    Way way() {
        return way;
    }

    @Override
    public String toString() {
        return way.toString();
    }
}
