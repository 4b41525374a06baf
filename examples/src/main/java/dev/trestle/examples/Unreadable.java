package dev.trestle.examples;

import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;

/**
 * A file or source of class files that could not be read.
 *
 * @param name its name
 * @param reason the reason, in one line
 */
record Unreadable(String name, String reason) {

    static Unreadable because(String name, Throwable problem) {
        String reason = switch (problem) {
            case AccessDeniedException _ -> "permission denied"; // the message of these two is the path only
            case NoSuchFileException _ -> "no such file";
            default -> problem.getMessage() != null ? problem.getMessage() : problem.toString();
        };
        return new Unreadable(name, reason.lines().findFirst().orElse(""));
    }
}
