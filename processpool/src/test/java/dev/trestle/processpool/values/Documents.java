package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.Payload;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.StreamWriteConstraints;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.dataformat.smile.SmileFactory;
import tools.jackson.dataformat.smile.SmileMapper;
import tools.jackson.dataformat.smile.SmileWriteFeature;

/** Documents as a worker may send them that keeps to the format, and to nothing else. */
final class Documents {

    private static final ObjectMapper mapper = SmileMapper.builder(SmileFactory.builder()
                    .disable(SmileWriteFeature.ENCODE_BINARY_AS_7BIT)
                    .enable(SmileWriteFeature.CHECK_SHARED_STRING_VALUES)
                    .streamWriteConstraints(StreamWriteConstraints.builder()
                            .maxNestingDepth(Integer.MAX_VALUE)
                            .build())
                    .build())
            .build();

    private Documents() {}

    static byte[] bytes(Consumer<JsonGenerator> content) {
        var bytes = new ByteArrayOutputStream();
        try (JsonGenerator to = mapper.createGenerator(bytes)) {
            to.writeStartArray();
            content.accept(to);
        } // ends what has not been ended
        return bytes.toByteArray();
    }

    /** Returns the state of an exception: the names of its parts, no message of its own, and the values. */
    static byte[] state(String names, Consumer<JsonGenerator> values) {
        byte[] document = bytes(to -> {
            to.writeString(names);
            to.writeNull();
            values.accept(to);
        });
        return asState(document);
    }

    /** Returns a document as the state of an exception that has values. */
    static byte[] asState(byte[] document) {
        return ByteBuffer.allocate(1 + document.length)
                .put((byte) 0)
                .put(document)
                .array();
    }

    /** Returns a document of values without the names of their classes. */
    static Payload smile(Consumer<JsonGenerator> content) {
        return payload(bytes(content));
    }

    /** Returns a document of one value with the name of its class. */
    static Payload typed(String name, Consumer<JsonGenerator> value) {
        return smile(to -> value(to, name, value));
    }

    /** Writes a value with the name of its class. */
    static void value(JsonGenerator to, String name, Consumer<JsonGenerator> value) {
        to.writeStartArray();
        to.writeString(name);
        value.accept(to);
        to.writeEndArray();
    }

    /** Writes an array: a collection, or a value of several parts. */
    static void array(JsonGenerator to, Consumer<JsonGenerator> parts) {
        to.writeStartArray();
        parts.accept(to);
        to.writeEndArray();
    }

    static Payload payload(byte[] bytes) {
        return new Payload(List.of(ByteBuffer.wrap(bytes)), List.of());
    }
}
