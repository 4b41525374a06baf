package dev.trestle.processpool.values;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.Call;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The constructors with which an exception is made again: those that take most of what every exception has, first. */
@Timeout(30)
@SuppressWarnings({"serial", "UnusedVariable"}) // classes of exceptions as users write them
class ConstructorChoiceTest {

    /** The constructors that were called. */
    private static final List<String> called = new ArrayList<>();

    private final Journey journey = Journey.allowingNothing();

    @BeforeEach
    void forget() {
        called.clear();
    }

    public static class Many extends Exception {
        public Many() {
            called.add("nothing");
        }

        public Many(@Nullable String message, @Nullable Throwable cause) {
            super(message, cause);
            called.add("message and cause");
        }

        public Many(@Nullable String message, @Nullable String other, @Nullable Object[] arguments) {
            super(message);
            called.add("message and arguments");
        }

        Many(@Nullable String message, int notPublic) {
            super(message);
            called.add("not public");
        }

        public Many(@Nullable String message) {
            super(message);
            called.add("message");
        }
    }

    private static Many thrown(@Nullable String message, @Nullable Throwable cause) {
        return new Many(message, cause);
    }

    private Throwable arrivedOf(Call<Object> failing) throws Throwable {
        Throwable arrived = journey.failureOf(failing);
        called.removeFirst(); // that of the call itself
        return arrived;
    }

    @Test
    void withACauseTheConstructorForMessageAndCauseComesFirst() throws Throwable {
        Throwable arrived = arrivedOf(() -> {
            throw thrown("message", new IOException("cause"));
        });

        assertThat(arrived).isInstanceOf(Many.class).hasMessage("message");
        assertThat(arrived.getCause()).isInstanceOf(IOException.class);
        assertThat(called).containsExactly("message and cause");
    }

    @Test
    void withoutACauseTheConstructorForTheMessageComesFirst() throws Throwable {
        Throwable arrived = arrivedOf(() -> {
            throw thrown("message", null);
        });

        assertThat(arrived).isInstanceOf(Many.class).hasMessage("message").hasNoCause();
        assertThat(called).containsExactly("message");
    }

    @Test
    void withoutAMessageTheConstructorForTheMessageComesFirstToo() throws Throwable {
        Throwable arrived = arrivedOf(() -> {
            throw thrown(null, null);
        });

        assertThat(arrived).isInstanceOf(Many.class).hasMessage(null);
        assertThat(called).containsExactly("message");
    }

    public static class Fallback extends Exception {
        public Fallback() {
            super("fixed");
            called.add("nothing");
        }

        Fallback(String message) {
            super(message);
            called.add("not public");
        }

        public Fallback(String message, Integer number) {
            super(message);
            called.add("more than a message");
        }
    }

    private static Fallback fallback() {
        return new Fallback();
    }

    @Test
    void nonPublicConstructorComesBeforeOneWithoutParameters() throws Throwable {
        Throwable arrived = arrivedOf(() -> {
            throw fallback();
        });

        assertThat(arrived).isInstanceOf(Fallback.class).hasMessage("fixed");
        assertThat(called).containsExactly("not public");
    }

    public static class TwoPublic extends Exception {
        TwoPublic(String message) {
            super(message);
            called.add("not public");
        }

        public TwoPublic(String message, String other) {
            super(message);
            called.add("public");
        }
    }

    private static TwoPublic twoPublic() {
        return new TwoPublic("message");
    }

    @Test
    void aPublicConstructorComesBeforeOneThatIsNot() throws Throwable {
        Throwable arrived = arrivedOf(() -> {
            throw twoPublic();
        });

        assertThat(arrived).isInstanceOf(TwoPublic.class).hasMessage("message");
        assertThat(called).containsExactly("public");
    }

    /** A class with too many fields of one type to try all orders. */
    public static final class Address extends Exception {
        final String street;
        final String town;
        final String region;
        final String country;
        final String planet;

        public Address(String planet, String country, String region, String town, String street) {
            super("nowhere");
            this.planet = planet;
            this.country = country;
            this.region = region;
            this.town = town;
            this.street = street;
            called.add("constructor");
        }
    }

    private static Address address() {
        return new Address("earth", "b", "c", "d", "e");
    }

    @Test
    void parametersGetTheFieldsOfTheirNames() throws Throwable {
        Throwable arrived = arrivedOf(() -> {
            throw address();
        });

        assertThat(arrived).isInstanceOfSatisfying(Address.class, each -> {
            assertThat(each.planet).isEqualTo("earth");
            assertThat(each.street).isEqualTo("e");
        });
        assertThat(called).containsExactly("constructor");
    }

    /** Its constructor has parameters with other names, and never fits. */
    public static final class Insatiable extends Exception {
        final String first;
        final String second;
        final String third;
        final String fourth;

        public Insatiable(String a, String b, String c, String d) {
            super("composed of " + a + b + c + d);
            this.first = a + "1";
            this.second = b + "2";
            this.third = c + "3";
            this.fourth = d + "4";
            called.add("constructor");
        }
    }

    private static Insatiable insatiable() {
        return new Insatiable("a", "b", "c", "d");
    }

    @Test
    void noMoreThan64CallsOfConstructorsAreTried() throws Throwable {
        Throwable arrived = arrivedOf(() -> {
            throw insatiable();
        });

        assertThat(arrived).isInstanceOf(Journey.StandIn.class);
        assertThat(called).hasSize(64);
    }

    /** Has a stack trace only if it is made with its second constructor. */
    public static final class Untraceable extends Exception {
        public Untraceable(String message) {
            super(message, null, false, false);
        }

        Untraceable(Thread traced) {
            super("message of " + Objects.hash(traced), null, true, true);
        }
    }

    private static Untraceable untraceable() {
        return new Untraceable(Thread.currentThread());
    }

    @Test
    void anExceptionWhoseStackTraceWouldBeLostGetsAStandIn() throws Throwable {
        Throwable arrived = journey.failureOf(() -> {
            throw untraceable();
        });

        assertThat(arrived)
                .isInstanceOfSatisfying(
                        Journey.StandIn.class,
                        each -> assertThat(each.reason)
                                .isEqualTo("its stack trace cannot be set, and where it was thrown would not be seen"));
        assertThat(arrived.getStackTrace()[0].getMethodName())
                .as("where it was thrown")
                .isEqualTo("untraceable");
    }

    private static Exception withoutTrace() {
        return new Untraceable("message");
    }

    @Test
    void anExceptionThatHasNoStackTraceArrivesWithoutOne() throws Throwable {
        Throwable arrived = journey.failureOf(() -> {
            throw withoutTrace();
        });

        assertThat(arrived).isInstanceOf(Untraceable.class).hasMessage("message");
        assertThat(arrived.getStackTrace()).isEmpty();
    }

    /** Keeps its cause in a field, too, if it was made of the cause alone. */
    public static final class KeepsCause extends Exception {
        public final @Nullable Throwable origin;

        public KeepsCause(String message, Throwable cause) {
            super(message, cause);
            this.origin = null;
        }

        KeepsCause(Throwable cause) {
            super("message", cause);
            this.origin = cause;
        }
    }

    private static KeepsCause keepsCause() {
        return new KeepsCause(new IOException("cause"));
    }

    @Test
    void aFieldThatHoldsTheCauseHoldsItAgain() throws Throwable {
        Throwable arrived = journey.failureOf(() -> {
            throw keepsCause();
        });

        assertThat(arrived)
                .isInstanceOfSatisfying(
                        KeepsCause.class, each -> assertThat(each.origin).isSameAs(each.getCause()));
        assertThat(arrived).hasMessage("message");
    }
}
