package dev.trestle.processpool.values;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.trestle.api.Call;
import dev.trestle.processpool.values.Examples.Color;
import dev.trestle.processpool.wire.BodyReader;
import dev.trestle.processpool.wire.BodyWriter;
import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.FailureCodec;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.InvalidClassException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.sql.BatchUpdateException;
import java.sql.SQLException;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import javax.management.BadStringOperationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Exceptions arrive as their own class, with all they say, or as one that stands for them. */
@Timeout(30)
class FailuresTest {

    private final Journey journey = Journey.allowingNothing();

    static final class Plain extends Exception {
        private static final long serialVersionUID = 1;

        Plain(String message) {
            super(message);
        }
    }

    static final class Fixed extends RuntimeException {
        private static final long serialVersionUID = 1;

        Fixed() {
            super("always the same");
        }
    }

    static final class OnlyCause extends RuntimeException {
        private static final long serialVersionUID = 1;

        OnlyCause(Throwable cause) {
            super(cause);
        }
    }

    static final class AtLine extends Exception {
        private static final long serialVersionUID = 1;

        private final int line;
        private final Color color;

        AtLine(int line, Color color) {
            super("in line " + line);
            this.line = line;
            this.color = color;
        }
    }

    static final class WithCode extends RuntimeException {
        private static final long serialVersionUID = 1;

        private int code;

        WithCode(String message) {
            super(message);
        }

        WithCode code(int value) {
            code = value;
            return this;
        }
    }

    static final class Decorated extends Exception {
        private static final long serialVersionUID = 1;

        Decorated(String what) {
            super("decorated " + what);
        }
    }

    static final class HoldsThread extends Exception {
        private static final long serialVersionUID = 1;

        private final transient Thread ignored = Thread.currentThread();
        final Object thread = Thread.currentThread();

        HoldsThread(String message) {
            super(message);
        }

        Thread ignored() {
            return ignored;
        }
    }

    static final class HoldsItself extends Exception {
        private static final long serialVersionUID = 1;

        final Throwable self = this;

        HoldsItself(String message) {
            super(message);
        }
    }

    static final class Rude extends RuntimeException {
        private static final long serialVersionUID = 1;

        @Override
        public String getMessage() {
            throw new IllegalStateException("no message for you");
        }
    }

    static Stream<Call<Throwable>> ownClass() {
        return Stream.of(
                () -> new IllegalStateException("state"),
                () -> new IllegalStateException(),
                () -> new IllegalArgumentException("with cause", new IOException("cause")),
                () -> new NullPointerException(),
                () -> new ArrayIndexOutOfBoundsException("Index 3 out of bounds for length 2"),
                () -> new ArithmeticException("/ by zero"),
                () -> new IOException("io"),
                () -> new FileNotFoundException("f"),
                () -> new UncheckedIOException(new IOException("inner")),
                () -> new CompletionException(new Plain("inner")),
                () -> new InterruptedException("stop"),
                () -> new StackOverflowError(),
                () -> new OutOfMemoryError("Java heap space"),
                () -> new AssertionError("x"),
                () -> new ExceptionInInitializerError(new Plain("in static")),
                () -> new NoClassDefFoundError("com/x/Y"),
                () -> new Error("custom", new Plain("p")),
                () -> new NoSuchFileException("a", "b", "because"),
                () -> new SQLException("sql", "08001", 17),
                () -> new DateTimeParseException("bad date", "2026-13-01", 5),
                () -> new NumberFormatException("For input string: \"x\""),
                () -> new Plain("plain"),
                () -> new Plain(""),
                () -> new Fixed(),
                () -> new OnlyCause(new Fixed()),
                () -> new AtLine(7, Color.GREEN),
                () -> new WithCode("coded").code(404));
    }

