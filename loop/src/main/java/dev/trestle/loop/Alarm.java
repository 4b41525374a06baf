package dev.trestle.loop;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A platform thread, one for all loops, that wakes the drivers that sleep until a timer is due. */
final class Alarm implements Runnable {

    /*
     * A virtual thread that parks for a limited time relies on a timer of the JDK's, which is made when the thread has
     * left its carrier. Where there is no memory for that, the thread is lost for good, and so would be its loop. So
     * drivers park without a limit and leave the time to this thread, which needs no memory to go on, and no carrier.
     *
     * Each loop that sleeps has the moment in a field. This thread looks at all of them, and parks until the earliest.
     * A driver that sets its field to an earlier moment unparks this thread. During a look the earliest is said to be
     * at the end of time, so that a driver whose field has been looked at already sees that this thread has to look
     * again.
     */

    /** The longest time between two looks. */
    private static final long LONGEST = 60_000_000_000L;

    private static final long RETRY = 1_000_000;

    private static final Alarm alarm = new Alarm();

    /** The time at which this thread looks again, as of System.nanoTime; guarded by nothing: see above. */
    private volatile long next;

    private volatile boolean looking = true;

    private @Nullable Thread thread;

    private Alarm() {}

    /** Called when a loop begins to run: nothing that can fail is left for later. */
    static void begin() {
        alarm.start();
    }

    private synchronized void start() {
        if (thread == null) {
            thread = Thread.ofPlatform().name("trestle-alarm").daemon().start(this);
        }
    }

    /** Called when a driver is about to sleep, after its moment was set. */
    static void set(long moment) {
        if (alarm.looking || moment - alarm.next < 0) {
            LockSupport.unpark(alarm.thread);
        }
    }

    @Override
    public void run() {
        long wait = 0;
        while (true) {
            try {
                LockSupport.parkNanos(this, wait);
                wait = RETRY;
                wait = look();
            } catch (Throwable e) {
                Thread.onSpinWait(); // no memory: this thread must not end, as no other wakes the drivers
            }
        }
    }

    private long look() {
        looking = true;
        long now = System.nanoTime();
        long earliest = LONGEST;
        for (Baton baton : Baton.running()) {
            earliest = Math.min(earliest, baton.wakeIfDue(now));
        }
        next = now + earliest;
        looking = false;
        return earliest;
    }
}
