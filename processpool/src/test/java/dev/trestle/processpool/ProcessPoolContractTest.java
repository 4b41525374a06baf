package dev.trestle.processpool;

import dev.trestle.api.FutureExecutor;
import dev.trestle.contract.ExecutorContract;
import org.junit.jupiter.api.extension.ExtendWith;

/** The contract of executors, in child JVMs. */
@ExtendWith(NothingLeft.class)
class ProcessPoolContractTest extends ExecutorContract {

    @Override
    protected FutureExecutor newExecutor(int size) {
        return TestPools.of(size);
    }

    @Override
    protected boolean isAsNew(FutureExecutor used) {
        return isAsNew((ProcessPool) used);
    }

    /** A worker that still runs a cancelled call is busy; such a pool is not used again. */
    static boolean isAsNew(ProcessPool pool) {
        var counts = pool.statistics();
        return !pool.isShutdown()
                && pool.callsInFlight() == 0
                && counts.busy() == 0
                && counts.workersDied() == 0
                && counts.workersRetired() == 0;
    }

    @Override
    protected FutureExecutor newExecutor(int size, int queueLimit) {
        return TestPools.builder(size).queueLimit(queueLimit).build();
    }
}
