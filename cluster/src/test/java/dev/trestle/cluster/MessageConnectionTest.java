package dev.trestle.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A stream of bytes in packets: its window, its end, and what breaks it. The test carries the packets. */
@Timeout(30)
class MessageConnectionTest {

    private final List<Packet> sent = new ArrayList<>();
    private final MessageConnection connection =
            new MessageConnection(7, Packet.Role.WORK, "peer", packet -> sent.add(decoded(packet)));

    private static Packet decoded(Packet packet) {
        return Objects.requireNonNull(Packet.decode(ByteBuffer.wrap(packet.encode())));
    }

    private static Packet.Data data(long position, int length) {
        return new Packet.Data(7, Packet.Role.WORK, position, ByteBuffer.allocate(length));
    }

    private int read(int length) throws IOException {
        return connection.read(ByteBuffer.allocate(length));
    }

    @Test
    void aWriterStopsWhenTheWindowIsFull() throws IOException {
        var bytes = ByteBuffer.allocate(MessageConnection.WINDOW + 5);
        while (connection.tryWrite(bytes) > 0) {
            assertThat(sent).isNotEmpty();
        }

        assertThat(bytes.remaining()).isEqualTo(5);
        assertThat(connection.awaitRoom(Duration.ofMillis(1))).isFalse();
        connection.makeRoom(new Packet.Room(7, Packet.Role.WORK, MessageConnection.WINDOW + 3));
        assertThat(connection.awaitRoom(Duration.ofSeconds(10))).isTrue();
        assertThat(connection.tryWrite(bytes)).isEqualTo(3);
        assertThat(sent.stream().mapToInt(each -> ((Packet.Data) each).bytes().remaining()))
                .allMatch(length -> length <= MessageConnection.PIECE);
    }

    @Test
    void aReaderGivesRoomWhenItHasReadHalfOfTheWindow() throws IOException {
        int half = MessageConnection.WINDOW / 2;
        assertThat(connection.receive(data(0, half))).isTrue();

        assertThat(read(half - 1)).isEqualTo(half - 1);
        assertThat(sent).isEmpty();
        assertThat(read(9)).isEqualTo(1);

        assertThat(sent).containsExactly(new Packet.Room(7, Packet.Role.WORK, half + MessageConnection.WINDOW));
    }

    @Test
    void bytesOutOfStepOrBeyondTheWindowAreRefused() {
        assertThat(connection.receive(data(0, 10))).isTrue();

        assertThat(connection.receive(data(0, 10))).as("again").isFalse();
        assertThat(connection.receive(data(11, 1))).as("after a gap").isFalse();
        assertThat(connection.receive(data(10, MessageConnection.WINDOW)))
                .as("too many")
                .isFalse();
        assertThat(connection.receive(data(10, 1))).isTrue();
    }

    @Test
    void arrivedBytesAreReadBeforeTheEnd() throws IOException {
        assertThat(connection.receive(data(0, 3))).isTrue();
        connection.end("it is gone");

        assertThat(read(10)).isEqualTo(3);
        assertThat(read(10)).isEqualTo(-1);
        assertThatThrownBy(() -> connection.tryWrite(ByteBuffer.allocate(1)))
                .isInstanceOf(IOException.class)
                .hasMessage("The connection to peer is closed: it is gone");
    }

    @Test
    void closingWakesAReaderAndAWriter() throws Exception {
        var reading = CompletableFuture.supplyAsync(() -> catching(() -> read(1)), Thread.ofVirtual()::start);
        var full = ByteBuffer.allocate(2 * MessageConnection.WINDOW);
        var writing = CompletableFuture.supplyAsync(
                () -> catching(() -> {
                    while (full.hasRemaining()) {
                        var _ = connection.write(full);
                    }
                }),
                Thread.ofVirtual()::start);

        connection.close();

        assertThat(reading.get()).hasMessageContaining("was closed here");
        assertThat(writing.get()).hasMessageContaining("The connection to peer is closed");
    }

    private interface Action {
        void run() throws IOException;
    }

    private static IOException catching(Action action) {
        try {
            action.run();
        } catch (IOException e) {
            return e;
        }
        throw new AssertionError("It did not throw");
    }

    /** No bytes that a node may send make the decoder throw. */
    @Test
    void anyBytesAreAPacketOrNone() {
        var random = new SplittableRandom(42);
        int packets = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = new byte[random.nextInt(40)];
            random.nextBytes(bytes);
            if (i % 2 == 0 && bytes.length > 3) {
                bytes[0] = Packet.MAGIC;
                bytes[1] = Packet.VERSION;
                bytes[2] = (byte) random.nextInt(-1, 6);
                bytes[3] = (byte) random.nextInt(-1, 3);
            }
            packets += Packet.decode(ByteBuffer.wrap(bytes)) == null ? 0 : 1;
        }

        assertThat(packets).isPositive();
    }
}
