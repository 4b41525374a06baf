package dev.trestle.examples;

import java.util.Comparator;

/**
 * The size of a method.
 *
 * @param method its class, name and descriptor, such as {@code java.lang.String.indexOf(int,int)int}
 * @param bytes the bytes of its code
 * @param instructions the instructions these bytes are
 */
record MethodSize(String method, int bytes, int instructions) {

    /**
     * The order with the larger method first. A total order, so that the largest methods do not depend on the order of
     * counting.
     */
    static final Comparator<MethodSize> LARGEST_FIRST = Comparator.comparingInt(MethodSize::bytes)
            .reversed()
            .thenComparing(MethodSize::method)
            .thenComparingInt(MethodSize::instructions);
}
