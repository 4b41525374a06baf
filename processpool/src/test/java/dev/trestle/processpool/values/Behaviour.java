package dev.trestle.processpool.values;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.ConcurrentModificationException;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.PriorityQueue;
import java.util.Properties;
import java.util.Queue;
import java.util.RandomAccess;
import java.util.SequencedCollection;
import java.util.SequencedMap;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * The answers of a container to a script of questions and changes, as lines of text: two containers that behave alike
 * have the same lines.
 */
@SuppressWarnings({
    "unchecked",
    "rawtypes",
    "ReturnValueIgnored",
    "CollectionUndefinedEquality",
    "UndefinedEquals",
    "JdkObsolete"
}) // it asks everything of everything
final class Behaviour {

    private final List<String> trace = new ArrayList<>();

    private Behaviour() {}

    /** Runs the script, which changes the container. */
    static List<String> of(Object container) {
        var behaviour = new Behaviour();
        if (container instanceof Map map) {
            behaviour.ofMap(map);
        } else {
            behaviour.ofCollection((Collection) container);
        }
        return behaviour.trace;
    }

    private void say(String question, Callable<@Nullable Object> answer) {
        String said;
        try {
            said = text(answer.call());
        } catch (ConcurrentModificationException e) {
            said = "noticed a change";
        } catch (Exception | StackOverflowError e) {
            said = "threw " + e.getClass().getName();
        }
        trace.add(question + ": " + said);
    }

    private static String text(@Nullable Object value) {
        return switch (value) {
            case null -> "null";
            case Object[] array -> text(Arrays.asList(array));
            case Map<?, ?> map
            when isOrdered(map) -> map.getClass().getSimpleName() + text(new ArrayList<>(map.entrySet()));
            case Map<?, ?> map -> sorted(map.entrySet());
            case Collection<?> elements when isOrdered(elements) -> new ArrayList<>(elements).toString();
            case Collection<?> elements -> sorted(elements);
            case Comparator<?> comparator -> comparator.getClass().getName() + comparator.hashCode();
            default -> value.toString();
        };
    }

    private static boolean isOrdered(Object container) {
        return container instanceof SequencedCollection<?>
                || container instanceof SequencedMap<?, ?>
                || container instanceof SortedSet<?>
                || container instanceof SortedMap<?, ?>
                || container instanceof Queue<?>;
    }

    private static String sorted(Collection<?> elements) {
        return elements.stream().map(String::valueOf).sorted().toList().toString();
    }

    private void ofCollection(Collection elements) {
        Object first = elements.isEmpty() ? "b" : elements.iterator().next();
        say("class", () -> className(elements.getClass()));
        say("random access", () -> elements instanceof RandomAccess);
        say("size", elements::size);
        say("elements", () -> elements);
        say("characteristics", () -> elements.spliterator().characteristics());
        if (elements instanceof Set || elements instanceof List) {
            say("hash", elements::hashCode);
            say(
                    "equals",
                    () -> elements.equals(elements instanceof Set ? new HashSet(elements) : new ArrayList(elements)));
        }
        for (Object each : new @Nullable Object[] {first, "a", "A", "nowhere", null, 5}) {
            say("contains " + each, () -> elements.contains(each));
        }
        say("contains all", () -> elements.containsAll(new ArrayList(elements)));
        say("array", () -> elements instanceof List ? elements.toArray() : elements.toArray().length);
        if (elements instanceof List list) {
            say("get", () -> list.get(0));
            say("index of null", () -> list.indexOf(null));
            say("set", () -> list.set(0, "set"));
            say("insert", () -> {
                list.add(0, "inserted");
                return list;
            });
            say("sort", () -> {
                list.sort(null);
                return list;
            });
            say("sub list", () -> list.subList(0, 1));
        }
        if (elements instanceof SequencedCollection sequenced) {
            say("first", sequenced::getFirst);
            say("reversed", sequenced::reversed);
            say("add first", () -> {
                sequenced.addFirst("first");
                return sequenced;
            });
        }
        if (elements instanceof SortedSet sorted) {
            say("comparator", sorted::comparator);
            say("head", () -> sorted.headSet("b"));
            say("tail", () -> sorted.tailSet("b"));
            say("far tail", () -> sorted.tailSet("zz"));
            say("far head", () -> sorted.headSet("A"));
        }
        if (elements instanceof NavigableSet set) {
            say("floor", () -> set.floor("b"));
            say("descending", set::descendingSet);
        }
        if (elements instanceof PriorityQueue queue) {
            say("comparator", queue::comparator);
        }
        if (elements instanceof BlockingQueue queue) {
            say("room", queue::remainingCapacity);
        }
        for (Object each : new @Nullable Object[] {first, "z", "B", null, "0", 5}) {
            say("add " + each, () -> elements.add(each));
        }
        say("elements now", () -> elements);
        if (elements instanceof Queue queue) {
            say("offer", () -> queue.offer("offered"));
            say("peek", queue::peek);
            say("poll", queue::poll);
        }
        if (elements instanceof Deque deque) {
            say("push", () -> {
                deque.push("pushed");
                return deque;
            });
        }
        say("remove", () -> elements.remove(first));
        say("remove null", () -> elements.remove(null));
        say("change while iterating", () -> {
            Iterator iterator = elements.iterator();
            iterator.next();
            elements.add("while");
            return iterator.next() != null;
        });
        say("remove by iterator", () -> {
            Iterator iterator = elements.iterator();
            iterator.next();
            iterator.remove();
            return elements.size();
        });
        if (!elements.isEmpty() && elements.iterator().next() instanceof Map.Entry entry) {
            ofEntry(entry);
        }
        say("elements in the end", () -> elements);
        say("clear", () -> {
            elements.clear();
            return elements.size();
        });
    }

