package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import dev.trestle.processpool.wire.Failure;

/**
 * A stand-in for an exception that a call threw in its worker and whose class cannot be used in this program: the class
 * is unknown to the program, or the exception cannot be made again of its message, its cause and the values of its
 * fields. The stand-in carries the class name, the message, the remote stack, the causes and the suppressed exceptions,
 * and its message says why it is not the original. Control characters in the class name and the message are
 * shown as escapes, since the worker may have sent anything.
 *
 * {@snippet class="dev.trestle.processpool.JavadocExamplesTest" region="exceptions"}
 */
public final class RemoteException extends RuntimeException {

    private static final long serialVersionUID = 1;

    /** The name of the exception's class in the worker. */
    private final String remoteClassName;

    /** The text that {@link #reason} returns. */
    private final String reason;

    /**
     * Creates an exception, for tests of code that handles it, and for pools that carry exceptions otherwise.
     *
     * @param message the message, which begins with the class name as a rule
     * @param remoteClassName the name of the exception's class where it was thrown
     * @param reason the reason why the exception is not the original
     */
    public RemoteException(String message, String remoteClassName, String reason) {
        super(message + " [not the original exception: " + reason + "]");
        this.remoteClassName = requireNonNull(remoteClassName, "remoteClassName");
        this.reason = requireNonNull(reason, "reason");
    }

    /** Cause, stack and suppressed exceptions are set by its creator. */
    RemoteException(Failure failure, String reason) {
        this(failure.headline(), failure.className(), reason);
    }

    /**
     * Returns the name of the exception's class in the worker.
     *
     * @return a class name
     */
    public String remoteClassName() {
        return remoteClassName;
    }

    /**
     * Returns why the original exception did not arrive, and what to do about it. The message of this exception has
     * this text too.
     *
     * @return the rest of a sentence, such as {@code the program does not have its class}
     */
    public String reason() {
        return reason;
    }
}
