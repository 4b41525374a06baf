package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.api.BrokenExecutorException;
import dev.trestle.api.CallMonitors;
import dev.trestle.api.StackRoom;
import dev.trestle.processpool.jvm.AotStore;
import dev.trestle.processpool.jvm.Jdk;
import dev.trestle.processpool.jvm.Log;
import dev.trestle.processpool.jvm.PoolThreads;
import dev.trestle.processpool.jvm.PrivateDirectory;
import dev.trestle.processpool.jvm.SharedFiles;
import dev.trestle.processpool.remote.PoolDoor;
import dev.trestle.processpool.remote.RemoteWorker;
import dev.trestle.processpool.remote.RemoteWorkers;
import dev.trestle.processpool.values.EncodedCall;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.WorkerJournal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;

/**
 * Assigns calls to workers, reassigns or fails the calls of a worker that dies, and decides when the pool has
 * terminated. The {@link WorkerSet} says how many workers there are to be, the {@link InFlight} of each what calls it
 * has. It is long, and one thing, because a call is accepted, given, taken back, lost and ended under one lock.
 */
final class Dispatcher {

    /*
     * One lock around all decisions. Under it nothing is written to a worker, no future is completed, no code of the
     * program runs; each method decides under the lock and acts after it.
     *
     * A call that has not ended is in one place: in the queue, with a worker, or with the thread that is ending it. It
     * goes from one to the other under the lock. That is how a wait that could not end is found out; see `isPending`.
     *
     * Each change that may call for another worker ends with `startWhatIsNeeded`.
     *
     * Memory may run out at any allocation, and a caller's stack at any call. So each change that must not be lost is
     * made in one go: what needs memory comes before it, under the same lock, and if that throws, nothing has changed.
     * An action that follows from the change, such as starting another worker, depends on nothing but the state; if it
     * is cut short, the caretaker, a task of the timer, does it instead, and tries until it is done. See `putRight`,
     * and docs/adr/0260.
     *
     * A busy worker is given calls ahead, so that it never waits for the wire, if these calls and the ones it has are
     * expected to take a fraction of a millisecond in all. No call waits long behind one that takes longer than
     * expected: after some milliseconds all that is behind it is asked back, see `askBack`. The worker says which of
     * them have begun by then; a call is in the queue again when the worker has said that it dropped the call.
     *
     * A process with several places runs all calls that it has, and is given none for which it has no place. So none of
     * the above concerns it: each of its calls begins when it is given. A member of a cluster is sent short calls ahead
     * as a process is, and by itself gives back those that do not begin soon. See docs/adr/0503.
     *
     * A call that was answered ends when its answer has been read. If that takes long, or its future has ended, the
     * thread that reads it is relieved, so that the worker goes on; see `Reader` and `lookAtReaders`.
     *
     * A call whose key is bound to a worker goes to that worker: at once, or it waits in a queue of the worker's own,
     * in its `keyHome`. A key is bound when one of its calls is given to a worker. Calls of that key which are in the
     * queue by then are sent home when they come to its head. When a worker is gone, or may have no more calls, the
     * calls that wait for it are in the queue again. See docs/adr/0421.
     *
     * Another module may add workers instead: members of a cluster, which are workers with several places, whose number
     * changes. None is started then, a worker is chosen from two, and calls that wait while there is none fail after a
     * time. See docs/adr/0501.
     *
     * A call is lost with its worker only if it had begun, as the worker journal tells; otherwise it goes back
     * to the head of the queue.
     */

    private static final Log logger = Log.of(ProcessPool.class);

    /**
     * The number of attempts to send a call, if each time the worker dies before it begins the call. Such a death says
     * nothing about the call, but the attempts must end.
     */
    private static final int SEND_ATTEMPTS = 20;

    /**
     * The attempts for which a worker's death counts while it took the call from the connection: the call may be too
     * large.
     */
    private static final int SUSPICION = SEND_ATTEMPTS / 2;

    /** A submitter writes to a busy worker itself while it has no more calls than this. */
    private static final int FEW = 2;

    /** The same for calls that wait behind those that run. */
    private static final int FEW_AHEAD = FEW - 1;

    /** Takes the place of an answer after which its call goes to another worker. */
    private static final Frame.OfCall GOES_ON = new Frame.Cancelled(0);

    /** The time after which a call is taken back from behind another one, if no worker is idle before. */
    private static final Duration PATIENCE = Duration.ofMillis(10);

    /**
     * The time limit for killing the workers whose calls have not ended with the program, and for ending those calls.
     */
    private static final Duration LAST_CALLS = Duration.ofSeconds(1);

    /** The longest and the shortest time between two looks at the memory of workers. */
    private static final long LONGEST_LOOK_NANOS = 200_000_000;

    private static final long SHORTEST_LOOK_NANOS = 20_000_000;

    /** The highest rate at which a process takes memory, about: 2 GB in a second. */
    private static final long MOST_BYTES_PER_NANO = 2;

    /** A thread that ends one call for longer than this is relieved. */
    private static final Duration READER_PATIENCE = Duration.ofMillis(250);

    /** The number of attempts to clean up if there is no memory for that, with pauses that get longer. */
    private static final int MOST_CLEAN_UPS = 10;

    private static final AtomicBoolean staleRemoved = new AtomicBoolean();

    private enum Lifecycle {
        OPEN,
        /** No new calls; those that wait are still run. */
        SHUT_DOWN,
        /** No new calls, and those that waited have been cancelled. */
        STOPPED,
        TERMINATED
    }

    /** A way to treat the calls that run when the pool is stopped. */
    private enum RunningCalls {
        INTERRUPT,
        /** The calls are lost with their workers. */
        LOSE
    }

    private final PoolOptions options;
    private final int depth;
    private final Consumer<Worker> start;
    private final Jdk jdk = Jdk.now();
    private final PrivateDirectory directory;
    private final SharedFiles sharedFiles;
    private final Timer timer;
    private final Timer.Task caretaker;
    private final Timer.Task cleaning;
    private final Timer.Task keepingYoung;

    /** A look at the workers that are idle. */
    private final Timer.Task shrinking;

    /** A look at the workers that become too old. */
    private final Timer.Task aging;

    /** A look at the memory of the workers that run calls or start. */
    private final Timer.Task weighing;

    /** A look at the calls that were sent ahead. */
    private final Timer.Task watching;

    /** A look at the threads that end calls. */
    private final Timer.Task relieving;

    /** True while {@link #relieving} is scheduled. */
    private volatile boolean readersWatched;

    /** The end of the wait for answers that are read when nothing else is left of the pool. */
    private final Timer.Task givingUp;

    private final AotCache aotCache;
    private final AtomicBoolean trained = new AtomicBoolean();
    /** Null if the owner of the pool has the end of the JVM in hand. */
    private final @Nullable Thread shutdownHook;

    private final CountDownLatch terminated = new CountDownLatch(1);
    private final PoolBean bean = new PoolBean(this);
    private final Timer.Task registering;
    private final CompletionBatches completions;
    private final AtomicLong callNumbers = new AtomicLong();
    private final AcceptedCalls acceptedCalls;
    private final LongAdder linesLost = new LongAdder();

    /** Null if there is none, and when the pool has terminated. */
    private volatile @Nullable PoolCall<?> initializer;

    private volatile Runnable atEnd = () -> {};

    /** Called when workers have got ready, for calls that come from other programs. */
    private volatile Runnable atReady = () -> {};

    /** The executor of another module for which this one works; null if there is none. */
    private volatile PoolDoor.@Nullable Owner owner;

    /** The end of the wait for a worker that another module adds. */
    private final Timer.Task starving;

    private final ReentrantLock lock = new ReentrantLock();

    /** The number of attempts to clean up; made by the timer, except after a constructor has failed. */
    private int cleanUps;

    /** True while a step that was cut short by an error waits for the caretaker to repeat it. */
    private volatile boolean disturbed;

    @GuardedBy("lock")
    private Lifecycle lifecycle = Lifecycle.OPEN;

    @GuardedBy("lock")
    private @Nullable BrokenExecutorException breakage;

    @GuardedBy("lock")
    private final CallQueue queue = new CallQueue();

    /** Guarded by the lock too, but for those of its methods that say otherwise. */
    private final KeyTable keys = new KeyTable();

    /** True if calls may wait for a certain worker that has room: it is to be told before the lock is released. */
    @GuardedBy("lock")
    private boolean homeIsFree;

    @GuardedBy("lock")
    private final WorkerSet workerSet;

    /**
     * The number of threads that have work left: those of workers, which outlast their processes, and those that stop
     * the pool.
     */
    @GuardedBy("lock")
    private int unfinished;

    /** The workers whose threads have something to do. */
    @GuardedBy("lock")
    private final List<Worker> activeWorkers = new ArrayList<>();

    /** Guarded by the lock too, but for those of its methods that say otherwise. */
    private final RelievedReaders relieved;

    /** True if, after shutdown, a reader was not relieved because another relieved reader has not come back. */
    @GuardedBy("lock")
    private boolean readersWait;

    @GuardedBy("lock")
    private int workerNumbers;

    @GuardedBy("lock")
    private final Counts counts = new Counts();

    private final CallMonitors monitors = new CallMonitors();

    private static final class Counts {
        long submitted;
        private final Map<PoolCall.Ending, AtomicLong> ended = new EnumMap<>(PoolCall.Ending.class);
        long rerun;
        long takenBack;

        Counts() {
            for (PoolCall.Ending each : PoolCall.Ending.values()) {
                ended.put(each, new AtomicLong());
            }
        }

        /**
         * Counts a call among those that ended in one way, and no more among those that ended in another. Needs no
         * memory.
         */
        void note(PoolCall<?> call, PoolCall.Ending ending) {
            PoolCall.Ending before = call.ending;
            if (before == PoolCall.Ending.CANCELLED) {
                return; // before its answer, or the death of its worker, was known
            }
            if (before != null) {
                ended(before).decrementAndGet();
            }
            call.ending = ending;
            ended(ending).incrementAndGet();
        }

        long of(PoolCall.Ending ending) {
            return ended(ending).get();
        }

        private AtomicLong ended(PoolCall.Ending ending) {
            return requireNonNull(ended.get(ending));
        }
    }

    Dispatcher(PoolOptions options, int depth, @Nullable EncodedCall initializer) {
        this(options, depth, initializer, new SharedFiles());
    }

