import org.jspecify.annotations.NullMarked;

/** A single-threaded event loop, its futures and tasks, and coroutines that await them. */
@NullMarked
module dev.trestle.loop {
    requires transitive dev.trestle.api;
    requires static java.management;
    requires static jdk.management;
    requires static org.jspecify;
    requires static com.google.errorprone.annotations;

    exports dev.trestle.loop;

    provides dev.trestle.api.WaitGuard with
            dev.trestle.loop.LoopWaitGuard;
}
