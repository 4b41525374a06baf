package dev.trestle.processpool.wire;

import org.jspecify.annotations.Nullable;

/**
 * The types of frames, and how big their bodies may be. Only payloads may be big, so that a
 * peer that has not proved itself can make us allocate next to nothing.
 */
enum FrameType {
    HELLO(4 << 10),
    CALL(-1),
    RESULT(-1),
    FAILED(16 + Failure.MAX_BYTES),
    CANCEL(1),
    CANCELLED(0),
    PROGRESS(64 << 10),
    THREAD_DUMP_REQUEST(0),
    THREAD_DUMP(4 << 20),
    GOODBYE(64 << 10),
    FATAL(Failure.MAX_BYTES),
    TAKE_BACK(0),
    STREAM_CALL(-1),
    ITEM(-1),
    CREDIT(8),
    CALL_IN_CONTEXT(-1),
    STREAM_CALL_IN_CONTEXT(-1),
    INTRODUCTION(4 << 20),
    PLACES(4),
    LOST(Obituary.MAX_BYTES),
    INQUIRY(1),
    STATUS(1 << 20),
    UNSHARE(0);

    private static final FrameType[] types = values();

    private final int maxBody;

    FrameType(int maxBody) {
        this.maxBody = maxBody;
    }

    /** Returns the number of this type on the wire. */
    @SuppressWarnings("EnumOrdinal") // both sides run the same version, the handshake sees to it
    int number() {
        return ordinal();
    }

    boolean hasPayload() {
        return maxBody < 0;
    }

    /** Returns the number of bytes that a body may have, in addition to a payload. */
    int maxBody() {
        return maxBody;
    }

    /** Returns the type with a number from the wire, or null if there is none. */
    static @Nullable FrameType at(int number) {
        return number >= 0 && number < types.length ? types[number] : null;
    }
}
