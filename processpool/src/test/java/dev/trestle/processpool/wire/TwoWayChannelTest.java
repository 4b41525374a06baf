package dev.trestle.processpool.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class TwoWayChannelTest {

    private static final int MUCH = 8 << 20;

    @TempDir
    Path folder = Path.of("");

    private SocketChannel[] forth = {};
    private SocketChannel[] back = {};

    @BeforeEach
    void connect() throws IOException {
        forth = pair("forth");
        back = pair("back");
    }

    @AfterEach
    void close() throws IOException {
        for (SocketChannel[] pair : new SocketChannel[][] {forth, back}) {
            for (SocketChannel each : pair) {
                each.close();
            }
        }
    }

    private SocketChannel[] pair(String name) throws IOException {
        var address = UnixDomainSocketAddress.of(folder.resolve(name));
        try (var listener =
                ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address)) {
            var one = SocketChannel.open(address);
            return new SocketChannel[] {one, listener.accept()};
        }
    }

    private TwoWayChannel near() throws IOException {
        return new TwoWayChannel(back[1], forth[0]);
    }

    private static Integer writeMuch(TwoWayChannel channel) throws IOException {
        ByteBuffer much = ByteBuffer.allocate(MUCH);
        while (much.hasRemaining()) {
            channel.write(much);
        }
        return much.position();
    }

    private int readMuch() throws IOException {
        ByteBuffer much = ByteBuffer.allocate(MUCH);
        while (much.hasRemaining() && forth[1].read(much) >= 0) {
            // on to the next piece
        }
        return much.position();
    }

    @Test
    void anInterruptedThreadWritesAndStaysInterrupted() throws Exception {
        try (var channel = near()) {
            Thread.currentThread().interrupt();
            channel.write(ByteBuffer.wrap(new byte[] {1}));

            assertThat(Thread.interrupted()).isTrue();
            assertThat(forth[1].read(ByteBuffer.allocate(1))).isEqualTo(1);
            assertThat(channel.isOpen()).isTrue();
        }
    }

    @Test
    void anInterruptWhileAWriterWaitsForRoomDoesNotDisturbIt() throws Exception {
        try (var channel = near()) {
            var writing = new FutureTask<>(() -> {
                writeMuch(channel);
                return Thread.interrupted();
            });
            Thread writer = Thread.ofPlatform().start(writing);
            await().pollInterval(Duration.ofMillis(1)).until(() -> isSelecting(writer));
            writer.interrupt();

            assertThat(readMuch()).isEqualTo(MUCH);
            assertThat(writing.get()).as("the interrupt is still pending").isTrue();
            assertThat(channel.isOpen()).isTrue();
        }
    }

    @Test
    void anInterruptDoesNotDisturbAReaderThatIsNotToBeDisturbed() throws Exception {
        try (var channel = TwoWayChannel.undisturbed(back[1], forth[0])) {
            var reading =
                    new FutureTask<>(() -> channel.read(ByteBuffer.allocate(8)) + (Thread.interrupted() ? 10 : 0));
            Thread reader = Thread.ofPlatform().start(reading);
            await().pollInterval(Duration.ofMillis(1)).until(() -> isSelecting(reader));
            reader.interrupt();
            back[0].write(ByteBuffer.wrap(new byte[] {1, 2}));

            assertThat(reading.get()).as("two bytes, and the interrupt").isEqualTo(12);
            assertThat(channel.isOpen()).isTrue();
        }
    }

    @Test
    void closingWakesAReaderThatIsNotToBeDisturbed() throws Exception {
        var channel = TwoWayChannel.undisturbed(back[1], forth[0]);
        var reading = new FutureTask<>(() -> channel.read(ByteBuffer.allocate(8)));
        Thread reader = Thread.ofPlatform().start(reading);
        await().pollInterval(Duration.ofMillis(1)).until(() -> isSelecting(reader));
        channel.close();

        assertThatThrownBy(reading::get).hasCauseInstanceOf(IOException.class);
    }

    @Test
    void closingWakesAWriterThatWaitsForRoom() throws Exception {
        var channel = near();
        var writing = new FutureTask<>(() -> writeMuch(channel));
        Thread writer = Thread.ofPlatform().start(writing);
        await().pollInterval(Duration.ofMillis(1)).until(() -> isSelecting(writer));
        channel.close();

        assertThatThrownBy(writing::get).hasCauseInstanceOf(IOException.class);
    }

    @Test
    void aPeerThatGoesAwayFailsAWriterThatWaitsForRoom() throws Exception {
        try (var channel = near()) {
            var writing = new FutureTask<>(() -> writeMuch(channel));
            Thread writer = Thread.ofPlatform().start(writing);
            await().pollInterval(Duration.ofMillis(1)).until(() -> isSelecting(writer));
            forth[1].close();

            assertThatThrownBy(writing::get).hasCauseInstanceOf(IOException.class);
        }
    }

    private static boolean isSelecting(Thread writer) {
        for (StackTraceElement frame : writer.getStackTrace()) {
            if (frame.getMethodName().equals("select")) {
                return true;
            }
        }
        return false;
    }
}
