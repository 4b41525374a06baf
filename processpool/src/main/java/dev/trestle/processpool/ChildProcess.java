package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import dev.trestle.processpool.jvm.CrashLog;
import dev.trestle.processpool.jvm.ExitStatus;
import dev.trestle.processpool.jvm.ExitStatus.Evidence;
import dev.trestle.processpool.jvm.FileHandles;
import dev.trestle.processpool.jvm.Jail;
import dev.trestle.processpool.jvm.JavaCommand;
import dev.trestle.processpool.jvm.Launcher;
import dev.trestle.processpool.jvm.Log;
import dev.trestle.processpool.jvm.Orphans;
import dev.trestle.processpool.jvm.PrivateDirectory;
import dev.trestle.processpool.jvm.ProcessMemory;
import dev.trestle.processpool.jvm.Rendezvous;
import dev.trestle.processpool.jvm.Retry;
import dev.trestle.processpool.jvm.StaleDirectories;
import dev.trestle.processpool.jvm.WorkerProcess;
import dev.trestle.processpool.wire.ArrayRing;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.ProtocolException;
import dev.trestle.processpool.wire.ShownText;
import dev.trestle.processpool.wire.WorkerJournal;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;

/** A worker's host that is a child JVM: its process, its files, and its journal. */
final class ChildProcess implements WorkerHost {

    private static final Log logger = Log.of(Worker.class);

    /** The most characters of a worker's text in a line of the log. */
    private static final int MOST_LOGGED = 16 << 10;

    private static final Duration LAST_OUTPUT = Duration.ofMillis(500);
    private static final Duration THREAD_DUMP = Duration.ofSeconds(1);

    /** The time limit for finding out how a worker ended, if there is no memory for that at first. */
    private static final Duration INVESTIGATION = Duration.ofSeconds(1);

    private final Worker worker;
    private final Dispatcher dispatcher;
    private final PoolOptions options;
    private final String name;
    private final String mark;
    private final Path journalFile;
    private final Path crashLog;
    private final Path argumentFile;
    private final Path ringFile;
    private final Path socket;

    private final AtomicReference<@Nullable CompletableFuture<String>> threadDump = new AtomicReference<>();

    // Written by the worker's thread
    private volatile @Nullable WorkerProcess process;
    private volatile @Nullable ProcessMemory memory;
    private volatile WorkerJournal.@Nullable Reader journal;
    private volatile @Nullable Rendezvous rendezvous;
    private volatile @Nullable ArrayRing ring;

    ChildProcess(Worker worker, Dispatcher dispatcher, PoolOptions options, int number) {
        this.worker = worker;
        this.dispatcher = dispatcher;
        this.options = options;
        this.name = worker.name();
        PrivateDirectory directory = dispatcher.directory();
        this.mark = directory.path().getFileName() + "/w" + number;
        this.journalFile = directory.resolve("w" + number + ".record");
        this.crashLog = directory.resolve("w" + number + ".crash");
        this.argumentFile = directory.resolve("w" + number + ".args");
        this.ringFile = directory.resolve("w" + number + ".ring");
        this.socket = directory.resolve("w" + number + ".sock");
    }

    // Starting

    @Override
    public Link start() throws IOException {
        try (var _ = FileHandles.reserve()) {
            return startAndMeet();
        }
    }

    private Link startAndMeet() throws IOException {
        dispatcher.directory().ensure();
        removeFiles(); // another worker may have put something in their places
        try (Rendezvous meeting = Rendezvous.open(socket)) {
            rendezvous = meeting;
            journal = WorkerJournal.create(journalFile, places());
            if (options.jvm().jail().isPresent()) {
                prepareJail(meeting, options.jvm().jail().get());
            }
            ring = makeRing();
            WorkerProcess started = startProcess(meeting);
            process = started;
            if (options.limits().recycling().looksAtMemory()) {
                memory = new ProcessMemory(started.pid(), dispatcher.timer()::nanoTime);
            }
            if (worker.isKilled()) {
                started.kill(); // by a thread that found no process to kill
            }
            started.tell(meeting.secret());
            Rendezvous.Met sockets = meeting.meet();
            return new Link(sockets.work(), sockets.controls());
        } finally {
            rendezvous = null;
        }
    }

