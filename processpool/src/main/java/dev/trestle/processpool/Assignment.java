package dev.trestle.processpool;

/**
 * A worker that has a call, and the ticket by which the worker knows the call: a snapshot, made under the dispatcher's
 * lock. A call that is sent again, even to the same worker, has another assignment.
 *
 * @param worker the worker that has the call
 * @param ticket the number of the call among those that the worker was ever given
 */
record Assignment(Worker worker, long ticket) {

    /** Interrupts the call on its worker, and kills the worker if that does not end the call. */
    void interrupt(PoolCall<?> call) {
        worker.interrupt(call, ticket);
    }
}
