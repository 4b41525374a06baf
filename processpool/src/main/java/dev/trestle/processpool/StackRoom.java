package dev.trestle.processpool;

/**
 * The rest of the calling thread's stack. A caller may be deep in a recursion; what takes many steps and must not end half-way
 * with a StackOverflowError makes sure first that there is room for it. That costs a microsecond.
 */
final class StackRoom {

    /** A frame of {@link #descend} takes 90 bytes at least, once it is compiled. */
    private static final int ENOUGH = 150;

    private StackRoom() {}

    /**
     * Makes sure that there is room.
     *
     * @throws StackOverflowError if there is not
     */
    static void require() {
        var _ = descend(ENOUGH, 1, 2, 3, 4, 5, 6, 7, 8);
    }

    /** Returns whether there is room. */
    static boolean isThere() {
        try {
            require();
            return true;
        } catch (StackOverflowError e) {
            return false;
        }
    }

    /** Uses its arguments after the call, so that a compiler keeps them on the stack. */
    private static long descend(int depth, long a, long b, long c, long d, long e, long f, long g, long h) {
        if (depth == 0) {
            return a | b | c | d | e | f | g | h;
        }
        return descend(depth - 1, b, c, d, e, f, g, h, a) | a | b | c | d | e | f | g | h;
    }
}
