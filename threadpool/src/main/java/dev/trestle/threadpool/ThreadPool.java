package dev.trestle.threadpool;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.BrokenExecutorException;
import dev.trestle.api.Call;
import dev.trestle.api.CallMonitor;
import dev.trestle.api.CallMonitors;
import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.FutureExecutor;
import dev.trestle.api.Inventory;
import dev.trestle.api.KeepAlive;
import dev.trestle.api.QueueLimit;
import dev.trestle.api.RunnableCall;
import dev.trestle.api.StackRoom;
import dev.trestle.api.WaitGuard;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * An executor on threads, platform or virtual: Python's {@code ThreadPoolExecutor}.
 *
 * <p>Threads are started on demand, when no thread is idle, up to the size of the pool; idle threads end after a
 * minute, {@link Builder#virtual() virtual} ones at once. Calls that find all threads busy wait in a queue, first in,
 * first out. {@code cancel(true)} and {@code shutdownNow} interrupt running calls; {@code cancel(false)} lets them go
 * on and drops their outcome.
 *
 * <p>The context of the submitting thread, such as the MDC of SLF4J, goes along with a call; see {@link
 * dev.trestle.api.ContextCarrier}.
 *
 * <p>A platform thread that runs out of calls spins for up to 20 microseconds before it sleeps, so that a caller that
 * submits one call after the other does not wait for the thread to wake up. It does so only while spinning pays: a
 * thread whose calls come later, or that shares its core with other threads, sleeps at once. Virtual threads do not
 * spin.
 *
 * <p>A program that ends by itself, because {@code main} has returned and no other non-daemon thread is left, first
 * waits for the calls that its pools have accepted, and for their callbacks, with and without {@code shutdown}. An idle
 * pool does not keep a program running, closed or not, and neither does a {@link Builder#daemon() daemon} pool.
 * {@code System.exit} waits for no call. The threads of a pool are daemon threads, and so is a thread that a call
 * starts, unless the call says otherwise.
 *
 * <p>All methods may be called from any thread. {@code submit} and {@code execute} block only while a queue limit is
 * reached.
 *
 * {@snippet class="dev.trestle.threadpool.JavadocExamplesTest" region="pool"}
 */
public final class ThreadPool implements FutureExecutor {

    private static final long IDLE_NANOS = 60_000_000_000L;

    private final String name;
    private final int size;
    private final WorkerThreads workers;
    private final @Nullable QueueLimit limit;
    private final Runnable initializer;
    private final AtomicReference<@Nullable Throwable> breakage = new AtomicReference<>();

    /** Null for a daemon pool. */
    private final @Nullable KeepAlive keepAlive;

    private final AtomicLong submitted = new AtomicLong();
    private final AtomicLong completed = new AtomicLong();

    /** Counts the submitted work that is over, callbacks included, whether it ran or not. */
    private final AtomicLong ended = new AtomicLong();

    private final AtomicInteger running = new AtomicInteger();
    private final CallMonitors monitors = new CallMonitors();

    /**
     * Creates a pool of platform threads.
     *
     * @param size the largest number of threads
     * @throws IllegalArgumentException if the size is not positive
     */
    public ThreadPool(int size) {
        this(builder().size(size));
    }

    private ThreadPool(Builder builder) {
        StackRoom.requireForLinkage();
        this.name = builder.namePrefix == null ? "trestle-threadpool-" + Numbers.next() : builder.namePrefix;
        this.size = builder.size;
        Runnable own = builder.initializer;
        this.initializer = own == null ? () -> {} : own;
        this.limit = builder.queueLimit.isPresent() ? new QueueLimit(size, builder.queueLimit.getAsInt()) : null;
        KeepAlive claim = builder.daemon ? null : new KeepAlive(this::hasUnfinished);
        this.keepAlive = claim;
        this.workers = new WorkerThreads(size, idleNanos(builder), threads(builder, name), () -> {
            if (claim != null) {
                claim.close();
            }
        });
        Inventory.opened(this);
    }

    /** Virtual threads cost less to start than to wake; but one that was initialized is worth keeping. See ADR 441. */
    private static long idleNanos(Builder builder) {
        return builder.virtual && builder.initializer == null ? 0 : IDLE_NANOS;
    }

    private static ThreadFactory threads(Builder builder, String name) {
        ThreadFactory own = builder.threadFactory;
        if (own != null) {
            return new CheckedFactory(own, name);
        }
        return builder.virtual
                ? Thread.ofVirtual().name(name + "-thread-", 1).factory()
                : Thread.ofPlatform()
                        .name(name + "-thread-", 1)
                        .daemon() // KeepAlive keeps the program running instead, for busy threads only
                        .factory();
    }

    /**
     * Returns a builder, for everything beyond a size.
     *
     * {@snippet class="dev.trestle.threadpool.JavadocExamplesTest" region="builder"}
     *
     * @return a builder with the defaults
     */
    public static Builder builder() {
        return new Builder();
    }

    // Submitting

    @Override
    public <T extends @Nullable Object> ConcurrentFuture<T> submit(Call<T> call) {
        return start(call);
    }

    @Override
    public <T extends @Nullable Object> ConcurrentFuture<T> submit(Callable<T> task) {
        return start(task);
    }

    @Override
    public ConcurrentFuture<?> submit(RunnableCall call) {
        return submit((Runnable) call);
    }

    @Override
    public ConcurrentFuture<?> submit(Runnable task) {
        return start(Executors.callable(task));
    }

    @Override
    public <T extends @Nullable Object> ConcurrentFuture<T> submit(Runnable task, T result) {
        return start(Executors.callable(task, result));
    }

    /**
     * Runs a task without a future. An exception of the task goes to the thread's uncaught exception handler.
     *
     * @param task the code to run
     * @throws RejectedExecutionException if this pool has been shut down
     * @throws BrokenExecutorException if the initializer failed
     */
    @Override
    public void execute(Runnable task) {
        enqueue(new Execution(this, requireNonNull(task, "task")));
    }

    private <T extends @Nullable Object> ConcurrentFuture<T> start(Callable<T> task) {
        var submission = new Submission<>(this, requireNonNull(task, "task"));
        enqueue(submission);
        return submission.promise;
    }

    private void enqueue(Work work) {
        if (isShutdown()) {
            throw shutDown(work);
        }
        refuseIfBroken();
        if (!monitors.isEmpty()) {
            work.measure();
        }
        work.takePlace();
        submitted.incrementAndGet();
        boolean taken = false;
        try {
            if (keepAlive != null) {
                keepAlive.onAccepted();
            }
            taken = workers.take(work);
        } finally {
            if (!taken) { // shut down, or no thread could be started
                submitted.decrementAndGet();
                work.freePlace();
                tellKeepAlive();
            }
        }
        if (!taken) {
            throw shutDown(work);
        }
    }

    private RejectedExecutionException shutDown(Work work) {
        return new RejectedExecutionException("Cannot submit " + work + " to " + this + ": it has been shut down");
    }

    void takePlace() {
        if (limit != null) {
            limit.enter(this);
        }
    }

    void freePlace() {
        if (limit != null) {
            limit.leave();
        }
    }

    /**
     * Returns the name of this pool.
     *
     * @return the prefix of the names of its threads
     */
    public String name() {
        return name;
    }

    CallMonitors monitors() {
        return monitors;
    }

    // Running, on the pool's threads

    /** Runs the initializer if the worker is new; returns why its work cannot run, or null if it can. */
    @Nullable
    Throwable prepare(Worker worker) {
        if (worker.needsInitializing() && breakage.get() == null) {
            try {
                initializer.run();
            } catch (Throwable e) {
                breakage.compareAndSet(null, e);
            }
        }
        Throwable cause = breakage.get();
        return cause == null ? null : broken(cause);
    }

    void began() {
        running.incrementAndGet();
    }

    void finished() {
        running.decrementAndGet();
        completed.incrementAndGet();
    }

    /** Called once for each work that has ended, with its callbacks. */
    void over() {
        ended.incrementAndGet();
        tellKeepAlive();
    }

    private void tellKeepAlive() {
        if (keepAlive != null) {
            keepAlive.onEnded();
        }
    }

    boolean hasUnfinished() {
        long over = ended.get(); // first: a call that is submitted and ends in between must not hide another one
        return submitted.get() != over;
    }

    /** Takes out a call that was cancelled while it waited. */
    void forget(Work work) {
        if (workers.forget(work)) {
            leave(work);
        }
    }

    /** Called once for each work that left the queue without running. */
    private void leave(Work work) {
        work.tellMonitors();
        work.freePlace();
        over();
    }

    boolean isStopped() {
        return workers.isStopped();
    }

    private void refuseIfBroken() {
        Throwable cause = breakage.get();
        if (cause != null) {
            throw broken(cause);
        }
    }

    private BrokenExecutorException broken(Throwable cause) {
        return new BrokenExecutorException(
                "The initializer of " + name + " failed, so the pool can run no calls: " + words(cause)
                        + ". Create a new pool with an initializer that works.",
                cause);
    }

    /** Returns the text of an exception, or its class if the text fails: a waiting call must end in either case. */
    private static String words(Throwable cause) {
        try {
            return cause.toString();
        } catch (Throwable e) {
            return cause.getClass().getName();
        }
    }

    // Ending

    @Override
    public void shutdown() {
        StackRoom.requireForLinkage();
        workers.shutdown();
    }

    /**
     * Cancels running calls, with interruption, and waiting calls; interrupts running tasks of {@code execute}, and
     * returns the tasks that never started.
     *
     * @return the tasks that never started: tasks of {@code execute} as they are; for each call of {@code submit}, an
     *     object that does nothing, since the call's future has been cancelled
     */
    @Override
    public List<Runnable> shutdownNow() {
        StackRoom.requireForLinkage();
        var never = new ArrayList<Runnable>();
        WorkerThreads.Stopped stopped = workers.stop();
        Throwable problem = null; // from here on, all work is ended, also after an error
        Work[] running = stopped.running;
        for (int i = 0; i < running.length; i++) { // first: a callback of a call that waits may wait for one that runs
            try {
                running[i].stop();
            } catch (Throwable e) {
                problem = e;
            }
        }
        Work next;
        for (Work each = stopped.oldest; each != null; each = next) {
            next = each.later;
            each.unlink();
            try {
                never.add(each.handBack());
            } catch (Throwable e) {
                each.noteFailure();
                each.fail(e);
                problem = e;
            }
            leave(each);
        }
        switch (problem) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new AssertionError(problem);
        }
        return never;
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalStateException also in a call of this pool, and in a callback that one of its threads runs, since
     *     {@code close} would wait for that call. Two pools with calls that close each other wait forever, which
     *     neither pool can detect
     */
    @Override
    public void close() {
        StackRoom.requireForLinkage();
        refuseOnOwnThread("close ");
        FutureExecutor.super.close();
    }

    private void refuseOnOwnThread(String what) {
        if (workers.isHere()) {
            throw new IllegalStateException("Cannot " + what + this + " on one of its own threads, in a call or in a"
                    + " callback of a future: it would wait for that call. Call shutdown() instead, or do it on"
                    + " another thread.");
        }
    }

    @Override
    public boolean isShutdown() {
        return workers.isShutdown();
    }

    @Override
    public boolean isTerminated() {
        return workers.isTerminated();
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalStateException if called in a call of this pool, or in a callback that one of its threads runs,
     *     and the time is positive: this method would wait for that call
     */
    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
        if (timeout <= 0) {
            return isTerminated();
        }
        refuseOnOwnThread("wait for the end of ");
        return WaitGuard.awaitEnd(this, () -> workers.awaitTermination(timeout, unit));
    }

    // Looking

    @Override
    public int parallelism() {
        return size;
    }

    /**
     * Returns the numbers of this pool: threads, and calls by state.
     *
     * @return a snapshot; its numbers are taken one after the other
     */
    public Statistics statistics() {
        return new Statistics(
                size, workers.threads(), running.get(), workers.waiting(), submitted.get(), completed.get());
    }

    /**
     * Returns the number of calls and tasks that were accepted and are not over: those that wait or run, and those
     * whose callbacks run.
     *
     * @return the number of calls in flight
     */
    public long callsInFlight() {
        long over = ended.get(); // first, as in hasUnfinished
        return submitted.get() - over;
    }

    /**
     * Adds a monitor, which is told of the end of each call and task that is submitted from now on.
     *
     * @param monitor the monitor; the pool holds it until it is removed
     */
    public void addMonitor(CallMonitor monitor) {
        monitors.add(monitor);
    }

    /**
     * Removes a monitor. Calls that were submitted before may still be told to it. Does nothing if it is not there.
     *
     * @param monitor the monitor that was added
     */
    public void removeMonitor(CallMonitor monitor) {
        monitors.remove(monitor);
    }

    @Override
    public String toString() {
        String state =
                isTerminated() ? "terminated" : isShutdown() ? "shut down" : breakage.get() != null ? "broken" : "open";
        return "ThreadPool[" + name + ", " + state + ", threads=" + workers.threads() + "/" + size + ", running="
                + running.get() + ", queued=" + workers.waiting() + "]";
    }

    /**
     * The numbers of a pool: threads, and calls by state.
     *
     * @param size the largest number of threads
     * @param threads the present number of threads
     * @param running the calls that run
     * @param queued the calls that wait for a thread
     * @param submitted the calls that were ever accepted
     * @param completed the calls that ever ended after they had started
     */
    public record Statistics(int size, int threads, int running, int queued, long submitted, long completed) {}

    /**
     * A class of its own, so that the pool has no static initializer: an initializer that met the end of the stack
     * would spoil its class for good.
     */
    private static final class Numbers {
        private static final AtomicInteger last = new AtomicInteger();

        static int next() {
            return last.incrementAndGet();
        }
    }

    /** Collects the options of a {@link ThreadPool}. Not thread-safe. */
    public static final class Builder {
        private int size = Math.min(32, Runtime.getRuntime().availableProcessors() + 4);
        private boolean virtual;
        private @Nullable ThreadFactory threadFactory;
        private boolean daemon;
        private @Nullable String namePrefix;
        private @Nullable Runnable initializer;
        private OptionalInt queueLimit = OptionalInt.empty();

        private Builder() {}

        /**
         * Sets the largest number of threads; as in Python, the number of processors plus 4, at most 32, if not set.
         *
         * @param value the number of threads
         * @return this builder
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder size(int value) {
            if (value < 1) {
                throw new IllegalArgumentException("The size of a thread pool must be 1 or more: " + value);
            }
            size = value;
            return this;
        }

        /**
         * Makes the threads virtual: for many calls that mostly wait. The size still bounds the number of calls that
         * run at once. A call gets a new thread, which then runs calls that wait for one, and ends when none waits.
         * With an {@link #initializer}, threads are kept for the next call, as platform threads are.
         *
         * @return this builder
         */
        public Builder virtual() {
            virtual = true;
            return this;
        }

        /**
         * Sets the factory that makes the threads, for names, priorities, class loaders or thread groups of the
         * program's own, or to share one factory with a {@code StructuredTaskScope}. The threads may be platform or
         * virtual, and are reused for many calls; the pool makes platform threads daemon threads, since the pool keeps
         * a program running only while it has calls. The factory is called by the thread that submits a call or that
         * runs one, without a lock of the pool; a thread that is not needed any more when it has been made is never
         * started. A call for which the factory throws, or returns something else than a new thread, is rejected, and
         * the pool goes on; a call whose thread ends without running the task that the factory was given fails.
         *
         * @param value the factory
         * @return this builder
         */
        public Builder threadFactory(ThreadFactory value) {
            threadFactory = requireNonNull(value, "threadFactory");
            return this;
        }

        /**
         * Lets the program end while calls of this pool run or wait. Such calls are lost without notice.
         *
         * @return this builder
         */
        public Builder daemon() {
            daemon = true;
            return this;
        }

        /**
         * Sets the name of the pool; its threads are called {@code <prefix>-thread-<n>}, unless a
         * {@link #threadFactory} names them.
         *
         * @param value the prefix
         * @return this builder
         */
        public Builder namePrefix(String value) {
            namePrefix = requireNonNull(value, "namePrefix");
            return this;
        }

        /**
         * Sets the code that each thread runs before its first call; idle threads are kept for a minute then, virtual
         * ones too. If the code throws, the pool is broken: every
         * waiting call and every later call fails with a {@link BrokenExecutorException}, with the initializer's
         * exception as its cause.
         *
         * @param value the initializer
         * @return this builder
         */
        public Builder initializer(Runnable value) {
            initializer = requireNonNull(value, "initializer");
            return this;
        }

        /**
         * Bounds the queue: while the queue is full, {@code submit} and {@code execute} block their caller. In an event
         * loop, which must not be blocked, they throw a {@link RejectedExecutionException}. Never submit to such a pool
         * from its own threads.
         *
         * @param value the number of calls that may wait for a thread
         * @return this builder
         * @throws IllegalArgumentException if it is negative
         */
        public Builder queueLimit(int value) {
            if (value < 0) {
                throw new IllegalArgumentException("The queue limit must not be negative: " + value);
            }
            queueLimit = OptionalInt.of(value);
            return this;
        }

        /**
         * Creates the pool. No thread is started yet.
         *
         * @return the pool
         * @throws IllegalStateException if both {@link #virtual} and {@link #threadFactory} were called
         */
        public ThreadPool build() {
            if (virtual && threadFactory != null) {
                throw new IllegalStateException("Both virtual() and threadFactory(" + threadFactory
                        + ") were called, and the factory decides which threads there are. Leave virtual() out, and"
                        + " give the pool Thread.ofVirtual().factory() if its threads are to be virtual.");
            }
            return new ThreadPool(this);
        }
    }
}
