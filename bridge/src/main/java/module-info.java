import org.jspecify.annotations.NullMarked;

/** A bridge between executors and the event loop: futures of any executor as futures of the loop, and back. */
@NullMarked
module dev.trestle.bridge {
    requires transitive dev.trestle.api;
    requires transitive dev.trestle.loop;
    requires static org.jspecify;
    requires static com.google.errorprone.annotations;

    exports dev.trestle.bridge;
}
