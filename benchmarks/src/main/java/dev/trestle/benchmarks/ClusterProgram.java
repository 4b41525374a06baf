package dev.trestle.benchmarks;

import com.hazelcast.core.HazelcastInstance;
import dev.trestle.api.FutureExecutor;
import dev.trestle.cluster.ClusterPool;
import dev.trestle.cluster.Discovery;
import dev.trestle.processpool.ProcessPool;
import java.io.IOException;
import java.io.Serializable;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.function.IntFunction;
import java.util.function.ToDoubleFunction;

/**
 * Calls on a cluster of two members with one worker each, on loopback with mutual TLS, beside a process pool of two
 * workers, Hazelcast's executor with two members and without TLS, and a bare TLS socket: by turns in one run, by the
 * clock and by the processor time of all processes. Then clusters of 1, 2, 4 and 8 members. Linux only.
 */
final class ClusterProgram {

    private static final int MEMBERS = 2;
    private static final List<String> SIDE_BY_SIDE = List.of(
            "cluster, round trip",
            "cluster, pipelined small calls",
            "cluster, 16 MB there and back",
            "cluster, calls of 10 ms");
    private static final int WARM_UP = 3;
    private static final int TURNS = Integer.getInteger("turns", 9);
    private static final int BIG = 16 << 20;
    private static final String PASSWORD = "a password of benchmarks";

    /** Does an operation that many times. */
    @FunctionalInterface
    private interface Operations {
        void run(int times) throws Exception;
    }

    // The calls are the same for all sides.

    /** Returns a number. */
    private record Small(int value) implements Callable<Integer>, Serializable {
        @Override
        public Integer call() {
            return value;
        }
    }

    /** Returns the bytes that it has brought along. */
    private record Big(byte[] value) implements Callable<byte[]>, Serializable {
        @Override
        public byte[] call() {
            return value;
        }
    }

    /** Computes for ten milliseconds of processor time. */
    private record Burn() implements Callable<Integer>, Serializable {
        @Override
        public Integer call() {
            var threads = ManagementFactory.getThreadMXBean();
            long end = threads.getCurrentThreadCpuTime() + 10_000_000;
            int rounds = 0;
            while (threads.getCurrentThreadCpuTime() < end) {
                rounds++;
            }
            return rounds;
        }
    }

    private final Map<String, FutureExecutor> ours = new LinkedHashMap<>();
    private final ExecutorService hazelcast;
    private final TlsEcho.Client socket;

    private ClusterProgram(
            FutureExecutor local, FutureExecutor cluster, ExecutorService hazelcast, TlsEcho.Client socket) {
        ours.put("process pool", local);
        ours.put("cluster", cluster);
        this.hazelcast = hazelcast;
        this.socket = socket;
    }

    public static void main(String[] wanted) throws Exception {
        Path keys = Files.createTempDirectory("cluster-benchmark");
        Path keystore = keystore(keys);
        try {
            if (SIDE_BY_SIDE.stream().anyMatch(each -> Program.isWanted(each, wanted))) {
                compareSides(wanted, keystore, keys);
            }
            for (int members : new int[] {1, 2, 4, 8}) {
                if (Program.isWanted(scaling(members), wanted)) {
                    scale(members, keystore, keys);
                }
            }
        } finally {
            for (Path each : List.of(keystore, keys.resolve("password"), keys)) {
                Files.deleteIfExists(each);
            }
        }
    }

    private static String scaling(int members) {
        return "cluster, members: " + members;
    }

    /** Measures a cluster of some members with one worker each: many small calls, and calls of ten milliseconds. */
    private static void scale(int members, Path keystore, Path keys) throws Exception {
        List<Process> children = new ArrayList<>();
        int port = freePort();
        try {
            children.add(member(1, port, keystore, keys));
            try (var cluster = client(port, keystore)) {
                awaitMembers(cluster, members, children, port, keystore, keys);
                compare(scaling(members) + ", small calls", 20_000, Map.of("at once", many(Small::new, cluster)));
                compare(
                        scaling(members) + ", calls of 10 ms",
                        60 * members,
                        Map.of("at once", many(_ -> new Burn(), cluster)));
                System.out.println(cluster.statistics());
            }
        } finally {
            children.forEach(Process::destroyForcibly);
        }
    }

    private static ClusterPool client(int port, Path keystore) {
        return ClusterPool.builder("benchmark")
                .discovery(Discovery.hosts("127.0.0.1:" + port))
                .bind("127.0.0.1")
                .port(port)
                .keystore(keystore, PASSWORD)
                .failureTimeout(Duration.ofSeconds(60))
                .startTimeout(Duration.ofMinutes(3))
                .minMembers(1)
                .build();
    }

    private static void awaitMembers(
            ClusterPool cluster, int members, List<Process> children, int port, Path keystore, Path keys)
            throws Exception {
        for (int i = 2; i <= members; i++) {
            children.add(member(i, port, keystore, keys));
        }
        while (cluster.members().size() < members) {
            Thread.sleep(100);
        }
    }

