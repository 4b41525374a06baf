package dev.trestle.processpool;

/** Pools whose workers start quickly, for tests that need many. */
final class TestPools {

    private TestPools() {}

    static ProcessPool.Builder builder(int workers) {
        return ProcessPool.builder().workers(workers).jvmArguments("-XX:TieredStopAtLevel=1");
    }

    static ProcessPool of(int workers) {
        return builder(workers).build();
    }

    static JvmOptions jvmOptions(ProcessPool.Builder builder) {
        return builder.options().jvm();
    }
}
