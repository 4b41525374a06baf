/**
 * Tools for tests of programs that use Trestle.
 *
 * {@snippet class="dev.trestle.testkit.JavadocExamplesTest" region="in-process"}
 *
 * <p>{@link dev.trestle.testkit.VirtualTime} runs coroutines without waiting for their sleeps, and in shuffled orders.
 * {@link dev.trestle.testkit.InProcessPool} runs the calls of a process pool without processes.
 * {@link dev.trestle.testkit.NoLeaks} fails tests that leave pools, loops or processes behind.
 */
@NullMarked
package dev.trestle.testkit;

import org.jspecify.annotations.NullMarked;
