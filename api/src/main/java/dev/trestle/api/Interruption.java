package dev.trestle.api;

import java.util.concurrent.CompletionException;

/** The exception of an interrupted wait, for methods that declare no {@link InterruptedException}. */
final class Interruption {

    private Interruption() {}

    /** Keeps the interrupt status and returns the exception to throw. */
    static CompletionException during(String what, InterruptedException e) {
        Thread.currentThread().interrupt();
        return new CompletionException("Interrupted while " + what + "; the calls themselves go on", e);
    }
}
