package dev.trestle.cluster;

/**
 * A listener for members that join and leave. Its methods are called on a thread of the pool's own, one after the
 * other. A method may block, which only delays later events. An exception that it throws is logged.
 */
public interface MembershipListener {

    /**
     * Called when a member can have calls.
     *
     * @param member the member
     */
    default void joined(Member member) {}

    /**
     * Called when a member has left, or can no longer be reached.
     *
     * @param member the member
     * @param why the reason, as a clause, such as {@code it has shut down gracefully}
     */
    default void left(Member member, String why) {}
}
