package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(30)
class ExitStatusTest {

    @ParameterizedTest
    @CsvSource({
        "137, false, SIGKILL, : by somebody",
        "134, false, SIGABRT, JVM crashed",
        "143, true, SIGTERM, asked it to end",
        "139, false, SIGSEGV, exit code 139",
        "3, false, , ran out of memory",
        "3, true, , System.exit(3)",
        "1, false, , Runtime.halt(1)",
        "0, true, , System.exit(0)"
    })
    void anExitCodeIsExplained(int code, boolean inOrder, String signal, String clue) {
        var status = new ExitStatus(code, "by somebody");

        assertThat(status.signal().orElse(null)).isEqualTo(signal);
        assertThat(status.explain(inOrder)).contains(clue);
    }
}
