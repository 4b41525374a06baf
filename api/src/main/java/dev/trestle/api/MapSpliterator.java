package dev.trestle.api;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;
import java.util.Spliterators.AbstractSpliterator;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * One run of {@link FutureExecutor#map}: the chunks in flight, and the outcomes of the last one that have not been
 * handed out.
 *
 * <p>Confined to the thread that consumes the stream, except {@code completed}, which futures fill, and what closing
 * needs: another thread may close the stream.
 */
final class MapSpliterator<A extends @Nullable Object, R extends @Nullable Object> extends AbstractSpliterator<R> {

    /*
     * Inputs travel in chunks, and each chunk is one call. A chunk stops at its first failing input and reports the
     * position of that input: so the inputs before the failure keep their results, the failure is thrown at its place,
     * and the inputs after it, which never ran, are sent again as a chunk of their own when the options say to go on.
     *
     * Size of a chunk: as many inputs as took TARGET_NANOS, by the times the chunks before it measured where they ran;
     * at most four times the size that was measured; and when the number of inputs is known, at most what leaves every
     * worker two more chunks (guided self-scheduling, Polychronopoulos and Kuck 1987), so that all workers end
     * together. A chunk is sent before it is full when the next input is slow to come: that input may depend on the
     * result of earlier inputs.
     *
     * The stream ends when there is nothing in flight, nothing to hand out, and the inputs, asked once more, have no
     * next one. An exception of the inputs, and a refusal by the executor, is thrown after the results of all inputs
     * that were submitted before.
     */

    /**
     * The time that a chunk should take: long next to the cost of a call (tens of microseconds), short next to a
     * person's patience.
     */
    private static final long TARGET_NANOS = 5_000_000;

    private static final int LARGEST_AUTOMATIC_CHUNK = 16_384;

    private final FutureExecutor executor;
    private final CallFunction<A, R> fn;
    private final MapOptions options;
    private final Deadline deadline;
    private final int chunksInFlight;
    private final MapInputs<A> inputs;
    private long inputsLeft;

    private final Object lock = new Object();

    @GuardedBy("lock")
    private final Deque<Chunk<A>> inOrder = new ArrayDeque<>();

    @GuardedBy("lock")
    private final SequencedSet<Chunk<A>> inFlight = new LinkedHashSet<>();

    private final Arrivals<Chunk<A>> completed = new Arrivals<>();
    private long itemsTaken;
    private long itemsDelivered;
    private int chunkSize = 1;

    /** True when the stream has ended: everything has been handed out, cancelled, or dropped. */
    private volatile boolean ended;

    /** The reason why no further inputs can be submitted. */
    private @Nullable Throwable refusal;

    private volatile ChunkResult.@Nullable Outcomes outcomes;

    private MapSpliterator(FutureExecutor executor, CallFunction<A, R> fn, Iterable<A> inputs, MapOptions options) {
        super(inputs instanceof Collection<?> known ? known.size() : Long.MAX_VALUE, 0);
        this.executor = executor;
        this.fn = requireNonNull(fn, "fn");
        this.options = requireNonNull(options, "options");
        this.deadline = Deadline.in(options.timeout().orElse(null));
        this.chunksInFlight = (int) Math.min(2L * executor.parallelism() + 2, 1 << 16);
        this.inputs = MapInputs.of(inputs);
        this.inputsLeft = estimateSize();
    }

    static <A extends @Nullable Object, R extends @Nullable Object> Stream<R> stream(
            FutureExecutor executor, CallFunction<A, R> fn, Iterable<A> inputs, MapOptions options) {
        StackRoom.requireForLinkage();
        var mapping = new MapSpliterator<>(executor, fn, inputs, options);
        mapping.submitMore(true);
        if (mapping.countInFlight() == 0) {
            mapping.throwIfRefused();
        }
        return StreamSupport.stream(mapping, false).onClose(mapping::end);
    }

    @Override
    @SuppressWarnings("unchecked") // as fn returned it
    public boolean tryAdvance(Consumer<? super R> action) {
        ChunkResult.Outcomes ready;
        try {
            ready = nextOutcomes();
        } catch (Throwable e) { // also a refusal to wait, after which the program may never close the stream
            end();
            throw e;
        }
        if (ready == null) {
            return false;
        }
        itemsDelivered++;
        Throwable failure = ready.nextFailure();
        if (failure != null) {
            if (options.onError() == MapOptions.OnError.STOP) {
                end();
            }
            throw unchecked(failure);
        }
        R result = (R) ready.nextResult();
        if (!inputs.isExhausted()) { // else they are asked again when there is nothing to hand out
            submitMore(true);
        }
        action.accept(result);
        return true;
    }

    /** Returns outcomes of which there is a next one; null at the end. */
    private ChunkResult.@Nullable Outcomes nextOutcomes() {
        boolean wasEnded = ended;
        while (true) {
            ChunkResult.Outcomes ready = outcomes;
            if (!ended && ready != null && ready.hasNext()) {
                return ready;
            }
            outcomes = null;
            Chunk<A> chunk = ended ? null : nextDone();
            if (ended && !wasEnded) {
                throw new CancellationException("The stream of map was closed while its next result was awaited");
            }
            if (chunk == null) {
                throwIfRefused();
                end();
                return null;
            }
            take(chunk);
        }
    }

    private void throwIfRefused() {
        Throwable thrown = refusal == null ? inputs.failure() : refusal;
        if (thrown != null && !ended) {
            end();
            throw unchecked(thrown);
        }
    }

    /** Returns an unchecked exception to throw: this one, or one around it; throws an error. */
    private static RuntimeException unchecked(Throwable thrown) {
        return switch (thrown) {
            case RuntimeException exception -> exception;
            case Error error -> throw error;
            default -> Causes.completion(thrown);
        };
    }

    // Sending

    /**
     * Submits chunks of inputs while there is room for them.
     *
     * @param resultReady true if the caller has a result to hand out, and so must not wait for an input that is slow to
     *     come
     */
    private void submitMore(boolean resultReady) {
        while (hasRoom()) {
            int size = (int) Math.min(nextChunkSize(), roomForItems());
            List<A> items;
            try {
                if (!resultReady && inputs.mayWait() && !isDoneAhead()) {
                    WaitGuards.beforeWait(anyInFlight());
                }
                items = inputs.read(size, () -> resultReady || isDoneAhead(), deadline);
            } catch (InterruptedException e) {
                throw interrupted(e);
            }
            if (!items.isEmpty()) {
                inputsLeft -= items.size();
                itemsTaken += items.size();
                submit(items, false);
            }
            if (items.size() < size) {
                return;
            }
        }
    }

    private boolean hasRoom() {
        return !ended && refusal == null && countInFlight() < chunksInFlight && roomForItems() > 0;
    }

    private long roomForItems() {
        return options.lookAhead() == 0 ? Long.MAX_VALUE : options.lookAhead() - (itemsTaken - itemsDelivered);
    }

    private int nextChunkSize() {
        if (options.chunkSize() > 0) {
            return options.chunkSize();
        }
        long fairShare = inputsLeft / (2L * executor.parallelism()) + 1;
        return Math.clamp(fairShare, 1, chunkSize);
    }

    private void submit(List<A> items, boolean first) {
        ConcurrentFuture<Object> future;
        try {
            future = executor.submit(chunkCall(fn, items));
        } catch (Throwable e) { // thrown after the results of what was submitted before
            refusal = e;
            return;
        }
        var chunk = new Chunk<>(items, future);
        boolean isOrdered = options.order() == MapOptions.Order.INPUT;
        synchronized (lock) {
            if (!ended) {
                inFlight.add(chunk);
            }
            if (!ended && isOrdered && first) {
                inOrder.addFirst(chunk);
            } else if (!ended && isOrdered) {
                inOrder.addLast(chunk);
            }
        }
        if (ended) { // another thread has closed the stream, perhaps before it could see this call
            future.cancel(true);
        } else if (!isOrdered) {
            completed.expect(future, chunk);
        }
        if (inputs.mayWait()) {
            future.addDoneCallback(_ -> inputs.resultArrived());
        }
    }

    private static <A extends @Nullable Object, R extends @Nullable Object> Call<Object> chunkCall(
            CallFunction<A, R> fn, List<A> items) {
        return () -> ChunkResult.of(fn, items);
    }

    // Receiving

    /** Returns whether the next chunk to be taken is done. */
    private boolean isDoneAhead() {
        if (options.order() == MapOptions.Order.COMPLETION) {
            return !completed.isEmpty();
        }
        synchronized (lock) {
            Chunk<A> next = inOrder.peekFirst();
            return next != null && next.future().isDone();
        }
    }

    /** Returns a future to name in a refusal to wait: that of a call in flight, or of an input that is yet to come. */
    private ConcurrentFuture<?> anyInFlight() {
        synchronized (lock) {
            return inFlight.isEmpty() ? new Promise<>() : inFlight.getFirst().future();
        }
    }

    private int countInFlight() {
        synchronized (lock) {
            return inFlight.size();
        }
    }

    /** Returns the chunks in flight. */
    private List<Chunk<A>> flying() {
        synchronized (lock) {
            return List.copyOf(inFlight);
        }
    }

    /** Returns the next chunk to take, which may have to be waited for; null if there is none and will be none. */
    private @Nullable Chunk<A> nextDone() {
        while (true) {
            submitMore(false);
            if (isDoneAhead() || !hasRoom() || inputs.isExhausted()) {
                return countInFlight() == 0 ? null : waitForDone();
            }
            if (deadline.left() == 0) {
                throw timedOut();
            }
        }
    }

    /** Returns the next chunk; null if another thread has closed the stream. */
    private @Nullable Chunk<A> waitForDone() {
        if (options.order() == MapOptions.Order.INPUT) {
            synchronized (lock) {
                return inOrder.pollFirst();
            }
        }
        Chunk<A> chunk = completed.poll();
        try {
            if (chunk == null) {
                for (Chunk<A> each : flying()) {
                    if (!each.future().isDone()) {
                        WaitGuards.beforeWait(each.future());
                    }
                }
                chunk = completed.poll(deadline);
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
        if (chunk == null) {
            throw timedOut();
        }
        return chunk;
    }

    /** Takes the outcomes of a chunk; waits until it is done. */
    private void take(Chunk<A> chunk) {
        ChunkResult result;
        List<A> items = chunk.items();
        try {
            Object returned = deadline.timeout() == null
                    ? chunk.future().get()
                    : chunk.future().get(deadline.left(), TimeUnit.NANOSECONDS);
            result = ChunkResult.from(returned);
        } catch (TimeoutException e) {
            throw timedOut();
        } catch (InterruptedException e) {
            throw interrupted(e);
        } catch (ExecutionException e) {
            result = ChunkResult.failed(requireNonNull(e.getCause()), items.size());
        } catch (CancellationException e) {
            result = ChunkResult.failed(e, items.size());
        }
        synchronized (lock) {
            inFlight.remove(chunk);
        }
        outcomes = result.outcomes();
        if (!result.hasFailures()) {
            measure(result.nanos(), result.size());
        } else if (result.size() < items.size() && options.onError() == MapOptions.OnError.CONTINUE) {
            submit(new ArrayList<>(items.subList(result.size(), items.size())), true);
        }
    }

    private void measure(long nanos, int items) {
        long perItem = Math.max(1, nanos / Math.max(1, items));
        long wanted = Math.min(TARGET_NANOS / perItem, Math.max(chunkSize, 4L * items));
        chunkSize = Math.clamp(wanted, 1, LARGEST_AUTOMATIC_CHUNK);
    }

    // Ending

    private CompletionException timedOut() {
        List<Chunk<A>> chunks = flying();
        long done = chunks.stream().filter(chunk -> chunk.future().isDone()).count();
        int total = chunks.size();
        end();
        return new CompletionException(new TimeoutException("map was not done after " + deadline + ": of " + total
                + " calls in flight " + done + " were done; the others have been cancelled"));
    }

    private CompletionException interrupted(InterruptedException e) {
        end();
        return Interruption.during("waiting for the next result of map", e);
    }

    /**
     * Cancels the calls in flight, hands out nothing more, and takes no further input. Every way in which the stream
     * ends leads here, also in another thread.
     */
    private void end() {
        synchronized (lock) {
            ended = true;
            outcomes = null;
            inOrder.clear();
        }
        inputs.close();
        for (Chunk<A> last = removeLast(); last != null; last = removeLast()) {
            last.future().cancel(true); // the last one first, so no chunk begins in the place of another
        }
    }

    private @Nullable Chunk<A> removeLast() {
        synchronized (lock) {
            return inFlight.isEmpty() ? null : inFlight.removeLast();
        }
    }

    private record Chunk<A extends @Nullable Object>(List<A> items, ConcurrentFuture<Object> future) {
        @Override
        public boolean equals(@Nullable Object other) {
            return this == other;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(this);
        }
    }
}
