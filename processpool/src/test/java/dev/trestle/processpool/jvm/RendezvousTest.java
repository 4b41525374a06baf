package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.processpool.wire.TwoWayChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class RendezvousTest {

    @TempDir
    Path folder = Path.of("");

    private static SocketChannel dial(Rendezvous rendezvous, byte[] secret, char direction) throws IOException {
        String address = rendezvous.address();
        int port = address.indexOf('/');
        SocketChannel channel = address.startsWith("unix:")
                ? SocketChannel.open(UnixDomainSocketAddress.of(address.substring(5)))
                : SocketChannel.open(new InetSocketAddress(
                        InetAddress.ofLiteral(address.substring(4, port)),
                        Integer.parseInt(address.substring(port + 1))));
        channel.write(ByteBuffer.allocate(33).put(secret).put((byte) direction).flip());
        return channel;
    }

    private static void meet(Rendezvous rendezvous) throws Exception {
        byte[] secret = HexFormat.of().parseHex(rendezvous.secret());
        var meeting = new FutureTask<>(rendezvous::meet);
        Thread.ofVirtual().start(meeting);
        try (var stranger = dial(rendezvous, new byte[32], 'R');
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
            assertThat(stranger.read(ByteBuffer.allocate(1)))
                    .as("what the stranger is told")
                    .isEqualTo(-1);
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
        try (var rendezvous = Rendezvous.openLoopback(new IOException("for a test"))) {
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
}
