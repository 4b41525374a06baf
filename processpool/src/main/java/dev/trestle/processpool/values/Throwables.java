package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.BodyReader;
import dev.trestle.processpool.wire.BodyWriter;
import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.FailureCodec;
import dev.trestle.processpool.wire.ProtocolException;
import java.lang.invoke.MethodType;
import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Constructor;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
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
     * a class that stands for it.
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

    private final ValueCodec codec;
    private final Function<Failure, Throwable> unknown;

    Throwables(ValueCodec codec, Function<Failure, Throwable> unknown) {
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

    private byte[] encodeState(Throwable exception, @Nullable Encoding around) {
        Map<String, @Nullable Object> state = state(exception);
        ThrowableState ofClass = ThrowableState.of(exception.getClass());
        if (state == null || ofClass.isEmpty()) {
            return Failure.NO_STATE;
        }
        try {
            Encoding encoding = Encoding.ofState(around, codec.setup());
            codec.encode(encoding, ofClass.places(codec), ofClass.pack(state));
            ByteBuffer body = encoding.finish().wholeBody();
            byte[] bytes = new byte[body.remaining()];
            body.get(bytes);
            return bytes;
        } catch (JacksonException | JacksonMismatchException e) {
            return Failure.NO_STATE; // the state holds what cannot travel; the failure says the rest
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
     * @param policy what its state may name
     * @param origin where it comes from, shown in front of each stack frame
     * @return an exception of the same class if possible, otherwise one that stands for it
     */
    Throwable exception(Failure failure, TypePolicy policy, String origin) {
        return exception(failure, policy, origin, 0);
    }

    private Throwable exception(Failure failure, TypePolicy policy, String origin, int depth) {
        Failure cause = failure.cause();
        Throwable causedBy = cause == null || cause.repeated() ? null : exception(cause, policy, origin, depth);
        Throwable exception = remake(failure, causedBy, policy, stack(failure, origin), depth);
        if (exception == null) {
            exception = unknown.apply(failure);
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

    /** Whatever methods of the exception's class throw here, errors included, leads to a stand-in. */
    private @Nullable Throwable remake(
            Failure failure, @Nullable Throwable cause, TypePolicy policy, StackTraceElement[] stack, int depth) {
        try {
            Class<?> type = codec.names().findClass(failure.className(), policy.sender());
            if (!Throwable.class.isAssignableFrom(type) || Modifier.isAbstract(type.getModifiers())) {
                return null;
            }
            Map<String, @Nullable Object> state = decodeState(failure, ThrowableState.of(type), policy, depth);
            if (state == null) {
                if (!ThrowableState.of(type).isEmpty()) {
                    return null;
                }
                state = Map.of();
            }
            Throwable made = new Remaking(failure, cause, state).of(type.asSubclass(Throwable.class));
            if (made != null) {
                made.setStackTrace(stack);
            }
            return made;
        } catch (Throwable e) { // the user's code, or a class that is not the same here
            return null; // the failure tells what there is to tell
        }
    }

    /** Returns the state of an exception: of a sender that is not trusted, only what its class declares. */
    private @Nullable Map<String, @Nullable Object> decodeState(
            Failure failure, ThrowableState ofClass, TypePolicy policy, int depth) {
        byte[] bytes = failure.state();
        if (bytes.length == 0) {
            return null;
        }
        TypePolicy ofState =
                policy.isTrusting() ? policy : TypePolicy.forState(codec.names(), codec.options(), ofClass.types());
        var decoding = Decoding.ofState(ofState, ofClass.places(codec), depth + 1);
        return ofClass.unpack(codec.decode(ByteBuffer.wrap(bytes), decoding));
    }

    /** Tries constructors for one exception. */
    private static final class Remaking {

        private final Failure failure;
        private final @Nullable Throwable cause;
        private final Map<String, @Nullable Object> state;
        private int tries;

        Remaking(Failure failure, @Nullable Throwable cause, Map<String, @Nullable Object> state) {
            this.failure = failure;
            this.cause = cause;
            this.state = state;
        }

        @Nullable
        Throwable of(Class<? extends Throwable> type) {
            Constructor<?>[] constructors = type.getDeclaredConstructors();
            Arrays.sort(constructors, Comparator.comparingInt(this::oddity));
            for (Constructor<?> each : constructors) {
                if (accessible(each)) {
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
                    made.initCause(cause);
                }
                ThrowableState.of(made.getClass()).set(made, state, cause);
                return isRight(made) ? made : null;
            } catch (Throwable e) { // the user's code
                return null; // the constructor does not take these; another one may
            }
        }

        private boolean isRight(Throwable made) {
            if (!Objects.equals(made.getMessage(), failure.message()) || made.getCause() != cause) {
                return false;
            }
            StackTraceElement[] mark = {new StackTraceElement("mark", "mark", null, -1)};
            made.setStackTrace(mark);
            if (made.getStackTrace().length == 0 && !failure.stack().isEmpty()) {
                return false; // its stack cannot be set, but the remote one must be seen
            }
            Map<String, @Nullable Object> found = state(made);
            return found != null && same(found);
        }

        private boolean same(Map<String, @Nullable Object> found) {
            if (!found.keySet().equals(state.keySet())) {
                return false;
            }
            for (Map.Entry<String, @Nullable Object> each : found.entrySet()) {
                Object expected = state.get(each.getKey());
                Object actual = each.getValue();
                if (!ThrowableState.areEqual(actual, expected)) {
                    return false;
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
