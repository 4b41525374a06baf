package dev.trestle.processpool.wire;

import dev.trestle.processpool.values.DecodedCall;
import dev.trestle.processpool.values.EncodedCall;
import java.util.Map;

/** A message between a pool and a worker: one record for each type of frame. */
public sealed interface Frame {

    /** The step in which a call failed. */
    enum Phase {
        /** The worker could not read the call: it never began. */
        DECODING,
        /** The call ran and threw. */
        RUNNING,
        /** The call ran, but its result cannot travel. */
        ENCODING;

        private static final Phase[] phases = values();

        /** Returns the number of this phase on the wire. */
        @SuppressWarnings("EnumOrdinal") // both sides run the same version, the handshake sees to it
        int number() {
            return ordinal();
        }

        /** Returns the phase with a number from the wire. */
        static Phase at(int number) throws ProtocolException {
            if (number < 0 || number >= phases.length) {
                throw new ProtocolException("There is no phase " + number);
            }
            return phases[number];
        }
    }

    /**
     * Returns whether this is the last that a worker says of a call: its result, its failure, or that it was dropped.
     *
     * @return whether it is an {@link OfCall} that ends the call on its worker
     */
    default boolean isAnswer() {
        return this instanceof Result || this instanceof Failed || this instanceof Cancelled || this instanceof Lost;
    }

    /** A frame about one call. */
    sealed interface OfCall extends Frame {
        /**
         * Returns the number of the call, unique within the connection.
         *
         * @return the number
         */
        long id();

        /**
         * Returns this frame about the same call as another connection numbers it. For frames that a worker sends.
         *
         * @param other the number of the call within the other connection
         * @return the frame
         */
        default OfCall renumbered(long other) {
            return switch (this) {
                case Result(var _, var payload, var nanos) -> new Result(other, payload, nanos);
                case Failed(var _, var phase, var failure, var nanos) -> new Failed(other, phase, failure, nanos);
                case Cancelled _ -> new Cancelled(other);
                case Lost(var _, var report) -> new Lost(other, report);
                case Progress(var _, var fraction, var message) -> new Progress(other, fraction, message);
                case Item(var _, var number, var payload) -> new Item(other, number, payload);
                case Status(var _, var isKnown, var step, var nanos, var stack) ->
                    new Status(other, isKnown, step, nanos, stack);
                case Call _, StreamCall _, Credit _, Cancel _, TakeBack _, Inquiry _ ->
                    throw new IllegalArgumentException("A worker sends no " + this);
            };
        }
    }

    /** A frame with values of the user's. */
    sealed interface WithPayload extends OfCall {
        /**
         * Returns the values.
         *
         * @return the values, which are checked against the limit before they are sent
         */
        Payload payload();
    }

    /**
     * Worker to pool, first of all: says which worker this is. The connection has been proven before.
     *
     * @param protocolVersion {@link FrameChannel#PROTOCOL_VERSION} of the worker
     * @param pid the worker's process id
     * @param javaVersion the worker's {@code java.version}
     */
    record Hello(int protocolVersion, long pid, String javaVersion) implements Frame {}

    /**
     * Pool to worker: run this.
     *
     * @param id the number of the call
     * @param payload from {@link EncodedCall#payload()}
     * @param context the context that goes along with it
     */
    record Call(long id, Payload payload, CallContext context) implements WithPayload {

        /** The number of the call that a worker runs before all others; their numbers are positive. */
        public static final long INITIALIZER = 0;

        public Call(long id, Payload payload) {
            this(id, payload, CallContext.EMPTY);
        }
    }

    /**
     * Pool to worker: run this, and send the items of the stream that it returns, each as an {@link Item}. The answer
     * after them is a {@link Result} without a value, or {@link Failed}.
     *
     * @param id the number of the call
     * @param payload from {@link EncodedCall#payload()}
     * @param context the context that goes along with it
     */
    record StreamCall(long id, Payload payload, CallContext context) implements WithPayload {

        public StreamCall(long id, Payload payload) {
            this(id, payload, CallContext.EMPTY);
        }
    }

    /**
     * Worker to pool: the next item of a stream.
     *
     * @param id the number of the call
     * @param number the number of the item, from 0
     * @param payload from {@link DecodedCall#encodeItem}
     */
    record Item(long id, long number, Payload payload) implements WithPayload {

        /**
         * The most that a worker may have sent and not got back as {@link Credit}, by {@link #cost}. One item more may
         * be on its way: an item is sent as long as there is any credit.
         */
        public static final long WINDOW = 1 << 20;

        /**
         * The cost of an item in addition to its bytes: items are objects here, and small items must not be countless.
         */
        private static final int OVERHEAD = 1 << 10;

        /**
         * Returns the credit that this item costs its sender.
         *
         * @return the cost, in bytes
         */
        public long cost() {
            return payload.size() + OVERHEAD;
        }
    }

    /**
     * Pool to worker: items have been consumed, so others may be sent.
     *
     * @param id the number of the call
     * @param bytes their cost
     */
    record Credit(long id, long bytes) implements OfCall {}

