package dev.trestle.api;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The context of a thread in all of its {@link ContextCarrier}s, on the way to another thread. For code that implements
 * executors and loops: {@code capture} where code is handed over, {@code restore} around that code where it runs.
 *
 * <p>Immutable. Nothing here throws what a carrier throws, except errors of the JVM that {@code capture} meets.
 */
public final class CarriedContext {

    /*
     * A snapshot per carrier, at the carrier's place; null where that one had nothing. A thread that carries nothing
     * gets a constant, so that a submission without a context allocates nothing. It is restored like any other: the
     * code that runs must not see what its thread has from elsewhere, nor leave anything behind.
     *
     * Scopes are opened and closed around the program's code, where stack and memory may have ended. So they log what
     * they meet, and throw nothing.
     */

    private final ContextCarrier.@Nullable Snapshot @Nullable [] snapshots;

    private CarriedContext(ContextCarrier.@Nullable Snapshot @Nullable [] snapshots) {
        this.snapshots = snapshots;
    }

    /**
     * Returns the context of a thread that carries nothing.
     *
     * @return always the same
     */
    public static CarriedContext nothing() {
        return Constants.NOTHING;
    }

    /**
     * Captures what the calling thread carries, for another thread of this JVM.
     *
     * @return the context; {@link #nothing} if there is none
     */
    public static CarriedContext capture() {
        ContextCarrier[] carriers = ContextCarriers.all();
        ContextCarrier.@Nullable Snapshot @Nullable [] found = null;
        for (int i = 0; i < carriers.length; i++) {
            ContextCarrier.Snapshot snapshot = snapshot(carriers[i]);
            if (snapshot != null) {
                if (found == null) {
                    found = new ContextCarrier.@Nullable Snapshot[carriers.length];
                }
                found[i] = snapshot;
            }
        }
        return found == null ? Constants.NOTHING : new CarriedContext(found);
    }

    private static ContextCarrier.@Nullable Snapshot snapshot(ContextCarrier carrier) {
        try {
            return carrier.snapshot();
        } catch (VirtualMachineError e) {
            throw e;
        } catch (Throwable e) {
            ContextCarriers.report("capture", carrier, e);
            return null;
        }
    }

    /**
     * Captures what the calling thread carries, as text, for another process.
     *
     * @return by the name of each carrier's class, what that carrier captured; without those that had nothing
     */
    public static Map<String, Map<String, String>> captureText() {
        Map<String, Map<String, String>> all = Map.of();
        for (ContextCarrier carrier : ContextCarriers.all()) {
            Map<String, String> context = text(carrier);
            if (!context.isEmpty()) {
                if (all.isEmpty()) {
                    all = new LinkedHashMap<>();
                }
                all.put(carrier.getClass().getName(), context);
            }
        }
        return all;
    }

    private static Map<String, String> text(ContextCarrier carrier) {
        try {
            return carrier.capture();
        } catch (VirtualMachineError e) {
            throw e;
        } catch (Throwable e) {
            ContextCarriers.report("capture", carrier, e);
            return Map.of();
        }
    }

    /**
     * Returns the carriers that were registered, without {@link MdcCarrier}.
     *
     * @return the names of their classes
     */
    public static List<String> providedCarriers() {
        return Stream.of(ContextCarriers.all())
                .filter(each -> !(each instanceof MdcCarrier))
                .map(each -> each.getClass().getName())
                .toList();
    }

    /**
     * Returns whether this is the context of a thread that carried nothing.
     *
     * @return whether it is
     */
    public boolean isNothing() {
        return snapshots == null;
    }

    /**
     * Gives the calling thread this context, in place of its own, until the scope is closed.
     *
     * @return to be closed on this thread
     */
    public ContextCarrier.Scope restore() {
        Opened opened = null;
        try {
            ContextCarrier[] carriers = ContextCarriers.all();
            for (int i = 0; i < carriers.length; i++) {
                var next = new Opened(carriers[i], opened);
                ContextCarrier.Snapshot snapshot = snapshots == null ? null : snapshots[i];
                next.open(snapshot, Map.of());
                opened = next;
            }
        } catch (Throwable e) { // no memory: the carriers that are left do without
            ContextCarriers.report("restore", null, e);
        }
        return opened == null ? Constants.CLOSED : opened;
    }

    /**
     * Gives the calling thread contexts that were captured as text, until the scope is closed.
     *
     * @param contexts the context of each carrier; empty if the thread is to have nothing of it
     * @return to be closed on this thread
     */
    public static ContextCarrier.Scope restoreText(Map<ContextCarrier, Map<String, String>> contexts) {
        Opened opened = null;
        try {
            for (Map.Entry<ContextCarrier, Map<String, String>> each : contexts.entrySet()) {
                var next = new Opened(each.getKey(), opened);
                next.open(null, each.getValue());
                opened = next;
            }
        } catch (Throwable e) { // no memory: the carriers that are left do without
            ContextCarriers.report("restore", null, e);
        }
        return opened == null ? Constants.CLOSED : opened;
    }

    /** The open scope of a carrier, and those that were opened before; closed in the opposite order. */
    private static final class Opened implements ContextCarrier.Scope {
        private final ContextCarrier carrier;
        private final @Nullable Opened before;
        private ContextCarrier.@Nullable Scope scope;

        Opened(ContextCarrier carrier, @Nullable Opened before) {
            this.carrier = carrier;
            this.before = before;
        }

        void open(ContextCarrier.@Nullable Snapshot snapshot, Map<String, String> context) {
            try {
                scope = snapshot == null ? carrier.restore(context) : snapshot.restore();
            } catch (Throwable e) {
                ContextCarriers.report("restore", carrier, e);
            }
        }

        @Override
        public void close() {
            for (Opened each = this; each != null; each = each.before) {
                ContextCarrier.Scope open = each.scope;
                try {
                    if (open != null) {
                        open.close();
                    }
                } catch (Throwable e) {
                    ContextCarriers.report("close", each.carrier, e);
                }
            }
        }
    }

    /** A scope that changes nothing. */
    private static final class Closed implements ContextCarrier.Scope {
        @Override
        public void close() {}
    }

    /** A class of its own: see {@link Promise}. */
    private static final class Constants {
        static final CarriedContext NOTHING = new CarriedContext(null);
        static final ContextCarrier.Scope CLOSED = new Closed();
    }

    @Override
    public String toString() {
        return isNothing() ? "CarriedContext[nothing]" : "CarriedContext@" + Integer.toHexString(hashCode());
    }
}
