package dev.trestle.cluster;

import dev.trestle.processpool.ProcessPool;
import java.io.IOException;
import java.io.ObjectInputFilter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * The program of a member, {@code java -m dev.trestle.cluster}, and that makes certificates.
 *
 * <p>Exit codes: 0 at the end, 1 if the member cannot join or a certificate cannot be made, 2 if the arguments are
 * wrong.
 */
@Command(
        name = Main.NAME,
        customSynopsis = {
            Main.NAME + " --cluster NAME",
            "         (--hosts HOST[:PORT],... | --dns NAME)",
            "         (--keystore FILE --password-file FILE [--truststore FILE]",
            "          | --insecure-on-loopback) [OPTIONS]",
            "   or: " + Main.NAME + " certificates --directory DIR",
            "         --names NAME,... --password-file FILE [--days N]"
        },
        description = "Runs a member of a cluster, which runs calls until it is ended by SIGTERM or Ctrl-C; or makes"
                + " certificates.",
        sortOptions = false)
@SuppressWarnings({"NullAway.Init", "UnusedVariable"}) // picocli sets and reads the fields
final class Main implements Callable<Integer> {

    static final String NAME = "java -m dev.trestle.cluster";

    private static final String CERTIFICATES = "certificates";

    @Option(names = "--cluster", paramLabel = "NAME", required = true, description = "The name of the cluster.")
    private String cluster;

    @ArgGroup(multiplicity = "1")
    private Others others;

