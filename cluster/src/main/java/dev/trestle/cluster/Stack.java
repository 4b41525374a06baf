package dev.trestle.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.file.Files;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.jgroups.Address;
import org.jgroups.JChannel;
import org.jgroups.PhysicalAddress;
import org.jgroups.blocks.cs.Connection;
import org.jgroups.conf.ClassConfigurator;
import org.jgroups.protocols.FD_ALL3;
import org.jgroups.protocols.FRAG4;
import org.jgroups.protocols.JDBC_PING2;
import org.jgroups.protocols.MERGE3;
import org.jgroups.protocols.PerDestinationBundler;
import org.jgroups.protocols.SHARED_LOOPBACK;
import org.jgroups.protocols.SHARED_LOOPBACK_PING;
import org.jgroups.protocols.TCP;
import org.jgroups.protocols.TCPPING;
import org.jgroups.protocols.TP;
import org.jgroups.protocols.UFC;
import org.jgroups.protocols.UNICAST3;
import org.jgroups.protocols.VERIFY_SUSPECT2;
import org.jgroups.protocols.dns.DNS_PING;
import org.jgroups.protocols.pbcast.GMS;
import org.jgroups.protocols.pbcast.NAKACK2;
import org.jgroups.protocols.pbcast.STABLE;
import org.jgroups.stack.Protocol;
import org.jgroups.util.DefaultSocketFactory;
import org.jgroups.util.SocketFactory;
import org.jgroups.util.TLS;
import org.jgroups.util.TLSClientAuth;
import org.jgroups.util.Util;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The protocols of a node's channel. */
final class Stack {

    /*
     * A process that is killed is noticed by the end of its TCP connection, which makes a suspect of it; a machine that
     * cannot be reached by the heartbeats of FD_ALL3. FD_SOCK2 is left out: it has a port of its own, without TLS.
     * Diagnostics are off for the same reason.
     *
     * The window of a connection bounds what is under way to a node, so UFC, whose senders wait, has credits for many
     * connections, and is here for what JGroups itself sends.
     *
     * A peer that is stopped, or behind a cut cable, must not hold up messages to other nodes: each destination has a
     * thread of its own that sends, and connecting ends within some seconds. To a process that is stopped the kernel
     * connects all the same, and only the handshake shows it. See docs/adr/0515. And a view is installed without
     * waiting for the nodes that are not in it. See docs/adr/0516.
     *
     * Nodes that start at the same moment make one cluster if each of them knows all others: each then takes the same
     * one for the first. So each asks all ports at which others may be, and is told of all nodes that the others know.
     */

    /** The number of times that a node looks for others before it makes a cluster of its own. */
    private static final int DISCOVERY_RUNS = 4;

    private static final Logger logger = LoggerFactory.getLogger(Stack.class);

    /** The number of ports after the first that are tried if it is taken, and that are asked for other nodes. */
    private static final int PORT_RANGE = 10;

    private static final int MOST_PORT = 65_535;

    /** The shortest time limit of a TLS handshake, on both sides. */
    private static final int HANDSHAKE_MILLIS = 3_000;

    /**
     * A suspect has this part of the failure timeout to say that it lives, or up to twice as long, since JGroups looks
     * as often as that. A process that was killed is noticed that much later, and one that is only slow for so long
     * stays: with the default, half a second to a second.
     */
    private static final int VERIFICATION_PART = 16;

    /** The end of the wait for room for a goodbye to a node that is not in the view any more. */
    private static final Duration GOODBYE = Duration.ofSeconds(1);

    private static final long CREDITS = 32L * MessageConnection.WINDOW;

    private final NodeOptions options;

    Stack(NodeOptions options) {
        this.options = options;
    }

