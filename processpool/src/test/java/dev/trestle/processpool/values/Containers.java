package dev.trestle.processpool.values;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReader;
import java.lang.module.ModuleReference;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Collections and maps of every class that the JDK has: those that constructors and factories make, and views and
 * wrappers of them.
 */
@SuppressWarnings({"unchecked", "rawtypes", "JdkObsolete"}) // of every class, whatever it is
final class Containers {

    /** A container, made anew each time that it is asked for. */
    record Example(String name, Callable<Object> maker) {
        Object make() {
            try {
                return maker.call();
            } catch (Exception e) {
                throw new IllegalStateException(name, e);
            }
        }

        @Override
        public String toString() {
            return name;
        }
    }

    private static final List<String> elements = List.of("b", "a", "c");

    private Containers() {}

    /** Returns those that are made by constructors and factory methods. */
    static List<Example> plain() {
        var all = new ArrayList<Example>();
        for (Class<?> each : classes()) {
            Constructor<?> constructor = publicConstructor(each);
            if (constructor != null && each.getModule() == Object.class.getModule()) {
                all.add(new Example(each.getSimpleName(), () -> filled(constructor.newInstance())));
                all.add(new Example("empty " + each.getSimpleName(), constructor::newInstance));
            }
        }
        add(all, "TreeSet in reverse", () -> filled(new TreeSet<>(Comparator.reverseOrder())));
        add(all, "TreeSet ignoring case", () -> filled(new TreeSet<>(String.CASE_INSENSITIVE_ORDER)));
        add(all, "TreeMap ignoring case", () -> filled(new TreeMap<>(String.CASE_INSENSITIVE_ORDER)));
        add(all, "PriorityQueue in reverse", () -> filled(new PriorityQueue<>(Comparator.reverseOrder())));
        add(
                all,
                "ConcurrentSkipListSet in reverse",
                () -> filled(new ConcurrentSkipListSet<>(Comparator.reverseOrder())));
        add(
                all,
                "ConcurrentSkipListMap in reverse",
                () -> filled(new ConcurrentSkipListMap<>(Comparator.reverseOrder())));
        add(all, "LinkedHashMap by access", () -> filled(new LinkedHashMap<>(16, 0.75f, true)));
        add(all, "empty LinkedHashMap by access", () -> new LinkedHashMap<>(16, 0.75f, true));
        add(all, "bounded LinkedBlockingQueue", () -> filled(new LinkedBlockingQueue<>(4)));
        add(all, "full LinkedBlockingQueue", () -> filled(new LinkedBlockingQueue<>(3)));
        add(all, "bounded LinkedBlockingDeque", () -> filled(new LinkedBlockingDeque<>(4)));
        add(all, "ArrayBlockingQueue", () -> filled(new ArrayBlockingQueue<>(4)));
        add(all, "fair ArrayBlockingQueue", () -> filled(new ArrayBlockingQueue<>(4, true)));
        add(all, "HashSet with null", () -> new HashSet<>(Arrays.asList("a", null)));
        add(all, "HashMap with null", () -> {
            var map = new HashMap<@Nullable String, @Nullable String>();
            map.put(null, "n");
            map.put("a", null);
            return map;
        });
        add(all, "Properties with defaults", () -> {
            var lowest = new Properties();
            lowest.setProperty("low", "1");
            var defaults = new Properties(lowest);
            defaults.setProperty("a", "hidden");
            defaults.setProperty("d", "default");
            return filled(new Properties(defaults));
        });
        add(all, "Properties with a number", () -> {
            var properties = new Properties();
            properties.put("n", 5);
            return properties;
        });
        add(all, "EnumSet", () -> EnumSet.of(TimeUnit.DAYS, TimeUnit.HOURS));
        add(all, "empty EnumSet", () -> EnumSet.noneOf(TimeUnit.class));
        add(all, "large EnumSet", () -> EnumSet.of(Character.UnicodeScript.LATIN));
        add(all, "EnumMap", () -> new EnumMap<>(Map.of(TimeUnit.DAYS, "x")));
        add(all, "empty EnumMap", () -> new EnumMap<>(TimeUnit.class));
        add(all, "List.of()", List::of);
        add(all, "List.of(1)", () -> List.of("b"));
        add(all, "List.of(3)", () -> List.copyOf(elements));
        add(all, "Stream.toList()", () -> elements.stream().toList());
        add(all, "empty Stream.toList()", () -> Stream.of().toList());
        add(all, "Stream.toList() of one", () -> Stream.of("b").toList());
        add(
                all,
                "Stream.toList() with null",
                () -> Arrays.asList("b", null).stream().toList());
        add(all, "Arrays.asList", () -> Arrays.asList("b", "a", "c"));
        add(all, "nCopies", () -> Collections.nCopies(3, "b"));
        add(all, "nCopies of none", () -> Collections.nCopies(0, "b"));
        add(all, "emptyList", Collections::emptyList);
        add(all, "singletonList", () -> Collections.singletonList("b"));
        add(all, "Set.of()", Set::of);
        add(all, "Set.of(1)", () -> Set.of("b"));
        add(all, "Set.of(3)", () -> Set.copyOf(elements));
        add(all, "emptySet", Collections::emptySet);
        add(all, "singleton", () -> Collections.singleton("b"));
        add(all, "emptySortedSet", Collections::emptySortedSet);
        add(all, "emptyNavigableSet", Collections::emptyNavigableSet);
        add(all, "Map.of()", Map::of);
        add(all, "Map.of(1)", () -> Map.of("b", "x"));
        add(all, "Map.of(2)", () -> Map.of("b", "x", "a", "y"));
        add(all, "emptyMap", Collections::emptyMap);
        add(all, "singletonMap", () -> Collections.singletonMap("b", "x"));
        add(all, "emptySortedMap", Collections::emptySortedMap);
        add(all, "emptyNavigableMap", Collections::emptyNavigableMap);
        add(all, "ConcurrentHashMap.newKeySet", () -> filled(ConcurrentHashMap.newKeySet()));
        add(all, "ConcurrentHashMap.keySet(value)", () -> {
            var map = (ConcurrentHashMap<Object, Object>) filled(new ConcurrentHashMap<>());
            return map.keySet("the value of what is added");
        });
        add(all, "newSetFromMap of a TreeMap", () -> filled(Collections.newSetFromMap(new TreeMap<>())));
        add(all, "newSetFromMap by identity", () -> filled(Collections.newSetFromMap(new IdentityHashMap<>())));
        add(all, "newSequencedSetFromMap", () -> filled(Collections.newSequencedSetFromMap(new LinkedHashMap<>())));
        add(all, "LIFO queue", () -> filled(Collections.asLifoQueue(new ArrayDeque<>())));
        add(all, "System.getenv", System::getenv);
        return all;
    }

