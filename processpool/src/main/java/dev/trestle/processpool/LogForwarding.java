package dev.trestle.processpool;

import dev.trestle.processpool.wire.LogRecord;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The lines of the log of calls that workers forward to the program.
 *
 * @param lowest the number of the lowest level, as SLF4J has it; empty if none are forwarded
 */
record LogForwarding(OptionalInt lowest) {

    static final LogForwarding NONE = new LogForwarding(OptionalInt.empty());

    /** The name of SLF4J's own constant for that property, which it has since it knows the property. */
    private static final String CONSTANT = "PROVIDER_PROPERTY_KEY";

    /** Without this property SLF4J prints a line about its provider. */
    private static final String VERBOSITY = "slf4j.internal.verbosity";

    /** Returns the lines from a level on. */
    static LogForwarding from(System.Logger.Level lowest) {
        return switch (lowest) {
            case ALL, TRACE -> from(Level.TRACE);
            case DEBUG -> from(Level.DEBUG);
            case INFO -> from(Level.INFO);
            case WARNING -> from(Level.WARN);
            case ERROR -> from(Level.ERROR);
            case OFF -> NONE;
        };
    }

    private static LogForwarding from(Level lowest) {
        return new LogForwarding(OptionalInt.of(lowest.toInt()));
    }

    /**
     * Returns the system properties of workers with those that make them forward.
     *
     * @param arguments the arguments of their JVMs, which must not choose a logging system
     * @throws IllegalArgumentException if there is such a choice already
     * @throws IllegalStateException if the program's SLF4J cannot be told its provider
     */
    Map<String, String> addTo(Map<String, String> properties, List<String> arguments) {
        if (lowest.isEmpty()) {
            return properties;
        }
        if (properties.containsKey(LogRecord.PROVIDER_PROPERTY)
                || arguments.stream().anyMatch(each -> each.startsWith("-D" + LogRecord.PROVIDER_PROPERTY + "="))) {
            throw new IllegalArgumentException(
                    "forwardLogs gives workers a logging system that forwards, and the system" + " property "
                            + LogRecord.PROVIDER_PROPERTY + " another one. Leave one of them out.");
        }
        if (!knowsProperty()) {
            throw new IllegalStateException("forwardLogs needs slf4j-api 2.0.9 or later, which can be told its provider"
                    + " by the system property " + LogRecord.PROVIDER_PROPERTY + "; found: "
                    + LoggerFactory.class.getPackage().getImplementationVersion());
        }
        var all = new LinkedHashMap<>(properties);
        all.put(LogRecord.PROVIDER_PROPERTY, LogRecord.PROVIDER);
        all.putIfAbsent(VERBOSITY, "WARN");
        all.put(LogRecord.PROPERTY, String.valueOf(lowest.getAsInt()));
        return all;
    }

    private static boolean knowsProperty() {
        for (var each : LoggerFactory.class.getFields()) {
            if (each.getName().equals(CONSTANT)) {
                return true;
            }
        }
        return false;
    }
}
