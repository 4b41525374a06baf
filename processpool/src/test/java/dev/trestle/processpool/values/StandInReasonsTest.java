package dev.trestle.processpool.values;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.Call;
import dev.trestle.processpool.wire.Failure;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import javax.management.BadStringOperationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The stand-in of an exception that does not arrive as itself says why. */
@Timeout(30)
@SuppressWarnings({"serial", "ClassCanBeStatic", "UnusedVariable"}) // classes of exceptions as users write them
class StandInReasonsTest {

    private final Journey journey = Journey.allowingNothing();

    static final class Composed extends Exception {
        Composed(String what) {
            super("composed of " + what);
        }
    }

    static final class TakesThread extends Exception {
        TakesThread(Thread thread, int count) {
            super(thread + " for the " + count + "th time");
        }
    }

    /** An error like JUnit 4's ArrayComparisonFailure, whose constructor takes an index and keeps a list. */
    static final class ArrayComparison extends AssertionError {
        private final List<Integer> indices;

        ArrayComparison(String text, int index) {
            super(text);
            this.indices = new ArrayList<>(List.of(index));
        }
    }

    static final class Picky extends Exception {
        Picky(List<String> names) {
            super(names.getFirst());
        }

        Picky(String name) {
            throw new IllegalArgumentException("not " + name);
        }
    }

    static final class HoldsThread extends Exception {
        final Object thread = Thread.currentThread();

        HoldsThread(String message) {
            super(message);
        }
    }

    static final class Numbered extends Exception {
        private static int last;

        final int number = ++last;

        Numbered(String message) {
            super(message);
        }
    }

    static final class Noting extends Exception {
        private transient int note = 5;

        Noting(String message) {
            super(message);
        }

        private void writeObject(ObjectOutputStream out) throws IOException {
            out.defaultWriteObject();
            out.writeInt(note);
        }
    }

    static final class Uncaused extends Exception {
        Uncaused(String message) {
            super(message, null);
        }

        @Override
        public synchronized Throwable getCause() {
            return new IllegalStateException("cause");
        }
    }

    /** A class that is not expected in a result of a worker. */
    public static final class Bean {
        private int size;

        public int getSize() {
            return size;
        }

        public void setSize(int value) {
            size = value;
        }
    }

    static final class HoldsBean extends Exception {
        final Object bean = new Bean();

        HoldsBean(String message) {
            super(message);
        }
    }

    final class Inner extends Exception {
        final String owner = String.valueOf(StandInReasonsTest.this.journey != null);

        Inner(String message) {
            super(message);
        }
    }

    private static Exception inner() {
        return new StandInReasonsTest().new Inner("inner");
    }

    private Exception local() {
        class Local extends Exception {
            final String owner = String.valueOf(journey != null);

            Local() {
                super("local");
            }
        }
        return new Local();
    }

    private static Exception anonymous(String message) {
        return new StandInReasonsTest().anonymousOf(message);
    }

    private Exception anonymousOf(String message) {
        return new Exception(message) {
            @Override
            public String getMessage() {
                return super.getMessage() + journey.hashCode();
            }
        };
    }

    enum Reason {
        COMPOSED(
                () -> new Composed("parts"),
                "its constructor composes the message, which was \"composed of composed of parts\" with the values at"
                        + " hand. Add a constructor that takes the message as it is"),
        NO_FITTING_CONSTRUCTOR(
                () -> new TakesThread(Thread.currentThread(), 3),
                "none of its constructors can be called with its message, its cause and the values of its fields:"
                        + " TakesThread(java.lang.Thread, int). Add one"),
        OTHER_TYPE_THAN_ITS_FIELD(
                () -> new ArrayComparison("arrays differ", 3), "ArrayComparison(java.lang.String, int)"),
        CONSTRUCTOR_THROWS(
                () -> new Picky(List.of("a")), "its constructor threw java.lang.IllegalArgumentException: not a"),
        STATE_CANNOT_TRAVEL(
                () -> new HoldsThread("m"), "its state cannot travel: this.thread is a java.lang.Thread, which "),
        STATE_OF_ITS_OWN(
                () -> new Numbered("m"), "no constructor gives its field 'number' the value that it had. Add one with"),
        NO_CAUSE(() -> new Uncaused("m"), "no constructor gives it its cause. Add one that takes"),
        STATE_IS_REFUSED(() -> new HoldsBean("m"), "its state cannot be read: " + Bean.class.getName() + " "),
        INNER(
                StandInReasonsTest::inner,
                "it is an inner class, whose constructor takes what it uses of " + StandInReasonsTest.class.getName()
                        + " around it. Make it a static nested class"),
        LOCAL(() -> new StandInReasonsTest().local(), "it is a local class, whose constructor takes"),
        ANONYMOUS(() -> anonymous("m"), "it is an anonymous class, whose constructor takes"),
        STATE_SERIALIZES_ITSELF(
                () -> new Noting("m"),
                "not all of its state can be seen: " + Noting.class.getName()
                        + " has transient fields that only its Java serialization carries"),
        CLOSED_STATE(
                () -> new BadStringOperationException("b"),
                "not all of its state can be seen: javax.management.BadStringOperationException has fields that are"
                        + " closed");

        @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
        private final Supplier<Throwable> thrown;

        private final String text;

        Reason(Supplier<Throwable> thrown, String text) {
            this.thrown = thrown;
            this.text = text;
        }

        Object failing() throws Exception {
            Throwable thrown = this.thrown.get();
            if (thrown instanceof Error error) {
                throw error;
            }
            throw (Exception) thrown;
        }
    }

    @ParameterizedTest
    @EnumSource
    void standInSaysWhyItIsNotTheOriginal(Reason reason) throws Throwable {
        Throwable arrived = journey.failureOf((Call<Object>) reason::failing);

        assertThat(arrived)
                .isInstanceOfSatisfying(
                        Journey.StandIn.class, each -> assertThat(each.reason).contains(reason.text));
    }

    @Test
    void standInSaysThatTheProgramLacksTheClass() throws Throwable {
        var failure = new Failure("no.such.Oops", "message", List.of(), null, List.of(), Failure.NO_STATE, false);

        assertThat(journey.encode((Call<Integer>) () -> 1).decodeFailure(failure, "worker-1"))
                .isInstanceOfSatisfying(
                        Journey.StandIn.class,
                        each -> assertThat(each.reason).isEqualTo("the program does not have its class"));
    }
}
