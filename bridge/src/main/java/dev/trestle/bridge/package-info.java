/**
 * A bridge between executors and the event loop: it turns futures of any executor into futures of the loop, and back.
 *
 * {@snippet class="dev.trestle.bridge.JavadocExamplesTest" region="run-in-executor"}
 *
 * <p>{@link dev.trestle.bridge.Bridge} has all functions. Cancellation crosses the bridge in both directions. A
 * coroutine iterates over the items of a {@link java.util.concurrent.Flow.Publisher}, too:
 *
 * {@snippet class="dev.trestle.bridge.JavadocExamplesTest" region="iterate"}
 */
@NullMarked
package dev.trestle.bridge;

import org.jspecify.annotations.NullMarked;
