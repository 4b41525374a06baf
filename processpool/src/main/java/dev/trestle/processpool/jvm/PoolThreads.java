package dev.trestle.processpool.jvm;

/**
 * The threads of pools in the program. They inherit nothing from the thread that happens to need them first: a worker
 * lives long, and would keep that one's context class loader, such as a plug-in's, and its thread locals.
 */
public final class PoolThreads {

    private PoolThreads() {}

    /** Returns a daemon platform thread whose context class loader is the one that has Trestle. */
    static Thread unstarted(String name, Runnable task) {
        return prepared(Thread.ofPlatform()
                .name(name)
                .daemon()
                .inheritInheritableThreadLocals(false)
                .unstarted(task));
    }

    /** Starts an {@link #unstarted} thread. */
    public static void start(String name, Runnable task) {
        unstarted(name, task).start();
    }

    /** Starts a virtual thread with the same context class loader. */
    public static void startVirtual(String name, Runnable task) {
        prepared(Thread.ofVirtual()
                        .name(name)
                        .inheritInheritableThreadLocals(false)
                        .unstarted(task))
                .start();
    }

    private static Thread prepared(Thread thread) {
        thread.setContextClassLoader(PoolThreads.class.getClassLoader());
        return thread;
    }
}
