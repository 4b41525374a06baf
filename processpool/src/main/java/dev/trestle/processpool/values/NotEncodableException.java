package dev.trestle.processpool.values;

import org.jspecify.annotations.Nullable;

/**
 * Thrown on the sending side for a call or a result that cannot travel. The message says what it is, where it sits in
 * the call or the result, and what to do.
 */
public final class NotEncodableException extends Exception {

    private static final long serialVersionUID = 1;

    private final String path;
    private final String typeName;

    /**
     * Creates the exception.
     *
     * @param message the whole message
     * @param path the place of the value, such as {@code captured value #1.owner.socket}
     * @param typeName the class that cannot travel
     * @param cause the exception underneath, if there is one
     */
    public NotEncodableException(String message, String path, String typeName, @Nullable Throwable cause) {
        super(message, cause);
        this.path = path;
        this.typeName = typeName;
    }

    /**
     * Returns the place of the value in the call or the result.
     *
     * @return the path; empty if it is not known
     */
    public String path() {
        return path;
    }

    /**
     * Returns the name of the class that cannot travel.
     *
     * @return the name; empty if it is not known
     */
    public String typeName() {
        return typeName;
    }
}
