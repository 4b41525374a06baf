/**
 * Futures and executors that every pool shares: the types that pools implement and callers use.
 *
 * <p>A {@link dev.trestle.api.FutureExecutor} is an {@link java.util.concurrent.ExecutorService} that returns
 * {@link dev.trestle.api.ConcurrentFuture}s. {@link dev.trestle.api.Promise} is the writable end of such a future:
 *
 * {@snippet class="dev.trestle.api.JavadocExamplesTest" region="promise"}
 *
 * <p>{@link dev.trestle.api.Futures} waits for many futures:
 *
 * {@snippet class="dev.trestle.api.JavadocExamplesTest" region="wait"}
 *
 * <p>The pools are in modules of their own: {@code dev.trestle.threadpool}, {@code dev.trestle.processpool},
 * {@code dev.trestle.cluster}. Code that implements executors also finds {@link dev.trestle.api.KeepAlive},
 * {@link dev.trestle.api.QueueLimit}, {@link dev.trestle.api.StackRoom} and {@link dev.trestle.api.WaitGuard} here.
 */
@NullMarked
package dev.trestle.api;

import org.jspecify.annotations.NullMarked;
