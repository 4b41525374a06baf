package dev.trestle.processpool.values;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.PriorityQueue;
import java.util.SequencedCollection;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.Set;
import java.util.SortedSet;
import java.util.Spliterator;
import java.util.Stack;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.Vector;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.PriorityBlockingQueue;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * A kind of collection, which takes collections of one class of the JDK apart and makes them again, of the same class
 * and with the same behaviour. A collection is written as its elements, after one value that says the rest: an order, a
 * capacity, or the wrapped collection. A class of the JDK that is not in this table is refused: it may be a view, which
 * is more than its elements.
 */
@SuppressWarnings("JdkObsolete") // a call that sends them gets them
enum CollectionKind implements ContainerKind {
    ARRAY_LIST("ArrayList", "java.util.ArrayList"),
    LINKED_LIST("LinkedList", "java.util.LinkedList"),
    ARRAY_DEQUE("ArrayDeque", "java.util.ArrayDeque"),
    HASH_SET("HashSet", "java.util.HashSet"),
    LINKED_HASH_SET("LinkedHashSet", "java.util.LinkedHashSet"),
    TREE_SET("TreeSet", "java.util.TreeSet"),
    ENUM_SET("EnumSet", "java.util.EnumSet", "java.util.RegularEnumSet", "java.util.JumboEnumSet"),
    PRIORITY_QUEUE("PriorityQueue", "java.util.PriorityQueue"),
    VECTOR("Vector", "java.util.Vector"),
    STACK("Stack", "java.util.Stack"),
    COPY_ON_WRITE_LIST("CopyOnWriteArrayList", "java.util.concurrent.CopyOnWriteArrayList"),
    COPY_ON_WRITE_SET("CopyOnWriteArraySet", "java.util.concurrent.CopyOnWriteArraySet"),
    CONCURRENT_SORTED_SET("ConcurrentSkipListSet", "java.util.concurrent.ConcurrentSkipListSet"),
    CONCURRENT_QUEUE("ConcurrentLinkedQueue", "java.util.concurrent.ConcurrentLinkedQueue"),
    CONCURRENT_DEQUE("ConcurrentLinkedDeque", "java.util.concurrent.ConcurrentLinkedDeque"),
    BLOCKING_QUEUE("LinkedBlockingQueue", "java.util.concurrent.LinkedBlockingQueue"),
    BLOCKING_DEQUE("LinkedBlockingDeque", "java.util.concurrent.LinkedBlockingDeque"),
    BLOCKING_PRIORITY_QUEUE("PriorityBlockingQueue", "java.util.concurrent.PriorityBlockingQueue"),

    LIST_OF("List.of", "java.util.ImmutableCollections$ListN", "java.util.ImmutableCollections$List12"),
    AS_LIST("Arrays.asList", "java.util.Arrays$ArrayList"),
    COPIES("nCopies", "java.util.Collections$CopiesList"),
    EMPTY_LIST("emptyList", "java.util.Collections$EmptyList"),
    SINGLETON_LIST("singletonList", "java.util.Collections$SingletonList"),
    SET_OF("Set.of", "java.util.ImmutableCollections$SetN", "java.util.ImmutableCollections$Set12"),
    EMPTY_SET("emptySet", "java.util.Collections$EmptySet"),
    SINGLETON("singleton", "java.util.Collections$SingletonSet"),
    EMPTY_NAVIGABLE_SET("emptyNavigableSet", "java.util.Collections$UnmodifiableNavigableSet$EmptyNavigableSet"),

    // views, of which nothing is seen but what they show

    SUB_LIST("ArrayList.subList", "java.util.ArrayList$SubList"),
    SUB_LIST_OF("List.of.subList", "java.util.ImmutableCollections$SubList"),
    HASH_MAP_KEYS("HashMap.keySet", "java.util.HashMap$KeySet"),
    HASH_MAP_VALUES("HashMap.values", "java.util.HashMap$Values"),
    HASH_MAP_ENTRIES("HashMap.entrySet", "java.util.HashMap$EntrySet"),
    LINKED_HASH_MAP_KEYS("LinkedHashMap.keySet", "java.util.LinkedHashMap$LinkedKeySet"),
    LINKED_HASH_MAP_VALUES("LinkedHashMap.values", "java.util.LinkedHashMap$LinkedValues"),
    LINKED_HASH_MAP_ENTRIES("LinkedHashMap.entrySet", "java.util.LinkedHashMap$LinkedEntrySet"),
    TREE_MAP_KEYS("TreeMap.keySet", "java.util.TreeMap$KeySet"),
    TREE_MAP_VALUES("TreeMap.values", "java.util.TreeMap$Values"),
    CONCURRENT_MAP_VALUES("ConcurrentHashMap.values", "java.util.concurrent.ConcurrentHashMap$ValuesView"),

