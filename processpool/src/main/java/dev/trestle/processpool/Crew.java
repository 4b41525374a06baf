package dev.trestle.processpool;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The workers of a pool: how many there are to be, and which of them run calls, rest, stand by, or go. What calls they get is
 * none of its business. It only keeps the books, so its methods neither wait nor touch a process. Guarded by the dispatcher's
 * lock.
 */
final class Crew {

    /*
     * A worker that lives is in one state, which nobody else changes:
     *
     *   STARTING --> BUSY <--> IDLE            BUSY, IDLE, SPARE --> LEAVING
     *            --> SPARE --> BUSY            any of them       --> GONE
     *
     * Who has a worker from here, by `ready`, `takeIdle` or `takeSpare`, has it BUSY, and gives it calls or lets it rest.
     *
     * A worker that will soon have run as many calls as it may is retiring. It does not count for the size of the pool any
     * more, so another is started; nor does one that leaves. The other is a spare until the first has gone. So
     *
     *   - as many as the pool's size stay, at most: they live, and neither retire nor leave;
     *   - as many as the pool's size are active, at most, which is IDLE or BUSY: no more run calls at a time.
     *
     * Whether one is started depends on the calls that wait and on the workers that live, nothing else: there is no account
     * of places that a crash could leave wrong. See `needsOneMore`.
     */

    private final PoolOptions options;

    /** Those whose process may live. */
    private final LinkedHashSet<Worker> live = new LinkedHashSet<>();

    /** Last in, first out: the worker that ran last has the warmest caches, and the others may go. */
    private final ArrayDeque<Worker> idle = new ArrayDeque<>();

    /** Those that take the places of others when these leave. */
    private final ArrayDeque<Worker> spares = new ArrayDeque<>();

    private final Starts starts = new Starts();
    private int starting;

    private long started;
    private long startsFailed;
    private long retired;
    private long died;

    Crew(PoolOptions options) {
        this.options = options;
    }

    // How many

    /**
     * Returns whether one more is to be started now.
     *
     * @param waiting how many calls wait for a worker
     * @param open whether there may be further calls
     */
    boolean needsOneMore(int waiting, boolean open) {
        return mayGrowTo(options.workers())
                && (starting < waiting
                        || (open && (staying() < options.minWorkers() || starting + spares.size() < retiring())));
    }

    /** Returns whether one more may be started now, if there are to be so many. */
    boolean mayGrowTo(int workers) {
        return !starts.arePausing() && staying() < Math.min(workers, options.workers());
    }

    /** Returns whether as many live as may. */
    boolean isComplete() {
        return staying() >= options.workers();
    }

    /** Returns how many live that neither leave nor will soon. */
    private int staying() {
        int count = 0;
        for (Worker each : live) {
            count += each.retiring || each.state == Worker.State.LEAVING ? 0 : 1;
        }
        return count;
    }

    /** Returns how many will leave when they have run the calls that they may still run. */
    private int retiring() {
        int count = 0;
        for (Worker each : live) {
            count += each.retiring && each.state != Worker.State.LEAVING ? 1 : 0;
        }
        return count;
    }

    /** Returns how many have a call or could have one at once. */
    private int active() {
        int count = 0;
        for (Worker each : live) {
            count += each.state == Worker.State.IDLE || each.state == Worker.State.BUSY ? 1 : 0;
        }
        return count;
    }

    // Starting

    /** Takes a worker that is about to start. */
    void add(Worker worker) {
        worker.startRound = starts.round();
        live.add(worker);
        starting++;
    }

    /**
     * Called when a worker is ready.
     *
     * @param standsBy whether it is to wait for the place of another if as many as may are active
     * @return whether it is the caller's now, and not a spare
     */
    boolean ready(Worker worker, boolean standsBy) {
        starting--;
        started++;
        worker.readyAt = System.nanoTime();
        starts.succeeded(worker.readyAt - worker.createdAt);
        if (standsBy && active() >= options.workers()) {
            worker.state = Worker.State.SPARE;
            worker.idleSince = worker.readyAt;
            spares.addLast(worker);
            return false;
        }
        worker.state = Worker.State.BUSY;
        return true;
    }

    /**
     * Called when a worker could not start, and has been removed.
     *
     * @return how long to wait before others are started; empty if that need not change
     */
    Optional<Duration> startFailed(Worker worker) {
        startsFailed++;
        return starts.failed(worker.startRound);
    }

    /** Returns whether starting fails again and again, and no worker is left that ever could. */
    boolean isHopeless() {
        return starts.haveFailedForGood() && live.size() == starting;
    }

    void pauseEnds() {
        starts.pauseEnds();
    }

    // Working

    /** Takes an idle worker; returns null if there is none. */
    @Nullable
    Worker takeIdle() {
        Worker worker = idle.pollLast();
        if (worker != null) {
            worker.state = Worker.State.BUSY;
        }
        return worker;
    }

