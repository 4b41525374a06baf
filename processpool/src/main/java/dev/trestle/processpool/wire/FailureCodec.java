package dev.trestle.processpool.wire;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes failures into the bodies of frames and reads them. */
public final class FailureCodec {

    private FailureCodec() {}

    public static void write(Failure failure, BodyWriter to) {
        to.string(failure.className());
        to.nullableString(failure.message());
        to.number(failure.stack().size());
        for (StackTraceElement each : failure.stack()) {
            to.string(each.getClassName());
            to.string(each.getMethodName());
            to.nullableString(each.getFileName());
            to.nullableString(each.getModuleName());
            to.number(each.getLineNumber());
        }
        to.bytes(failure.state());
        to.flag(failure.repeated());
        Failure cause = failure.cause();
        to.flag(cause != null);
        if (cause != null) {
            write(cause, to);
        }
        to.number(failure.suppressed().size());
        for (Failure each : failure.suppressed()) {
            write(each, to);
        }
    }

    /**
     * Reads a failure. The sender is not trusted: no more exceptions, frames and characters of names come than
     * {@link Failure#of(Throwable)} takes. Names of classes, methods and files are shown, see {@link ShownText}; a
     * message is as it was, since the exception is made again with it.
     *
     * @param from the bytes that contain it
     * @return the failure
     * @throws ProtocolException if it is none, or is larger than any that was taken from an exception
     */
    public static Failure read(BodyReader from) throws ProtocolException {
        return new Reading(from).failure(0);
    }

    /** One failure being read. */
    private static final class Reading {

        /** No failure and no stack frame is shorter than this: a count can be checked before its list is made. */
        private static final int MIN_BYTES = 15;

        private final BodyReader from;
        private int exceptions;

        Reading(BodyReader from) {
            this.from = from;
        }

        Failure failure(int depth) throws ProtocolException {
            if (depth >= Failure.MAX_DEPTH) {
                throw new ProtocolException("A failure has more than " + Failure.MAX_DEPTH + " nested causes");
            }
            exceptions++;
            if (exceptions > Failure.MAX_EXCEPTIONS) {
                throw new ProtocolException("A failure has more than " + Failure.MAX_EXCEPTIONS + " exceptions");
            }
            String className = name(from.string());
            String message = from.nullableString();
            List<StackTraceElement> stack = stack();
            byte[] state = from.bytes();
            boolean repeated = from.flag();
            Failure cause = from.flag() ? failure(depth + 1) : null;
            int count = count(Failure.MAX_SUPPRESSED, "suppressed exceptions");
            var suppressed = new ArrayList<Failure>(count);
            for (int i = 0; i < count; i++) {
                suppressed.add(failure(depth + 1));
            }
            return new Failure(className, message, stack, cause, suppressed, state, repeated);
        }

        private List<StackTraceElement> stack() throws ProtocolException {
            int count = count(Failure.MAX_FRAMES, "stack frames");
            var stack = new ArrayList<StackTraceElement>(count);
            for (int i = 0; i < count; i++) {
                String className = name(from.string());
                String method = name(from.string());
                @Nullable String file = nullableName(from.nullableString());
                @Nullable String module = nullableName(from.nullableString());
                stack.add(new StackTraceElement(null, module, null, className, method, file, from.number()));
            }
            return stack;
        }

        private int count(int most, String what) throws ProtocolException {
            int count = from.count(MIN_BYTES);
            if (count > most) {
                throw new ProtocolException("A failure has " + count + " " + what + ", and may have " + most);
            }
            return count;
        }

        private static @Nullable String nullableName(@Nullable String name) throws ProtocolException {
            return name == null ? null : name(name);
        }

        private static String name(String name) throws ProtocolException {
            if (name.length() > Failure.MAX_NAME) {
                throw new ProtocolException(
                        "A failure has a name of " + name.length() + " characters, and may have " + Failure.MAX_NAME);
            }
            return ShownText.line(name);
        }
    }
}
