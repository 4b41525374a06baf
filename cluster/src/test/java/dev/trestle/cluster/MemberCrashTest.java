package dev.trestle.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.processpool.CallOptions;
import dev.trestle.processpool.WorkerDiedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** Members in JVMs of their own, on loopback with mutual TLS, that are killed. */
@Timeout(120)
class MemberCrashTest {

    private static final String PASSWORD = "a password for tests";

    @TempDir
    static Path certificates;

    @TempDir
    Path markers;

    private final List<MemberProcess> members = new ArrayList<>();

    @BeforeAll
    static void makeCertificates() throws IOException {
        Certificates.make(certificates, List.of("node"), PASSWORD, "", 2);
        Files.writeString(certificates.resolve("password"), PASSWORD);
    }

    @AfterEach
    void end() {
        members.forEach(MemberProcess::close);
    }

    private MemberProcess member(int port, int index, int workers) throws IOException {
        var member = MemberProcess.start(List.of(
                "--cluster",
                "crash-" + port,
                "--hosts",
                "127.0.0.1:" + port,
                "--bind",
                "127.0.0.1",
                "--port",
                Integer.toString(port),
                "--name",
                "member-" + index,
                "--workers",
                Integer.toString(workers),
                "--heap",
                "32",
                "--failure-timeout",
                "4",
                "--keystore",
                certificates.resolve("node.p12").toString(),
                "--truststore",
                certificates.resolve("truststore.p12").toString(),
                "--password-file",
                certificates.resolve("password").toString()));
        members.add(member);
        return member;
    }

    private ClusterPool pool(int port, int minMembers) {
        return pool(port, minMembers, builder -> builder);
    }

    private ClusterPool pool(int port, int minMembers, UnaryOperator<ClusterPool.Builder> options) {
        return options.apply(ClusterPool.builder("crash-" + port)
                        .discovery(Discovery.hosts("127.0.0.1:" + port))
                        .bind("127.0.0.1")
                        .port(port)
                        .keystore(certificates.resolve("node.p12"), PASSWORD)
                        .truststore(certificates.resolve("truststore.p12"), PASSWORD)
                        .minMembers(minMembers))
                .build();
    }

    @Test
    void aCallOnAMemberThatIsKilledFailsAndNamesTheMember() throws IOException {
        int port = Ports.free();
        MemberProcess victim = member(port, 1, 1);
        try (var pool = pool(port, 1)) {
            String marker = markers.resolve("begun").toString();
            var running = pool.submit(() -> {
                Files.createFile(Path.of(marker));
                new CountDownLatch(1).await();
                return 1;
            });
            var waiting = pool.submit(() -> 2);
            Clusters.await(() -> Files.exists(Path.of(marker)));
            member(port, 2, 1);

            long killed = System.nanoTime();
            victim.kill();

            assertThat(running.exception())
                    .hasValueSatisfying(e -> assertThat(e)
                            .isInstanceOf(WorkerDiedException.class)
                            .hasMessageContaining(
                                    "member member-1 on host " + Identity.host() + " (pid " + victim.pid())
                            .hasMessageContaining("it has left the cluster")
                            .hasMessageContaining("may have begun"));
            assertThat((System.nanoTime() - killed) / 1_000_000)
                    .as("ms until it was noticed")
                    .isLessThan(5_000);
            assertThat(waiting.result())
                    .as("the call that waited runs elsewhere")
                    .isEqualTo(2);
        }
    }

    /** A small storm: no call is lost without a word, and none runs twice that was not declared to be idempotent. */
    @Test
    void everyCallEndsAndNoneRunsTwiceWhileMembersAreKilled() throws Exception {
        int port = Ports.free();
        int calls = Integer.getInteger("storm.calls", 300);
        var living = new ArrayList<MemberProcess>();
        for (int i = 0; i < 2; i++) {
            living.add(member(port, i, 2));
        }
        var futures = new ArrayList<ConcurrentFuture<Integer>>();
        int most = Integer.getInteger("storm.kills", 2);
        int kills = 0;
        try (var pool = pool(port, 1)) {
            for (int i = 0; i < calls; i++) {
                int n = i;
                String marker = markers.resolve(Integer.toString(i)).toString();
                boolean idempotent = i % 2 == 1;
                futures.add(pool.submit(
                        () -> {
                            Files.writeString(
                                    Path.of(marker), "x", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
                            LockSupport.parkNanos(5_000_000);
                            return n;
                        },
                        idempotent ? CallOptions.DEFAULT.withRetries(20) : CallOptions.DEFAULT));
            }
            int next = 2;
            while (futures.stream().anyMatch(each -> !each.isDone()) && kills < most) {
                int done =
                        (int) futures.stream().filter(ConcurrentFuture::isDone).count();
                int target = (kills + 1) * calls / (most + 2);
                if (done >= target) {
                    living.removeFirst().kill();
                    living.add(member(port, next++, 2));
                    kills++;
                }
                LockSupport.parkNanos(1_000_000);
            }
            int lost = 0;
            for (int i = 0; i < calls; i++) {
                var error = futures.get(i).exception();
                int ran = ran(i);
                if (error.isPresent()) {
                    lost++;
                    assertThat(error.get()).isInstanceOf(WorkerDiedException.class);
                    assertThat(i % 2).as("the call " + i + " has retries").isZero();
                } else {
                    assertThat(futures.get(i).result()).isEqualTo(i);
                    assertThat(ran).isGreaterThanOrEqualTo(1);
                }
                if (i % 2 == 0) {
                    assertThat(ran).as("runs of the call " + i).isLessThanOrEqualTo(1);
                }
            }
            assertThat(kills).isEqualTo(most);
            assertThat(lost).as("calls that members had when they were killed").isLessThanOrEqualTo(kills * 2);
        }
    }

    /** It is not known which of the calls that were sent ahead had begun; there are no more than is allowed. */
    @Test
    void aKilledMemberCostsItsPlacesAndTheCallsSentAhead() throws Exception {
        int port = Ports.free();
        int ahead = 16;
        MemberProcess victim = member(port, 1, 1);
        member(port, 2, 1);
        try (var pool = pool(port, 2, builder -> builder.callsAhead(ahead).queueLimit(300))) {
            var load = new Load(pool, markers.resolve("runs"), 4_000, 0, 0);
            while (load.runs() < 2_000) {
                LockSupport.parkNanos(1_000_000);
            }
            victim.kill();
            Load.Outcome outcome = load.end();

            assertThat(outcome.lost()).isLessThanOrEqualTo(1 + ahead);
            assertThat(pool.statistics().membersLost()).isEqualTo(1);
        }
    }

    @RepeatedTest(10)
    @EnabledIfSystemProperty(
            named = "trestle.cluster.heavy",
            matches = "true",
            disabledReason = "see the profile cluster")
    void membersAndAProgramThatStartTogetherMeet() throws IOException {
        int port = Ports.free();
        member(port, 1, 1);
        member(port, 2, 1);

        try (var pool = pool(port, 2)) {
            assertThat(pool.members()).hasSize(2);
        }
    }

    private int ran(int call) throws IOException {
        Path marker = markers.resolve(Integer.toString(call));
        return Files.exists(marker) ? (int) Files.size(marker) : 0;
    }
}
