package dev.trestle.processpool.values;

import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.SequencedCollection;
import java.util.SequencedMap;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.SerializationContext;

/** A class of the user's that is a collection or a map: its fields, and how its objects are made again. Thread-safe. */
final class OwnContainer {

    /*
     * An object is made by the constructor without arguments, gets its elements by add or put, and then its fields, but
     * for final ones. That does not give the same object for every class. So the sender tries it: it makes a second
     * object as the receiver will, and compares what could have become different: the elements and their order, the
     * final fields, and what the JDK's part was told by a constructor, such as an order or a capacity.
     *
     * A class that the JDK holds no elements for, since it extends AbstractList or the like, has all it holds in its
     * fields. They are enough, unless some of them are final or transient: then it is filled and compared, as above.
     */

    private static final ClassValue<OwnContainer> known = new ClassValue<>() {
        @Override
        protected OwnContainer computeValue(Class<?> type) {
            return new OwnContainer(type);
        }
    };

    private static final Set<Class<?>> withoutElements = Set.of(
            Object.class,
            java.util.AbstractCollection.class,
            java.util.AbstractList.class,
            java.util.AbstractSequentialList.class,
            java.util.AbstractSet.class,
            java.util.AbstractQueue.class,
            java.util.AbstractMap.class);

    private final Class<?> type;
    private final Class<?> jdkPart;
    private final @Nullable Constructor<?> constructor;
    private final List<Field> settable = new ArrayList<>();
    private final List<Field> finals = new ArrayList<>();
    private final boolean hasTransient;
    private final @Nullable Refusal refusal;
    private final Map<String, Class<?>> declared = new HashMap<>();

    private OwnContainer(Class<?> type) {
        this.type = type;
        this.jdkPart = JavaClasses.jdkPart(type);
        this.constructor = JavaClasses.ownNoArgConstructor(type);
        for (Field each : JavaClasses.stateFields(type, Object.class)) {
            (Modifier.isFinal(each.getModifiers()) ? finals : settable).add(each);
        }
        this.hasTransient = hasTransient(type);
        this.refusal = findRefusal();
        settable.forEach(each -> declared.put(each.getName(), each.getType()));
    }

    static OwnContainer of(Class<?> type) {
        return known.get(type);
    }

    private static boolean hasTransient(Class<?> type) {
        for (Class<?> each = type; !JavaClasses.isOfJdk(each); each = each.getSuperclass()) {
            for (Field field : each.getDeclaredFields()) {
                int modifiers = field.getModifiers();
                if (Modifier.isTransient(modifiers) && !Modifier.isStatic(modifiers)) {
                    return true;
                }
            }
        }
        return false;
    }

    private @Nullable Refusal findRefusal() {
        if (constructor == null) {
            return Refusal.notData(
                    type.isAnonymousClass() ? "it is an anonymous class" : "it has no constructor without arguments");
        }
        if (!isHeldByJdk()) {
            return withoutElements.contains(jdkPart) ? refusalOfFields() : Refusal.container(jdkPart);
        }
        if (CollectionKind.index.ofJdkPart(type) == null && MapKind.index.ofJdkPart(type) == null) {
            return Refusal.container(jdkPart);
        }
        Class<?> serialized = JavaClasses.serializesItself(type);
        if (serialized != null) {
            return Refusal.serializesItself(serialized);
        }
        for (String each : List.of("iterator", "entrySet", "size")) {
            if (overrides(each)) {
                return Refusal.notData("it overrides " + each + "(), which may hide what it holds");
            }
        }
        return refusalOfFields();
    }

    private @Nullable Refusal refusalOfFields() {
        var names = new HashSet<String>();
        for (List<Field> each : List.of(settable, finals)) {
            for (Field field : each) {
                if (!names.add(field.getName())) {
                    return Refusal.notData(
                            "it has two fields named '" + field.getName() + "', its own and an inherited one");
                }
                try {
                    field.setAccessible(true);
                } catch (RuntimeException e) {
                    return Refusal.ofModule(field.getDeclaringClass());
                }
            }
        }
        return null;
    }

    private boolean overrides(String method) {
        for (Class<?> each = type; !JavaClasses.isOfJdk(each); each = each.getSuperclass()) {
            for (Method declared : each.getDeclaredMethods()) {
                if (declared.getName().equals(method)
                        && declared.getParameterCount() == 0
                        && !Modifier.isStatic(declared.getModifiers())) {
                    return true;
                }
            }
        }
        return false;
    }

    private boolean isHeldByJdk() {
        return !withoutElements.contains(jdkPart);
    }

    // To bytes

    /** Writes the fields of an object; then its elements are written, if this returns that they are needed. */
    boolean write(Object container, JsonGenerator to, SerializationContext context, ValueCodec codec) {
        if (refusal != null) {
            throw refused(refusal);
        }
        boolean filled = isFilled(container);
        to.writeStartArray();
        for (Field each : settable) {
            to.writeString(each.getName());
            try {
                codec.slot(each.getType()).write(each.get(container), to, context);
            } catch (JacksonException e) {
                throw e.prependPath(container, each.getName());
            } catch (IllegalAccessException e) {
                throw new IllegalStateException(e); // it was made accessible
            }
        }
        to.writeEndArray();
        return filled;
    }

