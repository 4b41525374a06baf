package dev.trestle.contract;

import dev.trestle.api.ContextCarrier;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The names and values that a thread of a test carries, kept in a thread local as a logging system keeps them. */
public final class Baggage implements ContextCarrier {

    private static final ThreadLocal<@Nullable Map<String, String>> CARRIED = new ThreadLocal<>();

    private static final ThreadLocal<@Nullable Throwable> FAILURE = new ThreadLocal<>();

    /** Creates the carrier, for the service loader and for workers. */
    public Baggage() {}

    /**
     * Makes the carrier throw when it is asked what the calling thread carries, until {@link #clear}.
     *
     * @param failure an unchecked exception or an error
     */
    public static void failWith(Throwable failure) {
        FAILURE.set(failure);
    }

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
        FAILURE.remove();
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
        switch (FAILURE.get()) {
            case null -> {}
            case RuntimeException failure -> throw failure;
            case Error failure -> throw failure;
            case Throwable failure -> throw new IllegalArgumentException(failure);
        }
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
