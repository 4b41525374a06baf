package dev.trestle.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;

/** A program with calls that do not end, and that ignore interrupts; for the test that kills it. */
final class EndlessClient {

    private EndlessClient() {}

    /**
     * Submits six calls, which append to a file for as long as they run.
     *
     * @param arguments the cluster, the address of a member, the directory of the keys, and the file
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        GuardedMain.endWithTheInput();
        String file = arguments[3];
        try (var pool = LocalCluster.pool(arguments[0], List.of(arguments[1]), Path.of(arguments[2]))
                .minMembers(1)
                .build()) {
            for (int i = 0; i < 6; i++) {
                var _ = pool.submit(() -> append(file));
            }
            new CountDownLatch(1).await();
        }
    }

    private static int append(String file) throws IOException {
        while (Files.exists(Path.of(file))) {
            Files.writeString(Path.of(file), "alive\n", StandardOpenOption.APPEND);
            boolean ignored = Thread.interrupted();
            LockSupport.parkNanos(ignored ? 1 : 20_000_000);
        }
        return 0;
    }
}
