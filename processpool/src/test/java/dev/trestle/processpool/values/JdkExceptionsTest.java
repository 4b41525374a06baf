package dev.trestle.processpool.values;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.Call;
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import javax.naming.NamingException;
import javax.xml.stream.FactoryConfigurationError;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Each exception of the JDK arrives with all the state that it has, or as a stand-in. */
@Timeout(60)
@SuppressWarnings("JavaUtilDate") // some take one
class JdkExceptionsTest {

    private final Journey journey = Journey.allowingNothing();

    /** The exceptions that make a message of their arguments, or do not show their arguments. */
    private static final Set<String> CANNOT_BE_MADE = Set.of(
            "java.awt.HeadlessException",
            "java.io.InvalidClassException",
            "java.io.WriteAbortedException",
            "java.util.IllformedLocaleException",
            "javax.script.ScriptException",
            "javax.sql.rowset.spi.SyncProviderException",
            "javax.swing.tree.ExpandVetoException");

    /** An exception, and how it was made. */
    private record Example(String name, Throwable exception) {
        @Override
        public String toString() {
            return name;
        }
    }

    /** Returns exceptions of the JDK, by the ends of their names: to load all of the JDK's classes takes seconds. */
    private static Stream<Class<?>> classes() {
        return Stream.of("Exception", "Error", "Warning", "Truncation", "Throwable", "Death")
                .flatMap(end -> Stream.of("java.", "jdk.").flatMap(modules -> Containers.runtimeClasses(modules, end)))
                .filter(each -> Throwable.class.isAssignableFrom(each)
                        && Modifier.isPublic(each.getModifiers())
                        && !Modifier.isAbstract(each.getModifiers())
                        && each.getModule().isExported(each.getPackageName()));
    }

    private static List<Example> examples() {
        var examples = new ArrayList<Example>();
        classes().forEach(type -> {
            for (Constructor<?> each : type.getConstructors()) {
                for (boolean filled : new boolean[] {true, false}) {
                    for (boolean changed : new boolean[] {false, true}) {
                        Throwable made = make(each, filled);
                        if (made != null && (!changed || change(made))) {
                            examples.add(new Example(
                                    each + (filled ? "" : " of null") + (changed ? ", changed" : ""), made));
                        }
                    }
                }
            }
        });
        return examples;
    }

    private static @Nullable Throwable make(Constructor<?> constructor, boolean filled) {
        Class<?>[] types = constructor.getParameterTypes();
        var arguments = new @Nullable Object[types.length];
        for (int i = 0; i < types.length; i++) {
            arguments[i] = filled || types[i].isPrimitive() ? argument(types[i], i) : null;
        }
        try {
            return (Throwable) constructor.newInstance(arguments);
        } catch (InvocationTargetException e) {
            return null; // it does not take these
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(constructor.toString(), e);
        }
    }

    private static @Nullable Object argument(Class<?> type, int number) {
        List<Object> known = List.of(
                "text " + number,
                3 + number,
                4L + number,
                (short) (5 + number),
                (byte) 6,
                'c',
                1.5,
                2.5f,
                true,
                new IllegalStateException("cause " + number),
                new FileNotFoundException("file " + number),
                new AssertionError("error"),
                Thread.State.class,
                new int[] {7, number},
                new long[] {8, number},
                new boolean[] {true},
                new String[] {"s"},
                List.of("element"),
                Set.of("element"),
                new TreeMap<>(Map.of("k", "v")),
                new Date(number),
                StandardCharsets.UTF_8);
        Class<?> boxed = java.lang.invoke.MethodType.methodType(type).wrap().returnType();
        for (Object each : known) {
            if (boxed.isInstance(each)) {
                return each;
            }
        }
        Object[] constants = type.getEnumConstants();
        if (constants != null) {
            return constants[0];
        }
        if (Throwable.class.isAssignableFrom(type) && !Modifier.isAbstract(type.getModifiers())) {
            try {
                return type.getConstructor(String.class).newInstance("cause " + number);
            } catch (ReflectiveOperationException e) {
                return null;
            }
        }
        return null;
    }

    /** Changes an exception by what its class has for that; returns whether it has anything. */
    private static boolean change(Throwable exception) {
        boolean changed = false;
        int number = 10;
        for (Field each : exception.getClass().getFields()) {
            if (!Modifier.isStatic(each.getModifiers()) && !Modifier.isFinal(each.getModifiers())) {
                changed = true;
                try {
                    each.set(exception, argument(each.getType(), number++));
                } catch (IllegalAccessException e) {
                    throw new LinkageError(each.toString(), e);
                }
            }
        }
        for (Method each : exception.getClass().getMethods()) {
            if (each.getName().startsWith("set")
                    && each.getParameterCount() == 1
                    && !each.getName().equals("setStackTrace")) {
                changed = true;
                try {
                    each.invoke(exception, argument(each.getParameterTypes()[0], number++));
                } catch (InvocationTargetException e) {
                    // not with this one
                } catch (IllegalAccessException e) {
                    throw new LinkageError(each.toString(), e);
                }
            }
        }
        return changed;
    }

