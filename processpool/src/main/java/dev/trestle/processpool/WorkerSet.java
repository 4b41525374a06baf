package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The workers of a pool: how many there are to be, and which of them run calls, rest, stand by, or go. The dispatcher
 * assigns the calls. This class only keeps the books, so its methods neither wait nor touch a process. Guarded by the
 * dispatcher's lock.
 */
final class WorkerSet {

    /*
     * A worker that lives is in one state, which only this class changes:
     *
     *   STARTING --> BUSY <--> IDLE            BUSY, IDLE, SPARE --> LEAVING
     *            --> SPARE --> BUSY            any of them       --> GONE
     *
     * Code that gets a worker from here, by `ready`, `takeIdle` or `takeSpare`, gets the worker BUSY, and gives it
     * calls or makes it idle again.
     *
     * A worker that will soon have run as many calls as it may is retiring. It does not count for the size of the pool
     * any more, so another is started; nor does one that leaves. The other is a spare until the first has gone. A
     * worker that has become too old, or has grown too large, retires as well; it goes on until another has got ready,
     * its replacement, and leaves then: after its call, or at once if it is idle. So
     *
     *   - as many as the pool's size stay, at most: they live, and neither retire nor leave;
     *   - as many as the pool's size are active, at most, which is IDLE or BUSY: no more run calls at a time. But from
     *     one with several places that may have no more calls another takes over when a place is free.
     *
     * The decision to start one depends on the calls that wait and on the workers that live, nothing else: there is no
     * account of places that a crash could leave wrong. See `isShort`. Each sum over the workers has one definition,
     * under "Sums".
     *
     * An idle worker goes only if the pool is not short of one without it. That is the same question as for a start, so
     * what goes is never started again for want of calls.
     */

    private final PoolOptions options;
    private final LongSupplier nanoTime;

    /** The workers whose process may be alive. */
    private final LinkedHashSet<Worker> live = new LinkedHashSet<>();

    /** The idle workers. LIFO: the worker that ran last has the warmest caches, and the others may retire. */
    private final ArrayDeque<Worker> idle = new ArrayDeque<>();

    /** Workers that wait to replace workers that are about to leave. */
    private final ArrayDeque<Worker> spares = new ArrayDeque<>();

    private final StartBackoff startBackoff;

    private long started;
    private long startsFailed;
    private long retired;
    private final Map<Retirement, AtomicLong> retiredFor = new EnumMap<>(Retirement.class);
    private long died;
    private long killedForMemory;

    /**
     * Creates an empty set.
     *
     * @param nanoTime the clock of {@link System#nanoTime}
     */
    WorkerSet(PoolOptions options, LongSupplier nanoTime) {
        this.options = options;
        this.nanoTime = nanoTime;
        this.startBackoff = new StartBackoff(options.limits().startRetryTime());
        for (Retirement each : Retirement.values()) {
            retiredFor.put(each, new AtomicLong()); // so that to count needs no memory
        }
    }

    // Sums

    private int count(Predicate<Worker> which) {
        int count = 0;
        for (Worker each : live) {
            count += which.test(each) ? 1 : 0;
        }
        return count;
    }

    private int in(Worker.State state) {
        return count(each -> each.state == state);
    }

    /** Returns the number of living workers that neither leave nor will soon. */
    private int staying() {
        return count(each -> !each.retiring && each.state != Worker.State.LEAVING);
    }

    /** Returns the number of workers that will leave when they have run the calls that they may still run. */
    private int retiring() {
        return count(each -> each.retiring && each.state != Worker.State.LEAVING);
    }

    /** Returns the number of workers that are to leave, and whose replacement is not ready yet. */
    private int notReplaced() {
        return count(each -> each.retiring && each.state != Worker.State.LEAVING && !isReplaced(each));
    }

    private static boolean isReplaced(Worker worker) {
        Worker other = worker.replacement;
        return worker.hasHandedOver
                || (other != null
                        && (other.state == Worker.State.SPARE
                                || other.state == Worker.State.IDLE
                                || other.state == Worker.State.BUSY));
    }

