package dev.trestle.processpool;

import dev.trestle.processpool.wire.Orphans;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.zeroturnaround.exec.MessageLoggers;
import org.zeroturnaround.exec.ProcessExecutor;
import org.zeroturnaround.exec.StartedProcess;
import org.zeroturnaround.exec.stream.PumpStreamHandler;

/** The process of a worker: its standard streams, its end. Thread-safe. */
final class WorkerProcess {

    /*
     * zt-exec starts it and pumps its outputs. What it would do by default and must not: close the child's stdin, which is
     * its lifeline; merge stderr into stdout; wait without limit for pumps whose pipe a grandchild holds open; put the
     * environment into logs and messages. See docs/adr/0224.
     */

    private static final Logger logger = LoggerFactory.getLogger(WorkerProcess.class);
    private static final Logger workerLogger = LoggerFactory.getLogger("dev.trestle.processpool.worker");

    /** Those that make a JVM take options from the environment: a debugger's port, an agent, meant for the parent. */
    static final List<String> jvmOptionVariables = List.of("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS");

    /** The process that inherits the children of those that end; in a container that may be the program. */
    private static final long INIT = 1;

    private static final AtomicBoolean warnedOfZombies = new AtomicBoolean();

    private final String mark;
    private final Process process;
    private final OutputStream stdin;
    private final OutputLog stdout;
    private final OutputLog stderr;
    private final Future<?> pumped;
    private final OomKills oomKillsBefore = OomKills.now();

    private WorkerProcess(String mark, StartedProcess started, OutputStream stdin, OutputLog stdout, OutputLog stderr) {
        this.mark = mark;
        this.process = started.getProcess();
        this.stdin = stdin;
        this.stdout = stdout;
        this.stderr = stderr;
        this.pumped = started.getFuture();
        OomScore.raise(process.pid());
    }

    /**
     * Starts a process.
     *
     * @param name the worker's, for log lines and threads
     * @param mark a name for the processes that it starts, which nothing else in the machine has
     * @param linesLost counts the lines that the log did not take
     */
    static WorkerProcess start(
            String name, String mark, List<String> command, PoolOptions options, int depth, LongAdder linesLost)
            throws IOException {
        var stdout = new OutputLog(line -> workerLogger.info("[{}] {}", name, line), linesLost);
        var stderr = new OutputLog(line -> workerLogger.warn("[{}] {}", name, line), linesLost);
        var streams = new Streams(name, stdout, stderr);
        var executor = new Executor(name, command);
        executor.redirectErrorStream(false)
                .streams(streams)
                .closeTimeout(1, TimeUnit.SECONDS)
                .setMessageLogger(MessageLoggers.NOP);
        options.workingDirectory().ifPresent(directory -> executor.directory(directory.toFile()));
        jvmOptionVariables.forEach(variable -> executor.environment(variable, null));
        Nesting.mark(executor::environment, depth);
        Orphans.mark(executor::environment, mark);
        for (Map.Entry<String, String> variable : options.environment().entrySet()) {
            executor.environment(variable.getKey(), variable.getValue());
        }
        try {
            return new WorkerProcess(mark, executor.start(), streams.stdin(), stdout, stderr);
        } catch (IOException | IllegalArgumentException e) {
            // zt-exec's message shows the values of the environment; the cause is what the JDK said.
            Throwable said = e.getCause() == null ? e : e.getCause();
            throw new IOException("Cannot start " + command + ": " + said.getMessage(), said);
        } catch (Throwable e) { // out of memory or threads, when the process was there already and nobody had it yet
            streams.hangUp();
            Orphans.kill(mark);
            throw e;
        }
    }

    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Completes at the end of the process. */
    CompletableFuture<?> onExit() {
        return process.onExit();
    }

    /** Writes a line to its stdin, which stays open. */
    void tell(String line) throws IOException {
        stdin.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
        stdin.flush();
    }

    /** Closes its stdin: it ends, at once if it has not been told to end. */
    void hangUp() throws IOException {
        stdin.close();
    }

