package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.ConcurrentFuture;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Code that comes as text and is not trusted, as in {@code docs/untrusted-code.md}. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class UntrustedCodeTest {

    private static Optional<ProcessPool> pool = Optional.empty();

    @BeforeAll
    static void start() {
        Jails.assume();
        pool = Optional.of(TestPools.builder(1)
                .sandbox(Sandbox.strict())
                .heap(128 << 20)
                .callTimeout(Duration.ofSeconds(5))
                .build());
    }

    @AfterAll
    static void close() {
        pool.ifPresent(ProcessPool::close);
    }

    private static ConcurrentFuture<String> submit(String body, String input) {
        return submit(body, input, CallOptions.DEFAULT);
    }

    private static ConcurrentFuture<String> submit(String body, String input, CallOptions options) {
        String source = "public class Guest implements java.util.function.UnaryOperator<String> {\n"
                + "    public String apply(String input) { " + body + " }\n"
                + "}\n";
        return pool.orElseThrow().submit(() -> GuestCode.run("Guest", source, input), options);
    }

    private static Throwable failureOf(String body) {
        return submit(body, "").exception().orElseThrow();
    }

    @Test
    void aGuestAnswers() {
        assertThat(submit("return new StringBuilder(input).reverse().toString();", "desserts")
                        .result())
                .isEqualTo("stressed");
    }

    @Test
    void aGuestThatDoesNotCompileIsToldWhy() {
        assertThat(failureOf("return missing;"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Does not compile")
                .hasMessageContaining("cannot find symbol");
    }

    @Test
    void hostileGuestsCostTheirOwnCalls() {
        var shorter = CallOptions.DEFAULT.withTimeout(Duration.ofSeconds(2));
        assertThat(submit("while (true) {}", "", shorter).exception()).containsInstanceOf(TimeoutException.class);
        assertThat(failureOf("System.exit(0); return null;")).hasMessageContaining("System.exit(0)");
        assertThat(failureOf(
                        "return new java.io.File(\"/etc/passwd\").length() == 0 ? String.valueOf(1 / 0) : \"read\";"))
                .isInstanceOf(ArithmeticException.class);
        assertThat(failureOf("try (var s = new java.net.Socket(\"192.0.2.1\", 80)) { return \"connected\"; }"
                        + " catch (java.io.IOException e) { throw new java.io.UncheckedIOException(e); }"))
                .hasMessageContaining("unreachable");
        assertThat(failureOf("var all = new java.util.ArrayList<byte[]>(); while (true) all.add(new byte[1 << 20]);"))
                .hasMessageContaining("ran out of memory");

        assertThat(submit("return input;", "still here").result()).isEqualTo("still here");
    }
}