    @ParameterizedTest
    @MethodSource("ownClass")
    void arrivesAsItsOwnClassWithMessageStackAndCause(Call<Throwable> maker) throws Throwable {
        Throwable thrown = maker.call();

        Throwable arrived = journey.failureOf(() -> sneak(maker.call()));

        assertThat(arrived).isExactlyInstanceOf(thrown.getClass()).hasMessage(thrown.getMessage());
        assertThat(arrived.getStackTrace()).isNotEmpty();
        assertThat(arrived.getStackTrace()[0].toString())
                .startsWith("worker-1/")
                .contains(FailuresTest.class.getName());
        Throwable cause = thrown.getCause();
        if (cause == null) {
            assertThat(arrived.getCause()).isNull();
        } else {
            assertThat(arrived.getCause()).isExactlyInstanceOf(cause.getClass()).hasMessage(cause.getMessage());
        }
    }

    @Test
    void fieldsOfItsOwnArriveToo() throws Throwable {
        AtLine atLine = (AtLine) journey.failureOf(() -> sneak(new AtLine(7, Color.GREEN)));
        WithCode withCode = (WithCode) journey.failureOf(() -> sneak(new WithCode("c").code(404)));
        NoSuchFileException noFile =
                (NoSuchFileException) journey.failureOf(() -> sneak(new NoSuchFileException("a", "b", "c")));
        DateTimeParseException noDate =
                (DateTimeParseException) journey.failureOf(() -> LocalDate.parse(String.join("-", "2026", "13", "01")));

        assertThat(atLine.line).isEqualTo(7);
        assertThat(atLine.color).isEqualTo(Color.GREEN);
        assertThat(withCode.code).isEqualTo(404);
        assertThat(noFile.getReason()).isEqualTo("c");
        assertThat(noDate.getParsedString()).isEqualTo("2026-13-01");
    }

    static class Coded extends InterruptedIOException {
        private static final long serialVersionUID = 1;

        final int code;

        Coded(String message, int code) {
            super(message);
            this.code = code;
        }
    }

    /** An exception with a field of the same name as one of its superclass. */
    @SuppressWarnings("HidingField") // that is what is tested
    static final class CodedTwice extends Coded {
        private static final long serialVersionUID = 1;

        private final int code;

        CodedTwice(String message, int code, int other) {
            super(message, other);
            this.code = code;
        }
    }

    /** An exception with a field of the same name as a value of the JDK's part. */
    static final class OwnFile extends FileSystemException {
        private static final long serialVersionUID = 1;

        private String file;

        OwnFile(String file) {
            super(file);
            this.file = "own " + file;
        }
    }

    static final class WithOther extends Exception {
        private static final long serialVersionUID = 1;

        final Exception other;

        WithOther(String message, Exception other) {
            super(message);
            this.other = other;
        }
    }

    static final class WithCauseInField extends Exception {
        private static final long serialVersionUID = 1;

        final Exception inner;

        WithCauseInField(Exception inner) {
            super("with " + inner.getMessage(), inner);
            this.inner = inner;
        }
    }

    @Test
    void fieldsOfJdkExceptionsArrive() throws Throwable {
        Throwable coded = journey.failureOf(() -> {
            var thrown = new CodedTwice("m", 1, 2);
            thrown.bytesTransferred = 3;
            throw thrown;
        });
        Throwable ownFile = journey.failureOf(() -> sneak(new OwnFile("a")));
        Throwable constant =
                journey.failureOf(() -> sneak(new EnumConstantNotPresentException(Thread.State.class, "GONE")));

        assertThat(coded).isInstanceOfSatisfying(CodedTwice.class, each -> {
            assertThat(each.code).isEqualTo(1);
            assertThat(((Coded) each).code).isEqualTo(2);
            assertThat(each.bytesTransferred).isEqualTo(3);
        });
        assertThat(ownFile).isInstanceOfSatisfying(OwnFile.class, each -> {
            assertThat(each.file).isEqualTo("own a");
            assertThat(each.getFile()).isEqualTo("a");
        });
        assertThat(constant)
                .isInstanceOfSatisfying(
                        EnumConstantNotPresentException.class,
                        each -> assertThat(each.enumType()).isEqualTo(Thread.State.class));
    }

