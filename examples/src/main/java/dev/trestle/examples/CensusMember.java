package dev.trestle.examples;

import dev.trestle.cluster.ClusterMember;
import dev.trestle.cluster.Discovery;
import dev.trestle.processpool.ProcessPool;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * The program of a member of {@code cluster-census}. The first line of its standard input is the password of the
 * keystore; the end of the input is the end of the program that started it, and then this one ends, too.
 */
final class CensusMember {

    /** Long, since all nodes share one machine, and may be slow together; a member that is killed is noticed sooner. */
    static final Duration FAILURE_TIMEOUT = Duration.ofSeconds(30);

    /** The line that a member prints when it has joined. */
    static final String JOINED = "joined";

    private static final Duration GRACE = Duration.ofSeconds(1);
    private static final int LONGEST_END_SECONDS = 10;

    private CensusMember() {}

    /**
     * Runs a member.
     *
     * @param args the names of the cluster and of the member, the first port of the members, the keystore, and the
     *     number of workers
     */
    public static void main(String[] args) {
        String password = IO.readln();
        if (args.length != 5 || password == null) {
            IO.println("This program is started by the example cluster-census");
            System.exit(2);
            return;
        }
        join(args, password);
        IO.println(JOINED);
        while (IO.readln() != null) {
            // the program that started this one says nothing, and is there
        }
        CompletableFuture.delayedExecutor(LONGEST_END_SECONDS, TimeUnit.SECONDS)
                .execute(() -> Runtime.getRuntime().halt(1));
        System.exit(0); // the member leaves the cluster
    }

    @SuppressWarnings("MustBeClosedChecker") // the end of the JVM closes it
    private static void join(String[] args, String password) {
        int port = Integer.parseInt(args[2]);
        var _ = ClusterMember.builder(args[0])
                .name(args[1])
                .discovery(Discovery.hosts("127.0.0.1:" + port))
                .bind("127.0.0.1")
                .port(port)
                .keystore(Path.of(args[3]), password)
                .closeGrace(GRACE)
                .failureTimeout(FAILURE_TIMEOUT)
                .pool(ProcessPool.builder().workers(Integer.parseInt(args[4])).aotCache(false))
                .join();
    }
}