    Dispatcher(PoolOptions options, int depth, @Nullable EncodedCall initializer, SharedFiles sharedFiles) {
        this(options, depth, initializer, Worker::startThread, new Timer(options.name() + "-timer"), sharedFiles);
    }

    /**
     * @param start lets a worker live; called under the lock
     */
    Dispatcher(PoolOptions options, int depth, @Nullable EncodedCall initializer, Consumer<Worker> start) {
        this(options, depth, initializer, start, new Timer(options.name() + "-timer"));
    }

    /**
     * @param timer belongs to the pool from now on, which starts it
     */
    Dispatcher(PoolOptions options, int depth, @Nullable EncodedCall initializer, Consumer<Worker> start, Timer timer) {
        this(options, depth, initializer, start, timer, new SharedFiles());
    }

    private Dispatcher(
            PoolOptions options,
            int depth,
            @Nullable EncodedCall initializer,
            Consumer<Worker> start,
            Timer timer,
            SharedFiles sharedFiles) {
        this.sharedFiles = sharedFiles;
        this.options = options;
        this.depth = depth;
        this.start = start;
        this.timer = timer;
        try {
            this.acceptedCalls = new AcceptedCalls(options.daemon());
            this.completions = new CompletionBatches(acceptedCalls);
            this.workerSet = new WorkerSet(options, timer::nanoTime);
            this.relieved = new RelievedReaders(options);
            this.initializer = initializer == null
                    ? null
                    : new PoolCall<@Nullable Object>(0, initializer, CallOptions.DEFAULT, this, result -> result);
            this.caretaker = timer.prepare(this::putRight);
            this.cleaning = timer.prepare(this::cleanUp);
            this.keepingYoung = timer.prepare(this::keepYoung);
            this.shrinking = timer.prepare(this::shrink);
            this.aging = timer.prepare(this::renewTheOld);
            this.weighing = timer.prepare(this::weigh);
            this.watching = timer.prepare(this::askBack);
            this.relieving = timer.prepare(this::lookAtReaders);
            this.givingUp = timer.prepare(this::giveUp);
            this.registering = timer.prepare(bean::register);
            this.starving = timer.prepare(this::starve);
            this.aotCache = new AotCache(options);
            this.shutdownHook = options.shutdownHook() ? new Thread(this::jvmEnds, options.name() + "-shutdown") : null;
            timer.startThread();
            this.directory = PrivateDirectory.create(Path.of(System.getProperty("java.io.tmpdir")));
        } catch (Throwable e) {
            timer.close();
            throw e;
        }
        try { // whatever fails from here on, the directory is deleted
            sharedFiles.begin(directory, options.jvm(), options.name(), this::unshare);
            addShutdownHook();
            if (!staleRemoved.getAndSet(true)) {
                onItsOwn("trestle-sweep", directory::removeStale);
            }
            keepingYoung.in(PrivateDirectory.TOUCH);
        } catch (Throwable e) {
            try {
                cleanUp(); // at once: the program may be ending
            } catch (Error noMemory) {
                cleaning.now();
            }
            throw e;
        }
    }

    /**
     * Runs an action that waits for disks, on a platform thread: a virtual thread would hold its carrier in that time.
     */
    private static void onItsOwn(String name, Runnable action) {
        PoolThreads.start(name, action);
    }

    private void keepYoung() {
        onItsOwn(options.name() + "-keep-young", () -> {
            directory.keepYoung();
            sharedFiles.keepYoung();
        });
        keepingYoung.in(PrivateDirectory.TOUCH);
    }

    private void addShutdownHook() {
        if (shutdownHook == null) {
            return;
        }
        try {
            Runtime.getRuntime().addShutdownHook(shutdownHook);
        } catch (IllegalStateException e) {
            throw new IllegalStateException(
                    "Cannot create a process pool while the program is ending, as in a shutdown hook: the pool could"
                            + " not clean up after itself. Create the pool earlier, or build it with"
                            + " withoutShutdownHook() and close it in your own hook.",
                    e);
        }
    }

    /** Sets what is done last, when the pool terminates. Called before there are any calls. */
    void whenTerminated(Runnable action) {
        atEnd = action;
    }

    /** Sets what is called when workers have got ready. */
    void whenReady(Runnable action) {
        atReady = action;
    }

    void owner(PoolDoor.Owner value) {
        owner = value;
    }

    PrivateDirectory directory() {
        return directory;
    }

    SharedFiles sharedFiles() {
        return sharedFiles;
    }

    /** Tells all workers that a shared array is gone. Throws nothing. */
    private void unshare(long array) {
        try {
            List<Worker> workers;
            lock.lock();
            try {
                workers = List.copyOf(workerSet.live());
            } finally {
                lock.unlock();
            }
            workers.forEach(each -> each.unshare(array));
        } catch (Throwable e) {
            logger.failure(Level.WARN, "{} cannot tell all workers to unmap a shared array{}", options.name(), "", e);
        }
    }

    AotCache aotCache() {
        return aotCache;
    }

    Timer timer() {
        return timer;
    }

    AcceptedCalls acceptedCalls() {
        return acceptedCalls;
    }

    int depth() {
        return depth;
    }

    LongAdder linesLost() {
        return linesLost;
    }

    @Nullable
    PoolCall<?> initializer() {
        return initializer;
    }

    long nextCallNumber() {
        return callNumbers.incrementAndGet();
    }

    /** Returns the lock around all decisions, for what a worker shows of itself: its state, and its calls in flight. */
    ReentrantLock lock() {
        return lock;
    }

    // Calls

    /** Takes a new call: to a worker, sent by this very thread, or into the queue. */
    void accept(PoolCall<?> call) {
        try {
            call.holdProgram();
            Object wanted = call.queueLinks.wantedKey();
            if (wanted == null) {
                var _ = take(call, null);
            } else {
                takeWithKey(call, wanted);
            }
        } catch (Throwable e) { // refused, or a thread could not be started
            leaveKey(call);
            call.freePlace();
            call.releaseProgram();
            throw e;
        }
    }

