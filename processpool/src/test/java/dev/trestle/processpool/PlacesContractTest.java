package dev.trestle.processpool;

import dev.trestle.api.FutureExecutor;
import org.junit.jupiter.api.extension.ExtendWith;

/** The contract of executors, in child JVMs that run four calls at a time. */
@ExtendWith(NothingLeft.class)
class PlacesContractTest extends ProcessPoolContractTest {

    private static final int PLACES = 4;

    /** One worker, if the size is a multiple of its places; otherwise the contract needs workers with one place. */
    private static ProcessPool.Builder builder(int size) {
        return size % PLACES == 0
                ? TestPools.builder(size / PLACES).callsPerWorker(PLACES)
                : TestPools.builder(1).callsPerWorker(size);
    }

    @Override
    protected FutureExecutor newExecutor(int size) {
        return builder(size).build();
    }

    @Override
    protected FutureExecutor newExecutor(int size, int queueLimit) {
        return builder(size).queueLimit(queueLimit).build();
    }
}
