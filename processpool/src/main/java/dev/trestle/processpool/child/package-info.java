/**
 * The code of a worker JVM. It shares {@link dev.trestle.processpool.wire} with the pool and nothing else.
 *
 * <p>Threads: {@code main} reads the calls and runs them, one at a time. A second takes from a connection of its own
 * what the pool has to say meanwhile, a third holds the lifeline, stdin. At the start there are two more for a moment:
 * one maps the worker journal while {@code main} dials, one sets Jackson up when it has.
 */
@NullMarked
package dev.trestle.processpool.child;

import org.jspecify.annotations.NullMarked;
