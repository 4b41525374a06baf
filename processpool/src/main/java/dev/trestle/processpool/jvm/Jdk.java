package dev.trestle.processpool.jvm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/**
 * The JDK that workers are started from, as it is at one moment. The program's own JVM has the JDK's files open: after
 * an upgrade in place that JVM can do everything except start other JVMs of the same kind.
 *
 * @param launcher the path of the launcher
 * @param file the identity of the launcher's file; null if there is no file, or where the system does not tell files
 *     apart
 */
public record Jdk(Path launcher, @Nullable Object file) {

    public static Jdk now() {
        return at(JavaCommand.launcher());
    }

    static Jdk at(Path launcher) {
        try {
            return new Jdk(
                    launcher,
                    Files.readAttributes(launcher, BasicFileAttributes.class).fileKey());
        } catch (IOException e) {
            return new Jdk(launcher, null);
        }
    }

    /**
     * Returns a sentence for a message if the launcher is another file now, or is gone; an empty text if it is the same
     * file, or if the system does not tell files apart.
     */
    public String ifReplaced() {
        return file == null || file.equals(at(launcher).file)
                ? ""
                : " The JDK of " + launcher
                        + " has been replaced since this pool was created, while the program still runs"
                        + " on the old one: restart the program.";
    }
}
