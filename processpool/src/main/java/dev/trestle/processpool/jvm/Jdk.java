package dev.trestle.processpool.jvm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/**
 * The JDK that workers are started from, as it is at one moment. The program's own JVM has its files open; who upgrades
 * them under it leaves it able to do everything but start others of the same kind.
 *
 * @param launcher the path of the launcher
 * @param file which file that is; null if there is none, or where the system does not tell files apart
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
     * Returns a sentence that says so if there is another one now, or none; empty if it is the same, or if nobody
     * knows.
     */
    public String ifReplaced() {
        return file == null || file.equals(at(launcher).file)
                ? ""
                : " The JDK of " + launcher
                        + " has been replaced since this pool was created, while the program still runs"
                        + " on the old one: restart the program.";
    }
}
