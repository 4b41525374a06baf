package dev.trestle.processpool.wire;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.EOFException;
import java.io.IOException;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Frames over a connection. Any number of threads may write, one reads. Both directions stand here, since what one
 * writes the other has to read.
 *
 * <p>{@link #read} and {@link #write} block as the connection does, {@link #tryWrite} does not. After a
 * {@link ProtocolException}, or an {@link IOException} in the middle of a frame, the connection is out of step and of
 * no more use; {@link #close} it.
 */
public final class FrameChannel implements AutoCloseable {

    /*
     * One direct buffer per direction. Small frames are gathered in it, so a batch is one system call; bodies and
     * arrays that are larger pass through it in pieces. The JDK would copy a heap buffer into a direct one of the *same
     * size* anyway, and keep that in a cache per thread: with pieces, a gigabyte costs 256 KiB.
     *
     * Lengths that arrive are not believed at once: beyond the check against the limit, memory is allocated for what is
     * announced only when the first megabyte has arrived, so a peer that announces a gigabyte and sends ten bytes costs
     * one megabyte.
     *
     * A writer writes the frames in `unsent`, one after the other: `gather` puts them into the buffer, and stops when
     * it has to be sent first; so a frame that is larger than the buffer is gathered in several steps. A writer that
     * may wait sends the whole buffer and gathers on. One that may not sends what there is room for, and leaves the
     * rest, perhaps half a frame, to the next writer: `sendWithin` waits for room without holding the lock.
     *
     * In a worker the outgoing buffer lies in its journal: frames that were appended and not flushed survive it.
     * The journal is told of a frame when it is whole, and that the buffer is empty when everything in it has been sent
     * and before anything is overwritten. A frame that does not fit into what is left of the buffer goes to its
     * beginning, and one that is larger than the buffer is sent at once, to its end. So a reader finds frames that have
     * been sent already, but never half ones.
     */

    /** The version of the protocol, in every header. */
    public static final int PROTOCOL_VERSION = 1;

    private static final short MAGIC = 0x5254; // "TR", little-endian
    private static final int HEADER = 20;
    private static final int LENGTH_AT = 4;
    private static final int ARRAYS_AT = 8;
    private static final int ARRAY_HEADER = 5;
    private static final int BUFFER = WorkerJournal.BUFFER;
    private static final int SMALL_BUFFER = 4 << 10;
    private static final int FIRST_ALLOCATION = 1 << 20;
    private static final int PREFIX = 8;

    /** Stands in the place of a piece that is in the ring. */
    private static final byte NOTICE = 'r';

    /** The time after which a writer that waits for the ring looks whether the connection is still open. */
    private static final Duration LOOK_AT_CONNECTION = Duration.ofMillis(100);

    /** The number of arrays that a payload may have, however small it has to be. */
    private static final int FEW_ARRAYS = 1024;

    /** An upper bound of the bytes that an array takes without its elements. */
    private static final int ARRAY_OBJECT = 64;

    /** Stands for an array of which nothing has been written, not even its header. */
    private static final int NOTHING = -1;

    /**
     * So much is sent by writers that do not wait, and in one go while the lock is held, though the peer may take more.
     */
    private static final int MOST_AT_ONCE = 1 << 20;

    private final Connection channel;
    private final long maxPayloadBytes;

    private final ReentrantLock writing = new ReentrantLock();

    @GuardedBy("writing")
    private final ByteBuffer out;

    /** The number of bytes of the buffer that have been sent; 0 unless the channel had no room for the rest. */
    @GuardedBy("writing")
    private int sent;

    /** True if a write has failed after which half a frame may have been sent. */
    @GuardedBy("writing")
    private boolean isOutOfStep;

    /** The frames that are to be put into the buffer next. */
    @GuardedBy("writing")
    private final ArrayDeque<Frame> unsent = new ArrayDeque<>();

    /** True if the frame that was put last is larger than the buffer. */
    @GuardedBy("writing")
    private boolean larger;

    /**
     * The payload that is being put into the buffer: this one, from a part on, of which some bytes or elements are
     * done.
     */
    @GuardedBy("writing")
    private Payload payload = Payload.EMPTY;

    @GuardedBy("writing")
    private int part;

    @GuardedBy("writing")
    private int done = NOTHING;

    private final @Nullable WorkerJournal journal;

    /** Takes the elements of large arrays; null if all goes through the connection. Set before any array is sent. */
    private volatile @Nullable ArrayRing ring;

    /** True if what is to be sent next is a piece of an array for which no slot of the ring is free. */
    private volatile boolean waitsForRing;

    /** Confined to the reading thread; holds what has been received and not yet been read. */
    private final ByteBuffer in;

    private boolean withinFrame;

    /** The size of the last payload that was read, as far as it is known. */
    private long payloadBytes;

    private final AtomicLong framesRead = new AtomicLong();
    private final AtomicLong framesWritten = new AtomicLong();
    private final AtomicLong bytesWritten = new AtomicLong();

    /**
     * Creates a channel of frames.
     *
     * @param channel a connected channel that blocks, and that an interrupted writer does not close
     * @param maxPayloadBytes the largest payload, in bytes, that may be sent or received
     */
    public FrameChannel(Connection channel, long maxPayloadBytes) {
        this(channel, maxPayloadBytes, ByteBuffer.allocateDirect(BUFFER), BUFFER, null);
    }

    private FrameChannel(
            Connection channel, long maxPayloadBytes, ByteBuffer out, int incoming, @Nullable WorkerJournal journal) {
        this.channel = requireNonNull(channel, "channel");
        this.maxPayloadBytes = maxPayloadBytes;
        out.order(ByteOrder.LITTLE_ENDIAN);
        this.out = out;
        this.journal = journal;
        this.in = ByteBuffer.allocateDirect(incoming)
                .order(ByteOrder.LITTLE_ENDIAN)
                .limit(0);
    }

    /**
     * Creates the channel of a worker: calls are noted in its journal as they arrive, and what it appends is kept
     * there until it has been sent.
     *
     * @param channel a connected channel that blocks, and that an interrupt does not close
     * @param maxPayloadBytes the largest payload, in bytes, that may be sent or received
     * @param journal the worker's journal
     * @return the channel
     */
    public static FrameChannel ofWorker(Connection channel, long maxPayloadBytes, WorkerJournal journal) {
        return new FrameChannel(channel, maxPayloadBytes, journal.buffer(), BUFFER, journal);
    }

    /**
     * Creates a channel for small frames only, without payloads.
     *
     * @param channel a connected channel that blocks, and that an interrupted writer does not close
     * @return the channel
     */
    public static FrameChannel ofControls(Connection channel) {
        return new FrameChannel(channel, 0, ByteBuffer.allocateDirect(SMALL_BUFFER), SMALL_BUFFER, null);
    }

    /**
     * Sends large arrays through a ring from now on, and expects the other side to do the same.
     *
     * @param value the ring
     */
    public void use(ArrayRing value) {
        ring = value;
    }

    /**
     * Reads frames from memory.
     *
     * @param bytes whole frames, one after the other
     * @param maxPayloadBytes the largest payload, in bytes
     * @return the frames
     * @throws IOException if the bytes are something else
     */
    public static List<Frame> framesIn(ByteBuffer bytes, long maxPayloadBytes) throws IOException {
        var frames = new ArrayList<Frame>();
        if (bytes.hasRemaining()) {
            var reading = new FrameChannel(new Memory(bytes), maxPayloadBytes);
            while (bytes.hasRemaining() || reading.in.hasRemaining()) {
                frames.add(reading.read());
            }
        }
        return frames;
    }

    /**
     * Puts a frame of a rare kind into a channel that leads nowhere. The first time links the code that puts all kinds
     * of frames, and linking may fail forever if memory runs out during it: so this method is called before that code
     * is needed.
     */
    public static void rehearse() {
        var nowhere = new FrameChannel(new Memory(ByteBuffer.allocate(0)), 0, ByteBuffer.allocate(HEADER), 0, null);
        nowhere.writing.lock();
        try {
            var _ = nowhere.putAny(new Frame.ThreadDumpRequest());
        } finally {
            nowhere.writing.unlock();
        }
    }

    // Writing

    /**
     * Writes frames, in one go, after those that have been appended. Blocks while the peer does not read.
     *
     * @param frames the frames to send
     * @throws IllegalArgumentException if a payload is larger than allowed; nothing has been written then
     * @throws IOException if the connection is gone
     */
    public void write(Frame... frames) throws IOException {
        check(frames);
        writing.lock();
        try {
            put(frames);
            sendAll();
            framesWritten.addAndGet(frames.length);
        } finally {
            writing.unlock();
        }
    }

    /**
     * Writes a frame, to be sent with the next {@link #write} or {@link #flush}, or when there is no more room for it.
     *
     * @param frame the frame to send
     * @throws IllegalArgumentException if a payload is larger than allowed; nothing has been written then
     * @throws IOException if the connection is gone
     */
    public void append(Frame frame) throws IOException {
        check(frame);
        writing.lock();
        try {
            put(new Frame[] {frame});
            framesWritten.incrementAndGet();
        } finally {
            writing.unlock();
        }
    }

    /**
     * Sends what has been appended. Blocks while the peer does not read.
     *
     * @throws IOException if the connection is gone
     */
    public void flush() throws IOException {
        write();
    }

    /** Puts frames into the buffer, and sends what it holds whenever it is full. */
    @GuardedBy("writing")
    private void put(Frame[] frames) throws IOException {
        boolean succeeded = false;
        try {
            add(frames);
            while (!gather()) {
                send();
                awaitRing();
            }
            succeeded = true;
        } finally {
            if (!succeeded) {
                fail();
            }
        }
    }

    /** Waits until a slot of the ring is free, if one is needed. */
    @GuardedBy("writing")
    private void awaitRing() throws IOException {
        ArrayRing through = ring;
        while (waitsForRing && through != null && !through.awaitRoom(LOOK_AT_CONNECTION)) {
            requireOpen();
        }
    }

    private void requireOpen() throws IOException {
        if (!channel.isOpen()) {
            throw new ClosedChannelException();
        }
    }

    @GuardedBy("writing")
    private void sendAll() throws IOException {
        boolean succeeded = false;
        try {
            send();
            succeeded = true;
        } finally {
            if (!succeeded) {
                fail();
            }
        }
    }

    /**
     * Takes frames, after all that were written before, and sends what the peer has room for. Does not wait.
     *
     * @param frames the frames to send
     * @return whether all has been sent; if not, the rest goes with the next {@link #tryWrite} or {@link #sendWithin}
     * @throws IllegalArgumentException if a payload is larger than allowed; nothing has been taken then
     * @throws IOException if the connection is gone
     */
    public boolean tryWrite(Frame... frames) throws IOException {
        check(frames);
        writing.lock();
        try {
            boolean all = trySend(frames);
            framesWritten.addAndGet(frames.length);
            return all;
        } finally {
            writing.unlock();
        }
    }

    /**
     * Sends the bytes that {@link #tryWrite} has left, and waits for room without the lock, so that other threads can
     * write behind it. For one thread at a time.
     *
     * @param limit the longest time to wait for room
     * @return whether all has been sent
     * @throws IOException if the connection is gone
     */
    public boolean sendWithin(Duration limit) throws IOException {
        long nanos = TimeUnit.NANOSECONDS.convert(limit);
        long start = System.nanoTime();
        while (!tryWrite()) {
            long left = nanos - (System.nanoTime() - start);
            if (left <= 0 || !awaitRoom(Duration.ofNanos(left))) {
                return false;
            }
        }
        return true;
    }

    private boolean awaitRoom(Duration limit) throws IOException {
        ArrayRing through = ring;
        return (waitsForRing && through != null) ? through.awaitRoom(limit) : channel.awaitRoom(limit);
    }

    @GuardedBy("writing")
    private boolean trySend(Frame... frames) throws IOException {
        boolean succeeded = false;
        try {
            add(frames);
            boolean all = sendWhatFits();
            succeeded = true;
            return all;
        } finally {
            if (!succeeded) {
                fail();
            }
        }
    }

    @GuardedBy("writing")
    private boolean sendWhatFits() throws IOException {
        long enough = bytesWritten.get() + MOST_AT_ONCE;
        boolean gathered = false;
        while (!gathered) {
            gathered = gather();
            if (bytesWritten.get() >= enough || !sendNow()) {
                return gathered && out.position() == 0;
            }
            if (!gathered && waitsForRing) {
                requireOpen();
                return false;
            }
        }
        return true;
    }

    /** Sends what is in the buffer, as far as there is room; returns whether that was all. */
    @GuardedBy("writing")
    private boolean sendNow() throws IOException {
        int end = out.position();
        out.position(sent).limit(end);
        int written = 1;
        while (out.hasRemaining() && written > 0) {
            written = channel.tryWrite(out);
            sent += written;
            bytesWritten.addAndGet(written);
        }
        out.limit(out.capacity()).position(end);
        if (sent < end) {
            return false;
        }
        out.clear();
        sent = 0;
        return true;
    }

    @GuardedBy("writing")
    private void add(Frame[] frames) throws IOException {
        if (isOutOfStep) {
            throw new IOException("The connection is out of step: an earlier write failed within a frame");
        }
        for (Frame each : frames) {
            unsent.addLast(each);
        }
    }

    /**
     * Forgets all that is to be sent: after an error nothing of it may go out with the next frame. If half a frame may
     * have gone out, no other may either.
     */
    @GuardedBy("writing")
    private void fail() {
        isOutOfStep |= sent > 0 || payload != Payload.EMPTY;
        out.clear();
        sent = 0;
        unsent.clear();
        payload = Payload.EMPTY;
        part = 0;
        done = NOTHING;
        waitsForRing = false;
    }

    /** Puts frames into the buffer; returns whether all are there. If not, the buffer has to be sent first. */
    @GuardedBy("writing")
    private boolean gather() {
        if (!fill() || (larger && out.position() > 0)) {
            return false;
        }
        for (Frame next = unsent.peekFirst(); next != null; next = unsent.peekFirst()) {
            if (!put(next)) {
                return false;
            }
            unsent.removeFirst();
            if (!fill() || larger) {
                return false; // a larger frame is sent at once
            }
            noteHeld();
        }
        return true;
    }

    /** Puts the payload into the buffer, as far as there is room; returns whether that was all of it. */
    @GuardedBy("writing")
    private boolean fill() {
        List<ByteBuffer> body = payload.body();
        int parts = body.size() + payload.arrays().size();
        while (part < parts) {
            boolean filled = part < body.size()
                    ? fill(body.get(part))
                    : fillArray(payload.arrays().get(part - body.size()));
            if (!filled) {
                return false;
            }
            part++;
            done = NOTHING;
        }
        payload = Payload.EMPTY;
        part = 0;
        return true;
    }

    @GuardedBy("writing")
    private boolean fill(ByteBuffer bytes) {
        int from = Math.max(done, 0);
        int count = Math.min(out.remaining(), bytes.remaining() - from);
        out.put(out.position(), bytes, bytes.position() + from, count);
        out.position(out.position() + count);
        done = from + count;
        return done == bytes.remaining();
    }

    @GuardedBy("writing")
    private boolean fillArray(Object array) {
        ArrayKind kind = ArrayKind.of(array);
        int length = Array.getLength(array);
        if (done == NOTHING) {
            if (out.remaining() < ARRAY_HEADER) {
                return false;
            }
            out.put((byte) kind.number()).putInt(length);
            done = 0;
        }
        ArrayRing through = ring;
        if (through != null && ArrayRing.takes(kind, length)) {
            return fillRing(through, kind, array, length);
        }
        int count = Math.min(out.remaining() / kind.width(), length - done);
        kind.put(array, done, count, out);
        done += count;
        return done == length;
    }

    /** Puts a piece of an array into a slot, and a notice of it into the buffer, which is to be sent at once. */
    @GuardedBy("writing")
    private boolean fillRing(ArrayRing through, ArrayKind kind, Object array, int length) {
        waitsForRing = !through.hasRoom();
        if (waitsForRing || !out.hasRemaining()) {
            return false;
        }
        ByteBuffer slot = through.slot();
        int count = Math.min(slot.capacity() / kind.width(), length - done);
        kind.put(array, done, count, slot);
        through.fill();
        out.put(NOTICE);
        bytesWritten.addAndGet((long) count * kind.width());
        done += count;
        return done == length;
    }

    @GuardedBy("writing")
    private void noteHeld() {
        if (journal != null) {
            journal.noteHeld(out.position());
        }
    }

    private void check(Frame... frames) {
        for (Frame each : frames) {
            if (each instanceof Frame.WithPayload with && with.payload().size() > maxPayloadBytes) {
                throw new IllegalArgumentException(
                        "A payload of " + with.payload().size()
                                + " bytes is larger than the limit of " + maxPayloadBytes
                                + " bytes; encode with the same limit");
            }
        }
    }

    /**
     * Puts the beginning of a frame into the buffer, and {@link #payload} the rest; returns false if there is no room
     * for it.
     */
    @GuardedBy("writing")
    private boolean put(Frame frame) {
        // The first frames of every conversation do not wait until the switch is linked, which no AOT cache keeps.
        if (frame instanceof Frame.Call call) {
            return putCall(call);
        }
        if (frame instanceof Frame.Result(var id, var result, var nanos)) {
            return put(FrameType.RESULT, id, nanos, result);
        }
        return frame instanceof Frame.Hello hello ? putHello(hello) : putAny(frame);
    }

    @GuardedBy("writing")
    private boolean putHello(Frame.Hello hello) {
        var body = new BodyWriter();
        body.number(hello.protocolVersion());
        body.longNumber(hello.pid());
        body.string(hello.javaVersion());
        return put(FrameType.HELLO, 0, body);
    }

    @GuardedBy("writing")
    private boolean putCall(Frame.Call call) {
        return call.context().isEmpty()
                ? put(FrameType.CALL, call.id(), call.payload())
                : put(FrameType.CALL_IN_CONTEXT, call.id(), call.context().before(call.payload()));
    }

    @GuardedBy("writing")
    private boolean putAny(Frame frame) {
        return switch (frame) {
            case Frame.Hello hello -> putHello(hello);
            case Frame.Call call -> putCall(call);
            case Frame.StreamCall(var id, var arguments, var context) ->
                context.isEmpty()
                        ? put(FrameType.STREAM_CALL, id, arguments)
                        : put(FrameType.STREAM_CALL_IN_CONTEXT, id, context.before(arguments));
            case Frame.Result(var id, var result, var nanos) -> put(FrameType.RESULT, id, nanos, result);
            case Frame.Item(var id, var number, var item) -> put(FrameType.ITEM, id, number, item);
            case Frame.Failed(var id, var phase, var failure, var nanos) -> {
                var body = new BodyWriter();
                body.number(phase.number());
                body.longNumber(nanos);
                FailureCodec.write(failure, body);
                yield put(FrameType.FAILED, id, body);
            }
            case Frame.Cancel(var id, var interrupt) -> {
                var body = new BodyWriter();
                body.flag(interrupt);
                yield put(FrameType.CANCEL, id, body);
            }
            case Frame.TakeBack(var id) -> put(FrameType.TAKE_BACK, id);
            case Frame.Unshare(var array) -> put(FrameType.UNSHARE, array);
            case Frame.Credit(var id, var bytes) -> {
                var body = new BodyWriter();
                body.longNumber(bytes);
                yield put(FrameType.CREDIT, id, body);
            }
            case Frame.Cancelled(var id) -> put(FrameType.CANCELLED, id);
            case Frame.Progress(var id, var fraction, var message) -> {
                var body = new BodyWriter();
                body.fraction(fraction);
                body.string(shortened(message, FrameType.PROGRESS));
                yield put(FrameType.PROGRESS, id, body);
            }
            case Frame.ThreadDumpRequest() -> put(FrameType.THREAD_DUMP_REQUEST, 0);
            case Frame.ThreadDump(var text) -> putText(FrameType.THREAD_DUMP, text);
            case Frame.Goodbye(var reason) -> putText(FrameType.GOODBYE, reason);
            case Frame.Fatal(var failure) -> put(FrameType.FATAL, 0, failure);
            case Frame.Introduction introduction -> putIntroduction(introduction);
            case Frame.Places(var count) -> {
                var body = new BodyWriter();
                body.number(count);
                yield put(FrameType.PLACES, 0, body);
            }
            case Frame.Lost(var id, var report) -> {
                var body = new BodyWriter();
                report.write(body);
                yield put(FrameType.LOST, id, body);
            }
            case Frame.Inquiry(var id, var withStack) -> {
                var body = new BodyWriter();
                body.flag(withStack);
                yield put(FrameType.INQUIRY, id, body);
            }
            case Frame.Status(var id, var isKnown, var step, var nanos, var stack) -> {
                var body = new BodyWriter();
                body.flag(isKnown);
                body.number(step.number());
                body.longNumber(nanos);
                body.string(shortened(stack, FrameType.STATUS));
                yield put(FrameType.STATUS, id, body);
            }
        };
    }

    @GuardedBy("writing")
    private boolean putIntroduction(Frame.Introduction introduction) {
        var body = new BodyWriter();
        body.number(introduction.protocolVersion());
        body.string(introduction.cluster());
        body.string(introduction.name());
        body.string(introduction.host());
        body.longNumber(introduction.pid());
        body.string(introduction.javaVersion());
        body.number(introduction.places());
        body.number(introduction.ahead());
        body.string(introduction.refusal());
        body.number(introduction.code().size());
        introduction.code().forEach((part, digest) -> {
            body.string(part);
            body.string(digest);
        });
        return put(FrameType.INTRODUCTION, 0, body);
    }

    @GuardedBy("writing")
    private boolean put(FrameType type, long id) {
        return putHeader(type, id, 0, Payload.EMPTY);
    }

    @GuardedBy("writing")
    private boolean put(FrameType type, long id, Payload content) {
        return putHeader(type, id, 0, content);
    }

    @GuardedBy("writing")
    private boolean put(FrameType type, long id, long prefix, Payload content) {
        boolean put = putHeader(type, id, PREFIX, content);
        if (put) {
            out.putLong(prefix);
        }
        return put;
    }

    @GuardedBy("writing")
    private boolean put(FrameType type, long id, Failure failure) {
        var body = new BodyWriter();
        FailureCodec.write(failure, body);
        return put(type, id, body);
    }

    @GuardedBy("writing")
    private boolean putText(FrameType type, String text) {
        var body = new BodyWriter();
        body.string(shortened(text, type));
        return put(type, 0, body);
    }

    private static String shortened(String text, FrameType type) {
        int limit = (type.maxBody() - 16) / 3; // no char takes more than three bytes of UTF-8
        return text.length() <= limit ? text : text.substring(0, limit);
    }

    @GuardedBy("writing")
    private boolean put(FrameType type, long id, BodyWriter body) {
        return putHeader(type, id, 0, new Payload(List.of(body.written()), List.of()));
    }

    /** A frame that is not larger than the buffer is put into it as a whole, and a larger one from its beginning on. */
    @GuardedBy("writing")
    private boolean putHeader(FrameType type, long id, int prefix, Payload content) {
        int arrays = content.arrays().size();
        long whole = HEADER + prefix + (long) arrays * ARRAY_HEADER + content.size();
        larger = whole > out.capacity() || (ring != null && hasLargeArray(content));
        if (out.remaining() < (larger ? out.capacity() : whole)) {
            return false;
        }
        out.putShort(MAGIC)
                .put((byte) PROTOCOL_VERSION)
                .put((byte) type.number())
                .putInt(prefix + content.bodySize())
                .putInt(arrays)
                .putLong(id);
        payload = content;
        return true;
    }

    private static boolean hasLargeArray(Payload content) {
        List<Object> arrays = content.arrays();
        for (int i = 0; i < arrays.size(); i++) {
            if (ArrayRing.takes(ArrayKind.of(arrays.get(i)), Array.getLength(arrays.get(i)))) {
                return true;
            }
        }
        return false;
    }

    @GuardedBy("writing")
    private void send() throws IOException {
        if (out.position() == 0) {
            return;
        }
        out.flip().position(sent);
        while (out.hasRemaining()) {
            int written = channel.write(out);
            sent += written;
            bytesWritten.addAndGet(written);
        }
        out.clear();
        sent = 0;
        noteHeld();
    }

    // Reading

    /**
     * Reads the next frame. Blocks until it is there. For one thread only.
     *
     * @return the frame
     * @throws EOFException if the peer has closed the connection
     * @throws ProtocolException if what arrives is not a frame
     * @throws IOException if the connection is gone
     */
    public Frame read() throws IOException {
        fill(HEADER);
        withinFrame = true;
        int start = in.position();
        short magic = in.getShort();
        int version = in.get();
        FrameType type = FrameType.at(in.get());
        int bodyLength = in.getInt();
        int arrayCount = in.getInt();
        long id = in.getLong();
        if (magic != MAGIC || version != PROTOCOL_VERSION || type == null) {
            throw new ProtocolException("This is no frame of version " + PROTOCOL_VERSION + ": " + dump(start)
                    + ". Something else wrote to the connection, or the two sides have different versions of Trestle");
        }
        if (bodyLength < 0
                || bodyLength > maxBody(type)
                || arrayCount < 0
                || arrayCount > maxArrays(type, bodyLength)) {
            throw new ProtocolException("A %s frame claims %d bytes and %d arrays; allowed are %d bytes in all: %s"
                    .formatted(type, bodyLength, arrayCount, maxBody(type), dump(start)));
        }
        Frame frame = type.hasPayload() ? withPayload(type, id, bodyLength, arrayCount) : small(type, id, bodyLength);
        framesRead.incrementAndGet();
        withinFrame = false;
        return frame;
    }

    /**
     * Returns whether the next frame has arrived entirely, so that {@link #read} would not block. For the reading
     * thread.
     *
     * @return whether it has; false also for a frame that is larger than a buffer
     */
    public boolean isNextHere() {
        int start = in.position();
        return in.remaining() >= HEADER
                && in.getInt(start + ARRAYS_AT) == 0
                && HEADER + (long) in.getInt(start + LENGTH_AT) <= in.remaining();
    }

    private long maxBody(FrameType type) {
        if (isInContext(type)) {
            return maxPayloadBytes + CallContext.LENGTH + CallContext.MOST_BYTES;
        }
        return type.hasPayload() ? maxPayloadBytes + PREFIX : type.maxBody();
    }

    private long maxArrays(FrameType type, int bodyLength) {
        // The body names each array by a number, which takes a byte at least. Each is an object here, however short it
        // is, and those must not take more memory than the payload may have.
        return type.hasPayload() ? Math.min(bodyLength, FEW_ARRAYS + maxPayloadBytes / ARRAY_OBJECT) : 0;
    }

    private Frame withPayload(FrameType type, long id, int bodyLength, int arrayCount) throws IOException {
        boolean isStream = type == FrameType.STREAM_CALL || type == FrameType.STREAM_CALL_IN_CONTEXT;
        if (isStream || type == FrameType.CALL || type == FrameType.CALL_IN_CONTEXT) {
            if (journal != null) {
                journal.noteReceiving(id);
            }
            CallContext context = CallContext.EMPTY;
            int length = bodyLength;
            if (isInContext(type)) {
                context = context(bodyLength);
                length -= CallContext.LENGTH + context.size();
            }
            Payload payload = payload(length, arrayCount);
            if (payload == null) {
                throw noRoom("a call");
            }
            return isStream ? new Frame.StreamCall(id, payload, context) : new Frame.Call(id, payload, context);
        }
        if (bodyLength < PREFIX) {
            throw new ProtocolException("A " + type + " frame has only " + bodyLength + " bytes");
        }
        fill(PREFIX);
        long prefix = in.getLong();
        Payload payload = payload(bodyLength - PREFIX, arrayCount);
        if (payload == null) {
            if (type == FrameType.RESULT) {
                return new Frame.Failed(id, Frame.Phase.ENCODING, Failure.of(noRoom("a result")), prefix);
            }
            throw noRoom("an item");
        }
        return type == FrameType.RESULT ? new Frame.Result(id, payload, prefix) : new Frame.Item(id, prefix, payload);
    }

    private static boolean isInContext(FrameType type) {
        return type == FrameType.CALL_IN_CONTEXT || type == FrameType.STREAM_CALL_IN_CONTEXT;
    }

    /** Reads what goes along with a call, before its payload. */
    private CallContext context(int bodyLength) throws IOException {
        int most = Math.min(bodyLength - CallContext.LENGTH, CallContext.MOST_BYTES);
        if (most < 0) {
            throw new ProtocolException("A call in a context has only " + bodyLength + " bytes");
        }
        fill(CallContext.LENGTH);
        int length = in.getInt();
        if (length < 0 || length > most) {
            throw new ProtocolException("A context of " + length + " bytes is impossible; it has " + most
                    + " at most, in a body of " + bodyLength + " bytes");
        }
        byte[] bytes = (byte[]) elements(ArrayKind.BYTE, length);
        if (bytes == null) {
            throw noRoom("the context of a call");
        }
        return new CallContext(bytes);
    }

    /** Reads a payload; returns null if there is no memory for it, after all of it has been read. */
    private @Nullable Payload payload(int bodyLength, int arrayCount) throws IOException {
        byte[] body = (byte[]) elements(ArrayKind.BYTE, bodyLength);
        List<Object> arrays = arrayCount == 0 ? List.of() : new ArrayList<>();
        boolean isComplete = body != null;
        payloadBytes = bodyLength;
        long left = maxPayloadBytes - bodyLength;
        for (int i = 0; i < arrayCount; i++) {
            fill(ARRAY_HEADER);
            ArrayKind kind = ArrayKind.at(in.get());
            int length = in.getInt();
            if (kind == null || length < 0 || (left -= (long) length * kind.width()) < 0) {
                throw new ProtocolException("An array of kind " + kind + " with " + length
                        + " elements is impossible; the limit of a payload is " + maxPayloadBytes + " bytes");
            }
            payloadBytes += (long) length * kind.width();
            ArrayRing through = ring;
            boolean isInRing = through != null && ArrayRing.takes(kind, length);
            Object array = null;
            if (through != null && isInRing) {
                array = elements(through, kind, length, isComplete);
            } else if (isComplete) {
                array = elements(kind, length);
            }
            if (array == null) {
                if (isComplete) {
                    isComplete = false;
                    arrays.clear();
                } else if (!isInRing) {
                    skip((long) length * kind.width());
                }
            } else {
                arrays.add(array);
            }
        }
        return isComplete && body != null ? new Payload(List.of(ByteBuffer.wrap(body)), arrays) : null;
    }

    private void skip(long bytes) throws IOException {
        for (long left = bytes; left > 0; ) {
            fill(1);
            int count = (int) Math.min(in.remaining(), left);
            in.position(in.position() + count);
            left -= count;
        }
    }

    /**
     * Reads an array, which gets its whole length when the first part of it has arrived. Returns null if there is no
     * memory for it, after all of it has been read, so that the connection stays in step.
     */
    private @Nullable Object elements(ArrayKind kind, int length) throws IOException {
        int width = kind.width();
        int capacity = Math.min(length, FIRST_ALLOCATION / width);
        Object array = allocated(kind, capacity);
        int done = 0;
        while (done < length) {
            if (done == capacity && array != null) {
                capacity = length;
                Object larger = allocated(kind, capacity);
                if (larger != null) {
                    System.arraycopy(array, 0, larger, 0, done);
                }
                array = larger;
            }
            if (array == null) {
                skip((long) (length - done) * width);
                return null;
            }
            fill(width);
            int count = Math.min(in.remaining() / width, capacity - done);
            kind.get(in, array, done, count);
            done += count;
        }
        return array;
    }

    /** Reads an array out of the ring, as {@link #elements(ArrayKind, int)} does; returns null if it is not wanted. */
    private @Nullable Object elements(ArrayRing through, ArrayKind kind, int length, boolean isWanted)
            throws IOException {
        int capacity = Math.min(length, FIRST_ALLOCATION / kind.width());
        Object array = isWanted ? allocated(kind, capacity) : null;
        int done = 0;
        while (done < length) {
            fill(1);
            var _ = in.get();
            ByteBuffer piece = through.arrived();
            int count = Math.min(piece.capacity() / kind.width(), length - done);
            if (array != null && done + count > capacity) {
                capacity = length;
                Object larger = allocated(kind, capacity);
                if (larger != null) {
                    System.arraycopy(array, 0, larger, 0, done);
                }
                array = larger;
            }
            if (array != null) {
                kind.get(piece, array, done, count);
            }
            through.taken();
            done += count;
        }
        return array;
    }

    private OutOfMemoryError noRoom(String what) {
        return new OutOfMemoryError(
                what + " of " + payloadBytes + " bytes has no room in the heap of this JVM, which is at most "
                        + Runtime.getRuntime().maxMemory()
                        + " bytes (-Xmx). Send less, such as a part or the name of a file, or give"
                        + " the JVM a larger heap.");
    }

    private static @Nullable Object allocated(ArrayKind kind, int length) {
        try {
            return kind.allocate(length);
        } catch (OutOfMemoryError e) {
            return null; // the heap has no room for this one; there was some for all that went before
        }
    }

    private Frame small(FrameType type, long id, int bodyLength) throws IOException {
        byte[] bytes = (byte[]) elements(ArrayKind.BYTE, bodyLength);
        if (bytes == null) {
            throw new OutOfMemoryError("A " + type + " frame of " + bodyLength + " bytes does not fit into the heap");
        }
        var body = new BodyReader(ByteBuffer.wrap(bytes));
        Frame frame = switch (type) {
            case HELLO -> hello(body);
            case FAILED -> failed(id, body);
            case CANCEL -> new Frame.Cancel(id, body.flag());
            case TAKE_BACK -> new Frame.TakeBack(id);
            case UNSHARE -> new Frame.Unshare(id);
            case CANCELLED -> new Frame.Cancelled(id);
            case PROGRESS -> new Frame.Progress(id, body.fraction(), body.string());
            case THREAD_DUMP_REQUEST -> new Frame.ThreadDumpRequest();
            case THREAD_DUMP -> new Frame.ThreadDump(body.string());
            case GOODBYE -> new Frame.Goodbye(body.string());
            case FATAL -> new Frame.Fatal(FailureCodec.read(body));
            case CREDIT -> new Frame.Credit(id, body.longNumber());
            case INTRODUCTION -> introduction(body);
            case PLACES -> new Frame.Places(body.number());
            case LOST -> new Frame.Lost(id, DeathReport.read(body));
            case INQUIRY -> new Frame.Inquiry(id, body.flag());
            case STATUS ->
                new Frame.Status(
                        id, body.flag(), WorkerJournal.Step.at(body.number()), body.longNumber(), body.string());
            case CALL, CALL_IN_CONTEXT, STREAM_CALL, STREAM_CALL_IN_CONTEXT, RESULT, ITEM ->
                throw new ProtocolException("A frame with a payload is not small: " + type);
        };
        body.end();
        return frame;
    }

    private static Frame hello(BodyReader body) throws ProtocolException {
        int version = body.number();
        long pid = body.longNumber();
        return new Frame.Hello(version, pid, body.string());
    }

    private static Frame introduction(BodyReader body) throws ProtocolException {
        int version = body.number();
        String cluster = body.string();
        String name = body.string();
        String host = body.string();
        long pid = body.longNumber();
        String java = body.string();
        int places = body.number();
        int ahead = body.number();
        String refusal = body.string();
        Map<String, String> code = new LinkedHashMap<>();
        for (int left = body.count(2 * Integer.BYTES); left > 0; left--) {
            code.put(body.string(), body.string());
        }
        return new Frame.Introduction(version, cluster, name, host, pid, java, places, ahead, refusal, code);
    }

    private static Frame failed(long id, BodyReader body) throws ProtocolException {
        Frame.Phase phase = Frame.Phase.at(body.number());
        long nanos = body.longNumber();
        return new Frame.Failed(id, phase, FailureCodec.read(body), nanos);
    }

    /** Waits until so many bytes, a few at most, are in the buffer. */
    private void fill(int bytes) throws IOException {
        if (in.remaining() >= bytes) {
            return;
        }
        in.compact();
        try {
            while (in.position() < bytes) {
                int count = channel.read(in);
                if (count < 0) {
                    throw new EOFException(
                            withinFrame || in.position() > 0
                                    ? "The connection ended within a frame"
                                    : "The connection was closed");
                }
            }
        } finally {
            in.flip();
        }
    }

    private String dump(int start) {
        int length = Math.min(48, in.limit() - start);
        var bytes = new byte[length];
        in.get(start, bytes);
        var text = new StringBuilder();
        for (byte each : bytes) {
            text.append(each >= ' ' && each < 127 ? (char) each : '.');
        }
        return HexFormat.of().formatHex(bytes) + " \"" + text + '"';
    }

    // Both

    /** Closes the connection; a thread that reads or writes gets an {@link IOException}. */
    @Override
    public void close() throws IOException {
        channel.close();
    }

    /** Memory to be read. */
    private record Memory(ByteBuffer bytes) implements Connection {

        @Override
        public int read(ByteBuffer target) {
            if (!bytes.hasRemaining()) {
                return -1;
            }
            int count = Math.min(target.remaining(), bytes.remaining());
            target.put(target.position(), bytes, bytes.position(), count);
            target.position(target.position() + count);
            bytes.position(bytes.position() + count);
            return count;
        }

        @Override
        public int write(ByteBuffer source) throws IOException {
            throw new IOException("This channel reads the last frames of a dead worker: there is no peer to write to");
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }

    @Override
    public String toString() {
        return "FrameChannel[%s, framesRead=%d, framesWritten=%d]"
                .formatted(channel, framesRead.get(), framesWritten.get());
    }
}
