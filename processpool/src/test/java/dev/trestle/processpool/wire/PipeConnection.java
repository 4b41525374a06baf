package dev.trestle.processpool.wire;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;

/** Both ends of a pipe as one connection: what is written can be read. */
record PipeConnection(Pipe pipe) implements Connection {

    @Override
    public int read(ByteBuffer to) throws IOException {
        return pipe.source().read(to);
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
        return pipe.sink().write(from);
    }

    @Override
    public boolean isOpen() {
        return pipe.sink().isOpen();
    }

    @Override
    public void close() throws IOException {
        pipe.sink().close();
    }
}
