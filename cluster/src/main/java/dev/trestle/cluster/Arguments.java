package dev.trestle.cluster;

import static java.util.Objects.requireNonNull;

import java.time.Duration;

/** Checks of the arguments of builders. */
final class Arguments {

    private static final int MOST_CHARS = 100;

    private Arguments() {}

    static String name(String what, String name) {
        requireNonNull(name, what);
        if (name.isBlank() || name.length() > MOST_CHARS || name.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException("The name of a " + what + " must have between 1 and " + MOST_CHARS
                    + " characters, none of them a control character; it has " + name.length());
        }
        return name;
    }

    static Duration positive(String what, Duration value) {
        if (!value.isPositive()) {
            throw new IllegalArgumentException(what + " must be positive: " + value);
        }
        return value;
    }
}
