package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import dev.trestle.processpool.wire.Failure;

/**
 * A stand-in for an exception that a call threw in its worker and whose class cannot be used in this program: the class
 * is unknown to the program, or the exception cannot be made again. The stand-in carries the class name, the message,
 * the remote stack, the causes and the suppressed exceptions. Control characters in the class name and the message are
 * shown as escapes, since the worker may have sent anything.
 *
 * {@snippet class="dev.trestle.processpool.JavadocExamplesTest" region="exceptions"}
 */
public final class RemoteException extends RuntimeException {

    private static final long serialVersionUID = 1;

    /** The name of the exception's class in the worker. */
    private final String remoteClassName;

    /**
     * Creates an exception, for tests of code that handles it, and for pools that carry exceptions otherwise.
     *
     * @param message the message, which begins with the class name as a rule
     * @param remoteClassName the name of the exception's class where it was thrown
     */
    public RemoteException(String message, String remoteClassName) {
        super(message);
        this.remoteClassName = requireNonNull(remoteClassName, "remoteClassName");
    }

    /** Cause, stack and suppressed exceptions are set by its creator. */
    RemoteException(Failure failure) {
        super(failure.headline());
        this.remoteClassName = failure.className();
    }

    /**
     * Returns the name of the exception's class in the worker.
     *
     * @return a class name
     */
    public String remoteClassName() {
        return remoteClassName;
    }
}
