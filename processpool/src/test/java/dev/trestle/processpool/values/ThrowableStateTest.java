package dev.trestle.processpool.values;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InvalidClassException;
import java.lang.reflect.InvocationTargetException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.FileSystemException;
import java.sql.SQLException;
import java.text.ParseException;
import java.util.ArrayList;
import java.util.IllegalFormatPrecisionException;
import java.util.List;
import java.util.Map;
import java.util.MissingResourceException;
import java.util.stream.Stream;
import javax.management.BadStringOperationException;
import javax.naming.CompositeName;
import javax.naming.NamingException;
import javax.security.sasl.SaslException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The parts that a class of exceptions adds to those of every exception, found afresh for each test. */
@Timeout(30)
@SuppressWarnings({"serial", "ClassCanBeStatic", "UnusedVariable", "HidingField"}) // as users write them
class ThrowableStateTest {

    static class Base extends Exception {
        static int howMany;

        protected int code;
        transient Object notSent = "not sent";

        Base(String message) {
            super(message);
        }
    }

    static final class Heir extends Base {
        private final String code;
        private String text = "";

        Heir(String message, String code) {
            super(message);
            this.code = code;
        }
    }

    final class Inner extends Exception {
        int number;
    }

    static final class OfJdk extends IOException {
        int number;
    }

    /** Its fields behind a class of the JDK that is closed. */
    static final class OfClosed extends BadStringOperationException {
        int number;

        OfClosed() {
            super("operation");
        }
    }

    private static String[] names(ThrowableState state) {
        return state.names().isEmpty() ? new String[0] : state.names().split(", ", -1);
    }

    private static Map<String, @Nullable Object> values(ThrowableState state, Throwable exception)
            throws ReflectiveOperationException {
        return requireNonNull(state.of(exception));
    }

    private static String closed(Class<?> type) {
        return type.getName() + " has fields that are closed";
    }

    static Stream<Arguments> visible() throws ClassNotFoundException {
        return Stream.of(
                Arguments.of(Throwable.class, List.of()),
                Arguments.of(IOException.class, List.of()),
                Arguments.of(SaslException.class, List.of()), // whose only field is its cause
                Arguments.of(NullPointerException.class, List.of()), // the text that the JVM makes is no part
                Arguments.of(Base.class, List.of("code")),
                Arguments.of(Heir.class, List.of("code", "text", Base.class.getName() + ".code")),
                Arguments.of(Inner.class, List.of("number")),
                Arguments.of(OfJdk.class, List.of("number")),
                Arguments.of(InvalidClassException.class, List.of("classname")),
                Arguments.of(ParseException.class, List.of("errorOffset")),
                Arguments.of(MissingResourceException.class, List.of("className", "key")),
                Arguments.of(URISyntaxException.class, List.of("input", "reason", "index")),
                Arguments.of(FileSystemException.class, List.of("file", "otherFile", "reason")),
                Arguments.of(IllegalFormatPrecisionException.class, List.of("precision")),
                Arguments.of(InvocationTargetException.class, List.of("targetException")));
    }

    @ParameterizedTest
    @MethodSource("visible")
    void eachPartOfAClassIsFound(Class<?> type, List<String> parts) {
        var state = new ThrowableState(type);

        assertThat(names(state)).containsExactlyInAnyOrderElementsOf(parts);
        assertThat(state.isEmpty()).isEqualTo(parts.isEmpty());
        assertThat(state.hidden()).isEmpty();
    }

    static Stream<Arguments> hidden() throws ClassNotFoundException {
        Class<?> notExported = Class.forName("sun.security.validator.ValidatorException");
        return Stream.of(
                Arguments.of(BadStringOperationException.class, BadStringOperationException.class),
                Arguments.of(OfClosed.class, BadStringOperationException.class),
                Arguments.of(notExported, notExported));
    }

    @ParameterizedTest
    @MethodSource("hidden")
    void aClassOfWhichAFieldCannotBeSeenIsNamed(Class<?> type, Class<?> named) {
        var state = new ThrowableState(type);

        assertThat(state.hidden()).isEqualTo(closed(named));
        assertThat(state.isEmpty()).isFalse();
    }

    @Test
    void theStateOfAClassIsFoundOnce() {
        assertThat(ThrowableState.of(Heir.class)).isSameAs(ThrowableState.of(Heir.class));
    }

    @Test
    void nothingIsReadOfAnExceptionOfWhichAFieldCannotBeSeen() throws Exception {
        assertThat(new ThrowableState(OfClosed.class).of(new OfClosed())).isNull();
    }

    @Test
    void thePartsOfAnExceptionAreReadAndSet() throws Exception {
        var state = new ThrowableState(Heir.class);
        var thrown = new Heir("message", "a");
        ((Base) thrown).code = 7;
        thrown.text = "b";

        Map<String, @Nullable Object> values = values(state, thrown);
        assertThat(values)
                .containsExactlyInAnyOrderEntriesOf(
                        Map.of("code", "a", "text", "b", Base.class.getName() + ".code", 7));

        var other = new Heir("message", "its own");
        state.set(other, values, null);
        assertThat(other.text).isEqualTo("b");
        assertThat(((Base) other).code).isEqualTo(7);
        assertThat(other.code).as("a final field is left to the constructor").isEqualTo("its own");
    }

