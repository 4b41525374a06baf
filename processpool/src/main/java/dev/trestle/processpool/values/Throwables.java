package dev.trestle.processpool.values;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.trestle.processpool.wire.BodyReader;
import dev.trestle.processpool.wire.BodyWriter;
import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.FailureCodec;
import dev.trestle.processpool.wire.ProtocolException;
import dev.trestle.processpool.wire.ShownText;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Constructor;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.ValueDeserializer;

/** Exceptions as failures, and failures as exceptions of their own class. Thread-safe. */
final class Throwables {

    /*
     * An exception is made again by one of its own constructors. The class does not say which constructor, with which
     * arguments; so we try constructors, and look at the result: it counts only if it has the message, the cause and
     * the state of the original. Constructors with the most usual parameters come first, and where a parameter has a
     * name (-parameters) the value of that name is tried first. If nothing fits, the failure stays one: an exception of
     * a class that stands for it, and says why.
     *
     * A class may compose its message in getMessage(), of what its constructor was given. So that text is sent too: it
     * is what super.getMessage() returns in the class that overrides it.
     *
     * The state is what the class adds to Throwable, see ThrowableState. If it cannot travel, the class counts as one
     * that does not fit.
     *
     * Only subclasses of Throwable are loaded here, and only their constructors are called, with strings, numbers and
     * the cause: what the program's own "throw new" would do. The state that a worker sends may hold no other types
     * than the fields of the exception's class have, besides text and numbers.
     */

    private static final int MAX_TRIES = 64;

    /** About what an exception takes, with the stack of the thread that makes it. */
    private static final int BYTES_PER_EXCEPTION = 2048;

    /** About what the stack of an exception takes for each level that a value is nested. */
    private static final int BYTES_PER_LEVEL = 32;

    /** The first byte of a state: values follow, as {@link ThrowableState#pack} returns them. */
    private static final byte VALUES = 0;

    /** The first byte of a state: the reason follows why there are no values, as UTF-8. */
    private static final byte REASON = 1;

    private static final int LONGEST_REASON = 2000;

    private final ValueCodec codec;
    private final BiFunction<Failure, String, Throwable> unknown;

    Throwables(ValueCodec codec, BiFunction<Failure, String, Throwable> unknown) {
        this.codec = codec;
        this.unknown = unknown;
    }

    // To failures

    Failure failure(Throwable exception) {
        return failure(exception, null);
    }

    /** Takes an exception apart that is a value in an encoding, if there is one. */
    private Failure failure(Throwable exception, @Nullable Encoding around) {
        return Failure.of(exception, each -> encodeState(each, around));
    }

    /** Encodes the state of an exception, or the reason why it cannot be sent; the first byte says which. */
    private byte[] encodeState(Throwable exception, @Nullable Encoding around) {
        ThrowableState type = ThrowableState.of(exception.getClass());
        String given = givenMessage(exception);
        if (type.isEmpty() && given == null) {
            return Failure.NO_STATE;
        }
        Map<String, @Nullable Object> state = state(exception);
        if (state == null) {
            return reason("not all of its state can be seen: " + type.hidden());
        }
        try {
            Encoding encoding = Encoding.ofState(around, codec.setup());
            codec.encode(encoding, type.places(codec), type.pack(state, given));
            ByteBuffer body = encoding.finish().wholeBody();
            byte[] bytes = new byte[1 + body.remaining()];
            bytes[0] = VALUES;
            body.get(bytes, 1, bytes.length - 1);
            return bytes;
        } catch (JacksonException e) {
            return reason(String.valueOf(Explanation.notEncodable("its state", e, type::place, _ -> "")
                    .getMessage()));
        } catch (JacksonMismatchException e) {
            return reason(String.valueOf(e.getMessage()));
        } catch (ReflectiveOperationException e) {
            return reason("its state cannot be read: " + Failure.of(e).headline());
        }
    }