    private Throwable sent(Throwable exception) throws Exception {
        EncodedCall encoded = journey.encode((Call<Object>) () -> "any");
        DecodedCall decoded = journey.decode(encoded.payload());
        return encoded.decodeFailure(decoded.encodeFailure(exception), "worker-1");
    }

    @Test
    void eachArrivesWithItsStateOrAsAStandIn() throws Exception {
        List<Example> examples = examples();
        var standIns = new TreeSet<String>();
        var arrived = new TreeSet<String>();
        var wrong = new ArrayList<String>();
        for (Example each : examples) {
            Throwable exception = each.exception;
            String name = exception.getClass().getName();
            Throwable there = sent(exception);
            if (there instanceof Journey.StandIn standIn) {
                standIns.add(name);
                assertThat(standIn.className).isEqualTo(name);
                continue;
            }
            arrived.add(name);
            if (there.getClass() != exception.getClass()) {
                wrong.add(each + " is " + there.getClass());
                continue;
            }
            Map<String, String> expected = state(exception);
            Map<String, String> actual = state(there);
            if (!actual.equals(expected)) {
                expected.entrySet().removeAll(new TreeMap<>(actual).entrySet());
                actual.keySet().retainAll(expected.keySet());
                wrong.add(each + ": " + expected + ", not " + actual);
            }
        }
        System.out.println(classes().count() + " exceptions of the JDK, " + examples.size() + " examples: of "
                + arrived.size() + " classes they arrived, of " + standIns.size() + " some did not, " + wrong.size()
                + " are wrong");
        assertThat(wrong).as(String.join("\n", wrong)).isEmpty();
        assertThat(arrived).as("with some of their state, at least").hasSizeGreaterThan(450);
        standIns.removeAll(CANNOT_BE_MADE);
        assertThat(standIns)
                .as("those that cannot be made again are of these packages, or known")
                .allMatch(each -> each.matches("(java\\.rmi|javax\\.management|com\\.sun|jdk)\\..*"));
    }

    /** Returns the visible state of an exception: by its public methods and fields, and to Java serialization. */
    private static Map<String, String> state(Throwable exception) {
        Map<String, String> state = new TreeMap<>();
        clean(exception);
        for (Method each : exception.getClass().getMethods()) {
            if (each.getParameterCount() == 0
                    && !Modifier.isStatic(each.getModifiers())
                    && each.getReturnType() != void.class
                    && !Set.of(
                                    "hashCode",
                                    "getClass",
                                    "iterator",
                                    "spliterator",
                                    "fillInStackTrace",
                                    "getStackTrace",
                                    "clone",
                                    "retryReferral",
                                    "getReferralContext")
                            .contains(each.getName())) {
                try {
                    state.put(each.getName() + "()", text(each.invoke(exception)));
                } catch (InvocationTargetException e) {
                    state.put(each.getName() + "()", "threw " + e.getCause());
                } catch (IllegalAccessException e) {
                    throw new LinkageError(each.toString(), e);
                }
            }
        }
        for (Field each : exception.getClass().getFields()) {
            if (!Modifier.isStatic(each.getModifiers())) {
                try {
                    state.put(each.getName(), text(each.get(exception)));
                } catch (IllegalAccessException e) {
                    throw new LinkageError(each.toString(), e);
                }
            }
        }
        // A message that the exception makes becomes one that was given; of a NamingException's two causes only one is
        // seen.
        if (!(exception instanceof NullPointerException)
                && !(exception instanceof FactoryConfigurationError)
                && !(exception instanceof NamingException)) {
            state.put("serialized", serialized(exception));
        }
        return state;
    }

    private static String text(@Nullable Object value) {
        return switch (value) {
            case null -> "null";
            case Throwable e -> e.toString();
            case Object[] array -> Arrays.deepToString(array);
            case int[] array -> Arrays.toString(array);
            case long[] array -> Arrays.toString(array);
            case boolean[] array -> Arrays.toString(array);
            default -> value.getClass() + " " + value;
        };
    }

    /** Makes those differ in nothing that differ in their stacks, and in whether a cause may still be given to them. */
    private static void clean(@Nullable Throwable exception) {
        for (Throwable each = exception; each != null; each = each.getCause()) {
            if (each instanceof SQLException sql) {
                clean(sql.getNextException());
            }
            each.setStackTrace(new StackTraceElement[0]);
            if (each.getCause() == null) {
                try {
                    each.initCause(null);
                } catch (IllegalStateException | UnsupportedOperationException e) {
                    // it has none, for ever
                }
            }
        }
    }

    private static String serialized(Throwable exception) {
        var bytes = new ByteArrayOutputStream();
        try (var out = new ObjectOutputStream(bytes)) {
            out.writeObject(exception);
        } catch (NotSerializableException e) {
            return "not serializable";
        } catch (IOException e) {
            throw new AssertionError(exception.toString(), e);
        }
        return bytes.toString(StandardCharsets.ISO_8859_1);
    }
}
