package dev.trestle.processpool;

import dev.trestle.api.Call;
import dev.trestle.api.Promise;
import dev.trestle.processpool.jvm.Log;
import dev.trestle.processpool.jvm.PoolThreads;
import dev.trestle.processpool.jvm.PrivateDirectory;
import dev.trestle.processpool.values.CallEncoder;
import dev.trestle.processpool.values.NotEncodableException;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The set-up of libraries, in the background while a pool is built. Otherwise the constructor of a pool, and the thread
 * that submits a program's first call, would do it: the flight recorder's event classes and Jackson take a quarter of a
 * second of processor time, and the first Unix-domain socket of a program takes a while too. A call or a worker that
 * comes in between waits for the part that it needs. The logging system is left out: SLF4J warns when two threads set
 * it up at once.
 */
final class WarmUp implements Runnable {

    private static final Log logger = Log.of(ProcessPool.class);

    private final CallEncoder encoder;
    private final PrivateDirectory directory;

    private WarmUp(CallEncoder encoder, PrivateDirectory directory) {
        this.encoder = encoder;
        this.directory = directory;
    }

    /** Begins, on a thread of its own, which ends soon. */
    static void start(CallEncoder encoder, PrivateDirectory directory) {
        PoolThreads.start("trestle-warm-up", new WarmUp(encoder, directory));
    }

    @Override
    public void run() {
        proveDirectory();
        prepareCalls();
    }

    private void proveDirectory() {
        try {
            directory.ensure();
        } catch (IOException | RuntimeException | Error e) {
            logger.debug("{} is proved when a worker starts", directory, e);
        }
    }

    private void prepareCalls() {
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
            logger.debug("The set-up in the background failed; the first call of the pool repeats it", e);
        }
    }
}
