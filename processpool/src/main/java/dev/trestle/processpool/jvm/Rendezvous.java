package dev.trestle.processpool.jvm;

import static java.util.Objects.requireNonNull;

import dev.trestle.processpool.wire.Greeting;
import dev.trestle.processpool.wire.TwoWayChannel;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.UnsupportedAddressTypeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The place where one worker dials in: a listening socket for a single meeting, and the secret of that worker.
 *
 * <p>The worker opens three connections: one for calls, one for results (see {@link TwoWayChannel}), one for what must
 * not wait behind a call. Each begins with a proof that the caller knows the secret, so no process that does not know
 * it gets as far as the protocol.
 */
public final class Rendezvous implements AutoCloseable {

    /*
     * A Unix-domain socket lies in the private directory, which no other user may enter: there a caller shows the
     * secret itself. Any user can connect to a port: there the caller and we prove that we know the secret, see
     * `Greeting`.
     *
     * All callers are heard at the same time, by one thread that waits for all of them. A caller that says nothing,
     * or one byte after the other, has until the end of the greeting's time, counted from its connect, and takes a
     * hundred bytes and a file handle. Of those that have proven nothing, only the youngest are kept: when there are
     * too many, the oldest goes, and a worker that was among them dials again. See docs/adr/0281.
     */

    private static final Log logger = Log.of(Rendezvous.class);

    private static final int SECRET_BYTES = 32;
    private static final List<String> LOOPBACK = List.of("127.0.0.1", "::1");

    /** The roles of the three connections: results, calls, controls. */
    private static final String ROLES = "RCK";

    private static final int BUFFER = 1 << 20;
    private static final int BACKLOG = 8;

    /** Strangers call a port too, and must not keep the worker from being heard. */
    private static final int PORT_BACKLOG = 1024;

    /** The most callers that are heard at the same time. Each has a file handle. */
    private static final int MOST_CALLERS = 32;

    private static final Duration GREETING = Duration.ofSeconds(10);

    private final ServerSocketChannel listener;
    private final Selector selector;
    private final String address;
    private final Duration limit;
    private final SecureRandom random = new SecureRandom();
    private final byte[] secret = new byte[SECRET_BYTES];

    /** The greeting of callers at a port; null at a Unix-domain socket. */
    private final @Nullable Greeting greeting;

    // Confined to the thread that meets the worker

    /** The callers that have not proven themselves, the oldest first. */
    private final Set<Caller> callers = new LinkedHashSet<>();

    private final @Nullable SocketChannel[] met = new SocketChannel[ROLES.length()];
    private boolean warned;

    private Rendezvous(ServerSocketChannel listener, String address, Duration limit, boolean isPort)
            throws IOException {
        this.listener = listener;
        this.address = address;
        this.limit = limit;
        random.nextBytes(secret);
        this.greeting = isPort ? new Greeting(secret, address) : null;
        this.selector = Selector.open();
        try {
            listener.configureBlocking(false);
            var _ = listener.register(selector, SelectionKey.OP_ACCEPT);
        } catch (Throwable e) {
            selector.close();
            throw e;
        }
    }

    /** Listens on a Unix-domain socket in a private directory, or on a loopback port where there is no such thing. */
    public static Rendezvous open(Path socket) throws IOException {
        try {
            return openSocket(socket);
        } catch (IOException | UnsupportedOperationException e) {
            logger.debug("No Unix-domain socket at {}: using a loopback port", socket, e);
            return openLoopback(e, GREETING);
        }
    }

