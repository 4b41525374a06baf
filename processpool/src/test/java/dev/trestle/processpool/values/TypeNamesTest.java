package dev.trestle.processpool.values;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.Call;
import java.io.IOException;
import java.io.Serializable;
import java.math.BigDecimal;
import java.net.URI;
import java.util.AbstractMap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The names that stand in front of values on the wire, found afresh for each test. */
@Timeout(30)
class TypeNamesTest {

    record Mine(int number) implements Serializable {
        private static final long serialVersionUID = 1;
    }

    static final class Oops extends IOException {
        private static final long serialVersionUID = 1;
    }

    static final class Own<T> extends ArrayList<T> {
        private static final long serialVersionUID = 1;
    }

    static final class OwnMap extends HashMap<String, String> {
        private static final long serialVersionUID = 1;
    }

    record OwnEntry(String getKey, String getValue) implements Map.Entry<String, String> {
        @Override
        public String setValue(String value) {
            throw new UnsupportedOperationException(value);
        }
    }

    enum Plain {
        ONE
    }

    enum WithBody {
        ONE {
            @Override
            String text() {
                return "one";
            }
        };

        abstract String text();
    }

    private static String here(String name) {
        return TypeNamesTest.class.getName() + "$" + name;
    }

    static Stream<Arguments> carriers() {
        Call<Integer> lambda = () -> 1;
        return Stream.of(
                Arguments.of(int.class, "int"),
                Arguments.of(Integer.class, "Integer"),
                Arguments.of(String.class, "String"),
                Arguments.of(Optional.class, "Optional"),
                Arguments.of(Object.class, "Object"),
                Arguments.of(int[][].class, "int[][]"),
                Arguments.of(Mine[].class, here("Mine") + "[]"),
                Arguments.of(Oops[].class, here("Oops") + "[]"),
                Arguments.of(BigDecimal.class, "BigDecimal"),
                Arguments.of(URI.class, "URI"),
                Arguments.of(ArrayList.class, "ArrayList"),
                Arguments.of(List.of().getClass(), "List.of"),
                Arguments.of(Collections.unmodifiableList(new ArrayList<>()).getClass(), "unmodifiableList"),
                Arguments.of(Own.class, here("Own")),
                Arguments.of(new ArrayList<Integer>() {}.getClass(), "anonymous"),
                Arguments.of(HashMap.class, "HashMap"),
                Arguments.of(TreeMap.class, "TreeMap"),
                Arguments.of(Map.of().getClass(), "Map.of"),
                Arguments.of(OwnMap.class, here("OwnMap")),
                Arguments.of(Map.entry(1, 2).getClass(), "Map.entry"),
                Arguments.of(AbstractMap.SimpleEntry.class, "SimpleEntry"),
                Arguments.of(AbstractMap.SimpleImmutableEntry.class, "SimpleImmutableEntry"),
                Arguments.of(
                        new HashMap<>(Map.of(1, 2)).entrySet().iterator().next().getClass(), "SimpleEntry"),
                Arguments.of(OwnEntry.class, here("OwnEntry")),
                Arguments.of(IOException.class, "Throwable"),
                Arguments.of(Oops.class, "Throwable"),
                Arguments.of(StackOverflowError.class, "Throwable"),
                Arguments.of(lambda.getClass(), "Lambda"),
                Arguments.of(Mine.class, here("Mine")),
                Arguments.of(Plain.class, here("Plain")),
                Arguments.of(((Object) WithBody.ONE).getClass(), here("WithBody")));
    }

    @ParameterizedTest
    @MethodSource("carriers")
    void eachClassHasTheNameOfHowItsValuesAreCarried(Class<?> type, String name) {
        assertThat(TypeNames.compute(type)).isEqualTo(name);
        assertThat(TypeNames.carriedAs(type)).isEqualTo(name);
    }

