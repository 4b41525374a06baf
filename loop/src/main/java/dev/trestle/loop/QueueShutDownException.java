package dev.trestle.loop;

/** Thrown where an item is put into a {@link LoopQueue} that was shut down, or taken from one that has none left. */
public final class QueueShutDownException extends RuntimeException {

    private static final long serialVersionUID = 1;

    QueueShutDownException(String message) {
        super(message);
    }
}
