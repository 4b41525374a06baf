package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

/**
 * The end of a program that {@link ProcessPool#runMain} has run.
 *
 * @param exitCode the exit code: 0 if {@code main} has returned, 1 if it has thrown, what {@code System.exit} was
 *     given; 128 and the number of the signal if a signal has ended the process
 * @param out the text that the program has written to its standard output, as UTF-8. Of an output that is longer than
 *     {@link MainOptions#maxOutput()}, the middle is left out, and a line says how much
 * @param err the same of its standard error
 */
public record MainResult(int exitCode, String out, String err) {

    /** Checks the values. */
    public MainResult {
        requireNonNull(out, "out");
        requireNonNull(err, "err");
    }
}
