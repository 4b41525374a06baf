package dev.trestle.processpool;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Arrays;

/** The beginning and the end of an output, in bounded memory. Written by one thread. */
final class BoundedOutput extends OutputStream {

    private static final int FIRST_ROOM = 1 << 10;
    private static final int CONTINUATION_MASK = 0xC0;
    private static final int CONTINUATION = 0x80;

    /** The longest character of UTF-8 has so many bytes. */
    private static final int LONGEST = 4;

    private final int mostInHalf;
    private byte[] head = new byte[FIRST_ROOM];
    private int headLength;

    /** The bytes after the head, as a ring: the last of them is before {@code next}. */
    private byte[] tail = new byte[0];

    private int next;
    private long total;

    /**
     * @param most the most bytes that are kept
     */
    BoundedOutput(int most) {
        this.mostInHalf = most / 2;
    }

    /** Reads a stream to its end. */
    void readAll(InputStream from) throws IOException {
        try (from) {
            long _ = from.transferTo(this);
        }
    }

    @Override
    public void write(int octet) {
        total++;
        if (headLength < mostInHalf) {
            if (headLength == head.length) {
                head = grown(head);
            }
            head[headLength] = (byte) octet;
            headLength++;
            return;
        }
        if (next == tail.length) {
            if (tail.length < mostInHalf) {
                tail = grown(tail);
            } else {
                next = 0;
            }
        }
        tail[next] = (byte) octet;
        next++;
    }

    private byte[] grown(byte[] bytes) {
        return Arrays.copyOf(bytes, Math.min(mostInHalf, Math.max(FIRST_ROOM, 2 * bytes.length)));
    }

    /** Returns the output as text; if it was too much, a line in the middle says how much is left out. */
    String text() {
        long afterHead = total - headLength;
        boolean isWhole = afterHead <= mostInHalf;
        byte[] end = isWhole ? Arrays.copyOf(tail, (int) afterHead) : unrolled();
        if (isWhole) {
            byte[] all = Arrays.copyOf(head, headLength + end.length);
            System.arraycopy(end, 0, all, headLength, end.length);
            return new String(all, UTF_8);
        }
        int headEnd = wholeCharacters();
        int tailBegin = 0;
        while (tailBegin < LONGEST && tailBegin < end.length && isContinuation(end[tailBegin])) {
            tailBegin++;
        }
        long leftOut = total - headEnd - (end.length - tailBegin);
        return new String(head, 0, headEnd, UTF_8) + "\n... (" + leftOut + " bytes are left out) ...\n"
                + new String(end, tailBegin, end.length - tailBegin, UTF_8);
    }

    private byte[] unrolled() {
        byte[] end = new byte[tail.length];
        System.arraycopy(tail, next, end, 0, tail.length - next);
        System.arraycopy(tail, 0, end, tail.length - next, next);
        return end;
    }

    /** Returns the length of the head without half a character at its end. */
    private int wholeCharacters() {
        int start = headLength - 1;
        while (start > 0 && headLength - start < LONGEST && isContinuation(head[start])) {
            start--;
        }
        int lead = head[start] & 0xFF;
        int needed = lead < CONTINUATION ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
        return headLength - start < needed ? start : headLength;
    }

    private static boolean isContinuation(byte octet) {
        return (octet & CONTINUATION_MASK) == CONTINUATION;
    }
}
