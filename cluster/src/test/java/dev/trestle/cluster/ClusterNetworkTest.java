package dev.trestle.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three members in network namespaces of their own, whose cables are cut, flap, lose packets and are slow, under load:
 * no call is lost without an exception, none runs twice that has no retries, and the cluster is whole again afterwards.
 * Needs root, {@code ip} and {@code tc} of the package iproute2, and {@code iptables}.
 */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
@EnabledIfSystemProperty(named = "trestle.cluster.heavy", matches = "true", disabledReason = "see the profile cluster")
class ClusterNetworkTest {

    private static final int PORT = 7800;
    private static final int MEMBERS = 3;
    private static final String NET = "10.213.77.";
    private static final Duration TICK = Duration.ofMillis(50);
    private static final Duration WHOLE_AGAIN = Duration.ofMinutes(2);

    @TempDir
    Path directory;

    private static final AtomicInteger numbers = new AtomicInteger();

    /** Other for each test: the kernel removes cables some time after their namespaces. */
    private final String id = ProcessHandle.current().pid() % 100_000 + "x" + numbers.incrementAndGet();

    private LocalCluster cluster;

    @BeforeEach
    void start() throws Exception {
        for (String each : List.of("id -u", "ip -V", "tc -V", "iptables -V")) {
            assumeTrue(canRun(each), "ip, tc and iptables are there (iproute2, iptables)");
        }
        assumeTrue(read("id", "-u").equals("0"), "the test is run by root");
        assumeTrue(canRun("ip link add tb" + id + " type bridge"), "bridges can be made");
        run("ip addr add " + NET + "1/24 dev tb" + id);
        run("ip link set tb" + id + " up");
        cluster = new LocalCluster(
                Files.createDirectory(directory.resolve("keys")), PORT, List.of(NET + "11", NET + "12", NET + "13"));
        for (int i = 1; i <= MEMBERS; i++) {
            run("ip netns add " + namespace(i));
            run("ip link add tv" + id + "-" + i + " type veth peer name eth0 netns " + namespace(i));
            run("ip link set tv" + id + "-" + i + " master tb" + id + " up");
            within(i, "ip addr add " + NET + (10 + i) + "/24 dev eth0");
            within(i, "ip link set eth0 up");
            within(i, "ip link set lo up");
            cluster.start(List.of("ip", "netns", "exec", namespace(i)), NET + (10 + i), 2);
        }
    }

    @AfterEach
    void end() throws Exception {
        if (cluster == null) {
            return;
        }
        cluster.close();
        var failed = new ArrayList<String>();
        for (int i = 1; i <= MEMBERS; i++) {
            if (!canRun("ip netns del " + namespace(i))) { // and the cable
                failed.add(namespace(i));
            }
        }
        run("ip link del tb" + id);
        assertThat(failed).as("namespaces that are left").isEmpty();
    }

    private String namespace(int member) {
        return "trestle" + id + "-" + member;
    }

    private void within(int member, String command) throws Exception {
        run("ip netns exec " + namespace(member) + " " + command);
    }

    private static void run(String command) throws Exception {
        assertThat(canRun(command)).as(command).isTrue();
    }

    private static boolean canRun(String command) throws InterruptedException {
        try {
            var process = new ProcessBuilder(command.split(" ", 0))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor() == 0;
        } catch (IOException e) {
            return false; // there is no such program
        }
    }

    private static String read(String... command) throws IOException {
        return new String(new ProcessBuilder(command).start().getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .strip();
    }

    /** A disturbance of the network. */
    @FunctionalInterface
    private interface Disturbance {
        void happen() throws Exception;
    }

    private static void waitFor(Duration time) {
        long end = System.nanoTime() + time.toNanos();
        while (System.nanoTime() - end < 0) {
            LockSupport.parkNanos(TICK.toNanos());
        }
    }

    /** Disturbs the network under load, and returns what became of the calls. */
    private Load.Outcome disturbed(String what, Disturbance disturbance) throws Exception {
        long start = System.nanoTime();
        try (var pool =
                cluster.pool(NET + "1").minMembers(MEMBERS).queueLimit(200).build()) {
            var load = new Load(pool, directory.resolve("runs"), Integer.MAX_VALUE, 10_000, 500_000);
            while (load.runs() < 100) {
                LockSupport.parkNanos(TICK.toNanos());
            }
            var news = newsOf(pool);
            disturbance.happen();
            Clusters.await(() -> pool.members().size() == MEMBERS, WHOLE_AGAIN);
            Load.Outcome outcome = load.end();
            System.err.printf(
                    "%s: %s, %s, %.1f s, news %s%n",
                    what, outcome, pool.statistics(), (System.nanoTime() - start) / 1e9, news);
            return outcome;
        }
    }

    /** Returns which members come and go from now on, and after how many seconds. */
    private static List<String> newsOf(ClusterPool pool) {
        var news = new CopyOnWriteArrayList<String>();
        long start = System.nanoTime();
        pool.addMembershipListener(new MembershipListener() {
            @Override
            public void joined(Member member) {
                news.add("+" + member.name() + " " + (System.nanoTime() - start) / 1_000_000_000);
            }

            @Override
            public void left(Member member, String why) {
                news.add("-" + member.name() + " " + (System.nanoTime() - start) / 1_000_000_000);
            }
        });
        return news;
    }

    @Test
    void aCableThatIsCutForHalfAMinuteCostsTheCallsThatWereSent() throws Exception {
        Load.Outcome outcome = disturbed("cut both ways for 30 s", () -> {
            within(2, "iptables -A INPUT -j DROP");
            within(2, "iptables -A OUTPUT -j DROP");
            waitFor(Duration.ofSeconds(30));
            within(2, "iptables -F");
        });
        assertThat(outcome.lost()).as("no more than the places of a member").isLessThanOrEqualTo(2);
    }

    @Test
    void aMemberThatHearsNothingIsLeft() throws Exception {
        disturbed("cut one way for 30 s", () -> {
            within(2, "iptables -A INPUT -j DROP");
            waitFor(Duration.ofSeconds(30));
            within(2, "iptables -F");
        });
    }

    @Test
    void aMemberThatIsNotHeardIsLeft() throws Exception {
        disturbed("cut the other way for 30 s", () -> {
            within(2, "iptables -A OUTPUT -j DROP");
            waitFor(Duration.ofSeconds(30));
            within(2, "iptables -F");
        });
    }

    @Test
    void aCableThatFlapsLosesNoCallWithoutAWord() throws Exception {
        disturbed("flapping, 3 s each, ten times", () -> {
            for (int i = 0; i < 10; i++) {
                within(1 + i % MEMBERS, "iptables -A INPUT -j DROP");
                waitFor(Duration.ofSeconds(3));
                within(1 + i % MEMBERS, "iptables -F");
                waitFor(Duration.ofSeconds(1));
            }
        });
    }

    @Test
    void aNetworkThatLosesPacketsAndIsSlowLosesNoCall() throws Exception {
        assumeTrue(
                canRun("ip netns exec " + namespace(1) + " tc qdisc add dev eth0 root netem loss 1% delay 50ms"),
                "the kernel has netem");
        within(2, "tc qdisc add dev eth0 root netem loss 1% delay 50ms");
        within(3, "tc qdisc add dev eth0 root netem loss 1% delay 50ms");
        Load.Outcome outcome = disturbed("1 % loss and 50 ms delay for 20 s", () -> waitFor(Duration.ofSeconds(20)));
        assertThat(outcome.lost()).isZero();
        assertThat(outcome.runs()).isEqualTo(outcome.calls());
    }
}
