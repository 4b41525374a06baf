package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import dev.trestle.processpool.wire.FlightRecord;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.ProtocolException;
import dev.trestle.processpool.wire.TwoWayChannel;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A child JVM and the conversation with it. */
final class Worker {

    /*
     * One virtual thread lives the worker's life: it starts the process, meets it, reads its frames until they end, and
     * buries it. All decisions, which call it gets and whether it goes, are the dispatcher's, under the dispatcher's lock;
     * nothing is written and nobody's code is called while that lock is held.
     *
     * Other threads only write calls and cancellations, or kill the process. Whoever wants this worker to end kills the
     * process, and everything else follows from its exit: the sockets close, the thread wakes up, reads what is still to
     * be read, and finds out from the flight record what became of the call.
     */

    private static final Logger logger = LoggerFactory.getLogger(Worker.class);

    /** The worker whose thread this is, for those who must not wait on it. */
    static final ScopedValue<Worker> CURRENT = ScopedValue.newInstance();

    /** The number of the initializer; those of calls begin at 1. */
    private static final long INITIALIZER = 0;

    /** How long a process may live without its connection, and a connection without its process. */
    private static final Duration PARTING = Duration.ofSeconds(1);

    private static final Duration LAST_OUTPUT = Duration.ofMillis(500);
    private static final Duration REAP = Duration.ofSeconds(10);
    private static final Duration THREAD_DUMP = Duration.ofSeconds(1);
    private static final int CRASH_EXCERPT = 2 << 10;

    /** What the dispatcher can tell a worker to do next. */
    sealed interface Order {
        /** Run a call. */
        record Run(PoolCall<?> call) implements Order {}

        /** Wait for a call. */
        record Stay() implements Order {}

        /** End. */
        record Leave() implements Order {}
    }

    /** Guarded by the dispatcher's lock. */
    enum State {
        STARTING,
        IDLE,
        BUSY,
        /** It has been told to end. */
        LEAVING,
        GONE
    }

    private final Dispatcher dispatcher;
    private final PoolOptions options;
    private final String name;
    private final Path flightRecord;
    private final Path crashLog;
    private final Path argumentFile;
    private final Path socket;

    // Guarded by the dispatcher's lock
    State state = State.STARTING;

    @Nullable
    PoolCall<?> call;

    int callsTaken;
    final long startRound;

    // Written by the worker's thread
    private volatile @Nullable WorkerProcess process;
    private volatile @Nullable FrameChannel channel;
    private volatile boolean ready;

    /** Why we killed it, if we did. */
    private final AtomicReference<@Nullable String> killedBecause = new AtomicReference<>();

    private final AtomicReference<@Nullable CompletableFuture<String>> threadDump = new AtomicReference<>();

    Worker(Dispatcher dispatcher, PoolOptions options, int number, long startRound) {
        this.dispatcher = dispatcher;
        this.options = options;
        this.startRound = startRound;
        this.name = options.name() + "-worker-" + number;
        PrivateDirectory directory = dispatcher.directory();
        this.flightRecord = directory.resolve("w" + number + ".record");
        this.crashLog = directory.resolve("w" + number + ".crash");
        this.argumentFile = directory.resolve("w" + number + ".args");
        this.socket = directory.resolve("w" + number + ".sock");
    }

    void startThread() {
        Thread.ofVirtual()
                .name(name)
                .start(() -> ScopedValue.where(CURRENT, this).run(this::live));
    }

    Dispatcher dispatcher() {
        return dispatcher;
    }

    /** Returns the id of its process; 0 if there is none yet. */
    long pid() {
        WorkerProcess running = process;
        return running == null ? 0 : running.pid();
    }

    // Its life, on its own thread

    private void live() {
        Throwable end = null;
        try {
            start();
            follow(dispatcher.ready(this));
            while (true) {
                handle(requireNonNull(channel).read());
            }
        } catch (EOFException e) {
            logger.debug("{} has closed its connection", name);
        } catch (Throwable e) {
            end = e; // whatever it is, the process must go and its call must end
        }
        try {
            bury(end);
        } finally {
            dispatcher.finished();
        }
    }

    private void start() throws IOException {
        Future<?> deadline = dispatcher
                .timer()
                .after(options.startTimeout(), () -> kill("it was not ready after " + options.startTimeout()));
        try (Rendezvous rendezvous = Rendezvous.open(socket)) {
            FlightRecord.create(flightRecord);
            var command = JavaCommand.write(
                    options,
                    argumentFile,
                    crashLog,
                    List.of(rendezvous.address(), flightRecord.toString(), Long.toString(options.maxPayloadBytes())));
            var started = WorkerProcess.start(
                    name,
                    Stream.concat(command.stream(), Stream.of(name)).toList(),
                    options,
                    dispatcher.depth(),
                    dispatcher.linesLost());
            process = started;
            var _ = started.onExit().thenRun(() -> {
                closeQuietly(rendezvous);
                var _ = dispatcher.timer().after(PARTING, this::closeChannel);
            });
            if (killedBecause.get() != null) {
                started.kill(); // by someone who found no process to kill
            }
            greet(started, rendezvous);
            initialize();
            ready = true;
        } finally {
            deadline.cancel(false);
        }
    }