    /**
     * Creates the channel, which is not connected yet.
     *
     * @throws Exception as JGroups declares it
     */
    JChannel channel() throws Exception {
        options.refuseWithoutSecurity();
        List<Protocol> protocols = new ArrayList<>();
        if (options.isWithinJvm()) {
            protocols.add(tuned(new SHARED_LOOPBACK()));
            protocols.add(new SHARED_LOOPBACK_PING());
        } else {
            protocols.add(tuned(tcp()));
            protocols.add(discovery());
        }
        protocols.add(new MERGE3().setMinInterval(1_000).setMaxInterval(3_000));
        long failure = options.failureTimeout().toMillis();
        protocols.add(new FD_ALL3().setTimeout(failure).setInterval(Math.max(100, failure / 4)));
        protocols.add(new VERIFY_SUSPECT2().setTimeout(failure / VERIFICATION_PART));
        protocols.add(new NAKACK2().useMcastXmit(false));
        protocols.add(new UNICAST3().setXmitInterval(200));
        protocols.add(new STABLE().setDesiredAverageGossip(20_000).setMaxBytes(4_000_000));
        protocols.add(new GMS()
                .setJoinTimeout(2_000) // nodes that start together see each other by then, also if they are slow
                .setLeaveTimeout(1_000)
                .setMaxJoinAttempts(3)
                .setViewAckCollectionTimeout(1_000)
                .printLocalAddress(false)
                .logViewWarnings(false)
                .logCollectMessages(false));
        protocols.add(new UFC().<UFC>setMaxCredits(CREDITS).setMinThreshold(0.4));
        protocols.add(new FRAG4().setFragSize(MessageConnection.PIECE + 2_000));
        var channel = new JChannel(options.stack().apply(protocols));
        channel.getProtocolStack().getTransport().getDiagnosticsHandler().setEnabled(false);
        return channel;
    }

    private static TP tuned(TP transport) {
        transport.useVirtualThreads(true);
        transport.logDiscardMsgs(false);
        return transport;
    }

    private TCP tcp() throws GeneralSecurityException, IOException {
        var tcp = new PromptTcp();
        tcp.setBindAddress(options.bindAddress());
        tcp.setBindPort(options.port());
        tcp.setPortRange(PORT_RANGE);
        tcp.enableSuspectEvents(true);
        tcp.tcpNodelay(true);
        tcp.setSockConnTimeout(1_000);
        tcp.setPeerAddrReadTimeout(handshakeMillis());
        tcp.setBundler(new PerDestinationBundler().useSingleSenderThread(false));
        if (options.keystore().isPresent()) {
            tcp.tls(new BoundedHandshakes(handshakeMillis())
                    .enabled(true)
                    .setProtocols(new String[] {"TLSv1.3"})
                    .setClientAuth(TLSClientAuth.NEED)
                    .setSSLContext(sslContext(options.keystore().get())));
        }
        return tcp;
    }

    /** Three seconds with the default, and longer where the failure timeout says that machines are slow. */
    private int handshakeMillis() {
        return (int) Math.max(HANDSHAKE_MILLIS, options.failureTimeout().toMillis() * 3 / 8);
    }

    /**
     * TCP that forgets the nodes of former views without waiting for them. JGroups says goodbye to them on the thread
     * that installs a view, and to a node behind a cut cable there is no room for that.
     */
    private static final class PromptTcp extends TCP {

        /** The physical addresses in the last view; confined to the thread that installs views. */
        private Set<Address> present = Set.of();

        PromptTcp() {
            setId(ClassConfigurator.getProtocolId(TCP.class)); // by the name of the class there is none
        }

        /** Called with the members of each view, on the thread that installs it. */
        @Override
        public void retainAll(Collection<Address> members) {
            Set<Address> gone = new HashSet<>(present);
            gone.removeAll(members);
            present = Set.copyOf(members);
            List<Connection> left = new ArrayList<>();
            List<Address> others = new ArrayList<>();
            srv.forAllConnections((address, connection) -> {
                if (gone.contains(address) && !is_member.test((PhysicalAddress) address)) {
                    left.add(connection);
                } else {
                    others.add(address);
                }
            });
            srv.retainAll(others, _ -> true); // forgets those that have left, and closes none
            for (Connection each : left) {
                Thread.ofVirtual().name("trestle-cluster-goodbye").start(() -> leave(each));
            }
        }