    private static byte[] reason(String why) {
        byte[] text = ShownText.cut(why, LONGEST_REASON).getBytes(UTF_8);
        byte[] bytes = new byte[1 + text.length];
        bytes[0] = REASON;
        System.arraycopy(text, 0, bytes, 1, text.length);
        return bytes;
    }

    /**
     * Returns the message that the constructor of an exception was given; null if the exception has no other, or if
     * that cannot be found out.
     */
    private static @Nullable String givenMessage(Throwable exception) {
        Class<?> overriding = null;
        for (Class<?> each = exception.getClass(); !JavaClasses.isOfJdk(each); each = each.getSuperclass()) {
            if (declaresMessage(each)) {
                overriding = each;
            }
        }
        if (overriding == null) {
            return null;
        }
        try {
            return (@Nullable String) MethodHandles.privateLookupIn(overriding, MethodHandles.lookup())
                    .findSpecial(
                            overriding.getSuperclass(), "getMessage", MethodType.methodType(String.class), overriding)
                    .invoke(exception);
        } catch (Throwable e) { // its package is closed, or the method is the user's code after all
            return null;
        }
    }

    private static boolean declaresMessage(Class<?> type) {
        try {
            var _ = type.getDeclaredMethod("getMessage");
            return true;
        } catch (NoSuchMethodException e) {
            return false;
        }
    }

    /** Returns the state that an exception has in addition to that of every exception; null if it cannot be seen. */
    private static @Nullable Map<String, @Nullable Object> state(Throwable exception) {
        try {
            return ThrowableState.of(exception.getClass()).of(exception);
        } catch (ReflectiveOperationException e) {
            return null; // a method that throws
        }
    }

    // From failures

    /**
     * Makes the exception of a failure.
     *
     * @param failure the failure
     * @param policy the classes that its state may name
     * @param origin its origin, shown in front of each stack frame
     * @return an exception of the same class if possible, otherwise one that stands for it
     */
    Throwable exception(Failure failure, TypePolicy policy, String origin) {
        return exception(failure, policy, origin, 0);
    }

    private Throwable exception(Failure failure, TypePolicy policy, String origin, int depth) {
        Failure cause = failure.cause();
        Throwable causedBy = cause == null || cause.repeated() ? null : exception(cause, policy, origin, depth);
        Remade remade = remake(failure, causedBy, policy, stack(failure, origin), depth);
        Throwable exception = remade.exception();
        if (exception == null) {
            exception = unknown.apply(failure, remade.why());
            if (causedBy != null && exception.getCause() == null) {
                exception.initCause(causedBy);
            }
            exception.setStackTrace(stack(failure, origin));
        }
        for (Failure each : failure.suppressed()) {
            if (!each.repeated()) {
                exception.addSuppressed(exception(each, policy, origin, depth));
            }
        }
        return exception;
    }

    private static StackTraceElement[] stack(Failure failure, String origin) {
        return failure.stack().stream()
                .map(each -> new StackTraceElement(
                        origin,
                        each.getModuleName(),
                        each.getModuleVersion(),
                        each.getClassName(),
                        each.getMethodName(),
                        each.getFileName(),
                        each.getLineNumber()))
                .toArray(StackTraceElement[]::new);
    }

    /**
     * An exception that was made again, or the reason why it could not be.
     *
     * @param exception the exception
     * @param why the rest of a sentence; empty if there is an exception
     */
    private record Remade(@Nullable Throwable exception, String why) {

        static Remade not(String why) {
            return new Remade(null, why);
        }
    }

