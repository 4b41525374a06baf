package dev.trestle.cluster;

/**
 * A listener for members that come and go. Its methods are called on a thread of the pool's own, one after the other;
 * they may wait, which holds up further news only.
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
     * @param why how it has left, as the middle of a sentence
     */
    default void left(Member member, String why) {}
}
