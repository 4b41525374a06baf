package dev.trestle.loop.differential;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What CONTRIBUTING calls: compares this loop with asyncio on as many programs as one likes, or records asyncio's traces. */
final class DifferentialRun {

    private static final PrintStream out = System.out;

    private DifferentialRun() {}

    /** Arguments: {@code compare} or {@code record}, the first seed, how many, and the file to write. */
    public static void main(String[] arguments) {
        long first = Long.parseLong(arguments[1]);
        int count = Integer.parseInt(arguments[2]);
        if (arguments[0].equals("record")) {
            record(first, count, Path.of(arguments[3]));
        } else {
            compare(first, count);
        }
    }

    private static void compare(long first, int count) {
        try (var asyncio = new Asyncio()) {
            for (long seed = first; seed < first + count; seed++) {
                Optional<Difference> difference = Difference.shrunk(ProgramGenerator.program(seed), asyncio);
                if (difference.isPresent()) {
                    out.println("Seed " + seed + "\n" + difference.get());
                    System.exit(1);
                }
            }
        }
        out.println(count + " programs did the same here and on asyncio, from seed " + first);
    }

    private static void record(long first, int count, Path file) {
        var recordings = new ArrayList<Recording>();
        try (var asyncio = new Asyncio()) {
            for (long seed = first; seed < first + count; seed++) {
                List<Statement> program = ProgramGenerator.program(seed);
                recordings.add(new Recording(program, asyncio.trace(program)));
            }
        }
        Recording.write(recordings, file);
        out.println(count + " traces of asyncio in " + file);
    }
}
