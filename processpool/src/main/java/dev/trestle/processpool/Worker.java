package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import dev.trestle.processpool.wire.FlightRecord;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.ProtocolException;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
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

/**
 * A child JVM and the conversation with it. It is long because the two end together: who kills the process ends the
 * conversation, and what went wrong in the conversation is found out from the process.
 */
final class Worker {

    /*
     * One thread lives the worker's life: it starts the process, meets it, reads its frames until they end, and buries it.
     * It is a platform thread, since for every answer it waits in a read, and a virtual one would have two others woken
     * for that. All decisions, which calls it gets and whether it goes, are the dispatcher's, under the dispatcher's lock;
     * nothing is written and nobody's code is called while that lock is held.
     *
     * Calls are written in the order in which the dispatcher gave them, which their numbers follow, by one thread at a
     * time: whoever gives a call while nobody is writing writes until there is nothing to write. See `pump`. Other threads
     * write cancellations to a connection of their own, or kill the process. Whoever wants this worker to end kills the
     * process, and everything else follows from its exit: the sockets close, the thread wakes up, reads what is still to
     * be read, and finds out from the flight record what became of the calls.
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
        /**
         * Run calls.
         *
         * @param begins the call that begins now; null if it has begun before
         * @param write whether there are calls to write, by the thread that gets this order
         */
        record Run(@Nullable PoolCall<?> begins, boolean write) implements Order {}

        /** Wait for a call. */
        record Stay() implements Order {}

