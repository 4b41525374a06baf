package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class OutputLogTest {

    private final List<String> lines = new ArrayList<>();
    private final LongAdder lost = new LongAdder();
    private final OutputLog output = new OutputLog(lines::add, lost);

    private void print(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        output.write(bytes, 0, bytes.length);
    }

    @Test
    void linesAreLoggedAsTheyEnd() {
        print("one\ntw");
        assertThat(lines).containsExactly("one");
        print("o\r\n\nthrée");
        assertThat(lines).containsExactly("one", "two", "");
        output.flush();
        output.flush();
        assertThat(lines).containsExactly("one", "two", "", "thrée");
    }

    @Test
    void outputWithoutNewlinesIsCutIntoPieces() {
        print("x".repeat(100_000));
        assertThat(lines).hasSize(6).allMatch(line -> line.length() == 16 << 10);
    }

    @Test
    void theTailIsBounded() {
        for (int i = 0; i < 10_000; i++) {
            print("line " + i + "\n");
        }
        assertThat(output.tail()).endsWith("line 9998\nline 9999").hasSizeBetween(8000, 8192);
    }

    @Test
    void aLogThatThrowsLosesLinesAndNothingElse() {
        var broken = new OutputLog(
                line -> {
                    throw new IllegalStateException("disk full");
                },
                lost);
        broken.write("a\nb\n".getBytes(StandardCharsets.UTF_8), 0, 4);

        assertThat(lost.sum()).isEqualTo(2);
        assertThat(broken.tail()).isEqualTo("a\nb");
    }
}
