import org.jspecify.annotations.NullMarked;

/** For tests of programs that use Trestle: virtual time, shuffled turns, a pool without processes, a search for leaks. */
@NullMarked
module dev.trestle.testkit {
    requires transitive dev.trestle.api;
    requires transitive dev.trestle.loop;
    requires static org.jspecify;
    requires static com.google.errorprone.annotations;

    exports dev.trestle.testkit;
}
