package dev.trestle.contract;

import dev.trestle.api.ContextCarrier;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The names and values that a thread of a test carries, kept in a thread local as a logging system keeps them. */
public final class Baggage implements ContextCarrier {

    private static final ThreadLocal<@Nullable Map<String, String>> CARRIED = new ThreadLocal<>();

    /** Creates the carrier, for the service loader and for workers. */
    public Baggage() {}

    /**
     * Adds to what the calling thread carries.
     *
     * @param name the name
     * @param value the value
     */
    public static void put(String name, String value) {
        Map<String, String> carried = new HashMap<>(carried());
        carried.put(name, value);
        CARRIED.set(Map.copyOf(carried));
    }

    /** Takes away all that the calling thread carries. */
    public static void clear() {
        CARRIED.remove();
    }

    /**
     * Returns all that the calling thread carries.
     *
     * @return names and values
     */
    public static Map<String, String> carried() {
        Map<String, String> carried = CARRIED.get();
        return carried == null ? Map.of() : carried;
    }

    @Override
    public Map<String, String> capture() {
        return carried();
    }

    @Override
    public Scope restore(Map<String, String> context) {
        Map<String, String> before = CARRIED.get();
        set(context.isEmpty() ? null : context);
        return () -> set(before);
    }

    private static void set(@Nullable Map<String, String> carried) {
        if (carried == null) {
            CARRIED.remove();
        } else {
            CARRIED.set(carried);
        }
    }
}
