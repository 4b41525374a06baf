package dev.trestle.api;

import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** Initializes everything that promises use, once, before the first promise is made. */
final class Groundwork {

    /*
     * The JVM initializes classes, and links call sites and variable handles, when they are first used. Where that
     * meets the end of the stack, the class or the call site fails for good, for the whole program. A program may make
     * its first promise in a deep recursion. So the initialization runs only if enough stack is left; if not, the
     * caller gets the StackOverflowError, and the next caller tries again.
     */

    /**
     * True when the initialization is done. Read without synchronization: a thread that reads a stale value repeats it,
     * which changes nothing.
     */
    private static boolean laid;

    private Groundwork() {}

    static void ensure() {
        if (!laid) {
            StackRoom.requireForLinkage();
            lay();
            laid = true;
        }
    }

    private static void lay() {
        var _ = Log.isOn();
        CarriedContext.capture().restore().close();
        // Callers name these two classes before they call a method that could look at the stack.
        var _ = ReturnWhen.ALL_COMPLETED;
        var _ = MapOptions.DEFAULT;
        use(promise -> promise.setResult(""));
        use(promise -> promise.setException(new IllegalStateException("never thrown")));
        use(promise -> promise.cancel(true));
    }

    private static void use(Consumer<Promise<Object>> end) {
        var promise = new Promise<>(new Groundwork());
        var given = new Promise.ParkedThread();
        promise.addWait(given);
        promise.removeWait(given);
        promise.addWait(new Promise.ParkedThread());
        promise.addDoneCallback(future -> future.addDoneCallback(_ -> {}));
        var _ = promise.toCompletableFuture();
        try {
            promise.result(Duration.ZERO);
        } catch (TimeoutException e) {
            end.accept(promise); // as expected
        }
        var _ = promise.toString();
    }
}
