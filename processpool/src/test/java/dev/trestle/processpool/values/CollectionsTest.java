package dev.trestle.processpool.values;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.processpool.values.Examples.Color;
import java.util.AbstractMap;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Hashtable;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Properties;
import java.util.Set;
import java.util.SortedSet;
import java.util.Stack;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.Vector;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.PriorityBlockingQueue;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Collections and maps arrive as what they were: their class, order, mutability. */
@Timeout(30)
@SuppressWarnings("JdkObsolete") // a call that sends them gets them
class CollectionsTest {

    private static final List<Object> elements = List.of("b", "a", "c");

    private final Journey journey = Journey.allowingNothing();

    static Stream<Collection<?>> collections() {
        var withNull = new ArrayList<@Nullable Object>(elements);
        withNull.add(null);
        return Stream.of(
                new ArrayList<>(withNull),
                new LinkedList<>(elements),
                new ArrayDeque<>(elements),
                new HashSet<>(withNull),
                new LinkedHashSet<>(elements),
                new TreeSet<>(List.of("b", "a")),
                new PriorityQueue<>(elements),
                new Vector<>(elements),
                stack(),
                new CopyOnWriteArrayList<>(elements),
                new CopyOnWriteArraySet<>(elements),
                new ConcurrentLinkedQueue<>(elements),
                new ConcurrentLinkedDeque<>(elements),
                new ConcurrentSkipListSet<>(List.of("b", "a")),
                new LinkedBlockingQueue<>(elements),
                new LinkedBlockingDeque<>(elements),
                new PriorityBlockingQueue<>(elements),
                keySet(),
                List.of(),
                List.of(1),
                List.of(1, 2L),
                List.of(1, 2, 3, 4),
                withNull.stream().toList(),
                Arrays.asList(1, null),
                Collections.emptyList(),
                Collections.singletonList(null),
                Collections.nCopies(3, "x").stream().toList(),
                Collections.unmodifiableList(new ArrayList<>(withNull)),
                Set.of(),
                Set.of(1),
                Set.of(1, 2, 3),
                Collections.emptySet(),
                Collections.singleton(5L),
                Collections.unmodifiableSet(new LinkedHashSet<>(elements)),
                Collections.unmodifiableSequencedSet(new LinkedHashSet<>(elements)),
                Collections.unmodifiableSortedSet(new TreeSet<>(List.of("b", "a"))),
                Collections.unmodifiableNavigableSet(new TreeSet<>(List.of("b", "a"))),
                Collections.unmodifiableCollection(new ArrayList<>(elements)),
                Collections.unmodifiableSequencedCollection(new ArrayList<>(elements)));
    }

    @ParameterizedTest
    @MethodSource("collections")
    void aCollectionKeepsItsClassItsElementsAndTheirOrder(Collection<?> sent) throws Throwable {
        Collection<?> arrived = (Collection<?>) requireNonNull(journey.send(sent));

        boolean twins =
                List.of(List.of(1, 2, 3).getClass(), List.of(1).getClass()).contains(sent.getClass())
                        || Set.of(1).getClass() == sent.getClass();
        if (!twins) { // List.of has a class for short lists and one for others
            assertThat(arrived.getClass()).isEqualTo(sent.getClass());
        }
        if (sent instanceof Set<?>
                && !(sent instanceof SortedSet<?>)
                && sent.getClass() == Set.of(1, 2).getClass()) {
            assertThat(arrived).isEqualTo(sent);
        } else {
            assertThat(arrived.toArray()).containsExactly(sent.toArray());
        }
        assertThat(isMutable(arrived)).isEqualTo(isMutable(sent));
    }

    private static boolean isMutable(Collection<?> collection) {
        try {
            collection.clear();
            return !collection.getClass().getSimpleName().startsWith("Empty");
        } catch (UnsupportedOperationException e) {
            return false;
        }
    }

