package dev.trestle.loop.differential;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The program behind the commands of CONTRIBUTING: compares this loop with asyncio on any number of programs, or
 * records asyncio's traces.
 */
final class DifferentialRun {

    private static final PrintStream out = System.out;

    /** The number of new steps that a program must show to be recorded. */
    private static final int ENOUGH = 6;

    private DifferentialRun() {}

    /**
     * Arguments: {@code compare} or {@code record}, the first seed, how many, and the file to write. Of those to
     * record, the ones remain that show something new.
     */
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
        var steps = new HashSet<String>();
        try (var asyncio = new Asyncio()) {
            for (List<Statement> corner : Recording.corners()) {
                recordings.add(new Recording(corner, asyncio.trace(corner)));
            }
            for (long seed = first; seed < first + count; seed++) {
                List<Statement> program = ProgramGenerator.program(seed);
                var recording = new Recording(program, asyncio.trace(program));
                if (newSteps(recording, steps) >= ENOUGH) {
                    recordings.add(recording);
                }
            }
        }
        Recording.write(recordings, file);
        out.println(recordings.size() + " traces of asyncio in " + file);
    }

    /** Returns how many steps, two lines without their numbers, a trace has that none before it had. */
    private static int newSteps(Recording recording, Set<String> steps) {
        List<String> lines = recording.trace().stream()
                .map(line -> line.replaceAll("[0-9]+", ""))
                .toList();
        int before = steps.size();
        for (int i = 1; i < lines.size(); i++) {
            steps.add(lines.get(i - 1) + "\n" + lines.get(i));
        }
        return steps.size() - before;
    }
}
