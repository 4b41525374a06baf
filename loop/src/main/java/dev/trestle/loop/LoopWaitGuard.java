package dev.trestle.loop;

import dev.trestle.api.WaitGuard;
import java.util.concurrent.Future;

/** Refuses to block a running loop. Public for the service loader only. */
public final class LoopWaitGuard implements WaitGuard {

    /** Called by the service loader. */
    public LoopWaitGuard() {}

    @Override
    public void beforeWait(Future<?> future) {
        EventLoop loop = Baton.loopHere();
        if (loop != null) {
            throw new IllegalStateException("Waiting for " + future + " here would stop " + loop
                    + " and every coroutine in it. Use await(Bridge.wrapFuture(future)), or"
                    + " await(Bridge.runInExecutor(executor, call)), or blocking(() -> future.get()).");
        }
    }
}
