package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.Payload;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.stream.BaseStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A call in the worker that runs it. For one thread. */
public final class DecodedCall {

    /** The code of a call: the method of a lambda, or the object that is the call. */
    private interface Body {
        @Nullable
        Object run() throws Throwable;
    }

    private final ValueCodec codec;
    private final String description;
    private final Slot resultPlace;
    private final Body body;
    private final @Nullable HeldArrays held;

    private DecodedCall(ValueCodec codec, String description, Slot resultPlace, Body body, @Nullable HeldArrays held) {
        this.held = held;
        this.codec = codec;
        this.description = description;
        this.resultPlace = resultPlace;
        this.body = body;
    }

    static DecodedCall ofLambda(
            ValueCodec codec,
            LambdaShape shape,
            MethodHandle target,
            @Nullable Object[] captured,
            @Nullable HeldArrays held) {
        boolean returnsNothing = shape.site().interfaceDescriptor().endsWith(")V");
        Body body = () -> {
            Object result = call(target, captured);
            return returnsNothing ? null : result;
        };
        return new DecodedCall(codec, shape.site().implMethod(), shape.result(), body, held);
    }

    /** Calls a {@link LambdaShape#target}. */
    private static @Nullable Object call(MethodHandle target, @Nullable Object[] values) throws Throwable {
        return switch (values.length) {
            case 0 -> (Object) target.invokeExact();
            case 1 -> (Object) target.invokeExact(values[0]);
            case 2 -> (Object) target.invokeExact(values[0], values[1]);
            case LambdaShape.FEW -> (Object) target.invokeExact(values[0], values[1], values[2]);
            default -> (Object) target.invokeExact(values);
        };
    }

    static DecodedCall ofObject(
            ValueCodec codec, @Nullable Object object, Slot resultPlace, @Nullable HeldArrays held) {
        if (object == null) {
            throw new IllegalArgumentException("it is null");
        }
        return new DecodedCall(codec, object.getClass().getName(), resultPlace, body(object), held);
    }

    private static Body body(Object object) {
        if (object instanceof Callable<?> call) {
            return call::call;
        }
        if (object instanceof Runnable call) {
            return () -> {
                call.run();
                return null;
            };
        }
        throw new IllegalArgumentException("it is neither a Callable nor a Runnable: " + object);
    }

    /**
     * Runs the call on this thread, and a stream that it returns to its end.
     *
     * @return its result
     * @throws Throwable what it throws, or what the stream throws
     */
    public @Nullable Object run() throws Throwable {
        Object result = body.run();
        return result instanceof BaseStream<?, ?> stream ? StreamValue.of(stream) : result;
    }

    /**
     * Runs the call on this thread, then the stream that it returns, to its end. The stream is closed, however it ends.
     *
     * @param items gets each item when the stream has made it, and may end the stream by throwing
     * @throws Throwable what the call, the stream, or {@code items} throws
     */
    public void run(Consumer<@Nullable Object> items) throws Throwable {
        Object result = body.run();
        if (!(result instanceof Stream<?> stream)) {
            throw new IllegalStateException(
                    "A call that is to stream its results has to return a java.util.stream.Stream;"
                            + " this one returned "
                            + (result == null
                                    ? "null"
                                    : JavaClasses.aOrAn(result.getClass().getName())));
        }
        try (stream) {
            stream.sequential()
                    .forEachOrdered(items); // pushes: an iterator would gather what a flatMap makes of one item
        }
    }

    /**
     * Encodes an item of a stream.
     *
     * @param item the item
     * @param number its number, from 0, for messages
     * @return the payload for {@link Frame.Item}
     * @throws NotEncodableException if it, or something in it, cannot travel
     */
    public Payload encodeItem(@Nullable Object item, long number) throws NotEncodableException {
        return encode(item, codec.slot(Object.class), "Item " + number + " of the stream", "the item");
    }

    /**
     * Encodes a result.
     *
     * @param result the result of {@link #run}
     * @return the payload for {@link Frame.Result}
     * @throws NotEncodableException if it, or something in it, cannot travel
     */
    public Payload encodeResult(@Nullable Object result) throws NotEncodableException {
        return encode(result, resultPlace, "The result of the call", "the result");
    }

    private Payload encode(@Nullable Object value, Slot place, String subject, String root)
            throws NotEncodableException {
        Object[] values = {value};
        Payload plain = PlainValues.payload(null, values, codec.options().maxPayloadBytes());
        if (plain != null) {
            return plain;
        }
        Encoding encoding = Encoding.ofPayload(codec.options(), codec.setup(), codec.shared());
        try {
            codec.encode(encoding, new Slot[] {place}, values);
            return encoding.finish();
        } catch (RuntimeException | StackOverflowError e) {
            throw Explanation.notEncodable(subject, e, index -> root, index -> "");
        } finally {
            encoding.release(); // the pool holds what its call names
        }
    }

    /** Lets go of the shared arrays that the call names: it has ended, and its result is encoded. Idempotent. */
    public void end() {
        if (held != null) {
            held.release();
        }
    }

    /**
     * Takes an exception of the call apart, with its own fields as far as they can travel.
     *
     * @param exception the exception of {@link #run}
     * @return the failure for {@link Frame.Failed}
     */
    public Failure encodeFailure(Throwable exception) {
        return codec.throwables().failure(exception);
    }

    @Override
    public String toString() {
        return "DecodedCall[" + description + "]";
    }
}
