package dev.trestle.loop.differential;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A program that does not do the same on both.
 *
 * @param program the program
 * @param expected the trace of asyncio
 * @param actual the trace of this loop
 */
record Difference(List<Statement> program, List<String> expected, List<String> actual) {

    /** Returns a small program that differs, if the given one does. */
    static Optional<Difference> shrunk(List<Statement> program, Asyncio asyncio) {
        Optional<Difference> difference = of(program, asyncio);
        var shrinker = new Shrinker(candidate -> of(candidate, asyncio).isPresent());
        return difference.map(found -> of(shrinker.shrink(program), asyncio).orElse(found));
    }

    private static Optional<Difference> of(List<Statement> program, Asyncio asyncio) {
        return of(program, asyncio.trace(program));
    }

    /** Compares with a trace. */
    static Optional<Difference> of(List<Statement> program, List<String> expected) {
        List<String> actual = Interpreter.trace(program);
        return expected.equals(actual) ? Optional.empty() : Optional.of(new Difference(program, expected, actual));
    }

    /** The program, indented, and both traces beside each other. */
    @Override
    public String toString() {
        var lines = new ArrayList<String>();
        lines.add("This program does not do the same here and on asyncio:");
        print(program, "    ", lines);
        lines.add("as JSON: " + program);
        lines.add("%-40s | %s".formatted("asyncio", "here"));
        for (int i = 0; i < Math.max(expected.size(), actual.size()); i++) {
            String left = i < expected.size() ? expected.get(i) : "";
            String right = i < actual.size() ? actual.get(i) : "";
            lines.add("%-40s %s %s".formatted(left, left.equals(right) ? "|" : "#", right));
        }
        return String.join("\n", lines);
    }

    private static void print(List<Statement> block, String indent, List<String> lines) {
        for (Statement statement : block) {
            lines.add(indent
                    + statement.items().stream()
                            .map(item -> Statement.isBlock(item) ? "{..}" : String.valueOf(item))
                            .collect(Collectors.joining(" ")));
            statement.blocks().forEach(inner -> print(inner, indent + "    ", lines));
        }
    }
}
