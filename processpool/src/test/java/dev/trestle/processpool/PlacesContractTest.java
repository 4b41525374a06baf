package dev.trestle.processpool;

import dev.trestle.api.FutureExecutor;
import dev.trestle.contract.CallContract;
import org.junit.jupiter.api.extension.ExtendWith;

/** The contract of calls, in child JVMs that run four at a time. */
@ExtendWith(NothingLeft.class)
class PlacesContractTest extends CallContract {

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
    protected boolean isAsNew(FutureExecutor used) {
        return ProcessPoolContractTest.isAsNew((ProcessPool) used);
    }

    @Override
    protected FutureExecutor newExecutor(int size, int queueLimit) {
        return builder(size).queueLimit(queueLimit).build();
    }
}
