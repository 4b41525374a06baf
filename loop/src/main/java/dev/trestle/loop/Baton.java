package dev.trestle.loop;

import static java.lang.System.Logger.Level.ERROR;
import static java.util.Objects.requireNonNull;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The right to run a loop's code, what it is to run, and how the right moves between the driver and the coroutines. It is
 * over 300 lines because the queue of a turn and the hand-over are one algorithm: who gives the baton away looks up who is
 * next.
 */
final class Baton implements Thread.UncaughtExceptionHandler {

    /*
     * `holder` is one word with five kinds of value: null, the loop does not run; the driver; the thread of a coroutine;
     * FREE, the loop runs but has nothing to do; ABANDONED, the loop was closed while its holder did not give the baton back. Only
     * the holder writes it, but for the compare-and-set from FREE, and the end of a loop that is abandoned. A holder that
     * passes the baton on at that moment overwrites ABANDONED: then the rest of its turn is run after all, and the driver
     * ends as it was told to.
     *
     * Who suspends finds the next item of the turn. If it is a coroutine, the baton goes straight to its thread. The
     * loop's own steps (a timer that completes a future, a part of a gather) are run on the spot, by whoever holds the
     * baton: no foreign code runs in them. The user's callbacks run on the driver, so that they never see a coroutine's
     * stack, scoped values or thread locals. At the end of a turn the holder, whoever it is, begins the next.
     *
     * If nothing is ready, the baton is put down: FREE. A coroutine that comes back from a blocking call may pick it up; so may
     * a foreign thread that brings a step of the loop's own, such as the outcome of a future, and passes it on at once to the
     * coroutine that waits for that; and so does the driver, when the inbox is filled, or a timer is due. Three races are
     * decided by writing one volatile and then reading the other, so that at least one side sees the other:
     *   - inbox: a foreign thread adds, then reads `holder`, and if it is FREE takes it, or unparks the driver. Who frees the
     *     baton reads the inbox afterwards.
     *   - stop: the same with `stopping`.
     *   - timers: the driver sleeps until `armedFor`. Who frees the baton reads it afterwards: if the first timer is
     *     earlier, the driver has to be told. A driver that wakes when the baton is taken sets it to NEVER, and reads
     *     `holder` afterwards.
     *
     * Which loop a thread belongs to is found through its uncaught-exception handler, which is this object for every
     * thread the loop makes: it is the one place in a Thread that costs a coroutine no memory. A thread local costs it
     * over a hundred bytes, a scoped value more.
     */

    static final long NEVER = Long.MAX_VALUE;

    private static final Thread FREE = Thread.ofVirtual().name("trestle-nobody").unstarted(() -> {});
    private static final Thread ABANDONED =
            Thread.ofVirtual().name("trestle-abandoned").unstarted(() -> {});
    private static final Set<Baton> running = ConcurrentHashMap.newKeySet();
    private static final VarHandle HOLDER;

