package dev.trestle.api;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * A place where pools and event loops are announced when they are created, for tests that search for what was left
 * open. Without a watcher an announcement costs the reading of a field. For code that implements executors.
 * Thread-safe.
 */
public final class Inventory {

    private static final List<Consumer<Object>> watchers = new CopyOnWriteArrayList<>();

    private Inventory() {}

    /**
     * Announces an object that has to be closed. Called at the end of its constructor.
     *
     * @param opened the object
     */
    public static void opened(Object opened) {
        for (int i = 0; i < watchers.size(); i++) { // watchers are only added
            watchers.get(i).accept(opened);
        }
    }

    /**
     * Adds a watcher, for the rest of the life of this JVM.
     *
     * @param watcher called with each object, on the thread that creates it; must not throw
     */
    public static void watch(Consumer<Object> watcher) {
        watchers.add(requireNonNull(watcher, "watcher"));
    }
}
