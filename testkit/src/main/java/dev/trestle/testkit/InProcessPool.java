package dev.trestle.testkit;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.Call;
import dev.trestle.api.ChunkResult;
import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.FutureExecutor;
import dev.trestle.api.RunnableCall;
import dev.trestle.processpool.CallNotSerializableException;
import dev.trestle.processpool.CallOptions;
import dev.trestle.processpool.RemoteException;
import dev.trestle.processpool.values.CallDecoder;
import dev.trestle.processpool.values.CallEncoder;
import dev.trestle.processpool.values.DecodedCall;
import dev.trestle.processpool.values.EncodedCall;
import dev.trestle.processpool.values.NotDecodableException;
import dev.trestle.processpool.values.NotEncodableException;
import dev.trestle.processpool.wire.Payload;
import dev.trestle.processpool.wire.WireOptions;
import dev.trestle.threadpool.ThreadPool;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A pool for tests that takes and refuses the calls that a {@link dev.trestle.processpool.ProcessPool} takes and
 * refuses, and runs them on threads of this JVM. Calls, results and exceptions are encoded and decoded as on their way
 * to a worker and back, so a test finds what cannot travel, and starts no process.
 *
 * {@snippet class="dev.trestle.testkit.JavadocExamplesTest" region="in-process"}
 *
 * <p>Captured values and results are copies, as with a process pool. Other things are not isolated:
 *
 * <ul>
 *   <li>Static fields are those of the program. A worker has its own.
 *   <li>{@code System.exit}, an endless loop or an exhausted heap hits the tests. No call ends with a
 *       {@link dev.trestle.processpool.WorkerDiedException}, and retries are not needed.
 *   <li>Cancellation and time limits interrupt a call. A call that ignores its interrupts goes on, where a worker would
 *       be killed; the future of a call whose time is over ends when the call does.
 *   <li>What a call prints goes to the streams of the program. {@code WorkerContext} has no listener: reports are
 *       dropped.
 *   <li>Time limits count from the beginning of the call, the reading of its values included. Prior to its own code
 *       nothing takes long here.
 * </ul>
 *
 * <p>All methods may be called from any thread.
 */
public final class InProcessPool implements FutureExecutor {

    private static final AtomicInteger pools = new AtomicInteger();

    private final String name = "trestle-in-process-" + pools.incrementAndGet();
    private final WireOptions wire;
    private final LocalArrays arrays = new LocalArrays();
    private final CallEncoder encoder;
    private final Map<ClassLoader, CallDecoder> decoders = new ConcurrentHashMap<>();
    private final ThreadPool threads;

    /**
     * Creates a pool.
     *
     * @param workers the largest number of calls that run at the same time
     * @throws IllegalArgumentException if it is not positive
     */
    public InProcessPool(int workers) {
        this(new InProcessPoolOptions(workers));
    }

