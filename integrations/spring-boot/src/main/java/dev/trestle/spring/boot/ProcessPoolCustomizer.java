package dev.trestle.spring.boot;

import dev.trestle.processpool.ProcessPool;

/**
 * A customizer of the process pool that this starter makes, for what has no property: the initializer of the workers,
 * the types that results may have. Each bean of this type is called, after the properties have been applied.
 */
@FunctionalInterface
public interface ProcessPoolCustomizer {

    /**
     * Changes the options of the pool. Called once, when the bean of the pool is made.
     *
     * @param builder the options
     */
    void customize(ProcessPool.Builder builder);
}
