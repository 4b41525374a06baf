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
    protected FutureExecutor newExecutor(int size, int queueLimit) {
        return TestPools.builder(size).queueLimit(queueLimit).build();
    }
}
