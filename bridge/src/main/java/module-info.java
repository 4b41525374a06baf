import org.jspecify.annotations.NullMarked;

/** Futures of any executor as futures of the event loop, and back. */
@NullMarked
module dev.trestle.bridge {
    requires transitive dev.trestle.api;
    requires transitive dev.trestle.loop;
    requires static org.jspecify;
    requires static com.google.errorprone.annotations;

    exports dev.trestle.bridge;
}
