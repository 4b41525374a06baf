package dev.trestle.processpool.wire;

import java.lang.reflect.Constructor;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Properties;
import java.util.SequencedMap;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A kind of map: what of it arrives. As {@link CollectionKind}.
 *
 * @param name its name on the wire
 * @param type a class of this kind
 * @param sorted whether a comparator goes before the entries
 * @param create makes an empty one, to be filled
 * @param finish makes the map from the filled one
 */
record MapKind(
        String name,
        Class<?> type,
        boolean sorted,
        Function<@Nullable Comparator<Object>, Map<@Nullable Object, @Nullable Object>> create,
        UnaryOperator<Map<@Nullable Object, @Nullable Object>> finish) {

    private static final Map<Class<?>, MapKind> byType = new HashMap<>();
    private static final Map<String, MapKind> byName = new HashMap<>();

    static {
        fill();
    }

    @SuppressWarnings("JdkObsolete") // whoever sends them gets them
    private static void fill() {
        mutable("HashMap", HashMap.class, HashMap::new);
        mutable("LinkedHashMap", LinkedHashMap.class, LinkedHashMap::new);
        mutable("ConcurrentHashMap", ConcurrentHashMap.class, ConcurrentHashMap::new);
        mutable("Hashtable", Hashtable.class, Hashtable::new);
        mutable("Properties", Properties.class, Properties::new);
        sorted("TreeMap", TreeMap.class, TreeMap::new);
        sorted("ConcurrentSkipListMap", ConcurrentSkipListMap.class, ConcurrentSkipListMap::new);

        immutable("Map.of", Map::copyOf, Map.of(1, 1, 2, 2), Map.of(1, 1));
        immutable("emptyMap", map -> Collections.emptyMap(), Collections.emptyMap());
        immutable("singletonMap", MapKind::singleton, Collections.singletonMap(1, 1));
        immutable("unmodifiableMap", Collections::unmodifiableMap, Collections.unmodifiableMap(new HashMap<>()));
        immutable(
                "unmodifiableSequencedMap",
                map -> Collections.unmodifiableSequencedMap((SequencedMap<?, ?>) map),
                Collections.unmodifiableSequencedMap(new LinkedHashMap<>()));
        immutableSorted(
                "unmodifiableSortedMap",
                map -> Collections.unmodifiableSortedMap((SortedMap<?, ?>) map),
                Collections.unmodifiableSortedMap(new TreeMap<>()));
        immutableSorted(
                "unmodifiableNavigableMap",
                map -> Collections.unmodifiableNavigableMap((NavigableMap<?, ?>) map),
                Collections.unmodifiableNavigableMap(new TreeMap<>()),
                Collections.emptyNavigableMap());
    }

    /** Returns the kind with a name from the wire, or null if no kind has it. */
    static @Nullable MapKind named(String name) {
        return byName.get(name);
    }

    /** Returns the kind that a map of this class arrives as. */
    static MapKind of(Class<?> type) {
        MapKind kind = byType.get(type);
        if (kind != null) {
            return kind;
        }
        Constructor<?> constructor = JavaClasses.ownNoArgConstructor(type);
        if (constructor != null) {
            return new MapKind(
                    type.getName(),
                    type,
                    false,
                    order -> cast((Map<?, ?>) JavaClasses.newInstance(constructor)),
                    UnaryOperator.identity());
        }
        for (Class<?> each = type.getSuperclass(); each != null; each = each.getSuperclass()) {
            kind = byType.get(each);
            if (kind != null) {
                return kind;
            }
        }
        return known(SortedMap.class.isAssignableFrom(type) ? TreeMap.class : LinkedHashMap.class);
    }

    private static MapKind known(Class<?> type) {
        MapKind kind = byType.get(type);
        if (kind == null) {
            throw new IllegalStateException("not in the table: " + type);
        }
        return kind;
    }

    private static Map<?, ?> singleton(Map<?, ?> map) {
        if (map.size() != 1) {
            throw new IllegalArgumentException("a singleton with " + map.size() + " entries");
        }
        Map.Entry<?, ?> entry = map.entrySet().iterator().next();
        return Collections.singletonMap(entry.getKey(), entry.getValue());
    }

    private static void mutable(
            String name, Class<?> type, Supplier<Map<? extends @Nullable Object, ? extends @Nullable Object>> create) {
        add(new MapKind(name, type, false, order -> cast(create.get()), UnaryOperator.identity()));
    }

    private static void sorted(
            String name,
            Class<?> type,
            Function<@Nullable Comparator<Object>, Map<@Nullable Object, @Nullable Object>> create) {
        add(new MapKind(name, type, true, create, UnaryOperator.identity()));
    }

    private static void immutable(
            String name, Function<Map<@Nullable Object, @Nullable Object>, Map<?, ?>> finish, Map<?, ?>... examples) {
        add(name, false, order -> new LinkedHashMap<>(), finish, examples);
    }

    private static void immutableSorted(
            String name, Function<Map<@Nullable Object, @Nullable Object>, Map<?, ?>> finish, Map<?, ?>... examples) {
        add(name, true, TreeMap::new, finish, examples);
    }

    private static void add(
            String name,
            boolean sorted,
            Function<@Nullable Comparator<Object>, Map<@Nullable Object, @Nullable Object>> create,
            Function<Map<@Nullable Object, @Nullable Object>, Map<?, ?>> finish,
            Map<?, ?>... examples) {
        var kind = new MapKind(name, examples[0].getClass(), sorted, create, filled -> cast(finish.apply(filled)));
        add(kind);
        for (Map<?, ?> each : examples) {
            byType.put(each.getClass(), kind);
        }
    }

    @SuppressWarnings("unchecked") // filled by us before anybody sees it, or only handed out, as an Object
    private static Map<@Nullable Object, @Nullable Object> cast(Map<?, ?> map) {
        return (Map<@Nullable Object, @Nullable Object>) map;
    }

    private static void add(MapKind kind) {
        byType.put(kind.type, kind);
        byName.put(kind.name, kind);
    }
}
