package dev.trestle.examples;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.trestle.cluster.ClusterPool;
import dev.trestle.cluster.Discovery;
import java.io.IOException;
import java.io.Writer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The members of a cluster as child JVMs of this program, on loopback with mutual TLS. They end when they are closed,
 * and when this program ends, however that happens.
 */
final class LocalMembers implements AutoCloseable {

    /*
     * Each member holds the other end of a pipe. The pipe ends with this program, also if that is killed, and then the
     * member ends itself.
     *
     * All nodes share one key and its certificate, which the JDK's keytool makes: each trusts what is in its own
     * keystore. Nodes on several machines have a key each; see docs/cluster.md. The password goes through the pipe, and
     * through the environment of keytool, since other users see the arguments of a process.
     */

    private static final String PASSWORD_VARIABLE = "CLUSTER_CENSUS_PASSWORD";
    private static final Duration START_TIMEOUT = Duration.ofMinutes(2);
    private static final int LONGEST_END_SECONDS = 10;

    private final String cluster = "census-" + ProcessHandle.current().pid();
    private final String password = HexFormat.of().formatHex(new SecureRandom().generateSeed(16));
    private final Path directory;
    private final int port;
    private final List<Process> members = new ArrayList<>();
    private final ExitHook onExit;
    private final Consumer<String> warnings;

    private LocalMembers(Consumer<String> warnings) throws IOException {
        this.warnings = warnings;
        directory = Files.createTempDirectory("cluster-census");
        onExit = ExitHook.of(this::end);
        try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
    }

    /**
     * Starts members, and waits until they have joined. The first one makes the cluster before the others start: nodes
     * that all look for each other at the same moment make several clusters, which merge only after a while.
     *
     * @param count the number of members
     * @param workers the number of workers of each
     * @param warnings gets a line when something cannot be cleaned up
     * @throws IOException if no certificate can be made, or a member cannot be started or does not join
     */
    static LocalMembers start(int count, int workers, Consumer<String> warnings) throws IOException {
        var all = new LocalMembers(warnings);
        try {
            all.makeCertificate();
            all.startMember(1, workers);
            all.awaitJoined(1);
            for (int number = 2; number <= count; number++) {
                all.startMember(number, workers);
            }
            for (int number = 2; number <= count; number++) {
                all.awaitJoined(number);
            }
            return all;
        } catch (IOException | RuntimeException | Error e) {
            all.close();
            throw e;
        }
    }

    private Path keystore() {
        return directory.resolve("node.p12");
    }

    private Path log(int number) {
        return directory.resolve("member-" + number + ".log");
    }

    private static String program(String name) {
        return Path.of(System.getProperty("java.home"), "bin", name).toString();
    }

    private void makeCertificate() throws IOException {
        var keytool = new ProcessBuilder(
                        program("keytool"),
                        "-genkeypair",
                        "-alias",
                        "node",
                        "-dname",
                        "CN=cluster-census",
                        "-keyalg",
                        "EC",
                        "-groupname",
                        "secp256r1",
                        "-validity",
                        "2",
                        "-keystore",
                        keystore().toString(),
                        "-storetype",
                        "PKCS12",
                        "-storepass:env",
                        PASSWORD_VARIABLE)
                .redirectErrorStream(true);
        keytool.environment().put(PASSWORD_VARIABLE, password);
        Process process = keytool.start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), UTF_8);
        if (process.onExit().join().exitValue() != 0) {
            throw new IOException("keytool made no certificate: " + said.strip());
        }
    }

    private void startMember(int number, int workers) throws IOException {
        var command = new ArrayList<>(List.of(
                program("java"), "-Djdk.serialFilter=!*", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx128m"));
        String modules = System.getProperty("jdk.module.path");
        if (modules != null && CensusMember.class.getModule().isNamed()) {
            command.addAll(List.of("-p", modules, "-m", "dev.trestle.examples/" + CensusMember.class.getName()));
        } else {
            command.addAll(List.of("-cp", System.getProperty("java.class.path"), CensusMember.class.getName()));
        }
        command.addAll(List.of(
                cluster, "member-" + number, Integer.toString(port), keystore().toString(), Integer.toString(workers)));
        Process member =
                new ProcessBuilder(command).redirectError(log(number).toFile()).start();
        members.add(member);
        Writer pipe = member.outputWriter(UTF_8); // stays open: its end tells the member to end
        pipe.write(password + "\n");
        pipe.flush();
    }

    private void awaitJoined(int number) throws IOException {
        String said = members.get(number - 1).inputReader(UTF_8).readLine();
        if (!CensusMember.JOINED.equals(said)) {
            throw new IOException("member-" + number + " has not joined, and said: "
                    + (said == null ? String.join("; ", lastWords()) : said));
        }
    }

    /**
     * Returns the options of a pool whose calls run on these members; {@code build} waits until all have joined.
     */
    ClusterPool.Builder pool() {
        return ClusterPool.builder(cluster)
                .discovery(Discovery.hosts("127.0.0.1:" + port))
                .bind("127.0.0.1")
                .port(port)
                .keystore(keystore(), password)
                .failureTimeout(CensusMember.FAILURE_TIMEOUT)
                .startTimeout(START_TIMEOUT)
                .minMembers(members.size());
    }

    /** Kills a member, as {@code kill -9} does; returns its process id. */
    long kill(int number) {
        Process victim = members.get(number - 1);
        victim.toHandle().destroyForcibly();
        return victim.pid();
    }

    /** Returns the last line that each member has logged, of those that have logged something. */
    List<String> lastWords() throws IOException {
        var all = new ArrayList<String>();
        for (int number = 1; number <= members.size(); number++) {
            try (Stream<String> lines = Files.lines(log(number), UTF_8)) {
                Optional<String> last = lines.filter(each -> !each.isBlank()).reduce((_, next) -> next);
                if (last.isPresent()) {
                    all.add("member-" + number + ": " + last.get());
                }
            }
        }
        return all;
    }

    /** Ends the members in order, and kills those that are still there after ten seconds. */
    @Override
    public void close() {
        for (Process each : members) {
            try {
                each.outputWriter(UTF_8).close();
            } catch (IOException e) {
                each.toHandle().destroyForcibly(); // it has ended, or reads nothing
            }
        }
        try {
            for (Process each : members) {
                if (!each.waitFor(LONGEST_END_SECONDS, TimeUnit.SECONDS)) {
                    warnings.accept("kills a member that does not end (pid " + each.pid() + ")");
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (onExit.disarm()) {
            end();
        }
    }

    private void end() {
        for (Process each : members) {
            each.toHandle().destroyForcibly();
        }
        try (Stream<Path> files = Files.list(directory)) {
            for (Path each : files.toList()) {
                Files.deleteIfExists(each);
            }
            Files.deleteIfExists(directory);
        } catch (IOException e) {
            warnings.accept("cannot delete " + directory + ": " + e.getMessage());
        }
    }

    @Override
    public String toString() {
        return "LocalMembers[" + cluster + ", "
                + members.stream().filter(Process::isAlive).count() + " of " + members.size() + " alive, in "
                + directory + "]";
    }
}
