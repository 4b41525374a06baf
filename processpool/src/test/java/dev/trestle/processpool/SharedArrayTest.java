package dev.trestle.processpool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.trestle.api.Call;
import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.FutureExecutor;
import dev.trestle.api.SharedArray;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Arrays and files that the calls of a pool share, from {@code share} to the last thing that is left of them. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SharedArrayTest {

    @TempDir
    Path folder = Path.of("");

    private ProcessPool pool = poolLater();

    @SuppressWarnings("NullAway") // set before each test
    private static ProcessPool poolLater() {
        return null;
    }

    @BeforeAll
    void open() {
        pool = TestPools.of(2);
    }

    @AfterAll
    void close() {
        pool.close();
    }

    // The code of calls

    private static double sum(SharedArray<double[]> values) {
        MemorySegment segment = values.segment();
        double sum = 0;
        for (long i = 0; i < values.length(); i++) {
            sum += segment.getAtIndex(ValueLayout.JAVA_DOUBLE, i);
        }
        return sum;
    }

    /** Returns how many mappings of shared arrays this process has, besides those that are deleted. */
    private static long mappings() throws IOException {
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            return maps.filter(each -> each.contains("/shared/a")).count();
        }
    }

    private static double[] values(int count) {
        return IntStream.range(0, count).mapToDouble(i -> i).toArray();
    }

    /** Returns the files of shared arrays of all pools of this program. */
    private static List<Path> files() throws IOException {
        var found = new ArrayList<Path>();
        for (Path each : dev.trestle.processpool.jvm.PrivateDirectory.ours()) {
            Path shared = each.resolve("shared");
            if (Files.isDirectory(shared)) {
                try (Stream<Path> files = Files.list(shared)) {
                    found.addAll(files.toList());
                }
            }
        }
        return found;
    }

    // The example of the page

    // region shared
    static double norm(SharedArray<double[]> matrix, int row, int columns) {
        MemorySegment all = matrix.segment();
        double sum = 0;
        for (long i = (long) row * columns; i < (row + 1L) * columns; i++) {
            double value = all.getAtIndex(ValueLayout.JAVA_DOUBLE, i);
            sum += value * value;
        }
        return Math.sqrt(sum);
    }

    static List<Double> norms(FutureExecutor pool, double[] values, int columns) {
        List<Integer> rows = IntStream.range(0, values.length / columns).boxed().toList();
        try (SharedArray<double[]> matrix = pool.share(values)) { // copied once, into memory that workers map
            return pool.map(row -> norm(matrix, row, columns), rows).toList();
        } // the memory is free when these calls have ended
    }
    // endregion

    @Test
    void theExampleOfThePageIsThisOneAndWorks() throws Exception {
        assertThat(norms(pool, new double[] {1, 2, 2, 0, 3, 4}, 3)).containsExactly(3.0, 5.0);
        String here = Files.readString(Path.of("src/test/java/dev/trestle/processpool/SharedArrayTest.java"));
        String code = here.substring(here.indexOf("region shared\n") + 14, here.indexOf("    // endregion"))
                .stripTrailing()
                .stripIndent();
        assertThat(Path.of("../docs/process-pool.md"))
                .content()
                .contains("<!-- snippet shared -->\n```java\n" + code + "\n```\n");
    }

    // Values

    static List<Object> arrays() {
        return List.of(
                new byte[] {1, 0, -1, Byte.MIN_VALUE},
                new short[] {1, -1, Short.MAX_VALUE},
                new char[] {'a', '\ud800', '\uffff'},
                new int[] {1, Integer.MIN_VALUE},
                new long[] {1, Long.MIN_VALUE, -1},
                new float[] {1.5f, -0.0f, Float.NaN},
                new double[] {1.5, -0.0, Double.MIN_VALUE},
                new byte[0],
                new short[0],
                new char[0],
                new int[0],
                new long[0],
                new float[0],
                new double[0],
                values(100_001), // more than a piece, and no multiple of one
                new byte[262_145]);
    }

    @ParameterizedTest
    @MethodSource("arrays")
    void anArrayOfEachPrimitiveTypeIsTheSameInACall(Object array) {
        try (SharedArray<Object> shared = pool.share(array)) {
            assertThat(shared.type()).isEqualTo(array.getClass());
            assertThat(shared.length()).isEqualTo(Array.getLength(array));
            assertThat(shared.toArray()).isEqualTo(array);

            Object arrived = pool.submit(() -> shared.toArray()).result();

            assertThat(arrived).isEqualTo(array);
        }
    }

    private record Job(SharedArray<double[]> matrix, int row) {
        double first() {
            return matrix.segment().getAtIndex(ValueLayout.JAVA_DOUBLE, row);
        }
    }

    @Test
    void aSharedArrayTravelsWithinRecordsListsAndTheInputsOfMap() {
        try (var matrix = pool.share(values(10))) {
            var jobs = List.of(new Job(matrix, 3), new Job(matrix, 4));
            assertThat(pool.submit(() -> jobs.getLast().first()).result()).isEqualTo(4);
            assertThat(pool.map(Job::first, jobs)).containsExactly(3.0, 4.0);
            assertThat(pool.submit(() -> sum(jobs.getFirst().matrix)).result()).isEqualTo(45);
        }
    }

    @Test
    void anArrayKeepsWhatItHadWhenItWasShared() {
        double[] values = values(3);
        try (var shared = pool.share(values)) {
            values[0] = 100;
            assertThat(pool.submit(() -> sum(shared)).result()).isEqualTo(3);
        }
    }

    @Test
    void aCallThatReturnsASharedArrayReturnsTheOneOfTheProgram() {
        try (var shared = pool.share(values(3))) {
            assertThat(pool.submit(() -> shared).result()).isSameAs(shared);
        }
    }

    @Test
    void aSharedArrayCannotBeWrittenTo() {
        try (var shared = pool.share(values(3))) {
            assertThat(shared.segment().isReadOnly()).isTrue();
            assertThatThrownBy(() -> shared.segment().setAtIndex(ValueLayout.JAVA_DOUBLE, 0, 1))
                    .isInstanceOf(IllegalArgumentException.class);
            Call<Boolean> call = () -> {
                shared.segment().setAtIndex(ValueLayout.JAVA_DOUBLE, 0, 1);
                return true;
            };
            assertThatThrownBy(pool.submit(call)::result).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void callsWriteToAllocatedMemoryAndTheProgramReadsIt() {
        try (var squares = pool.allocate(1000 * Long.BYTES)) {
            assertThat(squares.length()).isEqualTo(8000);
            assertThat(squares.toArray()).containsOnly(0);
            List<Integer> all = IntStream.range(0, 1000).boxed().toList();

            pool.map(
                            i -> {
                                squares.segment().setAtIndex(ValueLayout.JAVA_LONG, i, (long) i * i);
                                return 0;
                            },
                            all)
                    .forEach(each -> {});

            for (int i : all) {
                assertThat(squares.segment().getAtIndex(ValueLayout.JAVA_LONG, i))
                        .isEqualTo((long) i * i);
            }
        }
    }

    @Test
    void anEmptyAllocationIsEmptyInACall() {
        try (var nothing = pool.allocate(0)) {
            assertThat(pool.submit(() -> nothing.segment().byteSize()).result()).isZero();
        }
    }

    // Refusals

    @Test
    void anythingElseIsRefusedInWords() {
        List<Object> others = List.of(
                new boolean[1],
                new double[1][1],
                new String[0],
                "text",
                5,
                new Double[0],
                List.of(),
                Path.of("x").toFile());
        for (Object each : others) {
            assertThatThrownBy(() -> pool.share(each))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("Cannot share a ")
                    .hasMessageMatching(".* Share a byte\\[\\] .*|.* only arrays of byte, short, .*");
        }
        try (var shared = pool.share(values(1))) {
            assertThatThrownBy(() -> pool.share((Object) shared)).hasMessageContaining("is shared already");
        }
    }

    @Test
    void aNegativeAllocationIsRefused() {
        assertThatThrownBy(() -> pool.allocate(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("The size of shared memory must not be negative, in bytes: -1");
    }

    @Test
    void anArrayOfAnotherPoolIsRefusedWithTheWayOut() {
        try (var other = TestPools.of(1);
                var foreign = other.share(values(3));
                var local = SharedArray.of(values(3))) {
            for (SharedArray<double[]> each : List.of(foreign, local)) {
                assertThatThrownBy(() -> pool.submit(() -> sum(each)))
                        .isInstanceOf(CallNotSerializableException.class)
                        .hasMessageContaining("captured value #0 'each'")
                        .hasMessageContaining(
                                "SharedArray[double[3]], which is not shared by this pool, but by another one")
                        .hasMessageContaining("pool.share(...)");
                try (var own = pool.share(each)) {
                    assertThat(pool.submit(() -> sum(own)).result()).isEqualTo(3);
                }
            }
        }
    }

    @Test
    void aSharedArrayThatACallHasMadeCannotBeItsResult() {
        Call<SharedArray<int[]>> call = () -> SharedArray.of(new int[] {1});
        assertThatThrownBy(pool.submit(call)::result)
                .isInstanceOf(CallNotSerializableException.class)
                .hasMessageContaining("was made in this worker")
                .hasMessageContaining("toArray()");
    }

    // Files

    @Test
    void aFileIsReadByCallsAndStays() throws Exception {
        Path file = Files.writeString(folder.resolve("a file.txt"), "hello");
        try (var shared = pool.share(file)) {
            assertThat(pool.submit(() -> shared.toArray()).result()).containsExactly("hello".getBytes(UTF_8));
        }
        assertThat(file).hasContent("hello");
        assertThat(files()).isEmpty();
    }

    @Test
    void anEmptyFileAndALinkToAFileCanBeShared() throws Exception {
        Path empty = Files.createFile(folder.resolve("empty"));
        Path target = Files.writeString(folder.resolve("target"), "x");
        Path link = Files.createSymbolicLink(folder.resolve("link"), target);
        try (var nothing = pool.share(empty);
                var one = pool.share(link)) {
            assertThat(pool.submit(() -> nothing.length() + one.length()).result())
                    .isEqualTo(1);
        }
    }

    @Test
    void aPathThatIsNoFileIsRefusedInWords() throws Exception {
        assertThatThrownBy(() -> pool.share(folder))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Cannot share " + folder + ": it is a directory. Share single files.");
        assertThatThrownBy(() -> pool.share(folder.resolve("nowhere")))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("Cannot share the file " + folder.resolve("nowhere"))
                .hasMessageContaining("NoSuchFileException");
        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        assertThatThrownBy(() -> pool.share(pipe))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no regular file");
        Path unsized = Path.of("/proc/self/maps");
        if (Files.exists(unsized)) {
            assertThatThrownBy(() -> pool.share(unsized))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("its size is not known before it is read");
        }
    }

    @Test
    void workersRefuseAReplacedOrTruncatedFile() throws Exception {
        Path file = Files.writeString(folder.resolve("replaced"), "before");
        Path other = Files.writeString(folder.resolve("other"), "behind");
        Path cut = Files.writeString(folder.resolve("cut"), "before");
        try (var shared = pool.share(file);
                var shortened = pool.share(cut)) {
            Files.move(other, file, StandardCopyOption.REPLACE_EXISTING);
            Files.writeString(cut, "b");
            assertThatThrownBy(pool.submit(() -> shared.length())::result)
                    .isInstanceOf(CallNotSerializableException.class)
                    .hasMessageContaining("was replaced after it had been shared");
            assertThatThrownBy(pool.submit(() -> shortened.length())::result)
                    .isInstanceOf(CallNotSerializableException.class)
                    .hasMessageContaining("has only 1 bytes in its file")
                    .hasMessageContaining("and had 6");
        }
    }

    // The end

    @Test
    void aClosedArrayIsRefusedAndItsFileIsGone() throws Exception {
        var shared = pool.share(values(10));
        MemorySegment segment = shared.segment();
        assertThat(files()).hasSize(1);
        assertThat(pool.submit(() -> sum(shared)).result()).isEqualTo(45);

        shared.close();
        shared.close();

        assertThat(files()).isEmpty();
        assertThat(shared.isClosed()).isTrue();
        assertThat(shared).hasToString("SharedArray[double[10], closed]");
        assertThatThrownBy(shared::segment)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("SharedArray[double[10], closed]: its memory was given back. Close it when all that use it"
                        + " have ended.");
        assertThatThrownBy(shared::toArray).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> segment.getAtIndex(ValueLayout.JAVA_DOUBLE, 0))
                .isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> pool.submit(() -> sum(shared)))
                .isInstanceOf(CallNotSerializableException.class)
                .hasMessageContaining("was closed");
    }

    @Test
    void callsSubmittedBeforeCloseStillReadTheArray() throws Exception {
        try (var single = TestPools.of(1)) {
            String gate = Files.createDirectory(folder.resolve("gate")).toString();
            var shared = single.share(values(10));
            assertThat(single.submit(() -> sum(shared)).result()).isEqualTo(45);
            ConcurrentFuture<Double> running = single.submit(() -> {
                Gate.pass(gate, "running");
                return sum(shared);
            });
            ConcurrentFuture<Double> waiting = single.submit(() -> sum(shared));
            Gate.await(Path.of(gate), "running");

            shared.close();

            assertThat(files()).hasSize(1);
            Gate.open(Path.of(gate), "running");
            assertThat(running.result()).isEqualTo(45);
            assertThat(waiting.result()).isEqualTo(45);
            assertThat(files()).isEmpty();
            await().untilAsserted(() ->
                    assertThat(single.submit(() -> mappings()).result()).isZero());
        }
    }

    @Test
    void aWorkerMapsAnArrayOnceAndUnmapsItWhenItIsClosed() {
        try (var single = TestPools.of(1)) {
            var shared = single.share(values(10));
            assertThat(single.submit(() -> mappings()).result()).isZero();
            for (int i = 0; i < 3; i++) {
                assertThat(single.submit(() -> (int) sum(shared)).result()).isEqualTo(45);
            }
            assertThat(single.submit(() -> mappings()).result()).isEqualTo(1);
            int first = single.submit(() -> System.identityHashCode(shared)).result();
            assertThat(single.submit(() -> System.identityHashCode(shared)).result())
                    .isEqualTo(first);

            shared.close();

            await().untilAsserted(() ->
                    assertThat(single.submit(() -> mappings()).result()).isZero());
        }
    }

    private static final class Kept {
        private static Optional<SharedArray<double[]>> array = Optional.empty();

        static boolean keep(SharedArray<double[]> value) {
            array = Optional.of(value);
            value.close(); // of no consequence here
            return true;
        }

        static double sumOfKept() {
            return sum(array.orElseThrow());
        }
    }

    /** A call has left an array in a static field; the array is closed, and another call uses it. */
    @Test
    void anArrayThatACallHasKeptCannotCrashItsWorker() {
        try (var single = TestPools.of(1)) {
            var shared = single.share(values(10));
            single.submit(() -> Kept.keep(shared)).result();
            assertThat(single.submit(() -> Kept.sumOfKept()).result()).isEqualTo(45);

            shared.close();

            await().untilAsserted(() -> assertThatThrownBy(single.submit(() -> Kept.sumOfKept())::result)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("its memory was given back"));
            assertThat(single.statistics().workersDied()).isZero();
        }
    }

    @Test
    void aCancelledCallThatGoesOnReadsWhatWasClosed() throws Exception {
        try (var single =
                TestPools.builder(1).cancelGrace(Duration.ofSeconds(30)).build()) {
            String gate = Files.createDirectory(folder.resolve("cancelled")).toString();
            var shared = single.share(values(10));
            ConcurrentFuture<Integer> cancelled = single.submit(() -> {
                Gate.pass(gate, "running");
                Files.writeString(Path.of(gate, "sum"), String.valueOf(sum(shared)));
                return 0;
            });
            Gate.await(Path.of(gate), "running");
            cancelled.cancel(false);
            shared.close();
            assertThat(files()).isEmpty();
            Gate.open(Path.of(gate), "running");
            await().untilAsserted(() -> assertThat(Path.of(gate, "sum")).hasContent("45.0"));
        }
    }

    @Test
    void aWorkerThatReplacesADeadOneMapsTheArrayAgain() {
        try (var single = TestPools.of(1);
                var shared = single.share(values(10))) {
            assertThat(single.submit(() -> sum(shared)).result()).isEqualTo(45);
            Call<Double> deadly = () -> {
                Runtime.getRuntime().halt(7);
                return sum(shared);
            };
            assertThatThrownBy(single.submit(deadly)::result).isInstanceOf(WorkerDiedException.class);
            assertThat(single.submit(() -> sum(shared)).result()).isEqualTo(45);
        }
    }

    /** The retry runs after the program has closed the array. */
    @Test
    void aRetryReadsAnArrayThatWasClosedInTheMeantime() throws Exception {
        try (var single = TestPools.of(1)) {
            String gate = Files.createDirectory(folder.resolve("retry")).toString();
            var shared = single.share(values(10));
            Call<Double> once = () -> {
                if (!Files.exists(Path.of(gate, "again"))) {
                    Files.createFile(Path.of(gate, "again"));
                    Gate.pass(gate, "first");
                    Runtime.getRuntime().halt(7);
                }
                return sum(shared);
            };
            var future = single.submit(once, CallOptions.DEFAULT.withRetries(1));
            Gate.await(Path.of(gate), "first");
            shared.close();
            Gate.open(Path.of(gate), "first");
            assertThat(future.result()).isEqualTo(45);
            assertThat(files()).isEmpty();
        }
    }

    @Test
    void aCallThatIsRefusedHoldsNothing() throws Exception {
        var single = TestPools.of(1);
        var shared = single.share(values(10));
        Object lock = new Object();
        assertThatThrownBy(() -> single.submit(() -> sum(shared) + lock.hashCode()))
                .isInstanceOf(CallNotSerializableException.class);
        single.shutdown();
        assertThatThrownBy(() -> single.submit(() -> sum(shared))).hasMessageContaining("shut down");
        shared.close();
        assertThat(files()).isEmpty();
        single.close();
    }

    @Test
    void closedPoolDeletesTheFilesAndKeepsTheMapping() throws Exception {
        var single = TestPools.of(1);
        var shared = single.share(values(10));
        single.close();
        assertThat(files()).isEmpty();
        assertThat(sum(shared)).isEqualTo(45);
        assertThatThrownBy(() -> single.share(values(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("has terminated, and cannot share anything any more");
        shared.close();
        assertThatThrownBy(shared::segment).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void anArrayIsNotClosedWhileItsMemoryIsHandedToTheSystem() throws Exception {
        var shared = pool.share(new byte[1 << 20]);
        ByteBuffer view = shared.segment().asByteBuffer();
        Path pipe = folder.resolve("full pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        try (FileChannel out = FileChannel.open(pipe, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            Thread writer = Thread.ofPlatform().start(() -> {
                try {
                    while (view.hasRemaining()) {
                        out.write(view);
                    }
                } catch (IOException e) {
                    // the pipe is closed
                }
            });
            await().untilAsserted(() -> assertThatThrownBy(() -> {
                        if (writer.getState() == Thread.State.RUNNABLE && out.isOpen()) {
                            shared.close();
                        }
                    })
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("while a thread hands its memory to the system"));
            assertThat(pool.submit(() -> shared.length()).result())
                    .as("of a call after a close that was refused")
                    .isEqualTo(1 << 20);
            out.close();
            writer.join();
        }
        shared.close();
        assertThat(shared.isClosed()).isTrue();
        assertThat(files()).isEmpty();
    }

    // Kinds of calls and of pools

    @Test
    void aStreamReadsASharedArray() {
        try (var shared = pool.share(values(5));
                Stream<Double> items = pool.stream(() -> {
                    double[] copy = shared.toArray();
                    return IntStream.range(0, copy.length).mapToObj(i -> copy[i]);
                })) {
            assertThat(items).containsExactly(0.0, 1.0, 2.0, 3.0, 4.0);
        }
    }

    @Test
    void severalCallsInAWorkerShareOneMapping() {
        try (var places = TestPools.builder(1).callsPerWorker(4).build();
                var shared = places.share(values(1000))) {
            List<ConcurrentFuture<Double>> sums = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                sums.add(places.submit(() -> sum(shared)));
            }
            assertThat(sums).allSatisfy(each -> assertThat(each.result()).isEqualTo(499_500));
            assertThat(places.submit(() -> mappings()).result()).isEqualTo(1);
        }
    }

    private static double sumInAPoolOfTheWorker(SharedArray<double[]> shared) {
        try (var nested = TestPools.of(1)) {
            assertThatThrownBy(() -> nested.submit(() -> sum(shared)))
                    .hasMessageContaining("is not shared by this pool, but by another one");
            try (var own = nested.share(shared)) {
                return nested.submit(() -> sum(own)).result();
            }
        }
    }

    @Test
    void aPoolInAWorkerIsGivenACopy() {
        try (var shared = pool.share(values(10))) {
            assertThat(pool.submit(() -> sumInAPoolOfTheWorker(shared)).result())
                    .isEqualTo(45);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aWorkerInASandboxReadsArraysAndFiles(boolean startsBefore) throws Exception {
        Jails.assume();
        Path file = Files.writeString(folder.resolve("shown" + startsBefore), "hello");
        try (var jailed = TestPools.builder(1).sandbox(Sandbox.strict()).build()) {
            if (startsBefore) {
                assertThat(jailed.submit(() -> 1).result()).isEqualTo(1);
            }
            try (var shared = jailed.share(values(10));
                    var text = jailed.share(file)) {
                assertThat(jailed.submit(() -> sum(shared)).result()).isEqualTo(45);
                assertThat(jailed.submit(() -> text.toArray()).result()).containsExactly("hello".getBytes(UTF_8));
                Map<String, String> tried = jailed.submit(() -> tryToChange()).result();
                assertThat(tried)
                        .isNotEmpty()
                        .allSatisfy(
                                (what, outcome) -> assertThat(outcome).as(what).contains("Read-only file system"));
            }
            assertThatThrownBy(() -> jailed.allocate(1))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("run in a sandbox");
        }
        assertThat(files()).isEmpty();
    }

    /** Returns what became of attempts to write to the files of shared arrays, and to their directories. */
    private static Map<String, String> tryToChange() throws IOException {
        var tried = new HashMap<String, String>();
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            for (String line : maps.filter(each -> each.contains("/shared/a")).toList()) {
                Path file = Path.of(line.substring(line.indexOf('/')));
                for (Path each : List.of(file, file.resolveSibling("new"))) {
                    try {
                        Files.writeString(each, "x");
                        tried.put(each.toString(), "written");
                    } catch (IOException e) {
                        tried.put(each.toString(), e.toString());
                    }
                }
            }
        }
        return tried;
    }

    @Test
    void workersBehindALauncherReadArrays() {
        try (var launched = TestPools.builder(1)
                        .launcher(List.of("nice", "-n", "1"))
                        .build();
                var shared = launched.share(values(10))) {
            assertThat(launched.submit(() -> sum(shared)).result()).isEqualTo(45);
        }
    }
}
