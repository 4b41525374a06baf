package dev.trestle.processpool.jvm;

import static java.util.Objects.requireNonNull;

import dev.trestle.processpool.jvm.ExitStatus.Evidence;
import dev.trestle.processpool.wire.LogRecord;
import dev.trestle.processpool.wire.ShownText;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;
import org.zeroturnaround.exec.MessageLoggers;
import org.zeroturnaround.exec.ProcessExecutor;
import org.zeroturnaround.exec.listener.ProcessListener;
import org.zeroturnaround.exec.stream.PumpStreamHandler;

/** The process of a worker: its standard streams, its end. Thread-safe. */
public final class WorkerProcess {

    /*
     * zt-exec starts the process and pumps its outputs. By default zt-exec would do the following, and it must not:
     * close the child's stdin, which is its lifeline; merge stderr into stdout; wait without limit for pumps whose pipe
     * a grandchild holds open; put the environment into logs and messages. See docs/adr/0224.
     */

    private static final Log logger = Log.of(WorkerProcess.class);
    private static final LoggerSource workerLogger = new LoggerSource("dev.trestle.processpool.worker", Level.INFO);

    /** The process that inherits the children of those that end; in a container that may be the program. */
    private static final long INIT = 1;

    private static final AtomicBoolean warnedOfZombies = new AtomicBoolean();

    /** The line that a JVM prints before it ends by the option -XX:+ExitOnOutOfMemoryError. */
    private static final String OUT_OF_MEMORY = "Terminating due to java.lang.OutOfMemoryError";

    private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /**
     * The interval at which the system is asked whether a process lives. The JDK tells its end, unless it is short of
     * memory then.
     */
    private static final long SURELY_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** The number of times in a row that a jail may be impossible to inspect. */
    private static final int MOST_FAILED_LOOKS = 20;

    private final String mark;
    private final Process process;
    private final OutputStream stdin;
    private final OutputLog stdout;
    private final OutputLog stderr;
    private final Streams streams;
    private final Executor executor;
    private final JvmOptions options;
    private volatile ProcessHandle jvm;
    private final OomKills oomKillsBefore = OomKills.now();

    private WorkerProcess(
            String mark,
            Process process,
            Streams streams,
            OutputLog stdout,
            OutputLog stderr,
            Executor executor,
            JvmOptions options) {
        this.executor = executor;
        this.options = options;
        this.mark = mark;
        this.process = process;
        this.jvm = process.toHandle();
        this.stdin = streams.stdin();
        this.stdout = stdout;
        this.stderr = stderr;
        this.streams = streams;
        OomScore.raise(process.pid());
    }

    /**
     * Starts a process.
     *
     * @param name the worker's, for log lines and threads
     * @param mark a name for the processes that it starts, which nothing else in the machine has
     * @param linesLost counts the lines that the log did not take
     * @param onExcess called, on a thread of its own, with the reason why a jailed worker has to be killed
     * @param onExit called at the end of the process, on a thread of its own; again and again, if it throws
     */
    public static WorkerProcess start(
            String name,
            String mark,
            List<String> command,
            JvmOptions options,
            int depth,
            LongAdder linesLost,
            Consumer<String> onExcess,
            Runnable onExit)
            throws IOException {
        var allowance = new LogAllowance(System::nanoTime);
        String shownName = ShownText.line(name);
        var stdout = new OutputLog(line -> workerLogger.get().info("[{}] {}", shownName, line), allowance, linesLost);
        var stderr = new OutputLog(line -> workerLogger.get().warn("[{}] {}", shownName, line), allowance, linesLost);
        OutputStream errors = options.systemProperties().containsKey(LogRecord.PROPERTY)
                ? new LogRecordFilter(
                        LogRecord.prefix(mark), stderr, new ForwardedLog(shownName, workerLogger)::log, linesLost)
                : stderr;
        var streams = new Streams(name, stdout, errors);
        var executor = new Executor(name, command, onExcess, onExit);
        executor.redirectErrorStream(false).streams(streams).setMessageLogger(MessageLoggers.NOP);
        options.workingDirectory().ifPresent(directory -> executor.directory(directory.toFile()));
        for (Map.Entry<String, @Nullable String> variable :
                WorkerEnvironment.changes(options).entrySet()) {
            executor.environment(variable.getKey(), variable.getValue());
        }
        Nesting.mark(executor::environment, depth); // last: no option of a pool sets the marks
        Orphans.mark(executor::environment, mark);
        try {
            Process started = Launcher.isUsed(options) ? executor.startOnItsThread() : executor.startAndWatch();
            return new WorkerProcess(mark, started, streams, stdout, stderr, executor, options);
        } catch (IOException | IllegalArgumentException e) {
            // zt-exec's message shows the values of the environment; the cause is what the JDK said.
            Throwable said = e.getCause() == null ? e : e.getCause();
            throw new IOException("Cannot start " + command + ": " + said.getMessage(), said);
        } catch (Throwable e) {
            executor.endWhatWasStarted(); // no memory, no thread: the process would have no owner
            streams.hangUp();
            Orphans.kill(mark);
            throw e;
        }
    }

