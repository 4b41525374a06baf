import org.jspecify.annotations.NullMarked;

/** Tools for tests of programs that use Trestle: virtual time, shuffled turns, a pool without processes. */
@NullMarked
module dev.trestle.testkit {
    requires transitive dev.trestle.api;
    requires transitive dev.trestle.loop;
    requires transitive dev.trestle.processpool;
    requires dev.trestle.threadpool;
    requires static transitive org.junit.jupiter.api;
    requires static org.jspecify;
    requires static com.google.errorprone.annotations;

    exports dev.trestle.testkit;
}
