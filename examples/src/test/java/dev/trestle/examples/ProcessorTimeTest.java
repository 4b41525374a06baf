package dev.trestle.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** The processor time of a program and of its child processes. */
@Timeout(30)
class ProcessorTimeTest {

    @Test
    void endedChildrenAreReadBehindANameWithSpacesAndBrackets() {
        String stat = "4711 (a (b) c) S 1 4711 4711 0 -1 4194560 100 200 0 0 11 22 333 444 20 0 25 0 9999 1 2 3";

        assertThat(ProcessorTime.endedChildren(stat)).isEqualTo(Duration.ofMillis(7_770));
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void childrenCountWhileTheyLiveAndWhenTheyHaveEnded() throws Exception {
        Process child =
                new ProcessBuilder("sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done; cat").start();
        try (var toChild = child.getOutputStream()) {
            toChild.write('\n'); // which it passes on when it has counted
            toChild.flush();
            var _ = child.getInputStream().read();
            Duration living = ProcessorTime.now().orElseThrow().children();
            assertThat(living).isPositive();
            toChild.close();
            child.waitFor();
            assertThat(ProcessorTime.now().orElseThrow().children()).isGreaterThanOrEqualTo(living);
        } finally {
            child.destroyForcibly();
        }
        assertThat(ProcessorTime.now().orElseThrow().program()).isPositive();
    }

    @Test
    void theProgramPrintsTheCostsOfProcesses() {
        var time = new ProcessorTime(Duration.ofMillis(1_230), Duration.ofMillis(4_560));

        assertThat(printed(time, false)).contains("1.2 s in this program and 4.6 s in child JVMs", "costs one batch");
        assertThat(printed(time, true))
                .contains("1.2 s.", "would take this program along")
                .doesNotContain("4.6");
    }

    private static String printed(ProcessorTime time, boolean inProcess) {
        var out = new StringWriter();
        time.print(new PrintWriter(out), inProcess);
        return out.toString();
    }
}