    /** Returns the number of workers that have a call or could have one at once, without those that were replaced. */
    private int active() {
        return count(each -> isInUse(each) && !each.hasHandedOver);
    }

    /**
     * Returns whether one more may be active. It may take over from one with several places that may have no more calls
     * and has a place free: the calls that wait need not wait for the longest of those. But as many as the pool's size
     * have handed over at a time, at most, or there would be more and more of them.
     */
    private boolean makesRoom() {
        if (active() < options.workers()) {
            return true;
        }
        if (count(each -> isInUse(each) && each.hasHandedOver) < options.workers()) {
            for (Worker each : live) {
                if (runsItsLastCalls(each) && !each.hasHandedOver) {
                    each.hasHandedOver = true;
                    return true;
                }
            }
        }
        return false;
    }

    private boolean runsItsLastCalls(Worker worker) {
        return worker.state == Worker.State.BUSY
                && !worker.inFlight.isEmpty()
                && worker.inFlight.hasFreePlace()
                && !mayHaveMore(worker);
    }

    int size() {
        return live.size();
    }

    int starting() {
        return in(Worker.State.STARTING);
    }

    int spares() {
        return in(Worker.State.SPARE);
    }

    int busy() {
        return in(Worker.State.BUSY);
    }

    // How many

    /**
     * Returns whether one more is to be started now.
     *
     * @param waiting the number of calls that wait for a worker
     * @param open whether there may be further calls
     */
    boolean needsOneMore(int waiting, boolean open) {
        return !startBackoff.arePausing() && isShort(waiting, open);
    }

    /** Returns whether fewer live than the calls, the options and the workers that retire ask for. */
    private boolean isShort(int waiting, boolean open) {
        if (options.source() == WorkerSource.ADDED || isComplete()) {
            return false;
        }
        long expected = (long) starting() * options.limits().callsPerWorker();
        return expected < waiting || (open && lacksReserve());
    }

    /** Returns whether fewer live than the options and the workers that retire ask for while no call waits. */
    private boolean lacksReserve() {
        return staying() < options.minWorkers() || starting() < notReplaced();
    }

    /** Returns whether one more may be started now, if there are to be so many. */
    boolean mayGrowTo(int workers) {
        return options.source() == WorkerSource.STARTED
                && !startBackoff.arePausing()
                && staying() < Math.min(workers, options.workers());
    }

    /** Returns whether as many live as may. */
    boolean isComplete() {
        return staying() >= options.workers();
    }

    // Starting

    /** Takes a worker that is about to start. */
    void add(Worker worker) {
        worker.start = startBackoff.begun(nanoTime.getAsLong());
        live.add(worker);
    }

    /**
     * Called when a worker is ready.
     *
     * @param standsBy whether it is to wait for the place of another if as many as may are active
     * @return whether it is the caller's now, and not a spare
     */
    boolean ready(Worker worker, boolean standsBy) {
        started++;
        worker.readyAt = nanoTime.getAsLong();
        startBackoff.succeeded(requireNonNull(worker.start), worker.readyAt);
        worker.idleSince = worker.readyAt;
        replaceOneBy(worker);
        if (standsBy && !makesRoom()) {
            worker.state = Worker.State.SPARE;
            spares.addLast(worker);
            return false;
        }
        worker.state = Worker.State.BUSY;
        return true;
    }

    /** Lets a worker that is ready take the place of one that retires, the first one, if there is one. */
    private void replaceOneBy(Worker fresh) {
        for (Worker each : live) {
            if (each.retiring && each.state != Worker.State.LEAVING && !isReplaced(each)) {
                each.replacement = fresh;
                if (each.state == Worker.State.IDLE) {
                    fresh.idleSince = each.idleSince; // or an idle pool would be renewed, and never come to rest
                }
                return;
            }
        }
    }

