package dev.trestle.cluster;

import org.jgroups.Address;
import org.jspecify.annotations.Nullable;

/** The two connections between a client and a member, which begin and end together. Thread-safe. */
final class ConnectionPair {

    private final Node node;
    private final Address peer;
    private final long id;
    private final MessageConnection work;
    private final MessageConnection controls;

    ConnectionPair(Node node, Address peer, long id) {
        this.node = node;
        this.peer = peer;
        this.id = id;
        this.work = new MessageConnection(id, Packet.Role.WORK, Node.nameOf(peer), packet -> node.send(peer, packet));
        this.controls =
                new MessageConnection(id, Packet.Role.CONTROLS, Node.nameOf(peer), packet -> node.send(peer, packet));
    }

    Address peer() {
        return peer;
    }

    long id() {
        return id;
    }

    MessageConnection work() {
        return work;
    }

    MessageConnection controls() {
        return controls;
    }

    MessageConnection of(Packet.Role role) {
        return role == Packet.Role.WORK ? work : controls;
    }

    /** Ends both: what has arrived can be read. Does not wait. */
    void end(String because) {
        work.end(because);
        controls.end(because);
    }

    boolean isOpen() {
        return work.isOpen() && controls.isOpen();
    }

    /** Returns why the peer, or the way to it, is gone; null if it is not. */
    @Nullable
    String endedBecause() {
        String ofWork = work.endedBecause();
        return ofWork == null ? controls.endedBecause() : ofWork;
    }

    /** Closes both, and tells the peer. Idempotent. */
    void close(String reason) {
        node.forget(this, reason);
        work.close();
        controls.close();
    }

    @Override
    public String toString() {
        return "ConnectionPair[" + Long.toHexString(id) + " with " + peer + "]";
    }
}
