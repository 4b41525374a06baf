package dev.trestle.api;

import java.util.ServiceLoader;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** The {@link WaitGuard}s of this program; loaded at the first wait that parks. */
final class WaitGuards {

    /** Set once; not by a static initializer, which would fail for good if it met the end of the stack. */
    private static volatile WaitGuard @Nullable [] loaded;

    private WaitGuards() {}

    static void beforeWait(Future<?> future) {
        for (WaitGuard guard : guards()) {
            guard.beforeWait(future);
        }
    }

    static boolean awaitEnd(ExecutorService executor, EndWait wait) throws InterruptedException {
        EndWait guarded = wait;
        for (WaitGuard guard : guards()) {
            EndWait inner = guarded;
            guarded = () -> guard.aroundEndWait(executor, inner);
        }
        return guarded.await();
    }

    /** Asks about each future that is not done. */
    static void beforeWait(Iterable<? extends Future<?>> futures) {
        for (Future<?> future : futures) {
            if (!future.isDone()) {
                beforeWait(future);
            }
        }
    }

    private static WaitGuard[] guards() {
        WaitGuard[] guards = loaded;
        if (guards == null) {
            StackRoom.requireForLinkage();
            guards = ServiceLoader.load(WaitGuard.class, WaitGuard.class.getClassLoader()).stream()
                    .map(ServiceLoader.Provider::get)
                    .toArray(WaitGuard[]::new);
            loaded = guards;
        }
        return guards;
    }
}
