package dev.trestle.processpool.jvm;

import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** The depth of this JVM in a tree of pools whose workers open pools: 0 in a program, 1 in its workers. */
public final class Nesting {

    private static final String VARIABLE = "TRESTLE_WORKER_DEPTH";

    /** The greatest depth. A pool in a worker makes sense; pools at greater depths are a recursion without end. */
    private static final int DEEPEST = 3;

    private Nesting() {}

    /** Returns the depth of this JVM. */
    public static int depth() {
        return depth(System.getenv(VARIABLE));
    }

    public static int depth(@Nullable String mark) {
        return mark != null && mark.matches("\\d{1,4}") ? Integer.parseInt(mark) : 0;
    }

    /**
     * Returns the depth of the workers of a pool that is opened at a depth.
     *
     * @throws IllegalStateException if that is too deep
     */
    public static int below(int depth) {
        if (depth >= DEEPEST) {
            throw new IllegalStateException(
                    "Cannot open a process pool here: this JVM is a worker of a worker of a worker ("
                            + depth
                            + " levels below the program). A call that opens a pool and submits itself never ends;"
                            + " open the pool in the program, and submit from there.");
        }
        return depth + 1;
    }

    static void mark(BiConsumer<String, @Nullable String> environment, int depth) {
        environment.accept(VARIABLE, Integer.toString(depth));
    }
}