    /** Waits for its end; returns whether it came in time. Not interruptible. */
    boolean awaitExit(Duration limit) {
        try {
            getUninterrupted(process.onExit(), limit);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw new AssertionError("An exit does not fail", e);
        }
    }

    /** Interrupts are for callbacks that ran on this thread, and too late: they are dropped. */
    private static void getUninterrupted(Future<?> future, Duration limit) throws ExecutionException, TimeoutException {
        long deadline = System.nanoTime() + TimeUnit.NANOSECONDS.convert(limit);
        boolean waits = true;
        while (waits) {
            try {
                future.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
                waits = false;
            } catch (InterruptedException e) {
                waits = true;
            }
        }
    }

    /** Returns how it ended; only after its end. */
    ExitStatus exitStatus() {
        return new ExitStatus(process.exitValue(), OomKills.now().suspect(oomKillsBefore));
    }

    /** Kills what it had started, after its end; those processes would also hold its outputs, and our threads with them. */
    void killOrphans() {
        int killed = Orphans.kill(mark);
        if (killed > 0) {
            logger.debug("Process {} had left {} processes, which were killed", process.pid(), killed);
            if (ProcessHandle.current().pid() == INIT && !warnedOfZombies.getAndSet(true)) {
                logger.warn("Processes that calls have started remain as zombies when their worker has died: they are"
                        + " children of process 1 then, and that is this program, which waits only for processes"
                        + " of its own. Give the container an init process, as with docker run --init, or tini as"
                        + " its entry point.");
            }
        }
    }

    /** Waits until its last words are read, but not for a grandchild that holds the pipe. */
    void drainOutput(Duration limit) {
        try {
            getUninterrupted(pumped, limit);
        } catch (TimeoutException e) {
            logger.debug("A child of process {} still holds its output", process.pid());
        } catch (ExecutionException e) {
            logger.debug("The streams of process {} could not be closed", process.pid(), e);
        }
    }

    String stdoutTail() {
        return stdout.tail();
    }

    String stderrTail() {
        return stderr.tail();
    }

    /** Asks it to end, as {@code kill} does. */
    void terminate() {
        process.toHandle().destroy(); // Process.destroy would close its stdin too, and it would halt at once
    }

    /** Ends it and what it started, as {@code kill -9} does. */
    void kill() {
        List<ProcessHandle> descendants = process.descendants().toList(); // before they become orphans
        process.toHandle()
                .destroyForcibly(); // Process.destroyForcibly would close its outputs, and lose its last words
        descendants.forEach(ProcessHandle::destroyForcibly);
    }

    @Override
    public String toString() {
        return "pid " + process.pid();
    }

    /** Pumps the outputs on platform threads, since reading a pipe would hold the carrier of a virtual one. */
    private static final class Streams extends PumpStreamHandler {
        private final String name;
        private final CompletableFuture<OutputStream> stdin = new CompletableFuture<>();

        Streams(String name, OutputStream stdout, OutputStream stderr) {
            super(stdout, stderr);
            this.name = name;
        }

        @Override
        public void setProcessInputStream(OutputStream stream) {
            stdin.complete(stream); // instead of closing it
        }

        OutputStream stdin() {
            return stdin.join();
        }

        /** Lets a process end that nobody will talk to. */
        void hangUp() {
            try {
                if (stdin.isDone()) {
                    stdin.join().close();
                }
            } catch (IOException e) {
                logger.debug("The stdin of a process that {} could not have cannot be closed", name, e);
            }
        }

        @Override
        protected Thread newThread(Runnable task) {
            return Thread.ofPlatform().name(name + "-output").daemon().unstarted(task);
        }
    }

    private static final class Executor extends ProcessExecutor {
        private final String name;

        Executor(String name, List<String> command) {
            super(command);
            this.name = name;
        }

        @Override
        protected ExecutorService newExecutor(String processName) {
            return Executors.newThreadPerTaskExecutor(
                    Thread.ofVirtual().name(name + "-exit").factory());
        }
    }
}
