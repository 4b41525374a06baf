package dev.trestle.processpool.jvm;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.trestle.processpool.wire.Greeting;
import dev.trestle.processpool.wire.TwoWayChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(30)
class RendezvousTest {

    private static final Duration LONG = Duration.ofMinutes(1);

    @TempDir
    Path folder = Path.of("");

    private static final SecureRandom random = new SecureRandom();

    private static byte[] secretOf(Rendezvous rendezvous) {
        return HexFormat.of().parseHex(rendezvous.secret());
    }

    private static SocketChannel call(Rendezvous rendezvous) throws IOException {
        String address = rendezvous.address();
        int port = address.indexOf('/');
        return address.startsWith("unix:")
                ? SocketChannel.open(UnixDomainSocketAddress.of(address.substring(5)))
                : SocketChannel.open(new InetSocketAddress(
                        InetAddress.ofLiteral(address.substring(4, port)),
                        Integer.parseInt(address.substring(port + 1))));
    }

    private static SocketChannel dial(Rendezvous rendezvous, byte[] secret, char role) throws IOException {
        SocketChannel channel = call(rendezvous);
        if (rendezvous.address().startsWith("unix:")) {
            send(channel, ByteBuffer.allocate(33).put(secret).put((byte) role).array());
            return channel;
        }
        var greeting = new Greeting(secret, rendezvous.address());
        byte[] opening = greeting.opening(role, random);
        send(channel, opening);
        byte[] closing = greeting.closing(opening, receive(channel, Greeting.ANSWER_BYTES));
        send(channel, requireNonNull(closing));
        return channel;
    }

    private static void send(SocketChannel channel, byte[] bytes) throws IOException {
        channel.write(ByteBuffer.wrap(bytes));
    }

    /** Returns what comes, less than that if the other side hangs up. */
    private static byte[] receive(SocketChannel channel, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        try {
            while (buffer.hasRemaining() && channel.read(buffer) >= 0) {
                // the next piece
            }
        } catch (SocketException e) {
            assertThat(e).hasMessageContaining("reset");
        }
        return Arrays.copyOf(buffer.array(), buffer.position());
    }

    private static SocketChannel stranger(Rendezvous rendezvous) throws IOException {
        SocketChannel stranger = call(rendezvous);
        send(stranger, new byte[Greeting.OPENING_BYTES]);
        return stranger;
    }

    private static void meet(Rendezvous rendezvous) throws Exception {
        byte[] secret = secretOf(rendezvous);
        var meeting = new FutureTask<>(rendezvous::meet);
        Thread.ofVirtual().start(meeting);
        try (var stranger = stranger(rendezvous);
                var results = dial(rendezvous, secret, 'R');
                var calls = dial(rendezvous, secret, 'C');
                var controls = dial(rendezvous, secret, 'K');
                TwoWayChannel work = meeting.get().work();
                TwoWayChannel outgoingControls = meeting.get().controls()) {
            results.write(ByteBuffer.wrap("result".getBytes(StandardCharsets.US_ASCII)));
            work.write(ByteBuffer.wrap("call".getBytes(StandardCharsets.US_ASCII)));
            outgoingControls.write(ByteBuffer.wrap("control".getBytes(StandardCharsets.US_ASCII)));

            assertThat(text(work)).isEqualTo("result");
            assertThat(text(calls)).isEqualTo("call");
            assertThat(text(controls)).isEqualTo("control");
            assertThat(receive(stranger, 1)).as("what the stranger is told").isEmpty();
        }
    }

