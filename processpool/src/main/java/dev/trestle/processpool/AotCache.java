package dev.trestle.processpool;

import dev.trestle.processpool.jvm.AotStore;
import dev.trestle.processpool.jvm.JavaCommand;
import dev.trestle.processpool.jvm.Log;
import dev.trestle.processpool.jvm.ManifestPath;
import dev.trestle.processpool.jvm.PrivateDirectory;
import dev.trestle.processpool.jvm.WorkerEnvironment;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The JVM's AOT cache that the workers of one pool start from: classes already loaded and linked. It is made by a
 * training run, once per JDK, class path and options, and kept for all programs of the user. Thread-safe.
 */
final class AotCache {

    /*
     * The training run is a worker that records what it loads while it runs a few calls, and then a JVM that makes the
     * cache from the recording. Both belong to the pool: they end when it is shut down. A recording that is finished is
     * kept, and the user's next program goes on from there, at once; so the second of two short programs has a cache.
     * `AotStore` counts the attempts, and bounds them.
     *
     * A cache must never do harm. The JVM says nothing about one that it cannot use (its log for this is off), and if a
     * worker that had one does not start, the pool's next workers go without.
     */

    private static final Log logger = Log.of(AotCache.class);

    /** Options that keep the JVM from printing its messages about a cache that does not fit. */
    static final List<String> quiet = List.of("-Xlog:aot*=off", "-Xlog:cds*=off");

    /** Options of the user's with which the JVM takes no cache, or already has one. */
    private static final Pattern EXCLUSIVE = Pattern.compile("-XX:AOT.*|-Xshare.*|-XX:SharedArchiveFile.*"
            + "|-XX:DumpLoadedClassList.*|-agentlib.*|-agentpath.*|-javaagent.*|-Xrun.*|--patch-module.*"
            + "|--limit-modules.*|--upgrade-module-path.*");

    /** Options of which a cache does not depend, so that pools that differ in them share one. */
    private static final Pattern INDIFFERENT =
            Pattern.compile("-D.*|-ea|-Xmx.*|-Xss.*|-XX:ErrorFile=.*|-XX:ActiveProcessorCount=.*");

    private static final int MOST_OUTPUT = 4 << 10;

    /** Beyond this a JVM lays out objects in another way. */
    private static final long LARGE_HEAP = 31L << 30;

    private final PoolOptions options;
    private final Optional<AotStore> store;
    private volatile @Nullable Key key; // found out by the first worker that needs it, on its thread
    private volatile boolean distrusted;
    private volatile boolean stopped;
    private final AtomicReference<@Nullable ProcessPool> recorder = new AtomicReference<>();
    private final AtomicReference<@Nullable Process> assembler = new AtomicReference<>();

    private final Consumer<ProcessPool> training;

    AotCache(PoolOptions options) {
        this(options, AotTraining::run);
    }

    /**
     * Creates the cache with other calls in its training run.
     *
     * @param training runs them on the pool that it is given, and waits for them
     */
    AotCache(PoolOptions options, Consumer<ProcessPool> training) {
        this.options = options;
        this.training = training;
        this.store = options.aot().directory().map(AotStore::new);
    }

    /** All that a cache depends on, as a file name; null if these workers can have no cache. */
    private record Key(@Nullable String name) {}

    private @Nullable String key() {
        Key known = key;
        if (known == null) {
            known = new Key(store.isPresent() ? key(options) : null);
            key = known;
        }
        return known.name();
    }

    /** Returns the options with which a worker uses the cache, if there is one. */
    List<String> arguments() {
        String key = key();
        if (key == null || distrusted) {
            return List.of();
        }
        return store.flatMap(found -> found.find(key))
                .map(file -> List.of("-XX:AOTCache=" + file, "-XX:AOTMode=auto", quiet.get(0), quiet.get(1)))
                .orElse(List.of());
    }

    /** Called when a worker did not start: the cache may be why. */
    void distrust(boolean crashed) {
        if (!distrusted && !arguments().isEmpty()) {
            distrusted = true;
            String key = key();
            if (crashed && key != null) {
                store.ifPresent(found -> found.discard(key));
            }
        }
    }

