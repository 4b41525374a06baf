package dev.trestle.api;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/** The callbacks that a thread is running, some of them inside others. Confined to its thread. */
final class CallbackNesting {

    /*
     * A callback that completes another promise expects that promise's callbacks to have run when setResult returns,
     * and these may complete a third promise. A long chain would overflow the stack. So callbacks nest a few levels
     * deep, as in Netty's DefaultPromise. The callbacks of a promise that is completed at the deepest level wait until
     * the callback that completed it has returned; then the deepest level runs them, in a loop (a trampoline). See ADR
     * 22.
     */

    /**
     * The number of levels: more than programs need that do not chain promises, and far less than would overflow a
     * stack.
     */
    private static final int DEEPEST = 8;

    private static final ThreadLocal<@Nullable CallbackNesting> HERE = new ThreadLocal<>();

    private int level;

    // The promises that wait for the deepest level, the oldest first
    private @Nullable Deferred first;
    private @Nullable Deferred last;

    private CallbackNesting() {}

    /**
     * Runs the callbacks of a promise that is done: now, or when the callback that this thread runs at the deepest
     * level is over.
     */
    static void run(Promise<?> promise, Promise.@Nullable Listener callbacks) {
        run(promise, callbacks, null);
    }

    /** Calls the canceller of a promise and then its listeners, at the same point in time as the method above. */
    static void run(Promise<?> promise, Promise.Cancellation cancellation) {
        run(promise, null, cancellation);
    }

    private static void run(
            Promise<?> promise, Promise.@Nullable Listener callbacks, Promise.@Nullable Cancellation cancellation) {
        CallbackNesting here;
        try {
            here = here();
            if (here.level == DEEPEST) {
                here.defer(new Deferred(promise, callbacks, cancellation));
                return;
            }
        } catch (Throwable e) { // of memory
            promise.finish(callbacks, cancellation); // in any case, if need be a level too deep
            return;
        }
        here.level++;
        try {
            promise.finish(callbacks, cancellation);
        } finally {
            if (here.level == DEEPEST
                    || here.level == 1) { // at the first level there is only what a StackOverflowError left
                here.runDeferred();
            }
            here.level--;
        }
    }

    private static CallbackNesting here() {
        CallbackNesting here = HERE.get();
        if (here == null) {
            here = new CallbackNesting();
            HERE.set(here);
        }
        return here;
    }

    private void defer(Deferred deferred) {
        if (last == null) {
            first = deferred;
        } else {
            last.next = deferred;
        }
        last = deferred;
    }

    private void runDeferred() {
        while (first != null) {
            Deferred deferred = first;
            first = deferred.next;
            if (first == null) {
                last = null;
            }
            try {
                deferred.promise.finish(deferred.callbacks, deferred.cancellation);
            } catch (Throwable e) { // of a canceller: the caller of cancel has gone on
                Object canceller = requireNonNull(deferred.cancellation).canceller();
                deferred.promise.report("canceller", canceller, e);
            }
        }
    }

    private static final class Deferred {
        final Promise<?> promise;
        final Promise.@Nullable Listener callbacks;
        final Promise.@Nullable Cancellation cancellation;

        @Nullable
        Deferred next;

        Deferred(
                Promise<?> promise, Promise.@Nullable Listener callbacks, Promise.@Nullable Cancellation cancellation) {
            this.promise = promise;
            this.callbacks = callbacks;
            this.cancellation = cancellation;
        }
    }
}
