package dev.trestle.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.processpool.CallOptions;
import dev.trestle.processpool.WorkerContext;
import dev.trestle.processpool.WorkerDiedException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Calls over one member, in the same JVM: they have the outcomes that they have in a process pool. */
@Timeout(60)
class ClusterPoolTest {

    private static ClusterMember member;
    private static ClusterPool pool;

    @BeforeAll
    static void start() {
        member = Clusters.member("outcomes", "one", 2).join();
        pool = Clusters.pool("outcomes").minMembers(1).build();
    }

    @AfterAll
    static void stop() {
        pool.close();
        member.close();
    }

    @Test
    void aCallRunsInAChildOfTheMember() {
        long pid = pool.submit(() -> ProcessHandle.current().pid()).result();

        assertThat(pid).isNotEqualTo(ProcessHandle.current().pid());
        assertThat(pool.members()).extracting(Member::name).containsExactly("one");
        assertThat(pool.parallelism()).isEqualTo(2);
    }

    @Test
    void valuesTravelBothWays() {
        var list = List.of("a", "b");
        var numbers = IntStream.range(0, 1_000_000).toArray();

        assertThat(pool.submit(() -> list.reversed()).result()).isEqualTo(List.of("b", "a"));
        assertThat(pool.submit(() -> IntStream.of(numbers).map(n -> n + 1).toArray())
                        .result())
                .isEqualTo(IntStream.of(numbers).map(n -> n + 1).toArray());
    }

    @Test
    void memoryIsNotSharedWithOtherMachines() {
        assertThatThrownBy(() -> pool.share(new int[1]))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageEndingWith(
                        "run on other machines, which share no memory with this program. Let calls capture the array,"
                                + " which is sent with each of them, or the path of a file that all members have.");
        assertThatThrownBy(() -> pool.share(Path.of("file"))).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> pool.allocate(1)).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void anExceptionOfTheCallIsThrown() {
        var future = pool.submit(() -> {
            throw new IllegalStateException("by the call");
        });

        assertThatThrownBy(future::result)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("by the call");
    }

    @Test
    void aWorkerThatDiesIsToldAsLocallyAndWithItsMember() {
        var future = pool.submit(() -> {
            System.err.println("last words");
            Runtime.getRuntime().halt(7);
            return 1;
        });

        assertThatThrownBy(future::result)
                .isInstanceOfSatisfying(WorkerDiedException.class, e -> {
                    assertThat(e.exitCode()).hasValue(7);
                    assertThat(e.stderrTail()).contains("last words");
                })
                .hasMessageContaining("of member one on host " + Identity.host())
                .hasMessageContaining("died while it was running ClusterPoolTest");
    }

    @Test
    void aCallWithRetriesRunsAgainWhenItsWorkerDies() throws Exception {
        var file = java.nio.file.Files.createTempFile("trestle", ".once");
        String name = file.toString();
        try {
            int runs = pool.submit(
                            () -> {
                                var seen = java.nio.file.Path.of(name);
                                if (java.nio.file.Files.deleteIfExists(seen)) {
                                    Runtime.getRuntime().halt(7);
                                }
                                return 2;
                            },
                            CallOptions.DEFAULT.withRetries(1))
                    .result();
            assertThat(runs).isEqualTo(2);
        } finally {
            java.nio.file.Files.deleteIfExists(file);
        }
    }

    @Test
    void aTimeLimitHoldsAndNamesTheStack() {
        var future = pool.submit(
                () -> {
                    new java.util.concurrent.CountDownLatch(1).await();
                    return 1;
                },
                CallOptions.DEFAULT.withTimeout(Duration.ofMillis(200)));

        assertThat(future.exception())
                .hasValueSatisfying(e -> assertThat(e)
                        .isInstanceOf(TimeoutException.class)
                        .hasMessageContaining("ran longer than PT0.2S in member one on host")
                        .hasMessageContaining("CountDownLatch.await"));
    }

    @Test
    void aCancelledCallIsInterrupted() throws Exception {
        var reports = new CopyOnWriteArrayList<String>();
        var future = pool.submit(
                () -> {
                    WorkerContext.current().message("begun");
                    new java.util.concurrent.CountDownLatch(1).await();
                    return 1;
                },
                CallOptions.DEFAULT.withListener(Clusters.messages(reports)));
        Clusters.await(() -> reports.contains("begun"));

        assertThat(future.cancel(true)).isTrue();

        assertThatThrownBy(future::result).isInstanceOf(CancellationException.class);
        Clusters.await(() -> member.statistics().busy() == 0);
    }

    @Test
    void aStreamHasItsItemsInOrder() {
        try (Stream<Integer> items = pool.stream(() -> IntStream.range(0, 5_000).boxed())) {
            assertThat(items)
                    .containsExactlyElementsOf(IntStream.range(0, 5_000).boxed().toList());
        }
    }

    @Test
    void manyCallsAreAllAnswered() {
        var futures = new ArrayList<dev.trestle.api.ConcurrentFuture<Integer>>();
        for (int i = 0; i < 2_000; i++) {
            int n = i;
            futures.add(pool.submit(() -> n * 2));
        }

        for (int i = 0; i < 2_000; i++) {
            assertThat(futures.get(i).result()).isEqualTo(2 * i);
        }
    }

    @Test
    void mapKeepsTheOrder() {
        assertThat(pool.map(Math::abs, List.of(-1, -2, -3))).containsExactly(1, 2, 3);
    }
}
