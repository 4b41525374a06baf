package dev.trestle.processpool.wire;

/** Where, in a stack trace of the worker, the user's code ends and ours begins. */
final class CallBoundary {

    private CallBoundary() {}

    /** Returns whether a frame is the one that entered the call: this frame and those after it are of no interest. */
    static boolean isBelow(StackTraceElement frame) {
        return frame.getClassName().startsWith(DecodedCall.class.getName())
                && frame.getMethodName().equals("run");
    }

    /** Returns whether a frame, the last one before the boundary, belongs to the way in. */
    static boolean isPlumbing(StackTraceElement frame) {
        String name = frame.getClassName();
        return name.startsWith("java.lang.invoke.")
                || name.startsWith("jdk.internal.reflect.")
                || name.startsWith("java.lang.reflect.")
                || name.startsWith(CallBoundary.class.getPackageName() + ".");
    }
}
