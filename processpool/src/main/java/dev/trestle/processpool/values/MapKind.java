package dev.trestle.processpool.values;

import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
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

/**
 * A kind of map, which takes maps of one class of the JDK apart and makes them again, in the same way as
 * {@link CollectionKind} does with collections.
 */
@SuppressWarnings("JdkObsolete") // a call that sends them gets them
enum MapKind implements ContainerKind {
    HASH_MAP("HashMap", "java.util.HashMap"),
    LINKED_HASH_MAP("LinkedHashMap", "java.util.LinkedHashMap"),
    TREE_MAP("TreeMap", "java.util.TreeMap"),
    ENUM_MAP("EnumMap", "java.util.EnumMap"),
    CONCURRENT_MAP("ConcurrentHashMap", "java.util.concurrent.ConcurrentHashMap"),
    CONCURRENT_SORTED_MAP("ConcurrentSkipListMap", "java.util.concurrent.ConcurrentSkipListMap"),
    HASHTABLE("Hashtable", "java.util.Hashtable"),
    PROPERTIES("Properties", "java.util.Properties"),

    MAP_OF("Map.of", "java.util.ImmutableCollections$MapN", "java.util.ImmutableCollections$Map1"),
    EMPTY_MAP("emptyMap", "java.util.Collections$EmptyMap"),
    SINGLETON_MAP("singletonMap", "java.util.Collections$SingletonMap"),
    EMPTY_NAVIGABLE_MAP("emptyNavigableMap", "java.util.Collections$UnmodifiableNavigableMap$EmptyNavigableMap"),

    // wrappers: the one value is what they wrap, and they have no entries of their own

    REVERSED("reversedMap", "java.util.LinkedHashMap$ReversedLinkedHashMapView", "java.util.ReverseOrderSortedMapView"),
    UNMODIFIABLE_MAP("unmodifiableMap", "java.util.Collections$UnmodifiableMap"),
    UNMODIFIABLE_SEQUENCED_MAP("unmodifiableSequencedMap", "java.util.Collections$UnmodifiableSequencedMap"),
    UNMODIFIABLE_SORTED_MAP("unmodifiableSortedMap", "java.util.Collections$UnmodifiableSortedMap"),
    UNMODIFIABLE_NAVIGABLE_MAP("unmodifiableNavigableMap", "java.util.Collections$UnmodifiableNavigableMap"),
    SYNCHRONIZED_MAP("synchronizedMap", "java.util.Collections$SynchronizedMap"),
    SYNCHRONIZED_SORTED_MAP("synchronizedSortedMap", "java.util.Collections$SynchronizedSortedMap"),
    SYNCHRONIZED_NAVIGABLE_MAP("synchronizedNavigableMap", "java.util.Collections$SynchronizedNavigableMap"),

    /**
     * An anonymous class that adds nothing to its superclass but the block that filled it; it arrives as the
     * superclass.
     */
    ANONYMOUS("anonymousMap", "java.util.AbstractMap"),

    /** A class of the user's; on the wire it has its own name. See {@link OwnContainer}. */
    OWN("");

    static final KindIndex<MapKind> index = new KindIndex<>(values(), ANONYMOUS, OWN);

    @SuppressWarnings("ImmutableEnumChecker") // its list comes from List.of
    private final Names names;

    MapKind(String wireName, String... classNames) {
        this.names = new Names(wireName, classNames);
    }

    @Override
    public Names names() {
        return names;
    }

    /** Returns whether one value goes before the entries; otherwise there are entries alone. */
    boolean hasHead() {
        return switch (this) {
            case LINKED_HASH_MAP, TREE_MAP, CONCURRENT_SORTED_MAP, ENUM_MAP, PROPERTIES -> true;
            default -> isWrapper();
        };
    }

    /** Returns whether a map of this kind asks its keys for their hash codes when it is filled. */
    boolean isHashed() {
        return switch (this) {
            case TREE_MAP, CONCURRENT_SORTED_MAP, ENUM_MAP -> false;
            default -> !isWrapper();
        };
    }

    /** Returns whether a map of this kind only wraps another map, and has no entries of its own. */
    boolean isWrapper() {
        return compareTo(REVERSED) >= 0 && compareTo(ANONYMOUS) <= 0;
    }

    /** Returns the value that goes before the entries; null stands for what is usual. */
    @Nullable
    Object head(Map<?, ?> of) {
        return switch (this) {
            case LINKED_HASH_MAP -> isOrderedByAccess(of) ? true : null;
            case TREE_MAP, CONCURRENT_SORTED_MAP -> ((SortedMap<?, ?>) of).comparator();
            case ENUM_MAP -> EnumTypes.of((EnumMap<?, ?>) of);
            case PROPERTIES -> defaults((Properties) of);
            case REVERSED -> base((SequencedMap<?, ?>) of);
            case ANONYMOUS -> plain(of);
            default -> isWrapper() ? Wrapped.in(of) : null;
        };
    }

    /** Returns whether the order is that of access. Asks a copy, since reading such a map changes it. */
    @SuppressWarnings("unchecked") // whatever its keys are, these are others
    private static boolean isOrderedByAccess(Map<?, ?> map) {
        var copy = (LinkedHashMap<Object, Object>) ((LinkedHashMap<?, ?>) map).clone();
        while (copy.size() < 2) {
            copy.put(new Object(), "");
        }
        Object first = copy.firstEntry().getKey();
        var _ = copy.get(first);
        return copy.firstEntry().getKey() != first;
    }