    // wrappers: the one value is what they wrap, and they have no elements of their own

    CONCURRENT_MAP_KEYS("ConcurrentHashMap.keySet", "java.util.concurrent.ConcurrentHashMap$KeySetView"),
    REVERSED(
            "reversed",
            "java.util.ReverseOrderListView",
            "java.util.ReverseOrderListView$Rand",
            "java.util.ReverseOrderDequeView",
            "java.util.ReverseOrderSortedSetView",
            "java.util.LinkedHashSet$1ReverseLinkedHashSetView",
            "java.util.LinkedList$ReverseOrderLinkedListView",
            "java.util.concurrent.CopyOnWriteArrayList$Reversed"),
    UNMODIFIABLE("unmodifiableCollection", "java.util.Collections$UnmodifiableCollection"),
    UNMODIFIABLE_SEQUENCED("unmodifiableSequencedCollection", "java.util.Collections$UnmodifiableSequencedCollection"),
    UNMODIFIABLE_LIST(
            "unmodifiableList",
            "java.util.Collections$UnmodifiableRandomAccessList",
            "java.util.Collections$UnmodifiableList"),
    UNMODIFIABLE_SET("unmodifiableSet", "java.util.Collections$UnmodifiableSet"),
    UNMODIFIABLE_SEQUENCED_SET("unmodifiableSequencedSet", "java.util.Collections$UnmodifiableSequencedSet"),
    UNMODIFIABLE_SORTED_SET("unmodifiableSortedSet", "java.util.Collections$UnmodifiableSortedSet"),
    UNMODIFIABLE_NAVIGABLE_SET("unmodifiableNavigableSet", "java.util.Collections$UnmodifiableNavigableSet"),
    SYNCHRONIZED("synchronizedCollection", "java.util.Collections$SynchronizedCollection"),
    SYNCHRONIZED_LIST(
            "synchronizedList",
            "java.util.Collections$SynchronizedRandomAccessList",
            "java.util.Collections$SynchronizedList"),
    SYNCHRONIZED_SET("synchronizedSet", "java.util.Collections$SynchronizedSet"),
    SYNCHRONIZED_SORTED_SET("synchronizedSortedSet", "java.util.Collections$SynchronizedSortedSet"),
    SYNCHRONIZED_NAVIGABLE_SET("synchronizedNavigableSet", "java.util.Collections$SynchronizedNavigableSet"),
    SET_FROM_MAP("newSetFromMap", "java.util.Collections$SetFromMap"),
    SEQUENCED_SET_FROM_MAP("newSequencedSetFromMap", "java.util.Collections$SequencedSetFromMap"),
    LIFO_QUEUE("asLifoQueue", "java.util.Collections$AsLIFOQueue"),

    /**
     * An anonymous class that adds nothing to its superclass but the block that filled it; it arrives as the
     * superclass.
     */
    ANONYMOUS("anonymous", "java.util.AbstractCollection"),

    /** A class of the user's; on the wire it has its own name. See {@link OwnContainer}. */
    OWN("");

    static final KindIndex<CollectionKind> index = new KindIndex<>(values(), ANONYMOUS, OWN);

    @SuppressWarnings("ImmutableEnumChecker") // its list comes from List.of
    private final Names names;

    CollectionKind(String wireName, String... classNames) {
        this.names = new Names(wireName, classNames);
    }

    @Override
    public Names names() {
        return names;
    }

    /** Returns whether one value goes before the elements; otherwise there are elements alone. */
    boolean hasHead() {
        return switch (this) {
            case TREE_SET,
                    CONCURRENT_SORTED_SET,
                    ENUM_SET,
                    PRIORITY_QUEUE,
                    BLOCKING_PRIORITY_QUEUE,
                    TREE_MAP_KEYS,
                    BLOCKING_QUEUE,
                    BLOCKING_DEQUE,
                    LIST_OF,
                    SUB_LIST_OF -> true;
            default -> isWrapper();
        };
    }

