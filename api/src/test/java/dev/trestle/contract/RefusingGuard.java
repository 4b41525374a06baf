package dev.trestle.contract;

import dev.trestle.api.EndWait;
import dev.trestle.api.WaitGuard;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** A guard that refuses every wait on a thread that asks for it, as the guard of an event loop does in a callback. */
public final class RefusingGuard implements WaitGuard {

    private static final ThreadLocal<@Nullable List<Object>> REFUSED = new ThreadLocal<>();

    /** Creates the guard, for the service loader. */
    public RefusingGuard() {}

    /**
     * Runs code whose waits are refused.
     *
     * @param code the code
     * @return the futures and executors whose waits were refused, in order
     * @throws Exception what the code throws, except for refusals
     */
    public static List<Object> refusedIn(Callable<?> code) throws Exception {
        var refused = new ArrayList<>();
        REFUSED.set(refused);
        try {
            code.call();
        } catch (Refusal e) {
            // in the list
        } finally {
            REFUSED.remove();
        }
        return refused;
    }

    @Override
    public void beforeWait(Future<?> future) {
        refuse(future);
    }

    @Override
    public boolean aroundEndWait(ExecutorService executor, EndWait wait) throws InterruptedException {
        refuse(executor);
        return wait.await();
    }

    private static void refuse(Object waitedFor) {
        List<Object> refused = REFUSED.get();
        if (refused != null) {
            refused.add(waitedFor);
            throw new Refusal();
        }
    }

    /** Thrown by a wait that was refused. */
    public static final class Refusal extends IllegalStateException {
        private Refusal() {
            super("refused on purpose");
        }
    }
}
