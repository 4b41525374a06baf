package dev.trestle.testkit;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A run of a call with a time limit, which interrupts the call. Made on the thread of the call. */
final class TimedRun implements AutoCloseable {

    /*
     * The lock is held while the thread is interrupted, so no interrupt of this run hits the next call of the thread.
     */

    private final String call;
    private final Duration limit;
    private final Thread thread = Thread.currentThread();
    private final CountDownLatch ended = new CountDownLatch(1);

    @GuardedBy("this")
    private boolean over;

    @GuardedBy("this")
    private @Nullable String stack;

    TimedRun(String call, Duration limit) {
        this.call = call;
        this.limit = limit;
        Thread.ofVirtual().name("trestle-in-process-timer").start(this::watch);
    }

    private void watch() {
        try {
            if (ended.await(limit.toNanos(), TimeUnit.NANOSECONDS)) {
                return;
            }
        } catch (InterruptedException e) { // no code has this thread
            return;
        }
        synchronized (this) {
            if (!over) {
                stack = Stream.of(thread.getStackTrace())
                        .map(frame -> "\n\tat " + frame)
                        .collect(Collectors.joining());
                thread.interrupt();
            }
        }
    }

    /** Returns the exception if the time was over; called when the call has ended. */
    synchronized @Nullable TimeoutException timeout() {
        over = true;
        if (stack == null) {
            return null;
        }
        var _ = Thread.interrupted();
        return new TimeoutException(
                call + " has run for longer than " + limit + " and was interrupted. Its stack then:" + stack);
    }

    @Override
    public void close() {
        var _ = timeout();
        ended.countDown();
    }
}
