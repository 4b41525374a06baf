package dev.trestle.processpool.values;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.Call;
import dev.trestle.processpool.wire.Setup;
import dev.trestle.processpool.wire.WireOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The time in which a worker sets itself up to write a result, which is not time of the call. */
@Timeout(30)
class SetupTest {

    record Point(int x, int y) {}

    private final List<String> events = new ArrayList<>();

    private final CallDecoder decoder =
            new CallDecoder(WireOptions.DEFAULT, SetupTest.class.getClassLoader(), new Setup() {
                @Override
                public void begins() {
                    events.add("begins");
                }

                @Override
                public void ends() {
                    events.add("ends");
                }
            });

    private DecodedCall decoded() throws Exception {
        Call<@Nullable Object> call = () -> "decides nothing";
        return decoder.decode(Journey.allowingNothing().encode(call).payload());
    }

    /** Returns how deep setups were nested, each of which has ended. */
    private int depthOfSetups() {
        int depth = 0;
        int deepest = 0;
        for (String each : events) {
            depth += each.equals("begins") ? 1 : -1;
            assertThat(depth).isNotNegative();
            deepest = Math.max(deepest, depth);
        }
        assertThat(depth).as("setups that have not ended").isZero();
        events.clear();
        return deepest;
    }

    @Test
    void aPlainResultNeedsNoSetup() throws Exception {
        DecodedCall call = decoded();
        call.encodeResult(42);
        call.encodeResult("text");

        assertThat(events).isEmpty();
    }

    /** The first value of all sets up its place and its class within the setup of Jackson's writers. */
    @Test
    void theFirstResultSetsUpMoreThanLaterOnes() throws Exception {
        DecodedCall call = decoded();
        call.encodeResult(new Point(1, 2));
        assertThat(depthOfSetups()).isEqualTo(2);

        call.encodeResult(new Point(3, 4));
        assertThat(depthOfSetups()).as("for another value of the class").isZero();

        call.encodeResult(Map.of("key", List.of(new Point(5, 6))));
        assertThat(depthOfSetups()).as("for another class").isEqualTo(1);
    }
}
