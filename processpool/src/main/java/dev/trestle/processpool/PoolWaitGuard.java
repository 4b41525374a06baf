package dev.trestle.processpool;

import dev.trestle.api.WaitGuard;
import java.util.concurrent.Future;

/** Refuses to wait for a call of a pool on the thread that reads its answers. A service; not for calling. */
public final class PoolWaitGuard implements WaitGuard {

    /** Called by the service loader. */
    public PoolWaitGuard() {}

    @Override
    public void beforeWait(Future<?> future) {
        if (CompletionBatches.areHere(future)) {
            throw new IllegalStateException("Cannot wait for " + future + " in a callback of a future of the same pool:"
                    + " the thread that runs the callback is about to end that one, after the callback. Add a callback"
                    + " to it too, or wait on another thread.");
        }
        if (!Worker.CURRENT.isBound()) {
            return;
        }
        Worker worker = Worker.CURRENT.get();
        if (worker.dispatcher().isPending(future)) {
            throw new IllegalStateException(
                    "Cannot wait for " + future + " in a callback of a future of the same pool, "
                            + worker.dispatcher() + ": the callback runs on the thread that reads what a worker"
                            + " answers, so the answer might never be read. Add a callback to"
                            + " this future too, or wait on another thread.");
        }
    }
}
