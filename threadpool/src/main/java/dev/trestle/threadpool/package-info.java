/**
 * An executor on threads, platform or virtual: Python's {@code ThreadPoolExecutor}.
 *
 * {@snippet class="dev.trestle.threadpool.JavadocExamplesTest" region="pool"}
 *
 * <p>{@link dev.trestle.threadpool.ThreadPool} is a {@link dev.trestle.api.FutureExecutor}, as the pools of child JVMs
 * are, so the same code runs on either.
 */
@NullMarked
package dev.trestle.threadpool;

import org.jspecify.annotations.NullMarked;
