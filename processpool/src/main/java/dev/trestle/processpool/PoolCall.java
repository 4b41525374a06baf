package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.Promise;
import dev.trestle.api.QueueLimit;
import dev.trestle.processpool.remote.CallIntake;
import dev.trestle.processpool.values.EncodedCall;
import dev.trestle.processpool.values.NotDecodableException;
import dev.trestle.processpool.values.RunTime;
import dev.trestle.processpool.wire.CallContext;
import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.Payload;
import dev.trestle.processpool.wire.ProtocolException;
import dev.trestle.processpool.wire.ShownText;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** One call on its way, from {@code submit} to the end of its future. */
final class PoolCall<T extends @Nullable Object> implements Promise.Canceller {

    private static final VarHandle HOLDS_PROGRAM;
    private static final VarHandle PLACE;

    static {
        try {
            var lookup = MethodHandles.lookup();
            HOLDS_PROGRAM = lookup.findVarHandle(PoolCall.class, "holdsProgram", boolean.class);
            PLACE = lookup.findVarHandle(PoolCall.class, "place", QueueLimit.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final long id;
    private final ResultKind kind;
    private final EncodedCall encoded;
    private final String label;
    private final Dispatcher dispatcher;
    private final Function<@Nullable Object, T> resultOf;
    private final Promise<T> promise = new Promise<>(this);

    // Guarded by the dispatcher's lock

    /** The worker that has this call. */
    @Nullable
    Worker worker;

    /**
     * The number of this call among all calls of its worker. The numbers ascend; the worker knows a call by its number.
     */
    long ticket;

    /** The expected run time of this call when it was given to its worker. */
    long expectedNanos;

    /** The column of the statistics that counts this call; null while the call has not ended. */
    @Nullable
    Ending ending;

    private enum ResultKind {
        VALUE,
        STREAM
    }

    /** The way in which the future of a call ended. */
    enum Ending {
        /** The worker's answer, a result or an exception, was set. */
        COMPLETED,
        CANCELLED,
        /** The call's time limit passed. */
        TIMED_OUT,
        /** The call's worker died, or no worker could start. */
        LOST
    }

    /** The place of this call in the queue, if it waits there. */
    final CallQueue.Links queueLinks;

    /** True if a worker has answered this call, so that the future ends as soon as the answer has been read. */
    boolean isAnswered;

    /** True once the pool has asked the call's worker to give the call back; set before the worker is asked. */
    private volatile boolean askedBack;

    /** The time limit of this call; null if it has none. */
    final @Nullable Deadline deadline;

    /** The part of a cancellation that the dispatcher's caretaker has still to pass on to the worker; null if none. */
    volatile @Nullable Untold untold;

    /**
     * A cancellation that could not be passed on to the worker when it happened: there was no memory or stack for it.
     */
    enum Untold {
        /** The call goes on, and is told of its cancellation. */
        POLITE,
        /** The call is interrupted. */
        INTERRUPTING
    }

    /** Set when its future was ended by another thread than the one that reads its answer. */
    private volatile boolean abandoned;

    /** Tells a flight recording of this call, if there is one. */
    private final @Nullable CallEvent event;

    /** Measures this call for the monitors of the pool; null if there are none. */
    private final @Nullable CallStopwatch stopwatch;

    private volatile @Nullable ListenerQueue listenerQueue;

    /** Takes the items, if the result of the call is a stream of them. */
    private final @Nullable ItemBuffer itemBuffer;

    /** Gets the answers of the worker unread, if the call comes from another program. */
    private final CallIntake.@Nullable Answers answers;

    private final RunTime runTime;

    /** True if the program waits for this call before it ends by itself. */
    private volatile boolean holdsProgram;

    /** The limited queue in which this call has a place until it ends; null if it has none. */
    private volatile @Nullable QueueLimit place;

    /** The context that goes along with the call; none when the call is over. */
    private volatile CallContext context = CallContext.EMPTY;

    private int retriesLeft;
    private int deathsBefore;
    private int evidence;

    /**
     * @param resultOf makes the result of the future from what the worker sends
     */
    PoolCall(
            long id,
            EncodedCall encoded,
            CallOptions options,
            Dispatcher dispatcher,
            Function<@Nullable Object, T> resultOf) {
        this(id, encoded, options, dispatcher, resultOf, ResultKind.VALUE, null);
    }

    private PoolCall(
            long id,
            EncodedCall encoded,
            CallOptions options,
            Dispatcher dispatcher,
            Function<@Nullable Object, T> resultOf,
            ResultKind kind,
            CallIntake.@Nullable Answers answers) {
        this.id = id;
        this.kind = kind;
        this.answers = answers;
        this.queueLinks = CallQueue.Links.of(this, options);
        this.resultOf = resultOf;
        this.encoded = encoded;
        this.label = options.label();
        this.dispatcher = dispatcher;
        this.retriesLeft = options.retries();
        this.event = CallEvent.submitted(dispatcher.poolName());
        if (event != null) {
            promise.addDoneCallback(done -> event.ended(done, description()));
        }
        this.stopwatch = CallStopwatch.submitted(dispatcher.monitors());
        if (stopwatch != null) {
            promise.addDoneCallback(stopwatch::ended);
        }
        Duration limit = options.timeout().orElse(null);
        this.deadline = limit != null && dispatcher.hasDeadlines() ? new Deadline(dispatcher, this, limit) : null;
        if (deadline != null) {
            promise.addDoneCallback(
                    _ -> dispatcher.ended(this)); // before the callbacks of the program, which may wait for its worker
        }
        if (queueLinks.wantedKey() != null) {
            promise.addDoneCallback(_ -> dispatcher.leaveKey(this));
        }
        CallListener listener = options.listener().orElse(null);
        this.listenerQueue = listener == null ? null : new ListenerQueue(listener, "trestle-listener-" + id);
        this.itemBuffer = kind == ResultKind.STREAM && answers == null ? new ItemBuffer(this, dispatcher) : null;
        // The time of a stream depends on its consumer: a stream is never sent ahead, nor is a call behind it.
        this.runTime = kind == ResultKind.STREAM ? new RunTime() : encoded.runTime();
    }

    /** Returns a call whose result is a stream; its future ends, without a result, when all items have arrived. */
    static PoolCall<@Nullable Object> ofStream(
            long id, EncodedCall encoded, CallOptions options, Dispatcher dispatcher) {
        return new PoolCall<>(id, encoded, options, dispatcher, result -> null, ResultKind.STREAM, null);
    }

    /**
     * Returns a call that comes from another program.
     *
     * @param frame the frame to send to a worker, except for its number
     * @param answers gets what the worker says of the call
     */
    static PoolCall<@Nullable Object> foreign(
            long id, Frame.OfCall frame, Dispatcher dispatcher, CallIntake.Answers answers) {
        PoolCall<@Nullable Object> call = switch (frame) {
            case Frame.Call(var _, var payload, var context) ->
                foreign(id, payload, context, ResultKind.VALUE, dispatcher, answers);
            case Frame.StreamCall(var _, var payload, var context) ->
                foreign(id, payload, context, ResultKind.STREAM, dispatcher, answers);
            default -> throw new IllegalArgumentException("This is no call: " + frame);
        };
        return call;
    }

    private static PoolCall<@Nullable Object> foreign(
            long id,
            Payload payload,
            CallContext context,
            ResultKind kind,
            Dispatcher dispatcher,
            CallIntake.Answers answers) {
        var call = new PoolCall<@Nullable Object>(
                id, EncodedCall.unread(payload), CallOptions.DEFAULT, dispatcher, _ -> null, kind, answers);
        call.carry(context);
        return call;
    }

    /** Returns whether the call comes from another program. */
    boolean isForeign() {
        return answers != null;
    }

    long id() {
        return id;
    }

    Promise<T> promise() {
        return promise;
    }

    Payload payload() {
        return encoded.payload();
    }

    /** Returns the size of what is sent, also when that is gone. */
    long size() {
        return encoded.size();
    }

    /** Returns the frame for a worker that knows this call by its ticket. */
    Frame frame() {
        return kind == ResultKind.VALUE
                ? new Frame.Call(ticket, payload(), context)
                : new Frame.StreamCall(ticket, payload(), context);
    }

    boolean isStream() {
        return kind == ResultKind.STREAM;
    }

    /** Returns the key of this call; null if it has none, or has ended. Guarded by the dispatcher's lock. */
    @Nullable
    CallKey key() {
        return queueLinks.key();
    }

    /** Returns the buffer of the items of a stream. */
    ItemBuffer itemBuffer() {
        return requireNonNull(itemBuffer, "this call is no stream");
    }

    /** Returns its name in logs and messages. */
    @Override
    public String description() {
        String site = encoded.description();
        return ShownText.line(label.isEmpty() ? site : label + " (" + site + ")");
    }

    // Accepted, and over

    /** Captures the context of the submitting thread; before the call is accepted. */
    void carry(CallContext ofSubmitter) {
        context = ofSubmitter;
    }

    /** Records that the call has a place in the queue, which becomes free when the call ends. */
    void takesPlace(QueueLimit limit) {
        place = limit;
    }

    /**
     * Frees the place of the call, and the shared arrays that it names; before its future is done, so that the next
     * call of its caller finds the place, and an array that is closed then is gone. Idempotent.
     */
    void freePlace() {
        encoded.releaseArrays();
        if (place != null && PLACE.getAndSet(this, null) instanceof QueueLimit limit) {
            limit.leave();
        }
    }

    /**
     * Makes the program wait for this call before it ends by itself. Idempotent.
     *
     * @throws OutOfMemoryError if the thread that keeps the program running could not be started; then nothing has
     *     changed
     */
    void holdProgram() {
        if (holdsProgram || !HOLDS_PROGRAM.compareAndSet(this, false, true)) {
            return;
        }
        try {
            dispatcher.acceptedCalls().enter();
        } catch (Throwable e) {
            releaseProgram();
            throw e;
        }
        if (promise.isDone()) {
            releaseProgram(); // the thread that ended it may have come before
        }
    }

    /** Lets the program end without this call, which has ended or makes no progress. Idempotent. */
    void releaseProgram() {
        if (holdsProgram && HOLDS_PROGRAM.compareAndSet(this, true, false)) {
            dispatcher.acceptedCalls().leave();
        }
    }

    // To and from a worker; under the dispatcher's lock, and without memory

    /** Records that a worker has the call, under its number. */
    void givenTo(Worker other) {
        worker = other;
        askedBack = other.givesBack();
    }

    /** Records that its worker is about to be asked to give it back if it has not begun. */
    void askBack() {
        askedBack = true;
    }

    /** Returns whether its worker may answer that it has dropped the call. */
    boolean mayBeDropped() {
        return askedBack || promise.isDone() || isExpired();
    }

    /**
     * Returns the worker that has the call, with the ticket; null if none has the call. The only method here that
     * allocates.
     */
    @Nullable
    Assignment assignment() {
        Worker holder = worker;
        return holder == null ? null : new Assignment(holder, ticket);
    }

    /** Records that its worker begins the call now, as far as one can know. */
    void begins() {
        if (deadline != null && worker != null) {
            deadline.begin(worker, ticket);
        }
    }

    /** Records that no worker has the call any more, so that nothing of this assignment touches the next one. */
    void left() {
        worker = null;
        if (promise.isDone()) {
            listenerQueue = null; // it was cancelled, and no worker is left to report anything
        }
        if (deadline != null) {
            deadline.end();
        }
    }

    /** Records that its worker has answered it. Its time limit goes on until its future has ended. */
    void answered() {
        isAnswered = true;
        if (deadline != null) {
            deadline.answered(requireNonNull(worker));
        }
        worker = null;
    }

    /** Records that its future was ended by another than the thread that reads its answer. */
    void abandon() {
        abandoned = true;
    }

    /** Returns whether its future has ended, so that the thread that reads the answer works in vain. */
    boolean isAbandoned() {
        return abandoned;
    }

    /** Returns whether the future has ended, or is about to end. */
    boolean isOver() {
        return promise.isDone();
    }

    /** Returns whether a thread is about to end the call, because its time on its worker is up. */
    boolean isExpired() {
        return deadline != null && deadline.isExpired();
    }

    RunTime runTime() {
        return runTime;
    }

    /** Takes the call for a worker that begins it now; returns false if it was cancelled. */
    boolean claim() {
        boolean claimed = promise.isRunning() || (!promise.isDone() && promise.setRunningOrNotifyCancel());
        if (claimed && event != null) {
            event.started();
        }
        if (claimed && stopwatch != null) {
            stopwatch.started();
        }
        return claimed;
    }

    /** Returns whether the call may be run again after it had begun on a worker that died. */
    boolean mayRunAgain() {
        return itemsDelivered() == 0 && retriesLeft > 0;
    }

    /** Records that the call is run again after it had begun. */
    void noteRerun() {
        retriesLeft--;
    }

    /** Returns the number of items of its stream that have arrived. */
    long itemsDelivered() {
        return itemBuffer == null ? 0 : itemBuffer.arrived();
    }

    /**
     * Returns whether the call may be sent again: it may, until it seems to kill those it is sent to.
     *
     * @param weight the weight of the last death as evidence against the call
     * @param limit the weight that is enough
     */
    boolean maySendAgain(int weight, int limit) {
        return evidence + weight < limit;
    }

    /** Records the death of a worker before it began the call, with its weight as evidence against the call. */
    void noteDeathBefore(int weight) {
        deathsBefore++;
        evidence += weight;
    }

    /** Returns the number of workers that died before they had begun the call. */
    int deathsBefore() {
        return deathsBefore;
    }

    // Cancelling

    @Override
    public void cancelled(boolean wasRunning, boolean mayInterrupt) {
        freePlace();
        dispatcher.cancelled(this, mayInterrupt);
        if (!wasRunning) {
            listenerQueue = null;
        }
        if (answers != null && dispatcher.assignmentOf(this) == null && !isAnswered) {
            tell(answers, new Frame.Cancelled(0)); // no worker has it, so none will answer
        }
        over();
    }

    /** Takes a report of the call. */
    void onProgress(Frame.Progress report) {
        if (answers != null) {
            tell(answers, report);
        }
        ListenerQueue listener = listenerQueue;
        if (listener != null) {
            listener.add(report);
        }
    }

    /** Takes the next item of its stream. */
    void onItem(Frame.Item item) throws ProtocolException {
        if (answers != null) {
            tell(answers, item);
            return;
        }
        if (itemBuffer == null) {
            throw new ProtocolException("An item arrived for a call that is no stream: " + this);
        }
        itemBuffer.add(item);
    }

    @Nullable
    Object decodeItem(Frame.Item item) throws NotDecodableException {
        return encoded.decodeItem(item.payload(), item.number());
    }

    // Ending

    /**
     * Ends the future as the worker has answered. If that fails, the call still ends: no other answer will come.
     *
     * @param onlyPlain whether no answer is to be read that runs code of the program
     */
    void end(Frame.OfCall answer, String workerName, boolean onlyPlain) {
        if (answers != null) {
            passOn(answer, answers);
            return;
        }
        try {
            switch (answer) {
                case Frame.Lost(var _, var report) ->
                    fail(WorkerDeath.of(report, workerName).ofCall(this, report.running()));
                case Frame.Result result when onlyPlain && !encoded.isPlain(result.payload()) -> refuse(workerName);
                case Frame.Failed _ when onlyPlain -> refuse(workerName);
                case Frame.Result result -> {
                    answeredBy(workerName, result.runNanos());
                    succeed(result.payload());
                }
                case Frame.Failed failed -> {
                    answeredBy(workerName, failed.runNanos());
                    fail(failed.phase(), failed.failure(), workerName);
                }
                default -> {} // Cancelled: it has been cancelled, or is in the queue again
            }
            if (promise.isDone()) {
                listenerQueue = null;
            }
        } catch (Throwable e) { // such as an Error from a constructor, or no memory for a large result
            fail(new CallNotSerializableException(
                    "The answer of " + workerName + " to the call " + description() + " cannot be read: "
                            + Failure.of(e).headline(),
                    e));
        }
    }

    private static void tell(CallIntake.Answers other, Frame.OfCall frame) {
        other.accept(frame);
        other.flush();
    }

    /** Sends the answer of the call, if it comes from another program: {@link #end} may have held it back. */
    void flushAnswer() {
        if (answers != null) {
            answers.flush();
        }
    }

    /** Ends a call of another program, unread. */
    private void passOn(Frame.OfCall answer, CallIntake.Answers to) {
        if (answer instanceof Frame.Cancelled && !promise.isDone()) {
            return; // it is in the queue again
        }
        to.accept(answer);
        freePlace();
        if (promise.trySetResult(resultOf.apply(null))) {
            over();
        }
    }

    /**
     * Ends the call since its worker has died while it ran the call.
     *
     * @param running the number of calls that had begun and had not been answered
     */
    void lost(WorkerDeath death, int running) {
        if (answers != null) {
            tell(answers, new Frame.Lost(0, death.report(this, running)));
        }
        var _ = endWith(death.ofCall(this, running));
    }

    private void refuse(String workerName) {
        fail(new CallNotSerializableException(
                "The answer of " + workerName + " to the call " + description()
                        + " cannot be read: too many threads of " + dispatcher.poolName()
                        + " are still reading answers of calls that were cancelled or late, and do"
                        + " not end when they are interrupted. A thread dump shows what"
                        + " they are doing: threads with the same name as this worker.",
                null));
    }

    private void answeredBy(String worker, long runNanos) {
        if (event != null) {
            event.answered(worker, runNanos);
        }
        if (stopwatch != null) {
            stopwatch.answered(runNanos);
        }
    }

    private void succeed(Payload payload) {
        if (promise.isDone()) {
            return;
        }
        Object result;
        try {
            result = encoded.decodeResult(payload);
        } catch (NotDecodableException e) {
            fail(new CallNotSerializableException(requireNonNull(e.getMessage()), e));
            return;
        }
        T value = resultOf.apply(result);
        freePlace();
        if (promise.trySetResult(value)) {
            over();
        }
    }

    private void fail(Frame.Phase phase, Failure failure, String workerName) {
        if (promise.isDone()) {
            return;
        }
        Throwable thrown = thrown(failure, workerName);
        fail(
                phase == Frame.Phase.RUNNING
                        ? thrown
                        : new CallNotSerializableException(
                                description() + ": " + ShownText.text(String.valueOf(failure.message())), thrown));
    }

    /** Returns an exception of the worker's as one of ours. */
    Throwable thrown(Failure failure, String workerName) {
        return encoded.decodeFailure(failure, workerName);
    }

    /**
     * Releases the objects that only a call in flight needs: the user may keep the future for long, and the future
     * keeps this call. Needs no memory. A frame of the call that is still to be written is empty afterwards, and the
     * worker answers it with a failure.
     */
    private void over() {
        encoded.release();
        context = CallContext.EMPTY;
        releaseProgram();
    }

    /** Ends the future with an exception; returns false if it has ended already. */
    boolean fail(Throwable exception) {
        if (answers != null && !promise.isDone()) {
            tell(answers, new Frame.Failed(0, Frame.Phase.RUNNING, Failure.of(exception), 0));
        }
        return endWith(exception);
    }

    private boolean endWith(Throwable exception) {
        freePlace();
        boolean ended = promise.trySetException(exception);
        listenerQueue = null; // also if it was cancelled before, and its worker was killed
        if (ended) {
            over();
        }
        return ended;
    }

    /**
     * Returns whether a callback of a call has called {@link System#exit}: it does not return, and its call stays in
     * flight.
     */
    static boolean callbackExits() {
        return Thread.getAllStackTraces().values().stream()
                .anyMatch(stack -> Stream.of(stack).anyMatch(PoolCall::isOfCall)
                        && Stream.of(stack).anyMatch(PoolCall::isExit));
    }

    private static boolean isOfCall(StackTraceElement frame) {
        return frame.getClassName().equals(PoolCall.class.getName());
    }

    private static boolean isExit(StackTraceElement frame) {
        return frame.getClassName().equals("java.lang.Runtime")
                && frame.getMethodName().equals("exit");
    }

    @Override
    public String toString() {
        return "PoolCall[" + id + ", " + promise + "]";
    }
}