    /** Returns whether elements of this kind are asked for their hash codes, or compared, when it is filled. */
    boolean isHashed() {
        return switch (this) {
            case HASH_SET,
                    LINKED_HASH_SET,
                    COPY_ON_WRITE_SET,
                    SET_OF,
                    EMPTY_SET,
                    SINGLETON,
                    HASH_MAP_KEYS,
                    HASH_MAP_ENTRIES,
                    LINKED_HASH_MAP_KEYS,
                    LINKED_HASH_MAP_ENTRIES -> true;
            default -> false;
        };
    }

    /** Returns the parts of elements that are asked for their hash codes: of entries of a map, the keys. */
    List<@Nullable Object> hashedParts(List<@Nullable Object> elements) {
        if (this != HASH_MAP_ENTRIES && this != LINKED_HASH_MAP_ENTRIES) {
            return elements;
        }
        List<@Nullable Object> keys = new ArrayList<>(elements);
        keys.replaceAll(each -> each instanceof Map.Entry<?, ?> entry ? entry.getKey() : each);
        return keys;
    }

    /** Refuses elements of an untrusted sender that would be compared too often to make the collection of them. */
    void checkComparisons(Collection<?> elements, Decoding decoding) {
        switch (this) {
            case SET_OF -> Comparisons.checkSetOf(elements, decoding);
            case COPY_ON_WRITE_SET -> Comparisons.checkAll(elements, decoding);
            default -> {}
        }
    }

    /** Returns whether a collection of this kind only wraps another object, and has no elements of its own. */
    boolean isWrapper() {
        return compareTo(CONCURRENT_MAP_KEYS) >= 0 && compareTo(ANONYMOUS) <= 0;
    }

    /** Returns the value that goes before the elements; null stands for what is usual. */
    @Nullable
    Object head(Collection<?> of) {
        return switch (this) {
            case TREE_SET, CONCURRENT_SORTED_SET, TREE_MAP_KEYS -> order((SortedSet<?>) of);
            case ENUM_SET -> EnumTypes.of((EnumSet<?>) of);
            case PRIORITY_QUEUE -> ((PriorityQueue<?>) of).comparator();
            case BLOCKING_PRIORITY_QUEUE -> ((PriorityBlockingQueue<?>) of).comparator();
            case BLOCKING_QUEUE, BLOCKING_DEQUE -> capacity((BlockingQueue<?>) of);
            case LIST_OF -> isOfStream((List<?>) of) ? true : null;
            case SUB_LIST_OF -> takesNull(of) ? true : null;
            case CONCURRENT_MAP_KEYS ->
                // The map is public, and so is what add puts into it.
                Arrays.asList(
                        ((ConcurrentHashMap.KeySetView<?, ?>) of).getMap(),
                        ((ConcurrentHashMap.KeySetView<?, ?>) of).getMappedValue());
            case REVERSED -> base((SequencedCollection<?>) of);
            case ANONYMOUS -> plain(of);
            default -> isWrapper() ? Wrapped.in(of) : null;
        };
    }

    private static @Nullable Comparator<?> order(SortedSet<?> set) {
        // A set that shows a range of another, or the other way round, is of the same class. Its spliterator is not:
        // that of
        // a range does not know how many there are, or is not concurrent; that of a reversed one is not sorted.
        int whole = set instanceof ConcurrentSkipListSet<?>
                ? Spliterator.CONCURRENT
                : Spliterator.SIZED | Spliterator.SORTED;
        if (!set.spliterator().hasCharacteristics(whole)) {
            throw new RefusedException(set.getClass().getName(), "is a view of another", Refusal.PASS_A_COPY);
        }
        return set.comparator();
    }

    private static @Nullable Integer capacity(BlockingQueue<?> queue) {
        long capacity = (long) queue.remainingCapacity() + queue.size();
        return capacity >= Integer.MAX_VALUE ? null : (int) capacity;
    }

    /**
     * Returns whether an immutable list is of the kind that takes null, of Stream.toList; of the other kind no copy is
     * made.
     */
    private static boolean isOfStream(List<?> list) {
        try {
            return List.copyOf(list) != list;
        } catch (NullPointerException e) {
            return true; // it has a null
        }
    }

    /**
     * Returns whether a part of an immutable list answers to the question for null. To ask a whole one so costs too
     * much.
     */
    private static boolean takesNull(Collection<?> list) {
        try {
            var _ = list.contains(null);
            return true;
        } catch (NullPointerException e) {
            return false;
        }
    }

    private static List<?> immutable(Collection<?> filled, @Nullable Object takesNull) {
        return takesNull == null ? List.copyOf(filled) : filled.stream().toList();
    }

