package dev.trestle.examples;

import dev.trestle.api.ContextCarrier;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.context.propagation.TextMapPropagator;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Carries the context of OpenTelemetry: as it is to other threads, as W3C's traceparent to other processes. */
@SuppressWarnings("MustBeClosedChecker") // the scope is closed by its receiver
public final class TraceCarrier implements ContextCarrier {

    private final TextMapPropagator propagator = W3CTraceContextPropagator.getInstance();

    @Override
    public Map<String, String> capture() {
        Map<String, String> fields = new HashMap<>();
        propagator.inject(Context.current(), fields, (_, name, value) -> fields.put(name, value));
        return fields;
    }

    @Override
    public Scope restore(Map<String, String> fields) {
        return propagator.extract(Context.root(), fields, new Fields()).makeCurrent()::close;
    }

    @Override
    public @Nullable Snapshot snapshot() {
        Context context = Context.current();
        return context == Context.root() ? null : () -> context.makeCurrent()::close;
    }

    private static final class Fields implements TextMapGetter<Map<String, String>> {
        @Override
        public Iterable<String> keys(Map<String, String> fields) {
            return fields.keySet();
        }

        @Override
        public @Nullable String get(@Nullable Map<String, String> fields, String key) {
            return fields == null ? null : fields.get(key);
        }
    }
}
