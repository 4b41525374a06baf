package dev.trestle.processpool;

import dev.trestle.processpool.wire.TwoWayChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The place where one worker dials in: a listening socket for a single meeting, and the secret that the worker shows.
 *
 * <p>The worker opens three connections: one for calls, one for results (see {@link TwoWayChannel}), one for what must
 * not wait behind a call. Each begins with the secret and a byte that says which it is, so nobody who does not know the
 * secret gets as far as the protocol.
 */
final class Rendezvous implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(Rendezvous.class);

    private static final SecureRandom random = new SecureRandom();
    private static final int SECRET_BYTES = 32;
    /** Of {@code sun_path}, which has 104 bytes on macOS and 108 on Linux. */
    private static final int LONGEST_SOCKET_PATH = 100;

    private static final int BUFFER = 1 << 20;

    private final ServerSocketChannel listener;
    private final String address;
    private final byte[] secret = new byte[SECRET_BYTES];

    private Rendezvous(ServerSocketChannel listener, String address) {
        this.listener = listener;
        this.address = address;
        random.nextBytes(secret);
    }

    /** Listens on a Unix-domain socket in a private directory, or on a loopback port where there is no such thing. */
    static Rendezvous open(Path socket) throws IOException {
        if (socket.toString().length() <= LONGEST_SOCKET_PATH) {
            try {
                var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
                try {
                    listener.bind(UnixDomainSocketAddress.of(socket));
                    return new Rendezvous(listener, "unix:" + socket);
                } catch (IOException e) {
                    listener.close();
                    throw e;
                }
            } catch (IOException | UnsupportedOperationException e) {
                logger.debug("No Unix-domain socket at {}: using a loopback port", socket, e);
            }
        }
        return openLoopback();
    }

    /** Listens on a port of the loopback interface. */
    static Rendezvous openLoopback() throws IOException {
        var listener = ServerSocketChannel.open();
        try {
            listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            return new Rendezvous(listener, "tcp:" + ((InetSocketAddress) listener.getLocalAddress()).getPort());
        } catch (IOException e) {
            listener.close();
            throw e;
        }
    }

    /** Returns where the worker is to dial: {@code unix:<path>} or {@code tcp:<port>}. */
    String address() {
        return address;
    }

    /** Returns the secret as the worker reads it from its stdin. */
    String secret() {
        return HexFormat.of().formatHex(secret);
    }

    /** Waits for the worker; {@link #close} from another thread ends the wait. */
    Met meet() throws IOException {
        SocketChannel results = null;
        SocketChannel calls = null;
        SocketChannel controls = null;
        try {
            while (results == null || calls == null || controls == null) {
                SocketChannel caller = listener.accept();
                switch (greeting(caller)) {
                    case 'R' -> results = caller;
                    case 'C' -> calls = caller;
                    case 'K' -> controls = caller;
                    default -> caller.close();
                }
            }
            prepare(results);
            prepare(calls);
            prepare(controls);
            return new Met(new TwoWayChannel(results, calls), TwoWayChannel.outgoing(controls));
        } catch (IOException e) {
            closeAll(results, calls, controls);
            throw e;
        }
    }

    /**
     * The connections to a worker.
     *
     * @param work calls go out, results come in
     * @param controls only goes out
     */
    record Met(TwoWayChannel work, TwoWayChannel controls) {}

    private int greeting(SocketChannel caller) {
        ByteBuffer greeting = ByteBuffer.allocate(SECRET_BYTES + 1);
        try {
            while (greeting.hasRemaining()) {
                if (caller.read(greeting) < 0) {
                    return -1;
                }
            }
        } catch (IOException e) {
            logger.debug("A caller hung up at {}", address, e);
            return -1;
        }
        byte[] shown = new byte[SECRET_BYTES];
        greeting.flip().get(shown);
        if (!MessageDigest.isEqual(secret, shown)) {
            logger.warn("Somebody who is not our worker dialled {}", address);
            return -1;
        }
        return greeting.get();
    }

    private static void prepare(SocketChannel channel) throws IOException {
        channel.setOption(StandardSocketOptions.SO_SNDBUF, BUFFER);
        channel.setOption(StandardSocketOptions.SO_RCVBUF, BUFFER);
        if (channel.supportedOptions().contains(StandardSocketOptions.TCP_NODELAY)) {
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        }
    }

    private static void closeAll(@Nullable SocketChannel... channels) {
        for (SocketChannel channel : channels) {
            try {
                if (channel != null) {
                    channel.close();
                }
            } catch (IOException e) {
                logger.debug("Cannot close {}", channel, e);
            }
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
        if (address.startsWith("unix:")) {
            Files.deleteIfExists(Path.of(address.substring("unix:".length())));
        }
    }

    @Override
    public String toString() {
        return "Rendezvous[" + address + "]";
    }
}
