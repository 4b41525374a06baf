package dev.trestle.loop;

import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** The log of all loops while a test listens: passes each message on, until it is closed. */
final class LoopLog implements AutoCloseable {

    private static final Logger LOGGER = Logger.getLogger(EventLoop.class.getName());

    private final Handler handler;

    /**
     * Begins to listen.
     *
     * @param messages gets each message, on the thread that logs it; an exception of this consumer goes to that thread
     */
    LoopLog(Consumer<String> messages) {
        handler = new Handler() {
            @Override
            public void publish(LogRecord record) {
                messages.accept(record.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        LOGGER.addHandler(handler);
    }

    @Override
    public void close() {
        LOGGER.removeHandler(handler);
    }
}
