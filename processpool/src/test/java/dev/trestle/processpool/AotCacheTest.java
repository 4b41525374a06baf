package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.trestle.processpool.jvm.AotStore;
import dev.trestle.processpool.jvm.AotStoreTest;
import dev.trestle.processpool.jvm.JavaCommand;
import dev.trestle.processpool.jvm.PrivateDirectory;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Workers that start from an AOT cache. What a directory of caches does is in {@link AotStoreTest}. */
@Timeout(120) // making a cache takes seconds, and more when others build beside us
@ExtendWith(NothingLeft.class)
class AotCacheTest {

    @TempDir
    static Path folder = Path.of("");

    private static String classPath = "";

    @BeforeAll
    static void pack() throws IOException {
        classPath = JarClassPath.in(folder);
    }

    private static ProcessPool.Builder builder(Path directory) {
        return builder(classPath, directory);
    }

    private static ProcessPool.Builder builder(String jars, Path directory) {
        return TestPools.plain(1).heap(64 << 20).classPath(jars).aotCacheDirectory(directory);
    }

    private static List<Path> files(Path directory, String end) throws IOException {
        if (!Files.exists(directory)) {
            return List.of();
        }
        try (var files = Files.list(directory)) {
            return files.filter(file -> file.toString().endsWith(end)).toList();
        }
    }

    private static List<String> argumentsOfAWorker(ProcessPool pool) {
        return pool.submit(
                        () -> List.copyOf(ManagementFactory.getRuntimeMXBean().getInputArguments()))
                .result();
    }

    @Test
    void workersStartFromACacheThatIsMadeInTheBackground() throws Exception {
        Path caches = folder.resolve("good");
        Path log = folder.resolve("classes.log");
        try (var pool = builder(caches).aotCacheDelay(Duration.ofMillis(1)).build()) {
            pool.submit(() -> "a worker starts").result();
            await().pollInterval(Duration.ofMillis(1))
                    .atMost(Duration.ofSeconds(100))
                    .until(() -> !files(caches, ".aot").isEmpty());
        }
        Path cache = files(caches, ".aot").getFirst();

        try (var pool = builder(caches)
                .systemProperty("other", "does not matter for the cache")
                .build()) {
            assertThat(pool.makeAotCache()).isTrue();
            assertThat(argumentsOfAWorker(pool)).contains("-XX:AOTCache=" + cache);
        }
        try (var pool = builder(caches)
                .launcher(List.of("sh", "-c", "\"$@\"; exit $?", "sh"))
                .build()) {
            assertThat(argumentsOfAWorker(pool)).contains("-XX:AOTCache=" + cache);
        }
        if (Sandbox.support().isAvailable()) {
            try (var pool = builder(caches).sandbox(Sandbox.strict()).build()) {
                assertThat(argumentsOfAWorker(pool)).contains("-XX:AOTCache=" + cache);
                String file = cache.toString();
                assertThat(pool.submit(() -> Files.isReadable(Path.of(file))).result())
                        .isTrue();
            }
        }
        assertThat(files(caches, ".aot")).containsExactly(cache);

        refusedByTheJvm(cache);
        crashesTheJvm(cache);
        usedByTheJvm(cache, log);
    }

    /** A header for which the JVM takes it, and rubbish behind. */
    private static void crashesTheJvm(Path cache) throws Exception {
        byte[] content = Files.readAllBytes(cache);
        Arrays.fill(content, content.length / 4, content.length / 2, (byte) 0x5a);
        Path caches = folder.resolve("crashing");
        AotStore store = keeping(caches, keyOf(cache), content);
        try (var pool = builder(caches).build()) {
            assertThat(argumentsOfAWorker(pool)).noneMatch(argument -> argument.startsWith("-XX:AOTCache"));
            assertThat(pool.statistics().startsFailed()).isEqualTo(1);
        }
        assertThat(store.find(keyOf(cache))).as("for the next program").isEmpty();
    }

    private static String keyOf(Path cache) {
        return cache.getFileName().toString().replaceAll("-.*", "");
    }

