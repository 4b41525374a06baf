package dev.trestle.loop.differential;

import java.util.List;

/**
 * A statement of a program: a name, and numbers, lists of numbers and blocks of statements.
 *
 * @param items the name, then the arguments
 */
record Statement(List<Object> items) {

    Statement {
        items = List.copyOf(items);
    }

    /** Returns the statements of a block, which is a list of lists. */
    static List<Statement> block(List<?> statements) {
        return statements.stream().map(Statement::of).toList();
    }

    @SuppressWarnings("unchecked") // a list holds objects
    private static Statement of(Object statement) {
        return new Statement((List<Object>) statement);
    }

    String name() {
        return (String) items.getFirst();
    }

    int number(int place) {
        return (Integer) items.get(place);
    }

    @SuppressWarnings("unchecked") // the language says what stands where
    List<Integer> numbers(int place) {
        return (List<Integer>) items.get(place);
    }

    List<Statement> block(int place) {
        return block((List<?>) items.get(place));
    }

    /** Returns the blocks that are not empty. */
    List<List<Statement>> blocks() {
        return items.stream()
                .filter(Statement::isBlock)
                .map(item -> block((List<?>) item))
                .toList();
    }

    /** Returns whether an argument is a block that is not empty. */
    static boolean isBlock(Object item) {
        return item instanceof List<?> list && !list.isEmpty() && list.getFirst() instanceof List<?>;
    }

    @Override
    public String toString() {
        return Json.write(items);
    }
}
