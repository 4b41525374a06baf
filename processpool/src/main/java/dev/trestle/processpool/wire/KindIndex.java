package dev.trestle.processpool.wire;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Finds a kind of collections or of maps: by its name on the wire, and by the class of a value. Filled by the class
 * initializer of the kinds, and only read afterwards.
 */
final class KindIndex<K> {

    private final Map<Class<?>, K> byType = new HashMap<>();
    private final Map<String, K> byName = new HashMap<>();

    /** Adds a kind; without a name, one that the wire cannot name. */
    void add(K kind, String wireName, Class<?>... types) {
        for (Class<?> type : types) {
            byType.put(type, kind);
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

    /**
     * Returns the kind of a class: its own, or the given one if the class has a constructor for itself, or that of its
     * nearest superclass; or null.
     */
    @Nullable
    K of(Class<?> type, K own) {
        K kind = byType.get(type);
        if (kind == null && JavaClasses.ownNoArgConstructor(type) != null) {
            return own;
        }
        for (Class<?> each = type.getSuperclass(); kind == null && each != null; each = each.getSuperclass()) {
            kind = byType.get(each);
        }
        return kind;
    }
}
