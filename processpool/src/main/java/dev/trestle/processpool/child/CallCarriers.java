package dev.trestle.processpool.child;

import dev.trestle.api.CarriedContext;
import dev.trestle.api.ContextCarrier;
import dev.trestle.processpool.wire.CallContext;
import dev.trestle.processpool.wire.ProtocolException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The context carriers of a worker, which give each call what its submitter carried. Confined to the calls' thread. */
final class CallCarriers {

    /*
     * A call sees what its submitter carried and nothing that the calls before have left, so each carrier is given its
     * context, also an empty one. The program names its own carriers when it starts the worker. That of the MDC is made
     * only when a context for it arrives or when a call has brought SLF4J in: to set up a logging system takes long,
     * and may open files, which a call that does not log has no use for.
     */

    private static final String MDC_CARRIER = "dev.trestle.api.MdcCarrier";
    private static final String SLF4J = "org.slf4j";

    private static final class Nothing implements ContextCarrier.Scope {
        @Override
        public void close() {}
    }

    /** The scope of a call that needs none. */
    static final ContextCarrier.Scope NOTHING = new Nothing();

    private final @Nullable ClassLoader loader = CallCarriers.class.getClassLoader();
    private final Map<String, ContextCarrier> known = new LinkedHashMap<>();

    /** The names of all carriers that were looked for, also of those that could not be made. */
    private final Set<String> learned = new HashSet<>();

    private boolean hasBegun;

    /** Gives this thread the context of a call until the scope is closed. Throws nothing: a call does without. */
    ContextCarrier.Scope enter(CallContext context) {
        try {
            learn();
            return context.isEmpty() && known.isEmpty() ? NOTHING : restore(context);
        } catch (Throwable e) {
            System.err.println("The context of a call is lost: " + e);
            return NOTHING;
        }
    }

    private void learn() {
        if (!hasBegun) {
            hasBegun = true;
            String names = System.getProperty(CallContext.CARRIERS_PROPERTY, "");
            if (!names.isEmpty()) {
                for (String each : names.split(",", 0)) {
                    learn(each);
                }
            }
        }
        if (!learned.contains(MDC_CARRIER) && loader != null && loader.getDefinedPackage(SLF4J) != null) {
            learn(MDC_CARRIER);
        }
    }

    private void learn(String name) {
        if (!learned.add(name)) {
            return;
        }
        try {
            var constructor = Class.forName(name, true, loader)
                    .asSubclass(ContextCarrier.class)
                    .getDeclaredConstructor();
            constructor.setAccessible(true);
            known.put(name, constructor.newInstance());
        } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            System.err.println("The context carrier " + name + " cannot be made in this worker, so its context does not"
                    + " reach calls: " + cause + ". A carrier must be on the class path of workers, and be a class with"
                    + " a constructor without parameters.");
        }
    }

    private ContextCarrier.Scope restore(CallContext context) throws ProtocolException {
        Map<String, Map<String, String>> texts = context.texts();
        for (String each : texts.keySet()) {
            learn(each);
        }
        Map<ContextCarrier, Map<String, String>> contexts = new LinkedHashMap<>();
        for (Map.Entry<String, ContextCarrier> each : known.entrySet()) {
            contexts.put(each.getValue(), texts.getOrDefault(each.getKey(), Map.of()));
        }
        return CarriedContext.restoreText(contexts);
    }
}