    /** Returns the process id of its JVM, as soon as that is known, and before that of what starts it. */
    public long pid() {
        return jvm.pid();
    }

    /**
     * Finds the JVM among the processes that a launcher has started: signals are for the JVM, and not for what waits
     * for its end.
     *
     * @param ownPid the process id by which the JVM knows itself, which is another one in a namespace of its own
     * @throws IOException if a jailed JVM is not found, which then could not be watched
     */
    public void meet(long ownPid) throws IOException {
        if (process.pid() == ownPid && options.jail().isEmpty()) {
            return; // it is the child itself
        }
        ProcessHandle found = WorkerPid.find(process.toHandle(), ownPid).orElse(jvm);
        if (found.equals(jvm) && options.jail().isPresent()) {
            throw new IOException("A worker in a sandbox cannot be watched, since /proc does not show its process");
        }
        if (!found.equals(jvm)) {
            OomScore.copy(process.pid(), found.pid());
            jvm = found;
        }
        if (options.jail().isPresent()) {
            long processOne = found.parent().orElse(found).pid();
            executor.jailWatch = JailWatch.of(processOne, options.limits());
        }
    }

    /** Returns whether it lives. Asks the system: the JDK's thread that reaps it may be short of memory. */
    public boolean isAlive() {
        return process.toHandle().isAlive();
    }

    /** Writes a line to its stdin, which stays open. */
    public void tell(String line) throws IOException {
        stdin.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
        stdin.flush();
    }

    /** Closes its stdin: it ends, at once if it has not been told to end. */
    public void hangUp() throws IOException {
        stdin.close();
    }

    /** Waits for its end; returns whether it came in time. Not interruptible. */
    public boolean awaitExit(Duration limit) {
        long end = System.nanoTime() + TimeUnit.NANOSECONDS.convert(limit);
        while (true) {
            long left = end - System.nanoTime();
            try {
                // Not by its future, which completes on the common pool: calls of the program may hold all threads of
                // that.
                if (process.waitFor(Math.min(left, LOOK_AGAIN_NANOS), TimeUnit.NANOSECONDS) || !isAlive()) {
                    return true;
                }
            } catch (InterruptedException e) {
                logger.debug("An interrupt of the thread that waits for process {} is dropped", process.pid());
            }
            if (left <= 0) {
                return false;
            }
        }
    }

    /**
     * Returns its exit status; null if that is not known, since it lives, or since there was no memory to record it.
     */
    @Nullable
    public ExitStatus exitStatus() {
        if (process.isAlive()) {
            return null;
        }
        OomKills now = OomKills.now();
        return new ExitStatus(
                process.exitValue(), Evidence.NONE, now.suspect(oomKillsBefore), now.haveGrownSince(oomKillsBefore));
    }

    /** Returns whether the JVM said that it ends for lack of memory; known when its output has been read. */
    public boolean saidOutOfMemory() {
        return Stream.of(stdout, stderr).anyMatch(each -> each.tail().contains(OUT_OF_MEMORY));
    }

