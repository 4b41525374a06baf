package dev.trestle.processpool.values;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.Call;
import java.io.Serializable;
import java.util.AbstractList;
import java.util.AbstractMap;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** An object that is known by its identity arrives as itself, or is refused. */
@Timeout(30)
@SuppressWarnings({
    "serial",
    "unused",
    "UnusedMethod",
    "UnusedVariable",
    "ClassCanBeStatic",
    "VariableNameSameAsType",
    "ArrayRecordComponent"
}) // classes as other compilers make them
class ConstantsTest {

    private final Journey journey = Journey.allowingTests();

    /** A singleton in the style of Java, since Java has serialization. */
    static final class Singleton implements Serializable {
        static final Singleton INSTANCE = new Singleton();
        private final String state = "final";

        private Singleton() {}

        private Object readResolve() {
            return INSTANCE;
        }
    }

    /** A class like one of Kotlin's {@code data object}. */
    static final class KotlinDataObject implements Serializable {
        public static final KotlinDataObject INSTANCE;

        static {
            INSTANCE = new KotlinDataObject();
        }

        private KotlinDataObject() {}

        private Object readResolve() {
            return INSTANCE;
        }
    }

    /** A class like one of Kotlin's {@code object}, which has its state in static fields. */
    static final class KotlinObject {
        public static final KotlinObject INSTANCE = new KotlinObject();
        private static int state = 5;

        private KotlinObject() {}
    }

    /** A class like one of Kotlin with a companion. */
    static final class WithCompanion {
        public static final Companion Companion = new Companion();

        static final class Companion {
            private Companion() {}
        }
    }

    /** A class like one of Scala's {@code case object}. */
    static final class ScalaObject$ implements Serializable {
        public static final ScalaObject$ MODULE$ = new ScalaObject$();
        private int mutable = 1;

        private Object writeReplace() {
            return new Proxy();
        }

        static final class Proxy implements Serializable {
            private Object readResolve() {
                return MODULE$;
            }
        }
    }

    /** An enum in the style of the time before enums: some of its constants have bodies. */
    abstract static class Operation implements Serializable {
        static final Operation PLUS = new Operation("+") {
            @Override
            int apply(int a, int b) {
                return a + b;
            }
        };
        private static final Operation minus = new Minus();
        static final Operation TIMES = new Operation("*") {
            @Override
            int apply(int a, int b) {
                return a * b;
            }
        };

        private final String sign;

        private Operation(String sign) {
            this.sign = sign;
        }

        abstract int apply(int a, int b);

        protected Object readResolve() {
            return Stream.of(PLUS, minus, TIMES)
                    .filter(each -> each.sign.equals(sign))
                    .findFirst()
                    .orElseThrow();
        }

        private static final class Minus extends Operation {
            Minus() {
                super("-");
            }

            @Override
            int apply(int a, int b) {
                return a - b;
            }
        }
    }

    static final class EmptyList extends AbstractList<Object> implements Serializable {
        static final EmptyList INSTANCE = new EmptyList();

        @Override
        public Object get(int index) {
            throw new IndexOutOfBoundsException(index);
        }

        @Override
        public int size() {
            return 0;
        }

        private Object readResolve() {
            return INSTANCE;
        }
    }

    static final class EmptyMap extends AbstractMap<Object, Object> implements Serializable {
        static final EmptyMap INSTANCE = new EmptyMap();

        @Override
        public Set<Entry<Object, Object>> entrySet() {
            return Set.of();
        }

        Object readResolve() {
            return INSTANCE;
        }
    }

    static final class Job implements Call<String>, Serializable {
        static final Job INSTANCE = new Job();

        private Job() {}

        @Override
        public String call() {
            return this == INSTANCE ? "the same" : "another";
        }

        private Object readResolve() {
            return INSTANCE;
        }
    }

    static List<Object> constants() {
        return List.of(
                Singleton.INSTANCE,
                KotlinDataObject.INSTANCE,
                KotlinObject.INSTANCE,
                WithCompanion.Companion,
                ScalaObject$.MODULE$,
                Operation.PLUS,
                Operation.minus,
                Operation.TIMES,
                EmptyList.INSTANCE,
                EmptyMap.INSTANCE,
                Job.INSTANCE);
    }

    record Holder(@Nullable Object any, List<Object> list, Map<Object, Object> map, Object[] array) {}

    @ParameterizedTest
    @MethodSource("constants")
    void arrivesAsTheSameObject(Object constant) throws Throwable {
        assertThat(journey.send(constant)).isSameAs(constant);
    }

