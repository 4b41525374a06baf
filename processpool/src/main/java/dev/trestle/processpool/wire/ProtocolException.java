package dev.trestle.processpool.wire;

import java.io.IOException;

/** Thrown when what arrives is not the protocol. The connection is out of step then: the worker has to go. */
public final class ProtocolException extends IOException {

    private static final long serialVersionUID = 1;

    /**
     * Creates the exception.
     *
     * @param message the arrived and the expected frames or bytes
     */
    public ProtocolException(String message) {
        super(message);
    }
}
