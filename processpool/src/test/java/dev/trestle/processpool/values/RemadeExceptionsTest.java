package dev.trestle.processpool.values;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.Call;
import dev.trestle.processpool.wire.Failure;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Exceptions that are made again with a constructor that does not take all that they are. */
@Timeout(30)
@SuppressWarnings({"serial", "UnusedVariable"}) // classes of exceptions as users write them
class RemadeExceptionsTest {

    private final Journey journey = Journey.allowingNothing();

    static final class Hidden extends Exception {
        private Hidden(String message) {
            super(message);
        }
    }

    private static Exception caused() {
        var thrown = new Hidden("message");
        thrown.initCause(new IOException("cause"));
        return thrown;
    }

    @Test
    void exceptionWithAPrivateConstructorGetsItsCause() throws Throwable {
        Throwable arrived = journey.failureOf(() -> {
            throw caused();
        });

        assertThat(arrived).isInstanceOf(Hidden.class).hasMessage("message");
        assertThat(arrived.getCause()).isInstanceOf(IOException.class).hasMessage("cause");
    }

    /** Adds to the message that its constructor is given, whatever that is. */
    static class InFile extends Exception {
        private final int line;

        InFile(String message, int line) {
            super(message);
            this.line = line;
        }

        @Override
        public String getMessage() {
            return super.getMessage() + " in line " + line;
        }
    }

    static final class InOwnFile extends InFile {
        InOwnFile(String message, int line) {
            super(message, line);
        }

        @Override
        public String getMessage() {
            return "own: " + super.getMessage();
        }
    }

    private static Exception inFile(boolean own) {
        return own ? new InOwnFile("comma missing", 3) : new InFile("comma missing", 3);
    }

    @Test
    void aMessageThatIsComposedOfTheGivenOneIsComposedOnce() throws Throwable {
        assertThat(journey.failureOf(() -> {
                    throw inFile(false);
                }))
                .isExactlyInstanceOf(InFile.class)
                .hasMessage("comma missing in line 3");
        assertThat(journey.failureOf(() -> {
                    throw inFile(true);
                }))
                .isExactlyInstanceOf(InOwnFile.class)
                .hasMessage("own: comma missing in line 3");
    }

    /** Leaves its stack trace empty, to be cheap, but takes one that it is given. */
    static final class Cheap extends RuntimeException {
        Cheap(String message) {
            super(message);
        }

        @Override
        public synchronized Throwable fillInStackTrace() {
            return this;
        }
    }

    private static RuntimeException cheap() {
        var thrown = new Cheap("message");
        thrown.setStackTrace(new StackTraceElement[] {new StackTraceElement("Some", "where", "Some.java", 7)});
        return thrown;
    }

    @Test
    void aStackTraceIsGivenToAnExceptionThatFillsInNone() throws Throwable {
        Throwable arrived = journey.failureOf(() -> {
            throw cheap();
        });

        assertThat(arrived).isInstanceOf(Cheap.class);
        assertThat(arrived.getStackTrace())
                .singleElement()
                .satisfies(frame -> assertThat(frame.getMethodName()).isEqualTo("where"));
    }

    static final class WithCode extends Exception {
        final int code;

        WithCode(String message, int code) {
            super(message);
            this.code = code;
        }
    }

    private String reasonFor(byte[] state) throws Exception {
        var failure = new Failure(WithCode.class.getName(), "message", List.of(), null, List.of(), state, false);
        Throwable arrived = journey.encode((Call<Integer>) () -> 1).decodeFailure(failure, "worker-1");
        assertThat(arrived).isInstanceOf(Journey.StandIn.class);
        return ((Journey.StandIn) arrived).reason;
    }

    @Test
    void aStandInSaysWhetherTheFieldsWereNotSentOrAreOthersHere() throws Exception {
        assertThat(reasonFor(Failure.NO_STATE)).isEqualTo("the values of its fields could not be sent: code");
        assertThat(reasonFor(Documents.state("size\n", to -> to.writeNumber(7))))
                .isEqualTo("its class has other fields here: code");
        assertThat(reasonFor(new byte[] {1, 'w', 'h', 'y'})).isEqualTo("why");
        assertThat(reasonFor(new byte[] {1})).isEmpty();
    }
}
