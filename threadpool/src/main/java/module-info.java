import org.jspecify.annotations.NullMarked;

/** An executor on threads, platform or virtual. */
@NullMarked
module dev.trestle.threadpool {
    requires transitive dev.trestle.api;
    requires static org.jspecify;
    requires static com.google.errorprone.annotations;

    exports dev.trestle.threadpool;
}
