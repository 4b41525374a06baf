package dev.trestle.processpool.values;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.api.SharedArray;
import dev.trestle.processpool.wire.ArrayKind;
import dev.trestle.processpool.wire.SharedArrays;
import dev.trestle.processpool.wire.SharedArrays.Name;
import dev.trestle.processpool.wire.SharedArrays.NotSharedException;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * The shared arrays that the values of one payload name. Holding them keeps their memory until the call has ended.
 * Thread-safe.
 */
final class HeldArrays {

    private final SharedArrays shared;

    @GuardedBy("this")
    private final List<Name> names = new ArrayList<>(2);

    HeldArrays(SharedArrays shared) {
        this.shared = shared;
    }

    /** Writes the name of an array, and holds the array. */
    @SuppressWarnings("EnumOrdinal") // both sides run the same version, the handshake sees to it
    void write(SharedArray<?> array, JsonGenerator to) {
        Name name;
        try {
            name = shared.hold(array);
        } catch (NotSharedException e) {
            throw new RefusedException(array.toString(), e.reason(), e.remedy());
        }
        synchronized (this) {
            names.add(name);
        }
        to.writeStartArray();
        to.writeNumber(name.number());
        to.writeNumber(name.place());
        to.writeNumber(name.kind().ordinal());
        to.writeNumber(name.bytes());
        to.writeBoolean(name.isWritable());
        to.writeNumber(name.identity());
        to.writeEndArray();
    }

    /** Reads the name of an array, finds the array, and holds it. */
    SharedArray<?> read(JsonParser from) {
        if (from.currentToken() != JsonToken.START_ARRAY) {
            throw new IllegalArgumentException("the name of a shared array is " + from.currentToken());
        }
        long number = nextNumber(from);
        int place = Math.toIntExact(nextNumber(from));
        ArrayKind kind = ArrayKind.at(Math.toIntExact(nextNumber(from)));
        long bytes = nextNumber(from);
        boolean isWritable = from.nextToken() == JsonToken.VALUE_TRUE;
        long identity = nextNumber(from);
        if (kind == null || bytes < 0 || from.nextToken() != JsonToken.END_ARRAY) {
            throw new IllegalArgumentException("the name of a shared array is malformed");
        }
        var name = new Name(number, place, kind, bytes, isWritable, identity);
        try {
            SharedArray<?> found = shared.hold(name);
            synchronized (this) {
                names.add(name);
            }
            return found;
        } catch (NotSharedException e) {
            throw new RefusedException(SharedArray.class.getName(), e.reason(), e.remedy());
        }
    }

    private static long nextNumber(JsonParser from) {
        if (from.nextToken() != JsonToken.VALUE_NUMBER_INT) {
            throw new IllegalArgumentException("a part of the name of a shared array is " + from.currentToken());
        }
        return from.getLongValue();
    }

    /** Lets go of the arrays. Idempotent. */
    void release() {
        while (true) {
            Name name;
            synchronized (this) {
                if (names.isEmpty()) {
                    return;
                }
                name = names.removeLast();
            }
            shared.release(name);
        }
    }
}
