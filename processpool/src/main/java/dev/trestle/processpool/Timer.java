package dev.trestle.processpool;

import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Does things later, each on a virtual thread of its own. After {@link #close} it does nothing more. Tests have one with a time
 * of its own.
 */
class Timer implements AutoCloseable {

    private final ScheduledThreadPoolExecutor scheduler;
    private final Thread.Builder.OfVirtual threads;

    Timer(String name) {
        this.threads = Thread.ofVirtual().name(name);
        this.scheduler = new ScheduledThreadPoolExecutor(
                1, Thread.ofVirtual().name(name).factory(), new ThreadPoolExecutor.DiscardPolicy());
        scheduler.setRemoveOnCancelPolicy(true);
    }

    /** Returns the time that passes for this timer, as {@link System#nanoTime} does. */
    long nanoTime() {
        return System.nanoTime();
    }

    Future<?> after(Duration delay, Runnable action) {
        return scheduler.schedule(
                () -> threads.start(action), TimeUnit.NANOSECONDS.convert(delay), TimeUnit.NANOSECONDS);
    }

    @Override
    public void close() {
        scheduler.shutdownNow();
    }
}
