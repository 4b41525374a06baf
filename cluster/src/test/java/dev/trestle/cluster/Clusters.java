package dev.trestle.cluster;

import dev.trestle.processpool.CallListener;
import dev.trestle.processpool.ProcessPool;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Clusters in this JVM, for tests. */
final class Clusters {

    private static final Duration LONGEST = Duration.ofSeconds(20);

    private Clusters() {}

    static ClusterMember.Builder member(String cluster, String name, int workers) {
        return ClusterMember.builder(cluster)
                .name(name)
                .discovery(Discovery.loopback())
                .closeGrace(Duration.ofSeconds(5))
                .pool(workers(workers));
    }

    static ProcessPool.Builder workers(int count) {
        return ProcessPool.builder()
                .workers(count)
                .heap(32 << 20)
                .aotCache(false)
                .jvmArguments("-XX:TieredStopAtLevel=1");
    }

    static ClusterPool.Builder pool(String cluster) {
        return ClusterPool.builder(cluster).discovery(Discovery.loopback());
    }

    static CallListener messages(List<String> to) {
        return new CallListener() {
            @Override
            public void progress(double fraction, String text) {}

            @Override
            public void message(String text) {
                to.add(text);
            }
        };
    }

    static void await(BooleanSupplier condition) {
        long start = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - start > LONGEST.toNanos()) {
                throw new AssertionError("It did not happen within " + LONGEST);
            }
            LockSupport.parkNanos(1_000_000);
        }
    }
}
