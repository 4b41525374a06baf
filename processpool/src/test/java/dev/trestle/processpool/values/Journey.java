package dev.trestle.processpool.values;

import dev.trestle.api.Call;
import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.Payload;
import dev.trestle.processpool.wire.WireOptions;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** Both sides of a connection in one JVM: sends calls there and results back. */
public final class Journey {

    private final CallEncoder encoder;
    private final CallDecoder decoder;

    private Journey(WireOptions options, BiFunction<Failure, String, Throwable> unknown) {
        this.encoder = new CallEncoder(options, unknown);
        this.decoder = new CallDecoder(options, Journey.class.getClassLoader());
    }

    public static Journey with(WireOptions options) {
        return new Journey(options, StandIn::new);
    }

    /** A journey of a pool that allows the classes of these tests. */
    static Journey allowingTests() {
        return with(WireOptions.DEFAULT.withAllowedType(Journey.class.getPackageName() + "."));
    }

    public static Journey allowingNothing() {
        return with(WireOptions.DEFAULT);
    }

    public EncodedCall encode(Object call) throws NotEncodableException {
        return encoder.encode(call);
    }

    public DecodedCall decode(Payload payload) throws NotDecodableException {
        return decoder.decode(payload);
    }

    /** Sends a call, runs it there, sends its result back. */
    @Nullable
    Object run(Object call) throws Throwable {
        EncodedCall encoded = encode(call);
        DecodedCall decoded = decode(encoded.payload());
        return encoded.decodeResult(decoded.encodeResult(decoded.run()));
    }

    /** Sends a value as a captured one and takes it back as a result. */
    @Nullable
    public Object send(@Nullable Object value) throws Throwable {
        Call<@Nullable Object> call = () -> value;
        return run(call);
    }

    /** Sends a call that throws, and returns what arrives. */
    Throwable failureOf(Call<?> call) throws Throwable {
        EncodedCall encoded = encode(call);
        DecodedCall decoded = decode(encoded.payload());
        try {
            decoded.run();
        } catch (Throwable e) {
            return encoded.decodeFailure(decoded.encodeFailure(e), "worker-1");
        }
        throw new AssertionError("the call did not throw");
    }

    /** The pool's stand-in for an exception whose class it cannot use. */
    static final class StandIn extends RuntimeException {
        private static final long serialVersionUID = 1;

        final String className;
        final String reason;

        StandIn(Failure failure, String reason) {
            super(failure.headline());
            this.className = failure.className();
            this.reason = reason;
        }
    }
}
