package dev.trestle.processpool.values;

import tools.jackson.databind.DatabindException;

/** Thrown inside Jackson for a value that our rules refuse; Jackson adds the path. Never leaves this package. */
final class RefusedException extends DatabindException {

    private static final long serialVersionUID = 1;

    /** The most characters of a name or a reason: either may be what the sender sent. */
    private static final int LONGEST_PART = 1000;

    private final String typeName;
    private final String reason;
    private final String wayOut;

    /**
     * Creates the exception.
     *
     * @param typeName the class that is refused
     * @param reason the rest of a sentence that begins with the class
     * @param wayOut one or more sentences, or empty
     */
    RefusedException(String typeName, String reason, String wayOut) {
        super(Text.cut(typeName, LONGEST_PART) + " " + Text.cut(reason, LONGEST_PART));
        this.typeName = Text.cut(typeName, LONGEST_PART);
        this.reason = Text.cut(reason, LONGEST_PART);
        this.wayOut = wayOut;
    }

    /**
     * Returns a refusal of a class that the other side has; as a plain type, so that nobody loads ours before it is
     * needed.
     */
    static RuntimeException notFound(String typeName) {
        return new RefusedException(
                typeName, "cannot be found here", "Are the class path of the pool and of its workers the same?");
    }

    String typeName() {
        return typeName;
    }

    String reason() {
        return reason;
    }

    String wayOut() {
        return wayOut;
    }
}