    private WorkerProcess startProcess(Rendezvous meeting) throws IOException {
        List<Path> places = dispatcher.sharedFiles().places();
        List<Path> shown =
                options.jvm().jail().isPresent() ? dispatcher.sharedFiles().prepare() : List.of();
        List<String> more = Stream.concat(
                        Stream.of("-XX:ErrorFile=" + crashLog.toString().replace("%", "%%")),
                        dispatcher.aotCache().arguments().stream())
                .toList();
        var command = JavaCommand.write(
                options.jvm(),
                argumentFile,
                more,
                List.of(
                        meeting.address(),
                        journalFile.toString(),
                        Long.toString(options.limits().maxPayloadBytes()),
                        Integer.toString(places()),
                        places.get(0).toString(),
                        places.get(1).toString(),
                        ring == null ? "-" : ringFile.toString()));
        return WorkerProcess.start(
                name,
                mark,
                Launcher.before(
                        Stream.concat(command.stream(), Stream.of(name)).toList(),
                        options.jvm(),
                        more,
                        Stream.concat(Stream.of(argumentFile, socket), shown.stream())
                                .toList(),
                        List.of(journalFile, crashLog)),
                options.jvm(),
                dispatcher.depth(),
                dispatcher.linesLost(),
                worker::kill,
                this::exited);
    }

    /** Makes the file that a jailed JVM may change if it crashes: it may make none in the private directory. */
    private void prepareJail(Rendezvous meeting, Jail jail) throws IOException {
        if (!jail.network() && meeting.isPort()) {
            throw new IOException("A worker whose sandbox has no network reaches the pool by a socket only, and there"
                    + " can be none at " + socket + ": is the path of java.io.tmpdir too long?");
        }
        Files.createFile(crashLog);
    }

    /**
     * Makes the ring for large arrays. There is none for a jailed worker, which could cut the file and so crash what
     * the program does with it, and none where it cannot be made: then arrays go through the socket.
     */
    private @Nullable ArrayRing makeRing() {
        if (options.jvm().jail().isPresent()) {
            return null;
        }
        try {
            return ArrayRing.create(ringFile);
        } catch (IOException e) {
            logger.debug("{} has no ring for large arrays", name, e);
            return null;
        }
    }

    /** Called on the thread that waits for the end of the process. */
    private void exited() {
        worker.hostEnded();
        abort();
    }

    @Override
    public void abort() {
        Rendezvous meeting = rendezvous;
        if (meeting != null) {
            closeQuietly(meeting);
        }
    }

    @Override
    public long greet(FrameChannel work) throws IOException {
        if (!(work.read() instanceof Frame.Hello hello)) {
            throw new ProtocolException(name + " did not say hello first");
        }
        long now = dispatcher.timer().nanoTime();
        requireNonNull(process).meet(hello.pid());
        if (hello.protocolVersion() != FrameChannel.PROTOCOL_VERSION) {
            throw new ProtocolException(
                    name + " speaks version " + hello.protocolVersion() + " of the protocol, this program "
                            + FrameChannel.PROTOCOL_VERSION + ": its class path has another version of Trestle");
        }
        logger.debug("{} is {} on Java {}", name, hello, hello.javaVersion());
        ArrayRing made = ring;
        if (made != null && !Files.deleteIfExists(ringFile)) {
            work.use(made); // the worker has mapped it, and has deleted the file then
        }
        return now;
    }

    // Alive

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean isStarted() {
        return process != null;
    }

    @Override
    public boolean isAlive() {
        WorkerProcess running = process;
        return running != null && running.isAlive();
    }

    @Override
    public long pid() {
        WorkerProcess running = process;
        return running == null ? 0 : running.pid();
    }

    @Override
    public int places() {
        return options.limits().callsPerWorker();
    }

    @Override
    public int ahead() {
        return places() == 1 ? InFlight.MOST_AHEAD : 0;
    }

    @Override
    public WorkerJournal.@Nullable Progress progress(long ticket) {
        WorkerJournal.Reader reader = journal;
        if (reader == null) {
            return null;
        }
        try {
            return reader.progress(ticket);
        } catch (IOException e) {
            logger.debug("The journal of {} cannot be read", name, e);
            return null;
        }
    }

    @Override
    public @Nullable ProcessMemory memory() {
        return memory;
    }

    @Override
    public boolean endsCalls() {
        return false;
    }

    @Override
    public String stackOfCall(long ticket) {
        String dump = requestThreadDump();
        logger.debug("The threads of {}:\n{}", name, dump);
        return ShownText.text(ShownText.cut(threadOf(ticket, dump), MOST_LOGGED));
    }