    /** Makes the exception again. An exception or error of a method of its class leads to a stand-in. */
    private Remade remake(
            Failure failure, @Nullable Throwable cause, TypePolicy policy, StackTraceElement[] stack, int depth) {
        try {
            Class<?> type = codec.names().findClass(failure.className(), policy.sender());
            if (!Throwable.class.isAssignableFrom(type) || Modifier.isAbstract(type.getModifiers())) {
                return Remade.not("its class is another one here, of which no exceptions can be made");
            }
            ThrowableState ofClass = ThrowableState.of(type);
            ThrowableState.Sent sent = decodeState(failure, ofClass, policy, depth);
            if (sent == null && !ofClass.isEmpty()) {
                return Remade.not(whyNotSent(failure, ofClass));
            }
            var remaking = new Remaking(
                    failure, sent == null ? null : sent.given(), cause, sent == null ? Map.of() : sent.values());
            Throwable made = remaking.of(type.asSubclass(Throwable.class));
            if (made == null) {
                return Remade.not(remaking.why(type));
            }
            made.setStackTrace(stack);
            return new Remade(made, "");
        } catch (ClassNotFoundException e) {
            return Remade.not("the program does not have its class");
        } catch (JacksonException e) {
            return Remade.not(
                    String.valueOf(Explanation.notDecodable("its state", e).getMessage()));
        } catch (Throwable e) { // the user's code, or a class that is not the same here
            return Remade.not("its class cannot be used here: " + Failure.of(e).headline());
        }
    }

    /**
     * Returns the state of an exception, or null if there is none for its class. Of a sender that is not trusted, only
     * what the class declares is read.
     */
    private ThrowableState.@Nullable Sent decodeState(
            Failure failure, ThrowableState ofClass, TypePolicy policy, int depth) throws ReflectiveOperationException {
        byte[] bytes = failure.state();
        if (bytes.length == 0 || bytes[0] != VALUES) {
            return null;
        }
        TypePolicy ofState =
                policy.isTrusting() ? policy : TypePolicy.forState(codec.names(), codec.options(), ofClass.types());
        var decoding = Decoding.ofState(ofState, ofClass.places(codec), depth + 1);
        return ofClass.unpack(
                codec.decode(ByteBuffer.wrap(bytes, 1, bytes.length - 1).slice(), decoding));
    }

    private static String whyNotSent(Failure failure, ThrowableState ofClass) {
        byte[] bytes = failure.state();
        if (bytes.length > 0 && bytes[0] == REASON) {
            return ShownText.text(ShownText.cut(new String(bytes, 1, bytes.length - 1, UTF_8), LONGEST_REASON));
        }
        return bytes.length == 0
                ? "the values of its fields could not be sent: " + ofClass.names()
                : "its class has other fields here: " + ofClass.names();
    }

    /** Tries constructors for one exception. */
    private static final class Remaking {

        private final Failure failure;
        private final @Nullable String given;
        private final @Nullable Throwable cause;
        private final Map<String, @Nullable Object> state;
        private int tries;

        /** The largest is that of the attempt that came closest. */
        private enum Closeness {
            NONE,
            CLOSED,
            THROWN,
            STACK,
            MESSAGE,
            CAUSE,
            STATE
        }

        private static final String NO_CAUSE =
                "no constructor gives it its cause. Add one that takes the message and the cause";

        private Closeness closest = Closeness.NONE;
        private String whyNot = "";

        Remaking(
                Failure failure,
                @Nullable String given,
                @Nullable Throwable cause,
                Map<String, @Nullable Object> state) {
            this.failure = failure;
            this.given = given;
            this.cause = cause;
            this.state = state;
        }

        private boolean failed(Closeness closeness, String why) {
            if (closeness.compareTo(closest) > 0) {
                closest = closeness;
                whyNot = why;
            }
            return false;
        }

        /** Says why no exception of the class could be made. */
        String why(Class<?> type) {
            if (closest.compareTo(Closeness.THROWN) > 0) {
                return whyNot;
            }
            Class<?> around = type.getEnclosingClass();
            if (around != null && !Modifier.isStatic(type.getModifiers())) {
                String kind = type.isAnonymousClass() ? "an anonymous" : type.isLocalClass() ? "a local" : "an inner";
                return "it is " + kind + " class, whose constructor takes what it uses of " + around.getName()
                        + " around it. Make it a static nested class, or one of its own";
            }
            if (closest != Closeness.NONE) {
                return whyNot;
            }
            return "none of its constructors can be called with its message, its cause and the values of its fields: "
                    + Arrays.stream(type.getDeclaredConstructors())
                            .map(each -> type.getSimpleName()
                                    + Arrays.stream(each.getParameterTypes())
                                            .map(Class::getTypeName)
                                            .collect(Collectors.joining(", ", "(", ")")))
                            .sorted()
                            .collect(Collectors.joining(", "))
                    + ". Add one that takes the message and the cause";
        }

