/**
 * \n * Futures and executors that every pool shares: the types that pools implement and callers use.\n *\n * <p>A
 * {@link dev.trestle.api.FutureExecutor} returns {@link dev.trestle.api.ConcurrentFuture}s;
 * {@link dev.trestle.api.Promise} is their writable end, and {@link dev.trestle.api.Futures} waits for many of them:\n
 * *\n * SNIPPET\n
 */
@NullMarked
package dev.trestle.api;

import org.jspecify.annotations.NullMarked;
