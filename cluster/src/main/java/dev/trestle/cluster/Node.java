package dev.trestle.cluster;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jgroups.Address;
import org.jgroups.BytesMessage;
import org.jgroups.JChannel;
import org.jgroups.Message;
import org.jgroups.Receiver;
import org.jgroups.View;
import org.jgroups.util.FlagsUUID;
import org.jgroups.util.NameCache;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A node of a cluster: a channel of JGroups, and the connections over it. Thread-safe.
 */
final class Node implements AutoCloseable {

    /*
     * Threads of JGroups come in by `receive` and `viewAccepted`. They look connections up, put bytes into queues, and
     * leave the rest to the node's own thread, `events`: they wait for nothing, and run no code of the program.
     *
     * A connection ends when its peer says so, when a view comes without the peer, and when this node closes. A packet
     * for a connection that is not here is answered with CLOSE, so that no side waits for one that has forgotten it.
     * That happens to one side only when the views of the two differ for a while, as after a partition. So each side
     * says every other second how much room it has, which also asks whether the other side still knows the connection.
     *
     * Only byte messages are looked at. No message is ever asked for an object, so nothing is deserialized.
     */

    private static final Logger logger = LoggerFactory.getLogger(Node.class);

    /** The part that a node plays. */
    enum Part {
        /** Runs calls. */
        MEMBER,
        /** Submits calls. */
        CLIENT
    }

    private static final short MEMBER_FLAG = 1;
    private static final long PULSE_MILLIS = 2_000;

    /** The owner of a node. Its methods are called on the node's own thread, one after the other. */
    interface Owner {
        /** Called with the members of the cluster when they have changed. */
        void membersChanged(List<Address> members);

        /** Called when a client has opened a pair of connections. */
        void opened(ConnectionPair pair);
    }

    private record Key(Address peer, long pair) {}

    private final JChannel channel;
    private final Stack stack;
    private final Owner owner;
    private final String name;
    private final SecureRandom random = new SecureRandom();
    private final Map<Key, ConnectionPair> pairs = new ConcurrentHashMap<>();
    private final ExecutorService events;
    private final ScheduledExecutorService pulse;

    private volatile Set<Address> present = Set.of();
    private volatile boolean closed;

