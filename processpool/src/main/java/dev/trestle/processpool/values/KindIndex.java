package dev.trestle.processpool.values;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Finds a kind of collections or of maps: by its name on the wire, and by a class of the JDK. Filled by the class
 * initializer of the kinds, and only read afterwards. Classes are known by their names, so that classes that are not
 * sent are not loaded.
 */
final class KindIndex<K> {

    private final Map<String, K> byClassName = new HashMap<>();
    private final Map<String, K> byName = new HashMap<>();

    /** Adds a kind; without a name, one that the wire cannot name. */
    void add(K kind, String wireName, String... classNames) {
        for (String each : classNames) {
            byClassName.put(each, kind);
        }
        if (!wireName.isEmpty()) {
            byName.put(wireName, kind);
        }
    }

    /** Returns the kind with a name from the wire, or null if no kind has it. */
    @Nullable
    K named(String name) {
        return byName.get(name);
    }

    /** Returns the kind of exactly this class, or null if it is not in the table. */
    @Nullable
    K of(Class<?> type) {
        return JavaClasses.isOfJdk(type) ? byClassName.get(type.getName()) : null;
    }

    /**
     * Returns the kind of the nearest superclass in the JDK, which holds the elements of a class of the user's; or null
     * if that class is not in the table.
     */
    @Nullable
    K ofJdkPart(Class<?> type) {
        return of(JavaClasses.jdkPart(type));
    }

    /** Returns the class with a name in the table. */
    static Class<?> load(String className) {
        try {
            return Class.forName(className, false, null);
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException("this JDK has no class " + className, e);
        }
    }
}
