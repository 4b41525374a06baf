package dev.trestle.loop;

/** A {@link TimedCoroutine} without a result. */
@FunctionalInterface
public interface TimedAction {

    /**
     * Runs the coroutine, on a thread of the loop, holding its baton.
     *
     * @param timeout the limit
     * @throws Exception whatever it throws
     */
    void run(Timeout timeout) throws Exception;
}
