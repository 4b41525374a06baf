package dev.trestle.loop;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Stack traces without the frames of the loop, which all of them have in common. */
final class Stacks {

    /** The classes between a task and the user's coroutine. */
    private static final List<String> CALLED_BY_TASK = List.of(ActionCoroutine.class.getName());

    /** The classes between the code that creates a task and the code that asks for its place. */
    private static final List<String> CREATORS = List.of(
            Stacks.class.getName(),
            DebugMode.class.getName(),
            CreationSite.class.getName(),
            Task.class.getName(),
            ClassValue.class.getName(),
            EventLoop.class.getName(),
            Runner.class.getName(),
            TaskFactory.class.getName(),
            Async.class.getName(),
            TaskGroup.class.getName());

    private static final int CREATION_DEPTH = 10;

    private Stacks() {}

    /** Returns the stack of a thread that runs callbacks, or one coroutine; the innermost call first. */
    static List<StackTraceElement> of(Thread thread) {
        return of(thread, 0);
    }

    /**
     * Returns the stack of a coroutine, the innermost call first; empty if there is no such coroutine.
     *
     * @param thread the thread that runs it
     * @param depth the number of coroutines below it on the stack of the thread
     */
    static List<StackTraceElement> of(Thread thread, int depth) {
        List<StackTraceElement> frames = Arrays.asList(thread.getStackTrace());
        int end = frames.size() - 1;
        int below = depth;
        while (end >= 0 && (!isCoroutine(frames.get(end)) || below > 0)) {
            if (isCoroutine(frames.get(end))) {
                below--;
            }
            end--;
        }
        if (end < 0 && depth > 0) {
            return List.of();
        }
        if (end < 0) {
            end = 0;
            while (end < frames.size() && !isBottom(frames.get(end))) {
                end++;
            }
        }
        while (end > 0 && isOf(CALLED_BY_TASK, frames.get(end - 1))) {
            end--;
        }
        // Above its way into the baton, a coroutine is parked, or about to be.
        int begin = end;
        while (begin > 0 && !isOf(List.of(Baton.class.getName()), frames.get(begin - 1))) {
            begin--;
        }
        while (begin > 0 && begin < end && isOf(List.of(Task.class.getName()), frames.get(begin))) {
            begin++;
        }
        return List.copyOf(frames.subList(begin, end));
    }

    /** Returns whether a thread that has the baton has not gone on since it was given that, or has not begun. */
    static boolean isWaitingForTheBaton(Thread thread) {
        StackTraceElement[] frames = thread.getStackTrace();
        for (StackTraceElement frame : frames) {
            if (frame.getClassName().equals(Baton.class.getName())
                    && frame.getMethodName().startsWith("waitAs")) {
                return true;
            }
        }
        return frames.length == 0;
    }

    /** Returns whether this is what runs a coroutine. */
    private static boolean isCoroutine(StackTraceElement frame) {
        return frame.getClassName().equals(Task.Start.class.getName())
                && frame.getMethodName().equals("run");
    }

    /** Returns whether this is what runs a coroutine or a callback. */
    private static boolean isBottom(StackTraceElement frame) {
        String type = frame.getClassName();
        return isCoroutine(frame)
                || (type.equals(CallbackRunner.class.getName())
                        && frame.getMethodName().equals("run"))
                || type.equals(LoopRun.class.getName());
    }

    private static boolean isOf(List<String> types, StackTraceElement frame) {
        String type = frame.getClassName();
        int nested = type.indexOf('$');
        return types.contains(nested < 0 ? type : type.substring(0, nested));
    }

    /**
     * Returns the place in the source of the coroutine that an exception has left: as a rule, the lambda in the call of
     * createTask. That costs nothing before there is an exception.
     */
    static Optional<StackTraceElement> coroutineOf(Throwable exception) {
        StackTraceElement[] frames = exception.getStackTrace();
        int end = 0;
        while (end < frames.length && !isBottom(frames[end])) {
            end++;
        }
        while (end > 0 && isOf(CALLED_BY_TASK, frames[end - 1])) {
            end--;
        }
        return end == 0 || end == frames.length ? Optional.empty() : Optional.of(frames[end - 1]);
    }

    /** Returns the calls that create a task here: the innermost ones outside of the loop's own code. */
    static List<StackWalker.StackFrame> creators() {
        return StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE)
                .walk(frames -> frames.dropWhile(frame -> isOf(CREATORS, frame.toStackTraceElement()))
                        .takeWhile(frame -> !isBottom(frame.toStackTraceElement()))
                        .limit(CREATION_DEPTH)
                        .toList());
    }

    /** Returns {@link #creators} in words. */
    static List<StackTraceElement> ofCreation() {
        return creators().stream()
                .map(StackWalker.StackFrame::toStackTraceElement)
                .toList();
    }

    /** Returns the frames as lines, each begun by a new line and a prefix. */
    static String text(List<StackTraceElement> frames, String prefix) {
        var text = new StringBuilder();
        frames.forEach(frame -> text.append('\n').append(prefix).append(frame));
        return text.toString();
    }
}
