package dev.trestle.threadpool;

import dev.trestle.api.FutureExecutor;
import dev.trestle.contract.ExecutorContract;
import org.junit.jupiter.api.Nested;

/** The contract of executors, on platform and on virtual threads. */
class ThreadPoolContractTest {

    @Nested
    class OnPlatformThreads extends ExecutorContract {
        @Override
        protected FutureExecutor newExecutor(int size) {
            return new ThreadPool(size);
        }
    }

    @Nested
    class OnVirtualThreads extends ExecutorContract {
        @Override
        protected FutureExecutor newExecutor(int size) {
            return ThreadPool.builder().size(size).virtual().build();
        }
    }
}