    /**
     * Returns the delay between the first worker that is ready and the making of the cache; empty if it does not, since
     * there is one, or can be none.
     */
    Optional<Duration> delay() {
        String key = key();
        return key == null || distrusted
                ? Optional.empty()
                : store.flatMap(found -> found.delay(key, options.aot().delay()));
    }

    /**
     * Makes the cache unless there is one; returns what there is now. Blocks for the time of a training run.
     *
     * @param directory the directory for files of the training run
     */
    AotStore.State make(PrivateDirectory directory) {
        try {
            String key = key();
            if (key == null || distrusted) {
                return AotStore.State.NONE;
            }
            AotStore.Outcome outcome = store.orElseThrow().make(key, new TrainingRun(directory));
            outcome.failure().ifPresent(this::failed);
            return outcome.state();
        } catch (IOException e) {
            logger.debug("No AOT cache is kept for {}", options.name(), e);
        } catch (InterruptedException e) {
            logger.debug("{} ends before its AOT cache is made", options.name());
            if (!stopped) {
                Thread.currentThread().interrupt(); // it was the caller that was told to stop
            }
        } catch (Throwable e) {
            failed(e);
        }
        return AotStore.State.NONE;
    }

    /** Says in one line that there is no cache, whatever it was that failed: no program needs one. */
    private void failed(Throwable thrown) {
        try {
            logger.debug("The AOT cache of {} could not be made", options.name(), thrown);
            failed(firstLine(thrown));
        } catch (OutOfMemoryError e) {
            // There is no memory for a line. A cache is not worth more.
        }
    }

    private void failed(String why) {
        if (!stopped) {
            logger.warn(
                    "{} has no AOT cache, and its workers start without, which takes longer: {}", options.name(), why);
        }
    }

    private static String firstLine(Object text) {
        return String.valueOf(text).lines().findFirst().orElse("");
    }

    /** The steps in which a cache is made, each in a JVM of its own. */
    private final class TrainingRun implements AotStore.Maker {
        private final PrivateDirectory directory;

        TrainingRun(PrivateDirectory directory) {
            this.directory = directory;
        }

        @Override
        public Optional<String> record(Path recording) throws InterruptedException {
            try (var pool = new ProcessPool(options.forTraining(recording))) {
                recorder.set(pool);
                stopIfToldTo();
                training.accept(pool);
            } catch (RuntimeException | LinkageError e) {
                stopIfToldTo();
                logger.debug("The AOT cache of {} could not be made", options.name(), e);
                return Optional.of(firstLine(e));
            } finally {
                recorder.set(null);
            }
            stopIfToldTo();
            return Optional.empty();
        }

        @Override
        public Optional<String> assemble(Path recording, Path cache) throws IOException, InterruptedException {
            Process process = assembler(recording, cache).start();
            assembler.set(process);
            try {
                process.getOutputStream().close();
                if (stopped) {
                    process.destroyForcibly();
                }
                String said = headOf(process.getInputStream());
                int exit = process.waitFor();
                stopIfToldTo();
                if (exit == 0) {
                    return Optional.empty();
                }
                logger.debug("The JVM that makes the AOT cache of {} said: {}", options.name(), said);
                return Optional.of("exit code " + exit + " of the JVM that makes it, which said: " + firstLine(said));
            } finally {
                process.destroyForcibly();
                assembler.set(null);
            }
        }

        private ProcessBuilder assembler(Path recording, Path cache) throws IOException {
            directory.ensure();
            List<String> command = JavaCommand.writeWithoutMain(
                    options.jvm(),
                    directory.resolve("aot.args"),
                    List.of("-XX:AOTMode=create", "-XX:AOTConfiguration=" + recording, "-XX:AOTCache=" + cache));
            var builder = new ProcessBuilder(command).redirectErrorStream(true);
            for (Map.Entry<String, @Nullable String> variable :
                    WorkerEnvironment.changes(options.jvm()).entrySet()) {
                if (variable.getValue() == null) {
                    builder.environment().remove(variable.getKey());
                } else {
                    builder.environment().put(variable.getKey(), variable.getValue());
                }
            }
            return builder;
        }
    }