    /**
     * Worker to pool: the call returned.
     *
     * @param id the number of the call
     * @param payload from {@link DecodedCall#encodeResult}
     * @param runNanos the duration of the call's run, in nanoseconds
     */
    record Result(long id, Payload payload, long runNanos) implements WithPayload {}

    /**
     * Worker to pool: the call failed.
     *
     * @param id the number of the call
     * @param phase the phase in which it failed
     * @param failure the failure
     * @param runNanos the duration of the call's run, in nanoseconds
     */
    record Failed(long id, Phase phase, Failure failure, long runNanos) implements OfCall {}

    /**
     * Pool to worker: a call was cancelled or is late. The worker drops the call if it has not begun; otherwise the
     * worker tells the call, and interrupts it if this frame asks for that.
     *
     * @param id the number of the call
     * @param interrupt whether to interrupt it
     */
    record Cancel(long id, boolean interrupt) implements OfCall {

        /** Returns a frame that cancels a call and interrupts its thread. */
        public static Cancel interrupting(long id) {
            return new Cancel(id, true);
        }

        /** Returns a frame that cancels a call, which notices only if it looks. */
        public static Cancel withoutInterrupt(long id) {
            return new Cancel(id, false);
        }
    }

    /**
     * Pool to worker: a call is to be dropped if it has not begun; one that runs goes on. Also has the worker send the
     * answers that it holds back.
     *
     * @param id the number of the call
     */
    record TakeBack(long id) implements OfCall {}

    /**
     * Pool to worker: a shared array is closed, and no call names it any more.
     *
     * @param array the number of the array, {@link SharedArrays.Name#number()}
     */
    record Unshare(long array) implements Frame {}

    /**
     * Worker to pool: the call was dropped before it began. A call that had begun ends with {@link Result} or
     * {@link Failed} instead.
     *
     * @param id the number of the call
     */
    record Cancelled(long id) implements OfCall {}

    /**
     * Worker to pool: a call reports how far it is.
     *
     * @param id the number of the call
     * @param fraction from 0 to 1, or NaN if only the message counts
     * @param message the call's message; may be empty
     */
    record Progress(long id, double fraction, String message) implements OfCall {}

    /** Pool to worker: send your threads. */
    record ThreadDumpRequest() implements Frame {}

    /**
     * Worker to pool: the answer to {@link ThreadDumpRequest}.
     *
     * @param text the stack of every thread
     */
    record ThreadDump(String text) implements Frame {}

    /**
     * Pool to worker: no more calls, end in order. Worker to pool: this JVM is ending in order.
     *
     * @param reason for the log
     */
    record Goodbye(String reason) implements Frame {}

    /**
     * Between a client of a cluster and a member, in both directions, first of all.
     *
     * @param protocolVersion {@link FrameChannel#PROTOCOL_VERSION}
     * @param cluster the name of the cluster
     * @param name the name of the sender
     * @param host the name of the sender's machine
     * @param pid the sender's process id
     * @param javaVersion the sender's {@code java.version}
     * @param places the number of calls that the receiver may have there at the same time
     * @param ahead the number of short calls that may wait there behind those that run
     * @param refusal the reason why there are no calls for the receiver; empty if there are
     * @param code the digest of each part of the sender's class path, by its name
     */
    record Introduction(
            int protocolVersion,
            String cluster,
            String name,
            String host,
            long pid,
            String javaVersion,
            int places,
            int ahead,
            String refusal,
            Map<String, String> code)
            implements Frame {

        /** Copies the map. */
        public Introduction {
            code = Map.copyOf(code);
        }

        /**
         * Returns this introduction with fewer calls that may wait, if it has more.
         *
         * @param most the largest number of calls that may wait
         * @return the introduction
         */
        public Introduction withAheadAtMost(int most) {
            return new Introduction(
                    protocolVersion,
                    cluster,
                    name,
                    host,
                    pid,
                    javaVersion,
                    places,
                    Math.clamp(ahead, 0, most),
                    refusal,
                    code);
        }
    }

    /**
     * Member to client: so many calls of the client may be here at the same time from now on.
     *
     * @param count the number of calls
     */
    record Places(int count) implements Frame {}

    /**
     * Member to client: the worker that ran the call has died.
     *
     * @param id the number of the call
     * @param report the report of the death
     */
    record Lost(long id, DeathReport report) implements OfCall {}

    /**
     * Client to member: what becomes of this call? The answer is a {@link Status}.
     *
     * @param id the number of the call
     * @param withStack whether its stack is wanted
     */
    record Inquiry(long id, boolean withStack) implements OfCall {}

    /**
     * Member to client: the answer to an {@link Inquiry}.
     *
     * @param id the number of the call
     * @param isKnown whether the member has the call
     * @param step the worker's step in the call
     * @param begunNanos the time since its own code began, in nanoseconds; negative if it has not
     * @param stack its stack, if that was wanted
     */
    record Status(long id, boolean isKnown, WorkerJournal.Step step, long begunNanos, String stack) implements OfCall {}

    /**
     * Worker to pool: it cannot go on and will halt.
     *
     * @param failure the reason
     */
    record Fatal(Failure failure) implements Frame {}
}
