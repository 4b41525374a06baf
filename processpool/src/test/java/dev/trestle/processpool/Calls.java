package dev.trestle.processpool;

import dev.trestle.api.Call;
import dev.trestle.processpool.values.CallEncoder;
import dev.trestle.processpool.values.NotEncodableException;
import dev.trestle.processpool.wire.WireOptions;
import java.util.Objects;
import java.util.Set;

/** Calls that no process will ever run, for tests of what is decided about them. */
final class Calls {

    private static final long MICROSECOND = 1_000;

    private final CallEncoder encoder = new CallEncoder(new WireOptions(1 << 20, Set.of()), RemoteException::new);
    private final Dispatcher dispatcher;
    private long lastId;

    Calls(Dispatcher dispatcher) {
        this.dispatcher = dispatcher;
    }

    PoolCall<Object> of(Call<?> call) {
        return of(call, CallOptions.DEFAULT);
    }

    PoolCall<Object> of(Call<?> call, CallOptions options) {
        try {
            return new PoolCall<>(++lastId, encoder.encode(call), options, dispatcher, Objects::requireNonNull);
        } catch (NotEncodableException e) {
            throw new AssertionError(e);
        }
    }

    /** Returns a call that is known to be short. */
    PoolCall<Object> shortOne() {
        var call = of(() -> 1);
        call.runTime().note(5 * MICROSECOND);
        return call;
    }
}
