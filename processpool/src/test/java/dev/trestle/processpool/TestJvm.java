package dev.trestle.processpool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.Call;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarOutputStream;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;

/** The JVMs that tests start, for their programs and for the workers of pools. */
public final class TestJvm {

    /*
     * Most of a start goes into loading classes of the JDK, of Jackson and of this project. An archive of these
     * classes, which the JVM maps, saves half of that. It can have only classes of jar files in front of all
     * directories on the class path. Hence the order of CLASS_PATH: a jar file made of this project's main classes, the
     * jar files that they need, and then all else. A class of the tests, in a directory, is found after few jar files
     * have been opened. The first test that starts a JVM makes both files; they are made again when a class or a jar
     * file has changed.
     */

    /**
     * Names the directory of the archives, in the JVM of the tests; set by the build. Without it there is no archive.
     */
    private static final String DIRECTORY = "trestle.test.archives";

    /** Names the archive, in programs that tests start. */
    private static final String ARCHIVE = "trestle.test.archive";

    /** The options of a JVM that lives for a second: no optimizing compiler, no threads of a collector. */
    private static final List<String> CHEAP = List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC");

    /** Jar files that main classes need. */
    private static final Pattern NEEDED = Pattern.compile("(jackson|slf4j|zt-exec|jspecify)-.*\\.jar");

    /** A time for all files in a jar file, so that equal classes make equal jar files. */
    private static final FileTime NO_TIME = FileTime.from(Instant.parse("2000-01-01T00:00:00Z"));

    private static final List<String> ENTRIES =
            List.of(System.getProperty("java.class.path").split(File.pathSeparator, -1));

    /** The class path of this JVM, in another order, and with a jar file of the main classes, if it has an archive. */
    static final String CLASS_PATH;

    private static final Optional<Path> archive;

    static {
        String known = System.getProperty(ARCHIVE);
        String directory = System.getProperty(DIRECTORY);
        if (known != null || directory == null) {
            CLASS_PATH = System.getProperty("java.class.path");
            archive = Optional.ofNullable(known).map(Path::of);
        } else {
            try {
                Path in = Files.createDirectories(Path.of(directory).toAbsolutePath());
                try (var channel = FileChannel.open(
                                in.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                        var _ = channel.lock()) { // the build has several JVMs of tests, and one makes the files
                    String jars = Stream.concat(Stream.of(mainClasses(in).toString()), needed())
                            .collect(Collectors.joining(File.pathSeparator));
                    CLASS_PATH =
                            Stream.concat(Stream.of(jars), others()).collect(Collectors.joining(File.pathSeparator));
                    archive = Optional.of(made(in, jars));
                }
            } catch (IOException e) {
                throw new UncheckedIOException("Cannot make an archive for test JVMs in " + directory, e);
            } catch (InterruptedException e) {
                throw new IllegalStateException("Interrupted while an archive for test JVMs was made", e);
            }
        }
    }

    private TestJvm() {}

    private static Stream<String> needed() {
        return ENTRIES.stream().filter(TestJvm::isNeeded);
    }

    /** The tests' own classes first: the jar files after them are seldom opened. */
    private static Stream<String> others() {
        return ENTRIES.stream()
                .filter(entry -> !isNeeded(entry))
                .sorted(Comparator.comparingInt(entry -> isOfThisProject(entry) ? 0 : 1));
    }

    private static boolean isNeeded(String entry) {
        return NEEDED.matcher(nameOf(entry)).matches();
    }

    private static boolean isOfThisProject(String entry) {
        return !nameOf(entry).endsWith(".jar") || nameOf(entry).startsWith("trestle-");
    }

    private static String nameOf(String entry) {
        return Path.of(entry).getFileName().toString();
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

    /** Returns a jar file of the main classes of this module and of those that it needs, which is made if need be. */
    private static Path mainClasses(Path directory) throws IOException {
        var content = new ByteArrayOutputStream();
        try (var jar = new JarOutputStream(content)) {
            for (Class<?> each : List.of(ProcessPool.class, Call.class)) {
                var source = each.getProtectionDomain().getCodeSource().getLocation();
                addClasses(Path.of(URI.create(source.toString())), jar);
            }
        }
        byte[] bytes = content.toByteArray();
        Path file = directory.resolve("main-" + UUID.nameUUIDFromBytes(bytes) + ".jar");
        if (!Files.exists(file)) {
            Path making = Files.write(directory.resolve("making.jar"), bytes);
            Files.move(making, file, StandardCopyOption.ATOMIC_MOVE);
        }
        return file;
    }

    /** Adds all files in a directory, or in a jar file, to a jar file. */
    private static void addClasses(Path source, JarOutputStream jar) throws IOException {
        if (Files.isRegularFile(source)) {
            try (var zip = FileSystems.newFileSystem(source)) {
                addFiles(zip.getPath("/"), jar);
            }
        } else {
            addFiles(source, jar);
        }
    }

    private static void addFiles(Path root, JarOutputStream jar) throws IOException {
        try (Stream<Path> all = Files.walk(root)) {
            for (Path file : all.filter(Files::isRegularFile).sorted().toList()) {
                String name = root.relativize(file).toString();
                if (!name.equals("module-info.class") && !name.startsWith("META-INF")) {
                    var entry = new ZipEntry(name);
                    entry.setLastModifiedTime(NO_TIME);
                    jar.putNextEntry(entry);
                    Files.copy(file, jar);
                }
            }
        }
    }

    private static Path made(Path directory, String jars) throws IOException, InterruptedException {
        Path archive = directory.resolve(name(jars));
        if (Files.exists(archive)) {
            return archive;
        }
        Path making = Files.createTempDirectory(directory, "making");
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
                            jars),
                    output);
            return Files.move(made, archive, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            for (Path each : List.of(output, ofProgram, ofWorker, made, making)) {
                Files.deleteIfExists(each);
            }
        }
    }

    /** Returns the lines of two lists of classes, without the numbers of the classes. */
    private static Set<String> merged(Path ofProgram, Path ofWorker) throws IOException {
        var merged = new LinkedHashSet<>(Files.readAllLines(ofProgram));
        merged.addAll(Files.readAllLines(ofWorker));
        return merged.stream()
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
    private static String name(String jars) throws IOException {
        var parts = new StringBuilder(System.getProperty("java.vm.version"));
        for (String jar : jars.split(File.pathSeparator, -1)) {
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
                AotTraining.run(pool);
                try (Stream<Integer> items = pool.stream(() -> Stream.of(1, 2))) {
                    items.forEach(_ -> {});
                }
            }
        }
    }
}
