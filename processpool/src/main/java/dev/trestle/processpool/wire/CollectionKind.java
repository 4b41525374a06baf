package dev.trestle.processpool.wire;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.NavigableSet;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.SequencedCollection;
import java.util.SequencedSet;
import java.util.Set;
import java.util.SortedSet;
import java.util.Stack;
import java.util.TreeSet;
import java.util.Vector;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.PriorityBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * A kind of collection: what of it arrives. Usually its class; a class that nobody can make, such as a view, arrives as
 * the nearest kind that keeps its contract and its order.
 */
@SuppressWarnings("JdkObsolete") // whoever sends them gets them
enum CollectionKind {
    ARRAY_LIST("ArrayList", ArrayList.class),
    LINKED_LIST("LinkedList", LinkedList.class),
    ARRAY_DEQUE("ArrayDeque", ArrayDeque.class),
    HASH_SET("HashSet", HashSet.class),
    LINKED_HASH_SET("LinkedHashSet", LinkedHashSet.class),
    TREE_SET("TreeSet", TreeSet.class),
    PRIORITY_QUEUE("PriorityQueue", PriorityQueue.class),
    VECTOR("Vector", Vector.class),
    STACK("Stack", Stack.class),
    COPY_ON_WRITE_LIST("CopyOnWriteArrayList", CopyOnWriteArrayList.class),
    COPY_ON_WRITE_SET("CopyOnWriteArraySet", CopyOnWriteArraySet.class),
    CONCURRENT_SET("ConcurrentHashMap.newKeySet", ConcurrentHashMap.KeySetView.class),
    CONCURRENT_SORTED_SET("ConcurrentSkipListSet", ConcurrentSkipListSet.class),
    CONCURRENT_QUEUE("ConcurrentLinkedQueue", ConcurrentLinkedQueue.class),
    CONCURRENT_DEQUE("ConcurrentLinkedDeque", ConcurrentLinkedDeque.class),
    BLOCKING_QUEUE("LinkedBlockingQueue", LinkedBlockingQueue.class),
    BLOCKING_DEQUE("LinkedBlockingDeque", LinkedBlockingDeque.class),
    BLOCKING_PRIORITY_QUEUE("PriorityBlockingQueue", PriorityBlockingQueue.class),

    LIST_OF("List.of", List.of(1, 2, 3), List.of(1), List.of(1, 2, 3).subList(0, 2)),
    AS_LIST("Arrays.asList", Arrays.asList(1)),
    EMPTY_LIST("emptyList", Collections.emptyList()),
    SINGLETON_LIST("singletonList", Collections.singletonList(1)),
    UNMODIFIABLE("unmodifiableCollection", Collections.unmodifiableCollection(new ArrayDeque<>())),
    UNMODIFIABLE_SEQUENCED(
            "unmodifiableSequencedCollection", Collections.unmodifiableSequencedCollection(new ArrayDeque<>())),
    UNMODIFIABLE_LIST(
            "unmodifiableList",
            Collections.unmodifiableList(new ArrayList<>()),
            Collections.unmodifiableList(new LinkedList<>())),
    SET_OF("Set.of", Set.of(1, 2, 3), Set.of(1)),
    EMPTY_SET("emptySet", Collections.emptySet()),
    SINGLETON("singleton", Collections.singleton(1)),
    UNMODIFIABLE_SET("unmodifiableSet", Collections.unmodifiableSet(new HashSet<>())),
    UNMODIFIABLE_SEQUENCED_SET("unmodifiableSequencedSet", Collections.unmodifiableSequencedSet(new LinkedHashSet<>())),
    UNMODIFIABLE_SORTED_SET("unmodifiableSortedSet", Collections.unmodifiableSortedSet(new TreeSet<>())),
    UNMODIFIABLE_NAVIGABLE_SET(
            "unmodifiableNavigableSet",
            Collections.unmodifiableNavigableSet(new TreeSet<>()),
            Collections.emptyNavigableSet()),

    /** A class of the user's with a constructor without arguments; on the wire it has its own name. */
    OWN("", Collection.class);

    private static final KindIndex<CollectionKind> index = new KindIndex<>();

    static {
        for (CollectionKind each : values()) {
            index.add(each, each.wireName, each.types);
        }
    }

    private final String wireName;

    @SuppressWarnings("ImmutableEnumChecker") // nobody writes to it after the constructor
    private final Class<?>[] types;

    CollectionKind(String wireName, Class<?> type) {
        this.wireName = wireName;
        this.types = new Class<?>[] {type};
    }

    CollectionKind(String wireName, Collection<?>... examples) {
        this.wireName = wireName;
        this.types = new Class<?>[examples.length];
        for (int i = 0; i < examples.length; i++) {
            types[i] = examples[i].getClass();
        }
    }

    String wireName() {
        return wireName;
    }

    /** Returns the class that a collection of this kind arrives as, if it is not {@link #OWN}. */
    Class<?> type() {
        return types[0];
    }

    /** Returns the kind with a name from the wire, or null if no kind has it. */
    static @Nullable CollectionKind named(String name) {
        return index.named(name);
    }

