/**
 * A single-threaded event loop, its futures and tasks, and coroutines that await them: Python's asyncio.
 *
 * <p>A coroutine is code on a virtual thread that looks like blocking code. The functions of
 * {@link dev.trestle.loop.Async}, meant for a static import, suspend it:
 *
 * {@snippet class="dev.trestle.loop.JavadocExamplesTest" region="run"}
 *
 * <p>Only one coroutine or callback of a loop runs at a time, and another runs only when the first awaits or ends. So
 * code between two awaits is atomic, and needs no locks.
 *
 * <p>{@link dev.trestle.loop.EventLoop} is the loop, {@link dev.trestle.loop.TaskGroup} runs tasks that end together,
 * and {@link dev.trestle.loop.LoopLock}, {@link dev.trestle.loop.LoopCondition}, {@link dev.trestle.loop.LoopQueue} and
 * the like coordinate coroutines. Tests run in virtual time with a {@link dev.trestle.loop.VirtualClock}. The module
 * {@code dev.trestle.bridge} awaits other executors.
 */
@NullMarked
package dev.trestle.loop;

import org.jspecify.annotations.NullMarked;
