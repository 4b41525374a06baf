package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.trestle.api.ConcurrentFuture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The calls that a pool has accepted when its program ends. Each program is a JVM of its own. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class AcceptedCallsTest {

    private static final int PATIENCE_SECONDS = 30;

    @TempDir
    Path folder = Path.of("");

    private Path temporary = Path.of("");
    private Path output = Path.of("");

    @BeforeEach
    void prepare() throws IOException {
        temporary = Files.createDirectory(folder.resolve("tmp"));
        output = folder.resolve("output");
    }

    private Process start(Class<?> program, Object... more) throws IOException {
        return start(List.of(), program, more);
    }

    private Process start(List<String> launcher, Class<?> program, Object... more) throws IOException {
        var command = new ArrayList<>(launcher);
        command.addAll(TestJvm.command(
                List.of("-Xmx64m", "-Djava.io.tmpdir=" + temporary, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"),
                program,
                Stream.concat(Stream.of(folder), Stream.of(more)).toArray()));
        return TestJvm.start(command, output);
    }

    /** Waits for the end of a program, and of its workers; returns what it printed, line by line. */
    private List<String> endOf(Process program, int exitCode) throws Exception {
        List<ProcessHandle> workers = program.descendants().toList();
        try {
            assertThat(program.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .as("the program ends; it said: %s", Files.readString(output))
                    .isTrue();
        } finally {
            program.destroyForcibly();
        }
        List<String> lines = Files.readAllLines(output);
        assertThat(program.exitValue()).as("exit code; it said: %s", lines).isEqualTo(exitCode);
        awaitEnd(workers);
        assertThat(temporary).isEmptyDirectory();
        return lines;
    }

    private static void awaitEnd(List<ProcessHandle> workers) {
        await().pollInterval(Duration.ofMillis(1))
                .atMost(Duration.ofSeconds(1))
                .untilAsserted(() -> assertThat(workers).noneMatch(TestProcess::runs));
    }

    @SuppressWarnings("SystemOut") // how the programs of this test speak
    private static void say(Object line) {
        System.out.println(line);
    }

    /** Holds what a program must not drop: a pool is shut down then, a stream cancelled. */
    private static final List<Object> kept = new ArrayList<>();

    // Programs that end by themselves

    /** A way in which main ends. */
    enum End {
        RETURNS,
        SHUTS_DOWN,
        FAILS
    }

    /** A program with one worker and several calls, whose main thread ends before the first call can end. */
    static final class Submits {
        public static void main(String[] arguments) throws IOException {
            String in = arguments[0];
            var main = Thread.currentThread();
            Thread.ofPlatform().daemon().start(() -> openAfter(main, in));
            var pool = TestPools.of(1);
            kept.add(pool);
            pool.submit(() -> Gate.pass(in, "main")).addDoneCallback(done -> {
                say("running: " + done.resultNow());
                if (!pool.isShutdown()) {
                    pool.submit(() -> "of a callback").addDoneCallback(next -> say("submitted: " + next.resultNow()));
                }
            });
            pool.submit(() -> "behind it").addDoneCallback(done -> say("queued: " + done.resultNow()));
            pool.submit(() -> diesAtFirst(in), CallOptions.DEFAULT.withRetries(1))
                    .addDoneCallback(done -> say("retried: " + done.resultNow()));
            kept.add(pool.stream(() -> Stream.of(Gate.mark(in, "streamed"))));
            pool.execute(() -> markExecuted(in));
            switch (End.valueOf(arguments[1])) {
                case RETURNS -> {}
                case SHUTS_DOWN -> pool.shutdown();
                case FAILS -> throw new IOException("main failed on purpose");
            }
        }

        private static void openAfter(Thread main, String in) {
            try {
                main.join();
                Gate.open(Path.of(in), "main");
            } catch (InterruptedException | IOException e) {
                say(e);
            }
        }

        private static int diesAtFirst(String in) throws IOException {
            int number = Gate.number(in);
            if (number == 0) {
                Runtime.getRuntime().halt(9);
            }
            return number;
        }

        private static void markExecuted(String in) {
            try {
                Gate.mark(in, "executed");
            } catch (IOException e) {
                say(e);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void acceptedCallsRunBeforeAProgramEndsByItself(End end) throws Exception {
        List<String> lines = endOf(start(Submits.class, end), end == End.FAILS ? 1 : 0);

        assertThat(lines).contains("running: main", "queued: behind it", "retried: 1");
        assertThat(lines.contains("submitted: of a callback")).isEqualTo(end != End.SHUTS_DOWN);
        assertThat(Gate.isMarked(folder, "streamed")).isTrue();
        assertThat(Gate.isMarked(folder, "executed")).isTrue();
    }

    /** A program with an idle pool, a pool that was never used, and a pool with an endless stream that is not read. */
    static final class Idles {
        public static void main(String[] arguments) {
            String in = arguments[0];
            var idle = TestPools.of(1);
            kept.add(idle);
            say("result: " + idle.submit(() -> 1).result());
            say("unused: " + TestPools.of(1).isShutdown());
            kept.add(idle.stream(() -> Stream.generate(() -> in)));
        }
    }

    @Test
    void idlePoolsAndUnreadStreamsLetAProgramEnd() throws Exception {
        assertThat(endOf(start(Idles.class), 0)).contains("result: 1", "unused: false");
    }

    /** Returns from main while a call of a daemon pool runs, and another waits. */
    static final class Daemon {
        public static void main(String[] arguments) {
            String in = arguments[0];
            var pool = TestPools.builder(1).daemon().build();
            kept.add(pool);
            var _ = pool.submit(() -> Gate.spin(in, "running"));
            var _ = pool.submit(() -> Gate.mark(in, "waiting"));
            Gate.await(Path.of(in), "running");
        }
    }

    @Test
    void aDaemonPoolLetsAProgramEndWhileCallsRun() throws Exception {
        assertThat(endOf(start(Daemon.class), 0)).isEmpty();

        assertThat(Gate.isMarked(folder, "waiting")).isFalse();
    }

    // Programs that are ended

    /** A program's treatment of its open request, and of its pool, when the program is ended. */
    enum Service {
        /** Finishes the request in a hook of its own. */
        DRAINS,
        /** Leaves all to the pool, whose grace is long enough. */
        LEAVES_IT_TO_THE_POOL,
        /** Leaves all to the pool; its request never ends. */
        HANGS,
        /** Ends its pool at once in a hook of its own. */
        STOPS_ITS_POOL,
        /** Finishes the request in a hook of its own; the pool has no hook, and a grace that would be too short. */
        OWNS_ITS_END,
        /** Ends by System.exit, not by a signal. */
        EXITS,
        /** Ends by System.exit in the callback of its request, which then never returns. */
        EXITS_IN_A_CALLBACK,
        /** Its pool is a daemon, and the request never ends. */
        IS_A_DAEMON;

        Duration grace() {
            return this == HANGS || this == OWNS_ITS_END ? Duration.ofMillis(300) : Duration.ofHours(1);
        }

        boolean requestEnds() {
            return this == DRAINS || this == LEAVES_IT_TO_THE_POOL || this == OWNS_ITS_END || this == EXITS;
        }
    }

    /** A program with an open request, which waits for its end. */
    static final class Serves {
        public static void main(String[] arguments) {
            String in = arguments[0];
            var service = Service.valueOf(arguments[1]);
            var builder = TestPools.builder(1).closeGrace(service.grace()).cancelGrace(Duration.ofMillis(100));
            if (service == Service.DRAINS || service == Service.OWNS_ITS_END) {
                builder.maxTasksPerWorker(1); // so a further call needs a further worker
            }
            if (service == Service.OWNS_ITS_END) {
                builder.withoutShutdownHook();
            } else if (service == Service.IS_A_DAEMON) {
                builder.daemon();
            }
            var pool = builder.build();
            kept.add(pool);
            var request = pool.submit(() -> Gate.pass(in, "request"));
            request.addDoneCallback(done -> {
                say("ended: " + done.state());
                if (service == Service.EXITS_IN_A_CALLBACK) {
                    System.exit(3);
                }
            });
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                try {
                    Gate.mark(in, "ending");
                } catch (IOException e) {
                    say(e);
                }
                end(service, pool, request);
            }));
            Gate.await(Path.of(in), "request");
            if (service == Service.EXITS) {
                System.exit(3);
            }
            Gate.hang();
        }

        private static void end(Service service, ProcessPool pool, ConcurrentFuture<String> request) {
            switch (service) {
                case DRAINS, OWNS_ITS_END -> {
                    say("result: " + request.result());
                    say("one more: " + pool.submit(() -> "call").result());
                    if (service == Service.OWNS_ITS_END) {
                        pool.close();
                    } else {
                        say(catchThrowable(() -> TestPools.of(1)));
                    }
                }
                case HANGS -> say(request.exception().orElseThrow());
                case STOPS_ITS_POOL -> pool.shutdownNow();
                case LEAVES_IT_TO_THE_POOL, EXITS, EXITS_IN_A_CALLBACK, IS_A_DAEMON -> {}
            }
        }
    }

    /** Signals, and with them frameworks that end their requests in hooks of their own. */
    @ParameterizedTest
    @EnumSource
    void callsInFlightHaveAGraceWhenTheirProgramIsEnded(Service service) throws Exception {
        Process program = start(Serves.class, service);
        Gate.await(folder, "request");
        List<ProcessHandle> workers = program.descendants().toList();
        if (service == Service.EXITS_IN_A_CALLBACK) {
            Gate.open(folder, "request");
        } else if (service != Service.EXITS) {
            program.destroy();
        }
        Gate.await(folder, "ending");
        if (service.requestEnds()) {
            Gate.open(folder, "request");
        }
        List<String> lines = endOf(program, service.name().startsWith("EXITS") ? 3 : 128 + 15);
        awaitEnd(workers);

        switch (service) {
            case DRAINS ->
                assertThat(lines)
                        .contains("ended: SUCCESS", "result: request", "one more: call")
                        .anyMatch(line -> line.contains("Cannot create a process pool while the program is ending")
                                && line.contains("withoutShutdownHook()"));
            case OWNS_ITS_END -> assertThat(lines).contains("ended: SUCCESS", "result: request", "one more: call");
            case LEAVES_IT_TO_THE_POOL, EXITS, EXITS_IN_A_CALLBACK ->
                assertThat(lines).containsExactly("ended: SUCCESS");
            case HANGS ->
                assertThat(lines)
                        .contains("ended: FAILED")
                        .anyMatch(line -> line.contains("WorkerDiedException") && line.contains("the program ends"));
            case STOPS_ITS_POOL -> assertThat(lines).containsExactly("ended: CANCELLED");
            case IS_A_DAEMON -> assertThat(lines).isEmpty();
        }
    }

    /** Ctrl-C, or the end of the terminal: both reach every process of the program's group, its workers included. */
    @ParameterizedTest
    @CsvSource({"INT, 2", "HUP, 1"})
    @EnabledOnOs(OS.LINUX)
    void workersLeaveTheSignalsOfATerminalToTheirProgram(String signal, int number) throws Exception {
        assumeFalse(isIgnored(number), "a JVM ignores what was ignored when it was started, as after nohup");
        Process program = start(List.of("setsid"), Serves.class, Service.LEAVES_IT_TO_THE_POOL);
        try {
            var worker = ProcessHandle.of(Gate.await(folder, "request")).orElseThrow();
            assertThat(new ProcessBuilder("kill", "-" + signal, "--", "-" + program.pid())
                            .start()
                            .waitFor())
                    .isZero();
            Gate.await(folder, "ending");
            await().during(Duration.ofMillis(400)).until(() -> TestProcess.runs(worker));
            Gate.open(folder, "request");

            assertThat(endOf(program, 128 + number)).contains("ended: SUCCESS");
            awaitEnd(List.of(worker));
        } finally {
            program.destroyForcibly();
        }
    }

    private static boolean isIgnored(int signal) throws IOException {
        String ignored = Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("SigIgn:"))
                .findFirst()
                .orElseThrow();
        return (Long.parseUnsignedLong(ignored.substring("SigIgn:".length()).strip(), 16) >> (signal - 1) & 1) == 1;
    }
}
