package dev.trestle.processpool;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A program that uses a pool, in whatever way it is packaged and started. */
public final class PackagedProgram {

    private PackagedProgram() {}

    record Point(int x, List<String> names) {}

    /** Writes what it has to say into the file that is its argument. */
    public static void main(String[] arguments) throws Exception {
        Files.writeString(Path.of(arguments[0]), answer());
    }

    static String answer() {
        var point = new Point(6, List.of("a"));
        try (var pool = TestPools.plain(1).aotCache(false).build()) {
            Point there =
                    pool.submit(() -> new Point(point.x() * 7, point.names())).result();
            return there + " from a "
                    + pool.submit(() -> loaderOf(PackagedProgram.class)).result() + " to a "
                    + loaderOf(there.getClass());
        } catch (IllegalStateException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static String loaderOf(Class<?> type) {
        return type.getClassLoader().getClass().getSimpleName();
    }
}
