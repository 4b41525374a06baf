package dev.trestle.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.BrokenExecutorException;
import dev.trestle.api.ConcurrentFuture;
import dev.trestle.processpool.CallOptions;
import dev.trestle.processpool.WorkerContext;
import dev.trestle.processpool.WorkerDiedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.jgroups.protocols.DISCARD;
import org.jgroups.protocols.TP;
import org.jgroups.stack.Protocol;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Members and clients in one JVM, which come, go, and refuse each other. */
@Timeout(60)
class ClusterProtocolTest {

    private final List<AutoCloseable> open = new ArrayList<>();

    @TempDir
    Path directory;

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open.reversed()) {
            each.close();
        }
    }

    private <T extends AutoCloseable> T opened(T node) {
        open.add(node);
        return node;
    }

    @Test
    void callsWaitForTheFirstMember() {
        var pool = opened(Clusters.pool("late").build());
        var future = pool.submit(() -> 1);

        assertThat(pool.parallelism()).isEqualTo(1);
        assertThat(pool.statistics().queued()).isEqualTo(1);
        var news = new CopyOnWriteArrayList<String>();
        pool.addMembershipListener(new MembershipListener() {
            @Override
            public void joined(Member member) {
                news.add("+" + member.name());
            }

            @Override
            public void left(Member member, String why) {
                news.add("-" + member.name() + ": " + why);
            }
        });
        var member = Clusters.member("late", "first", 1).join();

        assertThat(future.result()).isEqualTo(1);
        member.close();
        Clusters.await(() -> news.size() == 2);
        assertThat(news).containsExactly("+first", "-first: it has shut down gracefully");
    }

    @Test
    void callWithoutAMemberNamesTheMembersAsked() {
        var pool = opened(
                Clusters.pool("empty").startTimeout(Duration.ofMillis(200)).build());

        assertThatThrownBy(pool.submit(() -> 1)::result)
                .isInstanceOf(BrokenExecutorException.class)
                .hasMessageContaining("has no member that could run calls, and has waited for one for PT0.2S")
                .hasMessageContaining("the cluster 'empty' within this JVM, and saw no members");
        assertThat(pool.statistics().lost()).isEqualTo(1);
    }

    @Test
    void aPoolThatNeedsMembersSaysWhichWereMissing() {
        assertThatThrownBy(() -> Clusters.pool("missing")
                        .minMembers(1)
                        .startTimeout(Duration.ofMillis(100))
                        .build())
                .isInstanceOf(BrokenExecutorException.class)
                .hasMessageContaining("has 0 members and needs 1 (minMembers)");
    }

    @Test
    void aMemberWithOtherCodeGetsNoCalls() {
        var _ = opened(Clusters.member("code", "other", 1)
                .code(Map.of("app.jar", "1", "same.jar", "3", "more.jar", "4"))
                .join());
        var pool = opened(Clusters.pool("code")
                .code(Map.of("app.jar", "2", "same.jar", "3", "lib.jar", "5"))
                .startTimeout(Duration.ofSeconds(2))
                .build());

        assertThatThrownBy(pool.submit(() -> 1)::result)
                .isInstanceOf(BrokenExecutorException.class)
                .hasMessageContaining("member other on host " + Identity.host())
                .hasMessageContaining("its code differs: it has another version of app.jar, and it lacks lib.jar");
        assertThat(pool.members()).isEmpty();
    }

    @Test
    void clustersOfOtherNamesDoNotMeet() {
        var _ = opened(Clusters.member("here", "here", 1).join());
        var pool = opened(
                Clusters.pool("there").startTimeout(Duration.ofMillis(500)).build());

        assertThatThrownBy(pool.submit(() -> 1)::result).hasMessageContaining("saw no members");
    }

    @Test
    void aMemberThatIsDrainedFinishesItsCalls() throws Exception {
        var member = opened(Clusters.member("drain", "old", 2).join());
        var pool = opened(Clusters.pool("drain").minMembers(1).build());
        Clusters.await(() -> pool.statistics().places() == 2);
        String gate = directory.resolve("gate").toString();
        var futures = new ArrayList<ConcurrentFuture<Integer>>();
        for (int i = 0; i < 6; i++) {
            int n = i;
            futures.add(pool.submit(() -> {
                Clusters.await(() -> Files.exists(Path.of(gate)));
                return n;
            }));
        }
        Clusters.await(() -> member.statistics().busy() == 2);
        var draining = Thread.ofVirtual().start(member::close);
        Clusters.await(() -> pool.statistics().places() == 0);
        assertThat(member.clients()).isEqualTo(1);

        var _ = opened(Clusters.member("drain", "new", 2).join());
        Files.createFile(Path.of(gate));

        for (int i = 0; i < 6; i++) {
            assertThat(futures.get(i).result()).isEqualTo(i);
        }
        draining.join();
        assertThat(pool.statistics().lost()).isZero();
        assertThat(pool.statistics().membersLost()).isZero();
    }

    /** Calls whose code is short go ahead; then one of them is not, and the others are not to wait for it. */
    @Test
    void whatWasSentAheadBehindALongCallRunsElsewhere() {
        var one = opened(Clusters.member("ahead", "one", 1).join());
        var pool = opened(Clusters.pool("ahead").minMembers(1).build());
        String gate = directory.resolve("gate").toString();
        showThatCallsAreShort(pool, 200);

        var held = appended(pool, 0, gate);
        var behind = new ArrayList<ConcurrentFuture<Integer>>();
        for (int i = 1; i <= 40; i++) {
            behind.add(appended(pool, i, ""));
        }
        // On a machine so slow that the calls are not short, none goes ahead.
        Clusters.await(
                () -> pool.statistics().givenBack() > 0 || pool.statistics().queued() == behind.size());
        assertThat(behind).noneMatch(ConcurrentFuture::isDone);
        Clusters.await(() -> one.statistics().queued() == 0);
        var _ = opened(Clusters.member("ahead", "two", 1).join());

        for (int i = 1; i <= 40; i++) {
            assertThat(behind.get(i - 1).result()).isEqualTo(i);
        }
        assertThat(held.isDone()).isFalse();
        create(gate);
        assertThat(held.result()).isZero();
        assertEachRanOnce(41);
    }

    @Test
    void shortCallsRunOnceWhileAMemberIsDrained() throws Exception {
        var old = opened(Clusters.member("drained", "old", 1).join());
        var _ = opened(Clusters.member("drained", "new", 1).join());
        var pool = opened(Clusters.pool("drained").minMembers(2).build());
        var futures = new ArrayList<ConcurrentFuture<Integer>>();
        showThatCallsAreShort(pool, 50);
        for (int i = 0; i < 2_000; i++) {
            futures.add(appended(pool, i, ""));
        }
        Clusters.await(() -> old.statistics().queued() > 0); // they wait behind others there
        assertThat(old.drain(Duration.ofSeconds(30))).isTrue();

        for (int i = 0; i < futures.size(); i++) {
            assertThat(futures.get(i).result()).isEqualTo(i);
        }
        assertThat(pool.statistics().lost()).isZero();
        assertEachRanOnce(futures.size());
    }

    /** Lets the pool know that the calls of {@link #appended} are short, by some that do nothing. */
    private void showThatCallsAreShort(ClusterPool pool, int calls) {
        for (int i = 0; i < calls; i++) {
            assertThat(appended(pool, -1, "").result()).isEqualTo(-1);
        }
    }

    /** Submits a call that appends its number to a file, and then waits for another file, if it is to. */
    private ConcurrentFuture<Integer> appended(ClusterPool pool, int number, String gate) {
        String runs = directory.resolve("runs").toString();
        return pool.submit(() -> {
            if (number >= 0) {
                Load.append(runs, number);
            }
            if (!gate.isEmpty()) {
                Clusters.await(() -> Files.exists(Path.of(gate)));
            }
            return number;
        });
    }

    private void assertEachRanOnce(int calls) {
        try {
            assertThat(Files.readAllLines(directory.resolve("runs")))
                    .containsExactlyInAnyOrderElementsOf(IntStream.range(0, calls)
                            .mapToObj(Integer::toString)
                            .toList());
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void theCallsOfAClientThatIsGoneAreCancelled() {
        var member = opened(Clusters.member("orphans", "one", 1).join());
        var messages = new CopyOnWriteArrayList<String>();
        var pool = Clusters.pool("orphans").minMembers(1).build();
        var _ = pool.submit(
                () -> {
                    WorkerContext.current().message("begun");
                    new CountDownLatch(1).await();
                    return 1;
                },
                CallOptions.DEFAULT.withListener(Clusters.messages(messages)));
        Clusters.await(() -> messages.contains("begun"));

        var _ = pool.shutdownNow();

        Clusters.await(() -> member.clients() == 0 && member.statistics().busy() == 0);
    }

    @Test
    void twoClientsShareThePlacesOfAMember() {
        var member = opened(Clusters.member("shared", "one", 2).join());
        var one = opened(Clusters.pool("shared").minMembers(1).build());
        var two = opened(Clusters.pool("shared").minMembers(1).build());
        Clusters.await(() -> member.clients() == 2);

        var futures = new ArrayList<ConcurrentFuture<Integer>>();
        for (int i = 0; i < 200; i++) {
            int n = i;
            futures.add((i % 2 == 0 ? one : two).submit(() -> n));
        }

        for (int i = 0; i < 200; i++) {
            assertThat(futures.get(i).result()).isEqualTo(i);
        }
    }

    @Test
    void callsGoToAllMembers() {
        for (String each : List.of("a", "b")) {
            var _ = opened(Clusters.member("spread", each, 1).join());
        }
        var pool = opened(Clusters.pool("spread").minMembers(2).build());
        String gate = directory.resolve("gate").toString();

        var first = pool.submit(() -> pidAt(gate));
        var second = pool.submit(() -> pidAt(gate));
        Clusters.await(() -> pool.statistics().queued() == 0);
        assertThat(gate).isNotEmpty();
        create(gate);

        assertThat(first.result()).isNotEqualTo(second.result());
    }

    private static long pidAt(String gate) {
        Clusters.await(() -> Files.exists(Path.of(gate)));
        return ProcessHandle.current().pid();
    }

    private static void create(String file) {
        try {
            Files.createFile(Path.of(file));
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** Each side takes the other for dead. When they meet again, no result of before counts. */
    @Test
    void aPartitionEndsTheCallsOfItsTimeAndHeals() {
        var cut = new DISCARD();
        var member = opened(Clusters.member("cut", "one", 1)
                .failureTimeout(Duration.ofSeconds(1))
                .join());
        var pool = opened(Clusters.pool("cut")
                .stack(protocols -> above(protocols, cut))
                .failureTimeout(Duration.ofSeconds(1))
                .minMembers(1)
                .build());
        var messages = new CopyOnWriteArrayList<String>();
        var running = pool.submit(
                () -> {
                    WorkerContext.current().message("begun");
                    new CountDownLatch(1).await();
                    return 1;
                },
                CallOptions.DEFAULT.withListener(Clusters.messages(messages)));
        Clusters.await(() -> messages.contains("begun"));

        var _ = cut.discardAll(true);

        assertThat(running.exception())
                .hasValueSatisfying(e -> assertThat(e)
                        .isInstanceOf(WorkerDiedException.class)
                        .hasMessageContaining("could not be reached any more"));
        Clusters.await(() -> member.clients() == 0 && member.statistics().busy() == 0);
        var waiting = pool.submit(() -> 2);
        var _ = cut.discardAll(false);

        assertThat(waiting.result()).isEqualTo(2);
    }

    /** Each node drops every twentieth message that it receives, and that it sends. */
    @Test
    void callsArriveOverAnUnreliableTransport() {
        var _ = opened(Clusters.member("lossy", "one", 2)
                .stack(ClusterProtocolTest::lossy)
                .join());
        var pool = opened(Clusters.pool("lossy")
                .stack(ClusterProtocolTest::lossy)
                .minMembers(1)
                .build());
        var large = new byte[2 << 20];
        large[large.length - 1] = 7;

        var futures = new ArrayList<ConcurrentFuture<Integer>>();
        for (int i = 0; i < 100; i++) {
            futures.add(appended(pool, i, ""));
        }
        var echo = pool.submit(() -> large);

        for (int i = 0; i < 100; i++) {
            assertThat(futures.get(i).result()).isEqualTo(i);
        }
        assertThat(echo.result()).isEqualTo(large);
        assertEachRanOnce(100);
    }

    private static List<Protocol> lossy(List<Protocol> protocols) {
        return above(protocols, new DISCARD().setUpDiscardRate(0.05).setDownDiscardRate(0.05));
    }

    /** Puts a protocol above the transport. */
    private static List<Protocol> above(List<Protocol> protocols, Protocol one) {
        var all = new ArrayList<>(protocols);
        int above = all.indexOf(
                        all.stream().filter(TP.class::isInstance).findFirst().orElseThrow())
                + 1;
        all.add(above, one);
        return all;
    }
}
