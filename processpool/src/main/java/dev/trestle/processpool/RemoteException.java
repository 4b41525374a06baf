package dev.trestle.processpool;

import dev.trestle.processpool.wire.Failure;

/**
 * A stand-in for an exception that a call threw in its worker and whose class cannot be used here: it is unknown to the
 * program, or cannot be made from its message. It carries the class name, the message, the remote stack, the causes and
 * the suppressed exceptions. Control characters in class name and message are shown as escapes, since the worker may
 * have sent anything.
 */
public final class RemoteException extends RuntimeException {

    private static final long serialVersionUID = 1;

    /** The name of the exception's class in the worker. */
    private final String remoteClassName;

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