    @Test
    void aPartThatIsTheCauseIsLeftOutAndSetAsTheCause() throws Exception {
        class Caused extends Exception {
            @Nullable
            Throwable origin;

            Caused(@Nullable Throwable origin) {
                super(origin);
                this.origin = origin;
            }
        }
        var state = new ThrowableState(Caused.class);
        var cause = new IOException("cause");

        assertThat(state.of(new Caused(cause))).isEmpty();
        assertThat(state.of(new Caused(null))).containsOnlyKeys("origin");
        var made = new Caused(null);
        state.set(made, Map.of(), cause);
        assertThat(made.origin).isSameAs(cause);
    }

    @Test
    void aSetterOfTheJdkSetsWhatAGetterReads() throws Exception {
        var state = new ThrowableState(NamingException.class);
        var thrown = new NamingException("message");
        thrown.setRemainingName(new CompositeName("a/b"));
        thrown.setResolvedObj("resolved");

        Map<String, @Nullable Object> values = values(state, thrown);
        assertThat(values)
                .containsEntry("remainingName", new CompositeName("a/b"))
                .containsEntry("resolvedObj", "resolved");
        var made = new NamingException("message");
        state.set(made, values, null);
        assertThat(made.getRemainingName()).isEqualTo(new CompositeName("a/b"));
        assertThat(made.getResolvedObj()).isEqualTo("resolved");
        assertThat(made.getResolvedName()).isNull();
    }

    @Test
    void aPublicFieldOfTheJdkIsSet() throws Exception {
        var state = new ThrowableState(InvalidClassException.class);
        var made = new InvalidClassException("its own", "reason");

        state.set(made, values(state, new InvalidClassException("name", "reason")), null);

        assertThat(made.classname).isEqualTo("name");
    }

    @Test
    void valuesAreComparedByTheirContentAndUrlsByTheirTexts() throws Exception {
        URL url = URI.create("http://host.look-up.invalid/").toURL();
        URL same = URI.create("http://host.look-up.invalid/").toURL();
        URL other = URI.create("http://other.look-up.invalid/").toURL();

        assertThat(ThrowableState.areEqual(url, same)).isTrue();
        assertThat(ThrowableState.areEqual(url, other)).isFalse();
        assertThat(ThrowableState.areEqual(url, url.toString())).isFalse();
        assertThat(ThrowableState.areEqual(null, null)).isTrue();
        assertThat(ThrowableState.areEqual(null, "")).isFalse();
        assertThat(ThrowableState.areEqual(new int[] {1}, new int[] {1})).isTrue();
        assertThat(ThrowableState.areEqual(new int[] {1}, new int[] {2})).isFalse();
    }

    /** A setter such as {@link SQLException#setNextException} appends: it is not called for what is there. */
    @Test
    void presentStateIsNotSetAgain() throws Exception {
        var state = new ThrowableState(SQLException.class);
        var thrown = new SQLException("message", "state", 3);
        thrown.setNextException(new SQLException("next"));

        state.set(thrown, values(state, thrown), null);

        var all = new ArrayList<Throwable>();
        thrown.forEach(all::add);
        assertThat(all).hasSize(2);
    }

    @Test
    void stateThatTravelsIsReadAsItWas() throws Exception {
        var state = new ThrowableState(Heir.class);
        var thrown = new Heir("message", "a");
        Map<String, @Nullable Object> values = values(state, thrown);

        @Nullable Object[] packed = state.pack(values, "given");
        ThrowableState.Sent sent = requireNonNull(state.unpack(packed));

        assertThat(packed).hasSize(2 + values.size());
        assertThat(sent.values()).isEqualTo(values);
        assertThat(sent.given()).isEqualTo("given");
        assertThat(state.types()).hasSize(3).contains(int.class, String.class);
        List<String> places = Stream.of(2, 3, 4, 5).map(state::place).toList();
        assertThat(places)
                .containsExactlyInAnyOrder("this.code", "this.text", "this." + Base.class.getName() + ".code", "this");
    }

    @Test
    void theCauseTravelsAsANameAlone() throws Exception {
        class Caused extends Exception {
            final Throwable origin;
            final URI uri = URI.create("a:b");

            Caused(Throwable origin) {
                super(origin);
                this.origin = origin;
            }
        }
        var state = new ThrowableState(Caused.class);
        Map<String, @Nullable Object> values = values(state, new Caused(new IOException()));

        ThrowableState.Sent sent = requireNonNull(state.unpack(state.pack(values, null)));

        assertThat(sent.values()).isEqualTo(Map.of("uri", URI.create("a:b")));
        assertThat(sent.given()).isNull();
    }
}
