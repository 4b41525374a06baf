package dev.trestle.processpool.values;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.Call;
import dev.trestle.processpool.wire.Payload;
import dev.trestle.processpool.wire.WireOptions;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.ref.WeakReference;
import java.lang.reflect.Method;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A call runs the code that the program has, also when its classes have been replaced on disk: or it is refused. */
@Timeout(60)
class ClassVersionsTest {

    private static final String PACKAGE = "dev.trestle.processpool.values.";
    private static final String JOB = PACKAGE + "AnyJob";

    @TempDir
    Path folder = Path.of("");

    private final List<URLClassLoader> loaders = new ArrayList<>();

    @AfterEach
    void close() throws IOException {
        for (URLClassLoader each : loaders) {
            each.close();
        }
    }

    /** The version of the task's class that another program has. */
    private enum Version {
        OLD,
        NEW
    }

    /** Class files of one name, made of two classes of the same package whose names are equally long. */
    private static Map<String, byte[]> classFiles(Version version, String newName) {
        Map<String, byte[]> files = new TreeMap<>();
        for (String each : List.of("", "$Task", "$Base")) {
            add((version == Version.NEW ? "NewJob" : "OldJob") + each, newName, files);
        }
        add("OldJob$Owner", newName, files);
        add("OldJob$Heir", newName, files);
        return files;
    }

    private static void add(String name, String newName, Map<String, byte[]> to) {
        try (InputStream in = ClassVersionsTest.class.getResourceAsStream(name + ".class")) {
            String content = new String(requireNonNull(in).readAllBytes(), ISO_8859_1);
            String renamed = content.replace("OldJob", newName).replace("NewJob", newName);
            to.put(
                    PACKAGE.replace('.', '/') + newName + name.substring(newName.length()) + ".class",
                    renamed.getBytes(ISO_8859_1));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Ways to have classes on disk, and to put others in their place. */
    enum Place {
        JAR_RENAMED_OVER {
            @Override
            void put(Path place, Map<String, byte[]> files) throws IOException {
                Path other = place.resolveSibling("other.jar");
                pack(other, files);
                Files.setLastModifiedTime(other, FileTime.from(Instant.EPOCH.plus(Duration.ofDays(9_000))));
                Files.move(other, place, REPLACE_EXISTING);
            }
        },
        JAR_OVERWRITTEN {
            @Override
            void put(Path place, Map<String, byte[]> files) throws IOException {
                pack(place, files);
            }
        },
        DIRECTORY {
            @Override
            void put(Path place, Map<String, byte[]> files) throws IOException {
                for (Map.Entry<String, byte[]> each : files.entrySet()) {
                    Path file = place.resolve(each.getKey());
                    Files.createDirectories(requireNonNull(file.getParent()));
                    Files.write(file, each.getValue());
                }
            }

            @Override
            Path in(Path folder) throws IOException {
                return Files.createDirectories(folder.resolve("classes"));
            }
        };

        abstract void put(Path place, Map<String, byte[]> files) throws IOException;

        Path in(Path folder) throws IOException {
            return folder.resolve("a b%20.jar");
        }

        static void pack(Path jar, Map<String, byte[]> files) throws IOException {
            try (var out = new JarOutputStream(Files.newOutputStream(jar))) {
                for (Map.Entry<String, byte[]> each : files.entrySet()) {
                    out.putNextEntry(new JarEntry(each.getKey()));
                    out.write(each.getValue());
                    out.closeEntry();
                }
            }
        }
    }

    static Stream<Arguments> calls() {
        return Stream.of(Place.values())
                .flatMap(place -> Stream.of("lambda", "methodReference", "functionWithin", "object", "inherited")
                        .map(call -> Arguments.of(place, call)));
    }

    private URLClassLoader loader(Path place) throws MalformedURLException {
        var loader =
                new URLClassLoader(new URL[] {place.toUri().toURL()}, getClass().getClassLoader());
        loaders.add(loader);
        return loader;
    }

    private static Call<?> call(ClassLoader program, String type, String name) throws ReflectiveOperationException {
        Method maker = program.loadClass(PACKAGE + type).getDeclaredMethod(name);
        maker.setAccessible(true);
        return (Call<?>) maker.invoke(null);
    }

    private static CallEncoder encoder() {
        return new CallEncoder(WireOptions.DEFAULT, Journey.StandIn::new);
    }

    private CallDecoder worker(Path place) throws MalformedURLException {
        return new CallDecoder(WireOptions.DEFAULT, loader(place));
    }

    @ParameterizedTest
    @MethodSource("calls")
    void aWorkerThatHasAnotherVersionRefusesACall(Place kind, String name) throws Throwable {
        Path place = kind.in(folder);
        kind.put(place, classFiles(Version.OLD, "AnyJob"));
        URLClassLoader program = loader(place);
        Payload call = encoder().encode(call(program, "AnyJob", name)).payload();
        CallDecoder early = worker(place);
        assertThat(early.decode(call).run()).isEqualTo("report");

        kind.put(place, classFiles(Version.NEW, "AnyJob"));
        CallDecoder late = worker(place);

        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> late.decode(call))
                    .isInstanceOf(NotDecodableException.class)
                    .hasMessageMatching("(A call|The call .*) cannot be read: " + JOB.replace(".", "\\.")
                            + "(\\$\\w+)? is another version in the worker, with \\d+ bytes and checksum [0-9a-f]{8}"
                            + " in .*"
                            + place.getFileName()
                            + ".*, than in the program, with .*changed on disk.*Then restart the program\\..*");
        }
        assertThat(early.decode(call).run())
                .as("by a worker that has the version")
                .isEqualTo("report");
    }