    /** Returns whether an object has to be filled when it is made again; throws if it would not be the same then. */
    private boolean isFilled(Object container) {
        try {
            Object copy = make();
            if (!isHeldByJdk() && !hasTransient && differentFinal(container, copy) == null) {
                return false;
            }
            fill(copy, container);
            for (Field each : settable) {
                each.set(copy, each.get(container));
            }
            checkSame(container, copy);
            return true;
        } catch (JacksonException e) {
            throw e;
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        } catch (RuntimeException e) {
            throw refused(Refusal.notData("it cannot be made again from what it holds: " + e));
        }
    }

    @SuppressWarnings("unchecked") // its own elements
    private static void fill(Object copy, Object container) {
        if (container instanceof Map<?, ?> map) {
            for (Map.Entry<?, ?> each : map.entrySet()) {
                ((Map<@Nullable Object, @Nullable Object>) copy).put(each.getKey(), each.getValue());
            }
        } else {
            for (Object each : (Collection<?>) container) {
                ((Collection<@Nullable Object>) copy).add(each);
            }
        }
    }

    private void checkSame(Object container, Object copy) throws IllegalAccessException {
        Field different = differentFinal(container, copy);
        if (different != null) {
            throw refused(
                    Refusal.notData("its field '" + different.getName() + "' is final and no constructor takes it"));
        }
        if (!hasSameHead(container, copy)) {
            throw refused(Refusal.notData("its constructor without arguments makes it with another order or limit"));
        }
        boolean same = container instanceof Map<?, ?> map
                ? areSame(map, (Map<?, ?>) copy)
                : areSame((Collection<?>) container, (Collection<?>) copy);
        if (!same) {
            throw refused(Refusal.notData("it keeps something else than what is added to it"));
        }
    }

    private @Nullable Field differentFinal(Object container, Object copy) throws IllegalAccessException {
        for (Field each : finals) {
            if (!Objects.deepEquals(each.get(container), each.get(copy))) {
                return each;
            }
        }
        return null;
    }

    private boolean hasSameHead(Object container, Object copy) {
        if (container instanceof Map<?, ?> map) {
            MapKind kind = MapKind.index.ofJdkPart(type);
            return kind == null || Lambdas.areSame(kind.head(map), kind.head((Map<?, ?>) copy));
        }
        CollectionKind kind = CollectionKind.index.ofJdkPart(type);
        return kind == null || Lambdas.areSame(kind.head((Collection<?>) container), kind.head((Collection<?>) copy));
    }

    private static boolean areSame(Collection<?> one, Collection<?> other) {
        boolean ordered =
                one instanceof SequencedCollection<?> || one instanceof SortedSet<?> || one instanceof Queue<?>;
        return ordered ? areSameInOrder(one, other) : count(one).equals(count(other));
    }

    private static boolean areSameInOrder(Collection<?> one, Collection<?> other) {
        Iterator<?> others = other.iterator();
        for (Object each : one) {
            if (!others.hasNext() || !Objects.equals(each, others.next())) {
                return false;
            }
        }
        return !others.hasNext();
    }

    private static Map<@Nullable Object, Integer> count(Collection<?> elements) {
        var counts = new HashMap<@Nullable Object, Integer>();
        elements.forEach(each -> counts.merge(each, 1, Integer::sum));
        return counts;
    }

    private static boolean areSame(Map<?, ?> one, Map<?, ?> other) {
        boolean ordered = one instanceof SequencedMap<?, ?> || one instanceof SortedMap<?, ?>;
        return ordered
                ? areSameInOrder(one.entrySet(), other.entrySet())
                : one.size() == other.size() && new LinkedHashMap<>(one).equals(new LinkedHashMap<>(other));
    }

    // From bytes

    /** Makes an object without elements. */
    Object make() {
        if (refusal != null) {
            throw refused(refusal);
        }
        return JavaClasses.newInstance(type);
    }

    /** Reads the fields, which {@link #set} sets when the elements are there. */
    Map<String, @Nullable Object> read(JsonParser from, DeserializationContext context, ValueCodec codec) {
        var fields = new HashMap<String, @Nullable Object>();
        Readers.next(from, context, type);
        Readers.start(from, context, type);
        while (Readers.more(from, context, type)) {
            String name = from.getString();
            Class<?> place = declared.get(name);
            if (place == null) {
                throw new IllegalArgumentException(type.getName() + " has no field " + name + " here");
            }
            Readers.next(from, context, type);
            fields.put(name, codec.slot(place).read(from, context));
        }
        return fields;
    }

    /** Sets the fields of an object that has its elements. */
    void set(Object container, Map<String, @Nullable Object> fields) {
        try {
            for (Field each : settable) {
                each.set(container, fields.get(each.getName()));
            }
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    private RefusedException refused(Refusal why) {
        return new RefusedException(type.getName(), why.reason(), why.remedy());
    }

    @Override
    public String toString() {
        return "OwnContainer[" + type.getName() + "]";
    }
}
