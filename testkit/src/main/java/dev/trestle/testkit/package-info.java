/**
 * For tests of programs that use Trestle.
 *
 * <p>{@link dev.trestle.testkit.VirtualTime} runs coroutines without waiting for their sleeps, and in shuffled orders.
 */
@NullMarked
package dev.trestle.testkit;

import org.jspecify.annotations.NullMarked;
