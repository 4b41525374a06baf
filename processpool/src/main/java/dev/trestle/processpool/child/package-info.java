/**
 * What runs in the other JVM. It shares {@link dev.trestle.processpool.wire} with the pool and nothing else.
 *
 * <p>Threads: {@code main} runs the calls, one at a time. A reader takes frames from the connection at all times, so that a
 * cancellation is noticed and the pool never blocks on writing. A third holds the lifeline, stdin.
 */
@NullMarked
package dev.trestle.processpool.child;

import org.jspecify.annotations.NullMarked;
