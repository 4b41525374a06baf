package dev.trestle.api;

/** A wait for the end of an executor, to be given to {@link WaitGuard#awaitEnd}. */
@FunctionalInterface
public interface EndWait {

    /**
     * Parks the calling thread until the executor has ended, or the time limit of the wait is over.
     *
     * @return whether the executor has ended
     * @throws InterruptedException if the calling thread is interrupted
     */
    boolean await() throws InterruptedException;
}