    @Test
    void exceptionsInFieldsArriveToo() throws Throwable {
        Throwable withOther = journey.failureOf(() -> sneak(new WithOther("m", new Plain("other"))));
        Throwable inField = journey.failureOf(() -> sneak(new WithCauseInField(new Plain("cause"))));

        assertThat(withOther)
                .isInstanceOfSatisfying(
                        WithOther.class,
                        each -> assertThat(each.other)
                                .isExactlyInstanceOf(Plain.class)
                                .hasMessage("other")
                                .satisfies(other ->
                                        assertThat(other.getStackTrace()).isNotEmpty()));
        assertThat(inField)
                .isInstanceOfSatisfying(
                        WithCauseInField.class,
                        each -> assertThat(each.inner).isSameAs(each.getCause()).hasMessage("cause"));
    }

    @Test
    void theNextOfAnSqlExceptionArrives() throws Throwable {
        Throwable arrived = journey.failureOf(() -> {
            var thrown = new BatchUpdateException("batch", "08001", 1, new int[] {1, -3});
            for (int i = 0; i < 5; i++) {
                thrown.setNextException(new SQLException("next " + i, "08002", i));
            }
            throw thrown;
        });

        assertThat(arrived).isInstanceOfSatisfying(BatchUpdateException.class, each -> {
            assertThat(each.getUpdateCounts()).containsExactly(1, -3);
            assertThat(Stream.iterate(each.getNextException(), Objects::nonNull, SQLException::getNextException))
                    .extracting(SQLException::getMessage, SQLException::getErrorCode)
                    .containsExactly(
                            tuple("next 0", 0),
                            tuple("next 1", 1),
                            tuple("next 2", 2),
                            tuple("next 3", 3),
                            tuple("next 4", 4));
        });
    }

    /** An exception that refers to others, which refer to others: taken apart, it would become very many. */
    static final class Folded extends Exception {
        private static final long serialVersionUID = 1;

        final Exception left;
        final Exception right;

        Folded(Exception left, Exception right) {
            super("folded");
            this.left = left;
            this.right = right;
        }
    }

    @Test
    void exceptionsInFieldsOfEachOtherAreBounded() throws Throwable {
        Throwable arrived = journey.failureOf(() -> {
            Exception folded = new Plain("innermost");
            for (int i = 0; i < 60; i++) {
                folded = new Folded(folded, folded);
            }
            throw folded;
        });

        assertThat(arrived).isInstanceOf(Journey.StandIn.class).hasMessageEndingWith("Folded: folded");
    }

    static Stream<Call<Throwable>> standIns() {
        return Stream.of(
                () -> new Decorated("x"),
                () -> new HoldsThread("t"),
                () -> new HoldsItself("h"),
                () -> new Rude(),
                () -> new BadStringOperationException("keeps it to itself"),
                () -> new InvalidClassException("a.B", "makes a message of it"));
    }

    @ParameterizedTest
    @MethodSource("standIns")
    void arrivesAsAStandInWhenItsClassCannotBeMadeTheSameAgain(Call<Throwable> maker) throws Throwable {
        Throwable thrown = maker.call();

        Throwable arrived = journey.failureOf(() -> sneak(maker.call()));

        assertThat(arrived)
                .isInstanceOfSatisfying(
                        Journey.StandIn.class,
                        each -> assertThat(each.className)
                                .isEqualTo(thrown.getClass().getName()));
        assertThat(arrived).hasMessageContaining(thrown.getClass().getName());
        assertThat(arrived.getStackTrace()).isNotEmpty();
    }

