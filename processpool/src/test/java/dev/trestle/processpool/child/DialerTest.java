package dev.trestle.processpool.child;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.processpool.jvm.Rendezvous;
import dev.trestle.processpool.wire.Greeting;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A worker that asks a port whether its pool listens there, and another process that answers in its place. */
@Timeout(30)
class DialerTest {

    private static final byte[] SECRET = "a secret of thirty-two bytes....".getBytes(StandardCharsets.US_ASCII);
    private static final Duration LONG = Duration.ofSeconds(20);
    private static final Duration SHORT = Duration.ofMillis(200);

    @TempDir
    Path folder = Path.of("");

    @Test
    void aWorkerAndItsPoolMeetAtAPort() throws Exception {
        try (var rendezvous = Rendezvous.open(folder.resolve("s".repeat(120)))) {
            assertThat(rendezvous.address()).startsWith("tcp:");
            var meeting = new FutureTask<>(rendezvous::meet);
            Thread.ofPlatform().daemon().start(meeting);
            byte[] secret = HexFormat.of().parseHex(rendezvous.secret());
            try (var _ = Dialer.dial(rendezvous.address(), secret, 'R');
                    var _ = Dialer.dial(rendezvous.address(), secret, 'C');
                    var _ = Dialer.dial(rendezvous.address(), secret, 'K')) {
                Rendezvous.Met met = meeting.get();
                met.work().close();
                met.controls().close();
            }
        }
    }

    /** A process that has the port of a program which has ended. */
    enum Impostor {
        ANSWERS_ZEROS {
            @Override
            byte[] answer(byte[] opening) {
                return new byte[Greeting.ANSWER_BYTES];
            }
        },
        SENDS_BACK_WHAT_IT_HEARD {
            @Override
            byte[] answer(byte[] opening) {
                return Arrays.copyOfRange(opening, 1, Greeting.OPENING_BYTES);
            }
        },
        KNOWS_ANOTHER_SECRET {
            @Override
            byte[] answer(byte[] opening) {
                var random = new SecureRandom();
                byte[] another = new byte[SECRET.length];
                var greeting = new Greeting(another, "tcp:127.0.0.1/1");
                return requireNonNull(greeting.answer(greeting.opening('R', random), random));
            }
        },
        SPEAKS_HTTP {
            @Override
            byte[] answer(byte[] opening) {
                return "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                        .getBytes(StandardCharsets.US_ASCII);
            }
        };

        abstract byte[] answer(byte[] opening);
    }

    @ParameterizedTest
    @EnumSource
    void anImpostorAtThePortIsFoundOutAndLearnsNothing(Impostor impostor) throws Exception {
        var heard = new ByteArrayOutputStream();
        try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var serving = new FutureTask<>(() -> {
                try (Socket caller = server.accept()) {
                    byte[] opening = caller.getInputStream().readNBytes(Greeting.OPENING_BYTES);
                    heard.writeBytes(opening);
                    caller.getOutputStream().write(impostor.answer(opening));
                    caller.shutdownOutput();
                    try {
                        heard.writeBytes(caller.getInputStream().readAllBytes());
                    } catch (IOException e) {
                        assertThat(e).hasMessageContaining("reset"); // by the worker, which did not read all
                    }
                }
                return heard.toByteArray();
            });
            Thread.ofPlatform().daemon().start(serving);

            assertThatThrownBy(() -> Dialer.dialPort(address(server), SECRET, 'R', LONG))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("tcp:127.0.0.1/" + server.getLocalPort())
                    .hasMessageContaining("does not know the secret of this worker, and was not told it")
                    .hasMessageContaining("another process has its port");
            byte[] all = serving.get();
            assertThat(all).hasSize(Greeting.OPENING_BYTES).as("what it heard");
            assertThat(new String(all, StandardCharsets.ISO_8859_1))
                    .doesNotContain(new String(SECRET, StandardCharsets.ISO_8859_1))
                    .doesNotContain(HexFormat.of().formatHex(SECRET));
        }
    }

    @Test
    void aSilentImpostorIsWaitedForOnlySoLong() throws Exception {
        try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThatThrownBy(() -> Dialer.dialPort(address(server), SECRET, 'R', SHORT))
                    .hasMessageContaining("has not answered this worker in time")
                    .hasMessageContaining("tcp:127.0.0.1/" + server.getLocalPort());
        }
    }

    /** A pool that many strangers call may hang up on a worker that has not yet said anything. */
    @Test
    void aWorkerThatIsHungUpOnDialsAgain() throws Exception {
        try (var server = new ServerSocket(0, 8, InetAddress.getLoopbackAddress())) {
            var hangingUp = new FutureTask<>(() -> {
                for (int i = 0; i < 3; i++) {
                    server.accept().close();
                }
                try (Socket caller = server.accept()) {
                    var greeting = new Greeting(SECRET, address(server));
                    byte[] opening = caller.getInputStream().readNBytes(Greeting.OPENING_BYTES);
                    byte[] answer = requireNonNull(greeting.answer(opening, new SecureRandom()));
                    caller.getOutputStream().write(answer);
                    return greeting.isProven(
                            opening, answer, caller.getInputStream().readNBytes(Greeting.CLOSING_BYTES));
                }
            });
            Thread.ofPlatform().daemon().start(hangingUp);
            try (var _ = Dialer.dialPort(address(server), SECRET, 'R', LONG)) {
                assertThat(hangingUp.get()).isTrue();
            }
        }
    }

    @Test
    void aPeerThatAlwaysHangsUpIsGivenUp() throws Exception {
        try (var server = new ServerSocket(0, 8, InetAddress.getLoopbackAddress())) {
            Thread.ofPlatform().daemon().start(() -> {
                try {
                    while (true) {
                        server.accept().close();
                    }
                } catch (IOException e) {
                    assertThat(server.isClosed()).isTrue();
                }
            });

            assertThatThrownBy(() -> Dialer.dialPort(address(server), SECRET, 'R', SHORT))
                    .hasMessageMatching(".*(hangs up instead of answering|has not answered).*");
        }
    }

    private static String address(ServerSocket server) {
        return "tcp:127.0.0.1/" + server.getLocalPort();
    }
}