    static {
        try {
            HOLDER = MethodHandles.lookup().findVarHandle(Baton.class, "holder", Thread.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final EventLoop loop;
    private final LoopClock clock;
    private final @Nullable RandomGenerator shuffle;
    private final HandOver handOver = HandOver.create();
    private final ThreadFactory threads =
            handOver.threads().uncaughtExceptionHandler(this).factory();

    // any thread
    private final Inbox inbox = new Inbox();
    private volatile @Nullable Thread holder;
    private volatile @Nullable Thread driver;
    private volatile long armedFor = NEVER;
    private volatile boolean stopping;

    /** The thread whose loop this is while it does not run: the one that ran the last turn. Null, it is for any one thread. */
    private volatile @Nullable Thread owner;

    // confined to the holder; while the loop does not run, to its owner
    private final ReadyQueue ready = new ReadyQueue();
    private final Timers timers = new Timers();
    private @Nullable Task<?> current;

    /** The callback that the driver is to run next. */
    private @Nullable Handle callback;

    /** How many items of this turn are left. */
    private int left;

    /** Whether the driver wants the baton back after this turn. */
    private boolean once;

    /** Who has lent the baton to a coroutine that starts eagerly: the innermost one. */
    private @Nullable Lender lender;

    /** Coroutines in a blocking call. */
    private int away;

    /** How often a coroutine has begun one, ever. Others may read it, racily. */
    private int departures;

    Baton(EventLoop loop, LoopClock clock, @Nullable RandomGenerator shuffle) {
        this.loop = loop;
        this.clock = clock;
        this.shuffle = shuffle;
    }

    // Who holds it

    /** Returns the loop whose baton the calling thread holds, if any. */
    static @Nullable EventLoop loopHere() {
        Thread me = Thread.currentThread();
        if (me.getUncaughtExceptionHandler() instanceof Baton baton && baton.holder == me) {
            return baton.loop;
        }
        for (Baton baton : running) { // a thread that drives a loop by runOnce, or whose handler was replaced
            if (baton.holder == me) {
                return baton.loop;
            }
        }
        return null;
    }

    /** Returns the loop that the calling thread is a coroutine of, if it is in a blocking call. */
    static @Nullable EventLoop loopLeftBehind() {
        Thread me = Thread.currentThread();
        return me.getUncaughtExceptionHandler() instanceof Baton baton && baton.holder != me ? baton.loop : null;
    }

    /** Returns the batons of the loops that run; may be called from any thread. */
    static Set<Baton> running() {
        return running;
    }

    EventLoop loop() {
        return loop;
    }

    /** Returns whose turn it is, null if it is nobody's; may be called from any thread. */
    @Nullable
    Thread holder() {
        Thread now = holder;
        return now == FREE || now == ABANDONED ? null : now;
    }

    /** Returns a number that changes with everything that is run; may be called from any thread, and may be late. */
    int progress() {
        return ready.taken() + departures;
    }

    boolean isHeldHere() {
        return holder == Thread.currentThread();
    }

    boolean isRunning() {
        return driver != null && holder != ABANDONED;
    }

    /** Returns whether the calling thread may touch what is confined to the holder. */
    boolean isConfinedHere() {
        Thread me = Thread.currentThread();
        if (holder == me) {
            return true;
        }
        Thread last = owner;
        return driver == null && (last == null || last == me || !last.isAlive());
    }

    @Nullable
    Task<?> current() {
        return current;
    }

    // What is to be run; called by the holder

    void ready(Ready item) {
        ready.add(item);
    }

    void add(TimerHandle timer) {
        timers.add(timer);
    }

    void remove(TimerHandle timer) {
        timers.remove(timer);
    }

    boolean hasReady() {
        return ready.size() > 0;
    }

    int timerCount() {
        return timers.size();
    }

    int readyCount() {
        return ready.size();
    }

    /** Drops what is ready, and returns how many items that were. */
    int dropReady() {
        return drop(ready);
    }

    private static int drop(ReadyQueue queue) {
        int count = queue.size();
        while (queue.size() > 0) {
            if (queue.take() instanceof Handle handle) {
                handle.cancel();
            }
        }
        return count;
    }

    /** Forgets the timers, and takes no more from other threads. What is ready, or was sent, can still be run. */
    void close() {
        timers.clear();
        inbox.close(ready);
    }

    /**
     * Takes the baton from the thread that has it and does not give it back, for good, and takes no more from other threads.
     * Drops what they have sent, and returns how many items that were. Called by the closing thread.
     */
    synchronized int abandon() {
        running.remove(this);
        holder = ABANDONED;
        LockSupport.unpark(driver); // it ends, unless it is the one that hangs
        var sent = new ReadyQueue();
        inbox.close(sent);
        return drop(sent);
    }

    // From any thread

    /** Has an item run in a later turn; returns false if the loop is closed. */
    boolean send(Ready item) {
        if (!inbox.add(item)) {
            return false;
        }
        if (holder == FREE) {
            boolean own = item instanceof Handle handle && handle.isInline();
            if (own && HOLDER.compareAndSet(this, FREE, Thread.currentThread())) {
                pass(null, false); // no detour over the driver, whose waking costs more than all the rest
            } else {
                LockSupport.unpark(driver);
            }
        }
        return true;
    }

    void stop() {
        stopping = true;
        if (holder == FREE) {
            LockSupport.unpark(driver);
        }
    }

    /** Has the holder run if it was handed the baton by a thread that keeps their carrier. */
    void rescue() {
        handOver.rescue();
    }

    // Driving

    /** Makes a thread the driver, holding the baton. */
    synchronized void begin(Thread thread) {
        if (driver != null) {
            throw new IllegalStateException(loop + " is already running, on " + driver);
        }
        driver = thread;
        holder = thread;
        owner = thread == Thread.currentThread() ? thread : null;
        running.add(this);
        Watch.begin();
    }

    /** Makes the calling thread the one whose loop this is, until another thread does this or runs the loop. */
    synchronized void own() {
        if (driver == null) {
            owner = Thread.currentThread();
        }
    }

    /** Ends what {@link #begin} began. */
    synchronized void end() {
        running.remove(this);
        if (holder != ABANDONED) {
            holder = null;
        }
        driver = null;
    }

    Thread newDriver(String name, Runnable task) {
        return handOver.threads().name(name).uncaughtExceptionHandler(this).unstarted(task);
    }

    /** Runs the loop until it is stopped, or for one turn; on the driver. */
    void drive(boolean oneTurn) {
        once = oneTurn;
        beginTurn();
        while (holder != ABANDONED) {
            Task<?> next = next();
            if (next != null) {
                if (give(next, true)) {
                    waitAsDriver(NEVER);
                }
            } else if (callback != null) {
                Handle due = callback;
                callback = null;
                loop.run(due);
            } else if (stopping || once) {
                break;
            } else {
                armedFor = sleepLimit();
                holder = FREE;
                waitAsDriver(armedFor);
            }
        }
        stopping = false;
    }

    private void waitAsDriver(long until) {
        Thread me = Thread.currentThread();
        boolean interrupted = false;
        boolean late = false;
        while (holder != me && holder != ABANDONED) {
            if (holder == FREE && (late || isWanted())) {
                if (HOLDER.compareAndSet(this, FREE, me)) {
                    break;
                }
                continue;
            }
            if (late || until == NEVER) {
                LockSupport.park(this);
            } else {
                long nanos = until - loop.nanos();
                if (nanos > 0) {
                    LockSupport.parkNanos(this, nanos);
                } else {
                    late = true;
                    armedFor = NEVER;
                }
            }
            interrupted |= Thread.interrupted(); // or the next park would not park
        }
        if (holder == me) {
            armedFor = NEVER;
            current = null;
        }
        if (interrupted) {
            me.interrupt();
        }
    }

    private boolean isWanted() {
        return stopping || !inbox.isEmpty();
    }

    /** Returns until when the driver may sleep. A virtual clock does not get later by waiting. */
    private long sleepLimit() {
        return clock instanceof VirtualClock ? NEVER : timers.due();
    }

    // A turn

    /** Begins a turn: all that is ready now, and nothing that it adds. Returns whether there is anything. */
    private boolean beginTurn() {
        inbox.moveTo(ready);
        fireTimers();
        if (ready.size() == 0 && timers.size() > 0 && away == 0 && !stopping && !once && loop.jumpTo(timers.due())) {
            fireTimers();
        }
        left = ready.size();
        if (shuffle != null && left > 1) {
            ready.shuffle(shuffle);
        }
        return left > 0;
    }

    private void fireTimers() {
        if (timers.size() > 0) {
            long now = loop.nanos();
            while (timers.due() <= now) {
                ready.add(timers.take());
            }
        }
    }

    /**
     * Returns the coroutine that is next. Null if the driver has to do something: run a callback, stop; or if there is
     * nothing to do.
     */
    private @Nullable Task<?> next() {
        while (callback == null) {
            if (left == 0 && (stopping || once || !beginTurn())) {
                return null;
            }
            left--;
            switch (ready.take()) {
                case Task<?> task -> {
                    if (!task.endsBeforeItStarts()) {
                        return task;
                    }
                }
                case Handle handle when handle.isCancelled() -> {}
                case Handle handle when handle.isInline() -> loop.run(handle);
                case Handle handle -> callback = handle;
            }
        }
        return null;
    }

    // Passing it on

    /** Gives the baton away and returns when it is back. Called by a coroutine that something will make ready. */
    void suspend(Task<?> self) {
        if (!pass(self, true)) {
            waitAsCoroutine(self);
        }
    }

    /** Gives the baton away for good. Called by a coroutine that has ended. */
    void leave() {
        pass(null, true);
    }

    /** Gives the baton away, to do something else meanwhile. */
    void goAway() {
        away++;
        departures++;
        pass(null, false);
    }

    /** Takes the baton again after {@link #goAway}; returns false if the loop was closed meanwhile. */
    boolean comeBack(Task<?> self) {
        // What is in the inbox was there first.
        if (!inbox.isEmpty() || !HOLDER.compareAndSet(this, FREE, Thread.currentThread())) {
            if (!send(self)) {
                return false;
            }
            waitAsCoroutine(self);
        }
        current = self;
        away--;
        return true;
    }

    /** Gives the baton away for good, and keeps a coroutine that would not end from running. */
    void strand() {
        pass(null, true);
        while (true) {
            LockSupport.park(this);
            Thread.interrupted();
        }
    }

    /**
     * Gives the baton to whoever is next. Returns true if that is the giver, who still has it.
     *
     * @param parting whether the giver parks or ends at once
     */
    private boolean pass(@Nullable Task<?> self, boolean parting) {
        if (lender != null) {
            giveBack(lender, parting);
            return false;
        }
        while (true) {
            Task<?> next = next();
            if (next != null) {
                if (next == self) {
                    return true;
                }
                if (give(next, parting)) {
                    return false;
                }
                continue;
            }
            long due = sleepLimit();
            if (callback != null || stopping || once || due < armedFor) {
                current = null;
                Thread to = requireNonNull(driver);
                holder = to;
                wake(to, parting);
                return false;
            }
            current = null;
            holder = FREE;
            boolean needed = isWanted() || due < armedFor;
            if (!needed || !HOLDER.compareAndSet(this, FREE, Thread.currentThread())) {
                return false;
            }
            current = self;
        }
    }

    /** Gives the baton to a coroutine. Returns false, and keeps it, if the coroutine could not be started. */
    private boolean give(Task<?> task, boolean parting) {
        Thread me = Thread.currentThread();
        Task<?> before = current;
        Thread thread = task.thread();
        current = task;
        if (thread != null) {
            HOLDER.setRelease(this, thread);
            wake(thread, parting);
            return true;
        }
        try {
            thread = threads.newThread(task::live);
            task.startedOn(thread);
            holder = thread;
            if (parting) {
                handOver.startAndPart(thread);
            } else {
                thread.start();
            }
            return true;
        } catch (Throwable e) { // out of memory, most likely: this coroutine fails, the loop goes on
            holder = me;
            current = before;
            task.failToStart(e);
            return false;
        }
    }

    /** Who waits for a coroutine that he runs in his own turn. */
    private record Lender(
            Thread thread, @Nullable Task<?> task, @Nullable Lender outer) {}

    /** Runs a new coroutine until it suspends for the first time. Called by the holder, who has the baton again then. */
    void runNow(Task<?> child) {
        Thread me = Thread.currentThread();
        Task<?> self = current;
        lender = new Lender(me, self, lender);
        if (!give(child, true)) {
            lender = lender.outer;
        } else if (self != null) {
            waitAsCoroutine(self);
        } else {
            boolean interrupted = false;
            while (holder != me) {
                LockSupport.park(this);
                interrupted |= Thread.interrupted(); // or the next park would not park
            }
            if (interrupted) {
                me.interrupt();
            }
        }
    }

    private void giveBack(Lender to, boolean parting) {
        lender = to.outer();
        current = to.task();
        holder = to.thread();
        wake(to.thread(), parting);
    }

    private void wake(Thread thread, boolean parting) {
        if (parting) {
            handOver.wakeAndPart(thread);
        } else {
            LockSupport.unpark(thread);
        }
    }

    private void waitAsCoroutine(Task<?> self) {
        Thread me = Thread.currentThread();
        while (holder != me) {
            try {
                LockSupport.park(); // without a blocker, whose two writes a switch would feel; Task says what it awaits
            } catch (StackOverflowError e) {
                waitOnCarrier(me);
            }
            if (holder != me && Thread.interrupted()) {
                // Who interrupts a coroutine wants it to end. It must not see that before it has the baton.
                send(new Handle(() -> self.cancel(Task.INTERRUPTED), true));
            }
        }
    }

    /**
     * Waits for the baton, or an interrupt, and keeps the carrier: the JDK puts the stack of a virtual thread aside by recursion,
     * and overflows itself if that is some thousand calls deep. Object.wait does not insist on leaving the carrier.
     */
    private void waitOnCarrier(Thread me) {
        var nobody = new Object();
        synchronized (nobody) {
            while (holder != me && !me.isInterrupted()) {
                try {
                    nobody.wait(1);
                } catch (InterruptedException e) {
                    me.interrupt();
                }
            }
        }
    }

    @Override
    public void uncaughtException(Thread thread, Throwable exception) {
        Log.log(ERROR, () -> "A thread of " + loop + " ended with an exception: " + thread, exception);
    }
}