    private static void add(List<Example> to, String name, Callable<Object> maker) {
        to.add(new Example(name, maker));
    }

    private static Object filled(Object container) {
        for (String each : elements) {
            try {
                if (container instanceof Map map) {
                    map.put(each, each + each);
                } else {
                    ((Collection) container).add(each);
                }
            } catch (ClassCastException | IllegalStateException e) {
                break; // it takes elements of some other class only, or has no room: it stays empty
            }
        }
        return container;
    }

    /** Returns views and wrappers of a container, by all methods that give one. */
    static List<Example> derived(Example from) {
        var all = new ArrayList<Example>();
        Object made = from.make();
        for (Class<?> face : interfaces(made.getClass())) {
            for (Method method : face.getMethods()) {
                if (!Modifier.isStatic(method.getModifiers()) && isContainer(method.getReturnType())) {
                    for (Object[] arguments : arguments(method.getParameterTypes(), made)) {
                        add(
                                all,
                                from + "." + method.getName() + Arrays.toString(arguments),
                                () -> method.invoke(from.make(), arguments));
                    }
                }
            }
        }
        for (Method method : Collections.class.getMethods()) {
            Class<?>[] parameters = method.getParameterTypes();
            if (parameters.length > 0
                    && isContainer(parameters[0])
                    && parameters[0].isInstance(made)
                    && isContainer(method.getReturnType())
                    && !method.getName().equals("list")) {
                Class<?>[] others = Arrays.copyOfRange(parameters, 1, parameters.length);
                for (Object[] arguments : arguments(others, made)) {
                    add(all, method.getName() + "(" + from + ")", () -> {
                        var list = new ArrayList<@Nullable Object>();
                        list.add(from.make());
                        list.addAll(Arrays.asList(arguments));
                        return method.invoke(null, list.toArray());
                    });
                }
            }
        }
        all.removeIf(each -> !works(each));
        return all;
    }

