package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.ShownText;
import tools.jackson.databind.DatabindException;

/** Thrown inside Jackson for a value that our rules refuse; Jackson adds the path. Never leaves this package. */
final class RefusedException extends DatabindException {

    private static final long serialVersionUID = 1;

    private static final int LONGEST_NAME = 500;
    private static final int LONGEST_REASON = 1000;

    private final String typeName;
    private final String reason;
    private final String remedy;

    /**
     * Creates the exception.
     *
     * @param typeName the class that is refused; a name from the wire may be anything, and is cut and shown
     * @param reason the rest of a sentence that begins with the class
     * @param remedy one or more sentences, or empty
     */
    RefusedException(String typeName, String reason, String remedy) {
        super(shown(typeName) + " " + ShownText.cut(reason, LONGEST_REASON));
        this.typeName = shown(typeName);
        this.reason = ShownText.cut(reason, LONGEST_REASON);
        this.remedy = remedy;
    }

    /**
     * Returns a refusal of a class that the other side has. The declared type is the superclass, so that this class is
     * not loaded before it is needed.
     */
    static RuntimeException notFound(String typeName) {
        return new RefusedException(
                typeName, "cannot be found here", "Are the class path of the pool and of its workers the same?");
    }

    private static String shown(String name) {
        return ShownText.cut(ShownText.line(ShownText.cut(name, LONGEST_NAME)), LONGEST_NAME);
    }

    String typeName() {
        return typeName;
    }

    String reason() {
        return reason;
    }

    String remedy() {
        return remedy;
    }
}
