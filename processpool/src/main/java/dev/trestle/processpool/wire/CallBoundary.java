package dev.trestle.processpool.wire;

/** A marker of the frame in a worker's stack trace where the user's code ends and ours begins. */
final class CallBoundary {

    private static final String ENTRY = "dev.trestle.processpool.values.DecodedCall";

    private CallBoundary() {}

    /** Returns whether a frame is the one that entered the call: this frame and those after it are of no interest. */
    static boolean isEntry(StackTraceElement frame) {
        return frame.getClassName().equals(ENTRY) && frame.getMethodName().equals("run");
    }

    /** Returns whether a frame lies between the entry and the user's code. */
    static boolean isWayIn(StackTraceElement frame) {
        String name = frame.getClassName();
        return name.startsWith(ENTRY) || name.startsWith("java.lang.invoke.");
    }
}
