package dev.trestle.threadpool;

import dev.trestle.api.FutureExecutor;
import dev.trestle.contract.MapContract;

/** The contract of {@code map}, on threads. */
class ThreadPoolMapTest extends MapContract {

    @Override
    protected FutureExecutor newExecutor(int size) {
        return new ThreadPool(size);
    }
}
