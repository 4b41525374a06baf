package dev.trestle.loop;

/** Thrown by {@code put} of a {@link LoopQueue} that was shut down, and by {@code get} when it has no items left. */
public final class QueueShutDownException extends RuntimeException {

    private static final long serialVersionUID = 1;

    QueueShutDownException(String message) {
        super(message);
    }
}
