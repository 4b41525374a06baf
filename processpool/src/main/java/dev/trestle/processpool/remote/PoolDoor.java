package dev.trestle.processpool.remote;

import dev.trestle.api.FutureExecutor;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.ServiceLoader;
import java.util.Set;

/** The entry to process pools for other modules of Trestle. Thread-safe. */
public interface PoolDoor {

    /**
     * The options of a pool whose workers are added.
     *
     * @param name the name of the pool, as logs and threads have it
     * @param callTimeout the time limit of calls that have none
     * @param startTimeout the time limit for meeting a worker, and for calls that wait while there is no worker
     * @param closeGrace the time that workers have to end
     * @param queueLimit the number of calls that may wait or run
     * @param maxPayloadBytes the largest call and the largest result
     * @param allowedTypes names of classes, and names of packages that end in a dot, that results may contain
     * @param daemon whether the program may end while calls run or wait
     */
    record Options(
            String name,
            Optional<Duration> callTimeout,
            Duration startTimeout,
            Duration closeGrace,
            OptionalInt queueLimit,
            long maxPayloadBytes,
            Set<String> allowedTypes,
            boolean daemon) {

        /** Copies the set. */
        public Options {
            allowedTypes = Set.copyOf(allowedTypes);
        }
    }

    /** The executor for which a pool is opened. Its {@code toString} stands for the pool in messages. */
    interface Owner {

        /** Returns where workers were looked for, and the answers, as sentences for the message of a failed call. */
        String searchReport();
    }

    /** Returns the entry, which the process pool provides as a service. */
    static PoolDoor find() {
        return ServiceLoader.load(PoolDoor.class, PoolDoor.class.getClassLoader())
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("No provider of " + PoolDoor.class.getName()
                        + " was found: the jar of the process pool lacks its META-INF/services. A jar of all classes"
                        + " must merge these files."));
    }

    /**
     * Creates a pool that starts no workers.
     *
     * @param options its options
     * @param owner the executor that messages name instead of the pool
     * @return a process pool
     */
    FutureExecutor open(Options options, Owner owner);

    /**
     * Returns the end of a pool where workers are added.
     *
     * @param pool a pool from {@link #open}
     */
    RemoteWorkers workersOf(FutureExecutor pool);

    /**
     * Returns the end of a pool where calls of other programs come in.
     *
     * @param pool a process pool
     */
    CallIntake intakeOf(FutureExecutor pool);
}
