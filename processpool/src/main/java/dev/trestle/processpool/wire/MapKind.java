package dev.trestle.processpool.wire;

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
import org.jspecify.annotations.Nullable;

/** A kind of map: what of it arrives. As {@link CollectionKind}. */
@SuppressWarnings("JdkObsolete") // whoever sends them gets them
enum MapKind {
    HASH_MAP("HashMap", HashMap.class),
    LINKED_HASH_MAP("LinkedHashMap", LinkedHashMap.class),
    TREE_MAP("TreeMap", TreeMap.class),
    CONCURRENT_MAP("ConcurrentHashMap", ConcurrentHashMap.class),
    CONCURRENT_SORTED_MAP("ConcurrentSkipListMap", ConcurrentSkipListMap.class),
    HASHTABLE("Hashtable", Hashtable.class),
    PROPERTIES("Properties", Properties.class),

    MAP_OF("Map.of", Map.of(1, 1, 2, 2), Map.of(1, 1)),
    EMPTY_MAP("emptyMap", Collections.emptyMap()),
    SINGLETON_MAP("singletonMap", Collections.singletonMap(1, 1)),
    UNMODIFIABLE_MAP("unmodifiableMap", Collections.unmodifiableMap(new HashMap<>())),
    UNMODIFIABLE_SEQUENCED_MAP("unmodifiableSequencedMap", Collections.unmodifiableSequencedMap(new LinkedHashMap<>())),
    UNMODIFIABLE_SORTED_MAP("unmodifiableSortedMap", Collections.unmodifiableSortedMap(new TreeMap<>())),
    UNMODIFIABLE_NAVIGABLE_MAP(
            "unmodifiableNavigableMap",
            Collections.unmodifiableNavigableMap(new TreeMap<>()),
            Collections.emptyNavigableMap()),

    /** A class of the user's with a constructor without arguments; on the wire it has its own name. */
    OWN("", Map.class);

    private static final KindIndex<MapKind> index = new KindIndex<>();

    static {
        for (MapKind each : values()) {
            index.add(each, each.wireName, each.types);
        }
    }

    private final String wireName;

    @SuppressWarnings("ImmutableEnumChecker") // nobody writes to it after the constructor
    private final Class<?>[] types;

    MapKind(String wireName, Class<?> type) {
        this.wireName = wireName;
        this.types = new Class<?>[] {type};
    }

    MapKind(String wireName, Map<?, ?>... examples) {
        this.wireName = wireName;
        this.types = new Class<?>[examples.length];
        for (int i = 0; i < examples.length; i++) {
            types[i] = examples[i].getClass();
        }
    }

    String wireName() {
        return wireName;
    }

    /** Returns the class that a map of this kind arrives as, if it is not {@link #OWN}. */
    Class<?> type() {
        return types[0];
    }

    /** Returns the kind with a name from the wire, or null if no kind has it. */
    static @Nullable MapKind named(String name) {
        return index.named(name);
    }

    /** Returns the kind that a map of this class arrives as. */
    static MapKind of(Class<?> type) {
        MapKind kind = index.of(type, OWN);
        if (kind != null) {
            return kind;
        }
        return SortedMap.class.isAssignableFrom(type) ? TREE_MAP : LINKED_HASH_MAP;
    }

    /** Returns whether a comparator goes before the entries. */
    boolean isSorted() {
        return switch (this) {
            case TREE_MAP, CONCURRENT_SORTED_MAP, UNMODIFIABLE_SORTED_MAP, UNMODIFIABLE_NAVIGABLE_MAP -> true;
            default -> false;
        };
    }

    /** Returns a new map to be filled. */
    @SuppressWarnings("unchecked") // filled by us before anybody sees it
    Map<@Nullable Object, @Nullable Object> create(@Nullable Comparator<Object> order, Class<?> type) {
        return switch (this) {
            case HASH_MAP -> new HashMap<>();
            case TREE_MAP, UNMODIFIABLE_SORTED_MAP, UNMODIFIABLE_NAVIGABLE_MAP -> new TreeMap<>(order);
            case CONCURRENT_MAP -> new ConcurrentHashMap<>();
            case CONCURRENT_SORTED_MAP -> new ConcurrentSkipListMap<>(order);
            case HASHTABLE -> new Hashtable<>();
            case PROPERTIES -> (Map<@Nullable Object, @Nullable Object>) (Map<?, ?>) new Properties();
            case OWN -> (Map<@Nullable Object, @Nullable Object>) JavaClasses.newInstance(type);
            case LINKED_HASH_MAP, MAP_OF, EMPTY_MAP, SINGLETON_MAP, UNMODIFIABLE_MAP, UNMODIFIABLE_SEQUENCED_MAP ->
                new LinkedHashMap<>();
        };
    }

    /** Returns the map made of the filled one. */
    Map<?, ?> finish(Map<@Nullable Object, @Nullable Object> filled) {
        return switch (this) {
            case MAP_OF -> Map.copyOf(filled);
            case EMPTY_MAP -> Collections.emptyMap();
            case SINGLETON_MAP -> singleton(filled);
            case UNMODIFIABLE_MAP -> Collections.unmodifiableMap(filled);
            case UNMODIFIABLE_SEQUENCED_MAP -> Collections.unmodifiableSequencedMap((SequencedMap<?, ?>) filled);
            case UNMODIFIABLE_SORTED_MAP -> Collections.unmodifiableSortedMap((SortedMap<?, ?>) filled);
            case UNMODIFIABLE_NAVIGABLE_MAP -> Collections.unmodifiableNavigableMap((NavigableMap<?, ?>) filled);
            default -> filled;
        };
    }

    private static Map<?, ?> singleton(Map<?, ?> map) {
        if (map.size() != 1) {
            throw new IllegalArgumentException("a singleton with " + map.size() + " entries");
        }
        Map.Entry<?, ?> entry = map.entrySet().iterator().next();
        return Collections.singletonMap(entry.getKey(), entry.getValue());
    }
}