    /**
     * Creates a pool.
     *
     * @param options the options
     */
    public InProcessPool(InProcessPoolOptions options) {
        // Out-of-band arrays are not copied: here all arrays go with the other bytes.
        this.wire = new WireOptions(options.maxPayloadBytes(), options.allowedTypes())
                .withOutOfBandBytes(Integer.MAX_VALUE);
        this.encoder = new CallEncoder(
                wire,
                (failure, why) -> new RemoteException(failure.headline(), failure.className(), why),
                type -> Optional.empty(),
                arrays);
        ThreadPool.Builder builder =
                ThreadPool.builder().size(options.workers()).namePrefix(name);
        options.queueLimit().ifPresent(builder::queueLimit);
        this.threads = builder.build();
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
     * Submits a call with options of its own, of which the time limit and the label count.
     *
     * @param call the call to run
     * @param callOptions the options of this call
     * @param <T> the type of the result
     * @return the future of the call
     * @throws CallNotSerializableException if the call cannot travel
     * @throws RejectedExecutionException if this pool has been shut down
     */
    public <T extends @Nullable Object> ConcurrentFuture<T> submit(Call<T> call, CallOptions callOptions) {
        return start(call, callOptions);
    }

    /**
     * Submits a call without a result, with options of its own, of which the time limit and the label count.
     *
     * @param call the call to run
     * @param callOptions the options of this call
     * @return the future of the call
     * @throws CallNotSerializableException if the call cannot travel
     * @throws RejectedExecutionException if this pool has been shut down
     */
    public ConcurrentFuture<?> submit(RunnableCall call, CallOptions callOptions) {
        return start(call, callOptions);
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
        return accept(task, travel(task, CallOptions.DEFAULT, _ -> result));
    }

    /**
     * Runs a task without a future. An exception of the task goes to the thread's uncaught exception handler.
     *
     * @param task the task to run
     * @throws CallNotSerializableException if the task cannot travel
     * @throws RejectedExecutionException if this pool has been shut down
     */
    @Override
    public void execute(Runnable task) {
        Callable<@Nullable Object> travelling = travel(task, CallOptions.DEFAULT, result -> result);
        try {
            threads.execute(() -> {
                try {
                    var _ = travelling.call();
                } catch (Exception e) {
                    throw e instanceof RuntimeException unchecked ? unchecked : new CompletionException(e);
                }
            });
        } catch (RejectedExecutionException e) {
            throw isShutdown() ? shutDown(task) : e;
        }
    }

    /**
     * Runs a call without a future; see {@link #execute(Runnable)}.
     *
     * @param call the call to run
     * @throws CallNotSerializableException if the call cannot travel
     * @throws RejectedExecutionException if this pool has been shut down
     */
    public void execute(RunnableCall call) {
        execute((Runnable) call);
    }

    @SuppressWarnings({"unchecked", "NullAway"}) // what a Callable<T> returns is a T, and null only if T has it
    private <T extends @Nullable Object> ConcurrentFuture<T> start(Object task, CallOptions callOptions) {
        return accept(task, travel(task, callOptions, result -> (T) result));
    }

    private <T extends @Nullable Object> ConcurrentFuture<T> accept(Object task, Callable<T> travelling) {
        try {
            return threads.submit(travelling);
        } catch (RejectedExecutionException e) {
            throw isShutdown() ? shutDown(task) : e;
        }
    }

    private RejectedExecutionException shutDown(Object task) {
        return new RejectedExecutionException(
                "Cannot submit " + task.getClass().getName() + " to " + this + ": it has been shut down");
    }

    /** Encodes a task; returns what decodes it, runs it, and brings its outcome back. */
    private <T extends @Nullable Object> Callable<T> travel(
            Object task, CallOptions callOptions, Function<@Nullable Object, T> resultOf) {
        requireNonNull(callOptions, "callOptions");
        EncodedCall encoded = encode(task);
        CallDecoder decoder = decoder(task.getClass());
        return () -> {
            if (callOptions.timeout().isEmpty()) {
                return resultOf.apply(run(encoded, decoder));
            }
            String site = encoded.description();
            String label = callOptions.label();
            try (var timed = new TimedRun(
                    label.isEmpty() ? site : label + " (" + site + ")",
                    callOptions.timeout().get())) {
                Object result = null;
                Throwable failure = null;
                try {
                    result = run(encoded, decoder);
                } catch (Throwable e) { // thrown below, unless the time is over
                    failure = e;
                }
                TimeoutException timeout = timed.timeout();
                if (timeout != null) {
                    throw timeout;
                }
                if (failure != null) {
                    throw asThrown(failure);
                }
                return resultOf.apply(result);
            }
        };
    }

    private EncodedCall encode(Object task) {
        requireNonNull(task, "task");
        try {
            return encoder.encode(task);
        } catch (NotEncodableException e) {
            if (isShutdown()) { // which comes before what may be wrong with the task
                throw shutDown(task);
            }
            throw new CallNotSerializableException(e.getMessage() + CallEncoder.remedyForAWrapper(task), e);
        }
    }

    private CallDecoder decoder(Class<?> task) {
        ClassLoader loader = Optional.ofNullable(task.getClassLoader()).orElseGet(ClassLoader::getSystemClassLoader);
        return decoders.computeIfAbsent(loader, each -> new CallDecoder(wire, each, arrays));
    }

    // Running, on the pool's threads

    private @Nullable Object run(EncodedCall encoded, CallDecoder decoder) throws Exception {
        DecodedCall decoded = null;
        try {
            decoded = decoder.decode(encoded.payload());
            Object result;
            try {
                result = decoded.run();
            } catch (Throwable e) {
                throw asThrown(encoded.decodeFailure(
                        decoded.encodeFailure(e), Thread.currentThread().getName()));
            }
            return encoded.decodeResult(encode(decoded, result));
        } catch (NotDecodableException | NotEncodableException e) {
            throw new CallNotSerializableException(encoded.description() + ": " + e.getMessage(), e);
        } finally {
            if (decoded != null) {
                decoded.end();
            }
            encoded.releaseArrays();
            encoded.release();
        }
    }

    /** Encodes a result. In a chunk of {@code map}, a result that cannot travel fails its own input only. */
    private static Payload encode(DecodedCall decoded, @Nullable Object result) throws NotEncodableException {
        if (!(result instanceof ChunkResult chunk)) {
            return decoded.encodeResult(result);
        }
        try {
            return decoded.encodeResult(chunk.toData());
        } catch (NotEncodableException e) {
            chunk.refuse(outcome -> problemWith(decoded, outcome));
            return decoded.encodeResult(chunk.toData());
        }
    }

    private static @Nullable Throwable problemWith(DecodedCall decoded, @Nullable Object outcome) {
        try {
            var _ = decoded.encodeResult(outcome);
            return null;
        } catch (NotEncodableException e) {
            return new CallNotSerializableException(requireNonNull(e.getMessage()), null);
        }
    }

    /** Returns the exception to throw for an exception of a call; throws it if it is an error. */
    private static Exception asThrown(Throwable exception) {
        return switch (exception) {
            case Exception e -> e;
            case Error e -> throw e;
            default -> new CompletionException(exception);
        };
    }

    // Ending

    @Override
    public void shutdown() {
        threads.shutdown();
    }

    @Override
    public List<Runnable> shutdownNow() {
        return threads.shutdownNow();
    }

    @Override
    public boolean isShutdown() {
        return threads.isShutdown();
    }

    @Override
    public boolean isTerminated() {
        return threads.isTerminated();
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
        return threads.awaitTermination(timeout, unit);
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalStateException also in a call of this pool, and in a callback that one of its threads runs
     */
    @Override
    public void close() {
        threads.close();
    }

    @Override
    public int parallelism() {
        return threads.parallelism();
    }

    @Override
    public String toString() {
        return "InProcessPool[" + threads + "]";
    }
}
