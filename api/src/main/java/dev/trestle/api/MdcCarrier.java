package dev.trestle.api;

import static java.util.Objects.requireNonNullElse;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/**
 * Carries the MDC of SLF4J, the entries that a logging system adds to each line of a thread. In use without being
 * registered, in programs that have SLF4J.
 */
public final class MdcCarrier implements ContextCarrier {

    private static final class Clearing implements Scope {
        @Override
        public void close() {
            MDC.clear();
        }
    }

    private record Restoring(Map<String, String> before) implements Scope {
        @Override
        public void close() {
            MDC.setContextMap(before);
        }
    }

    private record Entries(Map<String, String> entries, MdcCarrier carrier) implements Snapshot {
        @Override
        public Scope restore() {
            return carrier.restore(entries);
        }
    }

    private final Scope clearing = new Clearing();

    /**
     * Creates a carrier.
     *
     * @throws NoClassDefFoundError if this program has no SLF4J
     */
    public MdcCarrier() {
        var _ = MDC.getMDCAdapter();
    }

    @Override
    public Map<String, String> capture() {
        return requireNonNullElse(entries(), Map.of());
    }

    @Override
    public @Nullable Snapshot snapshot() {
        Map<String, String> entries = entries();
        return entries == null || entries.isEmpty() ? null : new Entries(entries, this);
    }

    @Override
    public Scope restore(Map<String, String> context) {
        Map<String, String> before = entries();
        Scope scope = before == null || before.isEmpty() ? clearing : new Restoring(before);
        if (!context.isEmpty()) {
            MDC.setContextMap(context);
        } else if (scope != clearing) {
            MDC.clear();
        }
        return scope;
    }

    /** Returns a copy of the entries of this thread; null if it never had any. */
    private static @Nullable Map<String, String> entries() {
        return MDC.getCopyOfContextMap();
    }

    @Override
    public String toString() {
        return "MdcCarrier";
    }
}
