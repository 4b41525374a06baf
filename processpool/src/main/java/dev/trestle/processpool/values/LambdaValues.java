package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.ProtocolException;
import java.lang.invoke.SerializedLambda;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.ValueDeserializer;

/** Lambdas inside of calls: the function of a map, a comparator. */
final class LambdaValues {

    /** The functional interface and {@link java.io.Serializable}, which is named even if the former extends it. */
    private static final int MOST_INTERFACES = 2;

    private LambdaValues() {}

    /** Writes the place of a lambda and the values that it captured. */
    static final class Writer extends WireSerializer {

        private final ValueCodec codec;

        Writer(ValueCodec codec) {
            this.codec = codec;
        }

        @Override
        public void serialize(Object lambda, JsonGenerator to, SerializationContext context) {
            if (!Lambdas.canTakeApart(lambda)) {
                Refusal refusal = Refusal.lambda();
                throw new RefusedException(lambda.getClass().getName(), refusal.reason(), refusal.remedy());
            }
            SerializedLambda parts = Lambdas.takeApart(lambda);
            LambdaShape shape = codec.shapeOf(lambda, parts);
            if (shape.isOfJdk()) {
                throw new RefusedException(
                        lambda.getClass().getName(),
                        "is a lambda of the JDK, which only the JDK can make",
                        "Write a lambda of your own, for example (a, b) -> Integer.compare(a.size(), b.size()).");
            }
            Slot[] captured = shape.captured();
            if (lambda.getClass().getInterfaces().length > MOST_INTERFACES && !isWhole(lambda, shape, parts)) {
                throw new RefusedException(
                        lambda.getClass().getName(),
                        "would lose an interface that it is cast to: its class file has another lambda with the same"
                                + " method and the same functional interface, and tells the two apart by nothing else",
                        "Give the two lambdas bodies of their own, or declare an interface that extends both.");
            }
            to.writeStartArray(lambda);
            to.writeBinary(shape.bytes());
            for (int i = 0; i < captured.length; i++) {
                try {
                    captured[i].write(parts.getCapturedArg(i), to, context);
                } catch (RuntimeException e) {
                    wrapAndThrow(context, e, lambda, "(captured value #" + i + ")");
                }
            }
            to.writeEndArray();
        }
    }

    /** Returns whether a lambda that was cast to further interfaces has them when it is made again. */
    private static boolean isWhole(Object lambda, LambdaShape shape, SerializedLambda parts) {
        var values = new @Nullable Object[shape.captured().length];
        for (int i = 0; i < values.length; i++) {
            values[i] = parts.getCapturedArg(i);
        }
        try {
            Object made = shape.make(values);
            return Set.of(made.getClass().getInterfaces())
                    .containsAll(List.of(lambda.getClass().getInterfaces()));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("cannot make " + lambda + " again", e);
        }
    }

    /** Makes a lambda; only for a sender that is trusted. */
    static final class Reader extends ValueDeserializer<Object> {

        private final ValueCodec codec;

        Reader(ValueCodec codec) {
            this.codec = codec;
        }

        @Override
        public Object deserialize(JsonParser from, DeserializationContext context) {
            if (!Decoding.of(context).policy().isTrusting()) {
                throw new RefusedException(
                        "A lambda",
                        "is code, and a result is data only",
                        "Return the values that the lambda captured.");
            }
            Readers.start(from, context, LambdaValue.class);
            Readers.next(from, context, LambdaValue.class);
            try {
                byte[] bytes = from.getBinaryValue();
                LambdaShape shape = codec.shapeOf(ByteBuffer.wrap(bytes));
                var values = new @Nullable Object[shape.captured().length];
                for (int i = 0; i < values.length; i++) {
                    Readers.next(from, context, LambdaValue.class);
                    values[i] = shape.captured()[i].read(from, context);
                }
                Readers.end(from, context, LambdaValue.class);
                return shape.make(values);
            } catch (ReflectiveOperationException | ProtocolException e) {
                throw new IllegalArgumentException("a lambda cannot be made: " + e, e);
            }
        }
    }
}
