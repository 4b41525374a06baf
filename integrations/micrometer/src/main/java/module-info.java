import org.jspecify.annotations.NullMarked;

/** Metrics of pools and event loops, for Micrometer. */
@NullMarked
@SuppressWarnings("requires-transitive-automatic") // Micrometer has no descriptors, and its types are in our signatures
module dev.trestle.micrometer {
    requires transitive micrometer.core;
    requires static dev.trestle.loop;
    requires static dev.trestle.processpool;
    requires static dev.trestle.threadpool;
    requires static org.jspecify;
    requires static com.google.errorprone.annotations;

    exports dev.trestle.micrometer;
}
