package dev.trestle.processpool.wire;

import java.util.LinkedHashSet;
import java.util.Set;

/**
 * The options on which both sides of a connection agree.
 *
 * @param maxPayloadBytes the largest call or result, in bytes
 * @param outOfBandBytes the smallest size at which a primitive array travels out of band, without being copied
 * @param allowedTypes names of classes, and prefixes of packages that end in a dot, that a result may contain although
 *     its declared type does not name them
 */
public record WireOptions(long maxPayloadBytes, int outOfBandBytes, Set<String> allowedTypes) {

    /** The defaults: one gibibyte at most, arrays of 16 KiB or more out of band, no further types. */
    public static final WireOptions DEFAULT = new WireOptions(1L << 30, Set.of());

    /**
     * The largest depth to which data may nest, in arrays and objects of the format; a typed value takes two levels.
     */
    public static final int MAX_DEPTH = 1000;

    /** Checks the values. */
    public WireOptions {
        if (maxPayloadBytes < 1024 || maxPayloadBytes > 1L << 30) {
            throw new IllegalArgumentException(
                    "maxPayloadBytes must be between 1 KiB and 1 GiB: " + maxPayloadBytes + " bytes");
        }
        if (outOfBandBytes < 0) {
            throw new IllegalArgumentException("outOfBandBytes must not be negative: " + outOfBandBytes);
        }
        allowedTypes = Set.copyOf(allowedTypes);
    }

    /**
     * Creates options with the usual threshold for out-of-band arrays.
     *
     * @param maxPayloadBytes the largest call or result, in bytes; from 1 KiB to 1 GiB
     * @param allowedTypes further types that results may contain
     */
    public WireOptions(long maxPayloadBytes, Set<String> allowedTypes) {
        this(maxPayloadBytes, 16 << 10, allowedTypes);
    }

    /**
     * Returns these options with another limit.
     *
     * @param value the largest call or result, in bytes; from 1 KiB to 1 GiB
     * @return the new options
     */
    public WireOptions withMaxPayloadBytes(long value) {
        return new WireOptions(value, outOfBandBytes, allowedTypes);
    }

    /**
     * Returns these options with another threshold for out-of-band arrays.
     *
     * @param value the size in bytes
     * @return the new options
     */
    public WireOptions withOutOfBandBytes(int value) {
        return new WireOptions(maxPayloadBytes, value, allowedTypes);
    }

    /**
     * Returns these options with one more type that results may contain.
     *
     * @param value the name of a class, or the name of a package and a dot
     * @return the new options
     */
    public WireOptions withAllowedType(String value) {
        var all = new LinkedHashSet<>(allowedTypes);
        all.add(value);
        return new WireOptions(maxPayloadBytes, outOfBandBytes, all);
    }

    /** Returns whether the options name this class, or its package. */
    public boolean allows(Class<?> type) {
        String name = type.getName();
        for (String each : allowedTypes) {
            if (each.endsWith(".") ? name.startsWith(each) : name.equals(each)) {
                return true;
            }
        }
        return false;
    }
}
