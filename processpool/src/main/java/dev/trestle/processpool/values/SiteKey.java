package dev.trestle.processpool.values;

import java.nio.ByteBuffer;

/**
 * A site as it came, with the hash that its sender found: comparing bytes is cheap, hashing them for each call is not.
 * A map of comparable keys keeps those with the same hash in a tree, so a look-up is fast whatever hashes come.
 */
record SiteKey(int hash, ByteBuffer bytes) implements Comparable<SiteKey> {

    @Override
    public int hashCode() {
        return hash;
    }

    @Override
    public int compareTo(SiteKey other) {
        int order = Integer.compare(hash, other.hash);
        return order == 0 ? bytes.compareTo(other.bytes) : order;
    }
}
