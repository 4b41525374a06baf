/**
 * The code of a worker JVM. It shares {@link dev.trestle.processpool.wire} with the pool and nothing else.
 *
 * <p>Threads: {@code main} reads the calls and runs them, one at a time; with several calls per worker, it gives each
 * to the thread of a free place. A second thread reads, from a connection of its own, the pool's messages to a running
 * call; a third thread holds the lifeline, stdin; a fourth gives back unused heap while the worker is idle. Two more
 * threads live for a moment: one maps the worker journal while {@code main} dials, one sets Jackson up after the first
 * answer.
 */
@NullMarked
package dev.trestle.processpool.child;

import org.jspecify.annotations.NullMarked;
