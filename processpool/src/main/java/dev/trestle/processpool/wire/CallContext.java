package dev.trestle.processpool.wire;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The context of a call: by the name of each carrier's class, the names and values that it has captured. */
public final class CallContext {

    /** The most bytes that a context may have. */
    public static final int MOST_BYTES = 64 << 10;

    /** The system property that tells a worker which carriers the program has, besides that of the MDC. */
    public static final String CARRIERS_PROPERTY = "trestle.carriers";

    /** The context of a caller that carries nothing. Takes no room in a frame. */
    public static final CallContext EMPTY = new CallContext(new byte[0]);

    /** The length of the bytes is sent before them. */
    static final int LENGTH = Integer.BYTES;

    private final byte[] bytes;

    /** Creates a context of bytes that have arrived. */
    CallContext(byte[] bytes) {
        this.bytes = bytes;
    }

    /**
     * Encodes a context. Entries with null are left out.
     *
     * @param texts the names and values of each carrier, by its name
     * @return the context, which may be larger than is allowed
     */
    public static CallContext of(Map<String, Map<String, String>> texts) {
        if (texts.isEmpty()) {
            return EMPTY;
        }
        var writer = new BodyWriter();
        writer.number(texts.size());
        texts.forEach((carrier, entries) -> {
            writer.string(carrier);
            List<String> all = new ArrayList<>();
            entries.forEach((key, value) -> add(key, value, all));
            writer.number(all.size());
            all.forEach(writer::string);
        });
        return new CallContext(writer.toArray());
    }

    private static void add(@Nullable String key, @Nullable String value, List<String> all) {
        if (key != null && value != null) {
            all.add(key);
            all.add(value);
        }
    }

    /**
     * Decodes this context.
     *
     * @return the names and values of each carrier, by its name
     * @throws ProtocolException if it is no context
     */
    public Map<String, Map<String, String>> texts() throws ProtocolException {
        if (isEmpty()) {
            return Map.of();
        }
        var reader = new BodyReader(ByteBuffer.wrap(bytes));
        Map<String, Map<String, String>> texts = new LinkedHashMap<>();
        for (int left = reader.count(2 * LENGTH); left > 0; left--) {
            String carrier = reader.string();
            Map<String, String> entries = new LinkedHashMap<>();
            for (int strings = reader.count(LENGTH); strings > 0; strings -= 2) {
                entries.put(reader.string(), reader.string());
            }
            texts.put(carrier, entries);
        }
        reader.end();
        return texts;
    }

    /**
     * Returns whether nothing goes along.
     *
     * @return whether nothing does
     */
    public boolean isEmpty() {
        return bytes.length == 0;
    }

    /**
     * Returns the size of this context.
     *
     * @return the number of its bytes
     */
    public int size() {
        return bytes.length;
    }

    /** Returns a payload with this in front of its body. */
    Payload before(Payload payload) {
        var writer = new BodyWriter();
        writer.bytes(bytes);
        List<ByteBuffer> body = new ArrayList<>();
        body.add(writer.written());
        body.addAll(payload.body());
        return new Payload(body, payload.arrays());
    }

    @Override
    public String toString() {
        return "CallContext[" + bytes.length + " bytes]"; // no values: they may be secret
    }
}
