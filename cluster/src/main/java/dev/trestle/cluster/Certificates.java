package dev.trestle.cluster;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Makes certificates for trials and tests, with the JDK's {@code keytool}: an authority that is used once and
 * forgotten, a keystore for each node, and the truststore of all.
 */
final class Certificates {

    private static final String AUTHORITY = "authority";

    /** The name of the variable by which keytool gets the password, which no other process can see in a command. */
    private static final String PASSWORD = "TRESTLE_CERTIFICATE_PASSWORD";

    private final Path directory;
    private final String password;
    private final List<String> validity;

    private Certificates(Path directory, String password, List<String> validity) {
        this.directory = directory;
        this.password = password;
        this.validity = validity;
    }

    /**
     * Makes {@code NAME.p12} for each name, and {@code truststore.p12}, which are valid for a number of days.
     *
     * @param start the beginning of their validity, as keytool takes it, such as {@code -2d}; empty for now
     * @throws IOException if that fails; it says what keytool said
     */
    static void make(Path directory, List<String> names, String password, String start, int days) throws IOException {
        if (password.length() < 6) {
            throw new IllegalArgumentException(
                    "A keystore needs a password of 6 characters or more; it has " + password.length());
        }
        for (String each : names) {
            if (each.isBlank() || !Path.of(each).equals(Path.of(each).getFileName()) || each.startsWith(".")) {
                throw new IllegalArgumentException("The name of a node is that of its keystore too, in the directory '"
                        + directory + "', so it is no path: '" + each + "'");
            }
        }
        Files.createDirectories(directory);
        var validity = new ArrayList<>(List.of("-validity", Integer.toString(days)));
        if (!start.isEmpty()) {
            validity.addAll(List.of("-startdate", start));
        }
        new Certificates(directory, password, validity).make(names);
    }

    private void make(List<String> names) throws IOException {
        Path authority = Files.createTempFile(directory, AUTHORITY, ".p12");
        Path certificate = Files.createTempFile(directory, AUTHORITY, ".pem");
        try {
            Files.delete(authority);
            keytool(authority, pair(AUTHORITY, "-ext", "bc:c"));
            hideFromOthers(authority); // and so all keystores, which begin as copies of it
            keytool(authority, List.of("-exportcert", "-rfc", "-alias", AUTHORITY, "-file", certificate.toString()));
            Path trusted = directory.resolve("truststore.p12");
            Files.deleteIfExists(trusted);
            keytool(trusted, List.of("-importcert", "-noprompt", "-alias", AUTHORITY, "-file", certificate.toString()));
            for (String each : names) {
                Path keystore = directory.resolve(each + ".p12");
                Files.deleteIfExists(keystore);
                Files.copy(authority, keystore);
                keytool(keystore, pair(each, "-signer", AUTHORITY));
                keytool(keystore, List.of("-delete", "-alias", AUTHORITY));
            }
        } finally {
            Files.deleteIfExists(authority);
            Files.deleteIfExists(certificate);
        }
    }

    private static void hideFromOthers(Path file) throws IOException {
        if (file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        }
    }

    private List<String> pair(String name, String... more) {
        return Stream.of(
                        List.of("-genkeypair", "-alias", name, "-dname", "CN=" + name),
                        List.of("-keyalg", "EC", "-groupname", "secp256r1"),
                        validity,
                        List.of(more))
                .flatMap(List::stream)
                .toList();
    }

    private void keytool(Path keystore, List<String> arguments) throws IOException {
        Path program = Path.of(System.getProperty("java.home"), "bin", "keytool");
        List<String> command = new ArrayList<>(List.of(program.toString(), "-J-XX:TieredStopAtLevel=1"));
        command.addAll(arguments);
        command.addAll(List.of(
                "-keystore", keystore.toString(), "-storetype", "PKCS12", "-storepass:env", PASSWORD, "-keypass:env"));
        command.add(PASSWORD);
        if (!arguments.getFirst().equals("-genkeypair")) {
            command.subList(command.size() - 2, command.size()).clear();
        }
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(Map.of(PASSWORD, password));
        Process process = builder.start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            int exit = process.waitFor();
            if (exit != 0) {
                throw new IOException(
                        "keytool " + arguments.getFirst() + " failed with exit code " + exit + ": " + said.strip());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while keytool was running", e);
        }
    }
}
