package dev.trestle.testkit;

import dev.trestle.api.FutureExecutor;
import dev.trestle.contract.ExecutorContract;

/** The contract of executors, with calls that travel through the codec to threads of this JVM. */
class InProcessPoolContractTest extends ExecutorContract {

    @Override
    protected FutureExecutor newExecutor(int size) {
        return new InProcessPool(size);
    }

    @Override
    protected FutureExecutor newExecutor(int size, int queueLimit) {
        return new InProcessPool(new InProcessPoolOptions(size).withQueueLimit(queueLimit));
    }
}
