package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.api.BrokenExecutorException;
import dev.trestle.processpool.wire.EncodedCall;
import dev.trestle.processpool.wire.Frame;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
 * What decides in a pool: which worker gets which call, what becomes of the calls of one that dies, and when all is over. The
 * {@link Crew} says how many workers there are to be, the {@link Load} of each what calls it has. It is long, and one thing,
 * because a call is accepted, given, taken back, lost and ended under one lock.
 */
final class Dispatcher {

    /*
     * One lock around all decisions. Under it nothing is written to a worker, no future is completed, nobody's code runs;
     * each method decides under the lock and acts after it.
     *
     * A call that has not ended is in one place: in the queue, with a worker, or with the thread that is ending it. It goes
     * from one to the other under the lock. That is how a wait that could not end is found out; see `isPending`.
     *
     * Each change that may call for another worker ends with `startWhatIsNeeded`.
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
    private final Consumer<Worker> birth;
    private final Jdk jdk = Jdk.now();
    private final PrivateDirectory directory;
    private final Timer timer;
    private final AotCache aotCache;
    private final AtomicBoolean trained = new AtomicBoolean();
    private final Thread shutdownHook;
    private final CountDownLatch terminated = new CountDownLatch(1);
    private final PoolBean bean = new PoolBean(this);
    private final Endings endings = new Endings();
    private final AtomicLong callNumbers = new AtomicLong();
    private final LongAdder linesLost = new LongAdder();
    private final @Nullable PoolCall<?> initializer;

    private final ReentrantLock lock = new ReentrantLock();

    @GuardedBy("lock")
    private Lifecycle lifecycle = Lifecycle.OPEN;

    @GuardedBy("lock")
    private @Nullable BrokenExecutorException breakage;

    @GuardedBy("lock")
    private final LinkedHashSet<PoolCall<?>> queue = new LinkedHashSet<>();

    @GuardedBy("lock")
    private final Crew crew;

    /** Who has still something to do: the threads of workers, which outlast their processes, and who stops the pool. */
    @GuardedBy("lock")
    private int unfinished;

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
    }

    Dispatcher(PoolOptions options, int depth, @Nullable EncodedCall initializer) {
        this(options, depth, initializer, Worker::startThread);
    }

    /**
     * @param birth lets a worker live; called under the lock
     */
    Dispatcher(PoolOptions options, int depth, @Nullable EncodedCall initializer, Consumer<Worker> birth) {
        this(options, depth, initializer, birth, new Timer(options.name() + "-timer"));
    }

    /**
     * @param timer belongs to the pool from now on
     */
    Dispatcher(PoolOptions options, int depth, @Nullable EncodedCall initializer, Consumer<Worker> birth, Timer timer) {
        this.options = options;
        this.depth = depth;
        this.birth = birth;
        this.timer = timer;
        this.crew = new Crew(options, timer::nanoTime);
        this.initializer = initializer == null
                ? null
                : new PoolCall<@Nullable Object>(0, initializer, CallOptions.DEFAULT, this, result -> result);
        this.directory = PrivateDirectory.create(Path.of(System.getProperty("java.io.tmpdir")));
        this.aotCache = new AotCache(options);
        this.shutdownHook = new Thread(this::jvmEnds, options.name() + "-shutdown");
        Runtime.getRuntime().addShutdownHook(shutdownHook);
        if (!staleRemoved.getAndSet(true)) {
            onItsOwn("trestle-sweep", directory::removeStale);
        }
        keepYoungLater();
    }

    /** Runs something that waits for disks; a virtual thread would hold its carrier meanwhile. */
    private static void onItsOwn(String name, Runnable action) {
        Thread.ofPlatform().name(name).daemon().start(action);
    }

    private void keepYoungLater() {
        var _ = timer.after(PrivateDirectory.TOUCH, () -> {
            keepYoungLater();
            onItsOwn(options.name() + "-keep-young", directory::keepYoung);
        });
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
            worker = crew.takeIdle();
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
        if (!queue.isEmpty() || !crew.isComplete()) {
            return null;
        }
        long now = System.nanoTime();
        Worker best = null;
        for (Worker each : crew.live()) {
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

    /** Returns the same for each call, or all would have the stack and the suppressed exceptions of one. */
    private static BrokenExecutorException broken(BrokenExecutorException breakage) {
        return new BrokenExecutorException(requireNonNull(breakage.getMessage()), breakage.getCause());
    }

    @GuardedBy("lock")
    private boolean hasRoom(Worker worker, PoolCall<?> call, long now) {
        return crew.mayHaveMore(worker) && worker.load.hasRoomFor(call, now);
    }

    @GuardedBy("lock")
    private boolean assign(Worker worker, PoolCall<?> call) {
        boolean begins = worker.load.isEmpty();
        if (begins ? !call.claim() : call.promise().isDone()) {
            return false;
        }
        worker.load.add(call);
        call.worker = worker;
        if (!begins) {
            watch();
        }
        if (crew.gave(worker)) {
            startWhatIsNeeded();
        }
        return true;
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
        List<Worker> unborn;
        boolean over;
        lock.lock();
        try {
            queue.remove(call);
            worker = call.worker;
            ticket = call.ticket;
            unborn = dismissUnneeded();
            over = endIfOver();
        } finally {
            lock.unlock();
        }
        unborn.forEach(Dispatcher::abort);
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
        Endings.Batch streams;
        lock.lock();
        try {
            streams = endings.of(taken().filter(PoolCall::isStream).toList());
        } finally {
            lock.unlock();
        }
        streams.end(call -> call.promise().cancel(true));
    }

    /** Returns the calls in the queue, and those that workers have. */
    @GuardedBy("lock")
    private Stream<PoolCall<?>> taken() {
        return Stream.concat(queue.stream(), crew.live().stream().flatMap(each -> each.load.all().stream()));
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
            long patience = (crew.hasIdle() ? Load.SHORT : PATIENCE).toNanos();
            for (Worker each : crew.live()) {
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
            if (worker.state == Worker.State.LEAVING) {
                return new Worker.Order.Leave(); // it is being killed
            }
            boolean active = crew.ready(worker, lifecycle == Lifecycle.OPEN || !queue.isEmpty());
            if (crew.started() == 1) {
                bean.registerSoon();
            }
            if (!active) {
                lookAtTheIdle();
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
        Endings.Batch unwanted;
        lock.lock();
        try {
            PoolCall<?> before = worker.load.first();
            List<PoolCall<?>> back = match(worker, answers, calls);
            crew.answered();
            unwanted = endings.of(lifecycle == Lifecycle.STOPPED ? back : List.of());
            if (lifecycle != Lifecycle.STOPPED) {
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
        unwanted.end(call -> call.promise().cancel(false));
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
        if (!crew.hasSpares() && (queue.isEmpty() || !crew.hasIdle())) {
            return Map.of();
        }
        Map<Worker, Worker.Order> orders = new HashMap<>();
        for (Worker spare = crew.takeSpare(); spare != null; spare = crew.takeSpare()) {
            orders.put(spare, next(spare, null));
        }
        while (!queue.isEmpty()) {
            Worker worker = crew.takeIdle();
            if (worker == null) {
                break;
            }
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
                crew.gaveBack(worker);
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
        if (crew.restOrLeave(worker, lifecycle == Lifecycle.OPEN && breakage == null)) {
            return new Worker.Order.Leave();
        }
        lookAtTheIdle();
        return new Worker.Order.Stay();
    }

    @GuardedBy("lock")
    private void lookAtTheIdle() {
        if (!shrinking && options.idleTime().isPresent()) {
            shrinking = true;
            var _ = timer.after(options.idleTime().get(), this::shrink);
        }
    }

    /** Has those workers leave that have been idle for long. */
    private void shrink() {
        List<Worker> leaving;
        Map<Worker, Worker.Order> others;
        Duration limit = options.idleTime().orElseThrow();
        lock.lock();
        try {
            leaving = crew.dismissRested(limit);
            Optional<Duration> next = crew.untilNextHasRested(limit);
            shrinking = next.isPresent();
            if (next.isPresent()) {
                var _ = timer.after(next.get(), this::shrink);
            }
            others = wake();
        } finally {
            lock.unlock();
        }
        leaving.forEach(Worker::leave);
        others.forEach(Worker::follow);
    }

    /** Gives a worker of the calls that wait as many as it may have, but leaves the others their share. */
    @GuardedBy("lock")
    private void giveCalls(Worker worker) {
        long now = System.nanoTime();
        int share = queue.size() / Math.max(1, crew.size()) + 1;
        while (!queue.isEmpty() && share > 0 && hasRoom(worker, queue.getFirst(), now)) {
            share -= assign(worker, queue.removeFirst()) ? 1 : 0;
        }
    }

    /**
     * Called when a worker that had been ready is dead. Ends its calls, save those that go to others.
     *
     * @param answers what it had answered and nobody has dealt with; those to calls that it does not have are removed
     */
    void died(Worker worker, Obituary obituary, List<Frame.OfCall> answers) {
        boolean expected;
        boolean stopped;
        var answered = new ArrayList<PoolCall<?>>();
        var lost = new ArrayList<PoolCall<?>>();
        var again = new ArrayList<PoolCall<?>>();
        List<PoolCall<?>> unwanted;
        Endings.Batch ending;
        Map<Worker, Worker.Order> others;
        lock.lock();
        try {
            expected = worker.state == Worker.State.LEAVING;
            stopped = lifecycle == Lifecycle.STOPPED;
            List<PoolCall<?>> back = match(worker, answers, answered);
            unwanted = stopped ? back : List.of();
            again.addAll(stopped ? List.of() : back);
            boolean first = true;
            for (PoolCall<?> call : remove(worker)) {
                (!stopped && isToBeRunAgain(call, first, obituary) ? again : lost).add(call);
                first = false;
            }
            queueFirst(again);
            counts.rerun += again.size();
            counts.lost += lost.size();
            if (!expected) {
                crew.died(worker).ifPresent(this::pause);
            }
            var ended = new ArrayList<>(answered);
            ended.removeAll(back);
            ended.addAll(unwanted);
            ended.addAll(lost);
            ending = endings.of(ended);
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
        ending.run(() -> {
            worker.end(answered, answers);
            unwanted.forEach(call -> call.promise().cancel(false));
            lost.forEach(call -> endLost(call, obituary, stopped));
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
        call.endDeadline();
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
        Endings.Batch failed = endings.of(List.of());
        BrokenExecutorException end = null;
        boolean expected;
        String replaced = jdk.ifReplaced();
        lock.lock();
        try {
            expected = worker.state == Worker.State.LEAVING || lifecycle == Lifecycle.STOPPED;
            remove(worker);
            if (!expected) {
                crew.startFailed(worker, Starts.refusedOptions(why.exitCode(), requireNonNull(why.getMessage())))
                        .ifPresent(this::pause);
                if (breakage == null && crew.isHopeless()) {
                    end = new BrokenExecutorException(
                            options.name() + " is broken: its workers cannot start, " + crew.failures()
                                    + ", and none lives. The last time: " + why.getMessage() + replaced,
                            why);
                    breakage = end;
                    failed = endings.of(List.copyOf(queue));
                    queue.clear();
                }
                startWhatIsNeeded(); // if it was the last of an earlier round, nobody else will
            }
        } finally {
            lock.unlock();
        }
        if (!expected) {
            logger.warn("A worker could not start: {}", why.getMessage());
        }
        if (end != null) {
            BrokenExecutorException broken = end;
            failed.end(call -> call.fail(broken(broken)));
        }
    }

    @GuardedBy("lock")
    private void pause(Duration pause) {
        var _ = timer.after(pause, this::pauseEnds);
    }

    private void pauseEnds() {
        lock.lock();
        try {
            crew.pauseEnds();
            startWhatIsNeeded();
        } finally {
            lock.unlock();
        }
    }

    @GuardedBy("lock")
    private List<PoolCall<?>> remove(Worker worker) {
        crew.remove(worker);
        List<PoolCall<?>> calls = worker.load.clear();
        for (PoolCall<?> call : calls) {
            call.worker = null;
        }
        return calls;
    }

    @GuardedBy("lock")
    private void startWhatIsNeeded() {
        while (breakage == null && crew.needsOneMore(queue.size(), lifecycle == Lifecycle.OPEN)) {
            start();
        }
    }

    /** Starts workers before they are needed, until so many live. */
    void prestart(int workers) {
        lock.lock();
        try {
            while (lifecycle == Lifecycle.OPEN && breakage == null && crew.mayGrowTo(workers)) {
                start();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Starts a worker. If not even its thread can start, that is a start that failed, like any other. */
    @GuardedBy("lock")
    private void start() {
        var worker = new Worker(this, options, ++workerNumbers);
        crew.add(worker);
        unfinished++;
        try {
            birth.accept(worker);
        } catch (Throwable e) { // OutOfMemoryError is what the JVM says of a limit of the system for threads
            var _ = timer.after(Duration.ZERO, () -> worker.wasNeverBorn(e));
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
        List<Worker> unborn;
        boolean over;
        lock.lock();
        try {
            if (lifecycle == Lifecycle.OPEN) {
                lifecycle = Lifecycle.SHUT_DOWN;
                leaving = crew.dismissResting();
            }
            unborn = dismissUnneeded();
            over = endIfOver();
        } finally {
            lock.unlock();
        }
        leaving.forEach(Worker::leave);
        unborn.forEach(Dispatcher::abort);
        aotCache.stop();
        if (over) {
            cleanUp();
        }
    }

    /** Has those workers leave that start for calls which will not come any more, so that nobody waits for them. */
    @GuardedBy("lock")
    private List<Worker> dismissUnneeded() {
        return lifecycle == Lifecycle.SHUT_DOWN ? crew.dismissStarting(queue.size()) : List.of();
    }

    private static void abort(Worker unborn) {
        unborn.kill("the pool was shut down");
    }

    /** Takes no more calls, interrupts those that run and cancels those that wait; returns those that waited. */
    List<PoolCall<?>> shutdownNow() {
        return stop(true, _ -> {});
    }

    /** Takes no more calls, ends all workers at once, whose calls are lost, and cancels those that wait. */
    void stopWorkers(Consumer<Worker> how) {
        var _ = stop(false, how);
    }

    /**
     * Stops the pool. Callbacks run last: they may wait for a call that a worker is to give up.
     *
     * @param interrupts whether to interrupt the calls that run
     * @param how what to do with each worker
     */
    private List<PoolCall<?>> stop(boolean interrupts, Consumer<Worker> how) {
        List<Worker> leaving;
        List<Worker> workers;
        List<Worker> unborn;
        List<PoolCall<?>> waited;
        Endings.Batch ending;
        lock.lock();
        try {
            if (lifecycle != Lifecycle.TERMINATED) {
                lifecycle = Lifecycle.STOPPED;
            }
            leaving = crew.dismissResting();
            workers = List.copyOf(crew.live());
            unborn = workers.stream()
                    .filter(each -> each.state == Worker.State.STARTING)
                    .toList();
            waited = List.copyOf(queue);
            queue.clear();
            ending = endings.of(Stream.concat(interrupts ? taken() : Stream.empty(), waited.stream())
                    .toList());
            unfinished++; // until they have ended
        } finally {
            lock.unlock();
        }
        aotCache.stop();
        leaving.forEach(Worker::leave);
        unborn.forEach(Dispatcher::abort);
        workers.forEach(how);
        ending.end(call -> {
            if (!call.promise().cancel(true)) {
                interrupt(call); // its future has ended, and it may run all the same
            }
        });
        finished();
        return waited;
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

    /** Returns whether a future is that of a call of this pool that has not ended. Looks at all of them. */
    boolean isPending(Future<?> future) {
        lock.lock();
        try {
            return taken().anyMatch(call -> call.promise() == future)
                    || crew.live().stream().anyMatch(each -> each.isEnding(future))
                    || endings.has(future);
        } finally {
            lock.unlock();
        }
    }

    /** Returns whether this thread is one that ends calls of this pool, and so must not wait for that. */
    boolean endsCallsHere() {
        return endings.areHere()
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
                    crew.size(),
                    crew.starting(),
                    crew.busy(),
                    crew.spares(),
                    waiting(),
                    counts.submitted,
                    counts.completed,
                    counts.lost,
                    counts.rerun,
                    counts.takenBack,
                    crew.started(),
                    crew.retired(),
                    crew.died(),
                    crew.startsFailed(),
                    linesLost.sum());
        } finally {
            lock.unlock();
        }
    }

    /** Returns the number of calls that do not run, in the queue or sent ahead. */
    @GuardedBy("lock")
    private int waiting() {
        int ahead = 0;
        for (Worker each : crew.live()) {
            ahead += Math.max(0, each.load.size() - 1);
        }
        return queue.size() + ahead;
    }

    /** Returns the process ids of the workers that live. */
    List<Long> pids() {
        lock.lock();
        try {
            return crew.live().stream().map(Worker::pid).filter(pid -> pid > 0).toList();
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
            return "ProcessPool[" + options.name() + ", " + state + ", workers=" + crew.size() + "/" + options.workers()
                    + ", busy=" + crew.busy() + ", queued=" + waiting() + "]";
        } finally {
            lock.unlock();
        }
    }
}
