package dev.trestle.processpool.wire;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A note of what a worker is doing, and of the answers that it has not sent yet: memory that it shares with its pool
 * through a mapped file.
 *
 * <p>The worker notes each step with one store to memory, so it costs nothing; the kernel keeps the file whatever
 * becomes of the worker, so its last words are there even after SIGKILL. It tells the call that had begun, which may
 * have had effects and is lost, from those that had only been sent, which can go to another worker. And the worker
 * writes its answers from a buffer in this file, so it may hold them back while it runs the next call: they are not
 * lost with it.
 *
 * <p>Thread-safe: one thread notes steps and setups, any thread may note the orderly exit. The buffer belongs to a
 * {@link FrameChannel}.
 */
public final class WorkerJournal implements Setup {

    /** A step of the worker's work on a call. */
    public enum Step {
        /** The worker has not begun any call. */
        NOTHING,
        /** The worker takes the call from the connection. The call has not begun. */
        RECEIVING,
        /** The worker reads the call. */
        DECODING,
        /** The worker runs the call. */
        RUNNING,
        /** The worker sets itself up to write a value of the call for the first time. */
        SETTING_UP,
        /** The worker writes the result, or has written it. */
        ENCODING
    }

    /** The cause of an orderly end of a JVM, an end with shutdown hooks. */
    public enum Exit {
        /** No orderly end has begun: the JVM lives, or it was killed, has crashed or was halted. */
        NONE,
        /** Something has called {@code System.exit}. */
        CALLED,
        /** A signal has come, such as SIGTERM. */
        SIGNALLED
    }

    /**
     * The journal as it was found.
     *
     * @param callId the number of the last call that the worker knew of; 0 if there was none
     * @param step the worker's step in that call
     * @param exit whether the JVM was ending in order, and why
     */
    public record LastWords(long callId, Step step, Exit exit) {

        /**
         * Returns whether a call had begun. The calls of a worker have ascending numbers and run in that order.
         *
         * @param id the number of the call
         * @return whether it may have had effects
         */
        public boolean hadBegun(long id) {
            return id < callId || (id == callId && step.compareTo(Step.DECODING) >= 0);
        }
    }

    /**
     * The present work of a living worker.
     *
     * @param callId the number of the last call that the worker knows of; 0 if there was none
     * @param step the worker's step in that call
     * @param begunNanos when the last call's own code began, in nanoseconds since the worker said hello, and later by
     * the time that
     *     the worker has spent with setting itself up since; 0 if none has begun
     */
    public record Progress(long callId, Step step, long begunNanos) {

        /**
         * Returns whether the own code of a call has begun.
         *
         * @param id the number of the call
         * @return whether it has; what came before, such as reading its arguments, does not count
         */
        public boolean hasBegun(long id) {
            return isPast(id) || (id == callId && step.compareTo(Step.RUNNING) >= 0);
        }

        /**
         * Returns whether the worker sets itself up to write something of a call.
         *
         * @param id the number of the call
         * @return whether it does
         */
        public boolean isSettingUp(long id) {
            return id == callId && step == Step.SETTING_UP;
        }

        /**
         * Returns whether the worker is done with a call.
         *
         * @param id the number of the call
         * @return whether it has turned to a later one
         */
        public boolean isPast(long id) {
            return id < callId;
        }
    }

    private static final int EXITING = 8;
    private static final int HELD = 16;
    private static final int BEGUN = 24;
    private static final int BUFFER_AT = 64;
    /** A little more than a socket takes at once. */
    static final int BUFFER = 256 << 10;

    private static final int SIZE = BUFFER_AT + BUFFER;
    private static final int STEP_BITS = 3;
    private static final Step[] steps = Step.values();
    private static final Exit[] exits = Exit.values();
    private static final VarHandle WORDS = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final ByteBuffer memory;
    private long hello = System.nanoTime();

    // Confined to the thread that notes steps
    private int setups;
    private long setupSince;
    private long stepBefore;

    private WorkerJournal(ByteBuffer memory) {
        this.memory = memory;
    }

