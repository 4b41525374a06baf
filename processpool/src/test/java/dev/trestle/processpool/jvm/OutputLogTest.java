package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class OutputLogTest {

    private final List<String> lines = new ArrayList<>();
    private final LongAdder lost = new LongAdder();
    private final AtomicLong now = new AtomicLong();
    private final LogAllowance allowance = new LogAllowance(now::get);
    private final OutputLog output = new OutputLog(lines::add, allowance, lost);

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
        output.close();
        output.close();
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
    void linesBeyondTheLimitOfASecondAreCountedAndNotLogged() {
        for (int i = 0; i < 12_345; i++) {
            print("line\n");
        }
        assertThat(lines).hasSize(LogAllowance.LINES);
        assertThat(lost.sum()).isEqualTo(2_345);
        assertThat(output.tail()).endsWith("line\nline");

        now.addAndGet(TimeUnit.SECONDS.toNanos(1));
        print("later\n");
        assertThat(lines)
                .hasSize(LogAllowance.LINES + 2)
                .endsWith(
                        "(2345 lines of this worker, 9380 bytes, were not logged: the limit is 10000 lines and 1048576"
                                + " bytes in a second)",
                        "later");
    }

    @Test
    void bytesBeyondTheLimitOfASecondAreCountedAndNotLogged() {
        for (int i = 0; i < 1000; i++) {
            print("\u001b".repeat(10_000) + "\n");
        }
        output.close();

        assertThat(lines.stream().mapToLong(String::length).sum()).isLessThan(LogAllowance.BYTES + 200);
        assertThat(lines.getLast()).startsWith("(983 lines of this worker, 58980000 bytes, were not logged");
        assertThat(lost.sum()).isEqualTo(983);
    }

    @Test
    void bothOutputsOfAWorkerShareOneAllowance() {
        var other = new OutputLog(lines::add, allowance, lost);
        for (int i = 0; i < LogAllowance.LINES; i++) {
            print("x\n");
            other.write("y\n".getBytes(StandardCharsets.UTF_8), 0, 2);
        }

        assertThat(lines).hasSize(LogAllowance.LINES);
        assertThat(lost.sum()).isEqualTo(LogAllowance.LINES);
    }

    @Test
    void controlCharactersAreShownInTheLogAndInTheTail() {
        print("\u001b[2J10%\r20%\b\u0007\u009b31m\u2028forged\u202e\ttab\r\n");

        assertThat(lines).containsExactly("\\u001b[2J10%\\u000d20%\\u0008\\u0007\\u009b31m\\u2028forged\\u202e\ttab");
        assertThat(output.tail()).isEqualTo(lines.getFirst());
    }

    @Test
    void aTailOfOneLongLineIsBounded() {
        print("\u001b".repeat(16 << 10));
        output.close();

        assertThat(output.tail()).hasSizeLessThanOrEqualTo(8192).endsWith("\\u001b");
    }

    @Test
    void aLogThatThrowsLosesLinesAndNothingElse() {
        var broken = new OutputLog(
                line -> {
                    throw new IllegalStateException("disk full");
                },
                allowance,
                lost);
        broken.write("a\nb\n".getBytes(StandardCharsets.UTF_8), 0, 4);

        assertThat(lost.sum()).isEqualTo(2);
        assertThat(broken.tail()).isEqualTo("a\nb");
    }
}
