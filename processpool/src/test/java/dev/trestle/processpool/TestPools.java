package dev.trestle.processpool;

import dev.trestle.processpool.jvm.JvmOptions;

/**
 * Pools whose workers start quickly, for tests that need many: from an archive, and without setting up Jackson before a
 * call needs it. Other workers do that in the background.
 */
public final class TestPools {

    private TestPools() {}

    /** Returns a builder of pools whose workers find the classes of this program as quickly as can be. */
    public static ProcessPool.Builder builder(int workers) {
        var builder = plain(workers).jvmArguments("-Dtrestle.codec.lazy=true");
        var archive = TestJvm.archiveOptions();
        if (!archive.isEmpty()) {
            builder.classPath(TestJvm.CLASS_PATH).jvmArguments(archive.toArray(String[]::new));
        }
        return builder;
    }

    public static ProcessPool of(int workers) {
        return builder(workers).build();
    }

    public static JvmOptions jvmOptions(ProcessPool.Builder builder) {
        return builder.options().jvm();
    }

    /** Returns a builder for pools that have the class path of the program, as it is, or another one. */
    public static ProcessPool.Builder plain(int workers) {
        return ProcessPool.builder().workers(workers).jvmArguments("-XX:TieredStopAtLevel=1");
    }
}
