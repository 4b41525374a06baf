package dev.trestle.processpool.jvm;

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
import java.nio.channels.UnsupportedAddressTypeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The place where one worker dials in: a listening socket for a single meeting, and the secret that the worker shows.
 *
 * <p>The worker opens three connections: one for calls, one for results (see {@link TwoWayChannel}), one for what must
 * not wait behind a call. Each begins with the secret and a byte that says which it is, so no process that does not
 * know the secret gets as far as the protocol.
 */
public final class Rendezvous implements AutoCloseable {

    private static final Log logger = Log.of(Rendezvous.class);

    private static final int SECRET_BYTES = 32;
    private static final List<String> LOOPBACK = List.of("127.0.0.1", "::1");

    private static final int BUFFER = 1 << 20;
    private static final int BACKLOG = 8;

    private final ServerSocketChannel listener;
    private final String address;
    private final byte[] secret = new byte[SECRET_BYTES];

    private Rendezvous(ServerSocketChannel listener, String address) {
        this.listener = listener;
        this.address = address;
        new SecureRandom().nextBytes(secret);
    }

    /** Listens on a Unix-domain socket in a private directory, or on a loopback port where there is no such thing. */
    public static Rendezvous open(Path socket) throws IOException {
        try {
            return new Rendezvous(listen(socket), "unix:" + socket);
        } catch (IOException | UnsupportedOperationException e) {
            logger.debug("No Unix-domain socket at {}: using a loopback port", socket, e);
            return openLoopback(e);
        }
    }

    /**
     * Listens on a Unix-domain socket.
     *
     * @throws IOException if that fails, as where its path is longer than some 100 bytes
     * @throws UnsupportedOperationException if this system has no such sockets
     */
    static ServerSocketChannel listen(Path socket) throws IOException {
        if (!NativeText.canBeSocket(socket)) {
            throw new IOException("With the default charset of this program there would be no socket at " + socket);
        }
        var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            return listener.bind(UnixDomainSocketAddress.of(socket), BACKLOG);
        } catch (IOException e) {
            listener.close();
            throw e;
        }
    }

    /**
     * Listens on a port of the loopback interface. The address is a number and not a name, and one that both sides can
     * reach whatever their options for IPv4 and IPv6 are, which differ.
     *
     * @param instead why there is no socket of another kind
     */
    static Rendezvous openLoopback(Exception instead) throws IOException {
        var failed = new IOException(
                "Neither can there be a Unix-domain socket in the private directory of the pool (" + instead
                        + "), for which java.io.tmpdir may be too long, nor can workers be reached over the loopback"
                        + " interface, 127.0.0.1 or ::1");
        failed.addSuppressed(instead);
        for (String host : LOOPBACK) {
            try {
                var listener = ServerSocketChannel.open();
                try {
                    listener.bind(new InetSocketAddress(InetAddress.ofLiteral(host), 0));
                    int port = ((InetSocketAddress) listener.getLocalAddress()).getPort();
                    return new Rendezvous(listener, "tcp:" + host + "/" + port);
                } catch (IOException | UnsupportedAddressTypeException e) {
                    listener.close();
                    failed.addSuppressed(e);
                }
            } catch (IOException e) {
                failed.addSuppressed(e);
            }
        }
        throw failed;
    }

    /** Returns where the worker is to dial: {@code unix:<path>} or {@code tcp:<address>/<port>}. */
    public String address() {
        return address;
    }

    /** Returns the secret as the worker reads it from its stdin. */
    public String secret() {
        return HexFormat.of().formatHex(secret);
    }

    /** Waits for the worker; {@link #close} from another thread ends the wait. */
    public Met meet() throws IOException {
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
    public record Met(TwoWayChannel work, TwoWayChannel controls) {}

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
            logger.warn("A process that is not a worker of this pool connected to {}", address);
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