    @ParameterizedTest
    @EnumSource
    void aClassThatChangedBeforeItsFirstUseIsRefused(Place kind) throws Throwable {
        Path place = kind.in(folder);
        kind.put(place, classFiles(Version.OLD, "AnyJob"));
        URLClassLoader program = loader(place);
        CallEncoder encoder = encoder();
        EncodedCall first = encoder.encode(call(program, "AnyJob", "lambda"));
        Call<?> other = call(program, "AnyJob", "otherLambda");

        kind.put(place, classFiles(Version.NEW, "AnyJob"));

        assertThatThrownBy(() -> encoder.encode(other))
                .isInstanceOf(NotEncodableException.class)
                .hasMessageStartingWith("The call AnyJob.otherLambda")
                .hasMessageContaining(
                        " cannot travel: " + JOB + " has changed on disk since the program loaded it: " + place)
                .hasMessageContaining("was replaced by a file of ")
                .hasMessageEndingWith("Restart the program.");
        assertThat(encoder.encode(call(program, "AnyJob", "lambda")).payload().size())
                .as("a call that is known already: workers that have its version run it")
                .isEqualTo(first.payload().size());
    }

    @ParameterizedTest
    @EnumSource
    void aClassLoaderThatComesLaterHasTheLaterVersion(Place kind) throws Throwable {
        Path place = kind.in(folder);
        kind.put(place, classFiles(Version.OLD, "AnyJob"));
        CallEncoder encoder = encoder();
        encoder.encode(call(loader(place), "AnyJob", "lambda"));

        kind.put(place, classFiles(Version.NEW, "AnyJob"));
        Payload call = encoder.encode(call(loader(place), "AnyJob", "delete")).payload();

        assertThat(worker(place).decode(call).run()).isEqualTo("everything deleted");
    }

    @ParameterizedTest
    @ValueSource(strings = {"lambda", "methodReference", "functionWithin", "object", "inherited"})
    void aClassLoaderIsCollectedWhenItsCallsAreOver(String name) throws Throwable {
        Path jar = Place.JAR_OVERWRITTEN.in(folder);
        Place.pack(jar, classFiles(Version.OLD, "AnyJob"));
        CallEncoder encoder = encoder();
        var kept = new WeakReference<>(encodedBy(encoder, jar, name));

        Awaitility.await().until(() -> {
            System.gc();
            return kept.get() == null;
        });
        assertThat(encoder.encode((Call<Integer>) () -> 1).payload().size()).isPositive();
    }