    private static void compareSides(String[] wanted, Path keystore, Path keys) throws Exception {
        List<Process> children = new ArrayList<>();
        int port = freePort();
        int echoPort = freePort();
        HazelcastInstance client = null;
        try {
            children.add(member(1, port, keystore, keys));
            for (int i = 1; i <= MEMBERS; i++) {
                children.add(java(HazelcastMember.class.getName()));
            }
            children.add(java(TlsEcho.class.getName(), keystore.toString(), PASSWORD, Integer.toString(echoPort)));
            client = HazelcastMember.client(MEMBERS);
            try (var local = ProcessPool.builder().workers(MEMBERS).build();
                    var cluster = client(port, keystore);
                    var socket = new TlsEcho.Client(keystore, PASSWORD, echoPort)) {
                local.prestart(MEMBERS);
                awaitMembers(cluster, MEMBERS, children, port, keystore, keys);
                new ClusterProgram(local, cluster, client.getExecutorService("calls"), socket).run(wanted);
            }
        } finally {
            if (client != null) {
                client.shutdown();
            }
            children.forEach(Process::destroyForcibly);
        }
    }

    private static Process member(int number, int port, Path keystore, Path keys) throws IOException {
        return java(
                "dev.trestle.cluster.Main",
                "--cluster",
                "benchmark",
                "--hosts",
                "127.0.0.1:" + port,
                "--bind",
                "127.0.0.1",
                "--port",
                Integer.toString(port),
                "--name",
                "member-" + number,
                "--workers",
                "1",
                "--failure-timeout",
                "60",
                "--keystore",
                keystore.toString(),
                "--password-file",
                keys.resolve("password").toString());
    }

    private static int freePort() throws IOException {
        try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }

    private static Path program(String name) {
        return Path.of(System.getProperty("java.home"), "bin", name);
    }

    /** A key whose certificate all nodes trust. */
    private static Path keystore(Path directory) throws Exception {
        Path keystore = directory.resolve("node.p12");
        Files.writeString(directory.resolve("password"), PASSWORD);
        var keytool = new ProcessBuilder(
                program("keytool").toString(),
                "-genkeypair",
                "-alias",
                "node",
                "-dname",
                "CN=benchmark",
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-storetype",
                "PKCS12",
                "-storepass",
                PASSWORD,
                "-keystore",
                keystore.toString());
        if (keytool.inheritIO().start().waitFor() != 0) {
            throw new IOException("keytool has failed");
        }
        return keystore;
    }

    private static Process java(String main, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(
                List.of(program("java").toString(), "-Xmx512m", "-cp", System.getProperty("java.class.path"), main));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    private void run(String[] wanted) throws Exception {
        Map<String, Operations> roundTrips = each(executor -> times -> {
            for (int i = 0; i < times; i++) {
                executor.submit(new Small(i)).get();
            }
        });
        Map<String, Operations> pipelined = each(executor -> many(Small::new, executor));
        byte[] big = new byte[BIG];
        Map<String, Operations> bulk = each(executor -> times -> {
            for (int i = 0; i < times; i++) {
                executor.submit(new Big(big)).get();
            }
        });
        bulk.put("TLS socket", times -> {
            for (int i = 0; i < times; i++) {
                socket.echo(big);
            }
        });
        Map<String, Operations> burning = each(executor -> many(_ -> new Burn(), executor));
        List<Map<String, Operations>> all = List.of(roundTrips, pipelined, bulk, burning);
        List<Integer> times = List.of(200, 2_000, 1, 60);
        for (int i = 0; i < all.size(); i++) {
            if (Program.isWanted(SIDE_BY_SIDE.get(i), wanted)) {
                compare(SIDE_BY_SIDE.get(i), times.get(i), all.get(i));
            }
        }
    }

    /** Submits many calls, and then waits for all of them. */
    private static Operations many(IntFunction<Callable<Integer>> call, ExecutorService executor) {
        return times -> {
            List<Future<Integer>> futures = new ArrayList<>(times);
            for (int i = 0; i < times; i++) {
                futures.add(executor.submit(call.apply(i)));
            }
            for (Future<Integer> each : futures) {
                each.get();
            }
        };
    }

    /** An operation for each side. */
    private interface Making {
        Operations of(ExecutorService executor);
    }

    private Map<String, Operations> each(Making making) {
        Map<String, Operations> all = new LinkedHashMap<>();
        ours.forEach((name, executor) -> all.put(name, making.of(executor)));
        all.put("Hazelcast", making.of(hazelcast));
        return all;
    }

    private record Figure(long nanos, long processorNanos) {}

    private static void compare(String name, int times, Map<String, Operations> sides) throws Exception {
        Map<String, List<Figure>> figures = new LinkedHashMap<>();
        for (int turn = -WARM_UP; turn < TURNS; turn++) {
            for (var side : sides.entrySet()) {
                long processor = processorNanos();
                long start = System.nanoTime();
                side.getValue().run(times);
                var figure = new Figure(System.nanoTime() - start, processorNanos() - processor);
                if (turn >= 0) {
                    figures.computeIfAbsent(side.getKey(), _ -> new ArrayList<>())
                            .add(figure);
                }
            }
        }
        figures.forEach((side, all) -> {
            System.out.printf("%s, %s, clock\t%.6g\tns%n", name, side, median(all, Figure::nanos) / times);
            System.out.printf("%s, %s, processor\t%.6g\tns%n", name, side, median(all, Figure::processorNanos) / times);
        });
    }

    private static double median(List<Figure> figures, ToDoubleFunction<Figure> figure) {
        double[] sorted = figures.stream().mapToDouble(figure).toArray();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    /** Returns the processor time of this process and of all that it has started and that live, in steps of 10 ms. */
    private static long processorNanos() {
        return ProcessHandle.current()
                        .info()
                        .totalCpuDuration()
                        .orElse(Duration.ZERO)
                        .toNanos()
                + ProcessHandle.current()
                        .descendants()
                        .mapToLong(each -> each.info()
                                .totalCpuDuration()
                                .orElse(Duration.ZERO)
                                .toNanos())
                        .sum();
    }
}
