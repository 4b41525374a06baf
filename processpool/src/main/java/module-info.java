import org.jspecify.annotations.NullMarked;

/** Pools of child JVMs that run calls in isolation. */
@NullMarked
@SuppressWarnings("module") // the module of the test kit is compiled later
module dev.trestle.processpool {
    requires transitive dev.trestle.api;
    requires java.management;
    requires jdk.jfr;
    requires tools.jackson.databind;
    requires tools.jackson.dataformat.smile;
    requires org.zeroturnaround.exec;
    requires org.slf4j;
    requires static org.jspecify;
    requires static com.google.errorprone.annotations;

    exports dev.trestle.processpool;
    // The test kit's pool encodes calls, and runs them in the same JVM
    exports dev.trestle.processpool.values to
            dev.trestle.testkit;
    exports dev.trestle.processpool.wire to
            dev.trestle.testkit,
            dev.trestle.cluster;

    // A cluster adds its members as workers, and passes on calls of other programs
    exports dev.trestle.processpool.remote to
            dev.trestle.cluster;

    // SLF4J creates the provider of forwarded logs in workers
    exports dev.trestle.processpool.child to
            org.slf4j;

    // The values of the calls that warm a pool up and train its AOT cache
    opens dev.trestle.processpool to
            tools.jackson.databind;

    provides dev.trestle.api.WaitGuard with
            dev.trestle.processpool.PoolWaitGuard;
    provides dev.trestle.processpool.remote.PoolDoor with
            dev.trestle.processpool.Door;

    uses dev.trestle.processpool.remote.PoolDoor;
}
