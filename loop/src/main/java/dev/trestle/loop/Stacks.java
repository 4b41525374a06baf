package dev.trestle.loop;

import java.util.Arrays;
import java.util.List;

/** Stack traces without the machinery that all of them have in common. */
final class Stacks {

    /** The frames between the suspended coroutine and its thread, which is parked. */
    private static final List<String> BELOW_THE_WAIT =
            List.of(Baton.class.getName(), HandOver.class.getName(), Task.class.getName());

    private static final List<String> CREATORS = List.of(
            Debugging.class.getName(),
            EventLoop.class.getName(),
            TaskFactory.class.getName(),
            Async.class.getName(),
            TaskGroup.class.getName());

    private static final int CREATION_DEPTH = 10;

    private Stacks() {}

    /** Returns the stack of a thread that runs a coroutine or callbacks, the innermost call first. */
    static List<StackTraceElement> of(Thread thread) {
        List<StackTraceElement> frames = Arrays.asList(thread.getStackTrace());
        int end = 0;
        while (end < frames.size() && !isBottom(frames.get(end))) {
            end++;
        }
        while (end > 0 && frames.get(end - 1).getClassName().equals(Action.class.getName())) {
            end--;
        }
        int begin = 0;
        while (begin < end && isOfTheJdk(frames.get(begin))) {
            begin++;
        }
        if (begin == end || !frames.get(begin).getClassName().startsWith(Baton.class.getName())) {
            begin = 0; // not suspended by the loop: what it calls is what one wants to know
        }
        while (begin < end && isOf(BELOW_THE_WAIT, frames.get(begin))) {
            begin++;
        }
        return List.copyOf(frames.subList(begin, end));
    }

    private static boolean isBottom(StackTraceElement frame) {
        String type = frame.getClassName();
        return (type.equals(Task.class.getName()) && frame.getMethodName().equals("live"))
                || (type.equals(EventLoop.class.getName())
                        && frame.getMethodName().equals("run"))
                || type.equals(Driving.class.getName());
    }

    private static boolean isOfTheJdk(StackTraceElement frame) {
        String type = frame.getClassName();
        return type.startsWith("java.") || type.startsWith("jdk.");
    }

    private static boolean isOf(List<String> types, StackTraceElement frame) {
        String type = frame.getClassName();
        int nested = type.indexOf('$');
        return types.contains(nested < 0 ? type : type.substring(0, nested));
    }

    /** Returns who creates something here: the innermost calls outside of the loop's own code. */
    static List<StackTraceElement> ofCreation() {
        return StackWalker.getInstance()
                .walk(frames -> frames.map(StackWalker.StackFrame::toStackTraceElement)
                        .skip(1)
                        .dropWhile(frame -> isOf(CREATORS, frame))
                        .takeWhile(frame -> !isBottom(frame))
                        .limit(CREATION_DEPTH)
                        .toList());
    }

    /** Returns the frames as lines, each begun by a new line and a prefix. */
    static String text(List<StackTraceElement> frames, String prefix) {
        var text = new StringBuilder();
        frames.forEach(frame -> text.append('\n').append(prefix).append(frame));
        return text.toString();
    }
}