    private static Rendezvous openSocket(Path socket) throws IOException {
        ServerSocketChannel listener = listen(socket);
        try {
            return new Rendezvous(listener, "unix:" + socket, GREETING, false);
        } catch (Throwable e) {
            listener.close();
            throw e;
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
     * @param instead the reason why there is no socket of another kind
     * @param limit the time limit for the greeting of a caller
     */
    static Rendezvous openLoopback(Exception instead, Duration limit) throws IOException {
        var failed = new IOException(
                "Neither can there be a Unix-domain socket in the private directory of the pool (" + instead
                        + "), for which java.io.tmpdir may be too long, nor can workers be reached over the loopback"
                        + " interface, 127.0.0.1 or ::1");
        failed.addSuppressed(instead);
        for (String host : LOOPBACK) {
            try {
                var listener = ServerSocketChannel.open();
                try {
                    listener.bind(new InetSocketAddress(InetAddress.ofLiteral(host), 0), PORT_BACKLOG);
                    int port = ((InetSocketAddress) listener.getLocalAddress()).getPort();
                    return new Rendezvous(listener, "tcp:" + host + "/" + port, limit, true);
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

    /** Returns whether workers dial a port, which they need a network for. */
    public boolean isPort() {
        return greeting != null;
    }

    /** Returns the address for the worker: {@code unix:<path>} or {@code tcp:<address>/<port>}. */
    public String address() {
        return address;
    }

    /** Returns the secret as the worker reads it from its stdin. */
    public String secret() {
        return HexFormat.of().formatHex(secret);
    }

    /**
     * Waits for the worker; {@link #close} from another thread ends the wait. To be called once.
     *
     * @throws IOException if it is closed before the worker has come
     */
    public Met meet() throws IOException {
        try {
            while (!isComplete()) {
                hear();
            }
            selector.close(); // a channel that has a selector cannot wait
            SocketChannel results = prepared(met[0]);
            SocketChannel calls = prepared(met[1]);
            SocketChannel controls = prepared(met[2]);
            return new Met(new TwoWayChannel(results, calls), TwoWayChannel.outgoing(controls));
        } catch (ClosedSelectorException e) {
            closeAll(met);
            throw new IOException(
                    "The worker hung up, or ended, before it had opened all connections to " + address, e);
        } catch (Throwable e) {
            closeAll(met);
            throw e;
        } finally {
            callers.forEach(Caller::close);
            callers.clear();
        }
    }

    private boolean isComplete() {
        for (SocketChannel each : met) {
            if (each == null) {
                return false;
            }
        }
        return true;
    }

    /** Waits for something to hear, or until a caller's time is over. */
    private void hear() throws IOException {
        var _ = selector.select(millisLeft());
        for (SelectionKey key : selector.selectedKeys()) {
            if (key.attachment() instanceof Caller caller) {
                hear(caller);
            } else {
                accept();
            }
        }
        selector.selectedKeys().clear();
        long now = System.nanoTime();
        callers.removeIf(each -> each.isLate(now));
    }

    /** Returns the time that the oldest caller may still take, in milliseconds; 0 if there is none, as for `select`. */
    private long millisLeft() {
        if (callers.isEmpty()) {
            return 0;
        }
        long left = limit.toNanos() - (System.nanoTime() - callers.iterator().next().since);
        return Math.max(1, TimeUnit.NANOSECONDS.toMillis(left) + 1);
    }

    /** Takes the callers that wait; but only some in one go, so that the others are heard too. */
    private void accept() throws IOException {
        for (int i = 0; i < MOST_CALLERS; i++) {
            SocketChannel channel = listener.accept();
            if (channel == null) {
                return;
            }
            if (callers.size() == MOST_CALLERS) {
                makeRoom();
            }
            var caller = new Caller(channel);
            callers.add(caller);
            try {
                channel.configureBlocking(false);
                var _ = channel.register(selector, SelectionKey.OP_READ, caller);
                hear(caller); // a worker speaks at once
            } catch (IOException e) {
                refuse(caller, e);
            }
        }
    }

    /** Lets go of the oldest caller that has not shown that it knows the secret, or else of the oldest. */
    private void makeRoom() {
        Caller oldest = callers.iterator().next();
        for (Caller each : callers) {
            if (each.answer == null) {
                oldest = each;
                break;
            }
        }
        refuse(oldest, null);
    }

    private void hear(Caller caller) {
        try {
            if (!caller.isRead()) {
                return;
            }
            if (greeting == null) {
                hearSecret(caller);
            } else if (caller.answer == null) {
                hearOpening(caller, greeting);
            } else if (greeting.isProven(caller.opening, caller.answer, caller.bytes())) {
                welcome(caller, caller.opening[0]);
            } else {
                refuseStranger(caller);
            }
        } catch (IOException e) {
            refuse(caller, e);
        }
    }

    private void hearSecret(Caller caller) throws IOException {
        byte[] said = caller.bytes();
        if (MessageDigest.isEqual(secret, Arrays.copyOf(said, SECRET_BYTES))) {
            welcome(caller, said[SECRET_BYTES]);
        } else {
            refuseStranger(caller);
        }
    }

    private void hearOpening(Caller caller, Greeting greeting) throws IOException {
        caller.opening = caller.bytes();
        byte[] answer = greeting.answer(caller.opening, random);
        if (answer == null) {
            refuseStranger(caller);
        } else if (caller.channel.write(ByteBuffer.wrap(answer)) < answer.length) {
            throw new IOException("A caller takes less than " + answer.length + " bytes");
        } else {
            caller.answer = answer;
            caller.expect(Greeting.CLOSING_BYTES);
            hear(caller);
        }
    }

    /** Takes the connection of a caller that has proven to be the worker. */
    private void welcome(Caller caller, byte role) throws IOException {
        int place = ROLES.indexOf(role);
        if (place < 0 || met[place] != null) {
            throw new IOException("The worker has opened this connection before, or none has this role: " + role);
        }
        callers.remove(caller);
        met[place] = caller.channel;
        SelectionKey key = caller.channel.keyFor(selector);
        if (key != null) {
            key.cancel();
        }
    }

    private void refuseStranger(Caller caller) {
        if (!warned) {
            warned = true; // once: strangers choose how many lines there would be
            logger.warn("A process that is not a worker of this pool connected to {}", address);
        }
        refuse(caller, null);
    }

    private void refuse(Caller caller, @Nullable IOException reason) {
        logger.debug("A caller at {} is refused", address, reason);
        callers.remove(caller);
        caller.close();
    }

    /** A connection that has not proven itself. */
    private final class Caller {
        private final SocketChannel channel;
        private final long since = System.nanoTime();
        private ByteBuffer buffer = ByteBuffer.allocate(greeting == null ? SECRET_BYTES + 1 : Greeting.OPENING_BYTES);
        private byte[] opening = {};
        private byte @Nullable [] answer;

        Caller(SocketChannel channel) {
            this.channel = channel;
        }

        /** Reads the available bytes; returns whether all expected bytes have arrived. */
        boolean isRead() throws IOException {
            while (buffer.hasRemaining()) {
                int count = channel.read(buffer);
                if (count < 0) {
                    throw new EOFException("It hung up after " + buffer.position() + " bytes");
                }
                if (count == 0) {
                    return false;
                }
            }
            return true;
        }

        byte[] bytes() {
            return buffer.array();
        }

        void expect(int length) {
            buffer = ByteBuffer.allocate(length);
        }

        /** Hangs up if the time is over; returns whether it is. */
        boolean isLate(long now) {
            boolean late = now - since >= limit.toNanos();
            if (late) {
                logger.debug("A caller at {} has not greeted within {}", address, limit);
                close();
            }
            return late;
        }

        void close() {
            closeAll(channel);
        }
    }

    /**
     * The connections to a worker.
     *
     * @param work calls go out, results come in
     * @param controls only goes out
     */
    public record Met(TwoWayChannel work, TwoWayChannel controls) {}

    private static SocketChannel prepared(@Nullable SocketChannel channel) throws IOException {
        requireNonNull(channel).configureBlocking(true);
        channel.setOption(StandardSocketOptions.SO_SNDBUF, BUFFER);
        channel.setOption(StandardSocketOptions.SO_RCVBUF, BUFFER);
        if (channel.supportedOptions().contains(StandardSocketOptions.TCP_NODELAY)) {
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        }
        return channel;
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
        selector.close(); // first: it wakes the thread that waits
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