    static Stream<Map<?, ?>> maps() {
        var nulls = new HashMap<@Nullable Object, @Nullable Object>();
        nulls.put(null, 1L);
        nulls.put(2L, null);
        var ordered = new LinkedHashMap<Object, Object>();
        ordered.put("b", 1);
        ordered.put(5L, List.of());
        ordered.put(Color.RED, "x");
        var properties = new Properties();
        properties.setProperty("a", "b");
        return Stream.of(
                nulls,
                ordered,
                properties,
                new TreeMap<>(Map.of("b", 1, "a", 2)),
                new ConcurrentHashMap<>(Map.of("b", 1)),
                new ConcurrentSkipListMap<>(Map.of("b", 1)),
                new Hashtable<>(Map.of("b", 1)),
                Map.of(1, 2),
                Map.of(1, 2, 3L, 4),
                Map.of(),
                Collections.emptyMap(),
                Collections.singletonMap(null, 1),
                Collections.unmodifiableMap(ordered),
                Collections.unmodifiableSequencedMap(ordered),
                Collections.unmodifiableSortedMap(new TreeMap<>(Map.of("b", 1))),
                Collections.unmodifiableNavigableMap(new TreeMap<>(Map.of("b", 1))));
    }

    @ParameterizedTest
    @MethodSource("maps")
    void aMapKeepsItsClassItsEntriesAndTheirOrder(Map<?, ?> sent) throws Throwable {
        Map<?, ?> arrived = (Map<?, ?>) requireNonNull(journey.send(sent));

        if (sent.getClass() != Map.of(1, 2).getClass()
                && sent.getClass() != Map.of().getClass()) {
            assertThat(arrived.getClass()).isEqualTo(sent.getClass());
            assertThat(arrived.keySet().toArray()).containsExactly(sent.keySet().toArray());
        } else {
            assertThatThrownBy(arrived::clear).isInstanceOf(UnsupportedOperationException.class);
        }
        assertThat(arrived).isEqualTo(sent);
    }

    @Test
    void sortedCollectionsKeepTheirOrder() throws Throwable {
        var reverse = new TreeSet<String>(Comparator.reverseOrder());
        reverse.addAll(List.of("a", "b"));
        var ignoringCase = new TreeMap<String, Integer>(String.CASE_INSENSITIVE_ORDER);
        ignoringCase.put("A", 1);
        var queue = new PriorityQueue<Integer>(Collections.reverseOrder());
        queue.addAll(List.of(1, 2, 3));

        assertThat((Collection<?>) requireNonNull(journey.send(reverse)))
                .map(Object::toString)
                .containsExactly("b", "a");
        assertThat(((Map<?, ?>) requireNonNull(journey.send(ignoringCase))).containsKey("a"))
                .isTrue();
        assertThat(((PriorityQueue<?>) requireNonNull(journey.send(queue))).poll())
                .isEqualTo(3);
    }

    @Test
    void doubleBraceCollectionArrivesAsItsSuperclass() throws Throwable {
        Object arrived = journey.send(new ArrayList<>(List.of(1)) {
            private static final long serialVersionUID = 1;

            {
                add(2);
            }
        });

        assertThat(arrived).isExactlyInstanceOf(ArrayList.class).isEqualTo(List.of(1, 2));
    }

    @Test
    void entriesArriveAsEntries() throws Throwable {
        assertThat(journey.send(Map.entry("a", 5L))).isEqualTo(Map.entry("a", 5L));
        assertThat(journey.send(new AbstractMap.SimpleEntry<>("a", null)))
                .isEqualTo(new AbstractMap.SimpleEntry<>("a", null));
        assertThat(journey.send(new ArrayList<>(new HashMap<>(Map.of("a", 1)).entrySet())))
                .isEqualTo(List.of(Map.entry("a", 1)));
    }

    @Test
    void anEmptyListStaysASingleton() throws Throwable {
        assertThat(journey.send(Collections.emptyList())).isSameAs(Collections.emptyList());
    }

    private static Stack<Object> stack() {
        var stack = new Stack<Object>();
        stack.addAll(elements);
        return stack;
    }

    private static Set<Object> keySet() {
        Set<Object> set = ConcurrentHashMap.newKeySet();
        set.addAll(elements);
        return set;
    }
}
