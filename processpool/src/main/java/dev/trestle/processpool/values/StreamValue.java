package dev.trestle.processpool.values;

import java.util.List;
import java.util.Objects;
import java.util.stream.BaseStream;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * A stream that a call returned: it is read to its end in the worker and travels as its elements.
 *
 * @param elements a list, or a primitive array
 */
record StreamValue(Object elements) {

    StreamValue {
        Objects.requireNonNull(elements, "elements");
    }

    /** Reads a stream to its end and closes it. */
    static StreamValue of(BaseStream<?, ?> stream) {
        try (stream) {
            return switch (stream) {
                case Stream<?> objects -> new StreamValue(objects.toList());
                case IntStream ints -> new StreamValue(ints.toArray());
                case LongStream longs -> new StreamValue(longs.toArray());
                case DoubleStream doubles -> new StreamValue(doubles.toArray());
                default -> throw new IllegalArgumentException("an unknown kind of stream: " + stream.getClass());
            };
        }
    }

    BaseStream<?, ?> open() {
        return switch (elements) {
            case List<?> list -> list.stream();
            case int[] ints -> IntStream.of(ints);
            case long[] longs -> LongStream.of(longs);
            case double[] doubles -> DoubleStream.of(doubles);
            default -> throw new IllegalArgumentException("not the elements of a stream: " + elements.getClass());
        };
    }
}