        /** Says goodbye to a node, and closes the connection; at once if there is no room for the goodbye in time. */
        private void leave(Connection connection) {
            Thread goodbye = Thread.ofVirtual().start(() -> close(connection, true));
            try {
                if (!goodbye.join(GOODBYE)) {
                    close(connection, false);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        private static void close(Connection connection, boolean graceful) {
            try {
                connection.close(graceful);
                connection.close(); // which ends the thread of the connection that sends
            } catch (IOException e) {
                logger.debug("{} was not closed in order", connection, e);
            }
        }
    }

    /** TLS whose handshakes end. */
    private static final class BoundedHandshakes extends TLS {

        private final int millis;

        BoundedHandshakes(int millis) {
            this.millis = millis;
        }

        @Override
        public SocketFactory createSocketFactory(SSLContext context) {
            SocketFactory factory = super.createSocketFactory(context);
            if (factory instanceof DefaultSocketFactory sockets) {
                sockets.setSocketConfigurator(socket -> bound((SSLSocket) socket));
            }
            return factory;
        }

        private void bound(SSLSocket socket) {
            try {
                socket.setSoTimeout(millis);
                socket.addHandshakeCompletedListener(done -> unbound(done.getSocket()));
            } catch (SocketException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static void unbound(SSLSocket socket) {
            try {
                socket.setSoTimeout(0);
            } catch (SocketException e) {
                logger.debug("{} was closed after its handshake", socket, e);
            }
        }
    }

    private SSLContext sslContext(NodeOptions.Store keystore) throws GeneralSecurityException, IOException {
        var keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(load(keystore), keystore.password().toCharArray());
        var trusted = TrustManagerFactory.getInstance("PKIX");
        trusted.init(load(options.truststore().orElse(keystore)));
        SSLContext context = SSLContext.getInstance("TLSv1.3");
        context.init(keys.getKeyManagers(), trusted.getTrustManagers(), null);
        return context;
    }

    private static KeyStore load(NodeOptions.Store store) throws GeneralSecurityException, IOException {
        if (!Files.exists(store.file())) {
            throw new IOException("There is no keystore " + store.file());
        }
        try {
            return KeyStore.getInstance(store.file().toFile(), store.password().toCharArray());
        } catch (IOException e) {
            throw new IOException("Cannot read the keystore " + store.file() + ": " + e.getMessage(), e);
        }
    }

    private Protocol discovery() {
        // One request would miss a node that starts a moment later.
        return way().<org.jgroups.protocols.Discovery>numDiscoveryRuns(DISCOVERY_RUNS)
                .returnEntireCache(true);
    }

    private org.jgroups.protocols.Discovery way() {
        return switch (options.discovery().way()) {
            case Discovery.Hosts hosts -> {
                var ping = new TCPPING();
                // JGroups has no range of ports for hosts that are set in this way.
                ping.setInitialHosts(
                        hosts.all().stream().flatMap(Stack::addressesOf).toList());
                yield ping;
            }
            case Discovery.Dns dns -> new DNS_PING().setDNSQuery(dns.name());
            case Discovery.Jdbc jdbc -> new JDBC_PING2().setDataSource(jdbc.source());
            case Discovery.Loopback _ -> new SHARED_LOOPBACK_PING();
        };
    }

    /** Returns the addresses at which a host may have nodes; none if its name has no address. */
    private static Stream<InetSocketAddress> addressesOf(InetSocketAddress host) {
        var first = new InetSocketAddress(host.getHostString(), host.getPort());
        if (first.isUnresolved()) {
            logger.warn("The host {} has no address, so it is not asked for other nodes", host.getHostString());
            return Stream.empty();
        }
        return IntStream.rangeClosed(host.getPort(), Math.min(host.getPort() + PORT_RANGE, MOST_PORT))
                .mapToObj(port -> new InetSocketAddress(first.getAddress(), port));
    }

    static InetAddress nonLoopbackAddress() {
        try {
            InetAddress address = Util.getNonLoopbackAddress();
            return address == null ? InetAddress.getLoopbackAddress() : address;
        } catch (SocketException e) {
            return InetAddress.getLoopbackAddress();
        }
    }

    @Override
    public String toString() {
        return options.discovery()
                + (options.isWithinJvm()
                        ? ""
                        : ", listening on " + options.bindAddress().getHostAddress() + ":" + options.port());
    }
}
