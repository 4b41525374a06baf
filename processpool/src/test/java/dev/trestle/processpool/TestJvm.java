package dev.trestle.processpool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The JVMs that tests start, for their programs and for the workers of pools. */
public final class TestJvm {

    /*
     * Most of a start goes into loading classes of the JDK and of Jackson. An archive of these classes, which the JVM
     * maps, saves nearly half of that. It can have only classes of jar files in front of all directories on the class
     * path; hence the order of CLASS_PATH. The first test that starts a JVM makes the archive, for all builds until the
     * next clean one. The classes of this project, in directories or jar files, are not in it: each build would need
     * another archive.
     */

    /**
     * Names the directory of the archives, in the JVM of the tests; set by the build. Without it there is no archive.
     */
    private static final String DIRECTORY = "trestle.test.archives";

    /** Names the archive, in programs that tests start. */
    private static final String ARCHIVE = "trestle.test.archive";

    /** Without the optimizing compiler and threads of a collector: such a JVM lives for a second. */
    private static final List<String> CHEAP = List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC");

    private static final String JARS = classPath(true);

    /** The class path of this JVM, with the jar files of other projects in front. */
    static final String CLASS_PATH = JARS + File.pathSeparator + classPath(false);

    private static final Optional<Path> archive = archive();

    private TestJvm() {}

    private static String classPath(boolean archived) {
        return String.join(
                File.pathSeparator,
                Stream.of(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                        .filter(entry -> isArchived(Path.of(entry)) == archived)
                        .toList());
    }

    private static boolean isArchived(Path entry) {
        String name = entry.getFileName().toString();
        return name.endsWith(".jar") && !name.startsWith("trestle-");
    }

    /**
     * Returns the options with which a JVM that has {@link #CLASS_PATH} starts from the archive; none if there is no
     * archive.
     */
    static List<String> archiveOptions() {
        return archive.map(file -> Stream.concat(Stream.of("-XX:SharedArchiveFile=" + file), AotCache.quiet.stream())
                        .toList())
                .orElse(List.of());
    }

    /**
     * Returns the command that runs a program with the classes of this one. It has the archive, and so do its pools.
     */
    public static List<String> command(List<String> options, Class<?> program, Object... arguments) {
        List<String> more = Stream.of(archiveOptions(), optionsOfPools(), options)
                .flatMap(List::stream)
                .toList();
        return command(CLASS_PATH, more, program, arguments);
    }

    /** Returns the options with which the pools of a program, from {@link TestPools}, have the archive of this JVM. */
    static List<String> optionsOfPools() {
        return archive.map(file -> "-D" + ARCHIVE + "=" + file).stream().toList();
    }

    /** Returns the command that runs a program with another class path, and without the archive. */
    static List<String> command(String classPath, List<String> options, Class<?> program, Object... arguments) {
        var command = new ArrayList<>(List.of(java()));
        command.addAll(CHEAP);
        command.addAll(List.of("-cp", classPath));
        command.addAll(options);
        command.add(program.getName());
        Stream.of(arguments).map(Object::toString).forEach(command::add);
        return command;
    }

    /** Starts a process whose output and errors go to a file. */
    static Process start(List<String> command, Path output) throws IOException {
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
    }

    /** Runs a process to its end, with output and errors in a file; returns its exit code. */
    public static int runToEnd(List<String> command, Path output) throws IOException, InterruptedException {
        Process process = start(command, output);
        try {
            assertThat(process.waitFor(50, TimeUnit.SECONDS))
                    .as("ended: %s", command)
                    .isTrue();
            return process.exitValue();
        } finally {
            process.destroyForcibly();
        }
    }

    static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    // The archive

    private static Optional<Path> archive() {
        String known = System.getProperty(ARCHIVE);
        String directory = System.getProperty(DIRECTORY);
        try {
            return known != null
                    ? Optional.of(Path.of(known))
                    : directory != null ? Optional.of(made(Path.of(directory))) : Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot make an archive for test JVMs in " + directory, e);
        } catch (InterruptedException e) {
            throw new IllegalStateException("Interrupted while an archive for test JVMs was made", e);
        }
    }

    private static Path made(Path directory) throws IOException, InterruptedException {
        Path archive = directory.toAbsolutePath().resolve(name());
        if (Files.exists(archive)) {
            return archive;
        }
        Files.createDirectories(archive.getParent());
        Path making = Files.createTempDirectory(archive.getParent(), "making");
        Path output = making.resolve("output");
        Path ofProgram = making.resolve("program");
        Path ofWorker = making.resolve("worker");
        Path made = making.resolve("archive");
        try {
            run(command(CLASS_PATH, List.of("-XX:DumpLoadedClassList=" + ofProgram), Training.class, ofWorker), output);
            Files.write(ofProgram, merged(ofProgram, ofWorker));
            run(
                    List.of(
                            java(),
                            "-Xshare:dump",
                            "-XX:SharedClassListFile=" + ofProgram,
                            "-XX:SharedArchiveFile=" + made,
                            "-cp",
                            JARS),
                    output);
            return Files.move(made, archive, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            for (Path each : List.of(output, ofProgram, ofWorker, made, making)) {
                Files.deleteIfExists(each);
            }
        }
    }

    /**
     * Returns the lines of two lists of classes, without the numbers of the classes, and without the classes of this
     * project.
     */
    private static Set<String> merged(Path ofProgram, Path ofWorker) throws IOException {
        var merged = new LinkedHashSet<>(Files.readAllLines(ofProgram));
        merged.addAll(Files.readAllLines(ofWorker));
        return merged.stream()
                .filter(line -> !line.contains("dev/trestle"))
                .map(line -> line.replaceFirst(" id: \\d+$", ""))
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    private static void run(List<String> command, Path output) throws IOException, InterruptedException {
        Process process = start(command, output);
        try {
            if (process.waitFor() != 0) {
                throw new IOException("Exit code " + process.exitValue() + " of " + command + ", which said: "
                        + Files.readString(output));
            }
        } finally {
            process.destroyForcibly();
        }
    }

    /** Returns a name that is another one when the JDK or a jar file is. */
    private static String name() throws IOException {
        var parts = new StringBuilder(System.getProperty("java.vm.version"));
        for (String jar : JARS.split(File.pathSeparator, -1)) {
            Path file = Path.of(jar);
            parts.append(' ').append(jar).append(' ').append(Files.size(file));
            parts.append(' ').append(Files.getLastModifiedTime(file).toMillis());
        }
        return "test-" + UUID.nameUUIDFromBytes(parts.toString().getBytes(UTF_8)) + ".jsa";
    }

    /** The program whose classes, and those of its worker, the archive has. */
    static final class Training {
        record Text(String text, List<Integer> numbers) {}

        public static void main(String[] arguments) {
            try (var pool = ProcessPool.builder()
                    .workers(1)
                    .closeGrace(Duration.ofMinutes(1)) // the list is written at the end
                    .jvmArguments("-XX:TieredStopAtLevel=1", "-XX:DumpLoadedClassList=" + arguments[0])
                    .build()) {
                var text = new Text("text", List.of(1));
                pool.submit(() -> new Text(text.text(), text.numbers())).result();
                pool.submit(() -> Integer.parseInt("no number")).exception();
                try (Stream<Integer> items = pool.stream(() -> Stream.of(1, 2))) {
                    items.forEach(_ -> {});
                }
            }
        }
    }
}
