package dev.trestle.examples;

import java.util.Comparator;

/**
 * How large a method is.
 *
 * @param method its class, name and descriptor, such as {@code java.lang.String.indexOf(int,int)int}
 * @param bytes the bytes of its code
 * @param instructions the instructions these bytes are
 */
record MethodSize(String method, int bytes, int instructions) {

    /** The larger first. A total order, so that the largest ones do not depend on the order of counting. */
    static final Comparator<MethodSize> LARGEST_FIRST = Comparator.comparingInt(MethodSize::bytes)
            .reversed()
            .thenComparing(MethodSize::method)
            .thenComparingInt(MethodSize::instructions);
}
