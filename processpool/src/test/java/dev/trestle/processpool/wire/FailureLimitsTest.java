package dev.trestle.processpool.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The limits of a failure from a worker: it has no more than an exception of this program would have put there.
 */
@Timeout(30)
class FailureLimitsTest {

    private static final StackTraceElement FRAME = new StackTraceElement("Type", "method", "File.java", 1);

    private static Failure failure(
            String name, List<StackTraceElement> stack, @Nullable Failure cause, List<Failure> suppressed) {
        return new Failure(name, "message", stack, cause, suppressed, Failure.NO_STATE, false);
    }

    private static Failure plain(String name) {
        return failure(name, List.of(), null, List.of());
    }

    private static Failure received(Failure failure) throws ProtocolException {
        var body = new BodyWriter();
        FailureCodec.write(failure, body);
        return FailureCodec.read(new BodyReader(ByteBuffer.wrap(body.toArray())));
    }

    @Test
    void framesSuppressedExceptionsAndCausesAreCounted() throws Exception {
        assertThat(received(failure("X", Collections.nCopies(1024, FRAME), null, List.of()))
                        .stack())
                .hasSize(1024);
        assertThatThrownBy(() -> received(failure("X", Collections.nCopies(1025, FRAME), null, List.of())))
                .isInstanceOf(ProtocolException.class)
                .hasMessage("A failure has 1025 stack frames, and may have 1024");

        assertThat(received(failure("X", List.of(), null, Collections.nCopies(64, plain("S"))))
                        .suppressed())
                .hasSize(64);
        assertThatThrownBy(() -> received(failure("X", List.of(), null, Collections.nCopies(65, plain("S")))))
                .isInstanceOf(ProtocolException.class)
                .hasMessage("A failure has 65 suppressed exceptions, and may have 64");

        Failure chain = plain("X");
        for (int i = 0; i < 64; i++) {
            chain = failure("X", List.of(), chain, List.of());
        }
        Failure tooLong = chain;
        assertThatThrownBy(() -> received(tooLong))
                .isInstanceOf(ProtocolException.class)
                .hasMessage("A failure has more than 64 nested causes");
    }

    @Test
    void allExceptionsOfAFailureAreCountedTogether() {
        Failure many = failure(
                "X",
                List.of(),
                null,
                Collections.nCopies(64, failure("Y", List.of(), null, Collections.nCopies(64, plain("Z")))));

        assertThatThrownBy(() -> received(many))
                .isInstanceOf(ProtocolException.class)
                .hasMessage("A failure has more than 1024 exceptions");
    }

    @Test
    void namesAreShort() throws Exception {
        String longest = "n".repeat(1024);
        String tooLong = "n".repeat(1025);

        assertThat(received(plain(longest)).className()).isEqualTo(longest);
        for (Failure each : List.of(
                plain(tooLong),
                failure("X", List.of(new StackTraceElement(tooLong, "m", "f", 1)), null, List.of()),
                failure("X", List.of(new StackTraceElement("c", tooLong, "f", 1)), null, List.of()),
                failure("X", List.of(new StackTraceElement("c", "m", tooLong, 1)), null, List.of()),
                failure("X", List.of(new StackTraceElement(null, tooLong, null, "c", "m", "f", 1)), null, List.of()))) {
            assertThatThrownBy(() -> received(each))
                    .isInstanceOf(ProtocolException.class)
                    .hasMessage("A failure has a name of 1025 characters, and may have 1024");
        }
    }

    @Test
    void anExceptionIsTakenApartWithinTheLimits() throws Exception {
        var wide = new Exception("wide");
        for (int i = 0; i < 100; i++) {
            var next = new Exception("next");
            for (int j = 0; j < 100; j++) {
                next.addSuppressed(new Exception("last"));
            }
            wide.addSuppressed(next);
        }
        wide.setStackTrace(Collections.nCopies(5_000, new StackTraceElement("n".repeat(2_000), "m", "f", 1))
                .toArray(StackTraceElement[]::new));

        assertThat(received(Failure.of(wide)).stack()).isNotEmpty();

        wide.setStackTrace(new StackTraceElement[0]);
        for (Throwable each : wide.getSuppressed()) {
            each.setStackTrace(new StackTraceElement[0]);
            for (Throwable inner : each.getSuppressed()) {
                inner.setStackTrace(new StackTraceElement[0]);
            }
        }
        assertThat(received(Failure.of(wide)).suppressed()).isNotEmpty();
    }
}