    private static AotStore keeping(Path caches, String key, byte[] content) throws Exception {
        var store = new AotStore(caches);
        store.make(key, new AotStore.Maker() {
            @Override
            public Optional<String> record(Path recording) throws IOException {
                Files.createFile(recording);
                return Optional.empty();
            }

            @Override
            public Optional<String> assemble(Path recording, Path cache) throws IOException {
                Files.write(cache, content);
                return Optional.empty();
            }
        });
        return store;
    }

    private static void usedByTheJvm(Path cache, Path log) throws Exception {
        var command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:AOTCache=" + cache,
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xlog:class+load:file=" + log,
                "-cp",
                classPath,
                "dev.trestle.processpool.child.WorkerMain");
        Process process = new ProcessBuilder(command).start();
        process.getOutputStream().close(); // it has no program, and ends
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();

        assertThat(log).content().containsPattern("processpool.child.WorkerMain source: shared objects file");
    }

    /** Replaces a cache by other bytes, which the JVM refuses. */
    private static void refusedByTheJvm(Path cache) throws Exception {
        Path caches = folder.resolve("bad");
        keeping(caches, keyOf(cache), new byte[1 << 16]);
        Path bad = files(caches, ".aot").getFirst();
        try (var pool = builder(caches).build()) {
            assertThat(argumentsOfAWorker(pool)).contains("-XX:AOTCache=" + bad);
            assertThat(pool.submit(() -> 6 * 7).result()).isEqualTo(42);
            assertThat(pool.statistics().startsFailed()).isZero();
        }
        Process quiet = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:AOTCache=" + bad,
                        "-XX:AOTMode=auto",
                        AotCache.quiet.get(0),
                        AotCache.quiet.get(1),
                        "--dry-run",
                        "-cp",
                        classPath,
                        "dev.trestle.processpool.child.WorkerMain"))
                .redirectErrorStream(true)
                .start();
        assertThat(quiet.inputReader().lines()).as("what the JVM said").isEmpty();
        assertThat(quiet.waitFor()).isZero();
    }

    /** A worker would compile what they are of before its first result. */
    @Test
    void aTrainingRunLeavesNoProfiles() {
        assertThat(builder(folder)
                        .jvmArguments("-Xcomp")
                        .options()
                        .forTraining(folder.resolve("recording"))
                        .jvm()
                        .arguments())
                .as("the last one counts")
                .containsSubsequence("-Xcomp", "-Xint");
    }

    @Test
    void aFailedStartCostsThePoolItsCacheAndACrashAllPools() throws Exception {
        Path caches = folder.resolve("distrusted");
        PoolOptions options = builder(caches).options();
        String key = AotCache.key(options);
        AotStore store = keeping(caches, requireNonNull(key), new byte[1 << 10]);
        var first = new AotCache(options);
        var second = new AotCache(options);

        first.distrust(false);
        assertThat(first.arguments()).isEmpty();
        assertThat(second.arguments())
                .contains("-XX:AOTCache=" + store.find(key).orElseThrow());

        second.distrust(true);
        assertThat(second.arguments()).isEmpty();
        assertThat(new AotCache(options).arguments()).isEmpty();
        assertThat(files(caches, ".aot")).isEmpty();
    }

    @Test
    void aCacheIsIgnoredWhenAJarOrAnOptionIsAnother() throws Exception {
        Path caches = folder.resolve("stale");
        Path jar = Files.write(folder.resolve("changing.jar"), new byte[] {1});
        ProcessPool.Builder options = builder(caches).classPath(classPath + File.pathSeparator + jar);
        keeping(caches, requireNonNull(AotCache.key(options.options())), new byte[1 << 10]);
        assertThat(new AotCache(options.options()).arguments()).isNotEmpty();
        assertThat(new AotCache(builder(caches)
                                .classPath(classPath + File.pathSeparator + jar)
                                .jvmArguments("-XX:+UseParallelGC")
                                .options())
                        .arguments())
                .isEmpty();

        Files.setLastModifiedTime(jar, FileTime.from(Instant.EPOCH));
        assertThat(new AotCache(options.options()).arguments()).isEmpty();
    }

    @Test
    void manifestClassPathOfAJarCounts() throws Exception {
        Path caches = folder.resolve("manifests");
        Path named = Files.write(folder.resolve("named.jar"), new byte[] {1});
        PoolOptions options = builder(caches)
                .classPath(naming("pathing.jar", "named.jar missing.jar " + named.toUri()))
                .options();
        String key = requireNonNull(AotCache.key(options));
        Files.setLastModifiedTime(named, FileTime.from(Instant.EPOCH));

        assertThat(AotCache.key(options)).isNotEqualTo(key).isNotNull();
        assertThat(AotCache.key(builder(caches)
                        .classPath(naming("directory.jar", folder.toUri().toString()))
                        .options()))
                .isNull();
        assertThat(AotCache.key(builder(caches)
                        .classPath(naming("remote.jar", "http://localhost/a.jar"))
                        .options()))
                .isNull();
    }

    /** Options from a set, which has another order in each program, would mean another cache in each. */
    @Test
    void theOptionsOfModulesHaveTheSameOrderInEveryProgram() {
        String modules = Stream.of(classPath.split(File.pathSeparator, -1))
                .filter(jar -> jar.contains("jackson-"))
                .collect(Collectors.joining(File.pathSeparator));
        PoolOptions options = builder(folder).modulePath(modules).options();

        List<String> opened = JavaCommand.arguments(options.jvm())
                .filter(argument -> argument.startsWith("--add-opens=tools.jackson.databind/"))
                .map(argument -> argument.replace("=ALL-UNNAMED", ""))
                .toList();
        assertThat(opened).hasSizeGreaterThan(15).isSorted();
    }

    private static String naming(String name, String classPath) throws IOException {
        var manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.CLASS_PATH, classPath);
        Path jar = folder.resolve(name);
        new JarOutputStream(Files.newOutputStream(jar), manifest).close();
        return jar.toString();
    }

    @Test
    void aPoolThatEndsEndsItsTrainingRun() throws Exception {
        Path caches = folder.resolve("ended");
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            CompletableFuture<Boolean> made;
            try (var pool = builder(caches).build()) {
                made = CompletableFuture.supplyAsync(pool::makeAotCache, threads);
                Gate.until(() -> ProcessHandle.current().children().findAny().isPresent());
            }
            assertThat(made.join()).isFalse();
        }
        assertThat(ProcessHandle.current().children()).isEmpty();
        assertThat(endings(caches)).containsExactly("attempts", "lock");
    }

    private static List<String> endings(Path directory) throws IOException {
        return files(directory, "").stream()
                .map(file -> file.getFileName().toString().replaceAll(".*[.]", ""))
                .sorted()
                .toList();
    }

    // Programs that end before the cache is there

    /** A program that makes a cache, counts its training runs, and ends when its input is closed or it is killed. */
    static final class ShortProgram {

        private ShortProgram() {}

        @SuppressWarnings("SystemOut")
        public static void main(String[] arguments) throws IOException {
            var cache =
                    new AotCache(builder(arguments[0], Path.of(arguments[1])).options(), pool -> {
                        System.out.println("training");
                        AotTraining.run(pool);
                    });
            System.out.println("delay " + cache.delay());
            Thread.ofPlatform().daemon().start(() -> {
                try (var directory = PrivateDirectory.create(Path.of(System.getProperty("java.io.tmpdir")))) {
                    System.out.println(cache.make(directory));
                }
            });
            var _ = System.in.read();
            cache.stop();
        }
    }

    /** Runs a program until it has said something or a file is there; returns what it has said. */
    private static List<String> run(Path caches, String awaited, boolean kill) throws Exception {
        Path output = Files.createTempFile(folder, "short", ".output");
        Process program = TestJvm.start(
                TestJvm.command(
                        List.of("-Xmx64m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"),
                        ShortProgram.class,
                        classPath,
                        caches),
                output);
        try {
            await().pollInterval(Duration.ofMillis(1))
                    .atMost(Duration.ofSeconds(100))
                    .until(() -> !files(caches, awaited).isEmpty()
                            || Files.readAllLines(output).contains(awaited));
            if (kill) {
                program.destroyForcibly();
            } else {
                program.getOutputStream().close();
            }
            assertThat(program.waitFor(60, TimeUnit.SECONDS)).isTrue();
        } finally {
            program.destroyForcibly();
        }
        return Files.readAllLines(output);
    }

    /** The first program is killed while it records, and the second ends while the cache is assembled. */
    @Test
    void theNextProgramGoesOnWhereAShortOneHasEnded() throws Exception {
        Path caches = folder.resolve("short");

        assertThat(run(caches, "training", true)).containsExactly("delay Optional[PT1S]", "training");
        assertThat(files(caches, ".attempts").getFirst()).content().startsWith("1 unfinished, 0 failed");
        assertThat(run(caches, ".recording", false)).startsWith("delay Optional[PT0S]", "training");
        assertThat(files(caches, ".aot")).isEmpty();
        assertThat(run(caches, "THERE", false)).containsExactly("delay Optional[PT0S]", "THERE");

        assertThat(endings(caches)).contains("aot").doesNotContain("attempts", "recording");
        PoolOptions options = builder(caches).options();
        assertThat(new AotCache(options).delay()).isEmpty();
        assertThat(new AotCache(options).arguments())
                .contains("-XX:AOTCache=" + files(caches, ".aot").getFirst());
    }

    @Test
    void aRecordingThatTheJvmRefusesIsAFailureAndDeleted() throws Exception {
        Path caches = folder.resolve("refused");
        PoolOptions options = builder(caches).options();
        String key = requireNonNull(AotCache.key(options));
        assertThatThrownBy(() -> new AotStore(caches).make(key, new AotStore.Maker() {
                    @Override
                    public Optional<String> record(Path recording) throws IOException {
                        Files.write(recording, new byte[1 << 16]);
                        return Optional.empty();
                    }

                    @Override
                    public Optional<String> assemble(Path recording, Path cache) throws InterruptedException {
                        throw new InterruptedException("the program ends");
                    }
                }))
                .isInstanceOf(InterruptedException.class);
        assertThat(endings(caches)).contains("recording");

        try (var directory = PrivateDirectory.create(folder)) {
            assertThat(new AotCache(options).make(directory)).isEqualTo(AotStore.State.NONE);
        }
        assertThat(endings(caches)).containsExactly("attempts", "lock");
        assertThat(caches.resolve(key + ".attempts"))
                .content()
                .startsWith("0 unfinished, 1 failed: exit code 1 of the JVM that makes it, which said: ");
    }

    /** The other may be killed, and then this pool makes it. */
    @Test
    void aPoolMakesTheCacheWhenAnotherProgramNoLongerDoes() throws Exception {
        Path caches = Files.createDirectory(folder.resolve("contended"));
        Files.setPosixFilePermissions(caches, PosixFilePermissions.fromString("rwx------"));
        Path output = folder.resolve("locking.output");
        Process other = TestJvm.start(
                TestJvm.command(List.of("-Xmx32m"), LockingProgram.class, caches.resolve("lock")), output);
        try (var pool = builder(caches).aotCacheDelay(Duration.ofMillis(1)).build()) {
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> Files.readString(output).contains("locked"));
            assertThat(pool.makeAotCache()).isFalse();
            pool.submit(() -> "a worker starts").result();
            assertThat(endings(caches)).containsExactly("lock");
            other.destroyForcibly();
            await().pollInterval(Duration.ofMillis(1))
                    .atMost(Duration.ofSeconds(100))
                    .until(() -> !files(caches, ".attempts").isEmpty());
        } finally {
            other.destroyForcibly().waitFor();
        }
    }

    /** A program that holds the lock of a directory until it is killed. */
    static final class LockingProgram {

        private LockingProgram() {}

        @SuppressWarnings("SystemOut")
        public static void main(String[] arguments) throws IOException {
            try (var channel = FileChannel.open(
                            Path.of(arguments[0]), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    var _ = channel.lock()) {
                System.out.println("locked");
                var _ = System.in.read();
            }
        }
    }

    /** Training runs that fail, one after the other. */
    static final class FailingProgram {

        static final List<Throwable> failures = List.of(
                new NoSuchMethodError("AsArrayTypeSerializer.<init>\nin two lines"),
                new NoClassDefFoundError("JsonSerializeAs"),
                new ExceptionInInitializerError(new IllegalStateException("in a static initializer")),
                new AssertionError("not as expected"),
                new StackOverflowError(),
                new OutOfMemoryError("heap"),
                new IllegalStateException("a bug"),
                new TimeoutException("checked, but thrown by generic code"));

        @SuppressWarnings("SystemOut")
        public static void main(String[] arguments) throws IOException {
            for (int i = 0; i < failures.size(); i++) {
                Throwable failure = failures.get(i);
                PoolOptions options = TestPools.plain(1)
                        .name("pool-" + i)
                        .classPath(arguments[0])
                        .aotCacheDirectory(Path.of(arguments[1], "" + i))
                        .options();
                var cache = new AotCache(options, _ -> FailingProgram.<RuntimeException>fail(failure));
                try (var directory = PrivateDirectory.create(Path.of(arguments[1]))) {
                    System.out.println(cache.make(directory) + " " + cache.arguments());
                }
            }
        }

        @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // no code looks at its type
        private static <X extends Throwable> void fail(Throwable failure) throws X {
            throw (X) failure;
        }
    }

    @Test
    void aTrainingRunThatFailsCostsOneLineOfTheLogAndTheCache() throws Exception {
        Path caches = Files.createDirectory(folder.resolve("failing"));
        Path output = folder.resolve("failing.output");
        Process program = TestJvm.start(
                TestJvm.command(
                        List.of("-Xmx64m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"),
                        FailingProgram.class,
                        classPath,
                        caches),
                output);
        try {
            assertThat(program.waitFor(60, TimeUnit.SECONDS)).isTrue();
        } finally {
            program.destroyForcibly();
        }

        int failures = FailingProgram.failures.size();
        List<String> lines = Files.readAllLines(output);
        assertThat(lines).filteredOn(line -> line.equals("NONE []")).hasSize(failures);
        List<String> logged =
                lines.stream().filter(line -> !line.equals("NONE []")).toList();
        assertThat(logged).hasSize(failures);
        for (int i = 0; i < logged.size(); i++) {
            assertThat(logged.get(i))
                    .contains(
                            "WARN",
                            "pool-" + i + " has no AOT cache, and its workers start without, which takes longer: "
                                    + FailingProgram.failures
                                            .get(i)
                                            .toString()
                                            .lines()
                                            .findFirst()
                                            .orElseThrow());
        }
    }

    @Test
    void thereIsNoCacheForAClassPathWithDirectories() {
        Path caches = folder.resolve("directories");
        try (var pool = builder(caches)
                .classPath(System.getProperty("java.class.path") + ":" + folder)
                .build()) {
            assertThat(pool.makeAotCache()).isFalse();
        }
        assertThat(caches).doesNotExist();
    }

    @Test
    void thereIsNoCacheForPoolsThatWantNoneOrHaveTheirOwn() {
        Path caches = folder.resolve("none");
        try (var off = builder(caches).aotCache(false).build();
                var own = builder(caches)
                        .jvmArguments("-XX:SharedArchiveFile=own.jsa")
                        .build();
                var agent = builder(caches).jvmArguments("-javaagent:agent.jar").build()) {
            assertThat(off.makeAotCache()).isFalse();
            assertThat(own.makeAotCache()).isFalse();
            assertThat(agent.makeAotCache()).isFalse();
        }
        assertThat(caches).doesNotExist();
    }
}
