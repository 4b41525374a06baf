package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.Payload;
import org.jspecify.annotations.Nullable;

/** A call as it goes to a worker, and what its outcome is in the pool. Thread-safe. */
public final class EncodedCall {

    /** The code that is called; null if it is not known in this program, which only passes the call on. */
    private final @Nullable CallSite site;

    private final long size;
    private final @Nullable HeldArrays held;
    private volatile Payload payload;

    EncodedCall(@Nullable CallSite site, Payload payload, @Nullable HeldArrays held) {
        this.held = held;
        this.site = site;
        this.payload = payload;
        this.size = payload.size();
    }

    /**
     * Returns a call of another program, whose values and results are not read in this one.
     *
     * @param payload the payload that the other program has encoded
     * @return the call
     */
    public static EncodedCall unread(Payload payload) {
        return new EncodedCall(null, payload, null);
    }

    private CallSite site() {
        CallSite known = site;
        if (known == null) {
            throw new IllegalStateException("A call of another program is not read here");
        }
        return known;
    }

    /**
     * Returns the encoded call, which may be sent several times.
     *
     * @return the payload; nothing after {@link #release}
     */
    public Payload payload() {
        return payload;
    }

    /**
     * Returns the number of bytes to send, also after they were sent.
     *
     * @return the size of the payload
     */
    public long size() {
        return size;
    }

    /** Releases the encoded bytes: the call is over. Needs no memory; idempotent. */
    public void release() {
        payload = Payload.EMPTY;
    }

    /** Lets go of the shared arrays that the call names: it is over, or about to be. Idempotent. */
    public void releaseArrays() {
        if (held != null) {
            held.release();
        }
    }

    /**
     * Returns the measured run time of calls of the same lambda.
     *
     * @return the measurement that all of them share; for a call of another program, which sends only short ones ahead,
     *     a new one of no time
     */
    public RunTime runTime() {
        return site == null ? RunTime.ofShort() : site.runTime();
    }

    /**
     * Returns the method and its place in the source, for messages. Reads a class file the first time.
     *
     * @return the place, such as {@code Primes.main(Primes.java:12)}, {@code Primes::count} or the name of a class
     */
    public String description() {
        return site == null ? "a call of another program" : site.description();
    }

    /**
     * Reads a result. The worker is not trusted: it may name only what this call permits.
     *
     * @param result from {@link Frame.Result}
     * @return the result
     * @throws NotDecodableException if it is not one, or contains what is not permitted
     */
    public @Nullable Object decodeResult(Payload result) throws NotDecodableException {
        return site().decodeResult(result);
    }

    /**
     * Returns whether a result is made of numbers and short texts, so that to read it runs no code of the program.
     *
     * @param result from {@link Frame.Result}
     * @return whether it is
     */
    public boolean isPlain(Payload result) {
        return PlainValues.isPlain(result);
    }

    /**
     * Reads an item of a stream, as {@link #decodeResult} reads a result.
     *
     * @param item from {@link Frame.Item}
     * @param number its number, for messages
     * @return the item
     * @throws NotDecodableException if it is not one, or contains what is not permitted
     */
    public @Nullable Object decodeItem(Payload item, long number) throws NotDecodableException {
        return site().decodeItem(item, number);
    }

    /**
     * Makes an exception of a failure: of its own class, with message, cause, suppressed exceptions and state, if that
     * is possible.
     *
     * @param failure from {@link Frame.Failed}
     * @param worker the name of the worker, shown in front of each remote stack frame
     * @return the exception; its stack trace is the remote one
     */
    public Throwable decodeFailure(Failure failure, String worker) {
        return site().decodeFailure(failure, worker);
    }

    @Override
    public String toString() {
        return "EncodedCall[%s, %s]".formatted(description(), payload);
    }
}