    /**
     * Takes a call that comes from another program, if a worker begins it at once or has only short calls before it;
     * returns whether one does. The call is to be written by {@link #writeOffered}.
     */
    boolean offer(PoolCall<?> call) {
        lock.lock();
        try {
            if (lifecycle != Lifecycle.OPEN || !queue.isEmpty()) {
                return false;
            }
            Worker worker = workerSet.takeOneOfTwo();
            if (worker == null) {
                worker = busyOneWithRoom(call, InFlight.MOST_AHEAD);
            }
            if (worker == null) {
                return false;
            }
            assign(worker, call);
            counts.submitted++;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Writes the calls that come from another program to the workers that they were given to. */
    void writeOffered() {
        List<Worker> unwritten = new ArrayList<>();
        lock.lock();
        try {
            for (Worker each : workerSet.live()) {
                if (each.inFlight.startWriting()) {
                    unwritten.add(each);
                }
            }
        } finally {
            lock.unlock();
        }
        unwritten.forEach(this::write);
    }

    /** Returns the number of short calls of one other program that may wait behind those that run. */
    int mostAhead() {
        return hasPlaces() ? 0 : InFlight.MOST_AHEAD;
    }

    /** Asks for a call of another program back, if it has not begun. */
    void takeBack(PoolCall<?> call) {
        Assignment assignment = assignmentOf(call);
        if (assignment == null) {
            call.promise().cancel(false); // it waits in the queue, since its worker has died, or is over
        } else {
            call.askBack();
            assignment.worker().takeBack(List.of(assignment.ticket()));
        }
    }

    /** Takes a call that has a key. Runs code of the program: that of the key. */
    private void takeWithKey(PoolCall<?> call, Object wanted) {
        CallKey key = keys.find(wanted);
        while (!take(call, key)) {
            keys.remove(key);
            key = keys.find(wanted);
        }
    }

    /** Takes a new call; returns false if its key has been forgotten since it was looked for. */
    private boolean take(PoolCall<?> call, @Nullable CallKey key) {
        if (disturbed) {
            caretaker.now();
        }
        Worker worker = null;
        boolean write = false;
        lock.lock();
        try {
            if (key != null) {
                if (!keys.enter(key)) {
                    return false;
                }
                call.queueLinks.setKey(key);
            }
            refuseIfClosed(call);
            Worker home = home(call);
            if (home != null) {
                worker = isFree(home, call) ? home : null;
            } else if (areAdded()) {
                worker = queue.isEmpty() ? workerSet.takeOneOfTwo() : null;
                worker = worker == null ? oneWithRoom(call) : worker;
            } else {
                worker = key == null ? workerSet.takeIdle() : workerSet.takeIdleWithFewestKeys();
                if (worker == null) {
                    worker = oneWithRoom(call);
                }
                if (worker == null && queue.isEmpty()) {
                    worker = workerSet.takeSpare(); // if one that has it for a replacement has a place free
                }
            }
            if (worker == null) {
                if (home == null) {
                    queue.addLast(call);
                } else {
                    home.keyHome.waiting.addLast(call);
                }
                startWhatIsNeeded();
                starveLater();
            } else {
                assign(worker, call);
                write = worker.inFlight.startWriting();
            }
            counts.submitted++;
        } catch (Error e) {
            disturbed = true;
            caretaker.now();
            throw e;
        } finally {
            lock.unlock();
        }
        if (worker != null && write) {
            write(worker);
        }
        return true;
    }

    /** Writes to a worker what it was given; by another thread if this one has no stack for it. */
    private void write(Worker worker) {
        try {
            worker.writeCalls();
        } catch (StackOverflowError e) {
            worker.lacksWriter = true;
            disturbed = true;
            caretaker.now();
        }
    }

    /** Returns the busy worker that is to have a new call at once, before it has finished what it has. */
    @GuardedBy("lock")
    private @Nullable Worker oneWithRoom(PoolCall<?> call) {
        if (!queue.isEmpty()) {
            return null;
        }
        if (hasPlaces() && !areAdded()) {
            return workerSet.busyOneWithFreePlace();
        }
        return areAdded() || workerSet.isComplete() ? busyOneWithRoom(call, FEW_AHEAD) : null;
    }

    /** Returns the busy worker that is expected to begin one more call first, if fewer than a number wait there. */
    @GuardedBy("lock")
    private @Nullable Worker busyOneWithRoom(PoolCall<?> call, int most) {
        long now = timer.nanoTime();
        Worker best = null;
        for (Worker each : workerSet.live()) {
            if (each.state == Worker.State.BUSY
                    && each.inFlight.ahead() < most
                    && each.keyHome.waiting.isEmpty()
                    && hasRoom(each, call, now)
                    && (best == null || each.inFlight.expectedNanos() < best.inFlight.expectedNanos())) {
                best = each;
            }
        }
        return best;
    }

    /** Returns whether another module adds the workers. */
    private boolean areAdded() {
        return options.source() == WorkerSource.ADDED;
    }

    /** Returns whether workers run several calls at a time. */
    private boolean hasPlaces() {
        return options.limits().callsPerWorker() > 1;
    }

    // Workers of another module

    RemoteWorkers remoteWorkers() {
        return new AddedWorkers();
    }

    /** The end of this pool where another module adds workers. */
    private final class AddedWorkers implements RemoteWorkers {

        @Override
        public boolean add(RemoteWorker remote) {
            return Dispatcher.this.add(remote);
        }

        @Override
        public int places() {
            return Dispatcher.this.places();
        }

        @Override
        public int waiting() {
            return statistics().queued();
        }
    }

    /** Starts a worker that is there already; returns false if this pool takes no more. */
    private boolean add(RemoteWorker remote) {
        lock.lock();
        try {
            if (lifecycle != Lifecycle.OPEN && (lifecycle != Lifecycle.SHUT_DOWN || queue.isEmpty())) {
                return false;
            }
            start(new Worker(this, options, remote.name(), worker -> new RemoteHost(worker, this, remote)));
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Called when a worker may have more, or fewer, calls at a time than before. */
    void placesChanged(Worker worker, int places) {
        List<Instruction> instructions;
        lock.lock();
        try {
            worker.inFlight.setPlaces(places);
            beginNext(worker);
            homeIsFree = true;
            instructions = wake();
        } finally {
            lock.unlock();
        }
        run(instructions);
    }

    /** Lets a worker leave when it has answered the calls that it has. */
    void drain(Worker worker) {
        Worker.Order order = Worker.Order.STAY;
        List<Instruction> others;
        lock.lock();
        try {
            worker.drains = true;
            releaseWaiting(worker);
            if (workerSet.takeIdle(worker)) {
                order = next(worker);
            }
            others = wake();
        } finally {
            lock.unlock();
        }
        worker.follow(order);
        run(others);
    }

    /** Returns the number of calls that workers run, or could run at once. */
    int places() {
        lock.lock();
        try {
            return workerSet.places();
        } finally {
            lock.unlock();
        }
    }

    /** Schedules the end of the wait for a worker, if calls wait and there is none. Needs no memory. */
    @GuardedBy("lock")
    private void starveLater() {
        if (areAdded() && !queue.isEmpty() && !workerSet.hasReadyOnes()) {
            starving.within(options.limits().startTimeout());
        }
    }

    /** Fails the calls that wait, if there is still no worker. */
    private void starve() {
        PoolDoor.Owner asked = owner;
        String why = options.name() + " has no member that could run calls, and has waited for one for "
                + options.limits().startTimeout() + " (startTimeout). " + (asked == null ? "" : asked.searchReport());
        CompletionBatches.Batch failed;
        lock.lock();
        try {
            if (workerSet.hasReadyOnes()) {
                return;
            }
            List<PoolCall<?>> waiting = List.copyOf(queue);
            failed = completions.of(waiting, call -> call.fail(new BrokenExecutorException(why, null)));
            noteEnding(waiting, PoolCall.Ending.LOST);
            queue.clear();
            endIfOver();
        } finally {
            lock.unlock();
        }
        failed.end();
    }

    /** Returns why this pool is broken; null if it is not. */
    @Nullable
    String brokenBecause() {
        lock.lock();
        try {
            return breakage == null ? null : breakage.getMessage();
        } finally {
            lock.unlock();
        }
    }

    /** Throws if no call is taken any more. */
    void refuseIfClosed(Object call) {
        lock.lock();
        try {
            if (breakage != null) {
                throw broken(breakage);
            }
            if (lifecycle != Lifecycle.OPEN) {
                throw new RejectedExecutionException(
                        "Cannot submit " + call + " to " + this + ": it has been shut down");
            }
        } finally {
            lock.unlock();
        }
    }

    /** Returns the same for each call, or all would have the stack and the suppressed exceptions of one. */
    private static BrokenExecutorException broken(BrokenExecutorException breakage) {
        return new BrokenExecutorException(requireNonNull(breakage.getMessage()), breakage.getCause());
    }

    @GuardedBy("lock")
    private boolean hasRoom(Worker worker, PoolCall<?> call, long now) {
        return workerSet.mayHaveMore(worker) && worker.inFlight.hasRoomFor(call, now);
    }

    // Keys

    /** Returns the worker that a call must go to, since its key is bound to it; null if any worker will do. */
    @GuardedBy("lock")
    private @Nullable Worker home(PoolCall<?> call) {
        CallKey key = call.key();
        Worker worker = key == null ? null : key.worker();
        boolean stays = worker != null
                && (worker.state == Worker.State.IDLE || worker.state == Worker.State.BUSY)
                && workerSet.mayHaveMore(worker);
        return stays ? worker : null;
    }

    /** Returns whether a worker can have a call that belongs there at once, and takes the worker if it is idle. */
    @GuardedBy("lock")
    private boolean isFree(Worker home, PoolCall<?> call) {
        return workerSet.takeIdle(home)
                || (queue.isEmpty()
                        && home.keyHome.waiting.isEmpty()
                        && (hasPlaces() || home.inFlight.size() < FEW)
                        && hasRoom(home, call, timer.nanoTime()));
    }

    /**
     * Returns that queue from which a worker is to get its next call: the one for all workers, or its own. Null if
     * there is no call for it. Sends calls home that are at the head of the queue and belong to another worker.
     */
    @GuardedBy("lock")
    private @Nullable CallQueue queueFor(Worker worker) {
        while (!queue.isEmpty()) {
            Worker home = home(queue.getFirst());
            if (home == null || home == worker) {
                break;
            }
            home.keyHome.waiting.addLast(queue.removeFirst());
            homeIsFree |= workerSet.hasFreePlace(home);
        }
        CallQueue own = worker.keyHome.waiting;
        return own.isEmpty() ? (queue.isEmpty() ? null : queue) : CallQueue.ofNext(own, queue);
    }

    /** Puts calls back that wait for a worker, if the worker gets no further calls. Needs no memory. */
    @GuardedBy("lock")
    private void releaseWaiting(Worker worker) {
        for (PoolCall<?> call = worker.keyHome.waiting.pollLast();
                call != null;
                call = worker.keyHome.waiting.pollLast()) {
            queue.addFirst(call);
        }
    }

    /** Puts calls back that wait for workers which get no further calls now that another is ready. */
    @GuardedBy("lock")
    private void releaseWaitingOfTheReplaced() {
        for (Worker each : workerSet.live()) {
            if (!workerSet.mayHaveMore(each)) {
                releaseWaiting(each);
            }
        }
    }

    /**
     * Notes that a call has ended, so that its key may be forgotten. Called before the callbacks of the program, and
     * when a call was refused. Idempotent.
     */
    void leaveKey(PoolCall<?> call) {
        if (call.queueLinks.wantedKey() == null) {
            return;
        }
        CallKey forgotten = null;
        lock.lock();
        try {
            CallKey key = call.key();
            if (key != null) {
                forgotten = keys.leave(key);
            }
            call.queueLinks.dropKey();
        } finally {
            lock.unlock();
        }
        if (forgotten != null) {
            keys.remove(forgotten);
        }
    }

    KeyTable keys() {
        return keys;
    }

    @GuardedBy("lock")
    private boolean assign(Worker worker, PoolCall<?> call) {
        boolean begins = worker.inFlight.hasFreePlace();
        if (begins ? !call.claim() : call.promise().isDone()) {
            if (call.ending == null) {
                counts.note(call, PoolCall.Ending.CANCELLED);
            }
            return false;
        }
        worker.inFlight.add(call);
        call.givenTo(worker);
        CallKey key = call.key();
        if (key != null) {
            key.bind(worker.keyHome);
        }
        if (begins) {
            call.begins();
            weighSoon();
        } else {
            watch();
        }
        if (workerSet.gave(worker)) {
            startWhatIsNeeded();
        } else if (worker.callsTaken == 1) {
            lookAtTheOld(); // it ages from now on
        }
        return true;
    }

    // Memory

    /** Schedules a look at the memory of workers, if that is limited. Needs no memory. */
    private void weighSoon() {
        if (options.limits().recycling().memoryLimit().isPresent()) {
            weighing.withinNanos(LONGEST_LOOK_NANOS);
        }
    }

    /**
     * Kills workers that hold more memory than they may. Looks again as long as calls run or workers start: the sooner,
     * the less one of them may still take.
     */
    private void weigh() {
        long limit = options.limits().recycling().memoryLimit().orElseThrow();
        List<Worker> atWork;
        lock.lock();
        try {
            atWork = workerSet.live().stream()
                    .filter(each -> each.state == Worker.State.BUSY || each.state == Worker.State.STARTING)
                    .toList();
        } finally {
            lock.unlock();
        }
        long least = limit;
        for (Worker each : atWork) {
            long left = each.killIfTooLarge(limit);
            if (left == 0) {
                noteKilledForMemory();
            } else {
                least = Math.min(least, left);
            }
        }
        if (!atWork.isEmpty()) {
            long nanos = least / MOST_BYTES_PER_NANO;
            weighing.withinNanos(Math.max(SHORTEST_LOOK_NANOS, Math.min(LONGEST_LOOK_NANOS, nanos)));
        }
    }

    private void noteKilledForMemory() {
        lock.lock();
        try {
            workerSet.noteKilledForMemory();
        } finally {
            lock.unlock();
        }
    }

    /** Schedules a look at the workers that become too old. */
    @GuardedBy("lock")
    private void lookAtTheOld() {
        if (options.limits().recycling().maxAge().isPresent()) {
            aging.now();
        }
    }

    /** Lets workers retire that have become too old, the idle ones too. */
    private void renewTheOld() {
        List<Worker> leaving;
        List<Instruction> others;
        lock.lock();
        try {
            workerSet.retireAged();
            releaseWaitingOfTheReplaced();
            startWhatIsNeeded();
            leaving = workerSet.dismissReplaced();
            workerSet.untilNextHasAged().ifPresent(aging::within);
            others = wake();
        } catch (Error e) {
            caretaker.now(); // some may be leaving, and have not been told
            throw e;
        } finally {
            lock.unlock();
        }
        leave(leaving);
        run(others);
    }

    /** Called when a call was cancelled, on the thread that cancelled it. Does not throw. */
    void cancelled(PoolCall<?> call, boolean mayInterrupt) {
        try {
            tellCancelled(call, mayInterrupt);
        } catch (Throwable e) { // no memory, or no stack, on the thread of the caller
            call.untold = mayInterrupt ? PoolCall.Untold.INTERRUPTING : PoolCall.Untold.POLITE;
            disturbed = true;
            caretaker.now();
        }
    }

    private void tellCancelled(PoolCall<?> call, boolean mayInterrupt) {
        abandonIfAnswered(call);
        Assignment assignment;
        List<Worker> unneeded;
        lock.lock();
        try {
            assignment = call.assignment();
            counts.note(call, PoolCall.Ending.CANCELLED);
            CallQueue.leave(call);
            unneeded = dismissUnneeded();
            endIfOver();
        } finally {
            lock.unlock();
        }
        abort(unneeded);
        if (assignment != null && mayInterrupt) {
            assignment.interrupt(call);
        } else if (assignment != null) {
            assignment.worker().requestCancel(assignment.ticket());
        }
    }

    // Time limits

    /** Returns how long a worker may take to get ready, and before the own code of a call begins. */
    Duration startTimeout() {
        return options.limits().startTimeout();
    }

    /** Ends a call if its time is up, and interrupts it; on the timer's thread. May be called again if it throws. */
    void timeIsUp(Deadline deadline) {
        Worker answeredBy = lateReading(deadline);
        if (answeredBy != null) {
            endReading(deadline, answeredBy);
            return;
        }
        Assignment assignment = assignmentOf(deadline);
        if (assignment == null) {
            return;
        }
        PoolCall<?> late = deadline.call();
        Worker worker = assignment.worker();
        WorkerJournal.Progress progress = worker.progress(assignment.ticket());
        switch (look(deadline, assignment, progress)) {
            case GO_ON -> {}
            case ASK_FOR_ANSWER -> {
                late.askBack();
                worker.takeBack(List.of(assignment.ticket()));
            }
            case READ_ANSWER -> hurry(worker);
            case EXPIRE -> {
                var why = new TimeoutException(deadline.explain(assignment, progress)
                        + ". It is being interrupted, and the worker killed if that does not end it within "
                        + options.limits().cancelGrace() + ". It was here:\n"
                        + worker.stackOfCall(assignment.ticket()));
                if (expire(deadline, assignment) && !late.fail(why)) {
                    assignment.interrupt(late); // it has gone on since it was cancelled
                }
            }
        }
    }

    private @Nullable Assignment assignmentOf(Deadline deadline) {
        lock.lock();
        try {
            return deadline.assignment();
        } finally {
            lock.unlock();
        }
    }

    private Deadline.Verdict look(Deadline deadline, Assignment assignment, WorkerJournal.@Nullable Progress progress) {
        lock.lock();
        try {
            return deadline.look(assignment, progress);
        } finally {
            lock.unlock();
        }
    }

    /** Returns whether the caller is to end the call; if not, the worker has answered before, or is dead. */
    private boolean expire(Deadline deadline, Assignment assignment) {
        lock.lock();
        try {
            boolean expired = deadline.expire(assignment);
            if (expired) {
                counts.note(deadline.call(), PoolCall.Ending.TIMED_OUT);
            }
            return expired;
        } finally {
            lock.unlock();
        }
    }

    /** Called when the future of a call with a time limit has ended, before its callbacks. */
    void ended(PoolCall<?> call) {
        Assignment late = null;
        lock.lock();
        try {
            if (call.deadline != null && call.deadline.isOfReading()) {
                call.deadline.end();
            } else if (call.deadline != null && call.isExpired()) {
                late = call.deadline.assignment();
            }
        } finally {
            lock.unlock();
        }
        if (late != null) {
            late.interrupt(call);
        }
    }

    /** Interrupts a call, if a worker has it. */
    void interrupt(PoolCall<?> call) {
        Assignment assignment = assignmentOf(call);
        if (assignment != null) {
            assignment.interrupt(call);
        }
    }

    @Nullable
    Assignment assignmentOf(PoolCall<?> call) {
        lock.lock();
        try {
            return call.assignment();
        } finally {
            lock.unlock();
        }
    }

    /** Tells the worker of a stream that items have been consumed. */
    void credit(PoolCall<?> call, long bytes) {
        Assignment assignment = assignmentOf(call);
        if (assignment != null) {
            assignment.worker().credit(assignment.ticket(), bytes);
        }
    }

    /** Cancels the streams that have not ended: their consumer waits for the end of the pool. */
    void cancelStreams() {
        CompletionBatches.Batch streams;
        lock.lock();
        try {
            streams = completions.of(
                    taken().filter(PoolCall::isStream).toList(),
                    call -> call.promise().cancel(true));
        } finally {
            lock.unlock();
        }
        streams.end();
    }

    /** Returns the calls that wait, and those that workers have. */
    @GuardedBy("lock")
    private Stream<PoolCall<?>> taken() {
        return Stream.concat(waitingCalls(), given());
    }

    /** Returns the calls that wait for any worker, and for a certain one. */
    @GuardedBy("lock")
    private Stream<PoolCall<?>> waitingCalls() {
        return Stream.concat(queue.stream(), workerSet.live().stream().flatMap(each -> each.keyHome.waiting.stream()));
    }

    /** Returns the calls that workers have. */
    @GuardedBy("lock")
    private Stream<PoolCall<?>> given() {
        return workerSet.live().stream().flatMap(each -> each.inFlight.all().stream());
    }

    // Calls sent ahead

    @GuardedBy("lock")
    private void watch() {
        watching.within(InFlight.SHORT);
    }

    /**
     * Asks workers whose first call takes longer than expected to give back the calls behind it. Members of a cluster
     * are asked only if another has nothing to do: they give back by themselves what does not begin soon, whereas the
     * time that passes here may be that of the network.
     */
    private void askBack() {
        Map<Worker, List<Long>> late = new HashMap<>();
        lock.lock();
        try {
            long now = timer.nanoTime();
            boolean someAreIdle = workerSet.hasIdle();
            long patience = (someAreIdle ? InFlight.SHORT : PATIENCE).toNanos();
            for (Worker each : workerSet.live()) {
                if (each.inFlight.ahead() > 0) {
                    watch();
                    if (each.inFlight.firstHasRun(now) >= patience && (someAreIdle || !areAdded())) {
                        late.put(each, each.inFlight.toAskBack());
                    }
                }
            }
        } finally {
            lock.unlock();
        }
        late.forEach((worker, tickets) -> {
            if (!tickets.isEmpty()) {
                worker.takeBack(tickets);
            }
        });
    }

    // Threads that read answers

    private @Nullable Worker lateReading(Deadline deadline) {
        lock.lock();
        try {
            return deadline.lateReading();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Ends a call whose answer is not read in time; but first its reader is relieved, if another answer is in front of
     * it.
     */
    private void endReading(Deadline deadline, Worker worker) {
        PoolCall<?> late = deadline.call();
        Reader reader;
        lock.lock();
        try {
            reader = worker.isReading(late) ? worker.reader() : relieved.of(late);
            if (reader == null && deadline.waitsOnce()) {
                hurry(worker);
                return;
            }
        } finally {
            lock.unlock();
        }
        var _ = endUnread(
                late, new TimeoutException(deadline.explainReading(worker, reader == null ? "" : reader.stack())));
    }

    /** Ends a call whose answer is not read in time; returns false if it has ended. */
    private boolean endUnread(PoolCall<?> call, TimeoutException why) {
        noteEnding(call, PoolCall.Ending.TIMED_OUT); // before its future is done
        boolean ended = call.fail(why);
        if (ended) {
            abandonIfAnswered(call);
        } else {
            noteEnding(call, PoolCall.Ending.COMPLETED); // it was read just in time
        }
        return ended;
    }

    private void noteEnding(PoolCall<?> call, PoolCall.Ending ending) {
        lock.lock();
        try {
            counts.note(call, ending);
        } finally {
            lock.unlock();
        }
    }

    /** Relieves the reader of a worker of the call that it is ending, since other answers wait behind it. */
    private void hurry(Worker worker) {
        worker.hurry();
        relieving.now();
    }

    /**
     * Called when the future of a call was ended by another than the thread that may be reading its answer. Needs no
     * memory.
     */
    private void abandonIfAnswered(PoolCall<?> call) {
        Reader reader;
        lock.lock();
        try {
            if (!call.isAnswered) {
                return;
            }
            reader = relieved.abandon(call);
            if (reader != null) {
                release(reader);
            }
        } finally {
            lock.unlock();
        }
        if (reader == null) {
            relieving.now();
        } else {
            reader.interrupt();
        }
    }

    /**
     * Schedules a look at the readers. Called by a reader after it has begun to end a call; nearly always costs one
     * read of a field.
     */
    void watchReaders() {
        if (!readersWatched) {
            readersWatched = true;
            relieving.within(READER_PATIENCE);
        }
    }

    /** Relieves those readers that have been ending one call for long, or whose call was ended by another. */
    private void lookAtReaders() {
        readersWatched = false; // before the look: what begins after it sets this again
        List<Worker> all;
        lock.lock();
        try {
            all = List.copyOf(activeWorkers);
        } finally {
            lock.unlock();
        }
        long now = timer.nanoTime();
        for (Worker each : all) {
            if (each.relieveIfStuck(now, READER_PATIENCE.toNanos())) {
                watchReaders();
            }
        }
    }

    /**
     * Returns whether the reader of a worker may be relieved of a call that it has been ending for long. Of one of each
     * worker at a time, until the worker has exited: otherwise its answers would fill the memory, and callbacks that
     * wait would not hold up the calls behind them.
     */
    boolean mayRelieve(Worker worker, PoolCall<?> call) {
        lock.lock();
        try {
            boolean free = call.isAbandoned()
                    || lifecycle == Lifecycle.STOPPED
                    || worker.hasExited()
                    || !relieved.hasBusyOneOf(worker);
            if (!free) {
                giveUpLaterIfClosing();
            }
            return free;
        } finally {
            lock.unlock();
        }
    }

    @GuardedBy("lock")
    private void giveUpLaterIfClosing() {
        if (lifecycle == Lifecycle.SHUT_DOWN && hasDeadlines()) {
            readersWait = true;
            givingUp.withinNanos(relieved.patienceNanos());
        }
    }

    /**
     * Returns whether so many readers are lost in answers to calls that have ended that no further reader may begin
     * such an answer.
     */
    boolean hasLostManyReaders() {
        return relieved.areManyLost();
    }

    /** Called on the thread that is to relieve a reader; returns false if that is not ending the call any more. */
    boolean relieve(Reader tired, PoolCall<?> call) {
        lock.lock();
        try {
            if (!relieved.add(tired, call, timer.nanoTime())) {
                return false;
            }
            unfinished += tired.isAwaited ? 1 : 0;
        } finally {
            lock.unlock();
        }
        if (call.isAbandoned()) {
            tired.interrupt();
        }
        return true;
    }

    /** Called by a reader that was relieved, as its last action. Needs no memory. */
    void cameBack(Reader reader) {
        lock.lock();
        try {
            relieved.remove(reader);
            release(reader);
        } finally {
            lock.unlock();
        }
    }

    /** Lets the pool end without a reader that was relieved. */
    @GuardedBy("lock")
    private void release(Reader reader) {
        if (reader.isAwaited) {
            reader.isAwaited = false;
            unfinished--;
            endIfOver();
        }
    }

    /** Returns the calls whose answers are being read, or will be next, and whose futures have not ended. */
    @GuardedBy("lock")
    private Stream<PoolCall<?>> beingRead() {
        return Stream.concat(activeWorkers.stream().flatMap(each -> each.answered().stream()), relieved.calls())
                .filter(call -> call.isAnswered && !call.promise().isDone());
    }

    // Workers; each of these is called on the worker's thread

    Worker.Order ready(Worker worker) {
        Worker.Order order = Worker.Order.STAY;
        List<Worker> leaving = List.of();
        List<Instruction> others = List.of();
        lock.lock();
        try {
            if (worker.state == Worker.State.LEAVING) {
                return Worker.Order.LEAVE; // it is being killed
            }
            if (areAdded()) {
                worker.inFlight.setPlaces(worker.places());
                worker.inFlight.setMostAhead(worker.ahead());
                starving.cancel();
            }
            boolean active = workerSet.ready(worker, lifecycle == Lifecycle.OPEN || !queue.isEmpty());
            if (workerSet.started() == 1) {
                registering.now();
            }
            releaseWaitingOfTheReplaced();
            if (active) {
                order = next(worker);
            } else {
                lookAtTheIdle();
            }
            leaving = workerSet.dismissReplaced();
            others = wake();
        } catch (Error e) {
            caretaker.now(); // some may be leaving, and have not been told
            throw e;
        } finally {
            lock.unlock();
        }
        leave(leaving);
        run(others);
        atReady.run();
        return order;
    }

    /**
     * Called when the worker has answered calls, whatever their outcome.
     *
     * @param answers its answers; those to calls that it does not have are removed
     * @param calls gets their calls, in the same order
     */
    Worker.Order answered(Worker worker, List<Frame.OfCall> answers, List<PoolCall<?>> calls) {
        Worker.Order order;
        List<Instruction> others;
        CompletionBatches.Batch unwanted = null;
        try {
            lock.lock();
            try {
                worker.inFlight.match(answers, calls);
                List<PoolCall<?>> back = givenBack(answers, calls);
                boolean stopped = lifecycle == Lifecycle.STOPPED || isForeign(back);
                unwanted = completions.of(
                        stopped ? back : List.of(), call -> call.promise().cancel(false));
                // Nothing has changed so far, and for the next steps nothing needs memory.
                take(worker, answers, calls);
                workerSet.retireIfLarge(worker);
                if (!stopped) {
                    queueFirst(back);
                    counts.takenBack += back.size();
                }
                workerSet.answered();
                beginNext(worker);
                order = next(worker);
                others = wake();
                startWhatIsNeeded();
            } finally {
                lock.unlock();
            }
            run(others);
        } finally {
            if (unwanted != null) {
                unwanted.end();
            }
        }
        return order;
    }

    /** Returns whether calls come from other programs, which are to have back what a worker gives back. */
    private static boolean isForeign(List<PoolCall<?>> calls) {
        return !calls.isEmpty()
                && calls.getFirst().isForeign(); // a pool that takes calls of others has none of its own
    }

    /** Notes of calls that their worker begins them now that it has answered others. */
    @GuardedBy("lock")
    private void beginNext(Worker worker) {
        for (PoolCall<?> call = worker.inFlight.nextToBegin(); call != null; call = worker.inFlight.nextToBegin()) {
            var _ = call.claim(); // if it was cancelled, the worker has been told
            call.begins();
        }
    }

    /** Needs no memory. */
    @GuardedBy("lock")
    private void queueFirst(List<PoolCall<?>> calls) {
        for (int i = calls.size() - 1; i >= 0; i--) {
            Worker home = home(calls.get(i));
            if (home == null) {
                queue.giveBack(calls.get(i));
            } else {
                home.keyHome.waiting.giveBack(calls.get(i));
                homeIsFree |= workerSet.hasFreePlace(home);
            }
        }
    }

    /** An order for a worker, which another thread than the worker's own carries out. */
    private record Instruction(Worker worker, Worker.Order order) implements Runnable {
        @Override
        public void run() {
            try {
                worker.follow(order);
            } catch (Throwable e) {
                worker.killAfter(e);
            }
        }
    }

    /** Runs instructions. Needs no memory, not even for an iterator: a worker that is not told would wait forever. */
    private static void run(List<Instruction> instructions) {
        for (int i = 0; i < instructions.size(); i++) {
            instructions.get(i).run();
        }
    }

    /** Tells workers to end in order. Needs no memory, as above. */
    private static void leave(List<Worker> leaving) {
        for (int i = 0; i < leaving.size(); i++) {
            leaving.get(i).leave();
        }
    }

    /** Gives the places of workers that have left to spares, and calls that are in the queue again to idle workers. */
    @GuardedBy("lock")
    private List<Instruction> wake() {
        if (!workerSet.hasSpares() && !homeIsFree && (queue.isEmpty() || !(workerSet.hasIdle() || hasPlaces()))) {
            return List.of();
        }
        var instructions = new ArrayList<Instruction>(workerSet.size());
        wakeSpares(instructions);
        wakeAny(instructions);
        if (homeIsFree) {
            wakeHomes(instructions);
            wakeAny(instructions); // a home that may have no more calls has sent back those that waited for it
        }
        if (!queue.isEmpty()) {
            wakeSpares(instructions); // one that has just been given its last call may have places free
        }
        return instructions;
    }

    @GuardedBy("lock")
    private void wakeSpares(List<Instruction> instructions) {
        for (Worker spare = workerSet.takeSpare(); spare != null; spare = workerSet.takeSpare()) {
            addInstruction(spare, instructions);
        }
    }

    /** Gives calls that are in the queue again to idle workers, and to busy ones with free places. */
    @GuardedBy("lock")
    private void wakeAny(List<Instruction> instructions) {
        while (!queue.isEmpty() && !areAdded()) {
            Worker worker = workerSet.takeIdle();
            if (worker == null) {
                break;
            }
            addInstruction(worker, instructions);
        }
        if (hasPlaces()) {
            fillPlaces(instructions);
        }
    }

    /** Gives calls that are in the queue again to busy workers with free places. */
    @GuardedBy("lock")
    private void fillPlaces(List<Instruction> instructions) {
        int before = queue.size() + 1;
        while (!queue.isEmpty() && queue.size() < before) {
            Worker worker = areAdded() ? workerSet.takeOneOfTwo() : workerSet.busyOneWithFreePlace();
            if (worker == null) {
                break;
            }
            before = queue.size();
            addInstruction(worker, instructions);
        }
    }

    @GuardedBy("lock")
    private void wakeHomes(List<Instruction> instructions) {
        homeIsFree = false;
        Worker home = workerSet.freeOneWithCalls();
        while (home != null) {
            int before = home.keyHome.waiting.size();
            var _ = workerSet.takeIdle(home);
            addInstruction(home, instructions);
            boolean isServed = home.keyHome.waiting.size() < before || !workerSet.hasFreePlace(home);
            home = isServed ? workerSet.freeOneWithCalls() : null; // else it is being killed
        }
    }

    /**
     * Gives a worker what it can do. One that could not be told what it was given has to end: its calls go to others.
     */
    @GuardedBy("lock")
    private void addInstruction(Worker worker, List<Instruction> instructions) {
        try {
            instructions.add(new Instruction(worker, next(worker)));
        } catch (Error e) {
            worker.killSoon(e);
        }
    }

    /** Returns those calls that a worker has given back and that are still wanted. */
    private static List<PoolCall<?>> givenBack(List<Frame.OfCall> answers, List<PoolCall<?>> calls) {
        List<PoolCall<?>> back = List.of();
        for (int i = 0; i < calls.size(); i++) {
            PoolCall<?> call = calls.get(i);
            if (goesOn(call, answers.get(i))) {
                back = back.isEmpty() ? new ArrayList<>(calls.size() - i) : back;
                back.add(call);
            }
        }
        return back;
    }

    /** Returns whether a call goes to another worker after an answer. */
    private static boolean goesOn(PoolCall<?> call, Frame.OfCall answer) {
        return (answer instanceof Frame.Cancelled || (answer instanceof Frame.Lost && call.mayRunAgain()))
                && !call.promise().isDone()
                && !call.isExpired();
    }

    /** Takes the calls from the worker that it has answered. Needs no memory. */
    @GuardedBy("lock")
    private void take(Worker worker, List<Frame.OfCall> answers, List<PoolCall<?>> calls) {
        long now = timer.nanoTime();
        for (int i = 0; i < calls.size(); i++) {
            PoolCall<?> call = calls.get(i);
            Frame.OfCall answer = answers.get(i);
            boolean expired = call.isExpired();
            boolean wasGivenBack = worker.givesBack() && goesOn(call, answer);
            worker.inFlight.take(call, now);
            if (wasGivenBack) {
                worker.inFlight.noteGivenBack();
            }
            if (answer instanceof Frame.Lost && goesOn(call, answer)) {
                answers.set(i, GOES_ON);
                call.noteRerun();
                call.left();
                counts.rerun++;
            } else if (answer instanceof Frame.Cancelled) {
                call.left();
                workerSet.gaveBack(worker);
            } else {
                call.answered();
                note(call, answer);
                if (!expired) {
                    counts.note(call, answer instanceof Frame.Lost ? PoolCall.Ending.LOST : PoolCall.Ending.COMPLETED);
                }
            }
        }
    }

    private static void note(PoolCall<?> call, Frame.OfCall answer) {
        if (answer instanceof Frame.Result result) {
            call.runTime().note(result.runNanos());
        } else if (answer instanceof Frame.Failed failed) {
            call.runTime().note(failed.runNanos());
        }
    }

    @GuardedBy("lock")
    private Worker.Order next(Worker worker) {
        giveCalls(worker);
        if (!workerSet.mayHaveMore(worker)) {
            releaseWaiting(worker);
        }
        if (!worker.inFlight.isEmpty()) {
            return worker.inFlight.startWriting() ? Worker.Order.WRITE : Worker.Order.STAY;
        }
        boolean leaves = workerSet.restOrLeave(worker, lifecycle == Lifecycle.OPEN && breakage == null);
        lookAtTheIdle(); // if it leaves, the pool can do without its replacement
        return leaves ? Worker.Order.LEAVE : Worker.Order.STAY;
    }

    @GuardedBy("lock")
    private void lookAtTheIdle() {
        options.idleTime().ifPresent(shrinking::within);
    }

    /** Retires workers that have been idle for longer than the limit. */
    private void shrink() {
        List<Worker> leaving;
        List<Instruction> others;
        Duration limit = options.idleTime().orElseThrow();
        lock.lock();
        try {
            leaving = workerSet.dismissRested(limit);
            workerSet.untilNextHasRested(limit).ifPresent(shrinking::within);
            others = wake();
        } catch (Error e) {
            caretaker.now(); // some may be leaving, and have not been told
            throw e;
        } finally {
            lock.unlock();
        }
        leave(leaving);
        run(others);
    }

    /** Gives a worker of the calls that wait as many as it may have, but leaves the others their share. */
    @GuardedBy("lock")
    private void giveCalls(Worker worker) {
        if (!areAdded()) {
            giveCalls(worker, hasPlaces() ? Integer.MAX_VALUE : share(worker));
            return;
        }
        if (worker.inFlight.hasFreePlace()) {
            giveCalls(worker, 1); // the others have their turn after this one
        }
        if (!queueIsEmptyFor(worker) && !workerSet.hasFreePlaces()) {
            giveCalls(worker, share(worker));
        }
    }

    @GuardedBy("lock")
    private boolean queueIsEmptyFor(Worker worker) {
        return queue.isEmpty() && worker.keyHome.waiting.isEmpty();
    }

    /** Returns how many of the calls that wait a worker may have if the others are to have as many. */
    @GuardedBy("lock")
    private int share(Worker worker) {
        return queue.size() / Math.max(1, workerSet.size()) + 1 + worker.keyHome.waiting.size();
    }

    @GuardedBy("lock")
    private void giveCalls(Worker worker, int most) {
        long now = timer.nanoTime();
        int share = most;
        CallQueue from = queueFor(worker);
        while (from != null && share > 0 && hasRoom(worker, from.getFirst(), now)) {
            share -= give(worker, from) ? 1 : 0;
            from = queueFor(worker);
        }
    }

    /** Gives a worker the first call of a queue, to which the call returns if there is no memory for that. */
    @GuardedBy("lock")
    private boolean give(Worker worker, CallQueue from) {
        PoolCall<?> call = from.removeFirst();
        CallQueue own = worker.keyHome.waiting;
        if (!own.isEmpty() || from == own) {
            (from == own ? queue : own).noteGiven(call);
        }
        try {
            return assign(worker, call);
        } catch (Throwable e) {
            if (call.worker == null) {
                from.addFirst(call);
            }
            throw e;
        }
    }

    /** The calls of a dead worker, sorted by the way in which they go on or end. */
    private static final class CallsAfterDeath {
        final List<PoolCall<?>> answered = new ArrayList<>();

        /** The answers to these, each at the same index. */
        final List<Frame.OfCall> answers = new ArrayList<>();

        final List<PoolCall<?>> again = new ArrayList<>();

        /** Given back to a pool that has stopped. */
        final List<PoolCall<?>> unwanted = new ArrayList<>();

        final List<PoolCall<?>> lost = new ArrayList<>();

        /** The first that was not answered. */
        @Nullable
        PoolCall<?> first;

        List<PoolCall<?>> ended() {
            return Stream.of(unwanted, lost).flatMap(List::stream).toList();
        }
    }

    /**
     * Called when a worker that had been ready is dead. Its calls go to others, or are left to {@link Worker#endRest}.
     * If this throws, nothing has changed.
     *
     * @param answers the answers that the worker had sent and that were not dealt with
     */
    void died(Worker worker, WorkerDeath death, List<Frame.OfCall> answers) {
        boolean expected;
        boolean stopped;
        CallsAfterDeath sorted;
        List<Instruction> instructions = List.of();
        lock.lock();
        try {
            expected = worker.state == Worker.State.LEAVING;
            stopped = lifecycle == Lifecycle.STOPPED;
            CallsAfterDeath all = sort(worker.inFlight.all(), death, answers, stopped);
            boolean cancels = stopped;
            sorted = all;
            int running = running(worker, death, answers);
            CompletionBatches.Batch ending = completions.of(
                    sorted.ended(),
                    call -> endAfterDeath(call, death, answers, cancels || all.unwanted.contains(call), running));
            // Nothing has changed so far, and from here on nothing needs memory.
            note(worker, sorted, death, answers);
            worker.setRest(sorted.answered, sorted.answers, ending);
            remove(worker);
            queueFirst(sorted.again);
            try {
                if (!expected) {
                    workerSet.died(worker).ifPresent(this::pause);
                }
                instructions = wake();
                lookAtTheIdle();
                startWhatIsNeeded();
                starveLater();
            } catch (Error e) {
                caretaker.now();
            }
        } finally {
            lock.unlock();
        }
        try {
            run(instructions);
            if (!expected && !stopped) {
                logger.warn("{} (pid {}) died: {}", death.worker(), death.pid(), death.how());
            }
            if (!sorted.again.isEmpty()) {
                logger.info(
                        "{} calls that {} had, {} first, go to other workers",
                        sorted.again.size(),
                        worker,
                        sorted.again.getFirst());
            }
        } catch (Throwable e) {
            caretaker.now(); // no memory to tell of it
        }
    }

    /** Decides what becomes of the calls of a dead worker. Changes nothing. */
    private static CallsAfterDeath sort(
            List<PoolCall<?>> calls, WorkerDeath death, List<Frame.OfCall> answers, boolean stopped) {
        var sorted = new CallsAfterDeath();
        for (PoolCall<?> call : calls) {
            Frame.OfCall answer = answerTo(call, answers);
            if (answer != null && goesOn(call, answer)) {
                (stopped ? sorted.unwanted : sorted.again).add(call);
            } else if (answer instanceof Frame.Cancelled) { // dropped, because it was cancelled
                if (call.isForeign()) {
                    sorted.unwanted.add(call); // its program is to know
                }
            } else if (answer != null) {
                sorted.answered.add(call);
                sorted.answers.add(answer);
            } else {
                boolean first = sorted.first == null;
                sorted.first = first ? call : sorted.first;
                if (!first && isUnbegunOfOther(call, death)) {
                    sorted.unwanted.add(call);
                    continue;
                }
                (!stopped && isToBeRunAgain(call, first, death) ? sorted.again : sorted.lost).add(call);
            }
        }
        return sorted;
    }

    /** Returns whether a call comes from another program, which can give it to another worker sooner. */
    private static boolean isUnbegunOfOther(PoolCall<?> call, WorkerDeath death) {
        return call.isForeign() && !death.hadBegun(call) && !call.promise().isDone();
    }

    private static Frame.@Nullable OfCall answerTo(PoolCall<?> call, List<Frame.OfCall> answers) {
        for (int i = 0; i < answers.size(); i++) {
            Frame.OfCall answer = answers.get(i);
            if (answer.id() == call.ticket && !InFlight.isDroppedUnasked(call, answer)) {
                return answer;
            }
        }
        return null;
    }

    private static boolean isToBeRunAgain(PoolCall<?> call, boolean first, WorkerDeath death) {
        if (call.promise().isDone() || call.isExpired()) {
            return false;
        }
        if (death.hadBegun(call)) {
            return call.mayRunAgain();
        }
        return !first || call.maySendAgain(weight(call, death), SEND_ATTEMPTS);
    }

    /** Returns how much the death of a worker says against a call that had not begun. */
    private static int weight(PoolCall<?> call, WorkerDeath death) {
        return death.wasReceiving(call) ? SUSPICION : 1;
    }

    /** Notes what has become of the calls of a dead worker. Needs no memory. */
    @GuardedBy("lock")
    private void note(Worker worker, CallsAfterDeath sorted, WorkerDeath death, List<Frame.OfCall> answers) {
        counts.rerun += sorted.again.size();
        noteEnding(sorted.lost, PoolCall.Ending.LOST);
        noteEnding(sorted.answered, PoolCall.Ending.COMPLETED);
        long now = timer.nanoTime();
        for (int i = 0; i < sorted.answered.size(); i++) {
            PoolCall<?> call = sorted.answered.get(i);
            worker.inFlight.take(call, now);
            call.answered();
            note(call, sorted.answers.get(i));
        }
        for (int i = 0; i < sorted.again.size(); i++) {
            PoolCall<?> call = sorted.again.get(i);
            Frame.OfCall answer = answerTo(call, answers);
            if (answer instanceof Frame.Lost || (answer == null && death.hadBegun(call))) {
                call.noteRerun();
            }
        }
        PoolCall<?> first = sorted.first;
        if (first != null && !death.hadBegun(first)) {
            first.noteDeathBefore(weight(first, death));
        }
    }

    @GuardedBy("lock")
    private void noteEnding(List<PoolCall<?>> calls, PoolCall.Ending ending) {
        for (int i = 0; i < calls.size(); i++) {
            if (!calls.get(i).isExpired()) {
                counts.note(calls.get(i), ending);
            }
        }
    }

    /** Returns the number of calls of a dead worker that had begun and were not answered. */
    private static int running(Worker worker, WorkerDeath death, List<Frame.OfCall> answers) {
        int count = 0;
        for (PoolCall<?> call : worker.inFlight.all()) {
            count += answerTo(call, answers) == null && death.hadBegun(call) ? 1 : 0;
        }
        return count;
    }

    private static void endAfterDeath(
            PoolCall<?> call, WorkerDeath death, List<Frame.OfCall> answers, boolean unwanted, int running) {
        Frame.OfCall answer = answerTo(call, answers);
        if (answer == null && death.hadBegun(call)) {
            call.lost(death, running);
        } else if (answer != null && call.isForeign()) {
            call.end(answer, death.worker(), false);
            call.flushAnswer();
        } else if (unwanted) {
            var _ = call.promise().cancel(false); // as those that waited in the queue
        } else {
            call.fail(death.ofUndeliverable(call));
        }
    }

    /** Called when a worker could not start. May be called again if it throws. */
    void startFailed(Worker worker, WorkerDiedException why) {
        CompletionBatches.Batch failed;
        boolean expected;
        String advice = areAdded() ? "" : jdk.ifReplaced() + StartBackoff.advice(requireNonNull(why.getMessage()));
        lock.lock();
        try {
            expected = worker.state == Worker.State.LEAVING || lifecycle == Lifecycle.STOPPED;
            if (worker.state != Worker.State.GONE) {
                remove(worker);
                if (!expected && !areAdded()) {
                    pauseOrBreak(worker, why, advice);
                }
            }
            failed = takeIfBroken();
            startWhatIsNeeded(); // if it was the last of an earlier round, no other thread does it
        } finally {
            lock.unlock();
        }
        if (!expected) {
            logger.warn(areAdded() ? "{}{}" : "A worker could not start: {}{}", why.getMessage(), advice);
        }
        failed.end();
    }

    @GuardedBy("lock")
    private void pauseOrBreak(Worker worker, WorkerDiedException why, String advice) {
        try {
            workerSet
                    .startFailed(worker, StartBackoff.refusedOptions(why.exitCode(), requireNonNull(why.getMessage())))
                    .ifPresent(this::pause);
            if (breakage == null && workerSet.isHopeless()) {
                breakage = new BrokenExecutorException(
                        options.name() + " is broken: its workers cannot start, " + workerSet.failures()
                                + ", and none is alive. The last failure: " + why.getMessage() + advice,
                        why);
            }
        } catch (Error e) {
            caretaker.now(); // no memory for a pause: others are started at once
        }
    }

    /** Takes the calls of a broken pool. */
    @GuardedBy("lock")
    private CompletionBatches.Batch takeIfBroken() {
        BrokenExecutorException cause = breakage;
        if (cause == null) {
            return completions.of(List.of(), _ -> {});
        }
        List<PoolCall<?>> waiting = List.copyOf(queue);
        CompletionBatches.Batch failed = completions.of(waiting, call -> call.fail(broken(cause)));
        noteEnding(waiting, PoolCall.Ending.LOST);
        queue.clear();
        return failed;
    }

    @GuardedBy("lock")
    private void pause(Duration pause) {
        try {
            var _ = timer.after(pause, this::pauseEnds);
        } catch (Error e) {
            workerSet.pauseEnds();
            throw e;
        }
    }

    private void pauseEnds() {
        lock.lock();
        try {
            workerSet.pauseEnds();
            startWhatIsNeeded();
        } finally {
            lock.unlock();
        }
    }

    /** Needs no memory. */
    @GuardedBy("lock")
    private void remove(Worker worker) {
        workerSet.remove(worker);
        worker.inFlight.clear();
        worker.keyHome.close();
        releaseWaiting(worker);
    }

    /** Starts workers; what goes wrong with that is left to the caretaker. */
    @GuardedBy("lock")
    private void startWhatIsNeeded() {
        try {
            if (needsOneMore()) {
                StackRoom.require();
                startAllThatAreNeeded();
            }
        } catch (Error e) {
            caretaker.now();
        }
    }

    @GuardedBy("lock")
    private boolean needsOneMore() {
        return breakage == null && workerSet.needsOneMore(queue.size(), lifecycle == Lifecycle.OPEN);
    }

    @GuardedBy("lock")
    private void startAllThatAreNeeded() {
        while (needsOneMore()) {
            start();
        }
    }

    /** Starts workers before they are needed, until so many live. */
    void prestart(int workers) {
        lock.lock();
        try {
            while (lifecycle == Lifecycle.OPEN && breakage == null && workerSet.mayGrowTo(workers)) {
                start();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Starts a worker. If not even its thread can start, that is a start that failed, like any other. */
    @GuardedBy("lock")
    private void start() {
        start(new Worker(this, options, ++workerNumbers));
    }

    @GuardedBy("lock")
    private void start(Worker worker) {
        try {
            workerSet.add(worker);
            activeWorkers.add(worker);
        } catch (Throwable e) {
            workerSet.remove(worker);
            throw e;
        }
        unfinished++;
        weighSoon();
        try {
            start.accept(worker);
        } catch (Throwable e) { // OutOfMemoryError is what the JVM says of a limit of the system for threads
            worker.couldNotStart(e);
        }
    }

    /** The last thing that the thread of a worker does. Needs no memory. */
    void finished(Worker worker) {
        lock.lock();
        try {
            activeWorkers.remove(worker);
            unfinished--;
            endIfOver();
        } finally {
            lock.unlock();
        }
    }

    private void finished() {
        lock.lock();
        try {
            unfinished--;
            endIfOver();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Does what follows from the state and was not done, since there was no memory or no stack for it where it should
     * have been. On the timer's threads, again and again until it does not throw.
     */
    private void putRight() {
        disturbed = false;
        List<PoolCall<?>> untold;
        List<Worker> leaving = List.of();
        List<Instruction> instructions = List.of();
        List<Instruction> woken = List.of();
        try {
            lock.lock();
            try {
                List<Worker> all = List.copyOf(workerSet.live());
                untold = taken().filter(call -> call.untold != null).toList();
                leaving = new ArrayList<>(all.size());
                instructions = new ArrayList<>(all.size());
                workerSet.putRight();
                homeIsFree = true;
                releaseWaitingOfTheReplaced();
                for (Worker each : all) {
                    putRight(each, leaving, instructions);
                }
                leaving.addAll(workerSet.dismissReplaced());
                if (lifecycle != Lifecycle.OPEN) {
                    leaving.addAll(workerSet.dismissResting());
                    leaving.addAll(dismissUnneeded());
                }
                woken = wake();
                startAllThatAreNeeded();
                endIfOver();
            } finally {
                lock.unlock();
            }
        } finally { // what workers were given they are told, also if the rest has to be tried again
            run(instructions);
            run(woken);
            leave(leaving);
        }
        untold.forEach(this::tellNow);
    }

    @GuardedBy("lock")
    private void putRight(Worker worker, List<Worker> leaving, List<Instruction> instructions) {
        worker.inFlight.putRight();
        if (worker.state == Worker.State.BUSY && worker.inFlight.isEmpty()) {
            addInstruction(worker, instructions);
        } else if (worker.state == Worker.State.LEAVING) {
            leaving.add(worker); // to be told twice does no harm
        } else if (worker.lacksWriter || worker.inFlight.startWriting()) {
            worker.lacksWriter = false;
            worker.writeSoon();
        }
    }

    private void tellNow(PoolCall<?> call) {
        PoolCall.Untold how = call.untold;
        if (how != null) {
            tellCancelled(call, how == PoolCall.Untold.INTERRUPTING);
            call.untold = null;
        }
    }

    // The AOT cache

    /** Makes the AOT cache in a while, when the first calls have had their worker to themselves. */
    void trainLater() {
        if (depth == 1 && options.aot().directory().isPresent() && !trained.getAndSet(true)) {
            var _ = timer.after(Duration.ZERO, () -> aotCache.delay().ifPresent(this::trainAfter)); // it reads files
        }
    }

    private void trainAfter(Duration delay) {
        var _ = timer.after(delay, () -> trainOnce(delay));
    }

    /**
     * Trains, and does not throw: what the timer repeats would start a JVM each time. If another program trains,
     * that may end early, so this pool looks again later.
     */
    private void trainOnce(Duration delay) {
        try {
            if (train() == AotStore.State.BUSY) {
                trainAfter(delay.multipliedBy(2).plus(options.aot().delay()));
            }
        } catch (Throwable e) {
            logger.error("{} has no AOT cache, since it could not make one", options.name(), e);
        }
    }

    /** Makes the AOT cache, unless there is one or this pool ends; returns what there is now. */
    AotStore.State train() {
        lock.lock();
        try {
            if (lifecycle != Lifecycle.OPEN || breakage != null) {
                return AotStore.State.NONE;
            }
            unfinished++;
        } finally {
            lock.unlock();
        }
        try {
            return aotCache.make(directory);
        } finally {
            finished();
        }
    }

    // Ending

    /** Takes no more calls; what has been taken is run. */
    void shutdown() {
        List<Worker> leaving = List.of();
        List<Worker> unneeded = List.of();
        lock.lock();
        try {
            if (lifecycle == Lifecycle.OPEN) {
                lifecycle = Lifecycle.SHUT_DOWN;
                leaving = workerSet.dismissResting();
            }
            unneeded = dismissUnneeded();
            endIfOver();
        } catch (Error e) {
            caretaker.now(); // it has been shut down, and the caretaker tells the workers
        } finally {
            lock.unlock();
        }
        leave(leaving);
        abort(unneeded);
        aotCache.stop();
    }

    /**
     * Retires workers that were started for calls that are no longer waiting, so that the end of the pool does not wait
     * for them.
     */
    @GuardedBy("lock")
    private List<Worker> dismissUnneeded() {
        return lifecycle == Lifecycle.SHUT_DOWN ? workerSet.dismissStarting(queue.size()) : List.of();
    }

    private static void abort(List<Worker> unneeded) {
        for (int i = 0; i < unneeded.size(); i++) {
            unneeded.get(i).kill("the pool was shut down");
        }
    }

    /** Takes no more calls, interrupts those that run and cancels those that wait; returns those that waited. */
    List<PoolCall<?>> shutdownNow() {
        return stop(RunningCalls.INTERRUPT, _ -> {});
    }

    /** Takes no more calls, ends all workers at once, whose calls are lost, and cancels those that wait. */
    void stopWorkers(Consumer<Worker> how) {
        var _ = stop(RunningCalls.LOSE, how);
    }

    /**
     * Stops the pool. Callbacks run last: they may wait for a call that a worker is to give up. If there is no memory
     * or no stack for this, it throws, and nothing has changed.
     *
     * @param running the fate of the calls that run
     * @param how the action for each worker
     */
    private List<PoolCall<?>> stop(RunningCalls running, Consumer<Worker> how) {
        StackRoom.require();
        List<Worker> leaving;
        List<Worker> workers;
        List<PoolCall<?>> waited;
        CompletionBatches.Batch ending;
        lock.lock();
        try {
            workers = List.copyOf(workerSet.live());
            waited = waitingCalls().toList();
            ending = completions.of(
                    Stream.of(
                                    beingRead(),
                                    running == RunningCalls.INTERRUPT ? given() : Stream.<PoolCall<?>>empty(),
                                    waited.stream())
                            .flatMap(calls -> calls)
                            .toList(),
                    this::cancelOrInterrupt);
            leaving = dismissRestingOr(ending);
            // From here on nothing needs memory.
            if (lifecycle != Lifecycle.TERMINATED) {
                lifecycle = Lifecycle.STOPPED;
            }
            for (int i = 0; i < waited.size(); i++) {
                CallQueue.leave(waited.get(i));
            }
            unfinished++; // until they have ended
        } finally {
            lock.unlock();
        }
        try {
            leave(leaving);
            for (int i = 0; i < workers.size(); i++) {
                end(workers.get(i), how);
            }
            aotCache.stop();
        } finally {
            ending.end();
            finished();
        }
        return waited;
    }

    @GuardedBy("lock")
    private List<Worker> dismissRestingOr(CompletionBatches.Batch ending) {
        try {
            return workerSet.dismissResting();
        } catch (Throwable e) {
            ending.drop();
            throw e;
        }
    }

    /** Ends a worker as it was asked for; however that goes, there is a limit for it. */
    private void end(Worker worker, Consumer<Worker> how) {
        worker.endWithin(options.limits().cancelGrace().plus(options.limits().closeGrace()));
        try {
            if (worker.pid() == 0) {
                worker.kill("the pool was shut down"); // it is starting
            }
            how.accept(worker);
        } catch (Throwable e) {
            worker.killAfter(e);
        }
    }

    private void cancelOrInterrupt(PoolCall<?> call) {
        if (!call.promise().cancel(true)) {
            interrupt(call); // its future has ended, and it may run all the same
        }
    }

    @GuardedBy("lock")
    private void endIfOver() {
        boolean closing = lifecycle == Lifecycle.SHUT_DOWN || lifecycle == Lifecycle.STOPPED;
        if (closing && queue.isEmpty() && unfinished == 0) {
            lifecycle = Lifecycle.TERMINATED;
            cleaning.now();
        } else if (closing && queue.isEmpty() && unfinished == relieved.awaited() && hasDeadlines()) {
            givingUp.withinNanos(relieved.patienceNanos());
        }
    }

    /**
     * Ends the calls whose answers are being read for long and without which the pool could end, or go on to its end.
     */
    private void giveUp() {
        List<Reader> overdue;
        lock.lock();
        try {
            if (lifecycle == Lifecycle.OPEN || !(readersWait || unfinished == relieved.awaited())) {
                return;
            }
            overdue = relieved.overdue(timer.nanoTime());
            readersWait = overdue.size() < relieved.awaited();
            if (readersWait) {
                givingUp.withinNanos(relieved.patienceNanos());
            }
        } finally {
            lock.unlock();
        }
        for (Reader each : overdue) {
            PoolCall<?> call = requireNonNull(each.lastCall);
            var why = new TimeoutException("The answer of a worker to " + call.description()
                    + " was not read in time: " + options.name() + " was shut down and could not end, and "
                    + relieved.patienceWith(each)
                    + " (closeGrace, and a second for each 10 MB) had passed. It is dropped."
                    + " Reading takes long if an answer is large, if values in it have equal hash codes, or if one of"
                    + " their constructors waits. The thread was here:\n" + each.stack());
            if (!endUnread(call, why)) {
                releaseIfStopped(each);
            }
        }
    }

    /** Lets the pool end, if it was stopped, although a reader that was relieved is still in a callback. */
    private void releaseIfStopped(Reader reader) {
        lock.lock();
        try {
            if (lifecycle == Lifecycle.STOPPED) {
                release(reader);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Ends what is left of a pool that has no workers any more. On the timer's thread, again and again while it throws:
     * a step for which there is no memory has a second or so.
     */
    private void cleanUp() {
        cleanUps++;
        attempt("unregister its bean", bean::unregister);
        attempt("delete its shared arrays", sharedFiles::close);
        attempt("delete its directory", directory::close);
        attempt("remove its shutdown hook", this::removeShutdownHook);
        attempt("forget the classes of its calls", atEnd);
        initializer = null; // which keeps its class
        attempt("forget its keys", this::forgetKeys);
        acceptedCalls.close();
        timer.close();
        terminated.countDown();
    }

    private void attempt(String what, Runnable step) {
        try {
            step.run();
        } catch (Throwable e) {
            if (e instanceof Error error && cleanUps < MOST_CLEAN_UPS) {
                throw error;
            }
            logger.failure(Level.WARN, "{} cannot {}", options.name(), what, e);
        }
    }

    private void forgetKeys() {
        lock.lock();
        try {
            keys.clear();
        } finally {
            lock.unlock();
        }
    }

    private void removeShutdownHook() {
        try {
            if (shutdownHook != null) {
                Runtime.getRuntime().removeShutdownHook(shutdownHook);
            }
        } catch (IllegalStateException e) {
            logger.debug("{} ends with the JVM", options.name()); // its hook is running, or has run
        }
    }

    /**
     * Ends the pool in its shutdown hook. The hook runs concurrently with the program's own hooks, which may wait for
     * calls of this pool and submit more. So the pool goes on for as long as any hook runs, within the grace, and this
     * hook itself waits only for calls in flight. Workers end with the program, by the end of their stdin; files are
     * deleted when all hooks have ended.
     */
    void jvmEnds() {
        Duration grace = options.limits().closeGrace();
        var _ = timer.after(grace, () -> stopWorkers(worker -> worker.kill("the program ends")));
        int calls = acceptedCalls.size();
        if (calls > 0 && !options.daemon() && !PoolCall.callbackExits()) {
            logger.info("{} waits for {} calls in flight, for {} at most, since the program ends", this, calls, grace);
            if (!acceptedCalls.awaitNone(grace.plus(LAST_CALLS))) {
                logger.warn("{} calls of {} have not ended with the program", acceptedCalls.size(), this);
            }
        }
        directory.deleteAtExit();
        sharedFiles.deleteAtExit();
        lock.lock();
        try {
            workerSet.live().forEach(Worker::deleteFilesAtExit);
        } finally {
            lock.unlock();
        }
    }

    /** Returns whether time limits apply. They do not while workers run under a debugger. */
    boolean hasDeadlines() {
        return !options.jvm().debug();
    }

    boolean isBroken() {
        lock.lock();
        try {
            return breakage != null;
        } finally {
            lock.unlock();
        }
    }

    CallMonitors monitors() {
        return monitors;
    }

    String poolName() {
        return options.name();
    }

    /** Returns whether a future is that of a call of this pool that has not ended. Looks at all of them. */
    boolean isPending(Future<?> future) {
        lock.lock();
        try {
            return taken().anyMatch(call -> call.promise() == future)
                    || activeWorkers.stream().anyMatch(each -> each.isEnding(future))
                    || relieved.calls().anyMatch(call -> call.promise() == future)
                    || completions.has(future);
        } finally {
            lock.unlock();
        }
    }

    /** Returns whether this thread is one that ends calls of this pool, and so must not wait for that. */
    boolean endsCallsHere() {
        return completions.areHere()
                || (Worker.CURRENT.isBound() && Worker.CURRENT.get().dispatcher() == this);
    }

    boolean isShutdown() {
        lock.lock();
        try {
            return lifecycle != Lifecycle.OPEN;
        } finally {
            lock.unlock();
        }
    }

    boolean isTerminated() {
        return terminated.getCount() == 0;
    }

    boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
        return terminated.await(timeout, unit);
    }

    // Looking

    ProcessPool.Statistics statistics() {
        lock.lock();
        try {
            return new ProcessPool.Statistics(
                    options.workers(),
                    workerSet.size(),
                    workerSet.starting(),
                    workerSet.busy(),
                    workerSet.spares(),
                    waiting(),
                    counts.submitted,
                    counts.of(PoolCall.Ending.COMPLETED),
                    counts.of(PoolCall.Ending.CANCELLED),
                    counts.of(PoolCall.Ending.TIMED_OUT),
                    counts.of(PoolCall.Ending.LOST),
                    counts.rerun,
                    counts.takenBack,
                    workerSet.started(),
                    workerSet.retired(),
                    workerSet.retiredFor(Retirement.CALLS),
                    workerSet.retiredFor(Retirement.AGE),
                    workerSet.retiredFor(Retirement.RESIDENT),
                    workerSet.died(),
                    workerSet.killedForMemory(),
                    workerSet.startsFailed(),
                    linesLost.sum());
        } finally {
            lock.unlock();
        }
    }

    /** Returns the number of calls that do not run, in the queue or sent ahead. */
    @GuardedBy("lock")
    private int waiting() {
        int count = queue.size();
        for (Worker each : workerSet.live()) {
            count += each.inFlight.ahead() + each.keyHome.waiting.size();
        }
        return count;
    }

    /** Returns the process ids of the workers that live. */
    List<Long> pids() {
        lock.lock();
        try {
            return workerSet.live().stream()
                    .map(Worker::pid)
                    .filter(pid -> pid > 0)
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public String toString() {
        PoolDoor.Owner shown = owner;
        if (shown != null) {
            return shown.toString();
        }
        lock.lock();
        try {
            String state = breakage != null
                    ? "broken"
                    : lifecycle.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
            return "ProcessPool[" + options.name() + ", " + state + ", workers=" + workerSet.size() + "/"
                    + options.workers() + ", busy=" + workerSet.busy() + ", queued=" + waiting() + "]";
        } finally {
            lock.unlock();
        }
    }
}
