package dev.trestle.processpool;

import dev.trestle.api.Call;
import dev.trestle.api.Promise;
import dev.trestle.processpool.jvm.Log;
import dev.trestle.processpool.jvm.PoolThreads;
import dev.trestle.processpool.values.CallEncoder;
import dev.trestle.processpool.values.NotEncodableException;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the first call of a program would do on the thread that submits it, done in the background when a pool is built: to set up
 * the flight recorder's event classes and Jackson takes a quarter of a second of processor time. A call that comes meanwhile waits
 * for what it needs of it. Not the logging system: SLF4J warns when two threads set it up at once.
 */
final class WarmUp implements Runnable {

    private static final Log logger = Log.of(ProcessPool.class);

    private final CallEncoder encoder;

    private WarmUp(CallEncoder encoder) {
        this.encoder = encoder;
    }

    /** Begins, on a thread of its own, which ends soon. */
    static void start(CallEncoder encoder) {
        PoolThreads.start("trestle-warm-up", new WarmUp(encoder));
    }

    @Override
    public void run() {
        try {
            var _ = new Promise<Object>();
            LateClasses.ensure();
            var _ = MethodHandles.lookup().ensureInitialized(Worker.class);
            var _ = CallEvent.submitted("");
            var sample = new AotTraining.Sample(
                    "a", List.of(1), Map.of("x", 0.5), Optional.of(Instant.EPOCH), AotTraining.Kind.ORDINARY);
            Call<AotTraining.Sample> call = () -> sample;
            var _ = encoder.encode(call);
        } catch (NotEncodableException | IllegalAccessException | IOException | RuntimeException | Error e) {
            logger.debug("The first call of a pool sets up what could not be set up before", e);
        }
    }
}
