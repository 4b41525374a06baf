package dev.trestle.loop;

import dev.trestle.api.EndWait;
import dev.trestle.api.WaitGuard;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/**
 * The guard that refuses to block a running loop, and lets the loop go on while a coroutine closes an executor. Public
 * for the service loader only.
 */
public final class LoopWaitGuard implements WaitGuard {

    /** Called by the service loader. */
    public LoopWaitGuard() {}

    @Override
    public void beforeWait(Future<?> future) {
        EventLoop loop = EventLoop.here();
        if (loop != null) {
            throw new IllegalStateException("Waiting for " + future + " here would stop " + loop
                    + " and every coroutine in it. Use await(Bridge.wrapFuture(future)), or"
                    + " await(Bridge.runInExecutor(executor, call)), or blocking(() -> future.get()).");
        }
    }

    @Override
    public boolean aroundEndWait(ExecutorService executor, EndWait wait) throws InterruptedException {
        EventLoop loop = EventLoop.here();
        if (loop == null) {
            return wait.await();
        }
        Task<?> task = loop.baton().current();
        if (task == null) {
            throw new IllegalStateException("Waiting for the end of " + executor + " in a callback would stop " + loop
                    + " and every coroutine in it. Close it in a coroutine: createTask(() -> executor.close()). Or call"
                    + " shutdown(), after which it ends by itself when its calls have ended.");
        }
        try {
            return task.callEndWait(new BlockingCall<>(loop, wait::await));
        } catch (CompletionException e) {
            if (e.getCause() instanceof InterruptedException interruption) {
                throw interruption;
            }
            throw e;
        }
    }
}
