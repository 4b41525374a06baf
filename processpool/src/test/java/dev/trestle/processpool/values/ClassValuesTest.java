package dev.trestle.processpool.values;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.Call;
import dev.trestle.processpool.values.Examples.Color;
import dev.trestle.processpool.values.Examples.Point;
import java.io.IOException;
import java.lang.reflect.Array;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A class arrives as that class, however its objects are carried, and so do arrays of it. */
@Timeout(30)
class ClassValuesTest {

    static final class Failed extends IOException {
        private static final long serialVersionUID = 1;
    }

    static Stream<Class<?>> classes() {
        return Stream.of(
                Throwable.class,
                Exception.class,
                IOException.class,
                Error.class,
                Failed.class,
                AbstractList.class,
                ArrayList.class,
                IdentityHashMap.class,
                Collection.class,
                SortedSet.class,
                Map.class,
                ConcurrentMap.class,
                Map.Entry.class,
                EnumSet.class,
                EnumMap.class,
                Examples.Names.class,
                InetAddress.class,
                Inet4Address.class,
                Path.class,
                UUID.class,
                Comparator.class,
                Optional.class,
                Object.class,
                Class.class,
                String.class,
                Character.class,
                Number.class,
                Runnable.class,
                Enum.class,
                Color.class,
                Point.class,
                int.class,
                char.class,
                void.class,
                Thread.class);
    }

    @ParameterizedTest
    @MethodSource("classes")
    void aClassArrivesAsItself(Class<?> type) throws Throwable {
        Journey journey = Journey.allowingTests();
        assertThat(journey.send(type)).isEqualTo(type);
        assertThat(journey.send(List.of(type, type))).isEqualTo(List.of(type, type));
        if (type != void.class) {
            assertThat(journey.send(type.arrayType().arrayType()))
                    .isEqualTo(type.arrayType().arrayType());
        }
    }

    @ParameterizedTest
    @MethodSource("classes")
    void anArrayArrivesAsAnArrayOfItsClass(Class<?> type) throws Throwable {
        if (type == void.class) {
            return;
        }
        Object sent = Array.newInstance(type, 2);

        assertThat(requireNonNull(Journey.allowingTests().send(sent)).getClass())
                .isEqualTo(sent.getClass());
    }

    static Stream<Arguments> arrays() {
        return Stream.<Object>of(
                        new Exception[] {new IOException("a"), null, new IllegalStateException("b")},
                        new IOException[] {new IOException("a")},
                        new List<?>[] {List.of(1), new ArrayList<>(List.of(2))},
                        new ArrayList<?>[] {new ArrayList<>(List.of(2))},
                        new Map.Entry<?, ?>[] {Map.entry(1, 2)},
                        new Class<?>[] {IOException.class, int.class},
                        new InetAddress[] {InetAddress.getLoopbackAddress()},
                        new Inet4Address[1],
                        new Color[] {Color.GREEN, Color.RED},
                        new Comparable<?>[] {1, "b"})
                .map(Arguments::of);
    }

    @ParameterizedTest
    @MethodSource("arrays")
    void elementsOfAnArrayArriveWithTheirOwnClass(Object sent) throws Throwable {
        Object[] arrived = (Object[]) requireNonNull(Journey.allowingTests().send(sent));

        assertThat(arrived.getClass()).isEqualTo(sent.getClass());
        for (int i = 0; i < arrived.length; i++) {
            Object each = ((Object[]) sent)[i];
            assertThat(String.valueOf(arrived[i])).isEqualTo(String.valueOf(each));
        }
    }

    @ParameterizedTest
    @MethodSource("exceptionClasses")
    void aClassOfExceptionsMayBeAResult(Class<?> type) throws Throwable {
        Call<Object> call = () -> type;

        assertThat(Journey.allowingNothing().run(call)).isEqualTo(type);
    }

    static Stream<Class<?>> exceptionClasses() {
        return Stream.of(IOException.class, Failed.class, AbstractList.class, Exception[].class);
    }

    @Test
    void aClassThatAResultDoesNotLeadToIsRefusedInWords() {
        Call<Object> call = () -> Examples.Bean.class;

        assertThatThrownBy(() -> Journey.allowingNothing().run(call))
                .isInstanceOf(NotDecodableException.class)
                .hasMessageContaining("allow(Bean.class)");
    }
}
