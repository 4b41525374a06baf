package dev.trestle.processpool.values;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.processpool.values.Containers.Example;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.RecordComponent;
import java.util.AbstractCollection;
import java.util.AbstractMap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.SequencedCollection;
import java.util.SequencedMap;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A collection or map arrives the same, whatever is declared of the place that holds it. */
@Timeout(60)
@SuppressWarnings({"rawtypes", "NullAway", "UnusedVariable", "ArrayRecordComponent", "OperatorPrecedence"
}) // places of every kind, filled by reflection
class PlacesTest {

    /** One for all tests: a codec that has seen a class does not ask about it again, which takes most of the time. */
    private static final Journey journey = Journey.allowingTests();

    interface Named {}

    enum Mark implements Named {
        TICK,
        CROSS {
            @Override
            public String toString() {
                return "x";
            }
        }
    }

    /** Components of every type that a container may be declared with. */
    record Places(
            Object object,
            Collection raw,
            Collection<?> wild,
            Collection<? extends Comparable<?>> bounded,
            Collection<Object> objects,
            Collection<String> strings,
            Collection<Named> named,
            Iterable<?> iterable,
            Iterable<Object> iterableObjects,
            Iterable<String> iterableStrings,
            SequencedCollection<Object> sequenced,
            AbstractCollection<Object> abstractCollection,
            List<?> list,
            List<Object> listObjects,
            List<String> listStrings,
            ArrayList<Object> arrayList,
            Set set,
            Set<Object> setObjects,
            Set<String> setStrings,
            Set<Named> setNamed,
            SortedSet<Object> sortedSet,
            NavigableSet<?> navigableSet,
            TreeSet<String> treeSet,
            EnumSet<Mark> enumSet,
            Queue<Object> queue,
            Queue<?> queueWild,
            Deque<Object> deque,
            BlockingQueue<Object> blockingQueue,
            PriorityQueue<Object> priorityQueue,
            Map map,
            Map<?, ?> mapWild,
            Map<Object, Object> mapObjects,
            Map<String, String> mapStrings,
            Map<String, Object> mapStringObject,
            Map<String, List<String>> mapLists,
            Map<Named, Object> mapNamed,
            SequencedMap<Object, Object> sequencedMap,
            SortedMap<Object, ?> sortedMap,
            NavigableMap<String, String> navigableMap,
            ConcurrentMap<Object, Object> concurrentMap,
            AbstractMap<Object, Object> abstractMap,
            HashMap<Object, Object> hashMap,
            LinkedHashMap<String, Object> linkedHashMap,
            TreeMap<Object, Object> treeMap,
            EnumMap<Mark, Object> enumMap) {}

    /** The same types as fields of a bean. */
    static final class Fields {
        Object object;
        Collection<Object> objects;
        Collection<?> wild;
        Collection<String> strings;
        Iterable<Object> iterable;
        List<Object> listObjects;
        Set<Named> setNamed;
        SortedSet<Object> sortedSet;
        Queue<Object> queue;
        Map<?, ?> mapWild;
        Map<String, List<String>> mapLists;
        Map<Object, Object> mapObjects;
        SortedMap<Object, Object> sortedMap;
        EnumMap<Mark, ?> enumMap;
    }

    /** Within others. */
    record Within<T>(
            T variable,
            Optional<T> optional,
            Optional<Object> optionalObject,
            List<T> list,
            Map<String, T> map,
            List<Object> objects,
            Object[] array,
            Map.Entry<String, T> entry,
            Map<String, List<Object>> deep) {}

    private static final List<Example> containers = findContainers();

    static List<Example> containers() {
        return containers;
    }

    private static List<Example> findContainers() {
        var more = new ArrayList<Example>();
        more.add(new Example("TreeMap of lists", () -> new TreeMap<>(Map.of("a", List.of("x"), "b", List.of()))));
        more.add(new Example(
                "ConcurrentSkipListMap of lists", () -> new ConcurrentSkipListMap<>(Map.of("a", List.of("x")))));
        more.add(new Example("EnumMap of marks", () -> new EnumMap<>(Map.of(Mark.TICK, "x", Mark.CROSS, 5L))));
        more.add(new Example("empty EnumMap of marks", () -> new EnumMap<>(Mark.class)));
        more.add(new Example("EnumSet of marks", () -> EnumSet.of(Mark.CROSS)));
        more.add(new Example("empty EnumSet of marks", () -> EnumSet.noneOf(Mark.class)));
        more.add(new Example("TreeSet of marks", () -> new TreeSet<>(List.of(Mark.CROSS, Mark.TICK))));
        more.add(new Example("own list", () -> {
            var names = new Examples.Names();
            names.add("a");
            return names;
        }));
        more.addAll(Containers.plain());
        for (Example each : Containers.plain()) {
            more.addAll(Containers.derived(each));
        }
        Map<String, Example> byClass = new LinkedHashMap<>();
        for (Example each : more) {
            if (travels(each)) {
                byClass.putIfAbsent(each.make().getClass() + " " + each.name().contains("empty"), each);
            }
        }
        return List.copyOf(byClass.values());
    }