    private void ofEntry(Map.Entry entry) {
        say("set value", () -> entry.setValue("new value"));
        say("set null", () -> entry.setValue(null));
        say("entry", () -> entry);
    }

    private void ofMap(Map map) {
        Object first = map.isEmpty() ? "b" : map.keySet().iterator().next();
        say("class", () -> className(map.getClass()));
        say("size", map::size);
        say("entries", () -> map);
        say("hash", map::hashCode);
        for (Object each : new @Nullable Object[] {first, "a", "A", "nowhere", null, 5}) {
            say("get " + each, () -> map.get(each));
            say("contains " + each, () -> map.containsKey(each));
            say("contains value " + each, () -> map.containsValue(each));
        }
        say("entries after get", () -> map);
        if (map instanceof Properties properties) {
            say("property", () -> properties.getProperty("d"));
            say("names", () -> new HashSet<>(properties.stringPropertyNames()));
        }
        if (map instanceof SequencedMap sequenced) {
            say("first", sequenced::firstEntry);
            say("reversed", sequenced::reversed);
            say("put first", () -> sequenced.putFirst("first", "f"));
        }
        if (map instanceof SortedMap sorted) {
            say("comparator", sorted::comparator);
            say("head", () -> sorted.headMap("b"));
            say("far tail", () -> sorted.tailMap("zz"));
        }
        if (map instanceof NavigableMap navigable) {
            say("floor", () -> navigable.floorEntry("b"));
            say("descending", navigable::descendingMap);
        }
        for (Object each : new @Nullable Object[] {first, "z", "B", null, "0", 5}) {
            say("put " + each, () -> map.put(each, "put"));
            say("put null to " + each, () -> map.put(each, null));
        }
        say("put if absent", () -> map.putIfAbsent("absent", "was"));
        say("compute", () -> map.compute("z", (_, old) -> old + "computed"));
        say("merge", () -> map.merge("merged", "m", (a, b) -> a + "" + b));
        say("keys", map::keySet);
        say("values", map::values);
        say("add a key", () -> map.keySet().add("key"));
        if (!map.isEmpty()) {
            ofEntry((Map.Entry) map.entrySet().iterator().next());
        }
        say("remove", () -> map.remove(first));
        say("change while iterating", () -> {
            Iterator iterator = map.keySet().iterator();
            iterator.next();
            map.put("while", "w");
            return iterator.next() != null;
        });
        say("entries in the end", () -> map);
        say("clear", () -> {
            map.clear();
            return map.size();
        });
    }

    /** The immutable ones have a class for few elements and one for many, between which the JDK chooses. */
    private static String className(Class<?> type) {
        return switch (type.getName().replace("java.util.ImmutableCollections$", "")) {
            case "List12", "ListN", "SubList" -> "immutable list";
            case "Set12", "SetN" -> "immutable set";
            case "Map1", "MapN" -> "immutable map";
            default -> type.getName();
        };
    }
}
