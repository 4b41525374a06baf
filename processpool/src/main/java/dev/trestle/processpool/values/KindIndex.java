package dev.trestle.processpool.values;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Finds a kind of collections or of maps: by its name on the wire, and by a class. Only read after it was constructed.
 * Classes are known by their names, so that classes that are not sent are not loaded.
 */
final class KindIndex<K extends ContainerKind> {

    private final Map<String, K> byClassName = new HashMap<>();
    private final Map<String, K> byName = new HashMap<>();
    private final K anonymous;
    private final K own;

    /**
     * Creates an index.
     *
     * @param kinds all the kinds
     * @param anonymous the kind of an anonymous class that adds nothing to its superclass but the block that filled it
     * @param own the kind of the other classes of the user's
     */
    KindIndex(K[] kinds, K anonymous, K own) {
        for (K kind : kinds) {
            kind.names().classNames().forEach(each -> byClassName.put(each, kind));
            if (!kind.wireName().isEmpty()) {
                byName.put(kind.wireName(), kind);
            }
        }
        this.anonymous = anonymous;
        this.own = own;
    }

    /** Returns the kind with a name from the wire, or null if no kind has it. */
    @Nullable
    K named(String name) {
        return byName.get(name);
    }

    /** Returns the kind that containers of this class are; null for a class of the JDK that only the JDK can make. */
    @Nullable
    K of(Class<?> type) {
        if (JavaClasses.isOfJdk(type)) {
            return byClassName.get(type.getName());
        }
        return JavaClasses.isPlainAnonymous(type) && ofSuperclassInJdk(type.getSuperclass()) != null ? anonymous : own;
    }

    /**
     * Returns the kind of the nearest superclass in the JDK, which holds the elements of a class of the user's; or null
     * if that class is not in the table.
     */
    @Nullable
    K ofJdkPart(Class<?> type) {
        K kind = ofSuperclassInJdk(JavaClasses.jdkPart(type));
        return kind == anonymous ? null : kind;
    }

    private @Nullable K ofSuperclassInJdk(Class<?> type) {
        return JavaClasses.isOfJdk(type) ? byClassName.get(type.getName()) : null;
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
