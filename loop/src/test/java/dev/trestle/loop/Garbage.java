package dev.trestle.loop;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;

/** Objects that a test expects to be collected. */
final class Garbage {

    private static final int MOST_COLLECTIONS = 50;

    private final List<WeakReference<Object>> expected = new ArrayList<>();

    /** Expects an object to be collected once the test has let go of it. */
    <T> T expect(T object) {
        expected.add(new WeakReference<>(object));
        return object;
    }

    /** Returns how many of the objects are left. */
    int left() {
        return (int) expected.stream().filter(each -> !each.refersTo(null)).count();
    }

    /**
     * Collects garbage until at most so many of the objects are left, or fails: the JVM may keep what a thread used
     * last.
     */
    void collectAllBut(int most) {
        assertThat(expected).as("to be collected").hasSizeGreaterThan(most);
        for (int i = 0; i < MOST_COLLECTIONS && left() > most; i++) {
            System.gc();
        }
        assertThat(left()).as("left of " + expected.size()).isLessThanOrEqualTo(most);
    }
}