    private static Object base(SequencedCollection<?> view) {
        SequencedCollection<?> base = view.reversed();
        if (base.getClass() == view.getClass() || base.reversed().getClass() != view.getClass()) {
            throw new RefusedException(view.getClass().getName(), "is a view of another", Refusal.PASS_A_COPY);
        }
        return base;
    }

    private static Collection<?> plain(Collection<?> anonymous) {
        CollectionKind kind = index.ofJdkPart(anonymous.getClass());
        if (kind == null || kind.isWrapper()) {
            throw new RefusedException(
                    anonymous.getClass().getName(), "is an anonymous class", "Make it a class with a name.");
        }
        Object head = kind.head(anonymous);
        Collection<@Nullable Object> copy = kind.create(head);
        copy.addAll(anonymous);
        return kind.finish(copy, head);
    }

    /** Counts what one of these takes that is much larger than its bytes: it has a place for each constant. */
    void charge(@Nullable Object head, Decoding decoding) {
        if (this == ENUM_SET) {
            EnumTypes.charge(head, decoding);
        }
    }

    /** Returns a new collection to be filled. */
    @SuppressWarnings({"unchecked", "rawtypes"}) // a comparator of whatever the elements are
    Collection<@Nullable Object> create(@Nullable Object head) {
        return switch (this) {
            case LINKED_LIST -> new LinkedList<>();
            case ARRAY_DEQUE -> new ArrayDeque<>();
            case HASH_SET -> new HashSet<>();
            case LINKED_HASH_SET, COPY_ON_WRITE_SET, SET_OF, EMPTY_SET, SINGLETON -> new LinkedHashSet<>();
            case TREE_SET -> new TreeSet<>((Comparator<Object>) head);
            case ENUM_SET -> (Collection) EnumSet.noneOf(EnumTypes.checked(head));
            case PRIORITY_QUEUE -> new PriorityQueue<>((Comparator<Object>) head);
            case VECTOR -> new Vector<>();
            case STACK -> new Stack<>();
            case CONCURRENT_SORTED_SET -> new ConcurrentSkipListSet<>((Comparator<Object>) head);
            case CONCURRENT_QUEUE -> new ConcurrentLinkedQueue<>();
            case CONCURRENT_DEQUE -> new ConcurrentLinkedDeque<>();
            case BLOCKING_QUEUE -> new LinkedBlockingQueue<>(capacity(head));
            case BLOCKING_DEQUE -> new LinkedBlockingDeque<>(capacity(head));
            case BLOCKING_PRIORITY_QUEUE -> new PriorityBlockingQueue<>(11, (Comparator<Object>) head);
            default -> new ArrayList<>();
        };
    }

    private static int capacity(@Nullable Object head) {
        return head == null ? Integer.MAX_VALUE : (Integer) head;
    }

    /** Returns the collection made of the filled one. */
    @SuppressWarnings("unchecked") // whatever is not what it should be is found out here
    Collection<?> finish(Collection<@Nullable Object> filled, @Nullable Object head) {
        return switch (this) {
            case COPY_ON_WRITE_LIST -> new CopyOnWriteArrayList<>(filled);
            case COPY_ON_WRITE_SET -> new CopyOnWriteArraySet<>(filled);
            case LIST_OF -> immutable(filled, head);
            case SUB_LIST_OF -> immutable(filled, head).subList(0, filled.size());
            case AS_LIST -> Arrays.asList(filled.toArray());
            case COPIES -> Collections.nCopies(filled.size(), filled.isEmpty() ? null : ((List<?>) filled).getFirst());
            case EMPTY_LIST -> Collections.emptyList();
            case SINGLETON_LIST -> Collections.singletonList(only(filled));
            case SET_OF -> Set.copyOf(filled);
            case EMPTY_SET -> Collections.emptySet();
            case SINGLETON -> Collections.singleton(only(filled));
            case EMPTY_NAVIGABLE_SET -> Collections.emptyNavigableSet();
            case SUB_LIST -> ((List<?>) filled).subList(0, filled.size());
            case HASH_MAP_KEYS -> keys(new HashMap<>(), filled).keySet();
            case LINKED_HASH_MAP_KEYS -> keys(new LinkedHashMap<>(), filled).keySet();
            case TREE_MAP_KEYS ->
                keys(new TreeMap<>((Comparator<Object>) head), filled).keySet();
            case HASH_MAP_VALUES -> values(HashMap::new, filled).values();
            case LINKED_HASH_MAP_VALUES -> values(LinkedHashMap::new, filled).values();
            case TREE_MAP_VALUES -> values(_ -> new TreeMap<>(), filled).values();
            case CONCURRENT_MAP_VALUES -> values(ConcurrentHashMap::new, filled).values();
            case HASH_MAP_ENTRIES -> entries(new HashMap<>(), filled).entrySet();
            case LINKED_HASH_MAP_ENTRIES ->
                entries(new LinkedHashMap<>(), filled).entrySet();
            default -> isWrapper() && head != null ? wrap(head) : filled;
        };
    }