    /** Returns the default values of properties; null if there are none. */
    private static @Nullable Properties defaults(Properties properties) {
        Properties copy = (Properties) properties.clone();
        copy.clear();
        var defaults = new Properties();
        try {
            for (Object each : Collections.list(copy.propertyNames())) {
                defaults.put(each, copy.getProperty((String) each));
            }
        } catch (ClassCastException | NullPointerException e) {
            throw new RefusedException(
                    properties.getClass().getName(), "has defaults that are not text", Refusal.PASS_A_COPY);
        }
        return defaults.isEmpty() ? null : defaults;
    }

    private static Object base(SequencedMap<?, ?> view) {
        SequencedMap<?, ?> base = view.reversed();
        if (base.getClass() == view.getClass() || base.reversed().getClass() != view.getClass()) {
            throw new RefusedException(view.getClass().getName(), "is a view of another", Refusal.PASS_A_COPY);
        }
        return base;
    }

    private static Map<?, ?> plain(Map<?, ?> anonymous) {
        MapKind kind = index.ofJdkPart(anonymous.getClass());
        if (kind == null || kind.isWrapper()) {
            throw new RefusedException(
                    anonymous.getClass().getName(), "is an anonymous class", "Make it a class with a name.");
        }
        Map<@Nullable Object, @Nullable Object> copy = kind.create(kind.head(anonymous));
        copy.putAll(anonymous);
        return kind.finish(copy, null);
    }

    /** Counts what one of these takes that is much larger than its bytes: it has a place for each constant. */
    void charge(@Nullable Object head, Decoding decoding) {
        if (this == ENUM_MAP) {
            EnumTypes.charge(head, decoding);
        }
    }

    /** Returns a new map to be filled. */
    @SuppressWarnings({"unchecked", "rawtypes"}) // filled by us before other code sees it
    Map<@Nullable Object, @Nullable Object> create(@Nullable Object head) {
        return switch (this) {
            case HASH_MAP -> new HashMap<>();
            case LINKED_HASH_MAP -> head == null ? new LinkedHashMap<>() : new LinkedHashMap<>(16, 0.75f, true);
            case TREE_MAP -> new TreeMap<>((Comparator<Object>) head);
            case ENUM_MAP -> new EnumMap(EnumTypes.checked(head));
            case CONCURRENT_MAP -> new ConcurrentHashMap<>();
            case CONCURRENT_SORTED_MAP -> new ConcurrentSkipListMap<>((Comparator<Object>) head);
            case PROPERTIES -> (Map) new Properties((Properties) head);
            default -> new LinkedHashMap<>();
        };
    }

    /** Returns the map made of the filled one. */
    Map<?, ?> finish(Map<@Nullable Object, @Nullable Object> filled, @Nullable Object head) {
        return switch (this) {
            case MAP_OF -> Map.copyOf(filled);
            case HASHTABLE -> hashtable(filled);
            case EMPTY_MAP -> Collections.emptyMap();
            case SINGLETON_MAP -> singleton(filled);
            case EMPTY_NAVIGABLE_MAP -> Collections.emptyNavigableMap();
            default -> isWrapper() && head != null ? wrap(head) : filled;
        };
    }

    private Map<?, ?> wrap(Object head) {
        return switch (this) {
            case REVERSED -> ((SequencedMap<?, ?>) head).reversed();
            case UNMODIFIABLE_MAP -> Collections.unmodifiableMap((Map<?, ?>) head);
            case UNMODIFIABLE_SEQUENCED_MAP -> Collections.unmodifiableSequencedMap((SequencedMap<?, ?>) head);
            case UNMODIFIABLE_SORTED_MAP -> Collections.unmodifiableSortedMap((SortedMap<?, ?>) head);
            case UNMODIFIABLE_NAVIGABLE_MAP -> Collections.unmodifiableNavigableMap((NavigableMap<?, ?>) head);
            case SYNCHRONIZED_MAP -> Collections.synchronizedMap((Map<?, ?>) head);
            case SYNCHRONIZED_SORTED_MAP -> Collections.synchronizedSortedMap((SortedMap<?, ?>) head);
            case SYNCHRONIZED_NAVIGABLE_MAP -> Collections.synchronizedNavigableMap((NavigableMap<?, ?>) head);
            case ANONYMOUS -> (Map<?, ?>) head;
            default -> throw new IllegalStateException(this + " wraps nothing");
        };
    }

    /** Refuses keys of an untrusted sender that would be compared too often to make the map of them. */
    void checkComparisons(Collection<?> keys, Decoding decoding) {
        switch (this) {
            case MAP_OF -> Comparisons.checkMapOf(keys, decoding);
            case HASHTABLE -> Comparisons.checkHashtable(keys, decoding);
            default -> {}
        }
    }

    private static Map<?, ?> hashtable(Map<?, ?> filled) {
        var table = new Hashtable<Object, Object>();
        table.putAll(filled);
        return table;
    }

    private static Map<?, ?> singleton(Map<?, ?> map) {
        if (map.size() != 1) {
            throw new IllegalArgumentException("a singleton with " + map.size() + " entries");
        }
        Map.Entry<?, ?> entry = map.entrySet().iterator().next();
        return Collections.singletonMap(entry.getKey(), entry.getValue());
    }
}
