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
     * Reads a failure. Names of classes, methods and files are shown, see {@link ShownText}; a message is as it was,
     * since the exception is made again with it.
     */
    public static Failure read(BodyReader from) throws ProtocolException {
        return read(from, 0);
    }

    private static Failure read(BodyReader from, int depth) throws ProtocolException {
        if (depth >= Failure.MAX_DEPTH) {
            throw new ProtocolException("A failure has more than " + Failure.MAX_DEPTH + " nested causes");
        }
        String className = ShownText.line(from.string());
        String message = from.nullableString();
        List<StackTraceElement> stack = stack(from);
        byte[] state = from.bytes();
        boolean repeated = from.flag();
        Failure cause = from.flag() ? read(from, depth + 1) : null;
        int count = from.count(MIN_BYTES);
        var suppressed = new ArrayList<Failure>(count);
        for (int i = 0; i < count; i++) {
            suppressed.add(read(from, depth + 1));
        }
        return new Failure(className, message, stack, cause, suppressed, state, repeated);
    }

    /** No failure and no stack frame is shorter than this: a count can be checked before its list is made. */
    private static final int MIN_BYTES = 15;

    private static List<StackTraceElement> stack(BodyReader from) throws ProtocolException {
        int count = from.count(MIN_BYTES);
        var stack = new ArrayList<StackTraceElement>(count);
        for (int i = 0; i < count; i++) {
            String className = ShownText.line(from.string());
            String method = ShownText.line(from.string());
            @Nullable String file = shownOrNull(from.nullableString());
            @Nullable String module = shownOrNull(from.nullableString());
            stack.add(new StackTraceElement(null, module, null, className, method, file, from.number()));
        }
        return stack;
    }

    private static @Nullable String shownOrNull(@Nullable String name) {
        return name == null ? null : ShownText.line(name);
    }
}
