package dev.trestle.processpool.jvm;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * The log that a worker's JVM leaves when it crashes. A worker can leave anything in the log's place: a pipe without a
 * writer, a link to an endless device, a file as large as the disk. So only a regular file is read, links are not
 * followed, and reading stops at a limit.
 */
public final class CrashLog {

    private static final Log logger = Log.of(CrashLog.class);

    private static final int MOST_BYTES = 32 << 10;
    private static final int MOST_CHARS = 2 << 10;

    /** Stands at the beginning of a log if the system refused the JVM memory of its own. */
    private static final String NO_MEMORY = "insufficient memory for the Java Runtime Environment";

    private CrashLog() {}

    /** Returns the beginning of a log without its ornaments; empty if there is none, or something else in its place. */
    public static String head(Path file) {
        try {
            if (!Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                    .isRegularFile()) {
                logger.debug("{} is not a regular file, and so no crash log", file);
                return "";
            }
            String text = StandardCharsets.UTF_8.decode(read(file)).toString();
            return text.startsWith("#") ? headOf(text) : "";
        } catch (NoSuchFileException e) {
            return "";
        } catch (IOException e) {
            return "(its crash log cannot be read: " + e + ")";
        }
    }

    /** Returns whether a JVM with this head of its log has ended because the system gave it no more memory. */
    public static boolean tellsOfNoMemory(String head) {
        return head.contains(NO_MEMORY);
    }

    /**
     * Reads from a file that is opened for writing too. If a process puts a pipe there in the meantime, opening it then
     * does not wait for the other end, and reading fails, since a pipe has no positions.
     */
    private static ByteBuffer read(Path file) throws IOException {
        try (FileChannel log =
                FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
            ByteBuffer bytes = ByteBuffer.allocate(MOST_BYTES);
            int count = 0;
            while (count >= 0 && bytes.hasRemaining()) {
                count = log.read(bytes, bytes.position());
            }
            return bytes.flip();
        }
    }

    private static String headOf(String text) {
        var excerpt = new StringBuilder();
        text.lines()
                .filter(line -> !line.isBlank() && !line.equals("#"))
                .takeWhile(_ -> excerpt.length() < MOST_CHARS)
                .forEach(line -> excerpt.append(line).append('\n'));
        return excerpt.length() <= 2 * MOST_CHARS ? excerpt.toString() : excerpt.substring(0, 2 * MOST_CHARS) + "...\n";
    }
}
