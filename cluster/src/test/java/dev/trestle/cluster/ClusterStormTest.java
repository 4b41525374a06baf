package dev.trestle.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three members on loopback with TLS, which are killed, stopped, drained and replaced under load: no call is lost
 * without an exception, and none runs twice that has no retries. {@link MemberCrashTest} is the short form.
 */
@Timeout(value = 30, unit = TimeUnit.MINUTES)
@EnabledIfSystemProperty(named = "trestle.cluster.heavy", matches = "true", disabledReason = "see the profile cluster")
class ClusterStormTest {

    private static final int CALLS = Integer.getInteger("trestle.cluster.calls", 20_000);

    /** The duration of a call; with 0, calls are so short that they are sent ahead. */
    private static final long WORK_NANOS = Long.getLong("trestle.cluster.work", 500_000);

    private static final Duration TICK = Duration.ofMillis(50);
    private static final int MEMBERS = 3;

    @TempDir
    Path directory;

    private LocalCluster cluster;

    @BeforeEach
    void start() throws IOException {
        cluster =
                new LocalCluster(Files.createDirectory(directory.resolve("keys")), Ports.free(), List.of("127.0.0.1"));
        for (int i = 0; i < MEMBERS; i++) {
            cluster.start(2);
        }
    }

    @AfterEach
    void end() {
        cluster.close();
    }

    private ClusterPool pool(int members) {
        return cluster.pool("127.0.0.1").minMembers(members).queueLimit(500).build();
    }

    private Load load(ClusterPool pool, int most, int bytes) throws IOException {
        return new Load(pool, directory.resolve("runs"), most, bytes, WORK_NANOS);
    }

    private static void tell(String what, Load.Outcome outcome, ClusterPool pool, long start) {
        System.err.printf("%s: %s, %s, %.1f s%n", what, outcome, pool.statistics(), (System.nanoTime() - start) / 1e9);
    }

    /** A member is killed as soon as another one has places; until then a worker of the only one, now and then. */
    @Test
    void noCallIsLostOrRunsTwiceWhileMembersAreKilledEvery50Ms() throws Exception {
        long start = System.nanoTime();
        try (var pool = pool(2)) {
            var load = load(pool, CALLS, 0);
            int kills = 0;
            int workers = 0;
            for (int tick = 0; load.isSubmitting(); tick++) {
                LockSupport.parkNanos(TICK.toNanos());
                List<MemberProcess> ready = pool.members().stream()
                        .flatMap(each -> cluster.processOf(each).stream())
                        .toList();
                if (ready.size() > 1) {
                    cluster.kill(ready.get(tick % ready.size()));
                    cluster.start(2);
                    kills++;
                } else if (tick % 60 == 0 && ready.size() == 1) {
                    workers += ready.getFirst().killWorker() ? 1 : 0;
                }
            }
            Load.Outcome outcome = load.end();
            tell(kills + " members and " + workers + " workers killed", outcome, pool, start);
            assertThat(outcome.calls()).isEqualTo(CALLS);
            assertThat(kills).isPositive();
        }
    }

    @Test
    void theCallsOfAClientThatIsKilledEndOnItsMembers() throws Exception {
        Path alive = directory.resolve("alive");
        Files.createFile(alive);
        var client = MemberProcess.start(
                List.of(),
                EndlessClient.class,
                List.of(
                        cluster.name(),
                        cluster.addresses().getFirst(),
                        cluster.directory().toString(),
                        alive.toString()));
        try {
            awaitGrowth(alive);
            client.kill();
            long killed = System.nanoTime();
            awaitSilence(alive);
            System.err.printf(
                    "the calls of a killed client ended within %.1f s, including 3 s of silence%n",
                    (System.nanoTime() - killed) / 1e9);
        } finally {
            client.close();
        }
        try (var pool = pool(MEMBERS)) {
            assertThat(pool.map(Math::abs, List.of(-1, -2, -3, -4, -5, -6))).containsExactly(1, 2, 3, 4, 5, 6);
        }
    }

