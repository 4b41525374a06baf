package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.processpool.jvm.ExitStatus.Evidence;
import dev.trestle.processpool.wire.WorkerJournal.Exit;
import dev.trestle.processpool.wire.WorkerJournal.LastWords;
import dev.trestle.processpool.wire.WorkerJournal.Step;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(30)
class ExitStatusTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "137 | NONE        | SIGKILL | killed by SIGKILL (exit code 137): by a kill -9; unless something in it"
                        + " called Runtime.halt(137)",
                "134 | NONE        | SIGABRT | killed by SIGABRT (exit code 134): the JVM crashed, in native code or"
                        + " by a bug of its own; unless something in it called Runtime.halt(134)",
                "143 | SIGNALLED   | SIGTERM | killed by SIGTERM (exit code 143): it was asked to end",
                "130 | SIGNALLED   | SIGINT  | killed by SIGINT (exit code 130)",
                "143 | NONE        | SIGTERM | killed by SIGTERM (exit code 143): it was asked to end; unless"
                        + " something in it called Runtime.halt(143)",
                "143 | CALLED_EXIT |         | exit code 143: something in it called System.exit(143), or System.exit"
                        + " and then SIGTERM came",
                "137 | CALLED_EXIT |         | exit code 137: something in it called System.exit(137), or System.exit"
                        + " and then SIGKILL came",
                "139 | NONE        | SIGSEGV | killed by SIGSEGV (exit code 139); unless something in it called"
                        + " Runtime.halt(139)",
                "3   | OUT_OF_MEMORY |       | exit code 3: it ran out of memory (-XX:+ExitOnOutOfMemoryError); give"
                        + " workers a larger heap (ProcessPool.builder().heap(bytes)), or each call less to do",
                "3   | NONE        |         | exit code 3: something in it called Runtime.halt(3), or it ran out of"
                        + " memory (-XX:+ExitOnOutOfMemoryError); then give workers a larger heap"
                        + " (ProcessPool.builder().heap(bytes)), or each call less to do",
                "3   | CALLED_EXIT |         | exit code 3: something in it called System.exit(3)",
                "1   | NONE        |         | exit code 1: something in it called Runtime.halt(1), or the JVM gave up",
                "0   | CALLED_EXIT |         | exit code 0: something in it called System.exit(0)"
            })
    void anExitCodeIsExplainedByTheEvidence(int code, Evidence evidence, @Nullable String signal, String text) {
        var status = new ExitStatus(code, evidence, "by a kill -9", false);

        assertThat(status.signal().orElse(null)).isEqualTo(signal);
        assertThat(status.explain()).isEqualTo(text);
        assertThat(status.outOfMemory()).isEqualTo(evidence == Evidence.OUT_OF_MEMORY);
    }

    @ParameterizedTest
    @CsvSource({"137, NONE, true", "137, CALLED_EXIT, false", "143, NONE, false", "3, NONE, false"})
    void aSigkillIsForLackOfMemoryIfTheOomKillerWasAtWork(int code, Evidence evidence, boolean outOfMemory) {
        assertThat(new ExitStatus(code, evidence, "probably by the kernel", true).outOfMemory())
                .isEqualTo(outOfMemory);
    }

    @ParameterizedTest
    @CsvSource({
        "CALLED, true, CALLED_EXIT",
        "SIGNALLED, false, SIGNALLED",
        "NONE, true, OUT_OF_MEMORY",
        "NONE, false, NONE",
        ", true, OUT_OF_MEMORY",
        ", false, NONE"
    })
    void theRecordSaysMoreThanWhatWasPrinted(@Nullable Exit exit, boolean saidOutOfMemory, Evidence evidence) {
        LastWords last = exit == null ? null : new LastWords(1, Step.RUNNING, exit);

        assertThat(Evidence.of(last, saidOutOfMemory)).isEqualTo(evidence);
    }
}
