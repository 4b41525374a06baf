package dev.trestle.processpool.values;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.io.ObjectOutputStream;
import java.util.AbstractCollection;
import java.util.AbstractList;
import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Collections and maps of classes of the user's arrive with their fields and behaviour, or are refused in words. */
@Timeout(30)
@SuppressWarnings({"serial", "rawtypes", "unchecked", "UnusedVariable", "HidingField"}) // never serialized
class OwnContainersTest {

    private final Journey journey = Journey.allowingTests();

    // containers that arrive

    static class Tagged extends ArrayList<String> {
        String tag = "";
        int changes;

        @Override
        public boolean add(String element) {
            changes++;
            return super.add(element);
        }
    }

    static final class MoreTagged extends Tagged {
        List<Object> notes = new ArrayList<>();
        final int limit = 10;
    }

    static final class CaseMap extends TreeMap<String, Object> {
        CaseMap() {
            super(String.CASE_INSENSITIVE_ORDER);
        }
    }

    static final class ByLength extends TreeSet<String> {
        ByLength() {
            super(Comparator.comparingInt(String::length));
        }
    }

    static final class Lru extends LinkedHashMap<String, Integer> {
        int most = 3;

        Lru() {
            super(16, 0.75f, true);
        }

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Integer> eldest) {
            return size() > most;
        }
    }

    static final class Bounded extends LinkedBlockingQueue<String> {
        Bounded() {
            super(5);
        }
    }

    static final class Units extends EnumMap<TimeUnit, String> {
        Units() {
            super(TimeUnit.class);
        }
    }

    static final class Counter extends ConcurrentHashMap<String, Long> {
        long total;
    }

    static final class Settings extends Properties {
        String file = "";
    }

    /** All that it holds is in its fields. */
    static final class Range extends AbstractList<Integer> {
        int from;
        int to;

        @Override
        public Integer get(int index) {
            return from + index;
        }

        @Override
        public int size() {
            return to - from;
        }
    }

    /** Its storage is final, and filled by add. */
    static final class Forwarding<E> extends AbstractCollection<E> {
        private final List<E> items = new ArrayList<>();
        private int seen;

        @Override
        public boolean add(E element) {
            seen++;
            return items.add(element);
        }

        @Override
        public Iterator<E> iterator() {
            return items.iterator();
        }

        @Override
        public int size() {
            return items.size();
        }
    }

    /** Its storage is transient, as of those that serialize themselves. */
    static final class Ring extends AbstractCollection<String> {
        private transient String[] items = new String[8];
        private int size;

        @Override
        public boolean add(String element) {
            items[size++] = element;
            return true;
        }

        @Override
        public Iterator<String> iterator() {
            return Arrays.asList(items).subList(0, size).iterator();
        }

        @Override
        public int size() {
            return size;
        }
    }

    static final class OwnMap extends AbstractMap<String, Integer> {
        private Map<String, Integer> inner = new HashMap<>();
        private String name = "";

        @Override
        public Integer put(String key, Integer value) {
            return inner.put(key, value);
        }

        @Override
        public Set<Entry<String, Integer>> entrySet() {
            return inner.entrySet();
        }
    }

    private static <T> T with(T container, java.util.function.Consumer<T> change) {
        change.accept(container);
        return container;
    }

    static Stream<Arguments> whole() {
        return Stream.of(
                each(
                        with(new Tagged(), t -> {
                            t.tag = "t";
                            t.addAll(List.of("b", "a"));
                            t.add("a");
                        }),
                        t -> t.tag + t.changes + t),
                each(
                        with(new MoreTagged(), t -> {
                            t.tag = "t";
                            t.notes.add(5L);
                            t.add("a");
                        }),
                        t -> t.tag + t.changes + t.notes + t.limit + t),
                each(with(new CaseMap(), m -> m.put("A", 1)), m -> m.get("a")),
                each(with(new ByLength(), s -> s.addAll(List.of("ccc", "a", "bb"))), s -> s + "" + s.contains("zz")),
                each(
                        with(new Lru(), m -> {
                            m.most = 2;
                            m.put("a", 1);
                            m.put("b", 2);
                        }),
                        m -> {
                            m.get("a");
                            m.put("c", 3);
                            return m.toString() + m.most;
                        }),
                each(with(new Bounded(), (Bounded q) -> q.add("a")), q -> q + "" + q.remainingCapacity()),
                each(with(new Units(), m -> m.put(TimeUnit.DAYS, "d")), m -> m.toString()),
                each(
                        with(new Counter(), c -> {
                            c.total = 7;
                            c.put("a", 7L);
                        }),
                        c -> c + "" + c.total),
                each(
                        with(new Settings(), s -> {
                            s.file = "f";
                            s.setProperty("a", "b");
                            s.put("n", 5);
                        }),
                        s -> s.file + s),
                each(
                        with(new Range(), r -> {
                            r.from = 3;
                            r.to = 6;
                        }),
                        r -> r.toString()),
                each(
                        with(new Forwarding<String>(), f -> {
                            f.add("x");
                            f.add("y");
                            f.seen = 9;
                        }),
                        f -> f.items + "" + f.seen),
                each(
                        with(new Ring(), r -> {
                            r.add("x");
                            r.add("y");
                        }),
                        r -> r.size + r.items[0] + r.items[1]),
                each(
                        with(new OwnMap(), m -> {
                            m.name = "n";
                            m.put("k", 1);
                        }),
                        m -> m.name + m));
    }

    private static <T> Arguments each(T container, Function<T, @Nullable Object> said) {
        return Arguments.of(container, said);
    }

    @ParameterizedTest
    @MethodSource("whole")
    void ownContainersArriveWithFieldsAndBehaviour(Object sent, Function<Object, Object> said) throws Throwable {
        Object arrived = requireNonNull(journey.send(sent));

        assertThat(arrived).isExactlyInstanceOf(sent.getClass());
        assertThat(said.apply(arrived)).isEqualTo(said.apply(sent));
    }

    // containers that are refused

    static final class Fixed extends ArrayList<String> {
        final String name;

        Fixed() {
            this("none");
        }

        Fixed(String name) {
            this.name = name;
        }
    }

    static final class NoMaker extends ArrayList<String> {
        NoMaker(int size) {
            super(size);
        }
    }

    static final class Ordered extends TreeSet<String> {
        Ordered() {}

        Ordered(Comparator<String> order) {
            super(order);
        }
    }

    static final class OrderedQueue extends PriorityQueue<String> {
        OrderedQueue() {}

        OrderedQueue(Comparator<String> order) {
            super(order);
        }
    }

    static final class MaybeLru extends LinkedHashMap<String, String> {
        MaybeLru() {}

        MaybeLru(boolean byAccess) {
            super(16, 0.75f, byAccess);
        }
    }

    static final class MaybeBounded extends LinkedBlockingQueue<String> {
        MaybeBounded() {}

        MaybeBounded(int capacity) {
            super(capacity);
        }
    }

    static final class WithDefaults extends Properties {
        WithDefaults() {}

        WithDefaults(Properties defaults) {
            super(defaults);
        }
    }

    static final class Doubling extends ArrayList<Integer> {
        @Override
        public boolean add(Integer element) {
            return super.add(element * 2);
        }
    }

    static final class Evicting extends LinkedHashMap<String, String> {
        int most;

        Evicting() {}

        Evicting(int most) {
            this.most = most;
        }

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
            return size() > most;
        }
    }

    static final class Hiding extends ArrayList<String> {
        @Override
        public Iterator<String> iterator() {
            return stream().filter(each -> !each.startsWith(".")).iterator();
        }
    }

    static final class ReadOnly extends AbstractSet<String> {
        final String[] items;

        ReadOnly() {
            this(new String[0]);
        }

        ReadOnly(String... items) {
            this.items = items;
        }

        @Override
        public Iterator<String> iterator() {
            return List.of(items).iterator();
        }

        @Override
        public int size() {
            return items.length;
        }
    }

    static final class ByIdentity extends IdentityHashMap<String, String> {}

    static class Twin extends ArrayList<String> {
        int size = 1;
    }

    static final class Twins extends Twin {
        int size = 2;
    }

    static final class Noting extends ArrayList<String> {
        transient String note = "";

        private void writeObject(ObjectOutputStream out) throws IOException {
            out.defaultWriteObject();
            out.writeUTF(note);
        }
    }

    record Items(List<String> items) implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return items.iterator();
        }
    }

    private static Properties properties() {
        var properties = new Properties();
        properties.setProperty("default", "d");
        return properties;
    }

    static Stream<Arguments> refused() {
        return Stream.of(
                Arguments.of(new Fixed("mine"), "its field 'name' is final"),
                Arguments.of(new NoMaker(3), "no constructor without arguments"),
                Arguments.of(new Ordered(Comparator.reverseOrder()), "another order or limit"),
                Arguments.of(new OrderedQueue(Comparator.reverseOrder()), "another order or limit"),
                Arguments.of(new MaybeLru(true), "another order or limit"),
                Arguments.of(new MaybeBounded(3), "another order or limit"),
                Arguments.of(new WithDefaults(properties()), "another order or limit"),
                Arguments.of(with(new Doubling(), d -> d.add(1)), "it keeps something else than what is added to it"),
                Arguments.of(with(new Evicting(5), e -> e.put("a", "b")), "it keeps something else"),
                Arguments.of(with(new Hiding(), h -> h.add(".x")), "it overrides iterator()"),
                Arguments.of(new ReadOnly("a"), "cannot be made again from what it holds"),
                Arguments.of(with(new ByIdentity(), m -> m.put("a", "b")), "by their identity"),
                Arguments.of(new Twins(), "two fields named 'size'"),
                Arguments.of(new Noting(), "carried by its methods of Java serialization"),
                Arguments.of(
                        new ArrayList<String>() {
                            @Override
                            public boolean add(String element) {
                                return false;
                            }
                        },
                        "anonymous class"),
                Arguments.of(
                        new HashMap<String, String>() {
                            int state = 1;
                        },
                        "anonymous class"),
                Arguments.of(
                        new LinkedHashMap<String, String>() {
                            @Override
                            protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
                                return size() > 2;
                            }
                        },
                        "anonymous class"));
    }

    @ParameterizedTest
    @MethodSource("refused")
    void containersThatWouldChangeAreRefusedInWords(Object container, String why) {
        var refusal = catchThrowableOfType(NotEncodableException.class, () -> journey.send(container));

        assertThat(refusal.getMessage())
                .contains("captured value #0 'value' is")
                .contains(why);
        assertThat(refusal.typeName()).isEqualTo(container.getClass().getName());
    }

    @Test
    void emptyContainersMayHaveOtherConstructors() throws Throwable {
        for (Object each :
                List.of(new Ordered(), new MaybeLru(), new MaybeBounded(), new WithDefaults(), new Fixed())) {
            assertThat(journey.send(each)).isExactlyInstanceOf(each.getClass());
        }
    }

    @Test
    void anIterableIsARecordLikeOthers() throws Throwable {
        assertThat(journey.send(new Items(List.of("a")))).isEqualTo(new Items(List.of("a")));
    }

    /** The same container as a result, which an unsuspecting pool takes as declared. */
    @Test
    void fieldsOfACollectionBelongToWhatAResultLeadsTo() throws Throwable {
        dev.trestle.api.Call<Special> call = () -> {
            var special = new Special();
            special.bean = new Examples.Bean("b", null);
            special.add("x");
            return special;
        };

        var arrived = (Special) requireNonNull(Journey.allowingNothing().run(call));

        assertThat(arrived).containsExactly("x");
        assertThat(arrived.bean).isEqualTo(new Examples.Bean("b", null));
    }

    static final class Special extends ArrayDeque<String> {
        Examples.@Nullable Bean bean;
    }
}
