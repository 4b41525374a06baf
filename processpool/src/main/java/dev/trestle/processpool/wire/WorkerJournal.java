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
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

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
 * <p>A worker that runs several calls at a time has a {@link Place} for each, behind the buffer, and notes of the calls
 * that it takes from the connection where one with a single place has that.
 *
 * <p>It is long because both sides of the file stand here: what the worker writes the pool has to read.
 *
 * <p>Thread-safe: one thread notes the steps and setups of a place, any thread may note the orderly exit. The buffer
 * belongs to a {@link FrameChannel}.
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
        ENCODING;

        /** Returns the number of this step on the wire. */
        @SuppressWarnings("EnumOrdinal") // both sides run the same version, the handshake sees to it
        int number() {
            return ordinal();
        }

        /** Returns the step with a number from the wire. */
        static Step at(int number) throws ProtocolException {
            if (number < 0 || number >= steps.length) {
                throw new ProtocolException("There is no step " + number);
            }
            return steps[number];
        }
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
     * @param places the work in each place, if there are several
     */
    public record LastWords(long callId, Step step, Exit exit, List<Progress> places) {

        /** Copies the list. */
        public LastWords {
            places = List.copyOf(places);
        }

        /**
         * Creates the last words of a worker with one place.
         *
         * @param callId the number of the last call that the worker knew of; 0 if there was none
         * @param step the worker's step in that call
         * @param exit whether the JVM was ending in order, and why
         */
        public LastWords(long callId, Step step, Exit exit) {
            this(callId, step, exit, List.of());
        }

        /**
         * Returns whether a call had been handed to one of several places.
         *
         * @param id the number of the call
         * @return whether it had
         */
        public boolean hasPlace(long id) {
            return placeOf(places, id) != null;
        }

        /**
         * Returns the step of a call that the worker had.
         *
         * @param id the number of the call
         * @return the step; that of the last call if the worker has one place
         */
        public Step stepOf(long id) {
            Progress place = placeOf(places, id);
            return place == null ? step : place.step();
        }

        /**
         * Returns whether a call had begun. The calls of a worker have ascending numbers and run in that order.
         *
         * @param id the number of the call
         * @return whether it may have had effects
         */
        public boolean hadBegun(long id) {
            Progress place = placeOf(places, id);
            return place == null
                    ? id < callId || (id == callId && step.compareTo(Step.DECODING) >= 0)
                    : place.step().compareTo(Step.DECODING) >= 0;
        }
    }

    /**
     * The present work of a living worker.
     *
     * @param callId the number of the last call that the worker knows of; 0 if there was none
     * @param step the worker's step in that call
     * @param begunNanos the time at which the last call's own code began, in nanoseconds since the worker said hello,
     *     shifted by the time that the worker has spent on its setup since; 0 if none has begun
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

    /** Returns the place that a call has; null if it has none, or there is one for all. */
    private static @Nullable Progress placeOf(List<Progress> places, long id) {
        for (Progress each : places) {
            if (each.callId() == id) {
                return each;
            }
        }
        return null;
    }

    /** The number of calls that a worker may run at the same time. */
    public static final int MOST_PLACES = 64;

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

    /** The bytes of a place behind the buffer: a step, and a time. */
    private static final int PLACE = 2 * Long.BYTES;

    /** The place of each thread that runs calls, in a worker with several. */
    private static final ThreadLocal<@Nullable Place> ofThread = new ThreadLocal<>();

    private final ByteBuffer memory;
    private final Place[] places;
    private volatile long hello = System.nanoTime();

    private WorkerJournal(ByteBuffer memory, int count) {
        this.memory = memory;
        this.places = new Place[count];
        for (int i = 0; i < count; i++) {
            int at = SIZE + i * PLACE;
            places[i] = count == 1 ? new Place(0, BEGUN) : new Place(at, at + Long.BYTES);
        }
    }

    private static int size(int places) {
        return places == 1 ? SIZE : SIZE + places * PLACE;
    }

    /**
     * Creates the empty file and keeps it open; the pool does it before it starts the worker. A worker that replaces or
     * changes the file does no harm: the pool reads from the open file, and no more than a journal has.
     *
     * @param file the path, where there must be nothing yet
     * @param places the number of calls that the worker runs at the same time
     * @return the file as the pool sees it
     * @throws IOException if that fails
     */
    public static Reader create(Path file, int places) throws IOException {
        FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            // Written, not only sized: a hole in the file on a full disk would kill the worker with SIGBUS.
            ByteBuffer empty = ByteBuffer.allocate(size(places));
            while (empty.hasRemaining()) {
                channel.write(empty);
            }
            return new Reader(file, channel, places);
        } catch (Throwable e) {
            channel.close();
            throw e;
        }
    }

    /**
     * Opens the file for writing; the worker does it.
     *
     * @param file the file
     * @param places the number of calls that the worker runs at the same time
     * @return the journal
     * @throws IOException if that fails
     */
    public static WorkerJournal open(Path file, int places) throws IOException {
        try (var channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return new WorkerJournal(
                    channel.map(FileChannel.MapMode.READ_WRITE, 0, size(places), Arena.global())
                            .asByteBuffer(),
                    places);
        }
    }

    /**
     * Returns a place.
     *
     * @param index from 0 on
     * @return the part of the journal for the calls of one thread
     */
    public Place place(int index) {
        return places[index];
    }

    /**
     * Records that a call is taken from the connection.
     *
     * @param callId the number of the call
     */
    void noteReceiving(long callId) {
        noteAt(0, callId, Step.RECEIVING);
    }

    @SuppressWarnings("EnumOrdinal") // both sides are the same version, which the greeting checks
    private void noteAt(int at, long callId, Step step) {
        WORDS.setRelease(memory, at, callId << STEP_BITS | step.ordinal());
    }

    /** Records that the worker says hello now, which the pool hears. From here on both count the time. */
    public void noteHello() {
        hello = System.nanoTime();
    }

    /**
     * Records that the JVM shuts down in an orderly way.
     *
     * @param bySignal whether a signal is the reason
     */
    public void noteExit(boolean bySignal) {
        WORDS.setVolatile(memory, EXITING, bySignal ? 2L : 1L); // places in the enum
    }

    /** Records that this thread sets itself up to write a value for the first time. */
    @Override
    public void begins() {
        Place place = placeOfThread();
        if (place != null) {
            place.begins();
        }
    }

    @Override
    public void ends() {
        Place place = placeOfThread();
        if (place != null) {
            place.ends();
        }
    }

    private @Nullable Place placeOfThread() {
        return places.length == 1 ? places[0] : ofThread.get();
    }

    /** The notes of one of the threads that run calls. Confined to that thread, unless a method says otherwise. */
    public final class Place {

        private final int stepAt;
        private final int begunAt;
        private int setups;
        private long setupSince;
        private long stepBefore;

        private Place(int stepAt, int begunAt) {
            this.stepAt = stepAt;
            this.begunAt = begunAt;
        }

        /** Makes this the place of the calling thread. */
        public void enter() {
            ofThread.set(this);
        }

        /**
         * Records the present step of a call. The first step may be noted by the thread that hands the call over.
         *
         * @param callId the number of the call
         * @param step the step that begins now
         */
        public void note(long callId, Step step) {
            noteAt(stepAt, callId, step);
        }

        /**
         * Records that the own code of a call begins now.
         *
         * @param callId the number of the call
         */
        public void noteBegun(long callId) {
            WORDS.setOpaque(memory, begunAt, System.nanoTime() - hello);
            note(callId, Step.RUNNING);
        }

        private void begins() {
            if (setups++ == 0) {
                setupSince = System.nanoTime();
                stepBefore = (long) WORDS.get(memory, stepAt);
                note(stepBefore >>> STEP_BITS, Step.SETTING_UP);
            }
        }

        private void ends() {
            if (--setups == 0) {
                long begun = (long) WORDS.get(memory, begunAt);
                WORDS.setOpaque(memory, begunAt, begun + System.nanoTime() - setupSince);
                WORDS.setRelease(memory, stepAt, stepBefore);
            }
        }

        @Override
        public String toString() {
            return "WorkerJournal.Place[" + ((long) WORDS.get(memory, stepAt) >>> STEP_BITS) + "]";
        }
    }

    /** Returns the memory for frames that wait to be sent. */
    ByteBuffer buffer() {
        return memory.slice(BUFFER_AT, BUFFER);
    }

    /** Records the number of bytes at the beginning of the buffer that are whole frames and not sent. */
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
        private final int places;

        private Reader(Path file, FileChannel channel, int places) {
            this.file = file;
            this.channel = channel;
            this.places = places;
        }

        /**
         * Reads the last entries of the worker.
         *
         * @return the entries
         * @throws IOException if it cannot be read, or is damaged
         */
        public LastWords lastWords() throws IOException {
            ByteBuffer words = read(0, HELD);
            long word = words.getLong(0);
            return new LastWords(word >>> STEP_BITS, step(word), exit(words.getLong(EXITING)), places());
        }

        /** Reads the places, if there are several. */
        private List<Progress> places() throws IOException {
            if (places == 1) {
                return List.of();
            }
            ByteBuffer words = read(SIZE, places * PLACE);
            var all = new ArrayList<Progress>(places);
            while (words.hasRemaining()) {
                long word = words.getLong();
                all.add(new Progress(word >>> STEP_BITS, step(word), words.getLong()));
            }
            return all;
        }

        /**
         * Reads the worker's progress with a call that it was sent.
         *
         * @param callId the number of the call
         * @return the progress; with the last call that the worker knows, if it has one place
         * @throws IOException if it cannot be read, or is damaged
         */
        public Progress progress(long callId) throws IOException {
            Progress last = progress();
            if (places == 1) {
                return last;
            }
            Progress place = placeOf(places(), callId);
            if (place != null) {
                return place;
            }
            // It has left its place to a later one, or was not taken from the connection yet
            return last.isPast(callId) ? last : new Progress(Math.min(callId, last.callId()), Step.NOTHING, 0);
        }

        /**
         * Reads the worker's progress.
         *
         * @return the progress
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
                            + (from + bytes.position()) + " bytes instead of " + size(places));
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
