package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import java.time.Duration;

/**
 * The options of a program that {@link ProcessPool#runMain(MainOptions, Class, String...)} runs.
 *
 * @param call the options of the call that runs it. Its time limit counts from the start of the program's process; a
 *     program that is to be started again when its worker dies has retries
 * @param maxOutput the most bytes that are kept of each of its two outputs
 */
public record MainOptions(CallOptions call, int maxOutput) {

    private static final int LEAST_OUTPUT = 256;
    private static final int MOST_OUTPUT = 256 << 20;

    /** The options of a call, and 1 MiB of each output. */
    public static final MainOptions DEFAULT = new MainOptions(CallOptions.DEFAULT, 1 << 20);

    /** Checks the values. */
    public MainOptions {
        requireNonNull(call, "call");
        if (maxOutput < LEAST_OUTPUT || maxOutput > MOST_OUTPUT) {
            throw new IllegalArgumentException("The most output that is kept of a program must be between "
                    + LEAST_OUTPUT + " bytes and 256 MiB: " + maxOutput);
        }
    }

    /**
     * Returns these options with a time limit.
     *
     * @param value the time that the program may run
     * @return the new options
     */
    public MainOptions withTimeout(Duration value) {
        return new MainOptions(call.withTimeout(value), maxOutput);
    }

    /**
     * Returns these options with another limit of output.
     *
     * @param bytes the most bytes that are kept of each output
     * @return the new options
     */
    public MainOptions withMaxOutput(int bytes) {
        return new MainOptions(call, bytes);
    }
}