    private static boolean works(Example example) {
        try {
            return example.maker().call() != null;
        } catch (InvocationTargetException e) {
            return false; // it does not make that view
        } catch (Exception e) {
            throw new IllegalStateException(example.name(), e);
        }
    }

    private static boolean isContainer(Class<?> type) {
        return Collection.class.isAssignableFrom(type) || Map.class.isAssignableFrom(type);
    }

    private static Set<Class<?>> interfaces(Class<?> type) {
        var all = new LinkedHashSet<Class<?>>();
        if (type == ConcurrentHashMap.class || type == CopyOnWriteArrayList.class) {
            all.add(type);
        }
        for (Class<?> each = type; each != null; each = each.getSuperclass()) {
            for (Class<?> face : each.getInterfaces()) {
                if (isContainer(face)) {
                    all.add(face);
                }
            }
        }
        return all;
    }

    private static List<Object[]> arguments(Class<?>[] parameters, Object container) {
        Collection<?> shown = container instanceof Map<?, ?> map ? map.keySet() : (Collection<?>) container;
        Object first = shown.isEmpty() ? "b" : shown.iterator().next();
        var arguments = new @Nullable Object[parameters.length];
        boolean isSecond = false;
        for (int i = 0; i < parameters.length; i++) {
            Class<?> type = parameters[i];
            if (type == int.class) {
                arguments[i] = isSecond ? shown.size() : 0;
                isSecond = true;
            } else if (type == boolean.class) {
                arguments[i] = true;
            } else if (type == Class.class) {
                arguments[i] = Object.class;
            } else if (type == Object.class) {
                arguments[i] = first;
            } else {
                return List.of();
            }
        }
        return List.<Object[]>of(arguments);
    }

    /** Returns all classes of the JDK whose objects are collections or maps, whether or not a program can make one. */
    static List<Class<?>> classes() {
        return All.classes;
    }

    /** Found once. */
    private static final class All {
        static final List<Class<?>> classes = runtimeClasses("java.", "")
                .filter(each -> isContainer(each) && !Modifier.isAbstract(each.getModifiers()))
                .toList();
    }

    /** Returns the classes of the runtime image whose name ends so, in modules whose name begins so. */
    static Stream<Class<?>> runtimeClasses(String modules, String end) {
        return ModuleFinder.ofSystem().findAll().stream()
                .filter(each -> each.descriptor().name().startsWith(modules))
                .sorted(Comparator.comparing(each -> each.descriptor().name()))
                .flatMap(each -> classesOf(each, end));
    }

    private static Stream<Class<?>> classesOf(ModuleReference module, String end) {
        try (ModuleReader reader = module.open();
                Stream<String> names = reader.list()) {
            return names
                    .filter(each -> each.endsWith(end + ".class") && !each.endsWith("-info.class"))
                    .sorted()
                    .<Class<?>>mapMulti((each, to) -> {
                        try {
                            to.accept(Class.forName(
                                    each.substring(0, each.length() - 6).replace('/', '.'),
                                    false,
                                    ClassLoader.getPlatformClassLoader()));
                        } catch (ClassNotFoundException | LinkageError e) {
                            // of the platform class loader, or of a module that is not in the graph: none can be here
                        }
                    })
                    .toList()
                    .stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static @Nullable Constructor<?> publicConstructor(Class<?> type) {
        if (!Modifier.isPublic(type.getModifiers()) || !type.getModule().isExported(type.getPackageName())) {
            return null;
        }
        try {
            return type.getConstructor();
        } catch (NoSuchMethodException e) {
            return null;
        }
    }
}
