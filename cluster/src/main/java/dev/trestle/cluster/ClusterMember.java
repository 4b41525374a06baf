package dev.trestle.cluster;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.processpool.remote.CallIntake;
import dev.trestle.processpool.remote.PoolDoor;
import dev.trestle.processpool.wire.Frame;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jgroups.Address;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A member of a cluster, which runs the calls of clients in the child JVMs of a process pool of its own. A
 * {@link ClusterPool} submits them.
 *
 * {@snippet class="dev.trestle.cluster.ClusterExamplesTest" region="member"}
 *
 * <p>All workers are started when the member joins, and a call that a member takes begins at once, or waits behind
 * short calls for some milliseconds at most. When the member shuts down gracefully, by {@link #close} or
 * {@link #drain}, calls that run are finished first, and clients send no further ones. When a client is gone, its calls
 * are cancelled, and a worker whose call ignores its interrupt is killed.
 *
 * <p>A JVM that deserializes nothing should say so: {@code -Djdk.serialFilter=!*}. A member never deserializes what
 * arrives; the option makes sure that no other code of the program does.
 */
public final class ClusterMember implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(ClusterMember.class);
    private static final AtomicInteger numbers = new AtomicInteger();

    private final String cluster;
    private final String name;
    private final Duration closeGrace;
    private final long maxPayloadBytes;
    private final Supplier<Map<String, String>> code;
    private final ProcessPool pool;
    private final CallIntake intake;
    private final Node node;
    private final Thread shutdownHook;
    private final CountDownLatch left = new CountDownLatch(1);
    private final AtomicBoolean leaving = new AtomicBoolean();

    private volatile boolean draining;

    private final Object lock = new Object();

    @GuardedBy("lock")
    private final Set<Session> sessions = new LinkedHashSet<>();

    /** The sessions whose clients wait for a place, after calls of theirs were given back. In FIFO order. */
    @GuardedBy("lock")
    private final ArrayDeque<Session> waiting = new ArrayDeque<>();

    private ClusterMember(Builder builder) {
        this.cluster = builder.cluster;
        this.name = builder.name == null
                ? "member-" + Identity.host() + "-" + ProcessHandle.current().pid() + "-" + numbers.incrementAndGet()
                : builder.name;
        this.closeGrace = builder.closeGrace;
        this.maxPayloadBytes = builder.maxPayloadBytes;
        this.code = builder.code;
        builder.options.refuseWithoutSecurity();
        this.pool = requireNonNull(builder.pool)
                .name(name)
                .minWorkers(Integer.MAX_VALUE)
                .maxPayload(builder.maxPayloadBytes)
                .closeGrace(builder.closeGrace)
                .withoutShutdownHook()
                .build();
        this.shutdownHook = new Thread(this::jvmEnds, name + "-shutdown");
        try {
            this.intake = PoolDoor.find().intakeOf(pool);
            intake.whenReady(this::workersAreReady);
            this.node = Node.join(cluster, name, Node.Part.MEMBER, new Stack(builder.options), new Clients());
        } catch (RuntimeException | Error e) {
            pool.close();
            throw e;
        }
        addShutdownHook();
        logger.info("{} is a member of the cluster '{}'", name, cluster);
    }

    private void addShutdownHook() {
        try {
            Runtime.getRuntime().addShutdownHook(shutdownHook);
        } catch (IllegalStateException e) {
            leave();
            throw new IllegalStateException("Cannot join a cluster while the program is ending", e);
        }
    }

    /**
     * Returns a builder.
     *
     * @param cluster the name of the cluster; nodes of other clusters do not see this one
     * @return a builder with the defaults
     */
    public static Builder builder(String cluster) {
        return new Builder(cluster);
    }

    private final class Clients implements Node.Owner {

        @Override
        public void membersChanged(List<Address> members) {
            logger.debug("{} sees the members {}", name, members);
        }

        @Override
        public void opened(ConnectionPair pair) {
            var session = new Session(ClusterMember.this, intake, pair, maxPayloadBytes);
            synchronized (lock) {
                sessions.add(session);
            }
            session.start();
        }
    }

    // For sessions

    Frame.Introduction introduction(int places, String refusal) {
        return Identity.of(cluster, name, places, intake.ahead(), refusal, code.get());
    }

    /** Returns why this member takes no calls; empty if it does. */
    String refusal() {
        if (draining) {
            return "it is being drained";
        }
        String broken = intake.brokenBecause();
        return broken == null ? "" : broken;
    }

    boolean isDraining() {
        return draining;
    }

    /** Adds a session to those that wait for a place. Idempotent. */
    void awaitsPlace(Session session) {
        synchronized (lock) {
            if (!waiting.contains(session)) {
                waiting.addLast(session);
            }
        }
    }

    /** Gives free places to the clients that wait for one, in their order. Does not wait. */
    void placesAreFree() {
        synchronized (lock) {
            int running = 0;
            for (Session each : sessions) {
                running += each.running();
            }
            givePlaces(intake.places() - running);
        }
    }

    /** Does the same after a call has ended, which makes room for one even if others wait there. */
    void callHasEnded() {
        synchronized (lock) {
            if (!waiting.isEmpty()) {
                givePlaces(1);
            }
        }
    }

    @GuardedBy("lock")
    private void givePlaces(int number) {
        int free = number;
        for (int turns = waiting.size(); turns > 0 && free > 0; turns--) {
            Session next = waiting.removeFirst();
            free -= Math.max(0, next.raise(1));
            if (next.isLimited()) {
                waiting.addLast(next);
            }
        }
    }

    private void workersAreReady() {
        synchronized (lock) {
            for (Session each : sessions) {
                if (!waiting.contains(each)) {
                    var _ = each.raise(intake.places());
                }
            }
        }
        placesAreFree();
    }

    void ended(Session session) {
        synchronized (lock) {
            sessions.remove(session);
            waiting.remove(session);
            lock.notifyAll();
        }
        placesAreFree();
    }

    // Looking

    /**
     * Returns the name of this member.
     *
     * @return the name
     */
    public String name() {
        return name;
    }

    /**
     * Returns the statistics of the pool that runs the calls.
     *
     * @return a snapshot
     */
    public ProcessPool.Statistics statistics() {
        return pool.statistics();
    }

    /**
     * Returns the number of clients that have connections to this member.
     *
     * @return the number of clients
     */
    public int clients() {
        synchronized (lock) {
            return sessions.size();
        }
    }

    // Leaving

    /**
     * Waits until this member has left the cluster, by {@link #close} or because the program ends.
     *
     * @throws InterruptedException if the waiting thread is interrupted
     */
    public void awaitShutdown() throws InterruptedException {
        left.await();
    }

    /**
     * Tells all clients to send no further calls, and waits until the calls that run have ended and the clients have
     * said goodbye. Does not leave the cluster.
     *
     * @param limit the time limit
     * @return whether all calls have ended within the limit
     * @throws InterruptedException if the waiting thread is interrupted
     */
    public boolean drain(Duration limit) throws InterruptedException {
        draining = true;
        List<Session> all;
        synchronized (lock) {
            all = List.copyOf(sessions);
        }
        all.forEach(Session::drain);
        long end = System.nanoTime() + TimeUnit.NANOSECONDS.convert(limit);
        synchronized (lock) {
            while (!sessions.isEmpty()) {
                long left = end - System.nanoTime();
                if (left <= 0) {
                    return false;
                }
                TimeUnit.NANOSECONDS.timedWait(lock, left);
            }
            return true;
        }
    }

    /**
     * Drains this member, for as long as its calls run, and leaves the cluster. If the waiting thread is interrupted,
     * the calls that still run are cancelled.
     */
    @Override
    public void close() {
        try {
            var _ = drain(Duration.ofDays(36_500));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        leave();
    }

    private void jvmEnds() {
        try {
            if (!drain(closeGrace)) {
                logger.warn("{} leaves although calls run that have not ended within {}", name, closeGrace);
            }
        } catch (InterruptedException e) {
            logger.debug("The end of {} was interrupted", name);
        }
        leave();
    }

    private void leave() {
        if (leaving.getAndSet(true)) {
            return;
        }
        draining = true;
        List<Session> all;
        synchronized (lock) {
            all = List.copyOf(sessions);
        }
        all.forEach(each -> each.end("the member has left the cluster"));
        node.close();
        pool.shutdownNow();
        pool.close();
        try {
            Runtime.getRuntime().removeShutdownHook(shutdownHook);
        } catch (IllegalStateException e) {
            logger.debug("{} ends with the JVM", name); // its hook is running, or has run
        }
        left.countDown();
    }

    @Override
    public String toString() {
        return "ClusterMember[" + name + ", cluster=" + cluster + ", clients=" + clients() + ", "
                + (draining ? "draining, " : "") + pool + "]";
    }

    /** Collects the options of a {@link ClusterMember}. Not thread-safe. */
    public static final class Builder extends NodeBuilder<Builder> {

        private @Nullable String name;
        private ProcessPool.@Nullable Builder pool;
        private Duration closeGrace = Duration.ofSeconds(30);

        private Builder(String cluster) {
            super(cluster);
        }

        @Override
        Builder self() {
            return this;
        }

        /**
         * Sets the name of the member, which messages and logs have.
         *
         * @param value the name; made of the host and the process id if not set
         * @return this builder
         */
        public Builder name(String value) {
            name = Arguments.name("member", value);
            return this;
        }

        /**
         * Sets the pool that runs the calls: its size, the memory of its workers, their sandbox. All its workers are
         * started when the member joins.
         *
         * @param value the options of the pool, which belong to this builder from now on; those of
         *     {@link ProcessPool#builder()} if not set
         * @return this builder
         */
        public Builder pool(ProcessPool.Builder value) {
            pool = requireNonNull(value, "pool");
            return this;
        }

        /**
         * Sets how long calls may go on when the program is ended, as by SIGTERM; 30 seconds if not set.
         *
         * @param value the time
         * @return this builder
         */
        public Builder closeGrace(Duration value) {
            closeGrace = Arguments.positive("closeGrace", value);
            return this;
        }

        /**
         * Starts the workers, and joins the cluster. Waits until the node has joined, not until the workers are ready.
         *
         * @return the member
         * @throws IllegalStateException if the node has no certificate, cannot listen or cannot join, or if the pool
         *     cannot be built
         */
        public ClusterMember join() {
            if (pool == null) {
                pool = ProcessPool.builder();
            }
            return new ClusterMember(this);
        }
    }
}
