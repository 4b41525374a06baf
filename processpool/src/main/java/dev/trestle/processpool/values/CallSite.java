package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.BodyWriter;
import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.Payload;
import java.lang.invoke.MethodType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** All that is the same for every call that one lambda of the program makes. In the pool; thread-safe. */
final class CallSite {

    private final ValueCodec codec;
    private final @Nullable LambdaShape shape;
    private final Class<?> type;
    private final Class<?> boxedType;
    private final Slot[] places;
    private final Slot result;
    private final TypePolicy policy;
    private final ByteBuffer prefix;
    private final Payload withoutValues;
    private final RunTime runTime = new RunTime();

    private CallSite(
            ValueCodec codec,
            @Nullable LambdaShape shape,
            Class<?> type,
            Slot[] places,
            Slot result,
            List<Type> declared) {
        this.codec = codec;
        this.shape = shape;
        this.type = type;
        this.boxedType = MethodType.methodType(type).wrap().returnType();
        this.places = places;
        this.result = result;
        this.policy = TypePolicy.forResult(codec.names(), codec.options(), declared);
        this.prefix = prefix(codec, shape, type);
        this.withoutValues = new Payload(List.of(prefix), List.of());
    }

    static CallSite ofLambda(ValueCodec codec, LambdaShape shape, List<Type> declared) {
        return new CallSite(codec, shape, shape.resultType(), shape.captured(), shape.result(), declared);
    }

    static CallSite ofObject(ValueCodec codec, Class<?> type, List<Type> declared) {
        Slot anything = codec.slot(Object.class);
        return new CallSite(codec, null, type, new Slot[] {anything}, anything, declared);
    }

    private static ByteBuffer prefix(ValueCodec codec, @Nullable LambdaShape shape, Class<?> type) {
        var writer = new BodyWriter();
        if (shape == null) {
            var ofClass = new BodyWriter();
            ofClass.string(type.getName());
            ofClass.longNumbers(codec.versions().ofProgram(type));
            writer.flag(false);
            writer.bytes(ofClass.toArray());
        } else {
            writer.flag(true);
            writer.bytes(shape.bytes());
        }
        return ByteBuffer.wrap(writer.toArray());
    }

    RunTime runTime() {
        return runTime;
    }

    Slot[] places() {
        return places;
    }

    EncodedCall encode(@Nullable Object[] values) throws NotEncodableException {
        if (values.length == 0) {
            return new EncodedCall(this, withoutValues, null);
        }
        Payload plain = PlainValues.payload(prefix, values, codec.options().maxPayloadBytes());
        if (plain != null) {
            return new EncodedCall(this, plain, null);
        }
        Encoding encoding = Encoding.ofPayload(codec.options(), codec.setup(), codec.shared());
        encoding.share(prefix);
        try {
            codec.encode(encoding, places, values);
        } catch (RuntimeException | StackOverflowError e) {
            encoding.release();
            throw Explanation.notEncodable(
                    "The call " + description(), e, this::nameOfValue, index -> hint(index, values));
        } catch (Error e) {
            encoding.release();
            throw e;
        }
        return new EncodedCall(this, encoding.finish(), encoding.held());
    }

    String description() {
        return shape == null ? type.getName() : shape.source().text();
    }

    private String nameOfValue(int index) {
        if (shape == null) {
            return "it";
        }
        List<String> names = shape.source().names();
        String name = index < names.size() ? " '" + names.get(index) + "'" : "";
        return "captured value #" + index + name;
    }

    private String hint(int index, @Nullable Object[] values) {
        Object value = values[index];
        if (shape == null || index > 0 || value == null || !shape.site().capturesThis()) {
            return "";
        }
        return "The lambda captures 'this' because it uses a field or a method of "
                + value.getClass().getSimpleName()
                + ": copy what it needs into local variables in front of it, or make the method static.";
    }

    @Nullable
    Object decodeItem(Payload payload, long number) throws NotDecodableException {
        String subject = "Item " + number + " of the stream of the call ";
        Object value = decode(payload, codec.slot(Object.class), subject, false);
        if (value instanceof StreamValue) {
            throw new NotDecodableException(subject + description() + " cannot be read: it is itself a stream", null);
        }
        return value;
    }

    private @Nullable Object decode(Payload payload, Slot place, String subject, boolean abandonable)
            throws NotDecodableException {
        Decoding decoding = null;
        try {
            if (PlainValues.isPlain(payload)) {
                return PlainValues.read(payload.wholeBody(), place)[0];
            }
            decoding = new Decoding(payload.arrays(), policy, new Slot[] {place}, 0, abandonable, codec.shared());
            return codec.decode(payload.wholeBody(), decoding)[0];
        } catch (RuntimeException | StackOverflowError | LinkageError e) {
            throw Explanation.notDecodable(subject + description(), e);
        } catch (OutOfMemoryError e) {
            throw new NotDecodableException(
                    subject + description() + " cannot be read: what becomes of its " + payload.size()
                            + " bytes has no room in the heap of this program, which is at most "
                            + Runtime.getRuntime().maxMemory()
                            + " bytes (-Xmx). Return less, or give the program a larger heap.",
                    e);
        } finally {
            if (decoding != null) {
                decoding.release(); // the program itself decides how long it has them
            }
        }
    }

    @Nullable
    Object decodeResult(Payload payload) throws NotDecodableException {
        Object value = decode(payload, result, "The result of the call ", true);
        if (value instanceof StreamValue stream) {
            try {
                return stream.open();
            } catch (IllegalArgumentException e) {
                throw Explanation.notDecodable("The result of the call " + description(), e);
            }
        }
        if (!isOfDeclaredType(value)) {
            String what =
                    value == null ? "null" : JavaClasses.aOrAn(value.getClass().getName());
            throw new NotDecodableException(
                    "The result of the call " + description() + " cannot be read: it is " + what + ", but "
                            + type.getName() + " is declared",
                    null);
        }
        return value;
    }

    private boolean isOfDeclaredType(@Nullable Object value) {
        if (shape == null || returnsNothing()) {
            return true;
        }
        return value == null
                ? !type.isPrimitive() || shape.site().interfaceDescriptor().endsWith(")V")
                : boxedType.isInstance(value);
    }

    private boolean returnsNothing() {
        return type == void.class;
    }

    Throwable decodeFailure(Failure failure, String origin) {
        return codec.throwables().exception(failure, policy, origin);
    }

    @Override
    public String toString() {
        return "CallSite[" + description() + "]";
    }
}
