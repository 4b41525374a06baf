package dev.trestle.testkit;

import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/** The extension behind {@link NoLeaks}, which test classes use instead. */
public final class NoLeaksExtension implements BeforeAllCallback, BeforeEachCallback {

    /*
     * A search is kept in the store of the test's or the class's context. JUnit closes what is in there after all else,
     * also after the fields with AutoClose, and what is thrown then fails the test or the class.
     */

    private static final Namespace NAMESPACE = Namespace.create(NoLeaksExtension.class);

    /** Created by JUnit. */
    public NoLeaksExtension() {}

    @Override
    public void beforeAll(ExtensionContext context) {
        begin(context, "The tests of " + context.getDisplayName());
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        if (!isSharedByClass(context.getRequiredTestClass())) {
            begin(context, "The test " + context.getDisplayName());
        }
    }

    /** The annotation of a nested class comes before that of the class around it. */
    private static boolean isSharedByClass(Class<?> tests) {
        for (Class<?> each = tests; each != null; each = each.getEnclosingClass()) {
            NoLeaks annotation = each.getAnnotation(NoLeaks.class);
            if (annotation != null) {
                return annotation.sharedByClass();
            }
        }
        return false;
    }

    private static void begin(ExtensionContext context, String subject) {
        context.getStore(NAMESPACE).put("search", new LeakSearch(subject));
    }
}