    @Test
    void theMessageOfAStandInIsTheOriginalsHeadline() throws Throwable {
        assertThat(journey.failureOf(() -> sneak(new Decorated("x"))))
                .hasMessage(Decorated.class.getName() + ": decorated x");
        assertThat(journey.failureOf(() -> sneak(new Rude())))
                .hasMessageContaining("its getMessage() threw java.lang.IllegalStateException");
    }

    @Test
    void theRemoteStackEndsWhereTheCallWasEntered() throws Throwable {
        Throwable arrived = journey.failureOf(() -> sneak(new Plain("p")));

        assertThat(arrived.getStackTrace())
                .singleElement()
                .satisfies(frame ->
                        assertThat(frame.getMethodName()).contains("theRemoteStackEndsWhereTheCallWasEntered"));
    }

    @Test
    void suppressedExceptionsAndDeepCausesArrive() throws Throwable {
        Throwable arrived = journey.failureOf(() -> {
            var middle = new Decorated("middle");
            middle.initCause(new IOException("inner"));
            var thrown = new IllegalStateException("outer", middle);
            thrown.addSuppressed(new Plain("suppressed"));
            throw thrown;
        });

        assertThat(arrived)
                .cause()
                .isInstanceOf(Journey.StandIn.class)
                .cause()
                .isExactlyInstanceOf(IOException.class)
                .hasMessage("inner");
        assertThat(arrived.getSuppressed())
                .singleElement()
                .isExactlyInstanceOf(Plain.class.asSubclass(Throwable.class));
    }

    @Test
    void aCircleOfCausesEnds() throws Throwable {
        Throwable arrived = journey.failureOf(() -> sneak(circle()));

        assertThat(arrived).hasMessage("a").cause().hasMessage("b").hasNoCause();
        assertThat(Failure.of(circle()).stackTraceText()).contains("Caused by: java.lang.Exception: b", "[again: ");
    }

    private static Exception circle() {
        var a = new Exception("a");
        var b = new Exception("b", a);
        a.initCause(b);
        a.addSuppressed(b);
        return a;
    }

    @Test
    void anEndlessChainIsCutAndSoIsAnEndlessMessage() throws Throwable {
        Throwable chain = new Exception("end");
        String message = "x".repeat(100_000);
        for (int i = 0; i < 10_000; i++) {
            chain = new Exception(message, chain);
        }

        Failure failure = Failure.of(chain);

        var body = new BodyWriter();
        FailureCodec.write(failure, body);
        assertThat(body.written().remaining()).isLessThan(Failure.MAX_BYTES);
        assertThat(failure.message()).startsWith("xxx").hasSize(100_000);
        assertThat(FailureCodec.read(new BodyReader(body.written())).headline()).isEqualTo(failure.headline());
    }

    @Test
    void aLongMessageSaysWhatIsMissing() {
        Failure failure = Failure.of(new Exception("y".repeat(1_000_000)));

        assertThat(failure.message()).hasSizeLessThan(200_000).endsWith("more characters)");
    }

    @Test
    void theStackTraceReadsAsPrinted() {
        var failure = new Failure(
                "a.B",
                "message",
                List.of(new StackTraceElement("a.C", "d", "C.java", 3)),
                new Failure("e.F", null, List.of(), null, List.of(), Failure.NO_STATE, false),
                List.of(),
                Failure.NO_STATE,
                false);

        assertThat(failure.stackTraceText()).isEqualTo("a.B: message\n\tat a.C.d(C.java:3)\nCaused by: e.F\n");
    }

    @Test
    void anExceptionIsAValueToo() throws Throwable {
        Object arrived = journey.send(List.of(new Plain("as a value"), new Decorated("x")));

        assertThat((List<?>) arrived)
                .element(0)
                .isExactlyInstanceOf(Plain.class)
                .extracting(each -> ((Plain) each).getMessage())
                .isEqualTo("as a value");
    }

    private static Object sneak(Throwable thrown) throws Exception {
        switch (thrown) {
            case Exception e -> throw e;
            case Error e -> throw e;
            default -> throw new AssertionError(thrown);
        }
    }
}
