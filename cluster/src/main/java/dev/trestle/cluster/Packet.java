package dev.trestle.cluster;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** A message of one node to another about one connection: the content of a message of JGroups. */
sealed interface Packet {

    /*
     *   0  magic 'T'             1 byte
     *   1  version               1 byte
     *   2  type                  1 byte
     *   3  role                  1 byte    of the connection within its pair
     *   4  id of the pair        8 bytes   a random number of the client's
     *  12  position              8 bytes   of DATA: of its first byte in the stream; of ROOM: the end of the room
     *  20  bytes of DATA, the reason of CLOSE
     */

    /** The bytes before the content. */
    int HEADER = 20;

    /** The version of this protocol. */
    byte VERSION = 1;

    byte MAGIC = 'T';

    /** The role of a connection of a pair. */
    enum Role {
        /** Carries calls and answers. */
        WORK,
        /** Carries what must not wait behind a call. */
        CONTROLS;

        private static final Role[] all = values();

        @SuppressWarnings("EnumOrdinal") // the version stands before it
        byte number() {
            return (byte) ordinal();
        }

        static @Nullable Role at(int number) {
            return number >= 0 && number < all.length ? all[number] : null;
        }
    }

    long pair();

    Role role();

    /** A client opens a pair of connections. */
    record Open(long pair) implements Packet {
        @Override
        public Role role() {
            return Role.WORK;
        }
    }

    /**
     * Bytes of the stream of a connection.
     *
     * @param position the number of bytes that went before
     */
    record Data(long pair, Role role, long position, ByteBuffer bytes) implements Packet {}

    /**
     * The reader of a connection has room.
     *
     * @param end the number of bytes that may have been written in all
     */
    record Room(long pair, Role role, long end) implements Packet {}

    /** The pair is over. */
    record Close(long pair, String reason) implements Packet {
        @Override
        public Role role() {
            return Role.WORK;
        }
    }

    /** Encodes this packet. */
    default byte[] encode() {
        return switch (this) {
            case Open _ -> header(0, 0, 0).array();
            case Data(var _, var _, var position, var bytes) ->
                header(1, position, bytes.remaining()).put(bytes.duplicate()).array();
            case Room(var _, var _, var end) -> header(2, end, 0).array();
            case Close(var _, var reason) -> {
                byte[] text = reason.getBytes(StandardCharsets.UTF_8);
                yield header(3, 0, text.length).put(text).array();
            }
        };
    }

    private ByteBuffer header(int type, long position, int content) {
        return ByteBuffer.allocate(HEADER + content)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(MAGIC)
                .put(VERSION)
                .put((byte) type)
                .put(role().number())
                .putLong(pair())
                .putLong(position);
    }

    /** Decodes a packet without copying its bytes; returns null if it is malformed, or of another version. */
    static @Nullable Packet decode(ByteBuffer message) {
        ByteBuffer from = message.order(ByteOrder.LITTLE_ENDIAN);
        if (from.remaining() < HEADER || from.get() != MAGIC || from.get() != VERSION) {
            return null;
        }
        int type = from.get();
        Role role = Role.at(from.get());
        long pair = from.getLong();
        long position = from.getLong();
        if (role == null) {
            return null;
        }
        return switch (type) {
            case 0 -> new Open(pair);
            case 1 -> new Data(pair, role, position, from.slice());
            case 2 -> new Room(pair, role, position);
            case 3 -> new Close(pair, StandardCharsets.UTF_8.decode(from).toString());
            default -> null;
        };
    }
}
