package dev.trestle.api;

import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/** The {@link WaitGuard}s of this program; loaded at the first wait that parks. */
final class WaitGuards {

    private static final List<WaitGuard> guards =
            ServiceLoader.load(WaitGuard.class, WaitGuard.class.getClassLoader()).stream()
                    .map(ServiceLoader.Provider::get)
                    .toList();

    private WaitGuards() {}

    static void beforeWait(Future<?> future) {
        for (WaitGuard guard : guards) {
            guard.beforeWait(future);
        }
    }

    static boolean awaitEnd(ExecutorService executor, EndWait wait) throws InterruptedException {
        EndWait guarded = wait;
        for (WaitGuard guard : guards) {
            EndWait inner = guarded;
            guarded = () -> guard.aroundEndWait(executor, inner);
        }
        return guarded.await();
    }
}
