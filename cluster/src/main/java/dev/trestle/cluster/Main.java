package dev.trestle.cluster;

import dev.trestle.processpool.ProcessPool;
import java.io.IOException;
import java.io.ObjectInputFilter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The program of a member, {@code java -m dev.trestle.cluster}, and that makes certificates. */
final class Main {

    private static final String USAGE = """
        A member of a cluster, which runs calls until it is ended by SIGTERM or Ctrl-C:
          java -m dev.trestle.cluster --cluster NAME (--hosts HOST[:PORT],... | --dns NAME)
               (--keystore FILE --password-file FILE [--truststore FILE] | --insecure-on-loopback)
               [--name NAME] [--workers N] [--calls-per-worker N] [--heap MIB] [--bind ADDRESS] [--port PORT]
               [--failure-timeout SECONDS] [--close-grace SECONDS]
        Certificates for a trial: NAME.p12 for each name, and truststore.p12:
          java -m dev.trestle.cluster certificates --directory DIR --names NAME,... --password-file FILE [--days N]
        The first line of a password file is the password of the keystore and the truststore.
        """;

    private static final int WRONG = 2;
    private static final int DEFAULT_DAYS = 30;

    private Main() {}

    /** An argument that is wrong, and why. */
    private static final class Wrong extends IllegalArgumentException {
        private static final long serialVersionUID = 1;

        Wrong(String message) {
            super(message);
        }
    }

    /**
     * Runs a member, or makes certificates.
     *
     * @param arguments as the usage says
     */
    public static void main(String[] arguments) throws InterruptedException {
        int exit = run(arguments);
        if (exit != 0) {
            System.exit(exit);
        }
    }

    /** Returns the exit code. */
    static int run(String... arguments) throws InterruptedException {
        try {
            if (arguments.length == 0 || arguments[0].equals("--help") || arguments[0].equals("help")) {
                System.err.print(USAGE);
                return arguments.length == 0 ? WRONG : 0;
            }
            if (arguments[0].equals("certificates")) {
                makeCertificates(new Options(List.of(arguments).subList(1, arguments.length)));
            } else {
                member(new Options(List.of(arguments)));
            }
            return 0;
        } catch (Wrong e) {
            System.err.println(e.getMessage() + "\n\n" + USAGE);
            return WRONG;
        } catch (IOException | IllegalArgumentException | IllegalStateException e) {
            System.err.println(e.getMessage());
            return 1;
        }
    }

    private static void makeCertificates(Options options) throws IOException {
        Path directory = Path.of(options.needed("--directory"));
        List<String> names = List.of(options.needed("--names").split(",", 0));
        String password = password(options.needed("--password-file"));
        int days = options.number("--days", DEFAULT_DAYS);
        options.end();
        Certificates.make(directory, names, password, "", days);
        System.err.println("Made " + String.join(".p12, ", names) + ".p12 and truststore.p12 in " + directory
                + ", valid for " + days + " days");
    }

    private static void member(Options options) throws IOException, InterruptedException {
        refuseSerialization();
        try (ClusterMember member = builder(options).join()) {
            System.err.println(member + " has joined");
            member.awaitShutdown();
        }
    }

    /** Makes this JVM deserialize nothing, unless the property {@code jdk.serialFilter} says otherwise. */
    private static void refuseSerialization() {
        if (ObjectInputFilter.Config.getSerialFilter() == null) {
            ObjectInputFilter.Config.setSerialFilter(_ -> ObjectInputFilter.Status.REJECTED);
        }
    }

    private static ClusterMember.Builder builder(Options options) throws IOException {
        ClusterMember.Builder builder = ClusterMember.builder(options.needed("--cluster"));
        String hosts = options.value("--hosts");
        String dns = options.value("--dns");
        if ((hosts == null) == (dns == null)) {
            throw new Wrong("Say by --hosts or by --dns how the nodes find each other, and not by both");
        }
        builder.discovery(hosts != null ? Discovery.hosts(hosts.split(",", 0)) : Discovery.dns(String.valueOf(dns)));
        security(options, builder);
        String name = options.value("--name");
        if (name != null) {
            builder.name(name);
        }
        String bind = options.value("--bind");
        if (bind != null) {
            builder.bind(bind);
        }
        builder.port(options.number("--port", Discovery.DEFAULT_PORT));
        builder.failureTimeout(Duration.ofSeconds(options.number("--failure-timeout", 8)));
        builder.closeGrace(Duration.ofSeconds(options.number("--close-grace", 30)));
        ProcessPool.Builder pool = ProcessPool.builder()
                .workers(options.number("--workers", Runtime.getRuntime().availableProcessors()))
                .callsPerWorker(options.number("--calls-per-worker", 1));
        int heap = options.number("--heap", 0);
        if (heap > 0) {
            pool.heap((long) heap << 20);
        }
        options.end();
        return builder.pool(pool);
    }

    private static void security(Options options, ClusterMember.Builder builder) throws IOException {
        String keystore = options.value("--keystore");
        String truststore = options.value("--truststore");
        String passwordFile = options.value("--password-file");
        if (keystore != null) {
            if (passwordFile == null) {
                throw new Wrong("--keystore needs --password-file");
            }
            String password = password(passwordFile);
            builder.keystore(Path.of(keystore), password);
            if (truststore != null) {
                builder.truststore(Path.of(truststore), password);
            }
        }
        if (options.flag("--insecure-on-loopback")) {
            builder.insecureOnLoopback();
        }
    }

    private static String password(String file) throws IOException {
        List<String> lines = Files.readAllLines(Path.of(file));
        if (lines.isEmpty()) {
            throw new Wrong("The password file " + file + " is empty");
        }
        return lines.getFirst();
    }

    /** The arguments, each of which has to be asked for. */
    private static final class Options {

        private static final String PRESENT = "";

        private final Map<String, String> values = new LinkedHashMap<>();

        Options(List<String> arguments) {
            Deque<String> left = new ArrayDeque<>(arguments);
            while (!left.isEmpty()) {
                String option = left.removeFirst();
                if (!option.startsWith("--")) {
                    throw new Wrong("Unknown argument: " + option);
                }
                String next = left.peekFirst();
                values.put(option, next == null || next.startsWith("--") ? PRESENT : left.removeFirst());
            }
        }

        @Nullable
        String value(String option) {
            String value = values.remove(option);
            if (PRESENT.equals(value)) {
                throw new Wrong(option + " needs a value");
            }
            return value;
        }

        boolean flag(String option) {
            String value = values.remove(option);
            if (value != null && !value.equals(PRESENT)) {
                throw new Wrong(option + " takes no value: " + value);
            }
            return value != null;
        }

        String needed(String option) {
            String value = value(option);
            if (value == null) {
                throw new Wrong(option + " is missing");
            }
            return value;
        }

        int number(String option, int otherwise) {
            String value = value(option);
            if (value == null) {
                return otherwise;
            }
            try {
                return Integer.parseInt(value);
            } catch (NumberFormatException e) {
                throw new Wrong(option + " must be a number: " + value);
            }
        }

        void end() {
            if (!values.isEmpty()) {
                throw new Wrong("Unknown options: " + String.join(", ", values.keySet()));
            }
        }
    }
}
