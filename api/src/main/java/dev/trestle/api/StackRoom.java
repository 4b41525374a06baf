package dev.trestle.api;

/**
 * A check that the calling thread has stack left, made before a change that must not end halfway. The check costs some
 * nanoseconds, and throws the {@link StackOverflowError} that would have come later. For code that implements executors
 * and loops.
 */
public final class StackRoom {

    /*
     * Java tells no thread how much stack it has left, so the check uses some: the frame of a method with many local
     * variables. In the interpreter, each variable has its place. Compiled code has no place for variables that are
     * never used, but HotSpot's compilers check, where a method begins that calls others, that the interpreter's frames
     * of all that was inlined into it would fit as well, since they may have to go back to these. One large frame is
     * the most they check for: a recursion of such methods would not add up. The call in it must stay a call, or the
     * check is compiled away.
     */

    /** No compiler inlines so many levels of a recursion, or knows that it ends there, as {@link #more} may change. */
    private static final int CALLS = 3;

    /**
     * Always zero, but no constant. Without an initializer: where the stack ends, it would fail, and the class with it,
     * for good.
     */
    @SuppressWarnings("FieldMayBeFinal")
    private static int more;

    private StackRoom() {}

    /**
     * Requires 16 KiB of stack: enough for some steps in code that has run before, such as telling the listeners of a
     * promise.
     *
     * @throws StackOverflowError if there is less
     */
    public static void require() {
        LargeFrames.of16KiB(CALLS + more);
    }

    /**
     * Requires 64 KiB of stack: enough for initializing classes and linking call sites. Classes and call sites that
     * fail for lack of stack are unusable for good.
     *
     * @throws StackOverflowError if there is less
     */
    public static void requireForLinkage() {
        LargeFrames.of64KiB(CALLS + more);
    }
}
