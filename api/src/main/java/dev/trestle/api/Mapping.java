package dev.trestle.api;

import static java.util.Objects.requireNonNull;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.Spliterators.AbstractSpliterator;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * One run of {@link FutureExecutor#map}: the chunks in flight, and the results that were taken out of the last one.
 *
 * <p>Confined to the thread that consumes the stream, but for {@code completed}, which futures fill.
 */
final class Mapping<A extends @Nullable Object, R extends @Nullable Object> extends AbstractSpliterator<R> {

    /*
     * Inputs travel in chunks, a call each. A chunk stops at its first failing item and says how far it came: so the
     * items before the failure keep their results, the failure is thrown at its place, and the items after it, which
     * never ran, go out again as a chunk of their own when the options say to go on.
     *
     * Size of a chunk: as many items as took TARGET_NANOS, by the times the chunks before it measured where they ran; at
     * most four times the size that was measured; and when the number of inputs is known, not more than leaves every worker two
     * more chunks (guided self-scheduling, Polychronopoulos and Kuck 1987), so that all workers end together.
     */

    /** Long beside what a call costs (tens of microseconds), short beside what a person waits. */
    private static final long TARGET_NANOS = 5_000_000;

    private static final int LARGEST_AUTOMATIC_CHUNK = 16_384;

    private final FutureExecutor executor;
    private final CallFunction<A, R> fn;
    private final MapOptions options;
    private final Deadline deadline;
    private final int chunksInFlight;
    private final Iterator<A> inputs;
    private long inputsLeft;

    private final Deque<Chunk<A>> inOrder = new ArrayDeque<>();
    private final Set<Chunk<A>> inFlight = new HashSet<>();
    private final BlockingQueue<Chunk<A>> completed = new LinkedBlockingQueue<>();
    private long itemsTaken;
    private long itemsDelivered;
    private int chunkSize = 1;
    private boolean ended;

    private Iterator<R> results = List.<R>of().iterator();
    private @Nullable Throwable failure;
    private int failures;

    private Mapping(FutureExecutor executor, CallFunction<A, R> fn, Iterable<A> inputs, MapOptions options) {
        super(inputs instanceof Collection<?> known ? known.size() : Long.MAX_VALUE, 0);
        this.executor = executor;
        this.fn = requireNonNull(fn, "fn");
        this.options = requireNonNull(options, "options");
        this.deadline = Deadline.in(options.timeout().orElse(null));
        this.chunksInFlight = (int) Math.min(2L * executor.parallelism() + 2, 1 << 16);
        this.inputs = inputs.iterator();
        this.inputsLeft = estimateSize();
    }

    static <A extends @Nullable Object, R extends @Nullable Object> Stream<R> stream(
            FutureExecutor executor, CallFunction<A, R> fn, Iterable<A> inputs, MapOptions options) {
        var mapping = new Mapping<>(executor, fn, inputs, options);
        mapping.submitMore();
        return StreamSupport.stream(mapping, false).onClose(mapping::cancelRest);
    }

    @Override
    public boolean tryAdvance(Consumer<? super R> action) {
        while (!results.hasNext()) {
            if (failures > 0) {
                throw nextFailure();
            }
            Chunk<A> chunk = nextDone();
            if (chunk == null) {
                return false;
            }
            take(chunk);
            inFlight.remove(chunk);
            submitMore();
        }
        R result = results.next();
        itemsDelivered++;
        submitMore();
        action.accept(result);
        return true;
    }

    // Sending

    private void submitMore() {
        try {
            while (!ended && inFlight.size() < chunksInFlight && roomForItems() > 0 && inputs.hasNext()) {
                int size = (int) Math.min(nextChunkSize(), roomForItems());
                var items = new ArrayList<A>(Math.min(size, 1024));
                while (items.size() < size && inputs.hasNext()) {
                    items.add(inputs.next());
                    inputsLeft--;
                    itemsTaken++;
                }
                submit(items, false);
            }
        } catch (Throwable e) { // of an input, as a rule
            cancelRest();
            throw e;
        }
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
        ConcurrentFuture<List<Object>> future;
        try {
            future = executor.submit(chunkCall(fn, items));
        } catch (Throwable refused) {
            cancelRest();
            throw refused;
        }
        var chunk = new Chunk<>(items, future);
        inFlight.add(chunk);
        if (options.order() == MapOptions.Order.COMPLETION) {
            future.addDoneCallback(_ -> completed.add(chunk));
        } else if (first) {
            inOrder.addFirst(chunk);
        } else {
            inOrder.addLast(chunk);
        }
    }

    private static <A extends @Nullable Object, R extends @Nullable Object> Call<List<Object>> chunkCall(
            CallFunction<A, R> fn, List<A> items) {
        return () -> run(fn, items);
    }

    /** Runs in the worker. Returns the time it took, what the last item threw or null, and the results before it. */
    @SuppressWarnings("NullAway") // a list of nullable objects, which its type cannot say to the wire
    private static <A extends @Nullable Object, R extends @Nullable Object> List<Object> run(
            CallFunction<A, R> fn, List<A> items) {
        long start = System.nanoTime();
        var reply = new ArrayList<Object>(items.size() + 2);
        reply.add(0L);
        reply.add(null);
        for (A item : items) {
            try {
                reply.add(fn.apply(item));
            } catch (Throwable e) {
                if (e instanceof InterruptedException) {
                    Thread.currentThread().interrupt();
                }
                reply.set(1, e);
                break;
            }
        }
        reply.set(0, System.nanoTime() - start);
        return reply;
    }

    // Receiving

    private @Nullable Chunk<A> nextDone() {
        if (inFlight.isEmpty()) {
            return null;
        }
        if (options.order() == MapOptions.Order.INPUT) {
            return inOrder.removeFirst();
        }
        Chunk<A> chunk = completed.poll();
        try {
            if (chunk == null) {
                WaitGuards.beforeWait(inFlight.iterator().next().future());
                chunk = deadline.poll(completed);
            }
        } catch (InterruptedException e) {
            cancelRest();
            throw Interruption.during("waiting for the next result of map", e);
        }
        if (chunk == null) {
            throw timedOut();
        }
        return chunk;
    }

    @SuppressWarnings({"unchecked", "NullAway"}) // as in run
    private void take(Chunk<A> chunk) {
        List<Object> reply;
        try {
            reply = deadline.timeout() == null
                    ? chunk.future().get()
                    : chunk.future().get(deadline.left(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw timedOut();
        } catch (InterruptedException e) {
            cancelRest();
            throw Interruption.during("waiting for the next result of map", e);
        } catch (ExecutionException e) {
            fail(e.getCause(), chunk.items().size());
            return;
        } catch (CancellationException e) {
            fail(e, chunk.items().size());
            return;
        }
        results = (Iterator<R>) reply.subList(2, reply.size()).iterator();
        int ran = reply.size() - 2;
        var thrown = (Throwable) reply.get(1);
        if (thrown == null) {
            measure((Long) reply.get(0), ran);
            return;
        }
        fail(thrown, 1);
        if (options.onError() == MapOptions.OnError.CONTINUE
                && ran + 1 < chunk.items().size()) {
            submit(new ArrayList<>(chunk.items().subList(ran + 1, chunk.items().size())), true);
        }
    }

    private void measure(long nanos, int items) {
        long perItem = Math.max(1, nanos / Math.max(1, items));
        long wanted = Math.min(TARGET_NANOS / perItem, Math.max(chunkSize, 4L * items));
        chunkSize = Math.clamp(wanted, 1, LARGEST_AUTOMATIC_CHUNK);
    }

    private void fail(@Nullable Throwable thrown, int items) {
        failure = thrown;
        failures = options.onError() == MapOptions.OnError.CONTINUE ? items : 1;
    }

    private RuntimeException nextFailure() {
        Throwable thrown = requireNonNull(failure);
        failures--;
        itemsDelivered++;
        if (options.onError() == MapOptions.OnError.STOP) {
            cancelRest();
        }
        return switch (thrown) {
            case RuntimeException exception -> exception;
            case Error error -> throw error;
            default -> new CompletionException(thrown);
        };
    }

    // Ending

    private CompletionException timedOut() {
        long done = inFlight.stream().filter(chunk -> chunk.future().isDone()).count();
        int total = inFlight.size();
        cancelRest();
        return new CompletionException(new TimeoutException("map was not done after " + deadline + ": of " + total
                + " calls in flight " + done + " were done; the others have been cancelled"));
    }

    /** Cancels what is in flight and takes no further input; the end of the stream, however it comes. */
    private void cancelRest() {
        inFlight.forEach(chunk -> chunk.future().cancel(true));
        inFlight.clear();
        inOrder.clear();
        completed.clear();
        ended = true;
    }

    private record Chunk<A extends @Nullable Object>(List<A> items, ConcurrentFuture<List<Object>> future) {
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
