/**
 * Pools of child JVMs that run calls in isolation: a crash, an exhausted heap, a {@code System.exit} or an endless loop
 * costs one call, and neither the program nor the pool.
 *
 * {@snippet class="dev.trestle.processpool.JavadocExamplesTest" region="pool"}
 *
 * <p>A call can have a time limit that really stops it: the call is interrupted, and if that does not help, its worker
 * is killed and another one started.
 *
 * {@snippet class="dev.trestle.processpool.JavadocExamplesTest" region="time-limit"}
 *
 * <p>{@link dev.trestle.processpool.ProcessPool} is the place to begin. {@link dev.trestle.processpool.CallOptions} has
 * the options of one call, {@link dev.trestle.processpool.ProcessPool#share(Object)} puts large data where all calls
 * read it, {@link dev.trestle.processpool.WorkerContext} reports progress from inside a call, and
 * {@link dev.trestle.processpool.WorkerDiedException} tells how a worker died.
 */
@NullMarked
package dev.trestle.processpool;

import org.jspecify.annotations.NullMarked;
