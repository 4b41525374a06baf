package dev.trestle.loop;

import static java.lang.System.Logger.Level.ERROR;
import static java.util.Objects.requireNonNull;

import dev.trestle.api.CarriedContext;
import dev.trestle.api.StackRoom;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The right to run a loop's code: one thread has it, the driver or a coroutine, and passes it on when it awaits. The
 * class has about 1,000 lines because the queue of a turn and the hand-over are one algorithm: the thread that gives
 * the baton away looks up which item is next.
 */
final class Baton implements Thread.UncaughtExceptionHandler {

    /*
     * `holder` is one word with five kinds of value: null, the loop does not run; the driver; the thread of a
     * coroutine; FREE, the loop runs but has nothing to do; ABANDONED, the loop was closed while its holder did not
     * give the baton back. Only the holder writes it, but for the compare-and-set from FREE, and the end of a loop that
     * is abandoned. A holder that passes the baton on at that moment overwrites ABANDONED: then the rest of its turn is
     * run after all, and the driver ends as it was told to.
     *
     * A coroutine that suspends finds the next item of the turn. If it is a coroutine, the baton goes straight to its
     * thread. The loop's own steps (a timer that completes a future, a part of a gather) are run on the spot, by the
     * holder: no foreign code runs in them. The user's callbacks run on the driver, so that they never see a
     * coroutine's stack, scoped values or thread locals. At the end of a turn the holder begins the next one.
     *
     * If nothing is ready, the baton is put down: FREE. A coroutine that comes back from a blocking call may pick it
     * up; so may a foreign thread that brings a step of the loop's own, such as the outcome of a future, and passes it
     * on at once to the coroutine that waits for that; and so does the driver, when the inbox is filled, or a timer is
     * due. Three races are decided by writing one volatile and then reading the other, so that at least one side sees
     * the other:
     *   - inbox: a foreign thread adds, then reads `holder`, and if it is FREE takes it, or unparks the driver. The
     *     holder that frees the baton reads the inbox afterwards.
     *   - stop: the same with `stopping`.
     *   - timers: the driver sleeps until `armedFor`. The holder that frees the baton reads it afterwards: if the first
     *     timer is earlier, the driver has to be told. A driver that wakes when the baton is taken sets it to NEVER,
     *     and reads `holder` afterwards.
     * The loop's clock is asked by the holder alone, as it need not be made for more than one thread. So the driver
     * decides how long to sleep before it frees the baton, and goes by the machine's clock while it sleeps. Another
     * clock may be faster or slower, or jump; then the driver takes the baton again and again, to look at it. See ADR
     * 150.
     *
     * Nothing that the loop needs to go on takes memory, and all of it has stack enough: what is queued is its own
     * link, and a thread that may be near the end of its stack makes sure of some before anything is changed. If a
     * hand-over fails all the same, its item stays in `due`, and the baton goes to the driver, at the bottom of its own
     * stack. The slow-callback detector wakes a loop whose wake-up was lost, and takes the baton back from a thread
     * that does not belong to the loop. See ADR 143.
     *
     * With `java.lang` opened, a task that has not begun may do so on a thread that is there: on top of the stack of
     * the coroutine that awaits it, or after the task for which the thread was made. The giver keeps the baton then,
     * and the task stays in `due` until it has begun; if that fails, it gets a thread. A coroutine below another one is
     * not given the baton before that one has ended. See ADR 470.
     *
     * Which loop a thread belongs to is found through its uncaught-exception handler, which is this object for every
     * thread the loop makes: it is the one place in a Thread that costs a coroutine no memory. A thread local costs it
     * over a hundred bytes, a scoped value more.
     */

    static final long NEVER = Long.MAX_VALUE;

    private static final Thread FREE =
            Thread.ofVirtual().name("trestle-no-holder").unstarted(() -> {});
    private static final Thread ABANDONED =
            Thread.ofVirtual().name("trestle-abandoned").unstarted(() -> {});
    private static final Set<Baton> running = ConcurrentHashMap.newKeySet();

    /** The batons of loops that run on threads which they have not made, as by {@link EventLoop#runOnce}. */
    private static final Map<Thread, Baton> drivenElsewhere = new ConcurrentHashMap<>();

    private static final VarHandle HOLDER;

    /** The most tasks on the stack of one thread, besides the one for which it was made. */
    private static final int DEEPEST = 16;

    // True once a foreign thread has brought an outcome, or has woken the driver: the code for that is linked and
    // initialized then. A racy read costs a larger check.
    private static boolean deliveryLinked;
    private static boolean wakeUpLinked;

