package dev.trestle.processpool.values;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A site as it came over the wire, as a key. Its hash depends on numbers that only this JVM knows, so its sender cannot
 * choose it; a hash map finds keys with the same hash by their order.
 *
 * @param hash the hash of the bytes
 * @param bytes the name of the site; no code writes to them any more
 */
record SiteKey(int hash, ByteBuffer bytes) implements Comparable<SiteKey> {

    private static final long SEED = ThreadLocalRandom.current().nextLong();
    private static final long FACTOR = ThreadLocalRandom.current().nextLong() | 1;
    private static final int ROTATION = 31;

    static SiteKey of(ByteBuffer bytes) {
        return new SiteKey(hashOf(bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN)), bytes);
    }

    private static int hashOf(ByteBuffer bytes) {
        long hash = SEED + bytes.remaining();
        while (bytes.remaining() >= Long.BYTES) {
            hash = mixed(hash, bytes.getLong());
        }
        while (bytes.hasRemaining()) {
            hash = mixed(hash, bytes.get());
        }
        return Long.hashCode(mixed(hash, 0));
    }

    private static long mixed(long hash, long next) {
        return Long.rotateLeft((hash ^ next) * FACTOR, ROTATION);
    }

    @Override
    public int hashCode() {
        return hash;
    }

    @Override
    public int compareTo(SiteKey other) {
        return bytes.compareTo(other.bytes);
    }
}
