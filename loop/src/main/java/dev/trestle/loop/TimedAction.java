package dev.trestle.loop;

/** A {@link TimedCoroutine} without a result. */
@FunctionalInterface
public interface TimedAction {

    /**
     * Runs the coroutine, on a virtual thread of the loop, while no other code of the loop runs.
     *
     * @param timeout the limit
     * @throws Exception any exception of the code
     */
    void run(Timeout timeout) throws Exception;
}
