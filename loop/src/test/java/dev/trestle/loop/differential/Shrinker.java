package dev.trestle.loop.differential;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/** Makes a program that shows a difference smaller, as long as it shows one. */
final class Shrinker {

    /** Statements whose block does not run in their own task, where other statements are allowed. */
    private static final Set<Object> ELSEWHERE = Set.of("spawn", "eager", "spawnin", "soon", "later", "whendone");

    private final Predicate<List<Statement>> differs;

    Shrinker(Predicate<List<Statement>> differs) {
        this.differs = differs;
    }

    /** Drops and unwraps statements, one by one, until none is too many. */
    List<Statement> shrink(List<Statement> program) {
        List<Statement> smallest = program;
        boolean smaller = true;
        while (smaller) {
            smaller = false;
            for (List<Object> candidate : smallerThan(items(smallest))) {
                List<Statement> candidateProgram = Statement.block(candidate);
                if (differs.test(candidateProgram)) {
                    smallest = candidateProgram;
                    smaller = true;
                    break;
                }
            }
        }
        return smallest;
    }

    private static List<Object> items(List<Statement> program) {
        return program.stream().<Object>map(Statement::items).toList();
    }

    /**
     * Returns the block without each of its statements, with each replaced by its own blocks, and with each smaller.
     */
    private static List<List<Object>> smallerThan(List<?> block) {
        var candidates = new ArrayList<List<Object>>();
        for (int i = 0; i < block.size(); i++) {
            candidates.add(replaced(block, i, List.of()));
        }
        for (int i = 0; i < block.size(); i++) {
            List<?> statement = (List<?>) block.get(i);
            for (Object argument : statement) {
                if (Statement.isBlock(argument) && !ELSEWHERE.contains(statement.getFirst())) {
                    candidates.add(replaced(block, i, (List<?>) argument));
                }
            }
            for (int place = 0; place < statement.size(); place++) {
                if (Statement.isBlock(statement.get(place))) {
                    for (List<Object> inner : smallerThan((List<?>) statement.get(place))) {
                        candidates.add(replaced(block, i, List.of(replaced(statement, place, List.of(inner)))));
                    }
                }
            }
        }
        return candidates;
    }

    private static List<Object> replaced(List<?> list, int place, List<?> by) {
        var copy = new ArrayList<Object>(list);
        copy.remove(place);
        copy.addAll(place, by);
        return copy;
    }
}
