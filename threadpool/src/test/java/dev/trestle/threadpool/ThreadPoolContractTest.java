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

        @Override
        protected FutureExecutor newExecutor(int size, int queueLimit) {
            return ThreadPool.builder().size(size).queueLimit(queueLimit).build();
        }
    }

    @Nested
    class OnVirtualThreads extends ExecutorContract {
        @Override
        protected FutureExecutor newExecutor(int size) {
            return ThreadPool.builder().size(size).virtual().build();
        }

        @Override
        protected FutureExecutor newExecutor(int size, int queueLimit) {
            return ThreadPool.builder()
                    .size(size)
                    .virtual()
                    .queueLimit(queueLimit)
                    .build();
        }
    }
}
