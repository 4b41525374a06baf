package dev.trestle.processpool.wire;

import java.lang.invoke.MethodHandle;
import java.util.concurrent.Callable;
import java.util.stream.BaseStream;
import org.jspecify.annotations.Nullable;

/** A call in the worker that runs it. For one thread. */
public final class DecodedCall {

    /** What to do: the method of a lambda, or the object that is the call. */
    private interface Body {
        @Nullable
        Object run() throws Throwable;
    }

    private final ValueCodec codec;
    private final String description;
    private final Slot resultPlace;
    private final Body body;

    private DecodedCall(ValueCodec codec, String description, Slot resultPlace, Body body) {
        this.codec = codec;
        this.description = description;
        this.resultPlace = resultPlace;
        this.body = body;
    }

    static DecodedCall ofLambda(ValueCodec codec, LambdaShape shape, MethodHandle target, @Nullable Object[] captured) {
        boolean returnsNothing = shape.site().interfaceDescriptor().endsWith(")V");
        return new DecodedCall(codec, shape.site().implMethod(), shape.result(), () -> {
            Object result = call(target, captured);
            return returnsNothing ? null : result;
        });
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

    static DecodedCall ofObject(ValueCodec codec, @Nullable Object object, Slot resultPlace) {
        if (object == null) {
            throw new IllegalArgumentException("it is null");
        }
        return new DecodedCall(codec, object.getClass().getName(), resultPlace, body(object));
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
     * Runs the call on this thread.
     *
     * @return its result
     * @throws Throwable what it throws
     */
    public @Nullable Object run() throws Throwable {
        return body.run();
    }

    /**
     * Encodes a result. A stream is read to its end here, so what it computes counts as encoding.
     *
     * @param result what {@link #run} returned
     * @return the payload for {@link Frame.Result}
     * @throws NotEncodableException if it, or something in it, cannot travel
     */
    public Payload encodeResult(@Nullable Object result) throws NotEncodableException {
        Object value = result instanceof BaseStream<?, ?> stream ? StreamValue.of(stream) : result;
        Encoding encoding = Encoding.ofPayload(codec.options());
        try {
            codec.encode(encoding, new Slot[] {resultPlace}, new Object[] {value});
        } catch (RuntimeException | StackOverflowError e) {
            throw Explanation.notEncodable("The result of the call", e, index -> "the result", index -> "");
        }
        return encoding.finish();
    }

    /**
     * Takes an exception of the call apart, with its own fields as far as they can travel.
     *
     * @param exception what {@link #run} threw
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
