package dev.trestle.processpool.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.Call;
import dev.trestle.processpool.values.DecodedCall;
import dev.trestle.processpool.values.EncodedCall;
import dev.trestle.processpool.values.Journey;
import dev.trestle.processpool.values.NotEncodableException;
import java.nio.channels.Pipe;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Big values go out of band without being copied, too big ones are refused on the side that has them. */
@Timeout(120)
class PayloadLimitTest {

    /** The size in MiB. The largest is 1023, which needs {@code -Xmx4500m}: both sides are in this JVM. */
    private static final int SIZE = Integer.getInteger("trestle.payload.mebibytes", 24);

    private final Journey journey = Journey.allowingNothing();
    private final Journey narrow = Journey.with(WireOptions.DEFAULT.withMaxPayloadBytes(100_000));

    @Test
    void aBigArrayIsNotCopiedOnItsWayOut() throws Throwable {
        byte[] big = new byte[SIZE << 20];
        Call<Integer> call = () -> big.length;

        Payload payload = journey.encode(call).payload();

        assertThat(payload.arrays()).singleElement().isSameAs(big);
        assertThat(payload.bodySize()).isLessThan(1000);
        assertThat(payload.size()).isGreaterThan(SIZE << 20);
    }

    @Test
    void aBigArrayPassesThroughAConnection() throws Throwable {
        byte[] big = new byte[SIZE << 20];
        Arrays.fill(big, 1000, 2000, (byte) 7);
        Call<byte[]> call = () -> big;
        EncodedCall encoded = journey.encode(call);
        Pipe pipe = Pipe.open();
        var arriving = new FutureTask<>(() -> new FrameChannel(new PipeConnection(pipe), 1L << 30).read());
        Thread reader = Thread.ofPlatform().start(arriving);

        new FrameChannel(new PipeConnection(pipe), 1L << 30).write(new Frame.Call(1, encoded.payload()));
        Frame.Call arrived = (Frame.Call) arriving.get();

        reader.join();
        DecodedCall decoded = journey.decode(arrived.payload());
        Object result = encoded.decodeResult(decoded.encodeResult(decoded.run()));
        assertThat(Arrays.equals((byte[]) result, big)).isTrue();
    }

    @Test
    void aCallAboveTheLimitIsRefusedInWords() {
        byte[] array = new byte[100_001];
        String text = "x".repeat(100_001);
        List<Integer> list = IntStream.range(0, 100_000).boxed().toList();
        for (Call<Integer> call : List.<Call<Integer>>of(() -> array.length, () -> text.length(), () -> list.size())) {
            assertThatThrownBy(() -> narrow.encode(call))
                    .isInstanceOf(NotEncodableException.class)
                    .hasMessageContaining("larger than 100000 bytes, the limit of the pool")
                    .hasMessageContaining("name of a file");
        }
    }

    @Test
    void aResultAboveTheLimitIsRefusedWhereItIs() throws Throwable {
        DecodedCall decoded = narrow.decode(
                narrow.encode((Call<Object>) () -> new byte[200_000]).payload());
        Object result = decoded.run();

        assertThatThrownBy(() -> decoded.encodeResult(result))
                .isInstanceOf(NotEncodableException.class)
                .hasMessageStartingWith("The result of the call cannot travel: it is larger than 100000 bytes");
        assertThat(decoded.encodeResult("small").size()).isLessThan(100);
    }

    @Test
    void anEndlessValueStopsAtThePayloadLimit() {
        String block = "x".repeat(50_000);
        List<String> list = Collections.nCopies(Integer.MAX_VALUE, block);

        assertThatThrownBy(() -> narrow.encode((Call<Integer>) () -> list.size()))
                .isInstanceOf(NotEncodableException.class)
                .hasMessageContaining("larger than");
    }

    @Test
    void manyPiecesArriveInOrder() throws Throwable {
        List<String> words = new ArrayList<>();
        for (int i = 0; i < 50_000; i++) {
            words.add("word " + i);
        }

        assertThat(journey.send(words)).isEqualTo(words);
    }

    @Test
    void optionsAreChecked() {
        assertThatThrownBy(() -> WireOptions.DEFAULT.withMaxPayloadBytes(5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("between 1 KiB and 1 GiB: 5 bytes");
        assertThatThrownBy(() -> WireOptions.DEFAULT.withOutOfBandBytes(-1))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
