package dev.trestle.processpool;

/** The reason for which the pool lets a worker end. */
enum Retirement {
    /** It has run as many calls as it may. */
    CALLS,
    /** It is older than a worker may become. */
    AGE,
    /** It holds more memory than a worker may keep. */
    RESIDENT,
    /** It has had no call for long. */
    IDLE,
    /** It takes no further calls. */
    DRAINED;

    /** Returns whether a worker that retires for this reason goes on until another is ready in its place. */
    boolean lastsUntilReplaced() {
        return this == AGE || this == RESIDENT;
    }
}