    private void greet(WorkerProcess started, Rendezvous rendezvous) throws IOException {
        started.tell(rendezvous.secret());
        TwoWayChannel sockets = rendezvous.meet();
        var frames = new FrameChannel(sockets, options.maxPayloadBytes());
        channel = frames;
        if (!(frames.read() instanceof Frame.Hello hello)) {
            throw new ProtocolException(name + " did not say hello first");
        }
        if (hello.protocolVersion() != FrameChannel.PROTOCOL_VERSION) {
            throw new ProtocolException(
                    name + " speaks version " + hello.protocolVersion() + " of the protocol, this program "
                            + FrameChannel.PROTOCOL_VERSION + ": its class path has another version of Trestle");
        }
        logger.debug("{} is {} on Java {}", name, hello, hello.javaVersion());
    }

    private void initialize() throws IOException {
        PoolCall<?> initializer = dispatcher.initializer();
        if (initializer == null) {
            return;
        }
        var frames = requireNonNull(channel);
        frames.write(new Frame.Call(INITIALIZER, initializer.frame().payload()));
        switch (frames.read()) {
            case Frame.Result _ -> {}
            case Frame.Failed failed -> throw new InitializerFailed(initializer.thrown(failed.failure(), name));
            case Frame other -> throw new ProtocolException(name + " answered the initializer with " + other);
        }
    }

    private void handle(Frame frame) throws IOException {
        switch (frame) {
            case Frame.Result result -> {
                PoolCall<?> ended = ended(result.id());
                follow(dispatcher.ended(this)); // first, so that the worker is busy while the result is decoded
                ended.succeed(result.payload());
            }
            case Frame.Failed failed -> {
                PoolCall<?> ended = ended(failed.id());
                follow(dispatcher.ended(this));
                ended.fail(failed.phase(), failed.failure(), name);
            }
            case Frame.Cancelled cancelled -> {
                ended(cancelled.id());
                follow(dispatcher.ended(this));
            }
            case Frame.ThreadDump dump -> {
                CompletableFuture<String> waiting = threadDump.getAndSet(null);
                if (waiting != null) {
                    waiting.complete(dump.text());
                }
            }
            case Frame.Goodbye goodbye -> {
                logger.debug("{} says goodbye: {}", name, goodbye.reason());
                requireNonNull(process).hangUp();
            }
            case Frame.Fatal fatal ->
                logger.error("{} cannot go on: {}", name, fatal.failure().stackTraceText());
            case Frame.Started _, Frame.Progress _ -> {} // nobody listens yet
            case Frame.Hello _,
                    Frame.Ready _,
                    Frame.StartupFailed _,
                    Frame.Call _,
                    Frame.Cancel _,
                    Frame.ThreadDumpRequest _ ->
                throw new ProtocolException(name + " sent a frame that makes no sense now: " + frame);
        }
    }

    private PoolCall<?> ended(long id) throws IOException {
        PoolCall<?> current = dispatcher.callOf(this);
        if (current == null || current.id() != id) {
            throw new ProtocolException(name + " answered call " + id + ", which it was not given; it has " + current);
        }
        current.endDeadline();
        return current;
    }

    private void follow(Order order) {
        switch (order) {
            case Order.Run(var next) -> send(next);
            case Order.Stay() -> {}
            case Order.Leave() -> leave();
        }
    }

    // From any thread

    /** Sends a call that the dispatcher has given to this worker. */
    void send(PoolCall<?> next) {
        next.timeout().ifPresent(limit -> next.deadline(dispatcher.timer().after(limit, () -> timeOut(next, limit))));
        if (write(next.frame()) && !next.delivered()) {
            interrupt(next);
        }
    }

    /** Interrupts a call that nobody wants any more; if it does not end then, so does the worker. */
    void interrupt(PoolCall<?> unwanted) {
        write(new Frame.Cancel(unwanted.id()));
        var _ = dispatcher.timer().after(options.cancelGrace(), () -> {
            if (dispatcher.callOf(this) == unwanted) {
                kill(unwanted.description() + " went on for " + options.cancelGrace()
                        + " after it had been interrupted");
            }
        });
    }

    /** Tells the worker to end in order; if it does not, it is killed. */
    void leave() {
        write(new Frame.Goodbye("no more calls"));
        var _ = dispatcher
                .timer()
                .after(
                        options.closeGrace(),
                        () -> kill("it had not ended " + options.closeGrace() + " after it was told to"));
    }

    private void timeOut(PoolCall<?> late, Duration limit) {
        if (dispatcher.callOf(this) != late || late.promise().isDone()) {
            return;
        }
        String dump = requestThreadDump();
        logger.debug("{} when {} was late:\n{}", name, late, dump);
        if (late.promise()
                .trySetException(new TimeoutException(late.description() + " ran longer than " + limit + " in " + this
                        + "; it is being interrupted, and the worker killed if that does not end it within "
                        + options.cancelGrace() + ". It was here:\n" + firstThread(dump)))) {
            if (late.mayBeInterruptedNow()) {
                interrupt(late);
            }
        }
    }