    /**
     * Creates the empty file and keeps it open; the pool does it before it starts the worker. What the worker puts in
     * the place of the file, or does to it, is of no consequence: the pool reads from the open file, and no more than a
     * journal has.
     *
     * @param file where; there must be nothing yet
     * @return the file as the pool sees it
     * @throws IOException if that fails
     */
    public static Reader create(Path file) throws IOException {
        FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            // Written, not only sized: a hole in the file on a full disk would kill the worker with SIGBUS.
            ByteBuffer empty = ByteBuffer.allocate(SIZE);
            while (empty.hasRemaining()) {
                channel.write(empty);
            }
            return new Reader(file, channel);
        } catch (Throwable e) {
            channel.close();
            throw e;
        }
    }

    /**
     * Opens the file for writing; the worker does it.
     *
     * @param file the file
     * @return the journal
     * @throws IOException if that fails
     */
    public static WorkerJournal open(Path file) throws IOException {
        try (var channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return new WorkerJournal(channel.map(FileChannel.MapMode.READ_WRITE, 0, SIZE, Arena.global())
                    .asByteBuffer());
        }
    }

    /**
     * Notes what is being done with a call.
     *
     * @param callId the number of the call
     * @param step what is being done from now on
     */
    @SuppressWarnings("EnumOrdinal") // both sides are the same version, which the greeting checks
    public void note(long callId, Step step) {
        WORDS.setRelease(memory, 0, callId << STEP_BITS | step.ordinal());
    }

    /** Notes that the worker says hello now, which the pool hears. From here on both count the time. */
    public void noteHello() {
        hello = System.nanoTime();
    }

    /**
     * Notes that the own code of a call begins now.
     *
     * @param callId the number of the call
     */
    public void noteBegun(long callId) {
        WORDS.setOpaque(memory, BEGUN, System.nanoTime() - hello);
        note(callId, Step.RUNNING);
    }

    /**
     * Notes that the JVM is ending in order.
     *
     * @param bySignal whether a signal is the reason
     */
    public void noteExit(boolean bySignal) {
        WORDS.setVolatile(memory, EXITING, bySignal ? 2L : 1L); // places in the enum
    }

    @Override
    public void begins() {
        if (setups++ == 0) {
            setupSince = System.nanoTime();
            stepBefore = (long) WORDS.get(memory, 0);
            note(stepBefore >>> STEP_BITS, Step.SETTING_UP);
        }
    }

    @Override
    public void ends() {
        if (--setups == 0) {
            long begun = (long) WORDS.get(memory, BEGUN);
            WORDS.setOpaque(memory, BEGUN, begun + System.nanoTime() - setupSince);
            WORDS.setRelease(memory, 0, stepBefore);
        }
    }

    /** Returns the memory for frames that wait to be sent. */
    ByteBuffer buffer() {
        return memory.slice(BUFFER_AT, BUFFER);
    }

    /** Notes how many bytes at the beginning of the buffer are whole frames that have not been sent. */
    void noteHeld(int bytes) {
        WORDS.setRelease(memory, HELD, (long) bytes);
    }

    /**
     * The pool's view of the journal of a worker that lives or is dead. Reads from the file, which is not mapped here:
     * a worker that truncates it causes an exception. Thread-safe; a thread that is interrupted while it reads closes
     * the file.
     */
    public static final class Reader implements AutoCloseable {

        private final Path file;
        private final FileChannel channel;

        private Reader(Path file, FileChannel channel) {
            this.file = file;
            this.channel = channel;
        }

        /**
         * Reads what the worker did last.
         *
         * @return what it says
         * @throws IOException if it cannot be read, or is damaged
         */
        public LastWords lastWords() throws IOException {
            ByteBuffer words = read(0, HELD);
            long word = words.getLong(0);
            return new LastWords(word >>> STEP_BITS, step(word), exit(words.getLong(EXITING)));
        }

        /**
         * Reads what the worker is doing.
         *
         * @return what it says
         * @throws IOException if it cannot be read, or is damaged
         */
        public Progress progress() throws IOException {
            ByteBuffer words = read(0, BUFFER_AT);
            long word = words.getLong(0);
            return new Progress(word >>> STEP_BITS, step(word), words.getLong(BEGUN));
        }

        private Exit exit(long word) throws IOException {
            if (word < 0 || word >= exits.length) {
                throw new IOException("The worker journal " + file + " is damaged: there is no exit " + word);
            }
            return exits[(int) word];
        }

        private Step step(long word) throws IOException {
            int step = (int) word & (1 << STEP_BITS) - 1;
            if (step >= steps.length) {
                throw new IOException("The worker journal " + file + " is damaged: there is no step " + step);
            }
            return steps[step];
        }

        /**
         * Reads the frames that the worker had written and not sent, or not sent entirely. The last of those that were
         * sent may be among them.
         *
         * @return the frames, one after the other, for {@link FrameChannel#framesIn}
         * @throws IOException if it cannot be read, or is damaged
         */
        public ByteBuffer held() throws IOException {
            long held = read(HELD, Long.BYTES).getLong(0);
            if (held < 0 || held > BUFFER) {
                throw new IOException("The worker journal " + file + " is damaged: it holds " + held + " bytes");
            }
            return read(BUFFER_AT, (int) held);
        }

        private ByteBuffer read(int from, int length) throws IOException {
            ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
            while (bytes.hasRemaining()) {
                if (channel.read(bytes, from + bytes.position()) < 0) {
                    throw new IOException("The worker journal " + file + " is damaged: it ends after "
                            + (from + bytes.position()) + " bytes instead of " + SIZE);
                }
            }
            return bytes.flip();
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }

        @Override
        public String toString() {
            return "WorkerJournal.Reader[" + file + "]";
        }
    }
}
