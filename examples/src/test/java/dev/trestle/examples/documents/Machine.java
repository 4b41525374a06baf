package dev.trestle.examples.documents;

import java.util.Random;

/** The speed of this machine, which may be busy with other builds. */
final class Machine {

    private static final double seconds = measure();

    private Machine() {}

    /**
     * Returns a time limit that no good document exceeds here: so many times what the first one takes, and at least
     * three seconds.
     */
    static String timeLimit() {
        return String.valueOf(Math.max(3, Math.round(8 * seconds)));
    }

    private static double measure() {
        byte[] document = Good.pdf(new Random(0), 3, 100);
        long begin = System.nanoTime();
        Documents.read(document);
        return (System.nanoTime() - begin) / 1e9;
    }
}
