package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.Call;
import dev.trestle.processpool.jvm.ExitStatus;
import dev.trestle.processpool.jvm.ExitStatus.Evidence;
import dev.trestle.processpool.jvm.ProcessMemory;
import dev.trestle.processpool.values.CallEncoder;
import dev.trestle.processpool.wire.DeathReport;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.Reporter;
import dev.trestle.processpool.wire.WireOptions;
import dev.trestle.processpool.wire.WorkerJournal.Step;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The report of a worker's death, and its consequences. The ways to die are in {@link FailureTableTest}. */
@Timeout(30)
@ExtendWith(NothingLeft.class)
class WorkerDeathTest {

    private static final ProcessPool pool = TestPools.builder(2).heap(64 << 20).build();

    @TempDir
    Path folder = Path.of("");

    @AfterAll
    static void close() {
        pool.shutdownNow();
        pool.close();
    }

    /** The crash log is that of a JVM whose malloc has failed. */
    @Test
    void aJvmThatGetsNoNativeMemoryIsOutOfMemory() {
        String head = """
            # There is insufficient memory for the Java Runtime Environment to continue.
            # Native memory allocation (malloc) failed to allocate 32784 bytes.
            """;
        var exit = new ExitStatus(1, Evidence.NONE, "", false);
        var death = new WorkerDeath("a worker", 42, exit, null, null, "", head);

        assertThat(death.how())
                .isEqualTo("exit code 1: its JVM ran out of native memory, which the system refused it; have fewer"
                        + " workers, give each a smaller heap, or raise the limit of the system");
        assertThat(death.outOfMemory()).isTrue();
        assertThat(new WorkerDeath("a worker", 42, exit, null, null, "", "# SIGSEGV").outOfMemory())
                .isFalse();
    }

    /** The kernel may have killed another process while the pool killed this one. */
    @Test
    void theReasonOfThePoolCountsMoreThanTheOomKiller() {
        var exit = new ExitStatus(137, Evidence.NONE, "probably by the kernel", true);

        assertThat(new WorkerDeath("a worker", 42, exit, null, null, "", "").outOfMemory())
                .isTrue();
        assertThat(new WorkerDeath("a worker", 42, exit, null, "its call was late", "", "").outOfMemory())
                .isFalse();
    }

    @Test
    void lackOfMemoryIsKnownOfWorkersOfOtherMachines() {
        var exit = new DeathReport.Exit(137, Evidence.NONE.number(), "probably by the kernel", true);
        var killed = new DeathReport("a worker", 42, exit, Step.RUNNING, 1, null, "", "");
        var tooLarge =
                new DeathReport("a worker", 42, null, Step.RUNNING, 1, ProcessMemory.excess(9 << 20, 8 << 20), "", "");

        assertThat(WorkerDeath.of(killed, "a member").outOfMemory()).isTrue();
        assertThat(WorkerDeath.of(tooLarge, "a member").outOfMemory()).isTrue();
    }

    @Test
    void theTailOfStderrIsInTheException() {
        assertThatThrownBy(pool.submit(() -> exitWithAWord())::result)
                .hasMessageEndingWith("Its last lines on stderr:\nabout to exit")
                .isInstanceOfSatisfying(
                        WorkerDiedException.class,
                        e -> assertThat(e.stderrTail()).isEqualTo("about to exit"));
    }

    private static int exitWithAWord() {
        System.err.println("about to exit");
        System.exit(7);
        return 0;
    }

    @Test
    void halfALineIsInTheExceptionToo() {
        assertThatThrownBy(pool.submit(() -> exitInTheMiddleOfALine())::result)
                .hasMessageEndingWith("Its last lines on stderr:\nwhole\nhalf");
    }

    private static int exitInTheMiddleOfALine() {
        System.err.print("whole\nhalf");
        System.exit(7);
        return 0;
    }

    @Test
    void theHeadOfTheCrashLogIsInTheException() {
        Call<Long> call = Mishap.CRASHES::happen;

        assertThatThrownBy(pool.submit(call)::result)
                .hasMessageContaining("crash log begins")
                .hasMessageContaining("SIGSEGV");
    }

    @Test
    void anIdempotentCallIsRunAgain() {
        String in = folder.toString();
        var future = pool.submit(() -> dieOnce(in), CallOptions.DEFAULT.withRetries(1));

        assertThat(future.result()).isEqualTo("second time");
    }

    @Test
    void aCallIsRunByAnotherIfItsWorkerDiesWhileItIsSent() throws Exception {
        byte[] large = new byte[16 << 20]; // more than a socket holds
        try (var single = TestPools.of(1);
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            long pid = single.submit(Gate::pid).result();
            TestProcess.stop(pid);
            var sent = threads.submit(() -> single.submit(() ->
                            large.length + " by " + ProcessHandle.current().pid())
                    .result());
            Gate.until(() -> single.statistics().busy() == 1);
            TestProcess.signal("KILL", pid);

            assertThat(sent.get()).startsWith("16777216 by ").isNotEqualTo("16777216 by " + pid);
            assertThat(single.statistics().rerun()).isEqualTo(1);
            assertThat(single.statistics().lost()).isZero();
        }
    }

