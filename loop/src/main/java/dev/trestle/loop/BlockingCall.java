package dev.trestle.loop;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** A blocking call on a thread of its own. */
final class BlockingCall {

    private BlockingCall() {}

    static <T extends @Nullable Object> LoopFuture<T> start(EventLoop loop, Callable<T> call) {
        LoopFuture<T> future = loop.createFuture();
        loop.leaves();
        var thread = Thread.ofVirtual().name("trestle-blocking").unstarted(() -> {
            T result;
            try {
                result = call.call();
            } catch (Throwable e) {
                arrive(loop, future, () -> future.setException(e));
                return;
            }
            arrive(loop, future, () -> future.setResult(result));
        });
        future.addDoneCallback(done -> {
            if (done.isCancelled()) {
                thread.interrupt();
            }
        });
        thread.start();
        return future;
    }

    private static void arrive(EventLoop loop, LoopFuture<?> future, Runnable completion) {
        if (loop.isClosed()) {
            loop.comesBack();
            return;
        }
        loop.callSoonThreadsafe(() -> {
            loop.comesBack();
            if (!future.isDone()) {
                completion.run();
            }
        });
    }
}
