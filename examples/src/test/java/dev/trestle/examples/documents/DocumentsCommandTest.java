package dev.trestle.examples.documents;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** The command line of the server: help, and what is wrong with options. */
@Timeout(60)
class DocumentsCommandTest {

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void helpNamesTheOptions() {
        assertThat(run("--help")).isZero();
        assertThat(out.toString()).contains("--port", "--in-flight", "--seconds", "child JVMs");
    }

    @ParameterizedTest
    @CsvSource({
        "--port, 70000, '--port must be between 0 and 65535, not 70000'",
        "--workers, 0, '--workers must be between 1 and 1000, not 0'",
        "--in-flight, -1, '--in-flight must be between 1 and 10000, not -1'",
        "--megabytes, 5000, '--megabytes must be between 1 and 1000, not 5000'",
        "--heap, 2, '--heap must be between 16 and 1000000, not 2'",
        "--seconds, NaN, '--seconds must be between 0.1 and 3600, not NaN'",
        "--port, many, 'Invalid value for option ''--port'': ''many'' is not an int'",
    })
    void wrongValueIsNamedWithItsLimits(String option, String value, String message) {
        assertThat(run(option, value)).isEqualTo(2);
        assertThat(err.toString()).contains(message);
    }

    @Test
    void portThatIsTakenIsSaidSo() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThat(run("--port", String.valueOf(taken.getLocalPort()))).isEqualTo(1);
            assertThat(err.toString())
                    .contains("documents: cannot listen at 127.0.0.1:" + taken.getLocalPort(), "--port");
        }
    }

    @Test
    void hostThatDoesNotExistIsSaidSo() {
        assertThat(run("--host", "no.such.host.invalid")).isEqualTo(1);
        assertThat(err.toString()).contains("documents: cannot listen at no.such.host.invalid:8080");
    }

    private int run(String... arguments) {
        return new CommandLine(new DocumentsCommand())
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
    }
}