        @Nullable
        Throwable of(Class<? extends Throwable> type) {
            Constructor<?>[] constructors = type.getDeclaredConstructors();
            Arrays.sort(constructors, Comparator.comparingInt(this::oddity));
            for (Constructor<?> each : constructors) {
                if (!accessible(each)) {
                    failed(
                            Closeness.CLOSED,
                            "its constructors are not public, and its module, "
                                    + type.getModule().getName() + ", keeps its package closed");
                } else {
                    Throwable made = with(each, new Object[each.getParameterCount()], 0);
                    if (made != null) {
                        return made;
                    }
                }
            }
            return null;
        }

        /** Message and cause first, then message; the fewer other parameters the better. */
        private int oddity(Constructor<?> constructor) {
            int oddity = Modifier.isPublic(constructor.getModifiers()) ? 0 : 1;
            boolean takesCause = false;
            for (Class<?> each : constructor.getParameterTypes()) {
                takesCause |= Throwable.class.isAssignableFrom(each);
                oddity += each == String.class || Throwable.class.isAssignableFrom(each) ? 0 : 10;
            }
            return oddity + (takesCause == (cause != null) ? 0 : 5) + (constructor.getParameterCount() == 0 ? 3 : 0);
        }

        private static boolean accessible(AccessibleObject member) {
            try {
                member.setAccessible(true);
                return true;
            } catch (InaccessibleObjectException e) {
                return false; // the JDK's own, and not public: it is not for us
            }
        }

        private @Nullable Throwable with(Constructor<?> constructor, @Nullable Object[] arguments, int index) {
            if (index == arguments.length) {
                return tries++ < MAX_TRIES ? checked(constructor, arguments) : null;
            }
            for (Object each : candidates(constructor.getParameters()[index])) {
                arguments[index] = each;
                Throwable made = with(constructor, arguments, index + 1);
                if (made != null) {
                    return made;
                }
            }
            return null;
        }

        private List<@Nullable Object> candidates(Parameter parameter) {
            var candidates = new ArrayList<@Nullable Object>();
            Class<?> type = parameter.getType();
            if (Throwable.class.isAssignableFrom(type)) {
                if (cause == null || type.isInstance(cause)) {
                    candidates.add(cause);
                }
                for (Object each : state.values()) {
                    if (each instanceof Throwable) {
                        add(each, type, candidates);
                    }
                }
                return candidates;
            }
            if (parameter.isNamePresent() && state.containsKey(parameter.getName())) {
                add(state.get(parameter.getName()), type, candidates);
            }
            add(failure.message(), type, candidates);
            if (given != null) {
                add(given, type, candidates);
            }
            for (Object each : state.values()) {
                add(each, type, candidates);
            }
            return candidates;
        }

        private static void add(@Nullable Object value, Class<?> type, List<@Nullable Object> to) {
            boolean fits = value == null ? !type.isPrimitive() : boxed(type).isInstance(value);
            if (fits && to.stream().noneMatch(each -> ThrowableState.areEqual(each, value))) {
                to.add(value);
            }
        }

        private static Class<?> boxed(Class<?> type) {
            return MethodType.methodType(type).wrap().returnType();
        }

