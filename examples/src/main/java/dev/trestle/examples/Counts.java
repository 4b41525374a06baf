package dev.trestle.examples;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The contents of class files, in numbers. Counts can be added in any grouping, so a batch is counted like a whole JDK.
 *
 * @param classes the class files that hold a class, interface, enum, record or annotation
 * @param moduleDescriptors the class files that hold a module descriptor
 * @param interfaces the interfaces among the classes, without the annotations
 * @param annotations the annotations among the classes
 * @param enums the enums among the classes
 * @param records the records among the classes
 * @param sealedTypes the sealed classes and interfaces among the classes
 * @param methods the methods, with constructors and static initializers
 * @param fields the fields
 * @param instructions the instructions in all methods
 * @param lambdas the places where a lambda or method reference is made: calls of {@code LambdaMetafactory} by
 *     {@code invokedynamic}
 * @param versions the number of readable class files by their major version
 * @param largestMethods the largest methods, at most {@value #LARGEST}, largest first
 * @param packages the number of classes outside of a package that refer to it, by name of the package
 * @param unreadable the files and sources that could not be read
 */
record Counts(
        long classes,
        long moduleDescriptors,
        long interfaces,
        long annotations,
        long enums,
        long records,
        long sealedTypes,
        long methods,
        long fields,
        long instructions,
        long lambdas,
        Map<Integer, Long> versions,
        List<MethodSize> largestMethods,
        Map<String, Long> packages,
        List<Unreadable> unreadable) {

    /** The number of methods that are kept. */
    static final int LARGEST = 20;

    /** The counts of no class files. */
    static final Counts NONE = unreadable(List.of());

    /** Returns the counts of files that could not be read. */
    static Counts unreadable(List<Unreadable> unreadable) {
        return new Counts(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, Map.of(), List.of(), Map.of(), unreadable);
    }

    /** Returns the sum of these counts and others. */
    Counts plus(Counts other) {
        return new Counts(
                classes + other.classes,
                moduleDescriptors + other.moduleDescriptors,
                interfaces + other.interfaces,
                annotations + other.annotations,
                enums + other.enums,
                records + other.records,
                sealedTypes + other.sealedTypes,
                methods + other.methods,
                fields + other.fields,
                instructions + other.instructions,
                lambdas + other.lambdas,
                sum(versions, other.versions),
                largest(largestMethods, other.largestMethods),
                sum(packages, other.packages),
                concat(unreadable, other.unreadable));
    }

    /** Returns the number of class files that have been processed, readable or not. */
    long seen() {
        return classes + moduleDescriptors + unreadable.size();
    }

    private static <K> Map<K, Long> sum(Map<K, Long> left, Map<K, Long> right) {
        var sum = new HashMap<>(left);
        right.forEach((key, count) -> sum.merge(key, count, Long::sum));
        return sum;
    }

    private static List<MethodSize> largest(List<MethodSize> left, List<MethodSize> right) {
        return Stream.concat(left.stream(), right.stream())
                .sorted(MethodSize.LARGEST_FIRST)
                .limit(LARGEST)
                .toList();
    }

    private static <E> List<E> concat(List<E> left, List<E> right) {
        var all = new ArrayList<>(left);
        all.addAll(right);
        return all;
    }
}
