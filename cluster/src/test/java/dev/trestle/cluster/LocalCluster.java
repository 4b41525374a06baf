package dev.trestle.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Members in JVMs of their own, with mutual TLS, and what is needed to reach them. */
final class LocalCluster implements AutoCloseable {

    private static final String PASSWORD = "a password for tests";

    private final Path directory;
    private final String name;
    private final int port;
    private final List<String> hosts;
    private final List<MemberProcess> living = new ArrayList<>();
    private int started;

    /**
     * Makes certificates.
     *
     * @param directory an empty directory
     * @param hosts the addresses of the members
     */
    LocalCluster(Path directory, int port, List<String> hosts) throws IOException {
        this.directory = directory;
        this.port = port;
        this.name = "heavy-" + port;
        this.hosts = List.copyOf(hosts);
        Certificates.make(directory, List.of("node"), PASSWORD, "", 2);
        Files.writeString(directory.resolve("password"), PASSWORD);
    }

    String name() {
        return name;
    }

    /** Starts a member, and does not wait for it. */
    MemberProcess start(List<String> prefix, String bind, int workers) throws IOException {
        started++;
        var member = MemberProcess.start(
                prefix,
                GuardedMain.class,
                List.of(
                        "--cluster",
                        name,
                        "--hosts",
                        String.join(",", addresses()),
                        "--bind",
                        bind,
                        "--port",
                        Integer.toString(port),
                        "--name",
                        "member-" + started,
                        "--workers",
                        Integer.toString(workers),
                        "--heap",
                        "32",
                        "--failure-timeout",
                        Long.toString(failureTimeout().toSeconds()),
                        "--keystore",
                        directory.resolve("node.p12").toString(),
                        "--truststore",
                        directory.resolve("truststore.p12").toString(),
                        "--password-file",
                        directory.resolve("password").toString()));
        living.add(member);
        return member;
    }

    MemberProcess start(int workers) throws IOException {
        return start(List.of(), "127.0.0.1", workers);
    }

    Path directory() {
        return directory;
    }

    List<String> addresses() {
        return hosts.stream().map(each -> each + ":" + port).toList();
    }

    static Duration failureTimeout() {
        return Duration.ofSeconds(6);
    }

    ClusterPool.Builder pool(String bind) {
        return pool(name, addresses(), directory).bind(bind).port(port);
    }

    /** Returns the options of a pool in this or in another program. */
    static ClusterPool.Builder pool(String cluster, List<String> hosts, Path directory) {
        return ClusterPool.builder(cluster)
                .discovery(Discovery.hosts(hosts))
                .bind("127.0.0.1")
                .keystore(directory.resolve("node.p12"), PASSWORD)
                .truststore(directory.resolve("truststore.p12"), PASSWORD)
                .failureTimeout(failureTimeout())
                .startTimeout(Duration.ofMinutes(4));
    }

    /** Returns the process of a member that a pool knows. */
    Optional<MemberProcess> processOf(Member member) {
        return living.stream().filter(each -> each.pid() == member.pid()).findFirst();
    }

    /** Kills a member. */
    void kill(MemberProcess member) {
        living.remove(member);
        member.close();
    }

    @Override
    public void close() {
        living.forEach(MemberProcess::close);
    }

    @Override
    public String toString() {
        return "LocalCluster[" + name + ", started=" + started + "]";
    }
}