    static {
        try {
            HOLDER = MethodHandles.lookup().findVarHandle(Baton.class, "holder", Thread.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final LoopTime time;
    private final CallbackRunner callbacks;
    private final @Nullable RandomGenerator shuffle;
    private final HandOver handOver = HandOver.create();
    private final ThreadFactory threads = handOver.threads()
            .uncaughtExceptionHandler(this)
            .inheritInheritableThreadLocals(false) // they would be those of the coroutine that happens to start it
            .factory();

    // any thread
    private final Inbox inbox = new Inbox();
    private volatile @Nullable Thread holder;
    private volatile @Nullable Thread driver;
    private volatile long armedFor = NEVER;
    private volatile boolean stopping;

    /** The time at which the driver, if it is armed, takes the baton by itself. Written before `armedFor`. */
    private volatile long wakeAt;

    private volatile boolean sleeping;

    /** A foreign thread that has picked up the baton, to give it to a coroutine. */
    private volatile @Nullable Thread courier;

    /**
     * The thread whose loop this is while it does not run: the one that ran the last turn. Null, it is for any one
     * thread.
     */
    private volatile @Nullable Thread owner;

    // Nanoseconds; written by the detector, read by any thread
    private volatile long presentStep;
    private volatile long longestStep;

    // confined to the holder; while the loop does not run, to its owner
    private final ReadyQueue ready = new ReadyQueue();
    private final Timers timers = new Timers();
    private @Nullable Task<?> current;

    /** The callback that the driver is to run next. */
    private @Nullable Handle callback;

    /** The item that was taken from the queue, and has not been run or given the baton yet. */
    private @Nullable Ready due;

    /** The number of items of this turn that are left. */
    private int left;

    /** True if the driver takes the baton back after this turn. */
    private boolean once;

    /** The innermost caller that has lent the baton to a coroutine that starts eagerly. */
    private @Nullable EagerCaller eagerCaller;

    /**
     * The start of a new thread that has been given the baton and has not begun to run. The detector may read an
     * earlier one, which it cannot revoke any more.
     */
    private Task.@Nullable Start<?> starting;

    /** The task of that start. */
    private @Nullable Task<?> startingTask;

    /** The task whose thread had the baton when it was taken back, and has ended perhaps. */
    private @Nullable Task<?> lost;

    /**
     * The holder that has run since it was given the baton. The detector may read an earlier one, at the cost of a
     * needless look at a stack.
     */
    private @Nullable Thread arrived;

    /** False if the program wants to see each task on a thread of its own. */
    private boolean sharesThreads = true;

    /** The number of tasks that have begun on a thread that was there. */
    private int shared;

    /** Coroutines in a blocking call. */
    private int away;

    /** Futures that are not done, and whose outcomes come from other threads. Counted in virtual time only. */
    private int expected;

    /** The futures among the expected ones whose work is known to run. */
    private int working;

    /** The number of blocking calls that have ever begun. A thread that reads a stale number looks again later. */
    private int departures;

    Baton(LoopTime time, CallbackRunner callbacks, @Nullable RandomGenerator shuffle) {
        this.time = time;
        this.callbacks = callbacks;
        this.shuffle = shuffle;
    }

    // The holder

    /** Returns the baton that the calling thread holds, if any. */
    static @Nullable Baton here() {
        Thread me = Thread.currentThread();
        Thread.UncaughtExceptionHandler handler = me.getUncaughtExceptionHandler();
        if (handler instanceof Baton baton && baton.holder == me) {
            return baton;
        }
        Baton driven = drivenElsewhere.get(me);
        if (driven != null && driven.holder == me) {
            return driven;
        }
        return handler instanceof Baton || handler instanceof ThreadGroup ? null : ofHolder(me);
    }

    /**
     * Returns the baton that a thread holds, if any, though its handler does not say so. Looks at all loops that run.
     */
    private static @Nullable Baton ofHolder(Thread thread) {
        for (Baton baton : running) { // a coroutine may have given its thread a handler of its own
            if (baton.holder == thread) {
                return baton;
            }
        }
        return null;
    }

    /** Returns the baton of the loop that the calling thread belongs to, if the thread does not hold it. */
    static @Nullable Baton leftBehindHere() {
        Thread me = Thread.currentThread();
        return me.getUncaughtExceptionHandler() instanceof Baton baton && baton.holder != me ? baton : null;
    }

    /** Returns the batons of the loops that run; may be called from any thread. */
    static Set<Baton> running() {
        return running;
    }

    /** Returns the batons of the loops that run on threads which they have not made, by thread. */
    static Map<Thread, Baton> drivenElsewhere() {
        return drivenElsewhere;
    }

    CallbackRunner callbacks() {
        return callbacks;
    }

    /** Returns the time for which a callback or a coroutine may run without awaiting; may be called from any thread. */
    long slowNanos() {
        return callbacks.debugMode().slowNanos();
    }

    /** Returns the loop in words; may be called from any thread. */
    String loopText() {
        return callbacks.loopText();
    }

    /** Returns the thread that holds the baton, null if none does; may be called from any thread. */
    @Nullable
    Thread holder() {
        Thread now = holder;
        return now == FREE || now == ABANDONED ? null : now;
    }

    /**
     * Returns the thread that holds the baton, or a constant that stands for none; to be compared only. May be called
     * from any thread.
     */
    @Nullable
    Thread holderOrPlaceholder() {
        return holder;
    }

    /** Returns a number that changes with everything that is run; may be called from any thread, and may be late. */
    int progress() {
        return (int) ready.taken() + departures;
    }

    /** Returns the number of items that were ever run; may be called from any thread, and may be late. */
    long steps() {
        return ready.taken();
    }

    /** Records the time for which the present step has run, 0 if there is none; called by the detector. */
    void noteStep(long nanos) {
        presentStep = nanos;
        if (nanos > longestStep) {
            longestStep = nanos;
        }
    }

    /** Returns the time for which the step of the last look had run; may be called from any thread. */
    long presentStep() {
        return presentStep;
    }

    /** Returns the longest of those; may be called from any thread. */
    long longestStep() {
        return longestStep;
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

    // The items to run; called by the holder

    void ready(Ready item) {
        ready.add(item);
    }

    /** Makes a ring of items ready, given its last one. */
    void readyRing(Ready last) {
        ready.addRing(last);
    }

    void add(TimerHandle timer) {
        StackRoom.require(); // a heap must not be left halfway
        timers.add(timer);
    }

    void remove(TimerHandle timer) {
        StackRoom.require();
        timers.remove(timer);
    }

    boolean hasReady() {
        return ready.size() > 0 || due != null;
    }

    int timerCount() {
        return timers.size();
    }

    int readyCount() {
        return ready.size();
    }

    /** Drops what is ready, and returns how many items that were. */
    int dropReady() {
        due = null;
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

    /**
     * Forgets the timers, and takes no more from other threads. Items that are ready, or were sent, can still be run.
     */
    void close() {
        timers.clear();
        inbox.close(ready);
    }

    /**
     * Takes the baton from the thread that has it and does not give it back, for good, and takes no more from other
     * threads. Drops what they have sent, and returns how many items that were. Called by the closing thread.
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

    /**
     * Makes an item run in a later turn; returns false if the loop is closed. If the calling thread has too little
     * stack left, this throws, and nothing has changed.
     */
    boolean send(Ready item) {
        requireStack(isOwn(item));
        return sendDecided(item);
    }

    /** Returns whether an item is the loop's own, which any thread that holds the baton may run. */
    private static boolean isOwn(Ready item) {
        return item instanceof Handle handle ? handle.inline : item instanceof LoopPromise.Arrival<?>;
    }

    /** Sends an item without asking for stack. If this throws, the item was not sent. */
    boolean sendDecided(Ready item) {
        if (!inbox.add(item)) {
            return false;
        }
        try {
            if (holder == FREE && (!isOwn(item) || !deliver())) {
                wakeDriver();
            }
        } catch (Throwable e) {
            // The detector wakes a loop that has something to do and does nothing.
        }
        return true;
    }

    /**
     * Checks for the stack that a hand-over takes, and for more if the hand-over may have to initialize its classes.
     */
    static void requireStack(boolean delivery) {
        if (delivery ? deliveryLinked : wakeUpLinked) {
            StackRoom.require();
        } else {
            Groundwork.requireStack();
        }
    }

    /**
     * Picks up the baton, runs what the loop has to do itself, and gives the baton to the coroutine that is next:
     * without a detour over the driver, whose waking costs more than all the rest. Returns false if another thread was
     * faster.
     */
    private boolean deliver() {
        Thread me = Thread.currentThread();
        courier = me;
        try {
            if (!HOLDER.compareAndSet(this, FREE, me)) {
                return false;
            }
            deliveryLinked = true;
            pass(null, Giver.RUNS_ON);
            return true;
        } catch (Throwable e) { // of pass, which hands the baton on in any case
            return holder != FREE;
        } finally {
            courier = null;
        }
    }

    /** Wakes the driver, which may fail in a JVM without memory; then the detector wakes it. */
    private void wakeDriver() {
        try {
            LockSupport.unpark(driver);
            wakeUpLinked = true;
        } catch (Throwable e) {
            // The detector wakes a loop that has something to do and does nothing.
        }
    }

    /**
     * Cancels a timer; on a thread that does not hold the baton. A loop that does not run may begin to at any moment.
     */
    void cancel(TimerHandle timer) {
        requireStack(false);
        if (timer.cancelOnce() && !inbox.isClosed()) { // a closed loop has no timers
            inbox.addCancelled(timer);
            if (holder == FREE) {
                wakeDriver();
            }
        }
    }

    boolean isClosed() {
        return inbox.isClosed();
    }

    void stop() {
        if (holder != Thread.currentThread()) {
            requireStack(false);
        }
        stopping = true;
        if (holder == FREE) {
            wakeDriver();
        }
    }

    /**
     * Helps a loop in which nothing has happened between two looks: wakes the holder, also if it was handed the
     * baton by a thread that keeps their carrier; wakes the driver if there is something to do; takes the baton back
     * from a thread that does not belong to the loop, or has ended. Waking a thread for nothing does no harm.
     */
    void unstick() {
        handOver.unstick();
        Thread now = holder;
        if (now == null || now == ABANDONED) {
            return;
        }
        if (now == FREE) {
            if (hasWork()) {
                LockSupport.unpark(driver);
            }
        } else if (isStray(now) && HOLDER.compareAndSet(this, now, driver)) {
            LockSupport.unpark(driver);
        } else {
            LockSupport.unpark(now);
        }
    }

    /**
     * Returns the thread of this loop that is to run and has not run since it was woken; null if there is none. Called
     * by the detector.
     */
    @Nullable
    Thread overdue() {
        Thread now = holder;
        if (now == FREE) {
            return hasWork() ? driver : null;
        }
        return now == ABANDONED || now == arrived || now == courier ? null : now;
    }

    /**
     * Takes the baton back from a new thread that has not begun to run, for good: the driver starts its coroutine on
     * another. Called by the detector.
     */
    void revokeStart(Thread overdue) {
        Task.Start<?> start = starting;
        if (start != null
                && start.isOn(overdue)
                && holder == overdue
                && start.revoke()
                && HOLDER.compareAndSet(this, overdue, driver)) {
            LockSupport.unpark(driver);
        }
    }

    /**
     * Returns whether there is something to do: the holder is there, or the driver is to wake up. Called by the
     * detector.
     */
    boolean hasWork() {
        Thread now = holder;
        if (now != FREE) {
            return now != null && now != ABANDONED;
        }
        return isWanted() || (armedFor != NEVER && System.nanoTime() - wakeAt > 0);
    }

    private boolean isStray(Thread now) {
        Task<?> task = current;
        boolean ofLoop = now == driver
                || now.getUncaughtExceptionHandler() == this
                || (task != null && task.thread() == now); // whose handler was replaced
        return now.getState() == Thread.State.TERMINATED || (!ofLoop && now != courier);
    }

    // Driving

    /** Makes a thread the driver, holding the baton. */
    synchronized void begin(Thread thread) {
        if (driver != null) {
            throw new IllegalStateException(loopText() + " is already running, on " + driver);
        }
        Thread me = Thread.currentThread();
        try { // first what may fail
            Alarm.begin();
            running.add(this);
            if (thread.getUncaughtExceptionHandler() != this) {
                drivenElsewhere.put(thread, this);
            }
            SlowCallbackDetector.onLoopStarted();
        } catch (Throwable e) {
            running.remove(this);
            var _ = drivenElsewhere.remove(thread, this);
            throw e;
        }
        owner = thread == me ? thread : null;
        driver = thread;
        holder = thread;
    }

    /**
     * Gives another thread the place of a driver that has not begun, and never will. Returns false if the loop was
     * abandoned.
     */
    synchronized boolean replaceDriver(Thread next) {
        if (!HOLDER.compareAndSet(this, driver, next)) {
            return false;
        }
        driver = next;
        return true;
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
        if (driver != null) {
            var _ = drivenElsewhere.remove(driver, this);
        }
        driver = null;
    }

    Thread newDriver(String name, Runnable task) {
        return handOver.threads().name(name).uncaughtExceptionHandler(this).unstarted(task);
    }

    /** Runs the loop until it is stopped; on the driver. */
    void driveUntilStopped() {
        once = false;
        drive();
    }

    /** Runs the loop for one turn; on the driver. */
    void driveOneTurn() {
        once = true;
        drive();
    }

    private void drive() {
        arrived = Thread.currentThread();
        boolean begun = false;
        int failures = 0;
        while (holder != ABANDONED) {
            try {
                if (!begun) {
                    begun = true;
                    beginTurn();
                }
                if (step(failures > 0)) {
                    break;
                }
                failures = 0;
            } catch (Throwable e) { // for lack of memory, most likely: every step can be made again
                failures++;
                try {
                    recover(failures, e);
                } catch (Throwable again) {
                    Thread.onSpinWait(); // a coroutine may have the baton, so the driver must not end
                }
            }
        }
        stopping = false;
    }

    /** Runs the next step of the driver, or waits for one; returns true if this was the last step. */
    private boolean step(boolean again) {
        if (holder != driver) { // the step before has failed
            if (again) {
                wakeAt = System.nanoTime();
            }
            waitAsDriver(again || armedFor != NEVER);
            return false;
        }
        onDriverHolds();
        settleLost();
        if (eagerCaller != null) { // the coroutine that it has started was lost, or could not give the baton back
            giveBack(eagerCaller, Giver.PARKS);
            waitAsDriver(false);
            return false;
        }
        Task<?> next = next();
        if (next != null) {
            if (give(next, Giver.PARKS)) {
                waitAsDriver(false);
            }
        } else if (callback != null) {
            run(callback);
            callback = null;
        } else if (stopping || once) {
            return true;
        } else {
            boolean timed = arm();
            free();
            waitAsDriver(timed);
        }
        return false;
    }

    private void recover(int failures, Throwable failure) {
        if (failures == 1) {
            Log.log(
                    ERROR,
                    () -> "A step of " + loopText() + " failed, for lack of memory most likely; it is repeated",
                    failure);
        } else { // without a timed park, which takes memory
            long until = System.nanoTime() + 1_000_000;
            while (System.nanoTime() < until) {
                Thread.onSpinWait();
            }
        }
    }

    /**
     * Decides when the driver, which is about to free the baton, takes it again by itself; returns false if it never
     * does.
     */
    private boolean arm() {
        long due = sleepLimit();
        if (due != NEVER) {
            long untilDue = due - time.nanosOrLast();
            wakeAt = System.nanoTime() + time.sleepNanos(untilDue);
        }
        armedFor = due;
        return due != NEVER;
    }

    /** Waits until the driver has the baton. */
    private void waitAsDriver(boolean timed) {
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
            if (late || !timed) {
                LockSupport.park(this);
            } else if (System.nanoTime() - wakeAt < 0) {
                sleep();
            } else {
                late = true;
                armedFor = NEVER;
            }
            interrupted |= Thread.interrupted(); // or the next park would not park
        }
        if (interrupted) {
            me.interrupt();
        }
    }

    /**
     * Records that the driver has the baton. The wait does not, since it may fail at the moment when the baton comes.
     */
    private void onDriverHolds() {
        arrived = driver;
        if (armedFor != NEVER) {
            armedFor = NEVER;
        }
        if (current != null) {
            lost = starting == null ? current : null;
            current = null;
        }
    }

    /**
     * Settles what became of the thread that the baton was taken back from. A coroutine whose thread has not begun, and
     * never will, is ready again. If this fails, it is to be called again.
     */
    private void settleLost() {
        if (starting != null) { // the new thread would have the baton otherwise
            Task<?> task = requireNonNull(startingTask);
            task.onStarted(null);
            ready.add(task);
            starting = null;
            startingTask = null;
        }
        if (lost != null) {
            endLost(lost);
            lost = null;
        }
    }

    /**
     * Ends a task whose thread has ended with the baton, before its coroutine did; the detector has taken the baton
     * back.
     */
    private static void endLost(Task<?> task) {
        Thread thread = task.thread();
        if (thread != null && !task.isDone() && thread.getState() == Thread.State.TERMINATED) {
            task.failToStart(Failure.OUT_OF_MEMORY.exception());
        }
    }

    /** Parks until the alarm goes off, or this thread is woken otherwise. */
    private void sleep() {
        sleeping = true;
        Alarm.set(wakeAt);
        LockSupport.park(this);
        sleeping = false;
    }

    /** Wakes the driver if it is time; returns how long it may sleep otherwise. Called by the alarm. */
    long wakeIfDue(long now) {
        if (!sleeping) {
            return Long.MAX_VALUE;
        }
        long left = wakeAt - now;
        if (left > 0) {
            return left;
        }
        sleeping = false;
        try {
            LockSupport.unpark(driver);
        } catch (Throwable e) {
            sleeping = true; // the alarm looks again soon
            throw e;
        }
        return Long.MAX_VALUE;
    }

    private boolean isWanted() {
        return stopping || !inbox.isEmpty();
    }

    /** Returns until when the driver may sleep. A virtual clock does not get later by waiting. */
    private long sleepLimit() {
        return time.isVirtual() ? NEVER : timers.due();
    }

    // A turn

    /** Begins a turn: all that is ready now, and nothing that it adds. Returns whether there is anything. */
    private boolean beginTurn() {
        inbox.removeCancelled(timers);
        inbox.moveTo(ready);
        fireTimers();
        if (ready.size() == 0 && timers.size() > 0 && mayJump() && !stopping && !once && time.jumpTo(timers.due())) {
            fireTimers();
        }
        if (shuffle != null && ready.size() > 1) {
            ready.shuffle(shuffle);
        }
        left = ready.size();
        return left > 0;
    }

    /** Returns whether nothing that takes real time keeps a virtual clock from jumping to the first timer. */
    private boolean mayJump() {
        return away == 0 && working == 0 && (expected == 0 || timers.due() < LoopTime.END);
    }

    private void fireTimers() {
        if (timers.due() != NEVER) {
            long now = time.nanosOrLast();
            while (timers.due() <= now) {
                timers.takeInto(ready);
            }
        }
    }

    /**
     * Returns the coroutine that is next. Null if the driver has to do something: run a callback, stop; or if there is
     * nothing to do.
     */
    private @Nullable Task<?> next() {
        while (callback == null) {
            Ready item = due;
            if (item == null) {
                if (left <= 0 && (stopping || once || !beginTurn())) {
                    return null;
                }
                item = ready.take();
                due = item;
                left--;
            }
            if (item instanceof Task<?> task) {
                if (!task.waitsForTaskAbove() && !task.endsBeforeItStarts()) {
                    return task;
                }
                due = null;
            } else if (item instanceof Handle handle) {
                if (!handle.inline && handle.callback != null) {
                    callback = handle;
                } else {
                    run(handle);
                }
                due = null;
            } else {
                ((LoopPromise.Arrival<?>) item).arrive();
                due = null;
            }
        }
        return null;
    }

    /** Calls a callback. If this throws, it was not called. */
    private void run(Handle handle) {
        try {
            callbacks.run(handle);
        } catch (Throwable e) {
            if (!handle.begun) {
                throw e;
            }
        }
    }

    // Passing it on

    /** The next step of a thread that gives the baton away. It decides on which carrier the new holder runs. */
    enum Giver {
        /** Parks at once, but may run a task first, if it awaits the task: the new holder may have its carrier. */
        SUSPENDS,
        /** Parks at once. */
        PARKS,
        /** Ends at once, but may run a task instead. */
        ENDS,
        RUNS_ON
    }

    /** The place of the baton after a thread was about to give it away. */
    enum Passed {
        GIVEN,
        /** The giver itself is next. */
        KEPT,
        /** The giver has it, and is to run the task that is due, which has not begun. */
        KEPT_FOR_DUE
    }

    /** Gives the baton away and returns when it is back. Called by a coroutine that something will make ready. */
    void suspend(Task<?> self) {
        Passed passed = pass(self, Giver.SUSPENDS);
        if (passed == Passed.KEPT_FOR_DUE) {
            call(self);
            passed = null;
            while (passed == null) {
                try {
                    passed = pass(self, Giver.PARKS);
                } catch (Throwable e) {
                    Thread.onSpinWait(); // it has not begun to, and this task may be ready
                }
            }
        }
        boolean back = passed == Passed.KEPT;
        while (!back) {
            try {
                waitAsCoroutine(self);
                back = true;
            } catch (Throwable e) {
                Thread.onSpinWait(); // without the baton this thread must not go on
            }
        }
    }

    /**
     * Gives the baton away for good. Called by a coroutine that has ended. Returns the task that has the baton then, if
     * it is to begin on this thread. If this throws, the baton is still here, and nothing has changed.
     */
    @Nullable
    Task<?> leave() {
        if (pass(null, Giver.ENDS) == Passed.KEPT_FOR_DUE) {
            Task<?> successor = takeSuccessor();
            if (successor != null) {
                return successor;
            }
            pass(null, Giver.PARKS);
        }
        return null;
    }

    // Tasks that begin on a thread that is there

    /** Allows, or not, that tasks begin on a thread that is there; called by the holder. */
    void shareThreads(boolean share) {
        sharesThreads = share;
    }

    /** Returns whether a task that has not begun may do so on the thread that is about to give it the baton. */
    private boolean mayBeginHere(Task<?> task, @Nullable Task<?> self, Giver giver) {
        boolean may = giver == Giver.ENDS
                || (giver == Giver.SUSPENDS && self != null && self.awaited() == task && self.depth() < DEEPEST);
        return may
                && sharesThreads
                && shuffle == null
                && ThreadState.isAccessible()
                && !callbacks.debugMode().isOn();
    }

    /**
     * Runs the task that is due, and has not begun, on top of the stack of a coroutine, which awaits it; returns when
     * the task has ended. If that is not possible, this changes nothing. It throws only before it has changed anything,
     * or where the loop was closed without the coroutine.
     */
    private void call(Task<?> self) {
        Thread me = Thread.currentThread();
        Task<?> task = (Task<?>) requireNonNull(due);
        Task.Start<?> start;
        ThreadState mine;
        try {
            StackRoom.require();
            start = task.newStart();
            mine = ThreadState.of(me);
        } catch (Throwable e) { // the task gets a thread
            return;
        }
        boolean begun = false;
        Throwable failure = null;
        try {
            if (renew(me, task)) {
                task.onCalled(self, me);
                current = task; // calls nothing from here on, so nothing can end it halfway
                due = null;
                begun = true;
                ThreadState.runAsNew(me, start);
            }
        } catch (Throwable e) { // before the coroutine, or after its end
            failure = e;
        }
        boolean over = false;
        while (!over) { // each step may be made again
            try {
                if (begun && failure != null) {
                    begun = !start.revoke();
                    if (begun && !task.isDone() && holder == me) {
                        task.failToStart(failure);
                    }
                }
                if (holder == me) {
                    current = self;
                    if (self.readyBelow) {
                        ready.add(self);
                        self.readyBelow = false;
                    }
                }
                task.onCallOver();
                mine.putBack(me);
                over = true;
            } catch (Throwable e) {
                Thread.onSpinWait(); // the coroutine below would go on with the state of another
            }
        }
        if (holder != me) {
            self.goOnAsOrphan();
        } else if (!begun) {
            due = task;
        }
    }

    /** Takes the task that is due, and has not begun, to run on this thread. Returns null if that is not possible. */
    private @Nullable Task<?> takeSuccessor() {
        Thread me = Thread.currentThread();
        Task<?> task = (Task<?>) requireNonNull(due);
        try {
            if (ThreadState.hasOpenScopes(me) || !renew(me, task)) {
                return null;
            }
            var _ = Thread.interrupted(); // was meant for the task that has ended
            task.onStarted(me);
        } catch (Throwable e) { // the task gets a thread
            return null;
        }
        current = task;
        due = null;
        return task;
    }

    /**
     * Gives the calling thread the state of a new one, for a task that has not begun. Returns false if the thread
     * carries what the task does not bring, and would see.
     */
    private boolean renew(Thread me, Task<?> task) {
        boolean carriesNothing =
                task.bringsContext() || CarriedContext.capture().isNothing();
        ThreadState.renew(me, task.contextClassLoader(), this);
        return carriesNothing || CarriedContext.capture().isNothing();
    }

    /** Counts a future whose outcome comes from another thread; negative when it is done. */
    void expect(int futures, boolean work) {
        expected += futures;
        working += work ? futures : 0;
    }

    /** Gives the baton away until {@link #comeBack}: for a blocking call. If this throws, the baton is still here. */
    void goAway() {
        StackRoom.require(); // for coming back, too
        away++;
        departures++;
        try {
            pass(null, Giver.RUNS_ON);
        } catch (Throwable e) {
            away--;
            departures--;
            throw e;
        }
    }

    /** Takes the baton again after {@link #goAway}; returns false if the loop has been closed since. */
    boolean comeBack(Task<?> self) {
        Thread me = Thread.currentThread();
        boolean queued = false;
        while (!queued) {
            try {
                // The items of the inbox were there first.
                if (inbox.isEmpty() && HOLDER.compareAndSet(this, FREE, me)) {
                    arrived = me;
                    break;
                }
                if (!sendDecided(self)) {
                    return false;
                }
                queued = true;
            } catch (Throwable e) { // neither has happened, and this thread must not go on without the baton
                Thread.onSpinWait();
            }
        }
        while (queued) {
            try {
                waitAsCoroutine(self);
                queued = false;
            } catch (Throwable e) {
                Thread.onSpinWait();
            }
        }
        current = self;
        away--;
        return true;
    }

    /** Gives the baton away for good, and parks forever: for a coroutine that would not end. */
    void parkForever() {
        pass(null, Giver.PARKS);
        while (true) {
            try {
                LockSupport.park(this);
                Thread.interrupted();
            } catch (Throwable e) {
                Thread.onSpinWait(); // no memory: without the baton this thread must not go on
            }
        }
    }

    /**
     * Gives the baton to the next coroutine, or to the driver; or keeps it, if the next step is the giver's. If this
     * throws, the giver still has the baton, and nothing has changed; after that, a failure leaves the rest to the
     * driver.
     *
     * @param giver the next state of the calling thread
     */
    private Passed pass(@Nullable Task<?> self, Giver giver) {
        Thread me = Thread.currentThread();
        Throwable failure;
        try {
            return passToNext(self, giver);
        } catch (Throwable e) {
            failure = e;
        }
        boolean toDriver = holder == me;
        if (toDriver) {
            current = null;
            holder = driver;
        }
        // The baton is gone, so the giver must wait for it, whatever else fails: even a lambda takes memory.
        try {
            if (toDriver) {
                wakeDriver();
            }
            Log.log(
                    ERROR,
                    () -> "The next step of " + loopText() + " failed, for lack of memory most likely; it is repeated",
                    failure);
        } catch (Throwable e) {
            Thread.onSpinWait(); // the detector wakes a driver that was not woken; no memory for a log line
        }
        return Passed.GIVEN;
    }

    private Passed passToNext(@Nullable Task<?> self, Giver giver) {
        if (eagerCaller != null) {
            giveBack(eagerCaller, giver);
            return Passed.GIVEN;
        }
        while (true) {
            Task<?> next = next();
            if (next != null) {
                if (next == self) {
                    due = null;
                    return Passed.KEPT;
                }
                boolean leavesCarrier = false;
                if (next.thread() == null && mayBeginHere(next, self, giver)) {
                    shared++;
                    if (shared % HandOver.SameCarrier.LONGEST != 0) {
                        return Passed.KEPT_FOR_DUE;
                    }
                    leavesCarrier = true; // now and then, to other virtual threads
                }
                if (give(next, leavesCarrier ? Giver.RUNS_ON : giver)) {
                    return Passed.GIVEN;
                }
                continue;
            }
            long until = sleepLimit();
            if (callback != null || stopping || once || until < armedFor) {
                current = null;
                Thread to = requireNonNull(driver);
                holder = to;
                wake(to, giver);
                return Passed.GIVEN;
            }
            current = null;
            free();
            boolean needed = isWanted() || until < armedFor;
            Thread me = Thread.currentThread();
            if (!needed || !HOLDER.compareAndSet(this, FREE, me)) {
                return Passed.GIVEN;
            }
            arrived = self == null ? null : me;
            current = self;
        }
    }

    /** Puts the baton down. The thread that had it may be the next to be given it, and has not run since then. */
    private void free() {
        arrived = null;
        holder = FREE;
    }

    /** Gives the baton to a coroutine. Returns false, and keeps it, if the coroutine could not be started. */
    private boolean give(Task<?> task, Giver giver) {
        Thread me = Thread.currentThread();
        Task<?> before = current;
        Thread thread = task.thread();
        if (thread != null) {
            current = task;
            due = null;
            try {
                HOLDER.setRelease(this, thread);
            } catch (Throwable e) {
                due = task; // it was not given
                throw e;
            }
            wake(thread, giver);
            return true;
        }
        try {
            Task.Start<?> start = task.newStart();
            thread = threads.newThread(start);
            task.prepare(thread);
            current = task;
            due = null;
            task.onStarted(thread);
            startingTask = task;
            starting = start;
            holder = thread;
            if (giver == Giver.RUNS_ON) {
                thread.start();
            } else {
                handOver.startBeforeParking(thread);
            }
            return true;
        } catch (Throwable e) { // out of memory, most likely: this coroutine fails, the loop goes on
            holder = me;
            starting = null;
            startingTask = null;
            current = before;
            boolean failed = false;
            while (!failed) {
                try {
                    task.failToStart(e);
                    failed = true;
                } catch (Throwable again) {
                    Thread.onSpinWait(); // no other code ends this task
                }
            }
            return false;
        }
    }

    /** Called by a new thread that has the baton. */
    void onStarted() {
        starting = null;
        startingTask = null;
        arrived = Thread.currentThread();
    }

    /**
     * The caller of a coroutine that starts eagerly: it waits, inside its own turn, until that coroutine suspends or
     * ends.
     */
    private record EagerCaller(
            Thread thread, @Nullable Task<?> task, @Nullable EagerCaller outer) {}

    /**
     * Runs a new coroutine until it suspends for the first time. Called by the holder, which has the baton again
     * afterwards.
     */
    void runNow(Task<?> child) {
        Thread me = Thread.currentThread();
        Task<?> self = current;
        EagerCaller outer = eagerCaller;
        StackRoom.require();
        eagerCaller = new EagerCaller(me, self, outer);
        boolean back = false;
        try {
            if (!giveToChild(child)) {
                eagerCaller = outer;
                back = true;
            }
        } catch (Throwable e) {
            if (holder == me) {
                eagerCaller = outer;
                throw e;
            }
        }
        while (!back) {
            try {
                if (self != null) {
                    waitAsCoroutine(self);
                } else {
                    waitAsEagerCaller(me);
                }
                back = true;
            } catch (Throwable e) {
                Thread.onSpinWait(); // without the baton this thread must not go on
            }
        }
        eagerCaller = outer; // it is already, unless the coroutine was lost or could not give the baton back
    }

    /** Returns when the driver, which runs a coroutine in its own turn, has the baton again. */
    private void waitAsEagerCaller(Thread me) {
        boolean interrupted = false;
        try {
            while (holder != me) {
                LockSupport.park(this);
                interrupted |= Thread.interrupted(); // or the next park would not park
            }
            arrived = me;
        } finally {
            if (interrupted) {
                me.interrupt();
            }
        }
    }

    private boolean giveToChild(Task<?> child) {
        try {
            return give(child, Giver.PARKS);
        } catch (Throwable e) { // it runs as other tasks do
            ready.add(child);
            return false;
        }
    }

    private void giveBack(EagerCaller to, Giver giver) {
        Thread thread = to.thread;
        eagerCaller = to.outer; // calls nothing, so nothing can end it halfway
        current = to.task;
        holder = thread;
        wake(thread, giver);
    }

    /**
     * Wakes the new holder. A failure is not reported to the giver, which does not have the baton any more: the
     * detector wakes the new holder.
     */
    private void wake(Thread thread, Giver giver) {
        try {
            if (giver == Giver.RUNS_ON) {
                LockSupport.unpark(thread);
            } else {
                handOver.wakeBeforeParking(thread);
            }
        } catch (Throwable e) { // the detector wakes a holder that does nothing
            deliveryLinked = false;
        }
    }

    /** Waits until this coroutine has the baton. Does not throw. */
    private void waitAsCoroutine(Task<?> self) {
        Thread me = Thread.currentThread();
        boolean interrupted = false;
        while (holder != me) {
            try {
                if (interrupted) {
                    // An interrupt cancels the coroutine, which must not see that before it has the baton.
                    Task<?> interruptee = self.bottomOfStack();
                    send(Handle.ofStep(() -> interruptee.cancel(Task.INTERRUPTED)));
                    interrupted = false;
                }
                LockSupport.park(); // without a blocker, whose two writes a switch would feel; Task says what it awaits
            } catch (Throwable e) { // the end of the stack, or of memory
                interrupted |= waitOnCarrier(me);
            }
            interrupted |= holder != me && Thread.interrupted();
        }
        arrived = me;
        if (interrupted) {
            me.interrupt();
        }
    }

    /**
     * Waits a moment for the baton, and keeps the carrier: the JDK puts the stack of a virtual thread aside by
     * recursion, and overflows itself if that is some thousand calls deep. Object.wait does not insist on leaving the
     * carrier. Returns whether the thread was interrupted.
     */
    private boolean waitOnCarrier(Thread me) {
        try {
            handOver.unstickHere();
            synchronized (handOver) {
                if (holder != me) {
                    handOver.wait(1);
                }
            }
            return false;
        } catch (InterruptedException e) {
            return true;
        } catch (Throwable e) { // so deep that nothing can be called
            return false;
        }
    }

    @Override
    public void uncaughtException(Thread thread, Throwable exception) {
        Log.log(ERROR, () -> "A thread of " + loopText() + " ended with an exception: " + thread, exception);
    }
}