    @Test
    void aWorkerThatIsStoppedForAWhileLosesNothing() throws Exception {
        try (var single = TestPools.of(1)) {
            long pid = single.submit(Gate::pid).result();
            TestProcess.stop(pid);
            var waiting = single.submit(Gate::pid);
            assertThatThrownBy(() -> waiting.result(Duration.ofMillis(200))).isInstanceOf(TimeoutException.class);
            TestProcess.signal("CONT", pid);

            assertThat(waiting.result()).isEqualTo(pid);
        }
    }

    @Test
    void aWorkerThatAnswersACallThatItWasNotGivenIsKilled() {
        assertThatThrownBy(pool.submit(() -> lie(new Frame.Cancelled(1L << 40)))::result)
                .isInstanceOf(WorkerDiedException.class)
                .hasMessageContaining("its connection failed")
                .hasMessageContaining("answered 1 calls that it was not given");
        assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
    }

    @Test
    void aWorkerThatSendsItemsOfACallThatIsNoStreamIsKilled() {
        assertThatThrownBy(pool.submit(() -> lieAboutItself())::result)
                .isInstanceOf(WorkerDiedException.class)
                .hasMessageContaining("its connection failed")
                .hasMessageContaining("An item arrived for a call that is no stream");
        assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
    }

    private static int lieAboutItself() throws Exception {
        var call = new CallEncoder(WireOptions.DEFAULT, RemoteException::new).encode((Call<Integer>) () -> 1);
        return lie(new Frame.Item(requireNonNull(Reporter.installed()).running(), 0, call.payload()));
    }

    /** Sends the pool a frame that only the worker itself may send; runs in a call. */
    private static int lie(Frame frame) throws Exception {
        Reporter reporter = requireNonNull(Reporter.installed());
        var field = reporter.getClass().getDeclaredField("channel");
        field.setAccessible(true);
        ((FrameChannel) field.get(reporter)).write(frame);
        Gate.hang();
        return 0;
    }

    @Test
    void retriesEnd() {
        long before = pool.statistics().rerun();
        Call<Long> call = Mishap.HALTS::happen;

        assertThatThrownBy(pool.submit(call, CallOptions.DEFAULT.withRetries(2))::result)
                .isInstanceOf(WorkerDiedException.class);
        assertThat(pool.statistics().rerun() - before).isEqualTo(2);
    }

    private static String dieOnce(String folder) throws IOException {
        if (Gate.isMarked(Path.of(folder), "died")) {
            return "second time";
        }
        Gate.mark(folder, "died");
        Runtime.getRuntime().halt(1);
        return "first time";
    }

    @Test
    void idleWorkerKilledFromOutsideIsReplacedOnDemand() {
        try (var single = TestPools.of(1)) {
            long pid = single.submit(Gate::pid).result();
            var handle = ProcessHandle.of(pid).orElseThrow();
            handle.destroyForcibly();
            handle.onExit().join();

            assertThat(single.submit(Gate::pid).result()).isNotEqualTo(pid);
        }
    }

    @Test
    void aCallTooLargeForAWorkerCostsTwoOfThemAndNoMore() {
        byte[] large = new byte[200 << 20];
        var before = pool.statistics();

        assertThatThrownBy(pool.submit(() -> large.length)::result)
                .isInstanceOfSatisfying(
                        WorkerDiedException.class,
                        e -> assertThat(e.phase()).isEqualTo(WorkerDiedException.Phase.SENDING))
                .hasMessageContaining("2 workers died before they had begun")
                .hasMessageContaining("It may be too large for a worker's heap");
        assertThat(pool.statistics().rerun() - before.rerun()).isEqualTo(1);
        assertThat(pool.statistics().workersDied() - before.workersDied()).isEqualTo(2);
        assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
    }

    @Test
    void errorThatLeavesTheJvmInDoubtEndsTheWorker() {
        try (var single = TestPools.of(1)) {
            long pid = single.submit(Gate::pid).result();

            assertThatThrownBy(single.submit(() -> throwOutOfMemory())::result)
                    .isInstanceOf(OutOfMemoryError.class)
                    .hasMessage("by hand");
            assertThat(single.submit(Gate::pid).result()).isNotEqualTo(pid);
        }
    }

    private static int throwOutOfMemory() {
        throw new OutOfMemoryError("by hand");
    }

    @Test
    void aStackOverflowIsAnOrdinaryException() {
        long died = pool.statistics().workersDied();

        assertThatThrownBy(pool.submit(() -> deep(0))::result).isInstanceOf(StackOverflowError.class);
        assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
        assertThat(pool.statistics().workersDied()).isEqualTo(died);
    }

    private static int deep(int level) {
        return level < 0 ? 0 : deep(level + 1) + 1;
    }
}