    private static String text(ByteChannel channel) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(64);
        channel.read(buffer);
        return StandardCharsets.US_ASCII.decode(buffer.flip()).toString();
    }

    @Test
    void aWorkerIsMetOverAUnixSocketAndAStrangerIsNot() throws Exception {
        try (var rendezvous = Rendezvous.open(folder.resolve("s"))) {
            assertThat(rendezvous.address()).startsWith("unix:");
            meet(rendezvous);
        }
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void aWorkerIsMetOverALoopbackPort() throws Exception {
        try (var rendezvous = Rendezvous.openLoopback(new IOException("for a test"), LONG)) {
            meet(rendezvous);
        }
    }

    @Test
    void aPathTooLongForASocketMeansALoopbackPort() throws Exception {
        try (var rendezvous = Rendezvous.open(folder.resolve("s".repeat(120)))) {
            assertThat(rendezvous.address()).startsWith("tcp:");
        }
    }

    @Test
    void closingEndsTheWait() throws Exception {
        var rendezvous = Rendezvous.open(folder.resolve("s"));
        var meeting = new FutureTask<>(rendezvous::meet);
        Thread.ofVirtual().start(meeting);
        rendezvous.close();

        assertThatThrownBy(meeting::get).hasCauseInstanceOf(IOException.class);
    }

    // Strangers at a port

    private static Rendezvous atAPort(Duration limit) throws IOException {
        return Rendezvous.openLoopback(new IOException("for a test"), limit);
    }

    private static FutureTask<Rendezvous.Met> meeting(Rendezvous rendezvous) {
        var meeting = new FutureTask<>(rendezvous::meet);
        Thread.ofPlatform().daemon().start(meeting);
        return meeting;
    }

    private static void worker(Rendezvous rendezvous, FutureTask<Rendezvous.Met> meeting) throws Exception {
        byte[] secret = secretOf(rendezvous);
        try (var _ = dial(rendezvous, secret, 'K');
                var _ = dial(rendezvous, secret, 'C');
                var _ = dial(rendezvous, secret, 'R')) {
            Rendezvous.Met met = meeting.get();
            met.work().close();
            met.controls().close();
        }
    }

    /** A caller that does not know the secret. */
    enum Stranger {
        SAYS_NOTHING(0),
        SAYS_ONE_BYTE(1),
        SAYS_ALMOST_ALL(Greeting.OPENING_BYTES - 1),
        SAYS_WHAT_IS_WRONG(Greeting.OPENING_BYTES),
        SAYS_MORE_THAN_A_WORKER(100_000);

        private final int length;

        Stranger(int length) {
            this.length = length;
        }
    }

    /** Each waits for an answer, and the worker comes last. */
    @ParameterizedTest
    @EnumSource
    void aThousandStrangersDoNotKeepTheWorkerWaiting(Stranger kind) throws Exception {
        var strangers = new ArrayList<SocketChannel>();
        try (var rendezvous = atAPort(LONG)) {
            var meeting = meeting(rendezvous);
            for (int i = 0; i < 1000; i++) {
                SocketChannel stranger = call(rendezvous);
                strangers.add(stranger);
                try {
                    send(stranger, new byte[kind.length]);
                } catch (IOException e) {
                    assertThat(e).hasMessageMatching(".*(reset|pipe).*"); // refused meanwhile
                }
            }
            worker(rendezvous, meeting);
        } finally {
            for (SocketChannel each : strangers) {
                each.close();
            }
        }
    }

    /** Without a limit, a stranger that connects often enough takes all handles of the program. */
    @Test
    void ofManyStrangersOnlyTheYoungestAreKept() throws Exception {
        var strangers = new ArrayList<SocketChannel>();
        try (var rendezvous = atAPort(LONG)) {
            var meeting = meeting(rendezvous);
            for (int i = 0; i < 100; i++) {
                strangers.add(call(rendezvous));
            }
            for (SocketChannel each : strangers.subList(0, 68)) {
                assertThat(receive(each, 1)).isEmpty();
            }
            worker(rendezvous, meeting);
        } finally {
            for (SocketChannel each : strangers) {
                each.close();
            }
        }
    }

    @Test
    void aCallerThatDoesNotGreetInTimeIsHungUpOn() throws Exception {
        try (var rendezvous = atAPort(Duration.ofMillis(50));
                var silent = call(rendezvous);
                var slow = call(rendezvous)) {
            var meeting = meeting(rendezvous);
            send(slow, new byte[3]);

            assertThat(receive(silent, 1)).isEmpty();
            assertThat(receive(slow, 1)).isEmpty();
            assertThat(meeting.isDone()).isFalse();
        }
    }

    @Test
    void aCallerGetsNoAnswerUnlessItKnowsTheSecret() throws Exception {
        try (var rendezvous = atAPort(LONG);
                var stranger = call(rendezvous)) {
            var _ = meeting(rendezvous);
            byte[] another = secretOf(rendezvous);
            another[31] ^= 1;
            send(stranger, new Greeting(another, rendezvous.address()).opening('R', random));

            assertThat(receive(stranger, Greeting.ANSWER_BYTES)).isEmpty();
        }
    }

    /** A stranger that has heard all of a worker's conversation says the same. */
    @Test
    void aReplayedGreetingIsRefused() throws Exception {
        try (var rendezvous = atAPort(LONG);
                var worker = call(rendezvous);
                var stranger = call(rendezvous)) {
            var meeting = meeting(rendezvous);
            var greeting = new Greeting(secretOf(rendezvous), rendezvous.address());
            byte[] opening = greeting.opening('R', random);
            send(worker, opening);
            byte[] closing = requireNonNull(greeting.closing(opening, receive(worker, Greeting.ANSWER_BYTES)));

            send(stranger, opening);
            assertThat(receive(stranger, Greeting.ANSWER_BYTES)).hasSize(Greeting.ANSWER_BYTES);
            send(stranger, closing);
            assertThat(receive(stranger, 1)).isEmpty();
            assertThat(meeting.isDone()).isFalse();
        }
    }

    @Test
    void anEchoOfThePoolsAnswerProvesNothing() throws Exception {
        try (var rendezvous = atAPort(LONG);
                var stranger = call(rendezvous)) {
            var _ = meeting(rendezvous);
            send(stranger, new Greeting(secretOf(rendezvous), rendezvous.address()).opening('R', random));
            byte[] answer = receive(stranger, Greeting.ANSWER_BYTES);
            send(stranger, Arrays.copyOfRange(answer, Greeting.ANSWER_BYTES - Greeting.CLOSING_BYTES, answer.length));

            assertThat(receive(stranger, 1)).isEmpty();
        }
    }

    /** Made for another port, on which a stranger listens that passes it on. */
    @Test
    void aGreetingForAnotherAddressIsRefused() throws Exception {
        try (var rendezvous = atAPort(LONG);
                var relay = call(rendezvous)) {
            var _ = meeting(rendezvous);
            send(relay, new Greeting(secretOf(rendezvous), "tcp:127.0.0.1/1").opening('R', random));

            assertThat(receive(relay, 1)).isEmpty();
        }
    }

    /** A worker whose connections are complete opens no further ones. */
    @Test
    void aRoleIsTakenOnce() throws Exception {
        try (var rendezvous = atAPort(LONG)) {
            var meeting = meeting(rendezvous);
            byte[] secret = secretOf(rendezvous);
            try (var one = dial(rendezvous, secret, 'R');
                    var other = dial(rendezvous, secret, 'R');
                    var unknown = dial(rendezvous, secret, 'X')) {
                assertThat(receive(unknown, 1)).isEmpty();
                one.configureBlocking(false);
                other.configureBlocking(false);
                await().pollInterval(Duration.ofMillis(1)).until(() -> isRefused(one) || isRefused(other));
                assertThat(isRefused(one)).isNotEqualTo(isRefused(other));
                assertThat(meeting.isDone()).isFalse();
            }
        }
    }

    /** Returns whether the other side has hung up, of which a channel that does not block knows. */
    private static boolean isRefused(SocketChannel channel) throws IOException {
        try {
            return channel.read(ByteBuffer.allocate(1)) < 0;
        } catch (SocketException e) {
            return true;
        }
    }
}
