package dev.trestle.processpool;

import dev.trestle.processpool.wire.Failure;
import java.util.List;

/**
 * What a call threw in its worker, when the exception's own class cannot be used here: it is unknown to the program, or
 * cannot be made from its message. It carries the class name, the message, the remote stack, causes and suppressed
 * exceptions, each of them a {@code RemoteException} again.
 */
public final class RemoteException extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final String remoteClassName;

    private RemoteException(Failure failure) {
        super(failure.headline());
        this.remoteClassName = failure.className();
        setStackTrace(failure.stack().toArray(StackTraceElement[]::new));
        if (failure.cause() != null) {
            initCause(new RemoteException(failure.cause()));
        }
        List<Failure> suppressed = failure.suppressed();
        suppressed.forEach(each -> addSuppressed(new RemoteException(each)));
    }

    static RemoteException of(Failure failure) {
        return new RemoteException(failure);
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
