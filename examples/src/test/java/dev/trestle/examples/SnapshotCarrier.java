package dev.trestle.examples;

import dev.trestle.api.ContextCarrier;
import io.micrometer.context.ContextSnapshot;
import io.micrometer.context.ContextSnapshotFactory;
import java.util.Map;

/** Carries all that Micrometer's context-propagation knows of, to other threads of this JVM. */
public final class SnapshotCarrier implements ContextCarrier {

    private final ContextSnapshotFactory factory =
            ContextSnapshotFactory.builder().clearMissing(true).build();

    @Override
    public Map<String, String> capture() {
        return Map.of(); // objects stay in this process
    }

    @Override
    public Scope restore(Map<String, String> context) {
        return factory.captureFrom().setThreadLocals()::close;
    }

    @Override
    public Snapshot snapshot() {
        ContextSnapshot snapshot = factory.captureAll();
        return () -> snapshot.setThreadLocals()::close;
    }
}
