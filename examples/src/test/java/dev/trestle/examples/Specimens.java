package dev.trestle.examples;

import java.io.IOException;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;
import java.util.function.Supplier;

/** Class files to count: handmade ones, whose parts are known, and well-known ones of the JDK. */
final class Specimens {

    /** Classes of every kind, with switches, lambdas and code in all its forms. */
    private static final List<String> JDK = List.of(
            "java/lang/String",
            "java/lang/Thread$State",
            "java/lang/FunctionalInterface",
            "java/lang/constant/ConstantDesc",
            "java/lang/reflect/Executable$ParameterData",
            "java/util/Formatter",
            "java/util/HashMap",
            "java/util/concurrent/ConcurrentHashMap",
            "java/util/stream/Collectors");

    private Specimens() {}

    /** Copies class files of the JDK into a directory; returns the copies. */
    static List<Path> copyTo(Path directory) throws IOException {
        var copies = new ArrayList<Path>();
        for (String name : JDK) {
            Path copy = directory.resolve(name + ".class");
            Files.createDirectories(copy.getParent());
            Files.copy(Path.of(URI.create("jrt:/java.base")).resolve(name + ".class"), copy);
            copies.add(copy);
        }
        return copies;
    }

    static Counts count(Class<?>... types) throws IOException {
        var files = new ArrayList<ClassBytes>();
        for (Class<?> type : types) {
            files.add(new ClassBytes(type.getName(), bytes(type)));
        }
        return ClassParser.parse(new Batch(files, List.of()));
    }

    static byte[] bytes(Class<?> type) throws IOException {
        try (var file = type.getResourceAsStream("/" + type.getName().replace('.', '/') + ".class")) {
            if (file == null) {
                throw new IllegalArgumentException("No class file of " + type);
            }
            return file.readAllBytes();
        }
    }

    @Retention(RetentionPolicy.RUNTIME)
    @interface Marker {}

    enum Color {
        RED,
        GREEN
    }

    record Point(int x, int y) {}

    sealed interface Shape permits Circle, Square {}

    static final class Circle implements Shape {}

    static final class Square implements Shape {}

    /** Three fields, five methods with the constructor, and the methods of its two lambdas that are no references. */
    static class Lambdas {
        final Supplier<String> text = () -> "text";
        final IntUnaryOperator next = number -> number + 1;
        final Function<String, Integer> length = String::length;

        int one() {
            return 1;
        }

        static String concatenated(String left, int right) {
            return left + right;
        }
    }
}