    private ClassLoader encodedBy(CallEncoder encoder, Path jar, String name) throws Exception {
        URLClassLoader program = loader(jar);
        EncodedCall call = encoder.encode(call(program, "AnyJob", name));
        assertThat(call.payload().size()).isPositive();
        loaders.remove(program);
        program.close();
        return program;
    }

    @Test
    void aFileThatIsGoneIsSaidToBe() throws Throwable {
        Path jar = Place.JAR_OVERWRITTEN.in(folder);
        Place.pack(jar, classFiles(Version.OLD, "AnyJob"));
        URLClassLoader program = loader(jar);
        CallEncoder encoder = encoder();
        encoder.encode(call(program, "AnyJob", "lambda"));
        Call<?> other = call(program, "AnyJob", "otherLambda");
        Files.delete(jar);

        assertThatThrownBy(() -> encoder.encode(other)).hasMessageContaining(jar + " is gone. ");
    }

    /** The same content in another file is the same version. */
    @Test
    void aWorkerMayHaveItsClassesFromElsewhere() throws Throwable {
        Path jar = Place.JAR_OVERWRITTEN.in(folder);
        Place.pack(jar, classFiles(Version.OLD, "AnyJob"));
        Path directory = Place.DIRECTORY.in(folder);
        Place.DIRECTORY.put(directory, classFiles(Version.OLD, "AnyJob"));

        for (String each : List.of("lambda", "methodReference", "functionWithin", "object", "inherited")) {
            Payload call = encoder().encode(call(loader(jar), "AnyJob", each)).payload();
            assertThat(worker(directory).decode(call).run()).isEqualTo("report");
        }
    }

    /** A program whose class path changes: first a jar that is there, then a directory. */
    public static void main(String[] places) throws Exception {
        Call<?> inJar = call(ClassLoader.getSystemClassLoader(), "AnyJob", "lambda");
        Call<?> inDirectory = call(ClassLoader.getSystemClassLoader(), "SubJob", "lambda");
        CallEncoder encoder = encoder();
        encoder.encode((Call<Object>) () -> "any");
        Place.JAR_RENAMED_OVER.put(Path.of(places[0]), classFiles(Version.NEW, "AnyJob"));
        Place.DIRECTORY.put(Path.of(places[1]), classFiles(Version.NEW, "SubJob"));
        for (Call<?> each : List.of(inJar, inDirectory)) {
            try {
                System.out.println("was sent: " + encoder.encode(each));
            } catch (NotEncodableException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    @Test
    void theClassPathIsKnownBeforeItsClassesAreUsed() throws Exception {
        Path jar = Place.JAR_RENAMED_OVER.in(folder);
        Path directory = Place.DIRECTORY.in(folder);
        Place.JAR_RENAMED_OVER.put(jar, classFiles(Version.OLD, "AnyJob"));
        Place.DIRECTORY.put(directory, classFiles(Version.OLD, "SubJob"));
        Process program = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        String.join(
                                File.pathSeparator,
                                jar.toString(),
                                directory.toString(),
                                System.getProperty("java.class.path")),
                        ClassVersionsTest.class.getName(),
                        jar.toString(),
                        directory.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(program.getInputStream().readAllBytes(), UTF_8);
        assertThat(program.waitFor(30, TimeUnit.SECONDS)).isTrue();

        assertThat(said.lines()).as(said).hasSize(2);
        assertThat(said.lines().toList().getFirst())
                .startsWith("The call AnyJob.lambda")
                .contains(jar.toRealPath() + " was replaced by a file of 1994-");
        assertThat(said.lines().toList().getLast())
                .startsWith("The call SubJob.lambda")
                .contains(directory.toRealPath() + File.separator)
                .contains("SubJob.class was replaced by a file of ")
                .contains(", and the program runs since ");
    }
}
