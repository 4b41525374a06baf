package dev.trestle.threadpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.trestle.api.Inventory;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The thread that keeps the program running for the calls of a pool, and the pool that has none. */
@Timeout(60)
class DaemonPoolTest {

    private static List<Thread> keepers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("trestle-keep-alive"))
                .toList();
    }

    private static void awaitNoKeeper() {
        await().pollInterval(Duration.ofMillis(1)).until(() -> keepers().isEmpty());
    }

    @Test
    void openPoolKeepsTheProgramRunningUnlessItIsADaemon() {
        awaitNoKeeper();
        var go = new CountDownLatch(1);
        try (var daemon = ThreadPool.builder().size(1).daemon().build()) {
            var call = daemon.submit(() -> {
                go.await();
                return 1;
            });
            assertThat(keepers()).as("for a daemon pool").isEmpty();
            try (var pool = new ThreadPool(1)) {
                assertThat(keepers()).as("for an unused pool").isEmpty();
                assertThat(pool.submit(() -> 2).result()).isEqualTo(2);
                assertThat(keepers()).as("for a pool with a call").hasSize(1);
            }
            awaitNoKeeper();
            go.countDown();
            assertThat(call.result()).isEqualTo(1);
        }
    }

    /** A watcher stays for as long as the JVM does, so this one ceases to keep what it is told. */
    @Test
    void theInventoryTellsOfEachPool() {
        List<Object> opened = new CopyOnWriteArrayList<>();
        var watching = new AtomicBoolean(true);
        Inventory.watch(each -> {
            if (watching.get()) {
                opened.add(each);
            }
        });
        try (var pool = new ThreadPool(1);
                var other = ThreadPool.builder().build()) {
            watching.set(false);
            assertThat(opened).containsExactly(pool, other);
        }
    }
}
