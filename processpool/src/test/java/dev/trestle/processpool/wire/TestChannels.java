package dev.trestle.processpool.wire;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;

/** Channels of frames over what a test says. */
public final class TestChannels {

    private TestChannels() {}

    /** Returns a worker's channel over bytes that are written as they come. */
    public static FrameChannel ofWorker(ByteChannel bytes, long maxPayloadBytes, WorkerJournal record) {
        return FrameChannel.ofWorker(new OverBytes(bytes), maxPayloadBytes, record);
    }

    private record OverBytes(ByteChannel bytes) implements Connection {

        @Override
        public int read(ByteBuffer target) throws IOException {
            return bytes.read(target);
        }

        @Override
        public int write(ByteBuffer source) throws IOException {
            return bytes.write(source);
        }

        @Override
        public boolean isOpen() {
            return bytes.isOpen();
        }

        @Override
        public void close() throws IOException {
            bytes.close();
        }
    }
}