    /** Reads a stream to its end, which may be that it is closed; returns its beginning. */
    private String headOf(InputStream stream) {
        byte[] head = {};
        try (stream) {
            head = stream.readNBytes(MOST_OUTPUT);
            stream.transferTo(OutputStream.nullOutputStream());
        } catch (IOException e) {
            logger.debug("The output of the JVM that makes the AOT cache of {} ends", options.name(), e);
        }
        return new String(head, StandardCharsets.UTF_8);
    }

    private void stopIfToldTo() throws InterruptedException {
        if (stopped) {
            throw new InterruptedException(options.name() + " ends");
        }
    }

    /** Ends a training run; {@link #make} returns soon. */
    void stop() {
        stopped = true;
        ProcessPool recording = recorder.get();
        if (recording != null) {
            recording.killWorkers();
        }
        Process assembling = assembler.get();
        if (assembling != null) {
            assembling.destroyForcibly();
        }
    }

    /**
     * Returns the key of a cache, a digest of all that it depends on, as a file name; null if these workers can have
     * none.
     */
    static @Nullable String key(PoolOptions options) {
        List<String> arguments = JavaCommand.arguments(options.jvm()).toList();
        if (arguments.stream().anyMatch(EXCLUSIVE.asMatchPredicate())) {
            return null;
        }
        try {
            var text = new StringBuilder();
            for (String property : List.of("java.home", "java.vm.vendor", "java.vm.version", "os.arch")) {
                text.append(System.getProperty(property)).append('\n');
            }
            Path runtime = Path.of(System.getProperty("java.home"), "lib", "modules");
            if (Files.isRegularFile(runtime)) {
                describe(runtime, text); // an image of jlink has the program's classes too
            }
            text.append(options.jvm().heapBytes() > LARGE_HEAP).append('\n');
            boolean path = false;
            for (String argument : arguments) {
                if (path && !describe(argument, text)) {
                    return null;
                }
                path = argument.equals("-cp") || argument.equals("--module-path");
                if (!INDIFFERENT.matcher(argument).matches()) {
                    text.append(argument).append('\n');
                }
            }
            byte[] hash =
                    MessageDigest.getInstance("SHA-256").digest(text.toString().getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("Every JDK has SHA-256", e);
        } catch (IOException e) {
            logger.debug("No AOT cache for {}: its class path cannot be read", options.name(), e);
            return null;
        }
    }

    /** Describes a path; returns false if it has anything but jar files, for which a JVM keeps no cache. */
    private static boolean describe(String path, StringBuilder text) throws IOException {
        String[] entries = path.split(Pattern.quote(File.pathSeparator), -1);
        for (String entry : entries) {
            Path jar = Path.of(entry);
            if (entry.endsWith("*") || !Files.isRegularFile(jar)) {
                return false;
            }
            describe(jar, text);
            if (entries.length <= ManifestPath.FEW && !describeWhatItNames(jar, text)) {
                return false;
            }
        }
        return true;
    }

    private static void describe(Path file, StringBuilder text) throws IOException {
        text.append(Files.size(file))
                .append(' ')
                .append(Files.getLastModifiedTime(file).to(TimeUnit.NANOSECONDS))
                .append('\n');
    }

    /** Describes the class path in a jar's manifest; returns false if that has directories, or what is no file. */
    private static boolean describeWhatItNames(Path jar, StringBuilder text) throws IOException {
        for (Path each : ManifestPath.of(jar)) {
            if (Files.isDirectory(each)) {
                return false;
            }
            if (Files.isRegularFile(each)) {
                describe(each, text);
            }
        }
        return true;
    }

    @Override
    public String toString() {
        return "AotCache[" + store.map(AotStore::toString).orElse("off") + ", " + key() + "]";
    }
}
