package dev.trestle.processpool;

import dev.trestle.api.FutureExecutor;
import dev.trestle.processpool.remote.CallIntake;
import dev.trestle.processpool.remote.PoolDoor;
import dev.trestle.processpool.remote.RemoteWorkers;
import dev.trestle.processpool.wire.WorkerJournal;
import java.util.Optional;

/** The entry to process pools for the module of clusters; the service loader creates it. */
public final class Door implements PoolDoor {

    /** The size of a pool whose workers are added: there are as many as are added. */
    private static final int ANY_NUMBER = 1 << 20;

    /** Creates the entry; for the service loader. */
    public Door() {}

    @Override
    public FutureExecutor open(Options options, Owner owner) {
        ProcessPool.Builder builder = ProcessPool.builder()
                .name(options.name())
                .workers(ANY_NUMBER)
                .callsPerWorker(WorkerJournal.MOST_PLACES)
                .startTimeout(options.startTimeout())
                .closeGrace(options.closeGrace())
                .maxPayload(options.maxPayloadBytes())
                .aotCache(false)
                .source(WorkerSource.ADDED);
        options.callTimeout().ifPresent(builder::callTimeout);
        options.queueLimit().ifPresent(builder::queueLimit);
        for (String each : options.allowedTypes()) {
            builder.allowName(each);
        }
        if (options.daemon()) {
            builder.daemon();
        }
        ProcessPool pool = builder.build();
        pool.dispatcher().owner(owner);
        return pool;
    }

    @Override
    public RemoteWorkers workersOf(FutureExecutor pool) {
        return dispatcherOf(pool).remoteWorkers();
    }

    @Override
    public CallIntake intakeOf(FutureExecutor pool) {
        return new ForeignCalls(dispatcherOf(pool));
    }

    private static Dispatcher dispatcherOf(FutureExecutor pool) {
        return Optional.of(pool)
                .filter(ProcessPool.class::isInstance)
                .map(ProcessPool.class::cast)
                .orElseThrow(() -> new IllegalArgumentException("This is no process pool: " + pool))
                .dispatcher();
    }
}
