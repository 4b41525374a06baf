package dev.trestle.spring.boot;

import dev.trestle.api.FutureExecutor;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.context.SmartLifecycle;

/**
 * The end of a pool with its context: the pool takes no more calls, and its calls end, after all that may submit calls
 * has stopped; with Spring Boot's graceful shutdown that is after the last request. When Spring's time for a phase is
 * over ({@code spring.lifecycle.timeout-per-shutdown-phase}), the calls that are left are cancelled.
 */
final class PoolLifecycle implements SmartLifecycle, DisposableBean {

    /** Below the phases of web servers, listeners and schedulers, so that the pool stops after them. */
    static final int PHASE = SmartLifecycle.DEFAULT_PHASE - 4096;

    private final FutureExecutor pool;

    PoolLifecycle(FutureExecutor pool) {
        this.pool = pool;
    }

    @Override
    public void start() {
        // The pool starts its workers when there are calls.
    }

    @Override
    public void stop(Runnable callback) {
        pool.shutdown();
        Thread.ofVirtual().name("trestle-spring-stop").start(() -> {
            try {
                pool.close();
            } finally {
                callback.run();
            }
        });
    }

    @Override
    public void stop() {
        pool.close();
    }

    @Override
    public boolean isRunning() {
        return !pool.isTerminated();
    }

    @Override
    public int getPhase() {
        return PHASE;
    }

    /**
     * Returns false, so that Spring Framework 7 does not stop the pool while a context of tests is unused: a pool
     * cannot be started again. Overrides a method that Spring Framework 6 does not have.
     */
    public boolean isPauseable() {
        return false;
    }

    @Override
    public void destroy() {
        if (!pool.isTerminated()) {
            pool.shutdownNow();
            pool.close();
        }
    }

    @Override
    public String toString() {
        return "PoolLifecycle[" + pool + "]";
    }
}