    @SuppressWarnings("unchecked") // as above
    private Collection<?> wrap(Object head) {
        return switch (this) {
            case CONCURRENT_MAP_KEYS -> concurrentKeys((List<?>) head);
            case REVERSED -> ((SequencedCollection<?>) head).reversed();
            case UNMODIFIABLE -> Collections.unmodifiableCollection((Collection<?>) head);
            case UNMODIFIABLE_SEQUENCED -> Collections.unmodifiableSequencedCollection((SequencedCollection<?>) head);
            case UNMODIFIABLE_LIST -> Collections.unmodifiableList((List<?>) head);
            case UNMODIFIABLE_SET -> Collections.unmodifiableSet((Set<?>) head);
            case UNMODIFIABLE_SEQUENCED_SET -> Collections.unmodifiableSequencedSet((SequencedSet<?>) head);
            case UNMODIFIABLE_SORTED_SET -> Collections.unmodifiableSortedSet((SortedSet<?>) head);
            case UNMODIFIABLE_NAVIGABLE_SET -> Collections.unmodifiableNavigableSet((NavigableSet<?>) head);
            case SYNCHRONIZED -> Collections.synchronizedCollection((Collection<?>) head);
            case SYNCHRONIZED_LIST -> Collections.synchronizedList((List<?>) head);
            case SYNCHRONIZED_SET -> Collections.synchronizedSet((Set<?>) head);
            case SYNCHRONIZED_SORTED_SET -> Collections.synchronizedSortedSet((SortedSet<?>) head);
            case SYNCHRONIZED_NAVIGABLE_SET -> Collections.synchronizedNavigableSet((NavigableSet<?>) head);
            case SET_FROM_MAP, SEQUENCED_SET_FROM_MAP -> setFromMap((Map<Object, Boolean>) head);
            case LIFO_QUEUE -> Collections.asLifoQueue((Deque<?>) head);
            case ANONYMOUS -> (Collection<?>) head;
            default -> throw new IllegalStateException(this + " wraps nothing");
        };
    }

    @SuppressWarnings("unchecked") // this is the only reference to it
    private static Collection<?> concurrentKeys(List<?> mapAndValue) {
        var map = (ConcurrentHashMap<Object, Object>) mapAndValue.getFirst();
        Object added = mapAndValue.getLast();
        return added == null ? map.keySet() : map.keySet(added);
    }

    private Collection<?> setFromMap(Map<Object, Boolean> map) {
        List<Object> keys = new ArrayList<>(map.keySet());
        if (!keys.isEmpty()) {
            map.clear(); // it takes an empty map only
        }
        Collection<Object> set = this == SEQUENCED_SET_FROM_MAP
                ? Collections.newSequencedSetFromMap((SequencedMap<Object, Boolean>) map)
                : Collections.newSetFromMap(map);
        set.addAll(keys);
        return set;
    }

    private static Map<@Nullable Object, Boolean> keys(
            Map<@Nullable Object, Boolean> map, Collection<@Nullable Object> keys) {
        keys.forEach(each -> map.put(each, true));
        return map;
    }

    private static Map<Integer, @Nullable Object> values(
            IntFunction<Map<Integer, @Nullable Object>> maker, Collection<@Nullable Object> values) {
        Map<Integer, @Nullable Object> map = maker.apply(values.size());
        values.forEach(each -> map.put(map.size(), each));
        return map;
    }

    private static Map<?, ?> entries(
            Map<@Nullable Object, @Nullable Object> map, Collection<@Nullable Object> entries) {
        for (Object each : entries) {
            if (!(each instanceof Map.Entry<?, ?> entry)) {
                throw new IllegalArgumentException("something else than an entry is in a set of entries");
            }
            map.put(entry.getKey(), entry.getValue());
        }
        return map;
    }

    private static @Nullable Object only(Collection<?> collection) {
        if (collection.size() != 1) {
            throw new IllegalArgumentException("a singleton with " + collection.size() + " elements");
        }
        return collection.iterator().next();
    }
}