    private String requestThreadDump() {
        var mine = new CompletableFuture<String>();
        CompletableFuture<String> asked = threadDump.compareAndExchange(null, mine);
        if (asked == null) {
            asked = mine;
            worker.control(new Frame.ThreadDumpRequest());
        }
        try {
            return asked.get(THREAD_DUMP.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return "(it did not answer within " + THREAD_DUMP + ")";
        } catch (InterruptedException | ExecutionException e) {
            throw new AssertionError("A timer's thread is never interrupted, and a dump does not fail", e);
        }
    }

    /**
     * Returns what a dump says of the thread that runs a call; of the first one if that is not there. The worker puts
     * the threads that run calls first, with the number of the call.
     */
    private static String threadOf(long ticket, String dump) {
        int call = dump.indexOf(" (call " + ticket + ")\"");
        int from = call < 0 ? 0 : dump.lastIndexOf('\n', call) + 1;
        int next = dump.indexOf("\n\"", from);
        return dump.substring(from, next < 0 ? dump.length() : next);
    }

    @Override
    public void receive(Frame frame) throws IOException {
        switch (frame) {
            case Frame.ThreadDump dump -> {
                CompletableFuture<String> waiting = threadDump.getAndSet(null);
                if (waiting == null) {
                    throw new ProtocolException(name + " sent a thread dump that it was not asked for");
                }
                waiting.complete(dump.text());
            }
            case Frame.Goodbye goodbye -> {
                logger.debug("{} says goodbye: {}", name, goodbye.reason());
                requireNonNull(process).hangUp();
            }
            default -> throw worker.notAllowed(frame);
        }
    }

    // Ending

    @Override
    public void kill() {
        WorkerProcess running = process;
        if (running != null) {
            running.kill();
        }
    }

    @Override
    public void terminate() {
        WorkerProcess running = process;
        if (running != null) {
            running.terminate();
        }
    }

    @Override
    public boolean awaitEnd(Duration limit) {
        return requireNonNull(process).awaitExit(limit);
    }

    @Override
    public WorkerDeath examine(boolean isExpected, @Nullable String killedBecause) {
        WorkerProcess dead = requireNonNull(process);
        ExitStatus status = found("its exit status", dead::exitStatus, null);
        if (status == null || status.code() != 0 || !isExpected) {
            attempt("look for what it has started", dead::killOrphans);
        }
        attempt("read the rest of its output", () -> dead.drainOutput(LAST_OUTPUT));
        String stderr = found("its last lines", dead::stderrTail, "");
        String crash = found("its crash log", () -> CrashLog.head(crashLog), "");
        WorkerJournal.LastWords last = found("what it did last", this::lastWords, null);
        boolean outOfMemory = found("why it ended", dead::saidOutOfMemory, false);
        return new WorkerDeath(
                name,
                dead.pid(),
                status == null ? null : status.with(Evidence.of(last, outOfMemory)),
                last,
                killedBecause,
                stderr,
                crash);
    }

    /**
     * Finds something out about a dead worker. That is not worth a call, so without memory, and without success, it is
     * left.
     */
    private <T extends @Nullable Object> T found(String what, Callable<T> source, T otherwise) {
        try {
            return Retry.within(INVESTIGATION, source);
        } catch (Throwable e) {
            logger.failure(Level.WARN, "Cannot find out {} of {}", what, worker, e);
            return otherwise;
        }
    }

    private void attempt(String what, Runnable attempt) {
        try {
            attempt.run();
        } catch (Throwable e) {
            logger.failure(Level.WARN, "While {} was ending: cannot {}", worker, what, e);
        }
    }

    private WorkerJournal.@Nullable LastWords lastWords() throws IOException {
        WorkerJournal.Reader reader = journal;
        return reader == null ? null : reader.lastWords(); // if that is not known, its call counts as begun
    }

    @Override
    public List<Frame> unsent() throws IOException {
        WorkerJournal.Reader reader = journal;
        return reader == null
                ? List.of()
                : FrameChannel.framesIn(reader.held(), options.limits().maxPayloadBytes());
    }

    @Override
    public WorkerDiedException failureToStart(WorkerDeath death, @Nullable Throwable cause, boolean saidHello) {
        return death.ofStart(
                cause, requireNonNull(process).stdoutTail(), saidHello ? "" : Launcher.doubts(options.jvm()));
    }

    @Override
    public void endStrays() {
        var _ = found("how many processes it had", () -> Orphans.kill(mark), 0);
    }

    @Override
    public void ready() {}

    @Override
    public void remove(@Nullable String why) {
        removeFiles();
    }

    private void removeFiles() {
        WorkerJournal.Reader reader = journal;
        if (reader != null) {
            closeQuietly(reader);
        }
        for (Path file : files()) {
            try {
                Files.deleteIfExists(file);
            } catch (DirectoryNotEmptyException e) {
                deleteDirectory(file);
            } catch (IOException e) {
                logger.debug("{} cannot delete {}", name, file, e); // the whole directory goes when the pool does
            }
        }
    }

    private void deleteDirectory(Path directory) {
        try {
            StaleDirectories.delete(directory);
        } catch (IOException e) {
            logger.debug("{} cannot delete {}", name, directory, e);
        }
    }

    private void closeQuietly(AutoCloseable resource) {
        try {
            resource.close();
        } catch (Exception e) {
            logger.debug("{} cannot close {}", name, resource, e);
        }
    }

    @Override
    public void deleteFilesAtExit() {
        files().forEach(PrivateDirectory::deleteAtExit);
    }

    private List<Path> files() {
        return List.of(journalFile, crashLog, argumentFile, socket, ringFile);
    }

    @Override
    public String toString() {
        WorkerProcess running = process;
        return running == null ? "" : running.toString();
    }
}
