package dev.trestle.api;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.Collections;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * An executor's claim that the program must not end by itself while the executor has unfinished calls. For code that
 * implements executors on daemon threads or virtual threads; each executor has one.
 *
 * <p>A program ends by itself when the last of its non-daemon threads ends. With this class it first waits for the
 * calls that its executors have accepted. An executor without unfinished calls holds nothing. {@link System#exit} and
 * signals wait for no call.
 *
 * <p>All methods may be called from any thread, and never wait. An executor that is garbage is forgotten.
 */
public final class KeepAlive implements AutoCloseable {

    /*
     * Only a non-daemon thread keeps a JVM running, and no thread can change its kind after its start. To start one for
     * each call would cost more than the call. So all executors share one keeper thread. The keeper joins the other
     * non-daemon threads, one after the other, which costs nothing while they live. When none is left, main among them,
     * the keeper waits for the executors, and then ends, and the JVM with it. The keeper also ends when nothing has
     * been unfinished for a while, so that an executor that was never closed pins no class loader; the next accepted
     * call starts another keeper.
     *
     * No call is lost between a keeper that ends and a call that comes: an executor counts the call before it reads
     * `keeper`, and the keeper clears `keeper` before it reads the counts for the last time. All of these are volatile,
     * so at least one of the two sees the other (Dekker's mutual exclusion). The same holds for `waiting` and a call
     * that ends.
     */

    /** The time that an idle keeper stays, so that pauses in the work do not start threads. */
    private static final long IDLE_MILLIS = TimeUnit.SECONDS.toMillis(60);

    /**
     * The name of every keeper. Copies of this class in other class loaders have keepers too; keepers that joined each
     * other would never end.
     */
    private static final String KEEPER_NAME = "trestle-keep-alive";

    /** The thread of the JVM that waits for all non-daemon threads, after main has returned. */
    private static final String LAST_THREAD_NAME = "DestroyJavaVM";

    private static final Object lock = new Object();

    @GuardedBy("lock")
    private static final Set<KeepAlive> executors = Collections.newSetFromMap(new WeakHashMap<>());

    /** Changed under the lock, but for the keeper's last change, which clears it. */
    private static volatile @Nullable Thread keeper;

    /** True while the keeper waits for calls to end, and must be woken by them. */
    private static volatile boolean waiting;

    private final BooleanSupplier unfinished;

    /**
     * Creates the claim of one executor.
     *
     * @param unfinished returns whether a call that was accepted has not ended. It is called on any thread, it must not
     *     wait, take locks or throw, and it must read volatile fields
     */
    public KeepAlive(BooleanSupplier unfinished) {
        this.unfinished = requireNonNull(unfinished, "unfinished");
        synchronized (lock) {
            executors.add(this);
        }
    }

    /**
     * Reports that the executor has accepted a call; called after the call has begun to count as unfinished, and before
     * {@code submit} returns. Usually reads a field only, and starts a thread if there is no keeper.
     *
     * @throws OutOfMemoryError if that thread could not be started; then the executor must refuse the call
     */
    public void onAccepted() {
        if (keeper == null) {
            startKeeper();
        }
    }

    /**
     * Reports that a call has ended or was refused; called after it has ceased to count as unfinished. A call ends when
     * its callbacks have run.
     */
    public void onEnded() {
        if (waiting && !unfinished.getAsBoolean()) {
            LockSupport.unpark(keeper);
        }
    }

    /** Gives up the claim of an executor that has terminated. Idempotent. */
    @Override
    public void close() {
        synchronized (lock) {
            executors.remove(this);
            Thread current = keeper;
            if (executors.isEmpty() && current != null) {
                current.interrupt(); // it may be joining a thread that lives as long as the program
            }
        }
    }

    /** Returns the thread that keeps the program running, for tests. */
    static @Nullable Thread keeper() {
        return keeper;
    }

    private static void startKeeper() {
        synchronized (lock) {
            if (keeper != null) {
                return;
            }
            Thread thread = Thread.ofPlatform()
                    .name(KEEPER_NAME)
                    .daemon(false)
                    .inheritInheritableThreadLocals(false)
                    .unstarted(KeepAlive::run);
            thread.setContextClassLoader(null);
            thread.start();
            keeper = thread; // now, not before its start: a thread that reads the field relies on a running keeper
        }
    }

    // On the keeper thread

    private static void run() {
        synchronized (lock) { // until `keeper` has been set
            requireNonNull(keeper);
        }
        boolean ended = false;
        while (!ended) {
            try {
                ended = waitForOthers() && end();
            } catch (Throwable e) {
                // Of memory. The calls that go on will free memory, or fail for lack of it; the keeper waits for them
                // in either case.
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
                ended = hasSuccessor();
            }
        }
    }

    /** Waits for a thread, or for the calls if there is none; returns whether the keeper has nothing to do for now. */
    private static boolean waitForOthers() {
        Thread other = otherNonDaemonThread();
        if (other == null) {
            waitForCalls();
            return true;
        }
        try {
            other.join(IDLE_MILLIS);
            return other.isAlive() && !anyUnfinished();
        } catch (InterruptedException e) {
            return !anyUnfinished(); // the last executor was closed
        }
    }

    private static void waitForCalls() {
        waiting = true;
        while (anyUnfinished()) {
            LockSupport.park(KeepAlive.class);
            var _ = Thread.interrupted();
        }
        waiting = false;
    }

    /** Returns false if the keeper must go on, because a call was accepted at this moment. */
    private static boolean end() {
        keeper = null;
        return !anyUnfinished() || hasSuccessor();
    }

    /**
     * Returns whether an executor has started another keeper after this one had begun to end; if not, this one goes on.
     */
    private static boolean hasSuccessor() {
        Thread current = Thread.currentThread();
        synchronized (lock) {
            if (keeper == null) {
                keeper = current;
            }
            return keeper != current;
        }
    }

    private static boolean anyUnfinished() {
        synchronized (lock) {
            for (KeepAlive each : executors) {
                if (each.unfinished.getAsBoolean()) {
                    return true;
                }
            }
            return false;
        }
    }

    private static @Nullable Thread otherNonDaemonThread() {
        ThreadGroup group = Thread.currentThread().getThreadGroup();
        while (group.getParent() != null) {
            group = group.getParent();
        }
        Thread[] threads;
        int count;
        do {
            threads = new Thread[2 * group.activeCount() + 8];
            count = group.enumerate(threads);
        } while (count == threads.length); // there may be more
        for (int i = 0; i < count; i++) {
            Thread thread = threads[i];
            if (!thread.isDaemon()
                    && !thread.getName().equals(KEEPER_NAME)
                    && !thread.getName().equals(LAST_THREAD_NAME)) {
                return thread;
            }
        }
        return null;
    }
}