    /** Takes a spare, if the place of another is free; returns null if not. */
    @Nullable
    Worker takeSpare() {
        if (spares.isEmpty() || active() >= options.workers()) {
            return null;
        }
        Worker worker = spares.removeFirst();
        worker.state = Worker.State.BUSY;
        return worker;
    }

    /** Returns whether a worker has not run as many calls as it may. */
    boolean mayHaveMore(Worker worker) {
        return worker.callsTaken < options.maxTasksPerWorker();
    }

    /** Notes that a worker was given a call; returns whether it retires now, so that another may be needed. */
    boolean gave(Worker worker) {
        worker.callsTaken++;
        if (worker.retiring || !willSoonBeSpent(worker)) {
            return false;
        }
        worker.retiring = true;
        return true;
    }

    /** Returns whether a worker will have run as many calls as it may by the time that another can be ready. */
    private boolean willSoonBeSpent(Worker worker) {
        if (options.maxTasksPerWorker() == Integer.MAX_VALUE) {
            return false;
        }
        int left = options.maxTasksPerWorker() - worker.callsTaken;
        double nanosEach = (double) (System.nanoTime() - worker.readyAt) / worker.callsTaken;
        return left * nanosEach <= 2.0 * starts.lastNanos();
    }

    /** Notes that a worker dropped a call which it was given. */
    void gaveBack(Worker worker) {
        worker.callsTaken--;
    }

    /** Notes that a worker answered: so workers do live. */
    void answered() {
        starts.proved();
    }

    // Resting and going

    /**
     * Lets a worker rest that has no calls, or go.
     *
     * @param open whether there may be further calls
     * @return whether it goes
     */
    boolean restOrLeave(Worker worker, boolean open) {
        if (!open || !mayHaveMore(worker)) {
            worker.state = Worker.State.LEAVING;
            retired++;
            return true;
        }
        worker.state = Worker.State.IDLE;
        worker.idleSince = System.nanoTime();
        idle.addLast(worker);
        return false;
    }

    /** Has all go that have no calls; returns them. */
    List<Worker> dismissResting() {
        List<Worker> leaving = resting();
        idle.clear();
        spares.clear();
        leaving.forEach(worker -> worker.state = Worker.State.LEAVING);
        return leaving;
    }

    /** Has those go that have had no call for long, but not more than may; returns them. */
    List<Worker> dismissRested(Duration limit, long now) {
        var leaving = new ArrayList<Worker>();
        for (Worker each : resting()) {
            if (staying() > options.minWorkers() && now - each.idleSince >= limit.toNanos()) {
                idle.remove(each);
                spares.remove(each);
                each.state = Worker.State.LEAVING;
                retired++;
                leaving.add(each);
            }
        }
        return leaving;
    }

    /** Returns when the next of them will have had no call for long, in nanoseconds; empty if none of them may go. */
    Optional<Duration> untilNextHasRested(Duration limit, long now) {
        return staying() <= options.minWorkers()
                ? Optional.empty()
                : resting().stream()
                        .map(each -> limit.minusNanos(now - each.idleSince))
                        .min(Duration::compareTo);
    }

    /** Those first that are to go first; the one that was used last is at the end. */
    private List<Worker> resting() {
        List<Worker> all = new ArrayList<>(spares);
        all.addAll(idle);
        return all;
    }

    /** Called when a worker is dead, or as good as dead. */
    void remove(Worker worker) {
        live.remove(worker);
        idle.remove(worker);
        spares.remove(worker);
        starting -= worker.state == Worker.State.STARTING ? 1 : 0;
        worker.state = Worker.State.GONE;
    }

    /**
     * Called when a worker that had been ready died without having been told to, and has been removed.
     *
     * @return how long to wait before others are started; empty if that need not change
     */
    Optional<Duration> died(Worker worker) {
        died++;
        return worker.callsTaken > 0
                ? Optional.empty()
                : starts.diedIdle(Duration.ofNanos(System.nanoTime() - worker.readyAt));
    }

    // Looking

    /** Returns those that live, in the order in which they were added; for reading. */
    Collection<Worker> live() {
        return live;
    }

    int size() {
        return live.size();
    }

    boolean hasIdle() {
        return !idle.isEmpty();
    }

    boolean hasSpares() {
        return !spares.isEmpty();
    }

    int starting() {
        return starting;
    }

    int spares() {
        return spares.size();
    }

    int busy() {
        int count = 0;
        for (Worker each : live) {
            count += each.state == Worker.State.BUSY ? 1 : 0;
        }
        return count;
    }

    /** Returns how many ever got ready. */
    long started() {
        return started;
    }

    long startsFailed() {
        return startsFailed;
    }

    /** Returns how many were told to go since they had no calls, or had run as many as they may. */
    long retired() {
        return retired;
    }

    /** Returns how many died without having been told to. */
    long died() {
        return died;
    }

    @Override
    public String toString() {
        return "Crew[live=" + live.size() + "/" + options.workers() + ", starting=" + starting + ", busy=" + busy()
                + ", idle=" + idle.size() + ", spares=" + spares.size() + "]";
    }
}