    /** Returns the kind that a collection of this class arrives as. */
    static CollectionKind of(Class<?> type) {
        CollectionKind kind = index.of(type, OWN);
        if (kind != null) {
            return kind;
        }
        if (SortedSet.class.isAssignableFrom(type)) {
            return TREE_SET;
        }
        if (Set.class.isAssignableFrom(type)) {
            return LINKED_HASH_SET;
        }
        return Queue.class.isAssignableFrom(type) ? ARRAY_DEQUE : ARRAY_LIST;
    }

    /** Returns whether a comparator goes before the elements. */
    boolean isSorted() {
        return switch (this) {
            case TREE_SET,
                    CONCURRENT_SORTED_SET,
                    PRIORITY_QUEUE,
                    BLOCKING_PRIORITY_QUEUE,
                    UNMODIFIABLE_SORTED_SET,
                    UNMODIFIABLE_NAVIGABLE_SET -> true;
            default -> false;
        };
    }

    /** Returns a new collection to be filled. */
    @SuppressWarnings("unchecked") // the class is one of a collection
    Collection<@Nullable Object> create(@Nullable Comparator<Object> order, Class<?> type) {
        return switch (this) {
            case LINKED_LIST -> new LinkedList<>();
            case ARRAY_DEQUE -> new ArrayDeque<>();
            case HASH_SET -> new HashSet<>();
            case LINKED_HASH_SET,
                    COPY_ON_WRITE_SET,
                    SET_OF,
                    EMPTY_SET,
                    SINGLETON,
                    UNMODIFIABLE_SET,
                    UNMODIFIABLE_SEQUENCED_SET -> new LinkedHashSet<>();
            case TREE_SET, UNMODIFIABLE_SORTED_SET, UNMODIFIABLE_NAVIGABLE_SET -> new TreeSet<>(order);
            case PRIORITY_QUEUE -> new PriorityQueue<>(order);
            case VECTOR -> new Vector<>();
            case STACK -> new Stack<>();
            case CONCURRENT_SET -> (Collection<@Nullable Object>) (Collection<?>) ConcurrentHashMap.newKeySet();
            case CONCURRENT_SORTED_SET -> new ConcurrentSkipListSet<>(order);
            case CONCURRENT_QUEUE -> new ConcurrentLinkedQueue<>();
            case CONCURRENT_DEQUE -> new ConcurrentLinkedDeque<>();
            case BLOCKING_QUEUE -> new LinkedBlockingQueue<>();
            case BLOCKING_DEQUE -> new LinkedBlockingDeque<>();
            case BLOCKING_PRIORITY_QUEUE -> new PriorityBlockingQueue<>(11, order);
            case OWN -> (Collection<@Nullable Object>) JavaClasses.newInstance(type);
            case ARRAY_LIST,
                    COPY_ON_WRITE_LIST,
                    LIST_OF,
                    AS_LIST,
                    EMPTY_LIST,
                    SINGLETON_LIST,
                    UNMODIFIABLE,
                    UNMODIFIABLE_SEQUENCED,
                    UNMODIFIABLE_LIST -> new ArrayList<>();
        };
    }

    /** Returns the collection made of the filled one. */
    Collection<?> finish(Collection<@Nullable Object> filled) {
        return switch (this) {
            case COPY_ON_WRITE_LIST -> new CopyOnWriteArrayList<>(filled);
            case COPY_ON_WRITE_SET -> new CopyOnWriteArraySet<>(filled);
            // Stream.toList gives the one immutable list of the JDK that takes nulls.
            case LIST_OF -> filled.contains(null) ? filled.stream().toList() : List.copyOf(filled);
            case AS_LIST -> Arrays.asList(filled.toArray());
            case EMPTY_LIST -> Collections.emptyList();
            case SINGLETON_LIST -> Collections.singletonList(only(filled));
            case UNMODIFIABLE -> Collections.unmodifiableCollection(filled);
            case UNMODIFIABLE_SEQUENCED -> Collections.unmodifiableSequencedCollection((SequencedCollection<?>) filled);
            case UNMODIFIABLE_LIST -> Collections.unmodifiableList((List<?>) filled);
            case SET_OF -> Set.copyOf(filled);
            case EMPTY_SET -> Collections.emptySet();
            case SINGLETON -> Collections.singleton(only(filled));
            case UNMODIFIABLE_SET -> Collections.unmodifiableSet((Set<?>) filled);
            case UNMODIFIABLE_SEQUENCED_SET -> Collections.unmodifiableSequencedSet((SequencedSet<?>) filled);
            case UNMODIFIABLE_SORTED_SET -> Collections.unmodifiableSortedSet((SortedSet<?>) filled);
            case UNMODIFIABLE_NAVIGABLE_SET -> Collections.unmodifiableNavigableSet((NavigableSet<?>) filled);
            default -> filled;
        };
    }

    private static @Nullable Object only(Collection<?> collection) {
        if (collection.size() != 1) {
            throw new IllegalArgumentException("a singleton with " + collection.size() + " elements");
        }
        return collection.iterator().next();
    }
}
