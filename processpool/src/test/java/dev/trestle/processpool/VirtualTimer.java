package dev.trestle.processpool;

import java.time.Duration;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;

/** A timer whose time a test moves. Actions run on the thread of the test. */
final class VirtualTimer extends Timer {

    private record Due(long at, long number, Runnable action, CompletableFuture<?> future) {}

    private final PriorityQueue<Due> actions =
            new PriorityQueue<>(Comparator.comparingLong(Due::at).thenComparingLong(Due::number));

    private long now;
    private long number;

    VirtualTimer() {
        super("virtual");
    }

    @Override
    long nanoTime() {
        return now;
    }

    @Override
    Future<?> after(Duration delay, Runnable action) {
        var future = new CompletableFuture<>();
        actions.add(new Due(now + delay.toNanos(), ++number, action, future));
        return future;
    }

    /** Lets time pass, and does what is due meanwhile. */
    void advance(Duration time) {
        long until = now + time.toNanos();
        while (!actions.isEmpty() && actions.peek().at <= until) {
            Due due = actions.remove();
            now = due.at;
            if (!due.future.isDone()) {
                due.action.run();
            }
        }
        now = until;
    }

    @Override
    public void close() {
        actions.clear();
        super.close();
    }
}