    @ArgGroup(multiplicity = "1")
    private Security security;

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "The name of this member. Default: made of the host and the process id.")
    private @Nullable String name;

    @Option(names = "--workers", paramLabel = "N", description = "The child JVMs. Default: one for each processor.")
    private int workers = Runtime.getRuntime().availableProcessors();

    @Option(names = "--calls-per-worker", paramLabel = "N", description = "The calls at a time in each. Default: 1.")
    private int callsPerWorker = 1;

    @Option(
            names = "--heap",
            paramLabel = "MIB",
            description = "The largest heap of a worker. Default: its share of a quarter of the memory.")
    private @Nullable Integer heap;

    @Option(names = "--bind", paramLabel = "ADDRESS", description = "The address to listen on.")
    private @Nullable String bind;

    @Option(names = "--port", paramLabel = "PORT", description = "The port to listen on. Default: ${DEFAULT-VALUE}.")
    private int port = Discovery.DEFAULT_PORT;

    @Option(
            names = "--failure-timeout",
            paramLabel = "SECONDS",
            description = "How long a member may be silent until it counts as lost. Default: ${DEFAULT-VALUE}.")
    private int failureTimeout = 8;

    @Option(
            names = "--close-grace",
            paramLabel = "SECONDS",
            description = "How long calls may run on when the member is to end. Default: ${DEFAULT-VALUE}.")
    private int closeGrace = 30;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Print this.")
    private boolean help;

    private Main() {}

    /** The way to other nodes. */
    private static final class Others {

        @Option(names = "--hosts", split = ",", paramLabel = "HOST[:PORT]", description = "Other nodes.")
        private String @Nullable [] hosts;

        @Option(names = "--dns", paramLabel = "NAME", description = "A name whose addresses are those of the nodes.")
        private @Nullable String dns;

        Discovery discovery() {
            return hosts == null ? Discovery.dns(String.valueOf(dns)) : Discovery.hosts(hosts);
        }
    }

    /** The proof that a node belongs to the cluster. */
    private static final class Security {

        @ArgGroup(exclusive = false)
        private @Nullable Keys keys;

        @Option(
                names = "--insecure-on-loopback",
                description = "Do without certificates: all nodes are on this machine.")
        private boolean insecure;
    }

    /** The files of mutual TLS. */
    private static final class Keys {

        @Option(names = "--keystore", required = true, paramLabel = "FILE", description = "The key of this node.")
        private Path keystore;

        @Option(
                names = "--truststore",
                paramLabel = "FILE",
                description = "The authority of all nodes. Default: that in the keystore.")
        private @Nullable Path truststore;

        @Option(
                names = "--password-file",
                required = true,
                paramLabel = "FILE",
                description = "A file whose first line is the password of both.")
        private Path passwordFile;
    }

    /**
     * Runs a member, or makes certificates.
     *
     * @param arguments as the usage says
     */
    public static void main(String[] arguments) {
        int exit = run(arguments);
        if (exit != 0) {
            System.exit(exit);
        }
    }

    /** Returns the exit code. */
    static int run(String... arguments) {
        boolean certificates = arguments.length > 0 && arguments[0].equals(CERTIFICATES);
        return new CommandLine(certificates ? new CertificatesCommand() : new Main())
                .setExecutionExceptionHandler((failure, command, _) -> {
                    if (failure instanceof IOException
                            || failure instanceof IllegalArgumentException
                            || failure instanceof IllegalStateException) {
                        command.getErr().println(failure.getMessage());
                        return CommandLine.ExitCode.SOFTWARE;
                    }
                    throw failure;
                })
                .execute(certificates ? Arrays.copyOfRange(arguments, 1, arguments.length) : arguments);
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        refuseSerialization();
        try (ClusterMember member = builder().join()) {
            System.err.println(member + " has joined");
            member.awaitShutdown();
            return CommandLine.ExitCode.OK;
        }
    }

    /** Makes this JVM deserialize nothing, unless the property {@code jdk.serialFilter} says otherwise. */
    private static void refuseSerialization() {
        if (ObjectInputFilter.Config.getSerialFilter() == null) {
            ObjectInputFilter.Config.setSerialFilter(_ -> ObjectInputFilter.Status.REJECTED);
        }
    }

    private ClusterMember.Builder builder() throws IOException {
        ProcessPool.Builder pool = ProcessPool.builder().workers(workers).callsPerWorker(callsPerWorker);
        if (heap != null) {
            pool.heap((long) heap << 20);
        }
        ClusterMember.Builder builder = ClusterMember.builder(cluster)
                .discovery(others.discovery())
                .port(port)
                .failureTimeout(Duration.ofSeconds(failureTimeout))
                .closeGrace(Duration.ofSeconds(closeGrace))
                .pool(pool);
        if (name != null) {
            builder.name(name);
        }
        if (bind != null) {
            builder.bind(bind);
        }
        if (security.insecure) {
            builder.insecureOnLoopback();
        }
        if (security.keys != null) {
            String password = password(security.keys.passwordFile);
            builder.keystore(security.keys.keystore, password);
            if (security.keys.truststore != null) {
                builder.truststore(security.keys.truststore, password);
            }
        }
        return builder;
    }

    private static String password(Path file) throws IOException {
        List<String> lines = Files.readAllLines(file);
        if (lines.isEmpty()) {
            throw new IOException("The password file " + file + " is empty");
        }
        return lines.getFirst();
    }

    /** Makes certificates for a trial. */
    @Command(
            name = Main.NAME + " " + CERTIFICATES,
            description = "Makes certificates for a trial: NAME.p12 for each name, and truststore.p12.",
            sortOptions = false)
    private static final class CertificatesCommand implements Callable<Integer> {

        @Option(names = "--directory", required = true, paramLabel = "DIR", description = "The directory for them.")
        private Path directory;

        @Option(names = "--names", required = true, split = ",", paramLabel = "NAME", description = "The nodes.")
        private List<String> names;

        @Option(
                names = "--password-file",
                required = true,
                paramLabel = "FILE",
                description = "A file whose first line is the password of all.")
        private Path passwordFile;

        @Option(names = "--days", paramLabel = "N", description = "How long they are valid. Default: 30.")
        private int days = 30;

        @Option(
                names = {"-h", "--help"},
                usageHelp = true,
                description = "Print this.")
        private boolean help;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() throws IOException {
            Certificates.make(directory, names, password(passwordFile), "", days);
            spec.commandLine()
                    .getErr()
                    .println("Made " + String.join(".p12, ", names) + ".p12 and truststore.p12 in " + directory
                            + ", valid for " + days + " days");
            return CommandLine.ExitCode.OK;
        }
    }
}
