package dev.trestle.cluster;

import dev.trestle.processpool.remote.RemoteWorker;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.ProtocolException;
import java.io.IOException;
import org.jgroups.Address;
import org.jspecify.annotations.Nullable;

/** A member of the cluster as a worker of a client's pool. */
final class RemoteMember implements RemoteWorker {

    private final ClusterPool pool;
    private final Node node;
    private final Address address;
    private volatile @Nullable ConnectionPair pair;
    private volatile Frame.@Nullable Introduction met;
    private volatile boolean refused;

    RemoteMember(ClusterPool pool, Node node, Address address) {
        this.pool = pool;
        this.node = node;
        this.address = address;
    }

    Address address() {
        return address;
    }

    Frame.@Nullable Introduction met() {
        return met;
    }

    /** Returns whether the member may have no calls, whenever it is asked. */
    boolean isRefused() {
        return refused;
    }

    @Override
    public Connections connect() throws IOException {
        ConnectionPair opened = node.open(address);
        pair = opened;
        return new Connections(opened.work(), opened.controls());
    }

    @Override
    public Frame.Introduction greet(FrameChannel work) throws IOException {
        Frame.Introduction own = pool.introduction();
        work.write(own);
        if (!(work.read() instanceof Frame.Introduction theirs)) {
            throw new ProtocolException("it did not introduce itself");
        }
        met = theirs;
        String objection = Identity.objection(own, theirs);
        if (!objection.isEmpty()) {
            refused = theirs.refusal().isEmpty();
            throw new IOException(objection);
        }
        return theirs.withAheadAtMost(pool.callsAhead());
    }

    @Override
    public void ready() {
        pool.joined(this);
    }

    @Override
    public void gone(@Nullable String why) {
        pool.left(this, why);
    }

    @Override
    public String name() {
        Frame.Introduction known = met;
        return "member " + Node.nameOf(address) + (known == null ? "" : " on host " + known.host());
    }

    @Override
    public boolean isConnected() {
        ConnectionPair opened = pair;
        return opened != null && opened.isOpen();
    }

    @Override
    public void disconnect() {
        ConnectionPair opened = pair;
        if (opened != null) {
            opened.close("the client has closed the connection");
        }
    }

    @Override
    public String farewell() {
        ConnectionPair opened = pair;
        String because = opened == null ? null : opened.endedBecause();
        return because == null ? "its connection was closed" : because;
    }

    @Override
    public String toString() {
        return "RemoteMember[" + name() + "]";
    }
}
