package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.api.BrokenExecutorException;
import dev.trestle.processpool.wire.EncodedCall;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What decides in a pool: which worker gets which call, when one is started, when it goes, and when all is over. */
final class Dispatcher {

    /*
     * One lock around all decisions. Under it nothing is written to a worker, no future is completed, nobody's code runs;
     * each method decides under the lock and acts after it.
     *
     * Whether a worker is started depends on two things only: the calls that wait, and the workers that live, those that
     * are ending included. There is no account of idle places that a crash could leave wrong. See `startWhatIsNeeded`.
     *
     * A call is lost with its worker only if it had begun, as the worker's flight record tells; otherwise it goes back to
     * the head of the queue.
     */

    private static final Logger logger = LoggerFactory.getLogger(ProcessPool.class);

    /** So many rounds of failed starts, with no worker alive, break the pool. */
    private static final int START_ATTEMPTS = 3;

    /** So many deaths of workers that had only been sent a call look like the call's fault. */
    private static final int SEND_ATTEMPTS = 5;

    private static final Duration FIRST_BACKOFF = Duration.ofMillis(100);
    private static final Duration LONGEST_BACKOFF = Duration.ofSeconds(10);

    private static final AtomicBoolean staleRemoved = new AtomicBoolean();

    private enum Lifecycle {
        OPEN,
        /** No new calls; those that wait are still run. */
        SHUT_DOWN,
        /** No new calls, and those that waited have been cancelled. */
        STOPPED,
        TERMINATED
    }

    private final PoolOptions options;
    private final int depth;
    private final PrivateDirectory directory;
    private final Timer timer;
    private final Thread shutdownHook;
    private final CountDownLatch terminated = new CountDownLatch(1);
    private final AtomicLong callNumbers = new AtomicLong();
    private final LongAdder linesLost = new LongAdder();
    private final @Nullable PoolCall<?> initializer;

    private final ReentrantLock lock = new ReentrantLock();

    @GuardedBy("lock")
    private Lifecycle lifecycle = Lifecycle.OPEN;

    @GuardedBy("lock")
    private @Nullable Throwable breakage;

    @GuardedBy("lock")
    private final LinkedHashSet<PoolCall<?>> queue = new LinkedHashSet<>();

    /** Last in, first out: the worker that ran last has the warmest caches, and the others may go. */
    @GuardedBy("lock")
    private final ArrayDeque<Worker> idle = new ArrayDeque<>();

    /** The workers whose process may live. */
    @GuardedBy("lock")
    private final LinkedHashSet<Worker> live = new LinkedHashSet<>();

    /** Who has still something to do: the threads of workers, which outlast their processes, and who stops the pool. */
    @GuardedBy("lock")
    private int unfinished;

    @GuardedBy("lock")
    private int starting;

    @GuardedBy("lock")
    private int failedRounds;

    @GuardedBy("lock")
    private long startRound;

    @GuardedBy("lock")
    private boolean backingOff;

    @GuardedBy("lock")
    private int workerNumbers;

    @GuardedBy("lock")
    private final Counts counts = new Counts();

    private static final class Counts {
        long submitted;
        long completed;
        long lost;
        long rerun;
        long workersStarted;
        long workersDied;
        long startsFailed;
    }

    Dispatcher(PoolOptions options, int depth, @Nullable EncodedCall initializer) {
        this.options = options;
        this.depth = depth;
        this.initializer = initializer == null
                ? null
                : new PoolCall<@Nullable Object>(0, initializer, CallOptions.DEFAULT, this, result -> result);
        Path parent = Path.of(System.getProperty("java.io.tmpdir"));
        this.directory = PrivateDirectory.create(parent);
        this.timer = new Timer(options.name() + "-timer");
        this.shutdownHook = new Thread(this::jvmEnds, options.name() + "-shutdown");
        Runtime.getRuntime().addShutdownHook(shutdownHook);
        if (!staleRemoved.getAndSet(true)) {
            Thread.ofVirtual().name("trestle-remove-stale").start(() -> PrivateDirectory.removeStale(parent));
        }
    }

