package dev.trestle.processpool;

import java.util.Arrays;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The keys of the calls of a pool. Each method says whether it needs the dispatcher's lock or must not have it. */
final class KeyTable {

    /*
     * `hashCode` and `equals` of keys are code of the program: they may take long, throw, or submit a call. So they are
     * called by the submitting thread, without any lock. The map has no keys of the program as its keys, but their hash
     * codes; its values are immutable arrays of those that have one hash code, which are compared one by one, and
     * replaced by compare-and-set.
     *
     * A key that calls in the queue or in a worker have is in use. The others are a list, the one that was used last at
     * its end, and when there are too many the first ones are forgotten. Under the lock a key is only marked as
     * forgotten, and afterwards taken out of the map. A thread that has found a key which is marked takes it out too,
     * and looks again.
     */

    /** The number of keys without calls that are remembered, with the worker that had their calls. */
    static final int MOST_UNUSED = 10_000;

    private final ConcurrentHashMap<Integer, CallKey[]> byHash = new ConcurrentHashMap<>();

    // Guarded by the dispatcher's lock: the keys that no call has

    private @Nullable CallKey eldest;
    private @Nullable CallKey youngest;
    private int unused;

    /**
     * Returns the key that equals an object; makes one if there is none. Calls code of the program, which may throw,
     * and must not be called under a lock.
     */
    CallKey find(Object value) {
        int hash = value.hashCode();
        CallKey made = null;
        while (true) {
            CallKey[] known = byHash.get(hash);
            CallKey equal = known == null ? null : equalOne(known, value);
            if (equal != null) {
                return equal;
            }
            made = made == null ? new CallKey(value, hash) : made;
            if (replace(hash, known, with(known, made))) {
                return made;
            }
        }
    }

    private static @Nullable CallKey equalOne(CallKey[] known, Object value) {
        for (CallKey each : known) {
            if (value == each.value() || value.equals(each.value())) {
                return each;
            }
        }
        return null;
    }

    private static CallKey[] with(CallKey @Nullable [] known, CallKey added) {
        if (known == null) {
            return new CallKey[] {added};
        }
        CallKey[] more = Arrays.copyOf(known, known.length + 1);
        more[known.length] = added;
        return more;
    }

    /** Takes a key out that was forgotten. Idempotent. Calls no code of the program. */
    void remove(CallKey key) {
        while (true) {
            CallKey[] known = byHash.get(key.hash());
            int at = known == null ? -1 : Arrays.asList(known).indexOf(key); // has the equals of Object
            if (known == null || at < 0) {
                return;
            }
            CallKey[] fewer = null;
            if (known.length > 1) {
                fewer = Arrays.copyOf(known, known.length - 1);
                System.arraycopy(known, at + 1, fewer, at, fewer.length - at);
            }
            if (replace(key.hash(), known, fewer)) {
                return;
            }
        }
    }

    /** Arrays are compared by identity. */
    private boolean replace(int hash, CallKey @Nullable [] before, CallKey @Nullable [] after) {
        if (before == null) {
            return after == null || byHash.putIfAbsent(hash, after) == null;
        }
        return after == null ? byHash.remove(hash, before) : byHash.replace(hash, before, after);
    }

    /**
     * Records that a call with a key was accepted; returns false if the key was forgotten, so that the caller has to
     * remove it and to look for another. Under the lock. Needs no memory.
     */
    boolean enter(CallKey key) {
        if (key.forgotten) {
            return false;
        }
        if (key.calls++ == 0) {
            unlink(key);
        }
        return true;
    }

    /**
     * Records that a call with a key has ended; returns a key that was forgotten for that, which the caller has to
     * remove when it has released the lock. Under the lock. Needs no memory.
     */
    @Nullable
    CallKey leave(CallKey key) {
        if (--key.calls > 0) {
            return null;
        }
        link(key);
        return unused > MOST_UNUSED ? forgetEldest() : null;
    }

    private @Nullable CallKey forgetEldest() {
        CallKey key = eldest;
        if (key != null) {
            unlink(key);
            key.unbind();
            key.forgotten = true;
        }
        return key;
    }

    private void link(CallKey key) {
        key.previous = youngest;
        if (youngest == null) {
            eldest = key;
        } else {
            youngest.next = key;
        }
        youngest = key;
        unused++;
    }

    /** Takes a key out of the list of those without calls, if it is there. */
    private void unlink(CallKey key) {
        if (key.previous == null && eldest != key) {
            return; // it is new
        }
        if (key.previous == null) {
            eldest = key.next;
        } else {
            key.previous.next = key.next;
        }
        if (key.next == null) {
            youngest = key.previous;
        } else {
            key.next.previous = key.previous;
        }
        key.previous = null;
        key.next = null;
        unused--;
    }

    /** Forgets all keys, when the pool has terminated. Under the lock. Needs no memory. */
    void clear() {
        byHash.clear();
        eldest = null;
        youngest = null;
        unused = 0;
    }

    /** Returns the number of keys that the table has. From any thread. */
    int size() {
        return byHash.values().stream().mapToInt(each -> each.length).sum();
    }

    @Override
    public String toString() {
        return "KeyTable[" + size() + " keys]";
    }
}