    /**
     * Called when a worker could not start, and has been removed.
     *
     * @param refused whether its JVM refused its options
     * @return the time to wait before others are started; empty if that need not change
     */
    Optional<Duration> startFailed(Worker worker, boolean refused) {
        startsFailed++;
        boolean alone = staying() + retiring() == starting();
        return startBackoff.failed(requireNonNull(worker.start), alone, refused, nanoTime.getAsLong());
    }

    /**
     * Returns whether starts have failed for so long that no other is to be tried, and no worker lives or is starting.
     */
    boolean isHopeless() {
        return startBackoff.haveFailedForGood() && staying() + retiring() == 0;
    }

    /** Returns the number of failed starts and their time, as the end of a sentence. */
    String failures() {
        return startBackoff.failures();
    }

    void pauseEnds() {
        startBackoff.pauseEnds();
    }

    /**
     * Tells workers to leave that are starting and not needed, the last ones first, until so many start; returns them.
     */
    List<Worker> dismissStarting(int needed) {
        List<Worker> all = live.stream()
                .filter(each -> each.state == Worker.State.STARTING)
                .toList();
        List<Worker> leaving = all.subList(Math.min(needed, all.size()), all.size());
        leaving.forEach(this::dismiss);
        return leaving;
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

    /** Takes the idle worker to which the fewest keys are bound, the one used last among several; null if none is. */
    @Nullable
    Worker takeIdleWithFewestKeys() {
        Worker fewest = null;
        for (Worker each : idle) {
            if (fewest == null || each.keyHome.keys <= fewest.keyHome.keys) {
                fewest = each;
            }
        }
        return fewest != null && takeIdle(fewest) ? fewest : null;
    }

    /** Takes a certain worker; returns false if it is not idle. */
    boolean takeIdle(Worker worker) {
        if (worker.state != Worker.State.IDLE || !idle.remove(worker)) {
            return false;
        }
        worker.state = Worker.State.BUSY;
        return true;
    }

    /** Returns a worker with a free place for which calls wait; null if there is none. */
    @Nullable
    Worker freeOneWithCalls() {
        for (Worker each : live) {
            if (!each.keyHome.waiting.isEmpty() && hasFreePlace(each)) {
                return each;
            }
        }
        return null;
    }

    /** Returns whether a worker could run one more call at once. */
    boolean hasFreePlace(Worker worker) {
        return (worker.state == Worker.State.IDLE || worker.state == Worker.State.BUSY)
                && worker.inFlight.hasFreePlace()
                && mayHaveMore(worker);
    }

    /** Returns whether a worker could run one more call at once. */
    boolean hasFreePlaces() {
        for (Worker each : live) {
            if (hasFreePlace(each)) {
                return true;
            }
        }
        return false;
    }

    /** Returns the busy worker with a free place that has the fewest calls; null if there is none. */
    @Nullable
    Worker busyOneWithFreePlace() {
        Worker best = null;
        for (Worker each : live) {
            if (each.state == Worker.State.BUSY
                    && hasFreePlace(each)
                    && each.keyHome.waiting.isEmpty()
                    && (best == null || each.inFlight.size() < best.inFlight.size())) {
                best = each;
            }
        }
        return best;
    }

    /**
     * Takes one of two workers with free places, chosen at random: the one with fewer calls for each of its places.
     * Several programs that share workers do not all choose the same one. Returns null if no worker has a free place.
     *
     * @see <a href="https://www.eecs.harvard.edu/~michaelm/postscripts/mythesis.pdf">The power of two choices</a>
     */
    @Nullable
    Worker takeOneOfTwo() {
        Worker one = null;
        Worker two = null;
        int seen = 0;
        var random = ThreadLocalRandom.current();
        for (Worker each : live) {
            if (hasFreePlace(each) && each.keyHome.waiting.isEmpty()) {
                seen++;
                int slot = seen <= 2 ? seen : random.nextInt(seen) + 1; // each two are equally likely
                if (slot == 1) {
                    one = each;
                } else if (slot == 2) {
                    two = each;
                }
            }
        }
        Worker taken = one == null || two == null || load(one) <= load(two) ? one : two;
        if (taken != null) {
            var _ = takeIdle(taken);
        }
        return taken;
    }

    private static double load(Worker worker) {
        return (double) worker.inFlight.size() / worker.inFlight.places();
    }

    /** Returns the number of calls that workers could run at once, with those that they run. */
    int places() {
        int places = 0;
        for (Worker each : live) {
            if (isInUse(each) && mayHaveMore(each)) {
                places += each.inFlight.places();
            }
        }
        return places;
    }

    /** Returns whether a worker is ready. */
    boolean hasReadyOnes() {
        for (Worker each : live) {
            if (isInUse(each)) {
                return true;
            }
        }
        return false;
    }

    /** Takes a spare, if the place of another is free; returns null if not. */
    @Nullable
    Worker takeSpare() {
        if (spares.isEmpty() || !makesRoom()) {
            return null;
        }
        Worker worker = spares.removeFirst();
        worker.state = Worker.State.BUSY;
        return worker;
    }

    /** Returns whether a worker may run further calls. */
    boolean mayHaveMore(Worker worker) {
        return worker.callsTaken < options.limits().maxTasksPerWorker()
                && !worker.drains
                && !worker.hasHandedOver
                && !hasBeenReplaced(worker)
                && !isFull(worker);
    }

    /** Returns whether another is ready in the place of a worker that went on only until then. */
    private boolean hasBeenReplaced(Worker worker) {
        return lastsUntilReplaced(worker) && (isReplaced(worker) || !spares.isEmpty());
    }

    /** Returns whether a worker holds so much memory that its next call would be in danger. */
    private boolean isFull(Worker worker) {
        return worker.memory >= recycling().fullAt();
    }

    private static boolean lastsUntilReplaced(Worker worker) {
        return worker.retiresFor != null && worker.retiresFor.lastsUntilReplaced();
    }

    /** Records that a worker was given a call; returns whether it retires now, so that another may be needed. */
    boolean gave(Worker worker) {
        worker.callsTaken++;
        return (willSoonBeSpent(worker) && retire(worker, Retirement.CALLS))
                || (isAged(worker) && retire(worker, Retirement.AGE));
    }

    /** Makes a worker retire; returns false if it already does. Needs no memory. */
    private static boolean retire(Worker worker, Retirement why) {
        if (worker.retiring) {
            return false;
        }
        worker.retiring = true;
        worker.retiresFor = why;
        return true;
    }

    /**
     * Returns whether a worker is older than it may become. One that has run no call does not age: it is as good as
     * another would be, and an idle pool would be renewed forever.
     */
    private boolean isAged(Worker worker) {
        return worker.callsTaken > 0
                && recycling().maxAge().isPresent()
                && age(worker).compareTo(recycling().maxAge().get()) >= 0;
    }

    private PoolOptions.Recycling recycling() {
        return options.limits().recycling();
    }

    Duration age(Worker worker) {
        return Duration.ofNanos(nanoTime.getAsLong() - worker.readyAt);
    }

    /** Lets those retire that have become too old. */
    void retireAged() {
        for (Worker each : live) {
            if (isInUse(each) && isAged(each)) {
                var _ = retire(each, Retirement.AGE);
            }
        }
    }

    /** Returns after which time the next worker will have become too old; empty if none will by itself. */
    Optional<Duration> untilNextHasAged() {
        Optional<Duration> limit = recycling().maxAge();
        return limit.isEmpty()
                ? limit
                : live.stream()
                        .filter(each -> isInUse(each) && !each.retiring && each.callsTaken > 0)
                        .map(each -> limit.get().minus(age(each)))
                        .min(Duration::compareTo);
    }

    private static boolean isInUse(Worker worker) {
        return worker.state == Worker.State.IDLE || worker.state == Worker.State.BUSY;
    }

    /** Lets a worker retire that has just answered, if it holds more memory than it may keep. */
    void retireIfLarge(Worker worker) {
        OptionalLong limit = recycling().maxResident();
        if (limit.isPresent() && worker.memory > limit.getAsLong()) {
            var _ = retire(worker, Retirement.RESIDENT);
        }
    }

    /** Returns whether a worker will have run as many calls as it may by the time that another can be ready. */
    private boolean willSoonBeSpent(Worker worker) {
        if (options.limits().maxTasksPerWorker() == Integer.MAX_VALUE) {
            return false;
        }
        int left = options.limits().maxTasksPerWorker() - worker.callsTaken;
        double nanosEach = (double) (nanoTime.getAsLong() - worker.readyAt) / worker.callsTaken;
        return left * nanosEach <= 2.0 * startBackoff.lastNanos();
    }

    /** Records that a worker dropped a call which it was given. */
    void gaveBack(Worker worker) {
        worker.callsTaken--;
    }

    /** Records that a worker answered: so workers do live. */
    void answered() {
        startBackoff.proved();
    }

    // Resting and going

    /**
     * Makes a worker without calls idle, or lets it leave.
     *
     * @param open whether there may be further calls
     * @return whether the worker leaves
     */
    boolean restOrLeave(Worker worker, boolean open) {
        if (!open || !mayHaveMore(worker)) {
            handOnReplacement(worker);
            worker.state = Worker.State.LEAVING;
            retired++;
            if (open) {
                noteRetired(worker, reasonToLeave(worker));
            }
            return true;
        }
        worker.state = Worker.State.IDLE;
        if (worker.callsTaken > 0) {
            worker.idleSince = nanoTime.getAsLong();
        }
        idle.addLast(worker);
        return false;
    }

    private Retirement reasonToLeave(Worker worker) {
        if (hasBeenReplaced(worker)) {
            return requireNonNull(worker.retiresFor);
        }
        if (worker.drains) {
            return Retirement.DRAINED;
        }
        return isFull(worker) ? Retirement.RESIDENT : Retirement.CALLS;
    }

    private void noteRetired(Worker worker, Retirement why) {
        worker.leavesFor = why;
        requireNonNull(retiredFor.get(why)).incrementAndGet();
    }

    /** Lets idle workers leave in whose place others are ready; returns them. */
    List<Worker> dismissReplaced() {
        var leaving = new ArrayList<Worker>();
        int ready = spares.size();
        for (Worker each : List.copyOf(idle)) {
            Worker other = each.replacement;
            boolean works = isReplaced(each) && other != null && other.state != Worker.State.SPARE;
            if (lastsUntilReplaced(each) && (works || ready > 0)) {
                ready -= works ? 0 : 1;
                dismiss(each);
                retired++;
                noteRetired(each, requireNonNull(each.retiresFor));
                leaving.add(each);
            }
        }
        return leaving;
    }

    /** Retires all workers that have no calls, and returns them. */
    List<Worker> dismissResting() {
        List<Worker> leaving = resting();
        leaving.forEach(this::dismiss);
        return leaving;
    }

    /**
     * Retires workers that have had no call for longer than the limit and that the pool can do without; returns them.
     */
    List<Worker> dismissRested(Duration limit) {
        var leaving = new ArrayList<Worker>();
        int before;
        do { // the pool may do without one only when another has gone whose replacement it was
            before = leaving.size();
            for (Worker each : resting()) {
                if (restsFor(each).compareTo(limit) >= 0 && isDispensable(each)) {
                    dismiss(each);
                    retired++;
                    noteRetired(each, Retirement.IDLE);
                    leaving.add(each);
                }
            }
        } while (leaving.size() > before);
        return leaving;
    }

    /**
     * Returns after which time the next worker will have had no call for the limit; empty if there is no such worker.
     */
    Optional<Duration> untilNextHasRested(Duration limit) {
        return resting().stream()
                .map(each -> limit.minus(restsFor(each)))
                .filter(Duration::isPositive)
                .min(Duration::compareTo);
    }

    private Duration restsFor(Worker worker) {
        return Duration.ofNanos(nanoTime.getAsLong() - worker.idleSince);
    }

    /** Returns whether the pool would not be short of a worker if this one, which has no calls, left. */
    private boolean isDispensable(Worker worker) {
        Worker.State before = worker.state;
        worker.state = Worker.State.LEAVING;
        boolean dispensable = staying() >= options.workers() || !lacksReserve();
        worker.state = before;
        return dispensable;
    }

    private void dismiss(Worker worker) {
        handOnReplacement(worker);
        idle.remove(worker);
        spares.remove(worker);
        worker.state = Worker.State.LEAVING;
    }

    /**
     * Makes the replacement of a worker, which is about to leave, that of those workers which it had replaced itself:
     * they run their last calls, and need no other.
     */
    private void handOnReplacement(Worker leaving) {
        for (Worker each : live) {
            if (each.replacement == leaving) {
                each.replacement = leaving.replacement;
            }
        }
    }

    /**
     * Returns the workers without calls, the next to go first: those that retire, then spares, then the one used
     * longest ago.
     */
    private List<Worker> resting() {
        List<Worker> all = new ArrayList<>();
        idle.stream().filter(each -> each.retiring).forEach(all::add);
        all.addAll(spares);
        idle.stream().filter(each -> !each.retiring).forEach(all::add);
        return all;
    }

    /** Called when a worker is dead, or as good as dead. */
    void remove(Worker worker) {
        live.remove(worker);
        idle.remove(worker);
        spares.remove(worker);
        worker.state = Worker.State.GONE;
    }

    /**
     * Called when a worker that had been ready died without having been told to, and has been removed.
     *
     * @return the time to wait before others are started; empty if that need not change
     */
    Optional<Duration> died(Worker worker) {
        died++;
        return worker.callsTaken > 0
                ? Optional.empty()
                : startBackoff.diedIdle(Duration.ofNanos(nanoTime.getAsLong() - worker.readyAt));
    }

    /**
     * Puts the books right after a change that was cut short by an Error; the states of the workers are what counts.
     */
    void putRight() {
        idle.removeIf(each -> each.state != Worker.State.IDLE);
        spares.removeIf(each -> each.state != Worker.State.SPARE);
        for (Worker each : live) {
            if (each.state == Worker.State.IDLE && !idle.contains(each)) {
                idle.addFirst(each);
            } else if (each.state == Worker.State.SPARE && !spares.contains(each)) {
                spares.addLast(each);
            }
        }
    }

    // Looking

    /** Returns those that live, in the order in which they were added; for reading. */
    Collection<Worker> live() {
        return live;
    }

    boolean hasIdle() {
        return !idle.isEmpty();
    }

    boolean hasSpares() {
        return !spares.isEmpty();
    }

    /** Returns the number of workers that ever got ready. */
    long started() {
        return started;
    }

    long startsFailed() {
        return startsFailed;
    }

    /** Returns the number of workers that were retired, idle or after their last permitted call. */
    long retired() {
        return retired;
    }

    /** Returns the number of workers that were retired for a reason, while the pool was open. */
    long retiredFor(Retirement why) {
        return requireNonNull(retiredFor.get(why)).get();
    }

    /** Returns the number of workers that died without having been told to end. */
    long died() {
        return died;
    }

    /** Records that a worker is killed since it holds more memory than it may. */
    void noteKilledForMemory() {
        killedForMemory++;
    }

    long killedForMemory() {
        return killedForMemory;
    }

    @Override
    public String toString() {
        return "WorkerSet[live=" + live.size() + "/" + options.workers() + ", starting=" + starting() + ", busy="
                + busy() + ", idle=" + idle.size() + ", spares=" + spares() + "]";
    }
}
