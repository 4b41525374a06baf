package dev.trestle.testkit;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.api.SharedArray;
import dev.trestle.processpool.wire.ArrayKind;
import dev.trestle.processpool.wire.SharedArrays;
import java.util.HashMap;
import java.util.Map;

/** The shared arrays that calls of a pool in this process name, by their numbers. Thread-safe. */
final class LocalArrays implements SharedArrays {

    @GuardedBy("this")
    private final Map<Long, Held> byNumber = new HashMap<>();

    @GuardedBy("this")
    private final Map<SharedArray<?>, Held> byArray = new HashMap<>();

    @GuardedBy("this")
    private long lastNumber;

    /** An array that calls name. */
    private static final class Held {
        private final SharedArray<?> array;
        private final long number;
        private int holds;

        Held(SharedArray<?> array, long number) {
            this.array = array;
            this.number = number;
        }
    }

    @Override
    public synchronized Name hold(SharedArray<?> array) throws NotSharedException {
        if (array.isClosed()) {
            throw new NotSharedException("was closed", "Close it when the calls that need it have ended.");
        }
        Held held = byArray.get(array);
        if (held == null) {
            held = new Held(array, ++lastNumber);
            byArray.put(array, held);
            byNumber.put(held.number, held);
        }
        held.holds++;
        long bytes = array.segment().byteSize();
        return new Name(held.number, 0, ArrayKind.ofArrayClass(array.type()), bytes, true, 0);
    }

    @Override
    public synchronized SharedArray<?> hold(Name name) throws NotSharedException {
        Held held = byNumber.get(name.number());
        if (held == null) {
            throw new NotSharedException(
                    "was made in the call", "Return its toArray(), or write to memory that allocate has taken.");
        }
        held.holds++;
        return held.array;
    }

    @Override
    public synchronized void release(Name name) {
        Held held = byNumber.get(name.number());
        if (held != null && --held.holds == 0) {
            byNumber.remove(held.number);
            byArray.remove(held.array);
        }
    }

    @Override
    public synchronized String toString() {
        return "LocalArrays[" + byNumber.size() + "]";
    }
}
