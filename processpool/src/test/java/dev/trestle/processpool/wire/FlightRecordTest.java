package dev.trestle.processpool.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.processpool.wire.FlightRecord.LastWords;
import dev.trestle.processpool.wire.FlightRecord.Step;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class FlightRecordTest {

    @TempDir
    Path folder = Path.of("");

    @Test
    void theLastStepIsReadBack() throws Exception {
        Path file = folder.resolve("record");
        FlightRecord.create(file);
        assertThat(FlightRecord.read(file)).isEqualTo(new LastWords(0, Step.NOTHING, false));

        var record = FlightRecord.open(file);
        record.note(1, Step.DECODING);
        record.note(1L << 40, Step.ENCODING);
        assertThat(FlightRecord.read(file)).isEqualTo(new LastWords(1L << 40, Step.ENCODING, false));

        record.noteExit();
        assertThat(FlightRecord.read(file)).isEqualTo(new LastWords(1L << 40, Step.ENCODING, true));
    }

    @Test
    void aDamagedFileIsAnError() throws Exception {
        Path file = folder.resolve("record");
        Files.writeString(file, "short");

        assertThatThrownBy(() -> FlightRecord.read(file))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("5 bytes");
    }
}
