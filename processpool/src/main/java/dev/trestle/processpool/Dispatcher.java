package dev.trestle.processpool;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.api.BrokenExecutorException;
import dev.trestle.processpool.wire.EncodedCall;
import dev.trestle.processpool.wire.Frame;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What decides in a pool: which worker gets which call, when one is started, when it goes, and when all is over. It is long,
 * and one thing, because all of these decisions are made under one lock, on the same few fields.
 */
final class Dispatcher {

    /*
     * One lock around all decisions. Under it nothing is written to a worker, no future is completed, nobody's code runs;
     * each method decides under the lock and acts after it.
     *
     * Whether a worker is started depends on two things only: the calls that wait, and the workers that live and what they
     * are about to do. There is no account of idle places that a crash could leave wrong. See `startWhatIsNeeded`. A worker
     * that will soon have run as many calls as it may is retiring: it does not count any more, so another is started. That
     * one is a spare until the other leaves, since no more workers than the pool's size are to run calls at a time.
     *
     * A worker that is busy is given calls ahead, so that it never waits for the wire, if they and those that it has are
     * expected to take a fraction of a millisecond in all. Nobody waits behind a call that takes longer than that was
     * meant to: after some milliseconds all that is behind it is asked back, see `askBack`. Which of them have begun
     * meanwhile is for the worker to say; a call is in the queue again when the worker has said that it dropped it.
     *
     * A call is lost with its worker only if it had begun, as the worker's flight record tells; otherwise it goes back to
     * the head of the queue.
     */

    private static final Logger logger = LoggerFactory.getLogger(ProcessPool.class);

    /** So often a call is sent to a worker that dies before it begins it. That says nothing about the call, but it ends. */
    private static final int SEND_ATTEMPTS = 20;

    /** So many of these count, each, deaths while the worker took the call from the connection: it may be too large. */
    private static final int SUSPICION = SEND_ATTEMPTS / 2;

    /** A submitter writes to a busy worker itself while it has no more calls than this. */
    private static final int FEW = 2;

    /** After this time calls are taken back from behind another: soon if a worker has nothing to do. */
    private static final Duration PATIENCE = Duration.ofMillis(10);

    /** The calls that this thread is ending, for those who must not wait for them on it. */
    private static final ScopedValue<List<PoolCall<?>>> ENDING = ScopedValue.newInstance();

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
    private final AotCache aotCache;
    private final AtomicBoolean trained = new AtomicBoolean();
    private final Thread shutdownHook;
    private final CountDownLatch terminated = new CountDownLatch(1);
    private final PoolBean bean = new PoolBean(this);
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

    /** Workers that take the places of others when these leave. */
    @GuardedBy("lock")
    private final ArrayDeque<Worker> spares = new ArrayDeque<>();

    /** The workers whose process may live. */
    @GuardedBy("lock")
    private final LinkedHashSet<Worker> live = new LinkedHashSet<>();

    /** Who has still something to do: the threads of workers, which outlast their processes, and who stops the pool. */
    @GuardedBy("lock")
    private int unfinished;

    @GuardedBy("lock")
    private int starting;

    @GuardedBy("lock")
    private final Starts starts = new Starts();

    /** Whether a look at the workers that are idle is due. */
    @GuardedBy("lock")
    private boolean shrinking;

    /** Whether a look at the calls that were sent ahead is due. */
    @GuardedBy("lock")
    private boolean watching;

    @GuardedBy("lock")
    private int workerNumbers;

    @GuardedBy("lock")
    private final Counts counts = new Counts();

    private static final class Counts {
        long submitted;
        long completed;
        long lost;
        long rerun;
        long takenBack;
        long workersStarted;
        long workersDied;
        long startsFailed;
        long workersRetired;
    }