    @ParameterizedTest
    @MethodSource("constants")
    void arrivesAsTheSameObjectWithinOthers(Object constant) throws Throwable {
        Object[] array = {constant, constant};
        var sent = new Holder(constant, Arrays.asList(constant, null), Map.of("k", constant), array);

        var arrived = (Holder) requireNonNull(journey.send(sent));

        assertThat(arrived.any).isSameAs(constant);
        assertThat(arrived.list.getFirst()).isSameAs(constant);
        assertThat(arrived.map.get("k")).isSameAs(constant);
        assertThat(arrived.array[1]).isSameAs(constant);
    }

    record Declared(Singleton singleton, Operation operation, EmptyList list, EmptyMap map, KotlinObject object) {}

    @Test
    void arrivesAsTheSameObjectWhereItsClassIsDeclared() throws Throwable {
        var sent = new Declared(
                Singleton.INSTANCE, Operation.TIMES, EmptyList.INSTANCE, EmptyMap.INSTANCE, KotlinObject.INSTANCE);

        var arrived = (Declared) requireNonNull(journey.send(sent));

        assertThat(arrived.singleton).isSameAs(sent.singleton);
        assertThat(arrived.operation).isSameAs(sent.operation);
        assertThat(arrived.list).isSameAs(sent.list);
        assertThat(arrived.map).isSameAs(sent.map);
        assertThat(arrived.object).isSameAs(sent.object);
    }

    @Test
    void aCallMayBeOne() throws Throwable {
        assertThat(journey.run(Job.INSTANCE)).isEqualTo("the same");
    }

    // Refused

    /** A class whose objects find their equals. */
    static class Interned implements Serializable {
        int number;

        protected Object readResolve() {
            return this;
        }
    }

    static final class Heir extends Interned {
        static final Heir ONLY = new Heir();
    }

    static final class Date implements Serializable {
        private int day;

        private Object writeReplace() {
            return day;
        }
    }

    record Replaced(int x) {
        private Object writeReplace() {
            return x;
        }
    }

    static final class OwnList extends java.util.ArrayList<Object> {
        private Object readResolve() {
            return this;
        }
    }

    /** Its one object is in no constant. */
    static final class Lazy implements Serializable {
        private static @Nullable Lazy instance;

        static Lazy get() {
            if (instance == null) {
                instance = new Lazy();
            }
            return instance;
        }

        private Object readResolve() {
            return get();
        }
    }

    static final class Stateless {
        static final Stateless ONE = new Stateless();

        private Stateless() {}
    }

    static List<Object> others() {
        return List.of(
                new Interned(), new Heir(), new Date(), new Replaced(1), new OwnList(), Lazy.get(), new Stateless());
    }

    @ParameterizedTest
    @MethodSource("others")
    void anObjectThatIsNoConstantIsRefused(Object other) {
        assertThatThrownBy(() -> journey.send(other))
                .isInstanceOf(NotEncodableException.class)
                .hasMessageMatching("(?s).*captured value #0 'value' is an? "
                        + other.getClass().getName().replace("$", "\\$")
                        + ", which has (no state, is made by its class only, and is not one of its constants|a method"
                        + " (readResolve|writeReplace)\\(\\), so its class would replace a copy, and it is"
                        + " not the value of a static final field of its class)\\. Pass .*");
        assertThatThrownBy(() -> journey.send(List.of(other))).isInstanceOf(NotEncodableException.class);
    }

    // Objects that are known by what they hold

    static final class Level {
        static final Level LOW = new Level();
        private int value = 1;

        private Level() {}
    }

    /** The private method of a superclass is not its own, as in Java serialization. */
    static class Base {
        private Object readResolve() {
            return this;
        }
    }

    static final class Plain extends Base {
        int number = 3;

        static Object readResolve(int other) {
            return other;
        }
    }

    @Test
    void aConstantWithStateAndNoMethodIsCopied() throws Throwable {
        Level.LOW.value = 7;

        assertThat(journey.send(Level.LOW))
                .isNotSameAs(Level.LOW)
                .isInstanceOfSatisfying(
                        Level.class, each -> assertThat(each.value).isEqualTo(7));
        Level.LOW.value = 1;
    }

    @Test
    void aSimilarMethodIsIgnored() throws Throwable {
        assertThat(journey.send(new Plain()))
                .isInstanceOfSatisfying(
                        Plain.class, each -> assertThat(each.number).isEqualTo(3));
    }
}