    private String requestThreadDump() {
        var mine = new CompletableFuture<String>();
        CompletableFuture<String> asked = threadDump.compareAndExchange(null, mine);
        if (asked == null) {
            asked = mine;
            write(new Frame.ThreadDumpRequest());
        }
        try {
            return asked.get(THREAD_DUMP.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return "(it did not answer within " + THREAD_DUMP + ")";
        } catch (InterruptedException | ExecutionException e) {
            throw new AssertionError("Nobody interrupts a timer's thread, and a dump does not fail", e);
        }
    }

    /** The worker puts the thread that runs the calls first. */
    private static String firstThread(String dump) {
        int second = dump.indexOf("\n\"");
        return second < 0 ? dump : dump.substring(0, second);
    }

    /** Writes to the worker; returns false, and sees to it that the worker ends, if that fails. */
    private boolean write(Frame frame) {
        FrameChannel frames = channel;
        if (frames == null) {
            return false;
        }
        try {
            frames.write(frame);
            return true;
        } catch (IOException e) {
            logger.debug("{} cannot be reached", name, e);
            kill("its connection broke: " + e);
            return false;
        }
    }

    /** Ends the process, at once, and what it started. Does nothing if it is dead. */
    void kill(String because) {
        WorkerProcess victim = process;
        if (victim == null) {
            killedBecause.compareAndSet(null, because); // start() looks at it when there is a process
            victim = process;
        }
        if (victim != null && victim.isAlive()) {
            killedBecause.compareAndSet(null, because);
            victim.kill();
        }
    }

    /** Asks the process to end, as {@code kill} does. */
    void terminate(String because) {
        WorkerProcess victim = process;
        if (victim == null) {
            kill(because);
        } else {
            killedBecause.compareAndSet(null, because);
            victim.terminate();
        }
    }

    // Its end, on its own thread

    private void bury(@Nullable Throwable end) {
        WorkerProcess dead = process;
        if (dead == null) {
            dispatcher.startFailed(
                    this,
                    new WorkerDiedException(
                            name + " could not be started: " + end,
                            end,
                            0,
                            null,
                            WorkerDiedException.Phase.STARTING,
                            ""));
            removeFiles();
            return;
        }
        if (end instanceof ProtocolException || (end != null && !(end instanceof IOException))) {
            kill("its conversation failed: " + end);
        }
        if (!dead.awaitExit(dispatcher.isLeaving(this) ? options.closeGrace().plus(PARTING) : PARTING)) {
            kill("it had closed its connection");
        }
        ExitStatus exit = dead.awaitExit(REAP) ? dead.exitStatus() : null;
        if (exit == null) {
            logger.error(
                    "{} ({}) does not end, not even by SIGKILL: it hangs in the kernel. Its place is given away",
                    name,
                    dead);
        }
        dead.drainOutput(LAST_OUTPUT);
        closeChannel();
        var obituary =
                new Obituary(name, dead.pid(), exit, lastWords(), killedBecause.get(), dead.stderrTail(), crash());
        if (ready) {
            dispatcher.died(this, obituary);
        } else {
            dispatcher.startFailed(this, obituary.ofStart(end));
        }
        removeFiles();
    }

    private FlightRecord.@Nullable LastWords lastWords() {
        try {
            return FlightRecord.read(flightRecord);
        } catch (NoSuchFileException e) {
            return null; // the program ends, and its hook was faster
        } catch (IOException e) {
            logger.warn("What {} did last is not known, so its call counts as begun", name, e);
            return null;
        }
    }

    /** Returns the head of the JVM's crash log, if it left one. */
    private String crash() {
        if (!Files.exists(crashLog)) {
            return "";
        }
        try (var lines = Files.lines(crashLog)) {
            var excerpt = new StringBuilder();
            lines.filter(line -> !line.isBlank() && !line.equals("#"))
                    .takeWhile(_ -> excerpt.length() < CRASH_EXCERPT)
                    .forEach(line -> excerpt.append(line).append('\n'));
            return excerpt.toString();
        } catch (IOException | UncheckedIOException e) {
            return "(its crash log cannot be read: " + e + ")";
        }
    }

    private void closeChannel() {
        FrameChannel frames = channel;
        if (frames != null) {
            closeQuietly(frames);
        }
    }

    private void closeQuietly(AutoCloseable resource) {
        try {
            resource.close();
        } catch (Exception e) {
            logger.debug("{} cannot close {}", name, resource, e);
        }
    }

    private void removeFiles() {
        for (Path file : List.of(flightRecord, crashLog, argumentFile, socket)) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                logger.debug("{} cannot delete {}", name, file, e); // the whole directory goes when the pool does
            }
        }
    }

    @Override
    public String toString() {
        WorkerProcess running = process;
        return name + (running == null ? "" : " (" + running + ")");
    }

    /** Carries what the initializer threw from where it is read to where the worker is buried. */
    static final class InitializerFailed extends IllegalStateException {
        private static final long serialVersionUID = 1;

        InitializerFailed(Throwable thrown) {
            super("The initializer failed: " + thrown, thrown);
        }
    }
}
