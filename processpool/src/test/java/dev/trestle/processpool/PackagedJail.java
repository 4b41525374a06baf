package dev.trestle.processpool;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A program that runs a call and another program in a sandbox, in whatever way it is packaged and started. */
public final class PackagedJail {

    private PackagedJail() {}

    record Point(int x, List<String> names) {}

    /** The program that the pool runs. */
    static final class Inner {
        @SuppressWarnings("SystemOut") // how it answers
        public static void main(String[] arguments) {
            System.out.print(new Point(7, List.of(arguments)) + " from a " + loader());
            System.exit(3);
        }
    }

    /**
     * Writes what it has to say into the file that is its argument, which the sandbox hides. On a machine that can make
     * no sandbox it does without.
     */
    public static void main(String[] arguments) throws Exception {
        var builder = TestPools.plain(1).aotCache(false);
        if (Sandbox.support().isAvailable()) {
            builder.sandbox(Sandbox.strict());
        }
        var point = new Point(6, List.of("a"));
        String answers = Files.createFile(Path.of(arguments[0])).toString();
        try (var pool = builder.build()) {
            Files.writeString(
                    Path.of(answers),
                    pool.submit(() -> new Point(point.x() * 7, point.names())).result() + " from a "
                            + pool.submit(() -> loader()).result() + "\n"
                            + pool.runMain(Inner.class, "b").result() + "\n"
                            + "hidden: "
                            + pool.submit(() -> !Files.exists(Path.of(answers))).result());
        }
    }

    private static String loader() {
        return PackagedJail.class.getClassLoader().getClass().getSimpleName();
    }
}