        private @Nullable Throwable checked(Constructor<?> constructor, @Nullable Object[] arguments) {
            try {
                Throwable made = (Throwable) constructor.newInstance(arguments);
                if (cause != null && made.getCause() == null) {
                    giveCause(made);
                }
                ThrowableState.of(made.getClass()).set(made, state, cause);
                return isRight(made) ? made : null;
            } catch (Throwable e) { // the user's code: the constructor does not take these; another one may
                Throwable thrown = e instanceof InvocationTargetException ? e.getCause() : e;
                failed(
                        Closeness.THROWN,
                        "its constructor threw "
                                + Failure.of(thrown == null ? e : thrown).headline());
                return null;
            }
        }

        private void giveCause(Throwable made) {
            try {
                made.initCause(cause);
            } catch (IllegalStateException e) {
                failed(Closeness.CAUSE, NO_CAUSE); // its constructor has said that it has none
            }
        }

        private boolean isRight(Throwable made) {
            String message = made.getMessage();
            if (!Objects.equals(message, failure.message())) {
                return failed(
                        Closeness.MESSAGE,
                        "its constructor composes the message, which was \"" + message
                                + "\" with the values at hand. Add"
                                + " a constructor that takes the message as it is, or keep its parts in fields");
            }
            if (made.getCause() != cause) {
                return failed(Closeness.CAUSE, NO_CAUSE);
            }
            StackTraceElement[] mark = {new StackTraceElement("mark", "mark", null, -1)};
            made.setStackTrace(mark);
            if (made.getStackTrace().length == 0 && !failure.stack().isEmpty()) {
                return failed(
                        Closeness.STACK, "its stack trace cannot be set, and where it was thrown would not be seen");
            }
            Map<String, @Nullable Object> found = state(made);
            return found == null ? failed(Closeness.STATE, "its state cannot be seen here") : same(found);
        }

        private boolean same(Map<String, @Nullable Object> found) {
            if (!found.keySet().equals(state.keySet())) {
                return failed(Closeness.STATE, "it has other fields here than in the worker: " + found.keySet());
            }
            for (Map.Entry<String, @Nullable Object> each : found.entrySet()) {
                Object expected = state.get(each.getKey());
                Object actual = each.getValue();
                if (!ThrowableState.areEqual(actual, expected)) {
                    return failed(
                            Closeness.STATE,
                            "no constructor gives its field '" + each.getKey()
                                    + "' the value that it had. Add one with a parameter for each final field");
                }
            }
            return true;
        }
    }

    // As values

    /** Writes an exception as a failure. */
    static final class Writer extends WireSerializer {

        private final ValueCodec codec;

        Writer(ValueCodec codec) {
            this.codec = codec;
        }

        @Override
        public void serialize(Object exception, JsonGenerator to, SerializationContext context) {
            Encoding around = Encoding.of(context);
            if (!around.takesException()) {
                throw new RefusedException(
                        exception.getClass().getName(), "is within too many other exceptions", "Pass its message.");
            }
            var body = new BodyWriter();
            FailureCodec.write(codec.throwables().failure((Throwable) exception, around), body);
            to.writeBinary(body.toArray());
        }
    }

    /** Reads an exception. */
    static final class Reader extends ValueDeserializer<Object> {

        private final ValueCodec codec;

        Reader(ValueCodec codec) {
            this.codec = codec;
        }

        @Override
        public Object deserialize(JsonParser from, DeserializationContext context) {
            Decoding decoding = Decoding.of(context);
            if (decoding.depth() > Failure.MAX_DEPTH_OF_STATE) {
                throw new RefusedException(Throwable.class.getName(), "is within too many other exceptions", "");
            }
            int nesting = from.streamReadContext().getNestingDepth();
            decoding.charge(Throwable.class, BYTES_PER_EXCEPTION + (long) BYTES_PER_LEVEL * nesting);
            try {
                Failure failure = FailureCodec.read(new BodyReader(ByteBuffer.wrap(from.getBinaryValue())));
                return codec.throwables().exception(failure, decoding.policy(), "", decoding.depth());
            } catch (ProtocolException e) {
                throw new IllegalArgumentException(e);
            }
        }
    }
}
