package dev.trestle.cluster;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.api.BrokenExecutorException;
import dev.trestle.api.Call;
import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.FutureExecutor;
import dev.trestle.api.RunnableCall;
import dev.trestle.api.SharedArray;
import dev.trestle.processpool.CallOptions;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.processpool.remote.PoolDoor;
import dev.trestle.processpool.remote.RemoteWorkers;
import dev.trestle.processpool.wire.Frame;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jgroups.Address;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An executor whose calls run on the members of a cluster, each in child JVMs of its machine. Calls, their outcomes,
 * cancellation, progress, streams and time limits are those of {@link ProcessPool}.
 *
 * {@snippet class="dev.trestle.cluster.ClusterExamplesTest" region="pool"}
 *
 * <p>Calls wait in this program, in FIFO order unless they have priorities, until a member has a place. A member is
 * chosen from two at random, the one with fewer calls for its places. If there is no member, calls wait for one for
 * {@link Builder#startTimeout} and fail then with a {@link BrokenExecutorException} that names the members that were
 * asked; later calls wait again.
 *
 * <p>A call runs at most once, whatever happens, unless it has {@link CallOptions#withRetries retries}. When a member
 * crashes or cannot be reached any more, the calls that it had been sent fail with a
 * {@link dev.trestle.processpool.WorkerDiedException} that names the member and its host: nothing tells whether they
 * had begun. Calls that wait, and calls that a member gives back, go to other members. A member that shuts down
 * gracefully finishes its calls first.
 *
 * <p>Calls with equal {@link CallOptions#withKey keys} go to the same member while it is there, and to any of its
 * workers.
 */
public final class ClusterPool implements FutureExecutor {

    /*
     * The engine is a process pool whose workers are members: the queue, the dispatcher and all laws of calls are its
     * own. This class finds the members and adds them; see `PoolDoor`.
     *
     * A member that is in the view and not in the pool is asked again after a while: its connection may have failed, or
     * it may have been suspected while it was only slow.
     */

    private static final Logger logger = LoggerFactory.getLogger(ClusterPool.class);
    private static final AtomicInteger numbers = new AtomicInteger();
    private static final Duration ASK_AGAIN = Duration.ofSeconds(1);

    private final String cluster;
    private final String name;
    private final Node node;
    private final ProcessPool engine;
    private final RemoteWorkers workers;
    private final Duration startTimeout;
    private final int callsAhead;
    private final Supplier<Map<String, String>> code;
    private final List<MembershipListener> listeners = new CopyOnWriteArrayList<>();

    /** Asks members again, and calls the listeners. */
    private final ScheduledThreadPoolExecutor events;

    private volatile boolean isJoined;

    private final Object lock = new Object();

    /** The members in the view. */
    @GuardedBy("lock")
    private Set<Address> present = Set.of();

    /** The members that are workers of the engine, or are being connected to. */
    @GuardedBy("lock")
    private final Map<Address, RemoteMember> known = new LinkedHashMap<>();

    /** The members that can have calls; each is in {@code known} too. */
    @GuardedBy("lock")
    private final Map<Address, Member> ready = new LinkedHashMap<>();

    /** The reasons for which members of the view have no calls. */
    @GuardedBy("lock")
    private final Map<Address, Answer> answers = new LinkedHashMap<>();

    /** The reason for which a member has no calls; it is not asked again if the answer is final. */
    private record Answer(String text, boolean isFinal) {}

    private ClusterPool(Builder builder) {
        this.cluster = builder.cluster;
        this.startTimeout = builder.startTimeout;
        this.callsAhead = builder.callsAhead;
        this.code = builder.code;
        this.name = builder.name == null
                ? "client-" + Identity.host() + "-" + ProcessHandle.current().pid() + "-" + numbers.incrementAndGet()
                : builder.name;
        builder.options.refuseWithoutSecurity();
        PoolDoor door = PoolDoor.find();
        this.engine = (ProcessPool) door.open(
                new PoolDoor.Options(
                        name,
                        builder.callTimeout,
                        builder.startTimeout,
                        builder.closeGrace,
                        builder.queueLimit,
                        builder.maxPayloadBytes,
                        builder.allowedTypes,
                        builder.daemon),
                new Shown());
        this.workers = door.workersOf(engine);
        this.events = new ScheduledThreadPoolExecutor(
                1, Thread.ofPlatform().name(name + "-members").daemon().factory());
        events.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        try {
            this.node = Node.join(cluster, name, Node.Part.CLIENT, new Stack(builder.options), new View());
        } catch (RuntimeException | Error e) {
            engine.close();
            events.shutdownNow();
            throw e;
        }
        isJoined = true; // what has changed before is seen now
        events(this::membersChanged);
    }

    /**
     * Returns a builder.
     *
     * @param cluster the name of the cluster
     * @return a builder with the defaults
     */
    public static Builder builder(String cluster) {
        return new Builder(cluster);
    }

    // Members

    private final class View implements Node.Owner {

        @Override
        public void membersChanged(List<Address> members) {
            if (isJoined) {
                events(ClusterPool.this::membersChanged);
            }
        }

        @Override
        public void opened(ConnectionPair pair) {
            pair.close("this node is a client, and runs no calls");
        }
    }

    private void membersChanged() {
        List<Address> members = node.members();
        synchronized (lock) {
            present = Set.copyOf(members);
            answers.keySet().retainAll(present);
        }
        members.forEach(this::ask);
    }

    /** Adds a member as a worker, unless it is one already, or has refused for good. */
    private void ask(Address address) {
        RemoteMember member;
        synchronized (lock) {
            Answer answer = answers.get(address);
            if (!present.contains(address) || known.containsKey(address) || (answer != null && answer.isFinal())) {
                return;
            }
            member = new RemoteMember(this, node, address);
            known.put(address, member);
        }
        if (!workers.add(member)) {
            synchronized (lock) {
                known.remove(address, member);
            }
        }
    }

    /** Called when a member can have calls, on its worker's thread. */
    void joined(RemoteMember remote) {
        Member member = describe(remote);
        synchronized (lock) {
            ready.put(remote.address(), member);
            answers.remove(remote.address());
            lock.notifyAll();
        }
        logger.info("{} has the member {} on {}", name, member.name(), member.host());
        tell(listener -> listener.joined(member));
    }

    /** Called when a member is no worker any more, on its worker's thread. */
    void left(RemoteMember remote, @Nullable String why) {
        Member member;
        String reason = why == null ? "it has shut down gracefully" : why;
        synchronized (lock) {
            known.remove(remote.address(), remote);
            member = ready.remove(remote.address());
            boolean isFinal = remote.isRefused() || why == null;
            if (present.contains(remote.address())) {
                answers.put(remote.address(), new Answer(remote.name() + ": " + reason, isFinal));
            }
        }
        if (member != null) {
            logger.info("{} has lost the member {} on {}: {}", name, member.name(), member.host(), reason);
            tell(listener -> listener.left(member, reason));
        }
        try {
            var _ = events.schedule(() -> ask(remote.address()), ASK_AGAIN.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            logger.debug("{} is closed, and asks no member again", name);
        }
    }

    private static Member describe(RemoteMember remote) {
        Frame.Introduction met = requireNonNull(remote.met(), "a member that is ready has introduced itself");
        return new Member(met.name(), met.host(), met.pid(), met.javaVersion());
    }

    private void tell(Consumer<MembershipListener> news) {
        events(() -> {
            for (MembershipListener each : listeners) {
                try {
                    news.accept(each);
                } catch (RuntimeException e) {
                    logger.error("A listener for members of {} failed", name, e);
                }
            }
        });
    }

    private void events(Runnable event) {
        try {
            events.execute(event);
        } catch (RejectedExecutionException e) {
            logger.debug("{} is closed, and drops news of its members", name);
        }
    }

    /** This pool as the messages of its engine name it. */
    private final class Shown implements PoolDoor.Owner {

        @Override
        public String searchReport() {
            return ClusterPool.this.searchReport();
        }

        @Override
        public String toString() {
            return ClusterPool.this.toString();
        }
    }

    /** Returns where this pool looked for members, how many it saw, and their answers, as sentences. */
    private String searchReport() {
        synchronized (lock) {
            String seen = "It looked for the cluster '" + cluster + "' " + node.where() + ", and saw "
                    + (present.isEmpty() ? "no members." : present.size() + " members.");
            return answers.isEmpty()
                    ? seen
                    : seen + " "
                            + answers.values().stream().map(Answer::text).collect(Collectors.joining("; ", "", "."));
        }
    }

    private void awaitMembers(int least) {
        long end = System.nanoTime() + TimeUnit.NANOSECONDS.convert(startTimeout);
        synchronized (lock) {
            try {
                while (ready.size() < least) {
                    long left = end - System.nanoTime();
                    if (left <= 0) {
                        throw new BrokenExecutorException(
                                name + " has " + ready.size() + " members and needs " + least + " (minMembers), after "
                                        + startTimeout + " (startTimeout). " + searchReport(),
                                null);
                    }
                    TimeUnit.NANOSECONDS.timedWait(lock, left);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new BrokenExecutorException("Interrupted while " + name + " was waiting for members", e);
            }
        }
    }

    /**
     * Returns the members that can have calls.
     *
     * @return the members, in the order in which this pool connected to them
     */
    public List<Member> members() {
        synchronized (lock) {
            return List.copyOf(ready.values());
        }
    }

    /**
     * Adds a listener for members that come and go from now on.
     *
     * @param listener the listener
     */
    public void addMembershipListener(MembershipListener listener) {
        listeners.add(requireNonNull(listener, "listener"));
    }

    /**
     * Removes a listener. Does nothing if it is not there.
     *
     * @param listener the listener that was added
     */
    public void removeMembershipListener(MembershipListener listener) {
        listeners.remove(listener);
    }

    // Submitting

    /**
     * {@inheritDoc}
     *
     * @throws dev.trestle.processpool.CallNotSerializableException if the call cannot travel
     */
    @Override
    public <T extends @Nullable Object> ConcurrentFuture<T> submit(Call<T> call) {
        return engine.submit(call);
    }

    /**
     * Submits a call with options of its own.
     *
     * @param call the call to run
     * @param options the options of this call
     * @param <T> the type of the result
     * @return the future of the call
     * @throws dev.trestle.processpool.CallNotSerializableException if the call cannot travel
     * @throws RejectedExecutionException if this pool has been shut down
     */
    public <T extends @Nullable Object> ConcurrentFuture<T> submit(Call<T> call, CallOptions options) {
        return engine.submit(call, options);
    }

    /**
     * Submits a call without a result, with options of its own.
     *
     * @param call the call to run
     * @param options the options of this call
     * @return the future of the call
     * @throws dev.trestle.processpool.CallNotSerializableException if the call cannot travel
     * @throws RejectedExecutionException if this pool has been shut down
     */
    public ConcurrentFuture<?> submit(RunnableCall call, CallOptions options) {
        return engine.submit(call, options);
    }

    @Override
    public <T extends @Nullable Object> ConcurrentFuture<T> submit(Callable<T> task) {
        return engine.submit(task);
    }

    @Override
    public ConcurrentFuture<?> submit(RunnableCall call) {
        return engine.submit(call);
    }

    @Override
    public ConcurrentFuture<?> submit(Runnable task) {
        return engine.submit(task);
    }

    @Override
    public <T extends @Nullable Object> ConcurrentFuture<T> submit(Runnable task, T result) {
        return engine.submit(task, result);
    }

    @Override
    public void execute(Runnable task) {
        engine.execute(task);
    }

    /**
     * Runs a call without a future. An exception of the call is logged.
     *
     * @param call the call to run
     */
    public void execute(RunnableCall call) {
        engine.execute(call);
    }

    /**
     * Refuses to share an array: members have no memory in common with this program.
     *
     * @throws UnsupportedOperationException always
     */
    @Override
    public <A> SharedArray<A> share(A array) {
        throw noSharedMemory();
    }

    /**
     * Refuses to share a file: members have no memory in common with this program.
     *
     * @throws UnsupportedOperationException always
     */
    @Override
    public SharedArray<byte[]> share(Path file) {
        throw noSharedMemory();
    }

    /**
     * Refuses to take shared memory: members have none in common with this program.
     *
     * @throws UnsupportedOperationException always
     */
    @Override
    public SharedArray<byte[]> allocate(long bytes) {
        throw noSharedMemory();
    }

    private UnsupportedOperationException noSharedMemory() {
        return new UnsupportedOperationException(
                "Calls of " + name + " run on other machines, which share no memory with this program. Let calls"
                        + " capture the array, which is sent with each of them, or the path of a file that"
                        + " all members have.");
    }

    /**
     * Runs a call that makes many results, which arrive while it makes them; see
     * {@link ProcessPool#stream(Call, CallOptions)}.
     *
     * @param call the call to run
     * @param <R> the type of the results
     * @return the results, in their order; to be closed if it is not consumed to its end
     */
    public <R extends @Nullable Object> Stream<R> stream(Call<Stream<R>> call) {
        return engine.stream(call);
    }

    /**
     * Does the same as {@link #stream(Call)}, with options.
     *
     * @param call the call to run
     * @param options the options of this call
     * @param <R> the type of the results
     * @return the results, in their order; to be closed if it is not consumed to its end
     */
    public <R extends @Nullable Object> Stream<R> stream(Call<Stream<R>> call, CallOptions options) {
        return engine.stream(call, options);
    }

    // Ending

    /** Takes no more calls. The accepted calls are run; then this node leaves the cluster. Does not wait. */
    @Override
    public void shutdown() {
        engine.shutdown();
        leaveAtTheEnd();
    }

    /**
     * Takes no more calls, cancels those that wait and interrupts those that run; then this node leaves the cluster.
     * Does not wait.
     *
     * @return one object for each call that no member had been sent; it does nothing
     */
    @Override
    public List<Runnable> shutdownNow() {
        List<Runnable> never = engine.shutdownNow();
        leaveAtTheEnd();
        return never;
    }

    private void leaveAtTheEnd() {
        Thread.ofVirtual().name(name + "-end").start(() -> {
            try {
                var _ = engine.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
                leave();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private void leave() {
        events.shutdownNow();
        node.close();
    }

    @Override
    public boolean isShutdown() {
        return engine.isShutdown();
    }

    @Override
    public boolean isTerminated() {
        return engine.isTerminated();
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
        return engine.awaitTermination(timeout, unit);
    }

    /**
     * Takes no more calls, cancels streams that have not ended, waits until the accepted calls have been run, and
     * leaves the cluster.
     */
    @Override
    public void close() {
        engine.close();
        leave();
    }

    // Looking

    /**
     * Returns the number of calls that the present members can run at the same time.
     *
     * @return the number of calls; 1 if there is no member
     */
    @Override
    public int parallelism() {
        return Math.max(1, workers.places());
    }

    /**
     * Returns the statistics of this pool.
     *
     * @return a snapshot
     */
    public Statistics statistics() {
        ProcessPool.Statistics counts = engine.statistics();
        return new Statistics(
                members().size(),
                workers.places(),
                counts.queued(),
                counts.submitted(),
                counts.completed(),
                counts.cancelled(),
                counts.timedOut(),
                counts.lost(),
                counts.rerun(),
                counts.takenBack(),
                counts.workersStarted(),
                counts.workersDied());
    }

    /**
     * Returns the name of this node, which messages and logs have.
     *
     * @return the name
     */
    public String name() {
        return name;
    }

    Frame.Introduction introduction() {
        return Identity.of(cluster, name, 0, 0, "", code.get());
    }

    int callsAhead() {
        return callsAhead;
    }

    @Override
    public String toString() {
        String work = isShutdown() ? ", shut down" : ", members=" + members().size() + ", places=" + workers.places();
        return "ClusterPool[" + name + ", cluster=" + cluster + work + ", queued=" + workers.waiting() + "]";
    }

    /**
     * A snapshot of the work of a pool, present and past. The calls that were {@code submitted} are those that wait or
     * run and those that {@code completed}, were {@code cancelled}, {@code timedOut}, or are {@code lost}.
     *
     * @param members the members that can have calls
     * @param places the calls that they run, or could run at once
     * @param queued the calls that wait in this program
     * @param submitted the calls that were ever accepted
     * @param completed the calls whose future ended with a result or an exception of the call
     * @param cancelled the calls that were cancelled
     * @param timedOut the calls whose time limit passed
     * @param lost the calls that ended because their worker or their member was lost, or because there was no member
     * @param rerun the number of times that a call went to another worker because its worker or member was lost
     * @param givenBack the number of times that a member gave back a call that it could not begin at once, or soon
     * @param membersMet the number of times that a member has joined
     * @param membersLost the number of times that a member was lost: it did not shut down gracefully
     */
    public record Statistics(
            int members,
            int places,
            int queued,
            long submitted,
            long completed,
            long cancelled,
            long timedOut,
            long lost,
            long rerun,
            long givenBack,
            long membersMet,
            long membersLost) {}

    /** Collects the options of a {@link ClusterPool}. Not thread-safe. */
    public static final class Builder extends NodeBuilder<Builder> {

        private @Nullable String name;
        private int minMembers;
        private int callsAhead = 64;
        private Duration startTimeout = Duration.ofSeconds(30);
        private Duration closeGrace = Duration.ofSeconds(5);
        private Optional<Duration> callTimeout = Optional.empty();
        private OptionalInt queueLimit = OptionalInt.empty();
        private final Set<String> allowedTypes = new HashSet<>();
        private boolean daemon;

        private Builder(String cluster) {
            super(cluster);
        }

        @Override
        Builder self() {
            return this;
        }

        /**
         * Sets the name of this node, which messages and logs have.
         *
         * @param value the name; made of the host and the process id if not set
         * @return this builder
         */
        public Builder name(String value) {
            name = Arguments.name("client", value);
            return this;
        }

        /**
         * Sets the number of members for which {@link #build} waits; none if not set.
         *
         * @param value the number of members
         * @return this builder
         * @throws IllegalArgumentException if it is negative
         */
        public Builder minMembers(int value) {
            if (value < 0) {
                throw new IllegalArgumentException("minMembers must not be negative: " + value);
            }
            minMembers = value;
            return this;
        }

        /**
         * Sets how many short calls at most are sent to a member ahead, to wait there behind those that run; 64 if not
         * set. Only calls go ahead that are expected to take a fraction of a millisecond in all. A member that is
         * killed or cut off costs the calls that run there, and these: it is not known whether they had begun.
         *
         * @param value the number of calls; with 0, a member has no call that it has no place for
         * @return this builder
         * @throws IllegalArgumentException if it is negative
         */
        public Builder callsAhead(int value) {
            if (value < 0) {
                throw new IllegalArgumentException("callsAhead must not be negative: " + value);
            }
            callsAhead = value;
            return this;
        }

        /**
         * Sets how long {@link #build} waits for members, calls wait while there is no member, and a member may take to
         * introduce itself; 30 seconds if not set.
         *
         * @param value the time
         * @return this builder
         */
        public Builder startTimeout(Duration value) {
            startTimeout = Arguments.positive("startTimeout", value);
            return this;
        }

        /**
         * Sets how long a member may take to confirm the end of this pool; 5 seconds if not set.
         *
         * @param value the time
         * @return this builder
         */
        public Builder closeGrace(Duration value) {
            closeGrace = Arguments.positive("closeGrace", value);
            return this;
        }

        /**
         * Sets the time limit of calls that have none of their own.
         *
         * @param value the time
         * @return this builder
         */
        public Builder callTimeout(Duration value) {
            callTimeout = Optional.of(Arguments.positive("callTimeout", value));
            return this;
        }

        /**
         * Bounds the number of calls that wait or run; {@code submit} blocks while there are so many. Unbounded if not
         * set.
         *
         * @param value the number of calls
         * @return this builder
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder queueLimit(int value) {
            if (value < 1) {
                throw new IllegalArgumentException("The queue limit of a cluster must be positive: " + value);
            }
            queueLimit = OptionalInt.of(value);
            return this;
        }

        /**
         * Allows results to contain a type that the signature of the call does not show.
         *
         * @param type a class
         * @return this builder
         */
        public Builder allow(Class<?> type) {
            allowedTypes.add(type.getName());
            return this;
        }

        /**
         * Lets the program end while calls of this pool run or wait.
         *
         * @return this builder
         */
        public Builder daemon() {
            daemon = true;
            return this;
        }

        /**
         * Joins the cluster, and waits for {@link #minMembers} that can have calls.
         *
         * @return the pool
         * @throws BrokenExecutorException if there are not so many members within {@link #startTimeout}, with the
         *     members that were asked and their answers in its message; or if the waiting thread is interrupted, which
         *     keeps its interrupt status
         * @throws IllegalStateException if the node has no certificate, cannot listen or cannot join
         */
        public ClusterPool build() {
            var pool = new ClusterPool(this);
            try {
                pool.awaitMembers(minMembers);
                return pool;
            } catch (RuntimeException | Error e) {
                pool.close();
                throw e;
            }
        }
    }
}