    @Test
    void aClassItselfHasItsOwnNameHoweverItsValuesAreCarried() {
        assertThat(TypeNames.nameOf(IOException.class)).isEqualTo("java.io.IOException");
        assertThat(TypeNames.nameOf(ArrayList.class)).isEqualTo("java.util.ArrayList");
        assertThat(TypeNames.nameOf(long[].class)).isEqualTo("long[]");
        assertThat(TypeNames.nameOf(Throwable.class)).isEqualTo("Throwable");
        assertThat(TypeNames.nameOf(Map.Entry[].class)).isEqualTo("Entry[]");
    }

    static Stream<Class<?>> closed() {
        return Stream.of(
                int.class,
                int[].class,
                String.class,
                String[][].class,
                Integer.class,
                URI.class,
                Mine.class,
                Mine[].class,
                Plain.class,
                WithBody.class);
    }

    @ParameterizedTest
    @MethodSource("closed")
    void aPlaceThatHoldsOneClassNeedsNoName(Class<?> declared) {
        assertThat(TypeNames.isNeededFor(declared)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            classes = {
                Object.class,
                Object[].class,
                Number.class,
                List.class,
                ArrayList.class,
                Enum.class,
                Exception.class,
                Call.class,
                Comparable[].class
            })
    void aPlaceThatMayHoldOtherClassesNeedsOne(Class<?> declared) {
        assertThat(TypeNames.isNeededFor(declared)).isTrue();
    }

    @Test
    void placeTakesSubclassesSuperclassesAndContainers() {
        assertThat(TypeNames.mayBeIn(Number.class, Integer.class)).isTrue();
        assertThat(TypeNames.mayBeIn(Integer.class, Number.class)).isTrue();
        assertThat(TypeNames.mayBeIn(Integer.class, String.class)).isFalse();
        assertThat(TypeNames.mayBeIn(Runnable.class, ArrayList.class)).isTrue();
        assertThat(TypeNames.mayBeIn(HashMap.class, ArrayList.class)).isTrue();
        assertThat(TypeNames.mayBeIn(String.class, ArrayList.class)).isFalse();
        assertThat(TypeNames.mayBeIn(Runnable.class, String.class)).isFalse();
        for (Class<?> each : Arrays.<Class<?>>asList(LambdaValue.class, StreamValue.class)) {
            assertThat(TypeNames.mayBeIn(Runnable.class, each)).isTrue();
            assertThat(TypeNames.mayBeIn(String.class, each)).isFalse();
        }
    }

    @Test
    void theNamesOfTheListAreBuiltIn() {
        assertThat(List.of("int", "Optional", "BigDecimal", "ArrayList", "TreeMap", "Lambda", "SimpleEntry"))
                .allMatch(TypeNames::isBuiltIn);
        assertThat(List.of("", "java.lang.String", here("Mine"), "int[]")).noneMatch(TypeNames::isBuiltIn);
    }

    // Finding classes

    private final TypeNames names = new TypeNames(TypeNamesTest.class.getClassLoader());

    static Stream<Class<?>> types() {
        return Stream.of(
                int.class,
                long[].class,
                String.class,
                Mine.class,
                Mine[][].class,
                Throwable.class,
                IOException.class,
                Oops[].class,
                ArrayList.class,
                Map.Entry[].class);
    }

    @ParameterizedTest
    @MethodSource("types")
    void aClassIsFoundByItsName(Class<?> type) throws ClassNotFoundException {
        for (Sender sender : Sender.values()) {
            assertThat(names.findClass(TypeNames.nameOf(type), sender)).isSameAs(type);
        }
    }

    @Test
    void anArrayHasUpTo16Dimensions() throws ClassNotFoundException {
        String most = "int" + "[]".repeat(16);
        assertThat(names.find(most, Sender.POOL).getSimpleName()).isEqualTo(most);
        String tooMany = here("Mine") + "[]".repeat(17);

        assertThatThrownBy(() -> names.find(tooMany, Sender.POOL))
                .isInstanceOf(ClassNotFoundException.class)
                .hasMessage(tooMany);
    }
}
