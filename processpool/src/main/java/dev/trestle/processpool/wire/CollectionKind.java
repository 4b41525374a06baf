package dev.trestle.processpool.wire;

import java.lang.reflect.Constructor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
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
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A kind of collection: what of it arrives. Usually its class; a class that nobody can make, such as a view, arrives as
 * the nearest kind that keeps its contract and its order.
 *
 * @param name its name on the wire
 * @param type a class of this kind
 * @param sorted whether a comparator goes before the elements
 * @param create makes an empty one, to be filled
 * @param finish makes the collection from the filled one
 */
record CollectionKind(
        String name,
        Class<?> type,
        boolean sorted,
        Function<@Nullable Comparator<Object>, Collection<@Nullable Object>> create,
        UnaryOperator<Collection<@Nullable Object>> finish) {

    private static final Map<Class<?>, CollectionKind> byType = new HashMap<>();
    private static final Map<String, CollectionKind> byName = new HashMap<>();

    static {
        fill();
    }

    @SuppressWarnings("JdkObsolete") // whoever sends them gets them
    private static void fill() {
        mutable("ArrayList", ArrayList.class, ArrayList::new);
        mutable("LinkedList", LinkedList.class, LinkedList::new);
        mutable("ArrayDeque", ArrayDeque.class, ArrayDeque::new);
        mutable("HashSet", HashSet.class, HashSet::new);
        mutable("LinkedHashSet", LinkedHashSet.class, LinkedHashSet::new);
        mutable("Vector", Vector.class, Vector::new);
        mutable("Stack", Stack.class, Stack::new);
        immutable("CopyOnWriteArrayList", CopyOnWriteArrayList::new, new CopyOnWriteArrayList<>());
        immutableSet("CopyOnWriteArraySet", CopyOnWriteArraySet::new, new CopyOnWriteArraySet<>());
        mutable("ConcurrentLinkedQueue", ConcurrentLinkedQueue.class, ConcurrentLinkedQueue::new);
        mutable("ConcurrentLinkedDeque", ConcurrentLinkedDeque.class, ConcurrentLinkedDeque::new);
        mutable("LinkedBlockingQueue", LinkedBlockingQueue.class, LinkedBlockingQueue::new);
        mutable("LinkedBlockingDeque", LinkedBlockingDeque.class, LinkedBlockingDeque::new);
        mutable("ConcurrentHashMap.newKeySet", ConcurrentHashMap.KeySetView.class, () -> ConcurrentHashMap.newKeySet());

        sorted("TreeSet", TreeSet.class, TreeSet::new);
        sorted("ConcurrentSkipListSet", ConcurrentSkipListSet.class, ConcurrentSkipListSet::new);
        sorted("PriorityQueue", PriorityQueue.class, PriorityQueue::new);
        sorted("PriorityBlockingQueue", PriorityBlockingQueue.class, order -> new PriorityBlockingQueue<>(11, order));

        immutable(
                "List.of",
                list -> immutableList(list),
                List.of(1, 2, 3),
                List.of(1),
                List.of(1, 2, 3).subList(0, 2));
        immutable("Arrays.asList", list -> Arrays.asList(list.toArray()), Arrays.asList(1));
        immutable("emptyList", list -> Collections.emptyList(), Collections.emptyList());
        immutable("singletonList", list -> Collections.singletonList(only(list)), Collections.singletonList(1));
        immutable("unmodifiableCollection", Collections::unmodifiableCollection, unmodifiable(new ArrayDeque<>()));
        immutable(
                "unmodifiableList",
                list -> Collections.unmodifiableList((List<?>) list),
                Collections.unmodifiableList(new ArrayList<>()),
                Collections.unmodifiableList(new LinkedList<>()));
        immutable(
                "unmodifiableSequencedCollection",
                list -> Collections.unmodifiableSequencedCollection((SequencedCollection<?>) list),
                Collections.unmodifiableSequencedCollection(new ArrayDeque<>()));

        immutableSet("Set.of", Set::copyOf, Set.of(1, 2, 3), Set.of(1));
        immutableSet("emptySet", set -> Collections.emptySet(), Collections.emptySet());
        immutableSet("singleton", set -> Collections.singleton(only(set)), Collections.singleton(1));
        immutableSet(
                "unmodifiableSet",
                set -> Collections.unmodifiableSet((Set<?>) set),
                Collections.unmodifiableSet(new HashSet<>()));
        immutableSet(
                "unmodifiableSequencedSet",
                set -> Collections.unmodifiableSequencedSet((SequencedSet<?>) set),
                Collections.unmodifiableSequencedSet(new LinkedHashSet<>()));

        immutableSorted(
                "unmodifiableSortedSet",
                set -> Collections.unmodifiableSortedSet((SortedSet<?>) set),
                Collections.unmodifiableSortedSet(new TreeSet<>()));
        immutableSorted(
                "unmodifiableNavigableSet",
                set -> Collections.unmodifiableNavigableSet((NavigableSet<?>) set),
                Collections.unmodifiableNavigableSet(new TreeSet<>()),
                Collections.emptyNavigableSet());
    }

    /** Returns the kind with a name from the wire, or null if no kind has it. */
    static @Nullable CollectionKind named(String name) {
        return byName.get(name);
    }

    /** Returns the kind that a collection of this class arrives as. */
    static CollectionKind of(Class<?> type) {
        CollectionKind kind = byType.get(type);
        if (kind != null) {
            return kind;
        }
        Constructor<?> constructor = JavaClasses.ownNoArgConstructor(type);
        if (constructor != null) {
            return new CollectionKind(
                    type.getName(),
                    type,
                    false,
                    order -> castAny(JavaClasses.newInstance(constructor)),
                    UnaryOperator.identity());
        }
        for (Class<?> each = type.getSuperclass(); each != null; each = each.getSuperclass()) {
            kind = byType.get(each);
            if (kind != null) {
                return kind;
            }
        }
        if (SortedSet.class.isAssignableFrom(type)) {
            return known(TreeSet.class);
        }
        if (Set.class.isAssignableFrom(type)) {
            return known(LinkedHashSet.class);
        }
        if (Deque.class.isAssignableFrom(type) || Queue.class.isAssignableFrom(type)) {
            return known(ArrayDeque.class);
        }
        return known(ArrayList.class);
    }

    private static CollectionKind known(Class<?> type) {
        CollectionKind kind = byType.get(type);
        if (kind == null) {
            throw new IllegalStateException("not in the table: " + type);
        }
        return kind;
    }

    private static Collection<?> unmodifiable(Collection<?> collection) {
        return Collections.unmodifiableCollection(collection);
    }

    private static List<?> immutableList(Collection<?> list) {
        // Stream.toList gives the one immutable list of the JDK that takes nulls.
        return list.contains(null) ? list.stream().toList() : List.copyOf(list);
    }

    private static @Nullable Object only(Collection<?> collection) {
        if (collection.size() != 1) {
            throw new IllegalArgumentException("a singleton with " + collection.size() + " elements");
        }
        return collection.iterator().next();
    }

    private static void mutable(String name, Class<?> type, Supplier<Collection<@Nullable Object>> create) {
        add(new CollectionKind(name, type, false, order -> create.get(), UnaryOperator.identity()));
    }

    private static void sorted(
            String name, Class<?> type, Function<@Nullable Comparator<Object>, Collection<@Nullable Object>> create) {
        add(new CollectionKind(name, type, true, create, UnaryOperator.identity()));
    }

    private static void immutable(
            String name, Function<Collection<@Nullable Object>, Collection<?>> finish, Collection<?>... examples) {
        add(name, false, order -> new ArrayList<>(), finish, examples);
    }

    private static void immutableSet(
            String name, Function<Collection<@Nullable Object>, Collection<?>> finish, Collection<?>... examples) {
        add(name, false, order -> new LinkedHashSet<>(), finish, examples);
    }

    private static void immutableSorted(
            String name, Function<Collection<@Nullable Object>, Collection<?>> finish, Collection<?>... examples) {
        add(name, true, TreeSet::new, finish, examples);
    }

    @SuppressWarnings("unchecked") // a finished collection is only handed out, as an Object
    private static void add(
            String name,
            boolean sorted,
            Function<@Nullable Comparator<Object>, Collection<@Nullable Object>> create,
            Function<Collection<@Nullable Object>, Collection<?>> finish,
            Collection<?>... examples) {
        var kind = new CollectionKind(name, examples[0].getClass(), sorted, create, filled ->
                (Collection<@Nullable Object>) finish.apply(filled));
        add(kind);
        for (Collection<?> each : examples) {
            byType.put(each.getClass(), kind);
        }
    }

    @SuppressWarnings("unchecked") // as above; the constructor is one of a collection
    private static Collection<@Nullable Object> castAny(Object collection) {
        return (Collection<@Nullable Object>) collection;
    }

    private static void add(CollectionKind kind) {
        byType.put(kind.type, kind);
        byName.put(kind.name, kind);
    }
}
