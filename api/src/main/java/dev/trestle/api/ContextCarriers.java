package dev.trestle.api;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/** The {@link ContextCarrier}s of this program; loaded when the first context is captured or restored. */
final class ContextCarriers {

    /** Set once; not by a static initializer, which would fail for good if it met the end of the stack. */
    private static volatile ContextCarrier @Nullable [] loaded;

    private static final int MOST_FAILURES = 100;

    private ContextCarriers() {}

    static ContextCarrier[] all() {
        ContextCarrier[] carriers = loaded;
        if (carriers == null) {
            StackRoom.requireForLinkage();
            carriers = load();
            loaded = carriers;
        }
        return carriers;
    }

    private static ContextCarrier[] load() {
        List<ContextCarrier> found = new ArrayList<>();
        try {
            found.add(new MdcCarrier());
        } catch (NoClassDefFoundError e) {
            // This program has no SLF4J, and so no MDC.
        }
        Iterator<ContextCarrier> providers = ServiceLoader.load(
                        ContextCarrier.class, ContextCarrier.class.getClassLoader())
                .iterator();
        int failures = 0;
        while (failures < MOST_FAILURES) { // where no service file can be read, each look fails again
            try {
                if (!providers.hasNext()) {
                    break;
                }
                found.add(providers.next());
            } catch (ServiceConfigurationError | LinkageError e) {
                failures++;
                report("load", null, e);
            }
        }
        return found.toArray(new ContextCarrier[0]);
    }

    /** Logs what a carrier threw: the call does without its context. Throws nothing. */
    static void report(String step, @Nullable ContextCarrier carrier, Throwable failure) {
        try {
            Log.carrierFailed(step, carrier, failure);
        } catch (Throwable e) {
            // The log has failed as well, as it may when stack or memory is exhausted.
        }
    }
}