    private Node(JChannel channel, String name, Stack stack, Owner owner) {
        this.channel = channel;
        this.stack = stack;
        this.name = name;
        this.owner = owner;
        this.events = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().name("trestle-cluster-" + name).daemon().factory());
        this.pulse = Executors.newSingleThreadScheduledExecutor(Thread.ofPlatform()
                .name("trestle-cluster-" + name + "-pulse")
                .daemon()
                .factory());
    }

    /**
     * Joins a cluster, and waits for that.
     *
     * @throws IllegalStateException if the node cannot join
     */
    static Node join(String cluster, String name, Part part, Stack stack, Owner owner) {
        JChannel channel;
        try {
            channel = stack.channel();
        } catch (Exception e) { // JGroups declares no other
            throw new IllegalStateException("Cannot set up the channel of " + name + ": " + e.getMessage(), e);
        }
        var node = new Node(channel, name, stack, owner);
        try {
            channel.setName(name);
            channel.setDiscardOwnMessages(true);
            channel.addAddressGenerator(new Addresses(part));
            channel.setReceiver(node.new Incoming());
            channel.connect(cluster);
            var _ = node.pulse.scheduleWithFixedDelay(
                    node::askForAll, PULSE_MILLIS, PULSE_MILLIS, TimeUnit.MILLISECONDS);
            return node;
        } catch (Exception e) {
            node.close();
            throw new IllegalStateException(
                    name + " cannot join the cluster '" + cluster + "' " + stack + ": " + reason(e), e);
        }
    }

    private static String reason(Throwable e) {
        Throwable cause = e.getCause();
        return cause == null || cause.getMessage() == null
                ? String.valueOf(e.getMessage())
                : e.getMessage() + ": " + cause.getMessage();
    }

    /** Makes addresses that tell members from clients, so that clients are asked nothing. */
    private record Addresses(Part part) implements org.jgroups.stack.AddressGenerator {
        @Override
        @Deprecated
        public Address generateAddress() {
            throw new UnsupportedOperationException("JGroups calls the other method");
        }

        @Override
        public Address generateAddress(String name) {
            FlagsUUID address = FlagsUUID.randomUUID(name);
            return part == Part.MEMBER ? address.setFlag(MEMBER_FLAG) : address;
        }
    }

    static boolean isMember(Address address) {
        return address instanceof FlagsUUID flags && flags.isFlagSet(MEMBER_FLAG);
    }

    /** Returns the name of a node, as it has named itself. */
    static String nameOf(Address address) {
        String name = NameCache.get(address);
        return name == null ? address.toString() : name;
    }

    /** Returns the members of the cluster. */
    List<Address> members() {
        return present.stream().filter(Node::isMember).toList();
    }

    /** Says where this node looks for others, for messages. */
    String where() {
        return stack.toString();
    }

    boolean isPresent(Address address) {
        return present.contains(address);
    }

    // Outgoing

    /** Opens connections to a member. Does not wait for it. */
    ConnectionPair open(Address member) throws IOException {
        var pair = new ConnectionPair(this, member, random.nextLong());
        pairs.put(new Key(member, pair.id()), pair);
        if (closed || !isPresent(member)) {
            pair.end("it is not in the cluster");
            pairs.remove(new Key(member, pair.id()));
        } else {
            send(member, new Packet.Open(pair.id()));
        }
        return pair;
    }

    void send(Address peer, Packet packet) throws IOException {
        try {
            var _ = channel.send(new BytesMessage(peer, packet.encode()));
        } catch (Exception e) { // JGroups declares no other
            throw new IOException("Cannot send to " + peer + ": " + e.getMessage(), e);
        }
    }

    /** Asks all peers whether they still know the connections that this node has with them. */
    private void askForAll() {
        for (ConnectionPair each : pairs.values()) {
            try {
                send(each.peer(), each.controls().roomNow());
            } catch (IOException e) {
                logger.debug("{} cannot ask for {}", name, each, e);
            }
        }
    }

    /** Forgets a pair of connections that this side closes, and tells the peer. */
    void forget(ConnectionPair pair, String reason) {
        if (pairs.remove(new Key(pair.peer(), pair.id()), pair) && pair.isOpen() && !closed) {
            try {
                send(pair.peer(), new Packet.Close(pair.id(), reason));
            } catch (IOException e) {
                logger.debug("{} cannot tell {} that it closes", name, pair, e);
            }
        }
    }

    // Incoming, on threads of JGroups

    private final class Incoming implements Receiver {

        @Override
        public void receive(Message message) {
            if (!(message instanceof BytesMessage bytes) || !bytes.hasArray()) {
                logger.warn("{} drops a {} of {}: only bytes are read", name, message.getClass(), message.getSrc());
                return;
            }
            Packet packet = Packet.decode(ByteBuffer.wrap(bytes.getArray(), bytes.getOffset(), bytes.getLength())
                    .slice());
            if (packet == null) {
                logger.warn(
                        "{} drops a message of {}, which has another version of Trestle, or is no node of it",
                        name,
                        message.getSrc());
                return;
            }
            take(message.getSrc(), packet);
        }

        @Override
        public void viewAccepted(View view) {
            Set<Address> now = Set.copyOf(view.getMembers());
            present = now;
            pairs.forEach((key, pair) -> {
                if (!now.contains(key.peer()) && pairs.remove(key, pair)) {
                    pair.end("it has left the cluster: its process ended, or could not be reached any more");
                }
            });
            List<Address> members =
                    view.getMembers().stream().filter(Node::isMember).toList();
            later(() -> owner.membersChanged(members));
        }
    }

    private void take(Address peer, Packet packet) {
        var key = new Key(peer, packet.pair());
        ConnectionPair pair = pairs.get(key);
        switch (packet) {
            case Packet.Open _ -> open(peer, key);
            case Packet.Close(var _, var reason) -> {
                if (pair != null && pairs.remove(key, pair)) {
                    pair.end(reason);
                }
            }
            case Packet.Data data -> {
                if (pair == null) {
                    refuse(peer, packet.pair(), "it has forgotten this connection");
                } else if (!pair.of(data.role()).receive(data) && pairs.remove(key, pair)) {
                    pair.end("the connection is out of step");
                    refuse(peer, packet.pair(), "the connection is out of step");
                }
            }
            case Packet.Room more -> {
                if (pair == null) {
                    refuse(peer, packet.pair(), "it has forgotten this connection");
                } else {
                    pair.of(more.role()).makeRoom(more);
                }
            }
        }
    }

    private void open(Address peer, Key key) {
        var pair = new ConnectionPair(this, peer, key.pair());
        if (pairs.putIfAbsent(key, pair) == null) {
            later(() -> owner.opened(pair));
        }
    }

    private void refuse(Address peer, long pair, String reason) {
        later(() -> {
            try {
                send(peer, new Packet.Close(pair, reason));
            } catch (IOException e) {
                logger.debug("{} cannot refuse a packet of {}", name, peer, e);
            }
        });
    }

    private void later(Runnable event) {
        try {
            events.execute(() -> {
                try {
                    event.run();
                } catch (RuntimeException | Error e) {
                    logger.error("{} could not deal with an event", name, e);
                }
            });
        } catch (RejectedExecutionException e) {
            logger.debug("{} drops an event, since it is closed", name);
        }
    }

    /** Leaves the cluster. Idempotent. */
    @Override
    public void close() {
        closed = true;
        boolean interrupted = Thread.interrupted(); // JGroups would drop it
        channel.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        pairs.forEach((_, pair) -> pair.end("this node has left the cluster"));
        pairs.clear();
        events.shutdownNow();
        pulse.shutdownNow();
    }

    @Override
    public String toString() {
        @Nullable View view = channel.view();
        return "Node[" + name + ", sees=" + (view == null ? 0 : view.size()) + ", connections=" + pairs.size() + "]";
    }
}