    PrivateDirectory directory() {
        return directory;
    }

    Timer timer() {
        return timer;
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

    // Calls

    /** Takes a new call: to an idle worker, sent by this very thread, or into the queue. */
    void accept(PoolCall<?> call) {
        Worker worker;
        lock.lock();
        try {
            refuseIfClosed(call);
            counts.submitted++;
            worker = idle.pollLast();
            if (worker == null) {
                queue.addLast(call);
                startWhatIsNeeded();
            } else {
                assign(worker, call);
            }
        } finally {
            lock.unlock();
        }
        if (worker != null) {
            worker.send(call);
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

    private BrokenExecutorException broken(Throwable cause) {
        return new BrokenExecutorException(
                options.name() + " is broken: its workers cannot start, " + START_ATTEMPTS
                        + " times running. The last time: " + cause.getMessage(),
                cause);
    }

    @GuardedBy("lock")
    private boolean assign(Worker worker, PoolCall<?> call) {
        if (!call.claim()) {
            return false;
        }
        call.worker = worker;
        worker.call = call;
        worker.callsTaken++;
        worker.state = Worker.State.BUSY;
        return true;
    }

    /** Called when a call was cancelled, by whoever cancelled it. */
    void cancelled(PoolCall<?> call, boolean mayInterrupt) {
        Worker worker;
        boolean over;
        lock.lock();
        try {
            queue.remove(call);
            worker = call.worker;
            over = endIfOver();
        } finally {
            lock.unlock();
        }
        if (worker != null && mayInterrupt && call.mayBeInterruptedNow()) {
            worker.interrupt(call);
        }
        if (over) {
            cleanUp();
        }
    }

    /** Returns the call that a worker has. */
    @Nullable
    PoolCall<?> callOf(Worker worker) {
        lock.lock();
        try {
            return worker.call;
        } finally {
            lock.unlock();
        }
    }

    boolean isLeaving(Worker worker) {
        lock.lock();
        try {
            return worker.state == Worker.State.LEAVING;
        } finally {
            lock.unlock();
        }
    }

    // Workers; each of these is called on the worker's thread

    Worker.Order ready(Worker worker) {
        lock.lock();
        try {
            starting--;
            failedRounds = 0;
            counts.workersStarted++;
            return next(worker);
        } finally {
            lock.unlock();
        }
    }

    /** Called when the worker's call has ended, whatever its outcome. */
    Worker.Order ended(Worker worker) {
        lock.lock();
        try {
            counts.completed++;
            requireNonNull(worker.call).worker = null;
            worker.call = null;
            return next(worker);
        } finally {
            lock.unlock();
        }
    }

    @GuardedBy("lock")
    private Worker.Order next(Worker worker) {
        boolean spent = worker.callsTaken >= options.maxTasksPerWorker();
        while (!spent && !queue.isEmpty()) {
            PoolCall<?> call = queue.removeFirst();
            if (assign(worker, call)) {
                return new Worker.Order.Run(call);
            }
        }
        if (spent || lifecycle != Lifecycle.OPEN || breakage != null) {
            worker.state = Worker.State.LEAVING;
            return new Worker.Order.Leave();
        }
        worker.state = Worker.State.IDLE;
        idle.addLast(worker);
        return new Worker.Order.Stay();
    }

    /** Called when a worker that had been ready is dead. */
    void died(Worker worker, Obituary obituary) {
        PoolCall<?> call;
        boolean expected;
        boolean stopped;
        boolean again;
        lock.lock();
        try {
            call = remove(worker);
            expected = worker.state == Worker.State.LEAVING;
            stopped = lifecycle == Lifecycle.STOPPED;
            again = call != null && !stopped && isToBeRunAgain(call, obituary);
            worker.state = Worker.State.GONE;
            if (again) {
                queue.addFirst(requireNonNull(call));
                counts.rerun++;
            } else if (call != null) {
                counts.lost++;
            }
            counts.workersDied += expected ? 0 : 1;
            startWhatIsNeeded();
        } finally {
            lock.unlock();
        }
        if (!expected && !stopped) {
            logger.warn("{} (pid {}) died: {}", obituary.worker(), obituary.pid(), obituary.how());
        }
        if (again) {
            logger.info("{} is run by another worker", call);
        } else if (call != null) {
            endLost(call, obituary, stopped);
        }
    }

    private static boolean isToBeRunAgain(PoolCall<?> call, Obituary obituary) {
        return !call.promise().isDone() && (obituary.hadBegun(call) ? call.retry() : call.resend(SEND_ATTEMPTS));
    }

    private static void endLost(PoolCall<?> call, Obituary obituary, boolean stopped) {
        if (obituary.hadBegun(call)) {
            call.fail(obituary.ofCall(call));
        } else if (stopped) {
            call.promise().cancel(false); // as those that waited in the queue
        } else {
            call.fail(obituary.ofUndeliverable(call, SEND_ATTEMPTS));
        }
    }

    /** Called when a worker could not start. */
    void startFailed(Worker worker, WorkerDiedException why) {
        var failed = new ArrayList<PoolCall<?>>();
        boolean stopped;
        lock.lock();
        try {
            remove(worker);
            worker.state = Worker.State.GONE;
            starting--;
            stopped = lifecycle == Lifecycle.STOPPED;
            counts.startsFailed += stopped ? 0 : 1;
            if (!stopped && worker.startRound == startRound) {
                nextRound(why, failed);
            }
        } finally {
            lock.unlock();
        }
        if (!stopped) {
            logger.warn("A worker could not start: {}", why.getMessage());
        }
        failed.forEach(call -> call.fail(broken(why)));
    }

    /** Those that were started together fail together: that counts once. */
    @GuardedBy("lock")
    private void nextRound(WorkerDiedException why, List<PoolCall<?>> failed) {
        startRound++;
        failedRounds++;
        if (failedRounds >= START_ATTEMPTS && live.size() == starting) {
            breakage = why;
            failed.addAll(queue);
            queue.clear();
            return;
        }
        backingOff = true;
        long backoff = FIRST_BACKOFF.toMillis() << Math.min(failedRounds - 1, 16);
        long jittered = ThreadLocalRandom.current().nextLong(backoff / 2, backoff + 1);
        var _ = timer.after(Duration.ofMillis(Math.min(jittered, LONGEST_BACKOFF.toMillis())), this::backoffEnds);
    }

    private void backoffEnds() {
        lock.lock();
        try {
            backingOff = false;
            startWhatIsNeeded();
        } finally {
            lock.unlock();
        }
    }

    @GuardedBy("lock")
    private @Nullable PoolCall<?> remove(Worker worker) {
        live.remove(worker);
        idle.remove(worker);
        PoolCall<?> call = worker.call;
        worker.call = null;
        if (call != null) {
            call.worker = null;
        }
        return call;
    }

    /** The only place where workers are started. */
    @GuardedBy("lock")
    private void startWhatIsNeeded() {
        while (!backingOff && breakage == null && starting < queue.size() && live.size() < options.workers()) {
            var worker = new Worker(this, options, ++workerNumbers, startRound);
            live.add(worker);
            starting++;
            unfinished++;
            worker.startThread();
        }
    }

    /** The last thing that the thread of a worker does. */
    void finished() {
        boolean over;
        lock.lock();
        try {
            unfinished--;
            over = endIfOver();
        } finally {
            lock.unlock();
        }
        if (over) {
            cleanUp();
        }
    }

    // Ending

    /** Takes no more calls; what has been taken is run. */
    void shutdown() {
        List<Worker> leaving = List.of();
        boolean over;
        lock.lock();
        try {
            if (lifecycle == Lifecycle.OPEN) {
                lifecycle = Lifecycle.SHUT_DOWN;
                leaving = dismissIdle();
            }
            over = endIfOver();
        } finally {
            lock.unlock();
        }
        leaving.forEach(Worker::leave);
        if (over) {
            cleanUp();
        }
    }

    /** Takes no more calls, cancels those that wait and interrupts those that run; returns those that waited. */
    List<PoolCall<?>> shutdownNow() {
        var running = new ArrayList<PoolCall<?>>();
        List<PoolCall<?>> waited = stop(worker -> {
            if (worker.call != null) {
                running.add(worker.call);
            }
        });
        running.forEach(call -> call.promise().cancel(true));
        return waited;
    }

    /** Takes no more calls, cancels those that wait, and ends all workers at once; what they run is lost. */
    void stopWorkers(Consumer<Worker> how) {
        var victims = new ArrayList<Worker>();
        stop(victims::add);
        victims.forEach(how);
    }

    /** Stops taking calls; hands each living worker to a visitor, under the lock. */
    private List<PoolCall<?>> stop(Consumer<Worker> visitor) {
        List<Worker> leaving;
        List<Worker> unborn;
        List<PoolCall<?>> waited;
        lock.lock();
        try {
            if (lifecycle != Lifecycle.TERMINATED) {
                lifecycle = Lifecycle.STOPPED;
            }
            leaving = dismissIdle();
            unborn = live.stream()
                    .filter(each -> each.state == Worker.State.STARTING)
                    .toList();
            waited = List.copyOf(queue);
            queue.clear();
            live.forEach(visitor);
            unfinished++; // until the calls that waited are cancelled
        } finally {
            lock.unlock();
        }
        leaving.forEach(Worker::leave);
        unborn.forEach(each -> each.kill("the pool was shut down"));
        waited.forEach(call -> call.promise().cancel(false));
        finished();
        return waited;
    }

    @GuardedBy("lock")
    private List<Worker> dismissIdle() {
        List<Worker> leaving = List.copyOf(idle);
        idle.clear();
        leaving.forEach(worker -> worker.state = Worker.State.LEAVING);
        return leaving;
    }

    @GuardedBy("lock")
    private boolean endIfOver() {
        boolean closing = lifecycle == Lifecycle.SHUT_DOWN || lifecycle == Lifecycle.STOPPED;
        if (closing && queue.isEmpty() && unfinished == 0) {
            lifecycle = Lifecycle.TERMINATED;
            return true;
        }
        return false;
    }

    private void cleanUp() {
        timer.close();
        directory.close();
        try {
            Runtime.getRuntime().removeShutdownHook(shutdownHook);
        } catch (IllegalStateException e) {
            logger.debug("{} ends with the JVM", options.name()); // its hook is running, or has run
        }
        terminated.countDown();
    }

    /** The shutdown hook. Without it children would end as well, by the end of their stdin; but files would stay. */
    private void jvmEnds() {
        stopWorkers(worker -> worker.kill("the program ends"));
        directory.close();
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
            int busy = (int) live.stream()
                    .filter(each -> each.state == Worker.State.BUSY)
                    .count();
            return new ProcessPool.Statistics(
                    options.workers(),
                    live.size(),
                    starting,
                    busy,
                    queue.size(),
                    counts.submitted,
                    counts.completed,
                    counts.lost,
                    counts.rerun,
                    counts.workersStarted,
                    counts.workersDied,
                    counts.startsFailed,
                    linesLost.sum());
        } finally {
            lock.unlock();
        }
    }

    /** Returns the process ids of the workers that live. */
    List<Long> pids() {
        lock.lock();
        try {
            return live.stream().map(Worker::pid).filter(pid -> pid > 0).toList();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public String toString() {
        lock.lock();
        try {
            String state = breakage != null
                    ? "broken"
                    : lifecycle.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
            long busy = live.stream()
                    .filter(each -> each.state == Worker.State.BUSY)
                    .count();
            return "ProcessPool[" + options.name() + ", " + state + ", workers=" + live.size() + "/" + options.workers()
                    + ", busy=" + busy + ", queued=" + queue.size() + "]";
        } finally {
            lock.unlock();
        }
    }
}