    private static void awaitGrowth(Path file) throws IOException {
        long size = Files.size(file);
        long limit = System.nanoTime() + Duration.ofMinutes(3).toNanos();
        while (Files.size(file) < size + 600) {
            assertThat(System.nanoTime() - limit).as("calls run").isNegative();
            LockSupport.parkNanos(TICK.toNanos());
        }
    }

    /** Waits until a file has not grown for three seconds. */
    private static void awaitSilence(Path file) throws IOException {
        long limit = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        long size = -1;
        long since = System.nanoTime();
        while (System.nanoTime() - since < Duration.ofSeconds(3).toNanos()) {
            long now = Files.size(file);
            if (now != size) {
                size = now;
                since = System.nanoTime();
            }
            assertThat(System.nanoTime() - limit).as("calls end").isNegative();
            LockSupport.parkNanos(TICK.toNanos());
        }
    }

    @Test
    void aMemberThatIsStoppedHoldsUpNoOther() throws Exception {
        long start = System.nanoTime();
        try (var pool = pool(MEMBERS)) {
            var load = load(pool, Integer.MAX_VALUE, 300_000);
            while (load.runs() < 50) {
                LockSupport.parkNanos(TICK.toNanos());
            }
            Member victim = pool.members().get(1);
            MemberProcess process = cluster.processOf(victim).orElseThrow();
            process.signal("STOP");
            try {
                Clusters.await(() -> !pool.members().contains(victim));
                System.err.printf("a stopped member was left after %.1f s%n", (System.nanoTime() - start) / 1e9);
                int before = load.runs();
                long limit = System.nanoTime() + Duration.ofSeconds(15).toNanos();
                while (System.nanoTime() - limit < 0) {
                    LockSupport.parkNanos(TICK.toNanos());
                }
                assertThat(load.runs()).as("calls go on for 15 s").isGreaterThan(before + 50);
                assertThat(pool.members()).as("the others stay").hasSize(MEMBERS - 1);
            } finally {
                process.signal("CONT");
            }
            Clusters.await(() -> pool.members().size() == MEMBERS);
            tell("a member stopped for 15 s", load.end(), pool, start);
            assertThat(pool.statistics().membersLost())
                    .as("only the stopped one was lost")
                    .isEqualTo(1);
        }
    }

    @Test
    void aMemberThatIsDrainedUnderLoadLosesNoCall() throws Exception {
        long start = System.nanoTime();
        try (var pool = pool(MEMBERS)) {
            var load = load(pool, Integer.MAX_VALUE, 0);
            while (load.runs() < 300) {
                LockSupport.parkNanos(TICK.toNanos());
            }
            MemberProcess victim = cluster.processOf(pool.members().getFirst()).orElseThrow();
            victim.terminate();
            Clusters.await(() -> pool.members().size() == MEMBERS - 1);
            Load.Outcome outcome = load.end();
            tell("a member drained", outcome, pool, start);
            assertThat(outcome.lost()).isZero();
            assertThat(outcome.runs()).isEqualTo(outcome.calls());
        }
    }

    @Test
    void aRollingRestartLosesNoCall() throws Exception {
        long start = System.nanoTime();
        try (var pool = pool(MEMBERS)) {
            var load = load(pool, Integer.MAX_VALUE, 0);
            while (load.runs() < 300) {
                LockSupport.parkNanos(TICK.toNanos());
            }
            List<Member> all = pool.members();
            for (Member each : all) {
                cluster.processOf(each).orElseThrow().terminate();
                cluster.start(2);
                Duration limit = Duration.ofMinutes(3);
                Clusters.await(
                        () -> pool.members().size() == MEMBERS
                                && !pool.members().contains(each),
                        limit);
            }
            Load.Outcome outcome = load.end();
            tell("all members replaced", outcome, pool, start);
            assertThat(pool.members()).doesNotContainAnyElementsOf(all);
            assertThat(outcome.lost()).isZero();
            assertThat(outcome.runs()).isEqualTo(outcome.calls());
        }
    }
}
