package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.BodyReader;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.Payload;
import dev.trestle.processpool.wire.ProtocolException;
import dev.trestle.processpool.wire.Setup;
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
     * @param loader where the classes of calls are found
     * @param journal is told when something is set up for a result that is written
     */
    public CallDecoder(WireOptions options, ClassLoader loader, WorkerJournal journal) {
        this(options, loader, (Setup) journal);
    }

    /**
     * Creates a decoder for a JVM that does not ask how long a setup takes.
     *
     * @param options the options of the connection
     * @param loader where classes are found
     */
    public CallDecoder(WireOptions options, ClassLoader loader) {
        this(options, loader, Setup.IGNORED);
    }

    CallDecoder(WireOptions options, ClassLoader loader, Setup setup) {
        this.codec = new ValueCodec(options, loader, (failure, _) -> new StandInException(failure), setup);
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
     * Decodes a call. Nothing of the user's runs but the constructors of its data.
     *
     * @param payload from {@link Frame.Call}
     * @return the call, ready to run
     * @throws NotDecodableException if a class or method is missing here, or the data is not what it should be
     */
    public DecodedCall decode(Payload payload) throws NotDecodableException {
        ByteBuffer body = payload.wholeBody();
        String subject = "A call";
        try {
            var from = new BodyReader(body);
            if (!from.flag()) {
                codec.checkObject(from.slice());
                Slot anything = codec.slot(Object.class);
                Object object = values(body, payload, new Slot[] {anything})[0];
                return DecodedCall.ofObject(codec, object, anything);
            }
            LambdaShape shape = codec.shapeOf(from.slice());
            subject = "The call " + shape.site().implClassName() + "."
                    + shape.site().implMethod();
            MethodHandle target = shape.target();
            @Nullable
            Object[] values = shape.captured().length == 0 ? nothing : values(body, payload, shape.captured());
            return DecodedCall.ofLambda(codec, shape, target, values);
        } catch (ReflectiveOperationException | LinkageError e) {
            throw new NotDecodableException(
                    subject + " cannot be found in the worker: " + e
                            + ". Does the worker have the same class path as the pool?",
                    e);
        } catch (ProtocolException | RuntimeException | StackOverflowError e) {
            throw Explanation.notDecodable(subject, e);
        }
    }

    private @Nullable Object[] values(ByteBuffer body, Payload payload, Slot[] slots) {
        return codec.decode(body, new Decoding(payload.arrays(), codec.trusting(), slots, 0, false));
    }

    @Override
    public String toString() {
        return "CallDecoder[" + codec.loader() + "]";
    }
}
