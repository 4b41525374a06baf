package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.BodyReader;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.Payload;
import dev.trestle.processpool.wire.ProtocolException;
import dev.trestle.processpool.wire.Setup;
import dev.trestle.processpool.wire.SharedArrays;
import dev.trestle.processpool.wire.WireOptions;
import dev.trestle.processpool.wire.WorkerJournal;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Makes calls of payloads, in a worker. One per worker; thread-safe. */
public final class CallDecoder {

    private static final @Nullable Object[] nothing = {};

    private final ValueCodec codec;

    /**
     * Creates a decoder.
     *
     * @param options the options of the connection
     * @param loader the class loader of the classes of calls
     * @param journal is told when something is set up for a result that is written
     */
    public CallDecoder(WireOptions options, ClassLoader loader, WorkerJournal journal) {
        this(options, loader, journal, SharedArrays.NONE);
    }

    /**
     * Creates a decoder of calls that may name shared arrays.
     *
     * @param options the options of the connection
     * @param loader the class loader of the classes of calls
     * @param journal is told when something is set up for a result that is written
     * @param shared the arrays
     */
    public CallDecoder(WireOptions options, ClassLoader loader, WorkerJournal journal, SharedArrays shared) {
        this(options, loader, (Setup) journal, shared);
    }

    /**
     * Creates a decoder for a JVM that does not ask how long a setup takes.
     *
     * @param options the options of the connection
     * @param loader the class loader
     */
    public CallDecoder(WireOptions options, ClassLoader loader) {
        this(options, loader, SharedArrays.NONE);
    }

    /**
     * Creates a decoder for a JVM that does not ask how long a setup takes, of calls that may name shared arrays.
     *
     * @param options the options of the connection
     * @param loader the class loader
     * @param shared the arrays
     */
    public CallDecoder(WireOptions options, ClassLoader loader, SharedArrays shared) {
        this(options, loader, Setup.IGNORED, shared);
    }

    CallDecoder(WireOptions options, ClassLoader loader, Setup setup) {
        this(options, loader, setup, SharedArrays.NONE);
    }

    private CallDecoder(WireOptions options, ClassLoader loader, Setup setup, SharedArrays shared) {
        this.codec = new ValueCodec(options, loader, (failure, _) -> new StandInException(failure), setup, shared);
    }

    /**
     * Sets up the classes for calls whose values are more than numbers and short texts. The first of them would do it,
     * and wait for it. May be called on any thread.
     */
    public void prepare() {
        try {
            codec.prepare();
        } catch (JacksonMismatchException e) {
            // The calls that need Jackson fail with it. Others do without, and need not hear of it.
        }
    }

    /**
     * Decodes a call. Nothing of the user's runs but the constructors of its data. It holds the shared arrays that it
     * names until {@link DecodedCall#end}.
     *
     * @param payload from {@link Frame.Call}
     * @return the call, ready to run
     * @throws NotDecodableException if a class or method is missing here, or the data is not what it should be
     */
    public DecodedCall decode(Payload payload) throws NotDecodableException {
        ByteBuffer body = payload.wholeBody();
        LambdaShape shape = null;
        Decoding decoding = null;
        DecodedCall decoded = null;
        try {
            var from = new BodyReader(body);
            if (!from.flag()) {
                codec.checkObject(from.slice());
                Slot anything = codec.slot(Object.class);
                decoding = decoding(payload, anything);
                decoded = DecodedCall.ofObject(codec, codec.decode(body, decoding)[0], anything, decoding.held());
                return decoded;
            }
            shape = codec.shapeOf(from.slice());
            MethodHandle target = shape.target();
            if (shape.captured().length == 0) {
                decoded = DecodedCall.ofLambda(codec, shape, target, nothing, null);
            } else if (PlainValues.isPlain(body)) {
                decoded = DecodedCall.ofLambda(codec, shape, target, PlainValues.read(body, shape.captured()), null);
            } else {
                decoding = decoding(payload, shape.captured());
                @Nullable Object[] values = codec.decode(body, decoding);
                decoded = DecodedCall.ofLambda(codec, shape, target, values, decoding.held());
            }
            return decoded;
        } catch (ReflectiveOperationException | LinkageError e) {
            throw new NotDecodableException(
                    subject(shape) + " cannot be found in the worker: " + e
                            + ". Does the worker have the same class path as the pool?",
                    e);
        } catch (ProtocolException | RuntimeException | StackOverflowError e) {
            throw Explanation.notDecodable(subject(shape), e);
        } finally {
            if (decoded == null && decoding != null) {
                decoding.release();
            }
        }
    }

    /** Returns what messages call a call; without a lambda if none was found. */
    private static String subject(@Nullable LambdaShape shape) {
        return shape == null
                ? "A call"
                : "The call " + shape.site().implClassName() + "."
                        + shape.site().implMethod();
    }

    private Decoding decoding(Payload payload, Slot... slots) {
        return new Decoding(payload.arrays(), codec.trusting(), slots, 0, false, codec.shared());
    }

    @Override
    public String toString() {
        return "CallDecoder[" + codec.loader() + "]";
    }
}