    /**
     * Kills what it had started, after its end; those processes would also hold its outputs, and our threads with them.
     */
    public void killOrphans() {
        var _ = jvm.destroyForcibly(); // a launcher that was killed may have left it behind
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

    /** Waits until its last words are read, but not for a grandchild that holds the pipe. Not interruptible. */
    public void drainOutput(Duration limit) {
        if (!streams.awaitEnd(process, limit)) {
            logger.debug("A child of process {} still holds its output", process.pid());
        }
    }

    public String stdoutTail() {
        return stdout.tail();
    }

    public String stderrTail() {
        return stderr.tail();
    }

    /** Asks it to end, as {@code kill} does. */
    public void terminate() {
        jvm.destroy(); // Process.destroy would close its stdin too, and it would halt at once
    }

    /** Ends it and what it started, as {@code kill -9} does. */
    public void kill() {
        kill(process);
        var _ = jvm.destroyForcibly();
    }

    private static void kill(Process process) {
        List<ProcessHandle> descendants = List.of();
        try {
            descendants = process.descendants().toList(); // before they become orphans
        } catch (RuntimeException | Error e) {
            logger.failure(
                    Level.DEBUG, "Cannot find the processes that {} has started; looks again later{}", process, "", e);
        }
        // Process.destroyForcibly would close its outputs, and lose its last words
        var _ = process.toHandle().destroyForcibly();
        descendants.forEach(ProcessHandle::destroyForcibly);
    }

    @Override
    public String toString() {
        return "pid " + pid();
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

        /**
         * Waits until both outputs have been read to their ends, and closes them, which the JDK does not if it has
         * missed the end of the process. Returns whether both have been read. Not interruptible.
         */
        boolean awaitEnd(Process process, Duration limit) {
            long end = System.nanoTime() + TimeUnit.NANOSECONDS.convert(limit);
            boolean outputRead = isOverBefore(outputThread, end);
            if (outputRead) {
                close(process.getInputStream());
            }
            boolean errorsRead = isOverBefore(errorThread, end);
            if (errorsRead) {
                close(process.getErrorStream());
            }
            hangUp();
            return outputRead && errorsRead;
        }

        private static boolean isOverBefore(Thread pump, long end) {
            while (true) {
                try {
                    return pump.join(Duration.ofNanos(Math.max(0, end - System.nanoTime())));
                } catch (InterruptedException e) {
                    logger.debug("An interrupt of the thread that waits for {} is dropped", pump);
                }
            }
        }

        private void close(Closeable pipe) {
            try {
                pipe.close();
            } catch (IOException e) {
                logger.debug("A pipe of {} cannot be closed", name, e);
            }
        }

        /** Closes stdin if there is a process: it ends. */
        void hangUp() {
            OutputStream open = stdin.getNow(null);
            if (open != null) {
                close(open);
            }
        }

        @Override
        protected Thread createPump(InputStream pipe, OutputStream log) {
            return createPump(pipe, log, true); // closes the log at the end, which may hold half a line
        }

        @Override
        protected Thread newThread(Runnable task) {
            // Repeats forever while there is no memory to read with: a pipe that no thread reads stops the worker.
            return PoolThreads.unstarted(name + "-output", () -> Retry.untilDone(task));
        }
    }

    /**
     * Starts the process, and waits for its end on a platform thread, which nothing that the program does can hold up.
     */
    private static final class Executor extends ProcessExecutor {
        private final String name;
        private final Consumer<String> onExcess;
        private final Runnable onExit;
        private volatile @Nullable JailWatch jailWatch;

        /** The number of times in a row that the jail could not be looked into; confined to the thread that waits. */
        private int failedLooks;

        private volatile @Nullable Process started;

        Executor(String name, List<String> command, Consumer<String> onExcess, Runnable onExit) {
            super(command);
            this.name = name;
            this.onExcess = onExcess;
            this.onExit = onExit;
            addListener(new ProcessListener() {
                @Override
                public void afterStart(Process process, ProcessExecutor executor) {
                    started = process;
                }
            });
        }

        /**
         * Starts the process and a thread that waits for its end. Does not use `start`, whose wait makes a thread that
         * is no daemon, and that does not end if memory runs out during the start.
         */
        Process startAndWatch() throws IOException {
            var _ = startInternal();
            Process process = requireNonNull(started);
            PoolThreads.start(name + "-exit", () -> watch(process));
            return process;
        }

        /**
         * Does the same, and starts the process on the thread that waits for its end. A launcher may ask the system to
         * end it with its parent, as {@code setpriv --pdeathsig} and {@code bwrap --die-with-parent} do, and to Linux
         * that is the thread which has started it.
         */
        Process startOnItsThread() throws IOException {
            var starting = new FutureTask<Process>(() -> {
                var _ = startInternal();
                return requireNonNull(started);
            });
            PoolThreads.start(name + "-exit", () -> {
                starting.run();
                if (starting.state() == Future.State.SUCCESS) {
                    watch(starting.resultNow());
                }
            });
            while (true) {
                try {
                    return starting.get();
                } catch (InterruptedException e) {
                    logger.debug("An interrupt of the thread that starts {} is dropped", name);
                } catch (ExecutionException e) {
                    switch (e.getCause()) {
                        case IOException failure -> throw failure;
                        case RuntimeException failure -> throw failure;
                        case Error failure -> throw failure;
                        case null, default -> throw new IOException("Cannot start " + name, e);
                    }
                }
            }
        }

        private void watch(Process process) {
            JailWatch watch = jailWatch;
            while (!endsSoon(process, watch == null ? SURELY_NANOS : LOOK_AGAIN_NANOS)) {
                if (watch != null) {
                    look(watch);
                }
                watch = jailWatch;
            }
            Retry.untilDone(onExit);
        }

        /**
         * Looks whether a jail has more than it may. If it cannot be looked into, it is usually about to end; if it
         * does not, it has to.
         */
        private void look(JailWatch watch) {
            try {
                watch.excess().ifPresent(onExcess);
                failedLooks = 0;
            } catch (IOException e) {
                failedLooks++;
                if (failedLooks > MOST_FAILED_LOOKS) {
                    onExcess.accept("its sandbox can no longer be watched: " + e.getMessage());
                }
            } catch (RuntimeException | Error e) { // no memory, perhaps
                logger.failure(Level.DEBUG, "The sandbox of {} is looked into again{}", name, "", e);
            }
        }

        /** Waits for a while; returns whether the process has ended. Needs no memory to go on. */
        private static boolean endsSoon(Process process, long nanos) {
            try {
                return process.waitFor(nanos, TimeUnit.NANOSECONDS)
                        || !process.toHandle().isAlive();
            } catch (InterruptedException | Error e) {
                logger.failure(Level.DEBUG, "The wait for {} is resumed{}", process, "", e);
                var _ = Retry.pauseAndDouble(0);
                return false;
            }
        }

        void endWhatWasStarted() {
            Process process = started;
            if (process != null) {
                kill(process);
            }
        }
    }
}
