package dev.trestle.processpool.values;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.Call;
import java.io.IOException;
import java.util.AbstractList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * An exception whose own methods or fields misbehave arrives as itself or as a stand-in, and never harms the code that
 * takes it apart.
 */
@Timeout(30)
@SuppressWarnings({
    "NullAway",
    "serial",
    "TypeParameterUnusedInFormals",
    "OverrideThrowableToString",
    "ThrowableEqualsHashCode",
    "StaticAssignmentInConstructor"
}) // rude on purpose
class RudeExceptionsTest {

    private final Journey journey = Journey.allowingTests();

    /** A misbehaviour of a method. */
    enum Rudeness {
        EXCEPTION,
        ERROR,
        VM_ERROR,
        LINKAGE,
        RECURSION,
        MEMORY,
        NULL;

        <T> T answer() {
            return switch (this) {
                case EXCEPTION -> throw new IllegalStateException("rude");
                case ERROR -> throw new AssertionError("rude");
                case VM_ERROR -> throw new InternalError("rude");
                case LINKAGE -> throw new NoClassDefFoundError("rude");
                case RECURSION -> answer();
                case MEMORY -> throw new OutOfMemoryError("rude");
                case NULL -> null;
            };
        }
    }

    /** The rudeness that holds on both sides, since it is one JVM here. */
    private static Rudeness rudeness = Rudeness.NULL;

    static final class RudeMessage extends RuntimeException {
        @Override
        public String getMessage() {
            return rudeness.answer();
        }
    }

    static final class RudeLocalized extends RuntimeException {
        @Override
        public String getLocalizedMessage() {
            return rudeness.answer();
        }
    }

    static final class RudeCause extends RuntimeException {
        @Override
        public synchronized Throwable getCause() {
            return rudeness.answer();
        }
    }

    static final class RudeStack extends RuntimeException {
        @Override
        public StackTraceElement[] getStackTrace() {
            return rudeness.answer();
        }
    }

    static final class RudeStackElement extends RuntimeException {
        @Override
        public StackTraceElement[] getStackTrace() {
            return new StackTraceElement[3];
        }
    }

    static final class RudeSetStack extends RuntimeException {
        @Override
        public void setStackTrace(StackTraceElement[] stackTrace) {
            rudeness.answer();
        }
    }

    static final class RudeInitCause extends Exception {
        RudeInitCause() {}

        @Override
        public synchronized Throwable initCause(Throwable cause) {
            return rudeness.answer();
        }
    }

    static final class RudeFill extends RuntimeException {
        @Override
        public synchronized Throwable fillInStackTrace() {
            return this;
        }
    }

    static final class RudeToString extends RuntimeException {
        @Override
        public String toString() {
            return rudeness.answer();
        }

        @Override
        public boolean equals(Object o) {
            return rudeness.answer();
        }

        @Override
        public int hashCode() {
            return rudeness.answer();
        }
    }

    static final class RudeList extends AbstractList<String> {
        @Override
        public Iterator<String> iterator() {
            return rudeness.answer();
        }

        @Override
        public String get(int index) {
            return rudeness.answer();
        }

        @Override
        public int size() {
            return rudeness.answer();
        }
    }

    static final class RudeField extends RuntimeException {
        final List<String> list = new RudeList();
        transient int notSent;
    }

    static final class RudeConstructor extends RuntimeException {
        private static boolean made;

        RudeConstructor() {
            if (made) {
                rudeness.answer();
            }
            made = true;
        }
    }

    static final class DeepField extends RuntimeException {
        Object deep;

        DeepField() {
            for (int i = 0; i < 100_000; i++) {
                deep = new Object[] {deep};
            }
        }
    }

    static final class RudeSqlState extends java.sql.SQLException {
        @Override
        public String getSQLState() {
            return rudeness.answer();
        }
    }

    static final class EndlessCause extends RuntimeException {
        @Override
        public synchronized Throwable getCause() {
            return new EndlessCause();
        }
    }

    static Stream<Call<Throwable>> makers() {
        return Stream.of(
                RudeMessage::new,
                RudeLocalized::new,
                RudeCause::new,
                RudeStack::new,
                RudeStackElement::new,
                RudeSetStack::new,
                RudeInitCause::new,
                RudeFill::new,
                RudeToString::new,
                RudeField::new,
                RudeConstructor::new,
                DeepField::new,
                RudeSqlState::new,
                EndlessCause::new);
    }

    @ParameterizedTest
    @EnumSource
    void arrivesAsItselfOrAsAStandIn(Rudeness how) throws Throwable {
        for (Call<Throwable> maker : makers().toList()) {
            rudeness = Rudeness.EXCEPTION;
            RudeConstructor.made = false;
            Throwable thrown = maker.call();
            Throwable withOthers = new IOException("outer", thrown);
            withOthers.addSuppressed(thrown);
            rudeness = how;
            for (Throwable each : List.of(thrown, withOthers)) {
                EncodedCall encoded = journey.encode((Call<Object>) () -> "any");
                DecodedCall decoded = journey.decode(encoded.payload());

                Throwable arrived = encoded.decodeFailure(decoded.encodeFailure(each), "worker-1");

                String name = each.getClass().getName();
                if (arrived instanceof Journey.StandIn standIn) {
                    assertThat(standIn.className).isEqualTo(name);
                } else {
                    assertThat(arrived.getClass().getName()).isEqualTo(name);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("makers")
    void isAValueToo(Call<Throwable> maker) throws Throwable {
        rudeness = Rudeness.NULL;
        RudeConstructor.made = false;
        Throwable value = maker.call();
        rudeness = Rudeness.ERROR;

        assertThat(journey.send(List.of(value))).isInstanceOf(List.class);
    }
}