        /** End. */
        record Leave() implements Order {}
    }

    /** Guarded by the dispatcher's lock. */
    enum State {
        STARTING,
        IDLE,
        /** It has calls, or whoever took it from the crew is about to give it some. */
        BUSY,
        /** It waits until another leaves, to take its place. */
        SPARE,
        /** It is being told to end. */
        LEAVING,
        GONE
    }

    private final Dispatcher dispatcher;
    private final PoolOptions options;
    private final String name;
    private final String mark;
    private final Path flightRecord;
    private final Path crashLog;
    private final Path argumentFile;
    private final Path socket;

    /** Guarded by the dispatcher's lock. */
    final Load load = new Load();

    // Also guarded by that lock, and changed by the crew only
    State state = State.STARTING;
    int callsTaken;
    Starts.@Nullable Attempt start;
    long readyAt;
    long idleSince;

    /** Whether it will soon have run as many calls as it may. */
    boolean retiring;

    // Written by the worker's thread
    private volatile @Nullable WorkerProcess process;
    private volatile @Nullable FrameChannel channel;
    private volatile @Nullable FrameChannel controls;
    private volatile boolean ready;

    /** What has been read and not yet been dealt with; confined to the worker's thread. */
    private final List<Frame.OfCall> answers = new ArrayList<>();

    /** The calls whose futures are being completed, or will next. Set before they leave the load, and filled under the lock. */
    private volatile List<PoolCall<?>> ending = List.of();

    /** Why we killed it, if we did. */
    private final AtomicReference<@Nullable String> killedBecause = new AtomicReference<>();

    private final AtomicReference<@Nullable CompletableFuture<String>> threadDump = new AtomicReference<>();

    Worker(Dispatcher dispatcher, PoolOptions options, int number) {
        this.dispatcher = dispatcher;
        this.options = options;
        this.name = options.name() + "-worker-" + number;
        PrivateDirectory directory = dispatcher.directory();
        this.mark = directory.path().getFileName() + "/w" + number;
        this.flightRecord = directory.resolve("w" + number + ".record");
        this.crashLog = directory.resolve("w" + number + ".crash");
        this.argumentFile = directory.resolve("w" + number + ".args");
        this.socket = directory.resolve("w" + number + ".sock");
    }

    void startThread() {
        Thread.ofPlatform()
                .name(name)
                .daemon()
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
            try (var _ = FileHandles.reserve()) {
                start();
            }
            dispatcher.trainLater();
            follow(dispatcher.ready(this));
            while (true) {
                readAnswers(requireNonNull(channel));
                settle();
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
        dispatcher.directory().ensure();
        var event = WorkerStartEvent.begun();
        Future<?> deadline = dispatcher
                .timer()
                .after(options.startTimeout(), () -> kill("it was not ready after " + options.startTimeout()));
        try (Rendezvous rendezvous = Rendezvous.open(socket)) {
            FlightRecord.create(flightRecord);
            var command = JavaCommand.write(
                    options,
                    argumentFile,
                    Stream.concat(
                                    Stream.of("-XX:ErrorFile="
                                            + crashLog.toString().replace("%", "%%")),
                                    dispatcher.aotCache().arguments().stream())
                            .toList(),
                    List.of(rendezvous.address(), flightRecord.toString(), Long.toString(options.maxPayloadBytes())));
            var started = WorkerProcess.start(
                    name,
                    mark,
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
            event.ended(options.name(), name, pid(), ready);
        }
    }

    private void greet(WorkerProcess started, Rendezvous rendezvous) throws IOException {
        started.tell(rendezvous.secret());
        Rendezvous.Met sockets = rendezvous.meet();
        var frames = new FrameChannel(sockets.work(), options.maxPayloadBytes());
        channel = frames;
        controls = FrameChannel.ofControls(sockets.controls());
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
        frames.write(new Frame.Call(INITIALIZER, initializer.payload()));
        switch (frames.read()) {
            case Frame.Result _ -> {}
            case Frame.Failed failed -> throw new InitializerFailed(initializer.thrown(failed.failure(), name));
            case Frame other -> throw new ProtocolException(name + " answered the initializer with " + other);
        }
    }

    /** Reads what is there, at least one frame. Answers are left to {@link #settle}. */
    private void readAnswers(FrameChannel frames) throws IOException {
        do {
            Frame frame = frames.read();
            if (frame instanceof Frame.Result || frame instanceof Frame.Failed || frame instanceof Frame.Cancelled) {
                answers.add((Frame.OfCall) frame);
            } else {
                handle(frame);
            }
        } while (frames.isNextHere());
    }

    /** Ends the calls that were answered; but first the worker gets others, so that it is busy meanwhile. */
    private void settle() throws ProtocolException {
        if (answers.isEmpty()) {
            return;
        }
        int read = answers.size();
        List<PoolCall<?>> calls = new ArrayList<>(read);
        ending = calls;
        try {
            follow(dispatcher.answered(this, answers, calls));
        } finally {
            end(calls, answers); // whatever happened, nobody else can
        }
        int strange = read - answers.size();
        answers.clear();
        var _ = Thread.interrupted(); // a callback may have left it, and the next read would close the connection
        if (strange > 0) {
            throw new ProtocolException(name + " answered " + strange + " calls that it was not given");
        }
    }

    /** Ends calls; each has its answer at the same index. On the worker's thread. */
    void end(List<PoolCall<?>> calls, List<Frame.OfCall> answers) {
        ending = calls;
        for (int i = 0; i < calls.size(); i++) {
            calls.get(i).end(answers.get(i), name);
        }
        ending = List.of();
    }

    /** Returns whether a future is that of a call which was answered, and is being ended or will be next. */
    boolean isEnding(Future<?> future) {
        return ending.stream().anyMatch(call -> call.promise() == future);
    }

    private void handle(Frame frame) throws IOException {
        switch (frame) {
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
            case Frame.Progress report -> {
                PoolCall<?> call = dispatcher.callOf(this, report.id());
                if (call != null) {
                    call.hear(report);
                }
            }
            case Frame.Item item -> deliver(item);
            case Frame.Started _ -> {} // the flight record tells
            case Frame.Result _,
                    Frame.Failed _,
                    Frame.Cancelled _,
                    Frame.Hello _,
                    Frame.Ready _,
                    Frame.StartupFailed _,
                    Frame.Call _,
                    Frame.StreamCall _,
                    Frame.Credit _,
                    Frame.Cancel _,
                    Frame.TakeBack _,
                    Frame.ThreadDumpRequest _ ->
                throw new ProtocolException(name + " sent a frame that makes no sense now: " + frame);
        }
    }

    private void deliver(Frame.Item item) throws ProtocolException {
        PoolCall<?> call = dispatcher.callOf(this, item.id());
        if (call != null) {
            call.deliver(item);
        }
    }

    // From any thread

    /** Does what the dispatcher has decided. */
    void follow(Order order) {
        switch (order) {
            case Order.Run(var begins, var write) -> run(begins, write);
            case Order.Stay() -> {}
            case Order.Leave() -> leave();
        }
    }

    /**
     * Does what there is to do when the dispatcher has given calls to this worker.
     *
     * @param begins the call that begins now, if there is one
     * @param write whether to write what is unwritten
     */
    void run(@Nullable PoolCall<?> begins, boolean write) {
        if (begins != null) {
            begins.timeout().ifPresent(limit -> {
                begins.deadline(dispatcher.timer().after(limit, () -> timeOut(begins, limit)));
                if (!dispatcher.isRunning(this, begins)) {
                    begins.endDeadline(); // it was answered meanwhile
                }
            });
        }
        if (write) {
            pump();
        }
    }

    /** Writes what is unwritten, until nothing is. */
    private void pump() {
        for (Frame[] calls = dispatcher.nextToWrite(this); calls.length > 0; calls = dispatcher.nextToWrite(this)) {
            write(channel, calls);
        }
    }

    /** Interrupts a call that nobody wants any more; if it does not end then, so does the worker. */
    void interrupt(PoolCall<?> unwanted, long ticket) {
        write(controls, new Frame.Cancel(ticket, true));
        killIfItGoesOn(unwanted, ticket);
    }

    /** Tells a call that nobody wants it any more; one that has not begun is dropped. */
    void tell(long ticket) {
        write(controls, new Frame.Cancel(ticket, false));
    }

    private void killIfItGoesOn(PoolCall<?> unwanted, long ticket) {
        var _ = dispatcher.timer().after(options.cancelGrace(), () -> {
            if (dispatcher.isRunning(this, unwanted)) {
                kill(unwanted.description() + " went on for " + options.cancelGrace()
                        + " after it had been interrupted");
            } else if (dispatcher.has(this, unwanted, ticket)) {
                killIfItGoesOn(unwanted, ticket); // one in front of it does not end either
            }
        });
    }

    /** Lets a stream send further items. */
    void credit(long ticket, long bytes) {
        write(controls, new Frame.Credit(ticket, bytes));
    }

    /** Asks for calls that have not begun. Those that it gives back it answers with Cancelled. */
    void takeBack(List<Long> tickets) {
        write(controls, tickets.stream().map(Frame.TakeBack::new).toArray(Frame[]::new));
    }

    /** Tells the worker to end in order; if it does not, it is killed. */
    void leave() {
        write(controls, new Frame.Goodbye("no more calls"));
        write(channel, new Frame.Goodbye("no more calls"));
        var _ = dispatcher
                .timer()
                .after(
                        options.closeGrace(),
                        () -> kill("it had not ended " + options.closeGrace() + " after it was told to"));
    }

    private void timeOut(PoolCall<?> late, Duration limit) {
        if (!dispatcher.isRunning(this, late) || late.promise().isDone()) {
            return;
        }
        String dump = requestThreadDump();
        logger.debug("{} when {} was late:\n{}", name, late, dump);
        late.expire(new TimeoutException(late.description() + " ran longer than " + limit + " in " + this
                + "; it is being interrupted, and the worker killed if that does not end it within "
                + options.cancelGrace() + ". It was here:\n" + firstThread(dump)));
    }

    private String requestThreadDump() {
        var mine = new CompletableFuture<String>();
        CompletableFuture<String> asked = threadDump.compareAndExchange(null, mine);
        if (asked == null) {
            asked = mine;
            write(controls, new Frame.ThreadDumpRequest());
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

    /** Writes to the worker; sees to it that the worker ends if that fails. */
    private void write(@Nullable FrameChannel to, Frame... frames) {
        if (to == null) {
            return; // it is starting, and whoever wants it to end kills it
        }
        try {
            to.write(frames);
        } catch (IOException e) {
            logger.debug("{} cannot be reached", name, e);
            kill("its connection broke: " + e);
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

    /** Called instead of everything else, on a thread that has nothing to do with it, if its own could not start. */
    void wasNeverBorn(Throwable why) {
        try {
            bury(why);
        } finally {
            dispatcher.finished();
        }
    }

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
        var _ = Thread.interrupted(); // or nothing in here could wait
        if (end instanceof ClosedByInterruptException) {
            kill("its conversation failed: something that a callback of a future has left behind interrupted the thread"
                    + " that reads its answers (" + end + ")");
        } else if (end instanceof ProtocolException || (end != null && !(end instanceof IOException))) {
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
        if (exit == null || exit.code() != 0 || !dispatcher.isLeaving(this)) {
            dead.killOrphans();
        }
        dead.drainOutput(LAST_OUTPUT);
        closeChannel();
        var obituary =
                new Obituary(name, dead.pid(), exit, lastWords(), killedBecause.get(), dead.stderrTail(), crash());
        WorkerEndEvent.record(options.name(), obituary);
        if (ready) {
            readLastAnswers();
            dispatcher.died(this, obituary, answers);
        } else {
            dispatcher.aotCache().distrust(!obituary.crash().isEmpty());
            dispatcher.startFailed(this, obituary.ofStart(end, dead.stdoutTail()));
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

    /** Finds the answers that it had not sent yet. */
    private void readLastAnswers() {
        try {
            for (Frame frame : FrameChannel.framesIn(FlightRecord.readHeld(flightRecord), options.maxPayloadBytes())) {
                if (frame instanceof Frame.Result || frame instanceof Frame.Failed) {
                    answers.add((Frame.OfCall) frame);
                } else if (frame instanceof Frame.Item item) {
                    deliver(item);
                }
            }
        } catch (NoSuchFileException e) {
            logger.debug("{} has left no answers: the program ends, and its hook was faster", name);
        } catch (IOException e) {
            logger.warn("The answers that {} had not sent yet cannot be read; those calls are lost", name, e);
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
        for (FrameChannel each : new @Nullable FrameChannel[] {channel, controls}) {
            if (each != null) {
                closeQuietly(each);
            }
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
