package dev.trestle.processpool.wire;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * An exception as data: what it says, where it was thrown, what caused it. Made from any {@link Throwable}, however
 * large, cyclic or broken it is; always small enough for a frame.
 *
 * @param className the name of its class
 * @param message its message, or null
 * @param stack its stack frames, innermost first
 * @param cause its cause, or null
 * @param suppressed the exceptions that it suppresses
 * @param state the values of its own fields, encoded; empty if it has none or they cannot travel
 * @param repeated whether it is an exception that occurs further up already: only its class and message are here
 */
@SuppressWarnings("ArrayRecordComponent") // the state is opaque, no code compares failures
public record Failure(
        String className,
        @Nullable String message,
        List<StackTraceElement> stack,
        @Nullable Failure cause,
        List<Failure> suppressed,
        byte[] state,
        boolean repeated) {

    /** The largest body of a frame that carries a failure. */
    public static final int MAX_BYTES = 4 << 20;

    /** The largest depth to which causes and suppressed exceptions may nest. */
    static final int MAX_DEPTH = 64;

    /** The largest depth to which exceptions may nest in the fields of other exceptions. */
    public static final int MAX_DEPTH_OF_STATE = 16;

    public static final byte[] NO_STATE = {};

    /** The most frames of a stack. */
    static final int MAX_FRAMES = 1024;

    /** The most suppressed exceptions of an exception. */
    static final int MAX_SUPPRESSED = 64;

    /** The most exceptions in one failure: causes, suppressed exceptions, and theirs. */
    static final int MAX_EXCEPTIONS = 1024;

    private static final int MAX_MESSAGE = 128 << 10;

    /** The most characters of the name of a class, a method, a file or a module. */
    static final int MAX_NAME = 1024;

    /** Copies the lists. */
    public Failure {
        stack = List.copyOf(stack);
        suppressed = List.copyOf(suppressed);
    }

    /**
     * Takes an exception apart. Never throws, whatever the exception's own methods do.
     *
     * @param exception any exception
     * @return the failure; its stack ends where the call was entered
     */
    public static Failure of(Throwable exception) {
        return of(exception, each -> NO_STATE);
    }

    /** Does the same as {@link #of(Throwable)}, with a function that encodes an exception's own fields. */
    public static Failure of(Throwable exception, Function<Throwable, byte[]> state) {
        return new Taker(state).take(exception, 0);
    }

    /**
     * Returns the failure as a stack trace, as {@link Throwable#printStackTrace()} would print it.
     *
     * @return many lines
     */
    public String stackTraceText() {
        var text = new StringBuilder();
        print(text, "", "");
        return text.toString();
    }

    private void print(StringBuilder text, String indent, String caption) {
        text.append(indent).append(caption).append(headline()).append('\n');
        for (StackTraceElement each : stack) {
            text.append(indent).append("\tat ").append(each).append('\n');
        }
        for (Failure each : suppressed) {
            each.print(text, indent + "\t", "Suppressed: ");
        }
        if (cause != null) {
            cause.print(text, indent, "Caused by: ");
        }
    }

    /**
     * Returns class and message, as {@link Throwable#toString()} does, with control characters shown.
     *
     * @return the first line of the stack trace, or more if the message has lines
     */
    public String headline() {
        String line = ShownText.text(message == null ? className : className + ": " + message);
        return repeated ? "[again: " + line + "]" : line;
    }

    @Override
    public String toString() {
        return "Failure[" + headline() + "]";
    }

    /** Takes one exception apart, with a budget over all its causes. */
    private static final class Taker {

        private final Function<Throwable, byte[]> stateOf;
        private final Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        private int budget = 400_000;
        private int exceptions;

        Taker(Function<Throwable, byte[]> stateOf) {
            this.stateOf = stateOf;
        }

        Failure take(Throwable exception, int depth) {
            String name = cut(exception.getClass().getName(), MAX_NAME);
            String message = message(exception);
            exceptions++;
            if (!seen.add(exception)) {
                return new Failure(name, message, List.of(), null, List.of(), NO_STATE, true);
            }
            List<StackTraceElement> stack = stack(exception);
            byte[] state = state(exception);
            Failure cause = null;
            var suppressed = new ArrayList<Failure>();
            if (depth < MAX_DEPTH - 1 && budget > 0) {
                Throwable causedBy = cause(exception);
                if (causedBy != null && exceptions < MAX_EXCEPTIONS) {
                    cause = take(causedBy, depth + 1);
                }
                Throwable[] all = suppressed(exception);
                int most = Math.min(all.length, MAX_SUPPRESSED);
                for (int i = 0; i < most && budget > 0 && exceptions < MAX_EXCEPTIONS; i++) {
                    suppressed.add(take(all[i], depth + 1));
                }
            }
            return new Failure(name, message, stack, cause, suppressed, state, false);
        }

        private @Nullable String message(Throwable exception) {
            String message;
            try {
                message = exception.getMessage();
            } catch (Throwable e) { // getMessage is the user's code; a message about it is all that is left
                message = "(its getMessage() threw " + e.getClass().getName() + ")";
            }
            return message == null ? null : cut(message, MAX_MESSAGE);
        }

        private @Nullable Throwable cause(Throwable exception) {
            try {
                return exception.getCause();
            } catch (Throwable e) { // the user's code again: what it threw takes the place of the cause
                return e;
            }
        }

        private static Throwable[] suppressed(Throwable exception) {
            try {
                return exception.getSuppressed();
            } catch (Throwable e) { // the memory or the stack ends; the rest of the exception is what matters
                return new Throwable[0];
            }
        }

        /** The user's code once more: it may throw, or say nothing where something has to be. */
        private static StackTraceElement[] stackTrace(Throwable exception) {
            try {
                StackTraceElement[] all = exception.getStackTrace();
                if (all != null && !Arrays.asList(all).contains(null)) {
                    return all;
                }
            } catch (Throwable e) { // as below
                return new StackTraceElement[0];
            }
            return new StackTraceElement[0];
        }

        private List<StackTraceElement> stack(Throwable exception) {
            StackTraceElement[] all = stackTrace(exception);
            int length = Math.min(all.length, MAX_FRAMES);
            var stack = new ArrayList<StackTraceElement>(Math.min(length, 64));
            for (int i = 0; i < length && budget > 0; i++) {
                if (CallBoundary.isEntry(all[i])) {
                    while (!stack.isEmpty() && CallBoundary.isWayIn(stack.getLast())) {
                        stack.removeLast();
                    }
                    break;
                }
                stack.add(cut(all[i]));
            }
            return stack;
        }

        private StackTraceElement cut(StackTraceElement frame) {
            String file = frame.getFileName();
            String module = frame.getModuleName();
            return new StackTraceElement(
                    null,
                    module == null ? null : cut(module, MAX_NAME),
                    null,
                    cut(frame.getClassName(), MAX_NAME),
                    cut(frame.getMethodName(), MAX_NAME),
                    file == null ? null : cut(file, MAX_NAME),
                    frame.getLineNumber());
        }

        private byte[] state(Throwable exception) {
            byte[] state;
            try {
                state = stateOf.apply(exception);
            } catch (Throwable e) { // of a field that is traversed: without its state the exception gets a stand-in
                return NO_STATE;
            }
            if (state.length > budget) {
                return NO_STATE;
            }
            budget -= state.length;
            return state;
        }

        private String cut(String text, int limit) {
            int allowed = Math.min(limit, Math.max(budget, 64));
            String shortened = text.length() <= allowed
                    ? text
                    : text.substring(0, allowed - 40) + "... (" + (text.length() - allowed + 40) + " more characters)";
            budget -= shortened.length();
            return shortened;
        }
    }
}