    Dispatcher(PoolOptions options, int depth, @Nullable EncodedCall initializer) {
        this.options = options;
        this.depth = depth;
        this.initializer = initializer == null
                ? null
                : new PoolCall<@Nullable Object>(0, initializer, CallOptions.DEFAULT, this, result -> result);
        Path parent = Path.of(System.getProperty("java.io.tmpdir"));
        this.directory = PrivateDirectory.create(parent);
        this.aotCache = new AotCache(options);
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

    AotCache aotCache() {
        return aotCache;
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

    /** Takes a new call: to a worker, sent by this very thread, or into the queue. */
    void accept(PoolCall<?> call) {
        Worker worker;
        boolean begins;
        boolean write = false;
        lock.lock();
        try {
            refuseIfClosed(call);
            counts.submitted++;
            worker = idle.pollLast();
            begins = worker != null;
            if (worker == null) {
                worker = oneWithRoom(call);
            }
            if (worker == null) {
                queue.addLast(call);
                startWhatIsNeeded();
            } else {
                assign(worker, call);
                write = worker.load.startWriting();
            }
        } finally {
            lock.unlock();
        }
        if (worker != null) {
            worker.run(begins ? call : null, write);
        }
    }

    /** Returns the busy worker that is to have a new call at once, before it has finished what it has. */
    @GuardedBy("lock")
    private @Nullable Worker oneWithRoom(PoolCall<?> call) {
        if (!queue.isEmpty() || live.size() - going() < options.workers()) {
            return null;
        }
        long now = System.nanoTime();
        Worker best = null;
        for (Worker each : live) {
            if (each.state == Worker.State.BUSY
                    && each.load.size() < FEW
                    && hasRoom(each, call, now)
                    && (best == null || each.load.expectedNanos() < best.load.expectedNanos())) {
                best = each;
            }
        }
        return best;
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
                options.name() + " is broken: its workers cannot start, " + Starts.ATTEMPTS
                        + " times running. The last time: " + cause.getMessage(),
                cause);
    }

    @GuardedBy("lock")
    private boolean hasRoom(Worker worker, PoolCall<?> call, long now) {
        return worker.callsTaken < options.maxTasksPerWorker() && worker.load.hasRoomFor(call, now);
    }

    @GuardedBy("lock")
    private boolean assign(Worker worker, PoolCall<?> call) {
        boolean begins = worker.load.isEmpty();
        if (begins ? !call.claim() : call.promise().isDone()) {
            return false;
        }
        worker.load.add(call);
        call.worker = worker;
        worker.callsTaken++;
        worker.state = Worker.State.BUSY;
        if (!begins) {
            watch();
        }
        if (!worker.retiring && willSoonBeSpent(worker)) {
            worker.retiring = true;
            startWhatIsNeeded();
        }
        return true;
    }

    /** Returns whether a worker will have run as many calls as it may by the time that another can be ready. */
    @GuardedBy("lock")
    private boolean willSoonBeSpent(Worker worker) {
        if (options.maxTasksPerWorker() == Integer.MAX_VALUE) {
            return false;
        }
        int left = options.maxTasksPerWorker() - worker.callsTaken;
        double nanosEach = (double) (System.nanoTime() - worker.readyAt) / worker.callsTaken;
        return left * nanosEach <= 2.0 * starts.lastNanos();
    }

    /** Returns what is to be written to a worker; nothing if the caller is done with it. */
    Frame[] nextToWrite(Worker worker) {
        lock.lock();
        try {
            return worker.load.nextToWrite();
        } finally {
            lock.unlock();
        }
    }

    /** Called when a call was cancelled, by whoever cancelled it. */
    void cancelled(PoolCall<?> call, boolean mayInterrupt) {
        Worker worker;
        long ticket;
        boolean over;
        lock.lock();
        try {
            queue.remove(call);
            worker = call.worker;
            ticket = call.ticket;
            over = endIfOver();
        } finally {
            lock.unlock();
        }
        if (worker != null && mayInterrupt) {
            worker.interrupt(call, ticket);
        } else if (worker != null) {
            worker.tell(ticket);
        }
        if (over) {
            cleanUp();
        }
    }

    /** Interrupts a call, if a worker has it. */
    void interrupt(PoolCall<?> call) {
        Worker worker;
        long ticket;
        lock.lock();
        try {
            worker = call.worker;
            ticket = call.ticket;
        } finally {
            lock.unlock();
        }
        if (worker != null) {
            worker.interrupt(call, ticket);
        }
    }

    /** Returns whether a call is the first that a worker has. */
    boolean isRunning(Worker worker, PoolCall<?> call) {
        lock.lock();
        try {
            return worker.load.first() == call;
        } finally {
            lock.unlock();
        }
    }

    /** Returns the call that a worker has under a number. */
    @Nullable
    PoolCall<?> callOf(Worker worker, long ticket) {
        lock.lock();
        try {
            return worker.load.find(ticket);
        } finally {
            lock.unlock();
        }
    }

    /** Returns whether a worker still has a call that it was given under a number. */
    boolean has(Worker worker, PoolCall<?> call, long ticket) {
        lock.lock();
        try {
            return call.worker == worker && call.ticket == ticket;
        } finally {
            lock.unlock();
        }
    }

    /** Tells the worker of a stream that items have been consumed. */
    void credit(PoolCall<?> call, long bytes) {
        Worker worker;
        long ticket;
        lock.lock();
        try {
            worker = call.worker;
            ticket = call.ticket;
        } finally {
            lock.unlock();
        }
        if (worker != null) {
            worker.credit(ticket, bytes);
        }
    }

    /** Cancels the streams that have not ended: whoever could read them waits for the end of the pool. */
    void cancelStreams() {
        List<PoolCall<?>> streams;
        lock.lock();
        try {
            streams = Stream.concat(queue.stream(), live.stream().flatMap(each -> each.load.all().stream()))
                    .filter(PoolCall::isStream)
                    .toList();
        } finally {
            lock.unlock();
        }
        endAll(streams, call -> call.promise().cancel(true));
    }

    // Calls sent ahead

    @GuardedBy("lock")
    private void watch() {
        if (!watching) {
            watching = true;
            var _ = timer.after(Load.SHORT, this::askBack);
        }
    }

    /** Has those workers give calls back whose first call takes longer than was expected. */
    private void askBack() {
        Map<Worker, List<Long>> late = new HashMap<>();
        lock.lock();
        try {
            watching = false;
            long now = System.nanoTime();
            long patience = (idle.isEmpty() ? PATIENCE : Load.SHORT).toNanos();
            for (Worker each : live) {
                if (each.load.size() > 1) {
                    watch();
                    if (each.load.firstHasRun(now) >= patience) {
                        late.put(each, each.load.toAskBack());
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
            counts.workersStarted++;
            if (counts.workersStarted == 1) {
                bean.registerSoon();
            }
            worker.readyAt = System.nanoTime();
            starts.succeeded(worker.readyAt - worker.createdAt);
            if (lifecycle == Lifecycle.OPEN && active() >= options.workers()) {
                worker.state = Worker.State.SPARE;
                spares.addLast(worker);
                becameIdle(worker);
                return new Worker.Order.Stay();
            }
            return next(worker, null);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Called when the worker has answered calls, whatever their outcome.
     *
     * @param answers what it sent; those to calls that it does not have are removed
     * @param calls gets their calls, in the same order
     */
    Worker.Order answered(Worker worker, List<Frame.OfCall> answers, List<PoolCall<?>> calls) {
        Worker.Order order;
        Map<Worker, Worker.Order> others;
        List<PoolCall<?>> unwanted = List.of();
        lock.lock();
        try {
            PoolCall<?> before = worker.load.first();
            List<PoolCall<?>> back = match(worker, answers, calls);
            starts.proved();
            if (lifecycle == Lifecycle.STOPPED) {
                unwanted = back;
            } else {
                queueFirst(back);
                counts.takenBack += back.size();
            }
            PoolCall<?> first = worker.load.first();
            if (first != null && first != before) {
                var _ = first.claim(); // if it was cancelled, the worker has been told
            }
            order = next(worker, before);
            others = wake();
            startWhatIsNeeded();
        } finally {
            lock.unlock();
        }
        others.forEach(Worker::follow);
        endAll(unwanted, call -> call.promise().cancel(false));
        return order;
    }

    @GuardedBy("lock")
    private void queueFirst(List<PoolCall<?>> calls) {
        for (PoolCall<?> call : calls.reversed()) {
            queue.addFirst(call);
        }
    }

    /** Gives the places of workers that have left to spares, and calls that are in the queue again to idle workers. */
    @GuardedBy("lock")
    private Map<Worker, Worker.Order> wake() {
        if (spares.isEmpty() && (queue.isEmpty() || idle.isEmpty())) {
            return Map.of();
        }
        Map<Worker, Worker.Order> orders = new HashMap<>();
        while (!spares.isEmpty() && active() < options.workers()) {
            Worker worker = spares.removeFirst();
            orders.put(worker, next(worker, null));
        }
        while (!queue.isEmpty() && !idle.isEmpty()) {
            Worker worker = idle.removeLast();
            orders.put(worker, next(worker, null));
        }
        return orders;
    }

    /** Takes the calls from the worker that it has answered; returns those that it gave back and that are still wanted. */
    @GuardedBy("lock")
    private List<PoolCall<?>> match(Worker worker, List<Frame.OfCall> answers, List<PoolCall<?>> calls) {
        List<PoolCall<?>> back = new ArrayList<>();
        for (var iterator = answers.iterator(); iterator.hasNext(); ) {
            Frame.OfCall answer = iterator.next();
            PoolCall<?> call = worker.load.take(answer.id());
            if (call == null) {
                iterator.remove();
                continue;
            }
            call.worker = null;
            calls.add(call);
            if (answer instanceof Frame.Cancelled) {
                worker.callsTaken--;
                if (!call.promise().isDone()) {
                    back.add(call);
                    continue;
                }
            } else if (answer instanceof Frame.Result result) {
                call.runTime().note(result.runNanos());
            } else if (answer instanceof Frame.Failed failed) {
                call.runTime().note(failed.runNanos());
            }
            counts.completed++;
        }
        return back;
    }

    @GuardedBy("lock")
    private Worker.Order next(Worker worker, @Nullable PoolCall<?> before) {
        giveCalls(worker);
        PoolCall<?> first = worker.load.first();
        if (first != null) {
            return new Worker.Order.Run(first == before ? null : first, worker.load.startWriting());
        }
        if (worker.callsTaken >= options.maxTasksPerWorker() || lifecycle != Lifecycle.OPEN || breakage != null) {
            worker.state = Worker.State.LEAVING;
            counts.workersRetired++;
            return new Worker.Order.Leave();
        }
        worker.state = Worker.State.IDLE;
        idle.addLast(worker);
        becameIdle(worker);
        return new Worker.Order.Stay();
    }

    @GuardedBy("lock")
    private void becameIdle(Worker worker) {
        worker.idleSince = System.nanoTime();
        if (!shrinking && options.idleTime().isPresent()) {
            shrinking = true;
            var _ = timer.after(options.idleTime().get(), this::shrink);
        }
    }

    /** Has those workers leave that have been idle for long. */
    private void shrink() {
        var leaving = new ArrayList<Worker>();
        long limit = options.idleTime().orElseThrow().toNanos();
        lock.lock();
        try {
            shrinking = false;
            long now = System.nanoTime();
            long next = Long.MAX_VALUE;
            var candidates = new ArrayList<>(spares);
            candidates.addAll(idle); // the one that was used last is at the end
            for (Worker each : candidates) {
                long left = limit - (now - each.idleSince);
                if (live.size() - going() <= options.minWorkers()) {
                    break;
                } else if (left > 0) {
                    next = Math.min(next, left);
                } else if (idle.remove(each) || spares.remove(each)) {
                    each.state = Worker.State.LEAVING;
                    counts.workersRetired++;
                    leaving.add(each);
                }
            }
            if (next < Long.MAX_VALUE) {
                shrinking = true;
                var _ = timer.after(Duration.ofNanos(next), this::shrink);
            }
        } finally {
            lock.unlock();
        }
        leaving.forEach(Worker::leave);
    }

    /** Gives a worker of the calls that wait as many as it may have, but leaves the others their share. */
    @GuardedBy("lock")
    private void giveCalls(Worker worker) {
        long now = System.nanoTime();
        int share = queue.size() / Math.max(1, live.size()) + 1;
        while (!queue.isEmpty() && share > 0 && hasRoom(worker, queue.getFirst(), now)) {
            share -= assign(worker, queue.removeFirst()) ? 1 : 0;
        }
    }

    /**
     * Called when a worker that had been ready is dead.
     *
     * @param answers what it had answered; those to calls that it does not have are removed
     * @param calls gets their calls, in the same order
     */
    void died(Worker worker, Obituary obituary, List<Frame.OfCall> answers, List<PoolCall<?>> calls) {
        boolean expected;
        boolean stopped;
        var lost = new ArrayList<PoolCall<?>>();
        var again = new ArrayList<PoolCall<?>>();
        Map<Worker, Worker.Order> others;
        lock.lock();
        try {
            expected = worker.state == Worker.State.LEAVING;
            stopped = lifecycle == Lifecycle.STOPPED;
            (stopped ? lost : again).addAll(match(worker, answers, calls));
            boolean first = true;
            for (PoolCall<?> call : remove(worker)) {
                (!stopped && isToBeRunAgain(call, first, obituary) ? again : lost).add(call);
                first = false;
            }
            worker.state = Worker.State.GONE;
            queueFirst(again);
            counts.rerun += again.size();
            counts.lost += lost.size();
            counts.workersDied += expected ? 0 : 1;
            if (!expected && worker.callsTaken == 0) {
                starts.diedIdle(Duration.ofNanos(System.nanoTime() - worker.readyAt))
                        .ifPresent(this::pause);
            }
            others = wake();
            startWhatIsNeeded();
        } finally {
            lock.unlock();
        }
        others.forEach(Worker::follow);
        if (!expected && !stopped) {
            logger.warn("{} (pid {}) died: {}", obituary.worker(), obituary.pid(), obituary.how());
        }
        if (!again.isEmpty()) {
            logger.info("{} calls that {} had, {} first, go to other workers", again.size(), worker, again.getFirst());
        }
        endAll(lost, call -> {
            call.endDeadline();
            endLost(call, obituary, stopped);
        });
    }

    private static boolean isToBeRunAgain(PoolCall<?> call, boolean first, Obituary obituary) {
        if (call.promise().isDone()) {
            return false;
        }
        if (obituary.hadBegun(call)) {
            return call.retry();
        }
        return !first || call.resend(obituary.wasReceiving(call) ? SUSPICION : 1, SEND_ATTEMPTS);
    }

    private static void endLost(PoolCall<?> call, Obituary obituary, boolean stopped) {
        if (obituary.hadBegun(call)) {
            call.fail(obituary.ofCall(call));
        } else if (stopped) {
            call.promise().cancel(false); // as those that waited in the queue
        } else {
            call.fail(obituary.ofUndeliverable(call));
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
            if (!stopped) {
                starts.failed(worker.startRound).ifPresent(pause -> breakOrPause(why, failed, pause));
            }
        } finally {
            lock.unlock();
        }
        if (!stopped) {
            logger.warn("A worker could not start: {}", why.getMessage());
        }
        endAll(failed, call -> call.fail(broken(why)));
    }

    @GuardedBy("lock")
    private void breakOrPause(WorkerDiedException why, List<PoolCall<?>> failed, Duration pause) {
        if (starts.haveFailedForGood() && live.size() == starting) {
            breakage = why;
            failed.addAll(queue);
            queue.clear();
        } else {
            pause(pause);
        }
    }

    @GuardedBy("lock")
    private void pause(Duration pause) {
        var _ = timer.after(pause, this::pauseEnds);
    }

    private void pauseEnds() {
        lock.lock();
        try {
            starts.pauseEnds();
            startWhatIsNeeded();
        } finally {
            lock.unlock();
        }
    }

    @GuardedBy("lock")
    private List<PoolCall<?>> remove(Worker worker) {
        live.remove(worker);
        idle.remove(worker);
        spares.remove(worker);
        List<PoolCall<?>> calls = worker.load.clear();
        for (PoolCall<?> call : calls) {
            call.worker = null;
        }
        return calls;
    }

    /** The only place where workers are started. */
    @GuardedBy("lock")
    private void startWhatIsNeeded() {
        while (!starts.arePausing()
                && breakage == null
                && live.size() - going() < options.workers()
                && isOneMoreNeeded()) {
            start();
        }
    }

    @GuardedBy("lock")
    private boolean isOneMoreNeeded() {
        return starting < queue.size()
                || (lifecycle == Lifecycle.OPEN
                        && (live.size() - going() < options.minWorkers() || starting + spares.size() < retiring()));
    }

    @GuardedBy("lock")
    private void start() {
        var worker = new Worker(this, options, ++workerNumbers, starts.round());
        live.add(worker);
        starting++;
        unfinished++;
        worker.startThread();
    }

    /** Starts workers before they are needed, until so many live. */
    void prestart(int workers) {
        lock.lock();
        try {
            while (lifecycle == Lifecycle.OPEN
                    && !starts.arePausing()
                    && breakage == null
                    && live.size() - going() < Math.min(workers, options.workers())) {
                start();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Returns how many workers have a call or could have one at once. */
    @GuardedBy("lock")
    private int active() {
        int count = 0;
        for (Worker each : live) {
            count += each.state == Worker.State.IDLE || each.state == Worker.State.BUSY ? 1 : 0;
        }
        return count;
    }

    /** Returns how many workers will leave when they have run the calls that they may still run. */
    @GuardedBy("lock")
    private int retiring() {
        int count = 0;
        for (Worker each : live) {
            count += each.retiring && each.state != Worker.State.LEAVING ? 1 : 0;
        }
        return count;
    }

    /** Returns how many workers are leaving, or will soon. */
    @GuardedBy("lock")
    private int going() {
        int count = 0;
        for (Worker each : live) {
            count += each.retiring || each.state == Worker.State.LEAVING ? 1 : 0;
        }
        return count;
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

    // The AOT cache

    /** Makes the AOT cache in a while, when the first calls have had their worker to themselves. */
    void trainLater() {
        if (depth == 1 && options.aotCache().isPresent() && !trained.getAndSet(true)) {
            var _ = timer.after(options.aotCacheDelay(), this::train);
        }
    }

    /** Makes the AOT cache, unless there is one or this pool ends; returns whether there is one now. */
    boolean train() {
        lock.lock();
        try {
            if (lifecycle != Lifecycle.OPEN || breakage != null) {
                return false;
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
        aotCache.stop();
        if (over) {
            cleanUp();
        }
    }

    /** Takes no more calls, cancels those that wait and interrupts those that run; returns those that waited. */
    List<PoolCall<?>> shutdownNow() {
        var running = new ArrayList<PoolCall<?>>();
        List<PoolCall<?>> waited = stop(worker -> running.addAll(worker.load.all()));
        endAll(running, call -> call.promise().cancel(true));
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
        aotCache.stop();
        leaving.forEach(Worker::leave);
        unborn.forEach(each -> each.kill("the pool was shut down"));
        endAll(waited, call -> call.promise().cancel(false));
        finished();
        return waited;
    }

    @GuardedBy("lock")
    private List<Worker> dismissIdle() {
        List<Worker> leaving = new ArrayList<>(idle);
        leaving.addAll(spares);
        idle.clear();
        spares.clear();
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
        bean.unregister();
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

    /** Returns whether a time that is over ends anything. Not while somebody looks for a bug. */
    boolean hasDeadlines() {
        return !options.debug();
    }

    String poolName() {
        return options.name();
    }

    /** Ends calls one after the other, as their callbacks can find out. */
    private static void endAll(List<PoolCall<?>> calls, Consumer<PoolCall<?>> how) {
        ScopedValue.where(ENDING, List.copyOf(calls)).run(() -> calls.forEach(how));
    }

    /** Returns whether a future is that of a call that this very thread is ending, or will next. */
    static boolean isEndedHere(Future<?> future) {
        return ENDING.isBound() && ENDING.get().stream().anyMatch(call -> call.promise() == future);
    }

    /** Returns whether this thread is one that ends calls of this pool, and so must not wait for that. */
    boolean endsCallsHere() {
        return (ENDING.isBound() && ENDING.get().stream().anyMatch(call -> call.isOf(this)))
                || (Worker.CURRENT.isBound() && Worker.CURRENT.get().dispatcher() == this);
    }

    /** Returns whether a future is that of a call of this pool that has not ended. Looks at all of them. */
    boolean isPending(Future<?> future) {
        lock.lock();
        try {
            return Stream.concat(queue.stream(), live.stream().flatMap(each -> each.load.all().stream()))
                            .anyMatch(call -> call.promise() == future)
                    || live.stream().anyMatch(each -> each.isEnding(future));
        } finally {
            lock.unlock();
        }
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
                    spares.size(),
                    waiting(),
                    counts.submitted,
                    counts.completed,
                    counts.lost,
                    counts.rerun,
                    counts.takenBack,
                    counts.workersStarted,
                    counts.workersRetired,
                    counts.workersDied,
                    counts.startsFailed,
                    linesLost.sum());
        } finally {
            lock.unlock();
        }
    }

    /** Returns the number of calls that do not run, in the queue or sent ahead. */
    @GuardedBy("lock")
    private int waiting() {
        int ahead = 0;
        for (Worker each : live) {
            ahead += Math.max(0, each.load.size() - 1);
        }
        return queue.size() + ahead;
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
                    + ", busy=" + busy + ", queued=" + waiting() + "]";
        } finally {
            lock.unlock();
        }
    }
}
