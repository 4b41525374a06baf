package dev.trestle.processpool.child;

import dev.trestle.processpool.wire.Greeting;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The connections from a worker to its pool. A Unix-domain socket lies in a directory that no other user may enter, so
 * the worker shows its secret there. A port may belong to a process of any user, so there both sides prove that they
 * know the secret, and neither sends it.
 */
final class Dialer {

    private static final int BUFFER = 1 << 20;
    private static final String UNIX = "unix:";
    private static final String TCP = "tcp:";

    /** The time that a listener on a port has to answer, and a worker to find a pool that has time for it. */
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private Dialer() {}

    /**
     * Connects to the pool.
     *
     * @param address the address of the pool, as in the arguments of this worker
     * @param secret the secret from stdin
     * @param role the role of the connection
     * @throws IOException if that fails, or if another process than the pool listens there
     */
    static SocketChannel dial(String address, byte[] secret, char role) throws IOException {
        return address.startsWith(UNIX)
                ? dialSocket(address.substring(UNIX.length()), secret, role)
                : dialPort(address, secret, role, LIMIT);
    }

    private static SocketChannel dialSocket(String path, byte[] secret, char role) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.setOption(StandardSocketOptions.SO_SNDBUF, BUFFER);
        channel.setOption(StandardSocketOptions.SO_RCVBUF, BUFFER);
        channel.connect(UnixDomainSocketAddress.of(path));
        write(
                channel,
                ByteBuffer.allocate(secret.length + 1)
                        .put(secret)
                        .put((byte) role)
                        .flip());
        return channel;
    }

    /**
     * Connects to a port.
     *
     * @param limit the time limit for all of it
     */
    static SocketChannel dialPort(String address, byte[] secret, char role, Duration limit) throws IOException {
        int slash = address.indexOf('/');
        var peer = new InetSocketAddress(
                InetAddress.ofLiteral(address.substring(TCP.length(), slash)),
                Integer.parseInt(address.substring(slash + 1)));
        var greeting = new Greeting(secret, address);
        var random = new SecureRandom();
        long end = System.nanoTime() + limit.toNanos();
        while (true) {
            SocketChannel channel = SocketChannel.open();
            try {
                channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
                channel.setOption(StandardSocketOptions.SO_SNDBUF, BUFFER);
                channel.setOption(StandardSocketOptions.SO_RCVBUF, BUFFER);
                channel.connect(peer);
                greet(channel, greeting, greeting.opening(role, random), address, end);
                return channel;
            } catch (HungUpException e) {
                // A pool that many strangers call lets go of some callers, and cannot tell a worker that has said
                // nothing yet.
                channel.close();
                if (end - System.nanoTime() < 0) {
                    throw e;
                }
                LockSupport.parkNanos(PAUSE_NANOS);
            } catch (Throwable e) {
                channel.close();
                throw e;
            }
        }
    }

    private static void greet(SocketChannel channel, Greeting greeting, byte[] opening, String address, long end)
            throws IOException {
        byte[] answer = new byte[Greeting.ANSWER_BYTES];
        try {
            write(channel, ByteBuffer.wrap(opening));
            read(channel, answer, address, end);
        } catch (StrangerException e) {
            throw e;
        } catch (IOException e) {
            throw new HungUpException(
                    "What listens at " + address + " hangs up instead of answering this worker."
                            + " Either very many processes connect to the pool, or another process has its port.",
                    e);
        }
        byte[] closing = greeting.closing(opening, answer);
        if (closing == null) {
            throw new StrangerException("What listens at " + address + " does not know the secret of this worker, and"
                    + " was not told it. The program has probably ended, and another process has its port.");
        }
        write(channel, ByteBuffer.wrap(closing));
    }

    /** Reads by way of the socket, since only that has a time limit. */
    private static void read(SocketChannel channel, byte[] answer, String address, long end) throws IOException {
        InputStream in = channel.socket().getInputStream();
        int count = 0;
        while (count < answer.length) {
            long millis = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
            if (millis <= 0) {
                throw silent(address);
            }
            channel.socket().setSoTimeout((int) millis);
            int more;
            try {
                more = in.read(answer, count, answer.length - count);
            } catch (SocketTimeoutException e) {
                throw silent(address);
            }
            if (more < 0) {
                throw new EOFException("The connection was closed after " + count + " bytes of an answer");
            }
            count += more;
        }
    }

    private static StrangerException silent(String address) {
        return new StrangerException("What listens at " + address + " has not answered this worker in time."
                + " The program has probably ended, and another process has its port.");
    }

    private static void write(SocketChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** A process that is not the pool listens at the address of the pool. */
    private static final class StrangerException extends IOException {
        private static final long serialVersionUID = 1;

        StrangerException(String message) {
            super(message);
        }
    }

    /** The connection was closed before the pool had answered. */
    private static final class HungUpException extends IOException {
        private static final long serialVersionUID = 1;

        HungUpException(String message, IOException cause) {
            super(message, cause);
        }
    }
}