    private static boolean travels(Example example) {
        try {
            journey.send(example.make());
            return true;
        } catch (NotEncodableException e) {
            return false;
        } catch (Throwable e) {
            throw new IllegalStateException(example.name(), e);
        }
    }

    @ParameterizedTest
    @MethodSource("containers")
    void arrivesTheSameInEveryPlaceOfARecord(Example container) throws Throwable {
        RecordComponent[] components = Places.class.getRecordComponents();
        @Nullable Object[] values = new Object[components.length];
        var types = new Class<?>[components.length];
        for (int i = 0; i < values.length; i++) {
            types[i] = components[i].getType();
            Object value = container.make();
            values[i] = fits(
                            value,
                            components[i].getType(),
                            components[i].getGenericType().toString())
                    ? value
                    : null;
        }
        Constructor<Places> constructor = Places.class.getDeclaredConstructor(types);

        Object arrived = requireNonNull(journey.send(constructor.newInstance(values)));

        for (int i = 0; i < values.length; i++) {
            assertSame(components[i].getAccessor().invoke(arrived), values[i], components[i].toString());
        }
    }

    /** Keys of a map declared as of strings are strings, and so on: what the compiler would see to. */
    private static boolean fits(Object value, Class<?> type, String generic) {
        if (!type.isInstance(value)) {
            return false;
        }
        Collection<?> shown = value instanceof Map<?, ?> map ? map.keySet() : (Collection<?>) value;
        Object first = shown.isEmpty() ? null : shown.iterator().next();
        String arguments = generic.replaceFirst("[^<]*", "");
        if (arguments.contains("Mark") && !(first instanceof Mark)) {
            return false;
        }
        if (arguments.contains("Named") && first != null && !(first instanceof Named)) {
            return false;
        }
        if (value instanceof Map<?, ?> map && first != null) {
            Object content = map.get(first);
            if (generic.contains("List<") != content instanceof List<?> && generic.contains(", java.util.List")
                    || generic.endsWith("java.lang.String, java.lang.String>") && !(content instanceof String)) {
                return false;
            }
        }
        return !arguments.startsWith("<java.lang.String") || first == null || first instanceof String;
    }

    @ParameterizedTest
    @MethodSource("containers")
    void arrivesTheSameInEveryFieldOfABean(Example container) throws Throwable {
        var sent = new Fields();
        for (Field each : Fields.class.getDeclaredFields()) {
            Object value = container.make();
            if (fits(value, each.getType(), each.getGenericType().toString())) {
                each.set(sent, value);
            }
        }

        Object arrived = journey.send(sent);

        for (Field each : Fields.class.getDeclaredFields()) {
            assertSame(each.get(arrived), each.get(sent), each.toString());
        }
    }

    @ParameterizedTest
    @MethodSource("containers")
    void arrivesTheSameWithinAnother(Example container) throws Throwable {
        Object value = container.make();
        var sent = new Within<>(
                value,
                Optional.of(container.make()),
                Optional.of(container.make()),
                Arrays.asList(container.make(), null),
                Map.of("k", container.make()),
                List.of(container.make()),
                new Object[] {container.make(), 5},
                Map.entry("k", container.make()),
                Map.of("k", List.of(container.make())));

        var arrived = (Within<?>) requireNonNull(journey.send(sent));

        for (Object each : List.of(
                arrived.variable,
                arrived.optional.orElseThrow(),
                arrived.optionalObject.orElseThrow(),
                arrived.list.getFirst(),
                requireNonNull(arrived.map.get("k")),
                arrived.objects.getFirst(),
                arrived.array[0],
                arrived.entry.getValue(),
                arrived.deep.get("k").getFirst())) {
            assertSame(each, value, "within");
        }
    }

    private static void assertSame(@Nullable Object arrived, @Nullable Object sent, String place) {
        if (sent == null) {
            assertThat(arrived).as(place).isNull();
            return;
        }
        assertThat(arrived).as(place).isNotNull();
        assertThat(shown(requireNonNull(arrived))).as(place).isEqualTo(shown(sent));
    }

    private static List<Object> shown(Object container) {
        List<Object> shown = new ArrayList<>();
        shown.add(container.getClass().getName().replaceAll("12$|1$", "N"));
        Collection<?> elements = container instanceof Map<?, ?> map ? map.entrySet() : (Collection<?>) container;
        if (container.getClass().getName().contains("Immutable")) {
            shown.add(new LinkedHashSet<>(elements));
        } else {
            shown.addAll(elements);
        }
        return shown;
    }
}
