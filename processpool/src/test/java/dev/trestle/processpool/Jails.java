package dev.trestle.processpool;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** Sandboxes for tests, where there can be any. */
final class Jails {

    private Jails() {}

    /** Skips a test where no sandbox can be made, and says why: the machine lacks what the message names. */
    static void assume() {
        var support = Sandbox.support();
        assumeTrue(support.isAvailable(), support.reason());
    }
}
