package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.BrokenExecutorException;
import dev.trestle.api.Call;
import dev.trestle.api.CallMonitor;
import dev.trestle.api.CarriedContext;
import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.FutureExecutor;
import dev.trestle.api.Inventory;
import dev.trestle.api.QueueLimit;
import dev.trestle.api.RunnableCall;
import dev.trestle.api.SharedArray;
import dev.trestle.api.WaitGuard;
import dev.trestle.processpool.jvm.AotStore;
import dev.trestle.processpool.jvm.DebugAgent;
import dev.trestle.processpool.jvm.Jail;
import dev.trestle.processpool.jvm.JavaCommand;
import dev.trestle.processpool.jvm.JvmOptions;
import dev.trestle.processpool.jvm.LocaleSettings;
import dev.trestle.processpool.jvm.Log;
import dev.trestle.processpool.jvm.Nesting;
import dev.trestle.processpool.jvm.ProcessLimits;
import dev.trestle.processpool.jvm.ProgramClasses;
import dev.trestle.processpool.jvm.SharedFiles;
import dev.trestle.processpool.values.CallEncoder;
import dev.trestle.processpool.values.EncodedCall;
import dev.trestle.processpool.values.JacksonVersions;
import dev.trestle.processpool.values.NotEncodableException;
import dev.trestle.processpool.wire.CallContext;
import dev.trestle.processpool.wire.MainMethod;
import dev.trestle.processpool.wire.ShownText;
import dev.trestle.processpool.wire.WireOptions;
import dev.trestle.processpool.wire.WorkerJournal;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TimeZone;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * An executor whose calls run in child JVMs: Python's {@code ProcessPoolExecutor}. A crash, an exhausted heap, a
 * {@code System.exit} or an endless loop costs one call, never the program and never the pool.
 *
 * {@snippet class="dev.trestle.processpool.JavadocExamplesTest" region="pool"}
 *
 * <p>A call is a lambda or a method reference. A call travels as the name of its method and the captured values, which
 * must be data; the result comes back as data too. {@code submit} refuses a call that cannot travel, with a
 * {@link CallNotSerializableException} that names the value and the reason. Workers have the classes of this program,
 * and find them in the same way: by the class path, the module path, or the class loader that has loaded this class.
 *
 * <p>Workers are started on demand, up to the size of the pool, and run one call at a time, or
 * {@link Builder#callsPerWorker several}. While all workers are busy, calls wait in a queue, FIFO unless they have a
 * {@link CallOptions#withPriority priority}; a worker whose calls are short, as measured, is sent some calls ahead. The
 * call that a worker runs when it dies fails with a {@link WorkerDiedException}; all other calls go on, also the calls
 * that had been sent ahead, and the pool starts another worker. The pool is broken only when no worker lives and none
 * has been able to start for a while (see {@link Builder#startRetryTime}): then calls fail with a
 * {@link BrokenExecutorException}. Calls with equal {@link CallOptions#withKey keys} go to the same worker while it
 * lives.
 *
 * <p>{@code cancel(true)} interrupts a running call, and kills its worker if the call does not end then;
 * {@code cancel(false)} lets the call go on and drops its outcome. A time limit acts as {@code cancel(true)} does:
 *
 * {@snippet class="dev.trestle.processpool.JavadocExamplesTest" region="time-limit"}
 *
 * <p>The context of the submitting thread, such as the MDC of SLF4J, goes along with a call; see {@link
 * dev.trestle.api.ContextCarrier}.
 *
 * <p>The output of calls is logged, by the SLF4J logger {@code dev.trestle.processpool.worker}.
 *
 * <p>A program that ends by itself, because {@code main} has returned and no other non-daemon thread is left, first
 * waits for the calls that its pools have accepted, and for their callbacks, with and without {@code shutdown}: calls
 * that wait, run or are retried. An idle pool that was not closed keeps no program running, and neither does a stream
 * whose worker waits for its consumer, nor a {@link Builder#daemon() daemon} pool. When the program is ended, by
 * {@code System.exit} or a signal, calls in flight have the {@link Builder#closeGrace} to end; see
 * {@link Builder#withoutShutdownHook}.
 *
 * <p>All methods may be called from any thread. {@code submit}, {@code execute} and {@code cancel} never wait for a
 * worker, not even for one that is stopped and reads nothing: bytes that are not written at once are written in the
 * background. Callbacks of futures run on the thread that reads the worker's answers: they should be short, and must
 * not wait for calls of the same pool, which is refused. Results are made on that thread too; when that takes long,
 * another thread reads on.
 */
public final class ProcessPool implements FutureExecutor {

    /*
     * This object is what the user holds, and nothing of ours holds it: the workers, the timer and the shutdown hook
     * know the dispatcher only. So a pool that is dropped without being closed becomes garbage, and the cleaner shuts
     * its dispatcher down. `reachabilityFence` keeps `new ProcessPool(1).submit(...)` from being cleaned up while it
     * submits.
     */

    private static final Log logger = Log.of(ProcessPool.class);
    private static final Cleaner cleaner = Cleaner.create();
    private static final AtomicInteger poolNumbers = new AtomicInteger();

    private final PoolOptions options;
    private final CallEncoder encoder;
    private final SharedFiles sharedFiles;
    private final Dispatcher dispatcher;
    private final @Nullable QueueLimit limit;

    /**
     * Creates a pool. No worker is started yet.
     *
     * @param workers the largest number of workers
     * @throws IllegalArgumentException if it is not positive
     * @throws IllegalStateException if this is a worker of a worker of a worker, or if this program cannot have
     *     workers: its Java runtime lacks a module, the place of its classes cannot be found, or its Jackson cannot
     *     start with its version of jackson-annotations
     */
    public ProcessPool(int workers) {
        this(builder().workers(workers).options());
    }

    ProcessPool(PoolOptions options) {
        this(options, null);
    }

    private ProcessPool(PoolOptions options, @Nullable RunnableCall initializer) {
        this.options = options;
        int depth = Nesting.below(Nesting.depth());
        options.limits().recycling().check();
        JavaCommand.check(options.jvm());
        JacksonVersions.check();
        DebugAgent.check(options.name(), options.jvm());
        if (options.jvm().jail().isEmpty()) {
            options.jvm().limits().warn(options.name());
        }
        this.sharedFiles = new SharedFiles();
        this.encoder = new CallEncoder(
                new WireOptions(options.limits().maxPayloadBytes(), options.allowedTypes()),
                RemoteException::new,
                type -> ProgramClasses.missing(options.jvm(), type),
                sharedFiles);
        this.dispatcher = new Dispatcher(options, depth, initializer == null ? null : encode(initializer), sharedFiles);
        try {
            dispatcher.whenTerminated(encoder::forget);
            this.limit = options.limits().queueLimit().isPresent()
                    ? new QueueLimit(
                            options.source() == WorkerSource.ADDED ? 0 : options.parallelism(),
                            options.limits().queueLimit().getAsInt())
                    : null;
            var _ = cleaner.register(this, new Dropped(options.name(), dispatcher));
            dispatcher.prestart(options.minWorkers());
            WarmUp.start(encoder, dispatcher.directory());
            Inventory.opened(this);
        } catch (Throwable e) { // no memory, perhaps: the caller gets no pool to close
            dispatcher.shutdown();
            throw e;
        }
    }

    private record Dropped(String name, Dispatcher dispatcher) implements Runnable {
        @Override
        public void run() {
            if (!dispatcher.isShutdown()) {
                dispatcher.shutdown();
                logger.warn("{} was dropped without being closed; it ends when its calls have", name);
            }
        }
    }

    /**
     * Returns a builder, for pools that need more than a size.
     *
     * {@snippet class="dev.trestle.processpool.JavadocExamplesTest" region="builder"}
     *
     * @return a builder with the defaults
     */
    public static Builder builder() {
        return new Builder();
    }

    // Submitting

    /**
     * {@inheritDoc}
     *
     * @throws CallNotSerializableException if the call cannot travel
     */
    @Override
    public <T extends @Nullable Object> ConcurrentFuture<T> submit(Call<T> call) {
        return start(call, CallOptions.DEFAULT);
    }

    /**
     * Submits a call with options of its own.
     *
     * @param call the call to run
     * @param callOptions the options of this call
     * @param <T> the type of the result
     * @return the future of the call
     * @throws CallNotSerializableException if the call cannot travel
     * @throws RejectedExecutionException if this pool has been shut down
     * @throws BrokenExecutorException if its workers cannot start
     */
    public <T extends @Nullable Object> ConcurrentFuture<T> submit(Call<T> call, CallOptions callOptions) {
        return start(call, requireNonNull(callOptions, "callOptions"));
    }

    /**
     * Submits a call without a result, with options of its own.
     *
     * @param call the call to run
     * @param callOptions the options of this call
     * @return the future of the call
     * @throws CallNotSerializableException if the call cannot travel
     * @throws RejectedExecutionException if this pool has been shut down
     * @throws BrokenExecutorException if its workers cannot start
     */
    public ConcurrentFuture<?> submit(RunnableCall call, CallOptions callOptions) {
        return start(call, requireNonNull(callOptions, "callOptions"));
    }

    /**
     * {@inheritDoc}
     *
     * @throws CallNotSerializableException if the task cannot travel
     */
    @Override
    public <T extends @Nullable Object> ConcurrentFuture<T> submit(Callable<T> task) {
        return start(task, CallOptions.DEFAULT);
    }

    /**
     * {@inheritDoc}
     *
     * @throws CallNotSerializableException if the call cannot travel
     */
    @Override
    public ConcurrentFuture<?> submit(RunnableCall call) {
        return start(call, CallOptions.DEFAULT);
    }

    /**
     * {@inheritDoc}
     *
     * @throws CallNotSerializableException if the task cannot travel
     */
    @Override
    public ConcurrentFuture<?> submit(Runnable task) {
        return start(task, CallOptions.DEFAULT);
    }

    /**
     * {@inheritDoc}
     *
     * @throws CallNotSerializableException if the task cannot travel
     */
    @Override
    public <T extends @Nullable Object> ConcurrentFuture<T> submit(Runnable task, T result) {
        return accept(new PoolCall<T>(
                dispatcher.nextCallNumber(), encode(task), withDefaults(CallOptions.DEFAULT), dispatcher, _ -> result));
    }

    /**
     * Runs a task without a future. An exception of the task is logged. A lambda travels only if it is a
     * {@link RunnableCall}; the compiler chooses the overload for {@code RunnableCall} by itself.
     *
     * @param task the task to run
     * @throws CallNotSerializableException if the task cannot travel
     * @throws RejectedExecutionException if this pool has been shut down
     * @throws BrokenExecutorException if its workers cannot start
     */
    @Override
    public void execute(Runnable task) {
        start(task, CallOptions.DEFAULT).addDoneCallback(future -> {
            if (future.state() == Future.State.FAILED) {
                logger.error("{} failed; execute returns no future that could show it", task, future.exceptionNow());
            }
        });
    }

    /**
     * Runs a call without a future. An exception of the call is logged.
     *
     * @param call the call to run
     * @throws CallNotSerializableException if the call cannot travel
     * @throws RejectedExecutionException if this pool has been shut down
     * @throws BrokenExecutorException if its workers cannot start
     */
    public void execute(RunnableCall call) {
        execute((Runnable) call);
    }

    /**
     * Runs a call that makes many results, which arrive while it makes them. Does the same as
     * {@link #stream(Call, CallOptions)} with {@link CallOptions#DEFAULT}.
     *
     * @param call the call to run
     * @param <R> the type of the results
     * @return the results, in their order; to be closed if it is not consumed to its end
     * @throws CallNotSerializableException if the call cannot travel
     * @throws RejectedExecutionException if this pool has been shut down
     * @throws BrokenExecutorException if its workers cannot start
     */
    public <R extends @Nullable Object> Stream<R> stream(Call<Stream<R>> call) {
        return stream(call, CallOptions.DEFAULT);
    }

    /**
     * Runs a call that makes many results, which arrive while it makes them: the worker reads the stream that the call
     * returns and sends its items, and the returned stream has them one after the other. The call is submitted at once,
     * and the stream may be endless.
     *
     * {@snippet class="dev.trestle.processpool.JavadocExamplesTest" region="stream"}
     *
     * <p>A worker that is ahead of its consumer stops, in its stream, when about a thousand items or a megabyte have
     * not been consumed. Closing the stream cancels the call, as {@code cancel(true)} does; the worker's stream is
     * closed then as well. A stream that is not closed keeps its worker until it is garbage.
     *
     * <p>An exception that ends the call early, such as a timeout or the death of the worker, is thrown by the rule of
     * {@link ConcurrentFuture#result()} when the items that arrived before have been consumed. An item that cannot
     * travel ends the call with a {@link CallNotSerializableException}. The timeout is that of the whole call, the time
     * included in which the call waits for its consumer. Retries are for a worker that dies before its first item has
     * arrived: a stream never begins again.
     *
     * <p>{@link #shutdown} lets streams go on; {@link #close} cancels those that have not been consumed to their end.
     * The returned stream is sequential, and waits for items where it is consumed; this is refused in coroutines of an
     * event loop and in callbacks of futures of this pool.
     *
     * @param call the call to run
     * @param callOptions the options of this call
     * @param <R> the type of the results
     * @return the results, in their order; to be closed if it is not consumed to its end
     * @throws CallNotSerializableException if the call cannot travel
     * @throws RejectedExecutionException if this pool has been shut down
     * @throws BrokenExecutorException if its workers cannot start
     */
    public <R extends @Nullable Object> Stream<R> stream(Call<Stream<R>> call, CallOptions callOptions) {
        requireNonNull(callOptions, "callOptions");
        PoolCall<@Nullable Object> made =
                PoolCall.ofStream(dispatcher.nextCallNumber(), encode(call), withDefaults(callOptions), dispatcher);
        var _ = accept(made);
        return made.itemBuffer().stream(cleaner);
    }

    @SuppressWarnings({"unchecked", "NullAway"}) // what a Callable<T> returns is a T, and null only if T has it
    private <T extends @Nullable Object> ConcurrentFuture<T> start(Object task, CallOptions callOptions) {
        return accept(new PoolCall<T>(
                dispatcher.nextCallNumber(), encode(task), withDefaults(callOptions), dispatcher, result ->
                        (T) result));
    }

    private <T extends @Nullable Object> ConcurrentFuture<T> accept(PoolCall<T> call) {
        try {
            call.carry(contextOf(call));
            if (limit == null) {
                dispatcher.accept(call);
            } else {
                acceptWithin(limit, call);
            }
            return call.promise();
        } catch (Throwable e) {
            call.freePlace(); // nothing else ends it
            throw e;
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Returns the context of the calling thread. */
    private CallContext contextOf(PoolCall<?> call) {
        Map<String, Map<String, String>> texts = CarriedContext.captureText();
        if (texts.isEmpty()) {
            return CallContext.EMPTY;
        }
        CallContext context = CallContext.of(texts);
        if (context.size() > CallContext.MOST_BYTES) {
            dispatcher.refuseIfClosed(call);
            throw tooLarge(call, context, texts);
        }
        return context;
    }

    private static CallNotSerializableException tooLarge(
            PoolCall<?> call, CallContext context, Map<String, Map<String, String>> texts) {
        String largest = "";
        int most = -1;
        for (Map.Entry<String, Map<String, String>> carrier : texts.entrySet()) {
            for (Map.Entry<String, String> entry : carrier.getValue().entrySet()) {
                int length = entry.getValue() == null ? 0 : entry.getValue().length();
                if (length > most) {
                    most = length;
                    largest = "'" + ShownText.line(String.valueOf(entry.getKey())) + "' of " + carrier.getKey();
                }
            }
        }
        return new CallNotSerializableException(
                "The context that goes along with the call " + call.description() + " has " + context.size()
                        + " bytes; allowed are " + CallContext.MOST_BYTES + ". The largest entry is " + largest
                        + ", with "
                        + most + " characters. Carry less there, such as an id, and pass the rest to the call as"
                        + " a value.",
                null);
    }

    private void acceptWithin(QueueLimit limit, PoolCall<?> call) {
        dispatcher.refuseIfClosed(call);
        if (dispatcher.endsCallsHere()) {
            limit.enterNow(this);
        } else {
            limit.enter(this);
        }
        call.takesPlace(limit);
        dispatcher.accept(call);
    }

    private CallOptions withDefaults(CallOptions callOptions) {
        return callOptions.timeout().isPresent()
                        || options.limits().callTimeout().isEmpty()
                ? callOptions
                : callOptions.withTimeout(options.limits().callTimeout().get());
    }

    private EncodedCall encode(Object task) {
        requireNonNull(task, "task");
        try {
            return encoder.encode(task);
        } catch (NotEncodableException e) {
            dispatcher.refuseIfClosed(task); // which comes before what may be wrong with the task
            throw new CallNotSerializableException(e.getMessage() + CallEncoder.remedyForAWrapper(task), e);
        }
    }

    /**
     * Runs a program, as {@code java} would with the classes of this program. Does the same as
     * {@link #runMain(MainOptions, Class, String...)} with {@link MainOptions#DEFAULT}.
     *
     * @param mainClass the class that has {@code main}
     * @param arguments the arguments of {@code main}
     * @return the future of the program's exit code and outputs
     * @throws IllegalArgumentException if the class has no {@code main} that Java could start
     * @throws CallNotSerializableException if workers do not have the class
     * @throws RejectedExecutionException if this pool has been shut down
     * @throws BrokenExecutorException if its workers cannot start
     */
    public ConcurrentFuture<MainResult> runMain(Class<?> mainClass, String... arguments) {
        return runMain(MainOptions.DEFAULT, mainClass, arguments);
    }

    /**
     * Runs a program, as {@code java} would with the classes of this program, in a JVM of its own: its {@code main} may
     * call {@code System.exit}, set what belongs to a whole JVM, and start processes.
     *
     * {@snippet class="dev.trestle.processpool.RunMainTest" region="run-main"}
     *
     * <p>A call of this pool starts the JVM and waits for its end, so a program takes the place of a call: it waits for
     * a worker, keeps that worker busy, has the time limit of a call, and is killed, with all that it has started, when
     * the call is cancelled, the pool stops, or this program ends. The JVM has the options of the pool's workers, their
     * environment and working directory, and an empty standard input. The future is done when the process has ended;
     * processes that it has left behind are killed then.
     *
     * @param options the options of this program
     * @param mainClass the class that has {@code main}
     * @param arguments the arguments of {@code main}
     * @return the future of the program's exit code and outputs; an exit code other than 0 is a result, no failure
     * @throws IllegalArgumentException if the class has no {@code main} that Java could start
     * @throws CallNotSerializableException if workers do not have the class
     * @throws RejectedExecutionException if this pool has been shut down
     * @throws BrokenExecutorException if its workers cannot start
     */
    public ConcurrentFuture<MainResult> runMain(MainOptions options, Class<?> mainClass, String... arguments) {
        var _ = MainMethod.of(mainClass);
        Optional<String> missing = ProgramClasses.missing(this.options.jvm(), mainClass);
        if (missing.isPresent()) {
            throw new CallNotSerializableException(
                    "The program " + mainClass.getName() + " cannot run in a worker: " + missing.get(), null);
        }
        CallOptions call = options.call();
        return start(
                MainRun.of(mainClass.getName(), List.of(arguments), options.maxOutput()),
                call.label().isEmpty() ? call.withLabel("main of " + mainClass.getName()) : call);
    }

    /**
     * Makes the AOT cache from which workers start, unless there is one already, and waits for it: some seconds. A pool
     * that lives longer than that makes the cache by itself in the background; this method is for installers, and for
     * programs of a second or two. Shutting the pool down ends it.
     *
     * @return whether there is a cache now; false if this pool has been shut down or has none (see
     *     {@link Builder#aotCache}), if another pool or program is making one at this moment, or if it could not be
     *     made, now or in two programs before, which the log says
     */
    public boolean makeAotCache() {
        return dispatcher.train() == AotStore.State.THERE;
    }

    // Sharing

    @Override
    public <A> SharedArray<A> share(A array) {
        try {
            return sharedFiles.share(array);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Shares a copy of an array that another pool has shared, such as the pool of which this program is a worker.
     *
     * @param other the other pool's array
     * @param <A> its type
     * @return this pool's array, with the elements that the other one has now; to be closed
     * @throws java.io.UncheckedIOException if there is no room for it
     * @throws IllegalStateException if this pool has terminated, or the other array is closed
     */
    public <A> SharedArray<A> share(SharedArray<A> other) {
        try {
            return sharedFiles.share(other);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    @Override
    public SharedArray<byte[]> share(Path file) {
        try {
            return sharedFiles.share(file);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    @Override
    public SharedArray<byte[]> allocate(long bytes) {
        try {
            return sharedFiles.allocate(bytes);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    // Ending

    /** Takes no more calls. The accepted calls are run; then the workers end. Does not wait. */
    @Override
    public void shutdown() {
        dispatcher.shutdown();
    }

    /**
     * Takes no more calls, cancels those that wait and interrupts those that run; workers whose calls do not end then
     * are killed after a grace period. Does not wait.
     *
     * @return one object for each call that no worker had been sent; it does nothing, since the call's future has been
     *     cancelled. Calls that had been sent ahead are cancelled too, but may have run
     */
    @Override
    public List<Runnable> shutdownNow() {
        var never = new ArrayList<Runnable>();
        for (PoolCall<?> call : dispatcher.shutdownNow()) {
            never.add(new NeverStarted(call.description()));
        }
        return never;
    }

    private record NeverStarted(String description) implements Runnable {
        @Override
        public void run() {}
    }

    /**
     * Takes no more calls, cancels those that wait, and asks all workers to end as SIGTERM does, whatever they are
     * doing: the calls that they run fail with a {@link WorkerDiedException}. A worker that has not ended after
     * {@link Builder#closeGrace} is killed. Calls whose answers are being read in this program are cancelled. Python's
     * {@code terminate_workers}. Does not wait.
     */
    public void terminateWorkers() {
        dispatcher.stopWorkers(worker -> worker.terminate("terminateWorkers was called"));
    }

    /**
     * Takes no more calls, cancels those that wait, and kills all workers, with what they started: the calls that they
     * run fail with a {@link WorkerDiedException}. Calls whose answers are being read in this program are cancelled.
     * Python's {@code kill_workers}. Does not wait.
     */
    public void killWorkers() {
        dispatcher.stopWorkers(worker -> worker.kill("killWorkers was called"));
    }

    @Override
    public boolean isShutdown() {
        return dispatcher.isShutdown();
    }

    @Override
    public boolean isTerminated() {
        return dispatcher.isTerminated();
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
        refuseOnOwnThread("wait for its end");
        return timeout <= 0
                ? isTerminated()
                : WaitGuard.awaitEnd(this, () -> dispatcher.awaitTermination(timeout, unit));
    }

    /**
     * Takes no more calls, cancels streams that have not ended, and waits until the accepted calls have been run, and
     * until no process, thread, socket or file of this pool is left. If the waiting thread is interrupted, does the
     * same as {@link #shutdownNow} and goes on waiting. In a coroutine of an event loop, the loop goes on while this
     * method waits; see {@link FutureExecutor#close}.
     *
     * @throws IllegalStateException if called by a callback of one of its own futures, for which it would wait
     */
    @Override
    public void close() {
        refuseOnOwnThread("close it");
        shutdown();
        dispatcher.cancelStreams();
        FutureExecutor.super.close();
    }

    private void refuseOnOwnThread(String what) {
        if (dispatcher.endsCallsHere()) {
            throw new IllegalStateException("Cannot " + what + " in a callback of one of its own futures, in " + this
                    + ": it would wait for the callback. Call shutdown() instead, or do it on another thread.");
        }
    }

    // Starting

    /**
     * Starts workers before there are calls for them, so that the first calls do not wait for that. Does not wait
     * either.
     *
     * @param workers the number of workers that are to live, as far as the size of the pool allows; all of it with
     *     {@link Integer#MAX_VALUE}
     * @throws IllegalArgumentException if it is negative
     */
    public void prestart(int workers) {
        if (workers < 0) {
            throw new IllegalArgumentException("The number of workers to start must not be negative: " + workers);
        }
        dispatcher.prestart(workers);
    }

    // Looking

    @Override
    public int parallelism() {
        return options.parallelism();
    }

    /**
     * Returns the statistics of this pool.
     *
     * @return a snapshot
     */
    public Statistics statistics() {
        return dispatcher.statistics();
    }

    /**
     * Returns the process ids of the workers.
     *
     * @return the process ids of the living workers, in the order in which the workers were started
     */
    public List<Long> workerPids() {
        return dispatcher.pids();
    }

    /**
     * Returns the name of this pool, as logs and threads have it.
     *
     * @return the name
     */
    public String name() {
        return options.name();
    }

    /**
     * Returns whether this pool is broken: no worker lives and none has been able to start for a while, so that all
     * calls fail. See {@link Builder#startRetryTime}.
     *
     * @return whether it is; a pool that is broken stays broken
     */
    public boolean isBroken() {
        return dispatcher.isBroken();
    }

    /**
     * Adds a monitor, which is told of the end of each call that is submitted from now on. The times are measured in
     * this program, and the time of the run in the worker if that has answered. A call that is run again has begun when
     * it began for the first time.
     *
     * @param monitor the monitor; the pool holds it until it is removed
     */
    public void addMonitor(CallMonitor monitor) {
        dispatcher.monitors().add(monitor);
    }

    /**
     * Removes a monitor. Calls that were submitted before may still be told to it. Does nothing if it is not there.
     *
     * @param monitor the monitor that was added
     */
    public void removeMonitor(CallMonitor monitor) {
        dispatcher.monitors().remove(monitor);
    }

    /** Returns the dispatcher of this pool; for {@link Door}. */
    Dispatcher dispatcher() {
        return dispatcher;
    }

    /** Returns the number of calls that keep the program running; for tests. */
    int callsInFlight() {
        return dispatcher.acceptedCalls().size();
    }

    /** Returns the number of keys that are known; for tests. */
    int keysKnown() {
        return dispatcher.keys().size();
    }

    @Override
    public String toString() {
        return dispatcher.toString();
    }

    /**
     * A snapshot of the work of a pool, present and past. The calls that were {@code submitted} are those that wait or
     * run and those that {@code completed}, were {@code cancelled}, {@code timedOut}, or are {@code lost}; each is
     * counted once, by the way in which its future ended.
     *
     * @param size the largest number of workers
     * @param alive the workers there are, those that start or end included
     * @param starting the workers that are starting
     * @param busy the workers that run a call
     * @param spares the workers that wait to replace a worker that is about to leave
     * @param queued the calls that wait for a worker, or behind another call in a worker
     * @param submitted the calls that were ever accepted
     * @param completed the calls whose future ended with a worker's answer, a result or an exception
     * @param cancelled the calls that were cancelled, by their futures or by {@link ProcessPool#shutdownNow}
     * @param timedOut the calls whose time limit passed
     * @param lost the calls that ended because their worker died, or because no worker could start
     * @param rerun the number of times that a call went to another worker because its worker died
     * @param takenBack the number of times that a call went to another worker because the call in front of it took long
     * @param workersStarted the workers that ever got ready
     * @param workersRetired the workers that were told to end, since they were idle, had run as many calls as they may,
     *     were too old or had grown too large
     * @param retiredByCalls the retired workers that had run as many calls as they may ({@link
     *     Builder#maxTasksPerWorker})
     * @param retiredByAge the retired workers that were too old ({@link Builder#maxAge})
     * @param retiredByResident the retired workers that had grown too large ({@link Builder#maxResident})
     * @param workersDied the workers that died without having been told to end, after they had been ready
     * @param killedForMemory the workers that were killed since they held more memory than they may
     *     ({@link Builder#memoryLimit})
     * @param startsFailed the workers that died before they were ready
     * @param linesLost the lines of workers' output that the log refused, or that were more than a worker may log in a
     *     second
     */
    public record Statistics(
            int size,
            int alive,
            int starting,
            int busy,
            int spares,
            int queued,
            long submitted,
            long completed,
            long cancelled,
            long timedOut,
            long lost,
            long rerun,
            long takenBack,
            long workersStarted,
            long workersRetired,
            long retiredByCalls,
            long retiredByAge,
            long retiredByResident,
            long workersDied,
            long killedForMemory,
            long startsFailed,
            long linesLost) {}

    /** Collects the options of a {@link ProcessPool}. Not thread-safe. */
    public static final class Builder {

        private static final Duration FOREVER = Duration.ofDays(36_500);

        private int workers = Runtime.getRuntime().availableProcessors();
        private int minWorkers;
        private Optional<Duration> idleTime = Optional.empty();
        private @Nullable String name;
        private boolean debug;
        private boolean daemon;
        private boolean shutdownHook = true;
        private WorkerSource source = WorkerSource.STARTED;
        private Optional<Sandbox> sandbox = Optional.empty();
        private List<String> launcher = List.of();
        private final List<String> jvmArguments = new ArrayList<>();
        private long heapBytes;
        private final Map<String, String> environment = new LinkedHashMap<>();
        private boolean clearsEnvironment;
        private final Map<String, String> systemProperties = new LinkedHashMap<>();
        private LogForwarding forwardedLogs = LogForwarding.NONE;
        private Optional<Path> workingDirectory = Optional.empty();
        private Optional<String> classPath = Optional.empty();
        private Optional<String> modulePath = Optional.empty();
        private @Nullable RunnableCall initializer;
        private Optional<Duration> callTimeout = Optional.empty();
        private Duration startTimeout = Duration.ofSeconds(60);
        private Duration startRetryTime = Duration.ofSeconds(10);
        private Duration cancelGrace = Duration.ofSeconds(2);
        private Duration closeGrace = Duration.ofSeconds(5);
        private int maxTasksPerWorker = Integer.MAX_VALUE;
        private Optional<Duration> maxAge = Optional.empty();
        private OptionalLong maxResident = OptionalLong.empty();
        private OptionalLong memoryLimit = OptionalLong.empty();
        private OptionalInt processLimit = OptionalInt.empty();
        private OptionalLong fileSizeLimit = OptionalLong.empty();
        private Optional<Duration> cpuTimeLimit = Optional.empty();
        private OptionalInt queueLimit = OptionalInt.empty();
        private long maxPayloadBytes = 1L << 30;
        private int callsPerWorker = 1;
        private final Set<String> allowedTypes = new HashSet<>();
        private boolean aotCache = true;
        private Optional<Path> aotCacheDirectory = Optional.empty();
        private Duration aotCacheDelay = Duration.ofSeconds(1);

        private Builder() {}

        /**
         * Sets the largest number of workers; the number of processors if not set.
         *
         * @param value the number of workers
         * @return this builder
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder workers(int value) {
            if (value < 1) {
                throw new IllegalArgumentException("The size of a process pool must be 1 or more: " + value);
            }
            workers = value;
            return this;
        }

        /**
         * Sets the least number of workers that live, as far as the size of the pool allows; 0 if not set. These
         * workers are started with the pool, and when one dies another is started.
         *
         * @param value the number of workers
         * @return this builder
         * @throws IllegalArgumentException if it is negative
         */
        public Builder minWorkers(int value) {
            if (value < 0) {
                throw new IllegalArgumentException("The least number of workers must not be negative: " + value);
            }
            minWorkers = value;
            return this;
        }

        /**
         * Sets the time without a call after which a worker retires, if more than {@link #minWorkers} live; workers
         * stay if not set. Calls go to the worker that was used last, so that the other workers can retire.
         *
         * @param limit the time
         * @return this builder
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder idleTime(Duration limit) {
            idleTime = Optional.of(positive("idleTime", limit));
            return this;
        }

        /**
         * Sets the name of the pool, for logs and threads; workers are called {@code <name>-worker-<n>}.
         *
         * @param value the name
         * @return this builder
         */
        public Builder name(String value) {
            name = requireNonNull(value, "name");
            return this;
        }

        /**
         * Adds arguments for the workers' JVMs, such as {@code -Xss4m}. The JVM gets them after the pool's own
         * arguments.
         *
         * @param values arguments, each as one string
         * @return this builder
         */
        public Builder jvmArguments(String... values) {
            jvmArguments.addAll(List.of(values));
            return this;
        }

        /**
         * Puts each worker into a sandbox, for code and input that are not trusted. Workers have none if not set.
         * Workers in a sandbox always have limits, also where this builder sets none: see {@link Sandbox}. They have no
         * environment variables of this program. Their working directory is empty unless {@link #workingDirectory} sets
         * it to one that the sandbox shows.
         *
         * @param value the sandbox, usually {@link Sandbox#strict}
         * @return this builder
         * @see Sandbox#support
         */
        public Builder sandbox(Sandbox value) {
            sandbox = Optional.of(value);
            return this;
        }

        /**
         * Sets a command in front of the {@code java} of each worker, such as {@code nice}, {@code taskset},
         * {@code prlimit}, {@code setpriv}, {@code firejail} or {@code systemd-run --scope}. It gets the worker's
         * command as its last arguments, and must start that with its own standard streams: it replaces itself by it,
         * or waits for it and ends with its exit code. No launcher if not set.
         *
         * {@snippet class="dev.trestle.processpool.LauncherTest" region="nice"}
         *
         * <p>The program is looked up in the {@code PATH} of this program, when the pool is built and at each start.
         * The worker must be able to reach the private directory of the pool, which only this user may enter, its class
         * path and its Java runtime. {@link ProcessPool#workerPids} has the JVMs, also where a launcher stays as their
         * parent. AOT caches are made without a launcher.
         *
         * @param prefix the program and its arguments, each an element; empty for no launcher
         * @return this builder
         * @throws IllegalArgumentException if the name of the program is blank
         */
        public Builder launcher(List<String> prefix) {
            if (!prefix.isEmpty() && prefix.getFirst().isBlank()) {
                throw new IllegalArgumentException(
                        "The first element of a launcher is the program, and here it is blank: " + prefix);
            }
            launcher = List.copyOf(prefix);
            return this;
        }

        /**
         * Sets the largest heap of each worker. If not set, the heaps of all workers together may take a quarter of the
         * memory, of the container if there is one, each at most the largest heap that this program was started with,
         * and what fits under a {@link #memoryLimit}. {@code -Xmx} in {@link #jvmArguments} does the same as this.
         *
         * @param bytes the size in bytes
         * @return this builder
         * @throws IllegalArgumentException if it is less than 4 MiB
         */
        public Builder heap(long bytes) {
            if (bytes < 4 << 20) {
                throw new IllegalArgumentException("A JVM needs a heap of 4 MiB at least, in bytes: " + bytes);
            }
            heapBytes = bytes;
            return this;
        }

        /**
         * Adds an environment variable. Workers also have the variables of this program, secrets included, unless
         * {@link #clearEnvironment} is called. The variables {@code JAVA_TOOL_OPTIONS}, {@code JDK_JAVA_OPTIONS},
         * {@code _JAVA_OPTIONS} and {@code JDK_AOT_VM_OPTIONS} reach workers only through this method.
         *
         * @param variable its name
         * @param value its value
         * @return this builder
         * @throws IllegalArgumentException if no variable can have that name
         */
        public Builder environment(String variable, String value) {
            if (variable.isEmpty() || variable.indexOf('=') >= 0) {
                throw new IllegalArgumentException("No environment variable can have the name '" + variable + "'");
            }
            environment.put(requireNonNull(variable, "variable"), requireNonNull(value, "value"));
            return this;
        }

        /**
         * Gives the workers no environment variables of this program: they have those that {@link #environment} adds,
         * before or after this call, and no others, so that calls cannot read secrets there. There are two exceptions.
         * {@code LANG}, {@code LC_ALL} and {@code LC_CTYPE} stay, since by them a JVM finds files whose names are not
         * ASCII, and {@code SystemRoot} on Windows; {@link #environment} replaces their values. And a worker is marked
         * by variables of Trestle's, whose names begin with {@code TRESTLE_WORKER}.
         *
         * <p>Programs that calls start have that environment too: without a {@code PATH}, for example, unless it is
         * added.
         *
         * @return this builder
         */
        public Builder clearEnvironment() {
            clearsEnvironment = true;
            return this;
        }

        /**
         * Adds a system property.
         *
         * <p>By default, workers have the default locales and the default time zone that this program has when the pool
         * is built; properties such as {@code user.language} and {@code user.timezone} change them. Later changes by
         * {@link Locale#setDefault(Locale)} or {@link TimeZone#setDefault} stay in the program.
         *
         * @param property its name
         * @param value its value
         * @return this builder
         */
        public Builder systemProperty(String property, String value) {
            systemProperties.put(requireNonNull(property, "property"), requireNonNull(value, "value"));
            return this;
        }

        /**
         * Logs by the logging system of this program what calls log by SLF4J in workers: under the same logger, with
         * the level, the message, the MDC, the markers, the pairs of the fluent API and the text of what was thrown.
         * Workers then load no logging system of their own. If not set, or with {@code OFF}, the workers' own logging
         * system writes these lines, as its configuration there says.
         *
         * {@snippet class="dev.trestle.processpool.ForwardedLogsTest" region="forward-logs"}
         *
         * <p>Lines below the level are dropped in the worker, at no cost; what is sent, this program's logging system
         * filters by its own configuration. A line is logged on the thread that reads the worker's output, a moment
         * later, without the place in the source; the limits of workers' output hold for it (10 000 lines and 1 MiB in
         * a second). Messages are cut to 16 KiB of characters. Code that logs by another way than SLF4J is seen if a
         * bridge to SLF4J, such as {@code jul-to-slf4j}, is there and set up in the worker.
         *
         * @param lowest the lowest level to forward; {@code ALL} is {@code TRACE}
         * @return this builder
         */
        public Builder forwardLogs(System.Logger.Level lowest) {
            forwardedLogs = LogForwarding.from(lowest);
            return this;
        }

        /**
         * Sets the working directory of the workers; the working directory of this program if not set.
         *
         * @param directory the directory
         * @return this builder
         */
        public Builder workingDirectory(Path directory) {
            workingDirectory = Optional.of(directory);
            return this;
        }

        /**
         * Sets the class path of the workers. If not set, they have the class path of this program, or the classes of
         * the class loader of this class if it is not the JVM's own. The class path must have Trestle on it, and the
         * classes of the calls, unless they are on the module path.
         *
         * @param value the class path, as {@code java -cp} takes it
         * @return this builder
         */
        public Builder classPath(String value) {
            classPath = Optional.of(value);
            return this;
        }

        /**
         * Sets the module path of the workers; the module path of this program if not set. Workers of a program on the
         * module path have the modules of this program that are found there, Trestle among them, and the modules that
         * these require; workers of a program on the class path have all modules that are there. The packages of these
         * modules are open to Trestle.
         *
         * @param value the module path, as {@code java -p} takes it
         * @return this builder
         */
        public Builder modulePath(String value) {
            modulePath = Optional.of(value);
            return this;
        }

        /**
         * Sets a call that each worker runs before its first call. A worker whose initializer fails does not start; if
         * no worker starts for the {@link #startRetryTime}, the pool is broken.
         *
         * @param call the call to run
         * @return this builder
         */
        public Builder initializer(RunnableCall call) {
            initializer = requireNonNull(call, "call");
            return this;
        }

        /**
         * Sets the time limit of a call whose {@link CallOptions} set none; without limit if not set.
         *
         * @param limit the time that a call may run
         * @return this builder
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder callTimeout(Duration limit) {
            callTimeout = Optional.of(positive("callTimeout", limit));
            return this;
        }

        /**
         * Sets the time that a worker may take to get ready, its initializer included, and the time that it may take
         * before the own code of a call begins; a minute if not set.
         *
         * @param limit the time
         * @return this builder
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder startTimeout(Duration limit) {
            startTimeout = positive("startTimeout", limit);
            return this;
        }

        /**
         * Sets the time for which the pool tries to start workers while none is ready; 10 seconds if not set. When all
         * starts have failed for that long, at least three times in a row, the pool is broken: the waiting calls fail
         * with a {@link BrokenExecutorException}, and so does each call that is submitted from then on. Between the
         * attempts are pauses that get longer (back-off), during which calls wait. As long as a worker is ready the
         * pool never breaks. A JVM that refuses its options breaks the pool at the third attempt: to wait would not
         * help.
         *
         * @param limit the time
         * @return this builder
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder startRetryTime(Duration limit) {
            startRetryTime = positive("startRetryTime", limit);
            return this;
        }

        /**
         * Sets the time that a call may go on after it was interrupted, before its worker is killed; 2 seconds if not
         * set.
         *
         * @param limit the time
         * @return this builder
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder cancelGrace(Duration limit) {
            cancelGrace = positive("cancelGrace", limit);
            return this;
        }

        /**
         * Sets the time that a worker may take to end, its shutdown hooks included, before it is killed; 5 seconds if
         * not set. The limit holds for every orderly end of a worker: by closing or shutting down the pool,
         * {@link ProcessPool#terminateWorkers}, {@link #idleTime}, {@link #maxTasksPerWorker}. A pool that was shut
         * down also waits for answers that are being read in this program, when it has nothing else to wait for: for
         * this time, and a second more for each 10 MB.
         *
         * <p>The same time is the limit of calls when the program is ended, by {@code System.exit} or a signal: of the
         * calls in flight, and of the calls that shutdown hooks of the program submit. The end of the JVM waits for
         * calls in flight, and when this time is over, the workers are killed and the calls that are left fail.
         * {@code System.exit} in a callback of a future waits for no call.
         *
         * @param limit the time
         * @return this builder
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder closeGrace(Duration limit) {
            closeGrace = positive("closeGrace", limit);
            return this;
        }

        /**
         * Sets the number of calls that a worker runs before another worker replaces it; without limit if not set. The
         * other worker is started before that, as a spare, so that no call waits for the start if calls take longer
         * than a start; for a while there is one process more.
         *
         * @param value the number of calls
         * @return this builder
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder maxTasksPerWorker(int value) {
            if (value < 1) {
                throw new IllegalArgumentException("A worker must be allowed 1 call or more: " + value);
            }
            maxTasksPerWorker = value;
            return this;
        }

        /**
         * Sets the age at which a worker is replaced, counted from when it was ready; without limit if not set. It goes
         * on until another worker is ready in its place, so that no call waits for the start, and ends then: after its
         * call, or at once if it is idle. For a while there is one process more. A worker that has run no call yet is
         * not replaced, however old, but after its first call: so an idle pool starts no processes.
         *
         * @param limit the age
         * @return this builder
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder maxAge(Duration limit) {
            maxAge = Optional.of(positive("maxAge", limit));
            return this;
        }

        /**
         * Sets the memory above which a worker is replaced when it has answered a call; without limit if not set. That
         * is for calls that leak, in the heap or in native code. The worker goes on until another is ready in its
         * place, so that no call waits for the start, and ends then: after its call, or at once if it is idle. No call
         * is lost.
         *
         * <p>The figure counts memory that the machine cannot take back: the heap, native memory, stacks and shared
         * memory, in memory or in swap, of the worker and of the processes that its calls have started. Files that are
         * mapped, such as the JDK, jars and the AOT cache, do not count. A worker that runs nothing has some 50 MB.
         * Linux only.
         *
         * @param bytes the size in bytes
         * @return this builder
         * @throws IllegalArgumentException if it is not positive
         * @see ProcessPool.Statistics#retiredByResident
         */
        public Builder maxResident(long bytes) {
            maxResident = OptionalLong.of(positive("maxResident", bytes));
            return this;
        }

        /**
         * Sets the number of calls that a worker runs at the same time, each on a thread of its own; 1 if not set. For
         * calls that share what is expensive to have more than once, such as a loaded model: they are threads of one
         * program, so what they share must be thread-safe. The pool starts a further worker when all places of the
         * workers that live are taken.
         *
         * <p>Each call is cancelled, and has its time limit, by itself. But a call that does not react to its interrupt
         * ends with its worker, and so do all calls that run there, as when the worker crashes, runs out of memory or
         * exits: these calls fail with a {@link WorkerDiedException} that says what the worker was ended for, or are
         * run again if they have {@link CallOptions#withRetries retries}. No call is sent ahead to a worker that has
         * none of its places free.
         *
         * <p>Limits of workers are those of all their calls together. A worker that is to be replaced, such as one that
         * is too old, ends after the last of its calls. The next one takes over as soon as a place is free, so that no
         * call waits for the longest one there. Until that has ended there are more processes, up to three times
         * {@code workers}, and more calls may run than {@link ProcessPool#parallelism parallelism()}.
         *
         * @param value the number of calls
         * @return this builder
         * @throws IllegalArgumentException if it is less than 1 or more than 64
         */
        public Builder callsPerWorker(int value) {
            if (value < 1 || value > WorkerJournal.MOST_PLACES) {
                throw new IllegalArgumentException("A worker may run between 1 and " + WorkerJournal.MOST_PLACES
                        + " calls at the same time: " + value + ". For more calls at a time, use more workers.");
            }
            callsPerWorker = value;
            return this;
        }

        /**
         * Bounds the queue, and with it the memory of waiting calls: while the queue is full, {@code submit},
         * {@code execute} and {@code stream} block their caller. In an event loop and in callbacks of futures of this
         * pool, which must not be blocked, these methods throw a {@link RejectedExecutionException}. Unbounded if not
         * set.
         *
         * @param value the number of calls that may wait for a worker
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
         * Sets the largest size of a call and of a result; 1 GiB if not set.
         *
         * @param bytes the size in bytes
         * @return this builder
         * @throws IllegalArgumentException if it is less than 1 KiB or more than 1 GiB
         */
        public Builder maxPayload(long bytes) {
            if (bytes < 1024 || bytes > 1L << 30) {
                throw new IllegalArgumentException(
                        "The largest payload must be between 1 KiB and 1 GiB, in bytes: " + bytes);
            }
            maxPayloadBytes = bytes;
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
         * Allows results to contain the types of a package that the signature of the call does not show.
         *
         * @param prefix the beginning of the types' names, such as {@code com.example.model.}
         * @return this builder
         */
        public Builder allowPackage(String prefix) {
            allowedTypes.add(prefix.endsWith(".") ? prefix : prefix + ".");
            return this;
        }

        /**
         * Sets whether workers start from an AOT cache of the JVM, which more than halves the time to their first
         * result; they do if not set. The cache is made in the background by a pool that lives for a few seconds, once
         * per JDK, class path and options; it takes a processor for some seconds and some 30 MB on disk. A later
         * program continues with the part that a program had to leave unfinished. There is no cache while the class
         * path has anything except jar files.
         *
         * @param value whether to make and to use caches
         * @return this builder
         * @see ProcessPool#makeAotCache
         */
        public Builder aotCache(boolean value) {
            aotCache = value;
            return this;
        }

        /**
         * Sets the directory of AOT caches. If not set, that is {@code trestle/aot} in {@code $XDG_CACHE_HOME} or
         * {@code ~/.cache}. Workers load code from there, so it is used only if no other user can put files there: it
         * and its files belong to this user, the directories above it to this user or root, and only their owners may
         * write to them. Otherwise a warning says why not, and workers start without a cache.
         *
         * @param directory the directory; it is created if it is not there
         * @return this builder
         */
        public Builder aotCacheDirectory(Path directory) {
            aotCacheDirectory = Optional.of(directory.toAbsolutePath());
            return this;
        }

        /** Sets the delay between the start of the first worker and the making of the AOT cache; for tests. */
        Builder aotCacheDelay(Duration value) {
            aotCacheDelay = value;
            return this;
        }

        /** Allows results to contain a type, or the types of a package if the name ends in a dot; see {@link Door}. */
        Builder allowName(String name) {
            allowedTypes.add(name);
            return this;
        }

        /** Sets the source of the workers; see {@link Door}. */
        Builder source(WorkerSource value) {
            source = value;
            return this;
        }

        private static Optional<Path> userAotCache() {
            return AotStore.userDirectory(System.getenv(), System.getProperty("user.home"));
        }

        /**
         * Sets the memory that a worker may hold, the processes that its calls have started included; without limit if
         * not set. A worker that holds more is killed, and its call fails with a {@link WorkerDiedException} that has
         * the figure and the limit; it is run again only if it has {@link CallOptions#withRetries retries}. So a call
         * that takes native memory without end costs itself, and not the machine.
         *
         * <p>The memory is counted as for {@link #maxResident}. The pool looks several times a second, the more often
         * the nearer a worker comes to the limit, and only while calls run or workers start: for a moment a worker may
         * hold more than the limit, usually some MB. If {@link #heap} is not set, the heap of workers is chosen so that
         * it fits.
         *
         * <p>Together with {@code maxResident}, a worker that has come half-way from that limit to this one is given no
         * further call, even if calls have to wait for another worker: so a call does not die of what others have
         * leaked.
         *
         * @param bytes the size in bytes
         * @return this builder
         * @throws IllegalArgumentException if it is less than 64 MiB, with which no worker could work
         * @see ProcessPool.Statistics#killedForMemory
         */
        public Builder memoryLimit(long bytes) {
            if (bytes < ProcessLimits.LEAST_MEMORY) {
                throw new IllegalArgumentException(
                        "memoryLimit must be 64 MiB or more, since a worker that runs nothing holds some 50 MiB; in"
                                + " bytes: " + bytes);
            }
            memoryLimit = OptionalLong.of(bytes);
            return this;
        }

        /**
         * Sets the number of processes and threads that the user of a worker may have at a time; what the system allows
         * if not set. At the limit, a call that starts a process gets an {@link java.io.IOException}, "Resource
         * temporarily unavailable", and one that starts a thread an {@link OutOfMemoryError}.
         *
         * <p>This is the limit {@code RLIMIT_NPROC} of the system. It counts all processes and threads of the user, in
         * other programs too, and a JVM has twenty to thirty threads itself; and it does not bind root, which the log
         * says when the pool is built. In a {@link #sandbox} it counts those of the worker only, binds root too, and is
         * 256 if not set.
         *
         * <p>Needs the program {@code prlimit} of util-linux, as {@link #fileSizeLimit} and {@link #cpuTimeLimit} do.
         *
         * @param value the number of processes and threads
         * @return this builder
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder processLimit(int value) {
            if (value < 1) {
                throw new IllegalArgumentException("processLimit must be positive: " + value);
            }
            processLimit = OptionalInt.of(value);
            return this;
        }

        /**
         * Sets the largest size of a file that a worker, or a process that it starts, writes; what the system allows
         * if not set. A call that writes more gets an {@link java.io.IOException}, "File too large". Needs the program
         * {@code prlimit}.
         *
         * @param bytes the size in bytes
         * @return this builder
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder fileSizeLimit(long bytes) {
            fileSizeLimit = OptionalLong.of(positive("fileSizeLimit", bytes));
            return this;
        }

        /**
         * Sets the processor time that a worker may use in its life, in seconds, rounded up; what the system allows if
         * not set. A worker that has used it is ended by SIGXCPU, and its call fails with a {@link WorkerDiedException}
         * that says so. Each process that it starts has the same limit for itself. To start takes a worker about a
         * second of it; the time limit of a single call is {@link #callTimeout}. Needs the program {@code prlimit}.
         *
         * @param limit the processor time
         * @return this builder
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder cpuTimeLimit(Duration limit) {
            cpuTimeLimit = Optional.of(positive("cpuTimeLimit", limit));
            return this;
        }

        private static long positive(String what, long bytes) {
            if (bytes < 1) {
                throw new IllegalArgumentException(what + " must be positive, in bytes: " + bytes);
            }
            return bytes;
        }

        private static Duration positive(String what, Duration value) {
            if (!value.isPositive()) {
                throw new IllegalArgumentException(what + " must be positive: " + value);
            }
            return value;
        }

        /**
         * Allows a debugger to attach to each worker, and switches off all that would end a worker at a breakpoint: the
         * time limits of calls and of starting, and the kill that follows an interrupt. Closing the pool still ends
         * workers.
         *
         * <p>Each worker listens on a free port of this machine's loopback address, and logs the port: the logger
         * {@code dev.trestle.processpool.worker} has a line "Listening for transport dt_socket at address: ...".
         *
         * <p><b>Not for production.</b> The protocol of debuggers, JDWP, has no authentication: every user of this
         * machine can attach to such a port and run any code as the user of this program. A warning in the log says so
         * when the pool is built, as it does for a debugger agent in {@link #jvmArguments}. Use either this method or
         * such an agent: a JVM takes only one.
         *
         * @return this builder
         */
        public Builder debug() {
            debug = true;
            return this;
        }

        /**
         * Lets the program end while calls of this pool run or wait. Such calls are lost without a message, and
         * {@code System.exit} and signals wait for none of them.
         *
         * @return this builder
         */
        public Builder daemon() {
            daemon = true;
            return this;
        }

        /**
         * Leaves the end of this pool to its owner when the JVM ends: the pool adds no shutdown hook. Calls go on for
         * as long as hooks of the program run, and the owner closes the pool in one of them, after all code that still
         * submits calls. Workers end with the program in any case; but if the owner does not close the pool, calls that
         * run then are lost, and the pool's private directory stays until a later program sweeps it up.
         *
         * @return this builder
         * @see #closeGrace
         */
        public Builder withoutShutdownHook() {
            shutdownHook = false;
            return this;
        }

        PoolOptions options() {
            var said = new ProcessLimits(memoryLimit, processLimit, fileSizeLimit, cpuTimeLimit);
            ProcessLimits ofProcess = sandbox.isPresent() ? Jail.limits(said, heapBytes) : said;
            var jvm = new JvmOptions(
                    workers,
                    sandbox.map(Sandbox::jail),
                    launcher,
                    jvmArguments,
                    heapBytes,
                    environment,
                    clearsEnvironment,
                    forwardedLogs.addTo(LocaleSettings.addTo(systemProperties, jvmArguments), jvmArguments),
                    workingDirectory,
                    classPath,
                    modulePath,
                    debug,
                    ofProcess);
            var limits = new PoolOptions.Limits(
                    callTimeout,
                    debug ? FOREVER : startTimeout,
                    startRetryTime,
                    debug ? FOREVER : cancelGrace,
                    closeGrace,
                    maxTasksPerWorker,
                    queueLimit,
                    maxPayloadBytes,
                    callsPerWorker,
                    new PoolOptions.Recycling(maxAge, maxResident, ofProcess.memory()));
            var aot = new PoolOptions.Aot(
                    aotCache ? aotCacheDirectory.or(Builder::userAotCache) : Optional.empty(), aotCacheDelay);
            return new PoolOptions(
                    name == null ? "trestle-processpool-" + poolNumbers.incrementAndGet() : name,
                    workers,
                    Math.min(minWorkers, workers),
                    idleTime,
                    allowedTypes,
                    daemon,
                    shutdownHook,
                    jvm,
                    limits,
                    aot,
                    source);
        }

        /**
         * Creates the pool. No worker is started yet.
         *
         * @return the pool
         * @throws CallNotSerializableException if the initializer cannot travel
         * @throws IllegalArgumentException if {@link #debug} and {@link #jvmArguments} both bring a debugger agent, if
         *     {@link #forwardLogs} and another option both choose a logging system for workers, or if {@link #heap} or
         *     {@link #jvmArguments} ask for a larger heap than {@link #memoryLimit} allows
         * @throws IllegalStateException if this is a worker of a worker of a worker, or if this program cannot have
         *     workers: the program of the {@link #launcher} is not there, no {@link #sandbox} can be made here, its
         *     Java runtime lacks a module, the place of its classes cannot be found, its Jackson cannot start with its
         *     version of jackson-annotations, or its SLF4J is too old for {@link #forwardLogs}; or if this system lacks
         *     what a limit of the workers needs: {@code /proc}, or the program {@code prlimit}
         */
        public ProcessPool build() {
            return new ProcessPool(options(), initializer);
        }
    }
}
