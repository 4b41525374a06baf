package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import dev.trestle.processpool.jvm.Log;
import dev.trestle.processpool.jvm.ProcessMemory;
import dev.trestle.processpool.jvm.Retry;
import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.ProtocolException;
import dev.trestle.processpool.wire.ShownText;
import dev.trestle.processpool.wire.WorkerJournal;
import java.io.EOFException;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;

/**
 * The conversation with a host, such as a child JVM, that runs calls: their frames, and their answers. It is long
 * because the two end together: to kill the host closes its connections, and why a connection failed is found out from
 * the host.
 */
final class Worker {

    /*
     * One thread lives the worker's life: it starts the host, meets it, reads its frames until they end, and finds out
     * how it ended. It is a platform thread, since for every answer it waits in a read, and a virtual one would have
     * two others woken for that. If it takes long to end a call, another goes on in its place: see `Reader`. All
     * decisions, which calls it gets and whether it goes, are the dispatcher's, under the dispatcher's lock; nothing is
     * written and no code of the program is called while that lock is held.
     *
     * Calls are written in the order in which the dispatcher gave them, which their numbers follow, by one thread at a
     * time: the thread that gives a call while no other is writing writes until nothing is left. See `pump`. Other
     * threads write cancellations to a connection of their own, or kill the process. No thread but those of the timer
     * waits until the worker reads: what it has no room for is left to a task, `writing` or `controlling`, and while
     * that is at work others write behind it. To end this worker, a thread kills the process, and everything else
     * follows from its exit: the sockets close, the thread wakes up, reads what is still to be read, and finds out from
     * the worker journal what became of the calls.
     *
     * However an end is asked for, it has a limit after which the process is killed: see `endWithin`. When it is dead,
     * its end reaches the dispatcher, whatever the state of the program: what can be found out about it is left out if
     * there is no memory for it, and the rest is tried until it is done. Nothing needs memory that is done about a
     * worker in that way: its tasks of the timer are made with it.
     */

    private static final Log logger = Log.of(Worker.class);

    /** The worker whose thread this is, for methods that must not wait on it. */
    static final ScopedValue<Worker> CURRENT = ScopedValue.newInstance();

    /** The number of the initializer; those of calls begin at 1. */
    private static final long INITIALIZER = Frame.Call.INITIALIZER;

    /** The time that a process may live without its connection, or a connection without its process. */
    private static final Duration DISCONNECT_GRACE = Duration.ofSeconds(1);

    /** The longest uninterrupted wait of a timer thread for the worker to read; other tasks may be due. */
    private static final Duration ROOM = Duration.ofMillis(100);

    /** The most frames that are read before the answers among them are passed on: a worker has no more calls. */
    private static final int MOST_FRAMES = InFlight.MOST_CALLS;

    /** The least time between two looks at the memory of a worker that answers very short calls. */
    private static final long MEMORY_LOOKS_NANOS = 1_000_000;

    /** The most characters of a worker's text in a message or a line of the log. */
    private static final int MOST_LOGGED = 16 << 10;

    private static final Duration REAP = Duration.ofSeconds(10);

    /** An order of the dispatcher's: the worker's next step. */
    enum Order {
        /** Write the calls that the worker was given, on the thread that gets this order. */
        WRITE,
        /** Wait for a call, or until another thread has written the calls that there are. */
        STAY,
        LEAVE
    }

    /** Guarded by the dispatcher's lock. */
    enum State {
        STARTING,
        IDLE,
        /** The worker has calls, or the thread that took it from the worker set is about to give it some. */
        BUSY,
        /** The worker waits until another worker leaves, to take its place. */
        SPARE,
        /** The worker is being told to end. */
        LEAVING,
        GONE
    }

    private final Dispatcher dispatcher;
    private final PoolOptions options;
    /** A host that knows its name only when it has been met is given another at first. */
    private volatile String name;

    private final WorkerHost host;

    /** Guarded by the dispatcher's lock. */
    final InFlight inFlight;

    /** Guarded by the dispatcher's lock. */
    final KeyHome keyHome = new KeyHome(this);

    // Also guarded by that lock, and changed by the worker set only
    State state = State.STARTING;
    int callsTaken;
    StartBackoff.@Nullable Attempt start;
    long readyAt;
    long idleSince;

    /** True if this worker will soon have run as many calls as it may, or is too old or too large. */
    boolean retiring;

    /** The reason for which this worker retires; null if it does not. */
    @Nullable
    Retirement retiresFor;

    /** The worker that got ready in the place of this one, which retires; null as long as there is none. */
    @Nullable
    Worker replacement;

    /** True if this worker takes no further calls, and leaves when it has answered those that it has. */
    boolean drains;

    /** True if another has taken over from this one, which runs its last calls and has places free. */
    boolean hasHandedOver;

    /** The reason for which this worker was told to leave; null if it was not, or if the pool ended. */
    volatile @Nullable Retirement leavesFor;

    /** The bytes of memory that this worker held at the last look; 0 before the first look. */
    volatile long memory;

    /** True if the thread that was to write to this worker could not. */
    volatile boolean lacksWriter;

    // Written by the worker's thread, which is that of its reader
    private volatile Reader reader = new Reader(this);
    private volatile @Nullable FrameChannel channel;
    private volatile @Nullable FrameChannel controls;
    private volatile boolean ready;
    private volatile boolean exited;

    /** The time at which the worker said hello, by the clock of the timer. */
    private volatile long helloAt;

    /** The answers that have been read and not yet been dealt with; confined to the worker's thread. */
    private final List<Frame.OfCall> answers = new ArrayList<>();

    /**
     * The calls whose futures are being completed, or will be next. Set before the calls leave {@link #inFlight}, and
     * filled under the lock.
     */
    private volatile List<PoolCall<?>> answered = List.of();

    // Confined to the worker's thread: the answers to the calls in `answered`, each at the same index, and the number
    // of them that are done or under way

    private List<Frame.OfCall> theirAnswers = List.of();
    private int begun;

    /** The time of the last look at the memory of this worker after an answer. */
    private long memorySeenAt;

    // Confined to the task of the dispatcher that looks at readers: what this one was ending, and since when

    private @Nullable PoolCall<?> seen;
    private long seenAt;

    /** The call that its reader is to be relieved of, since others wait behind it. */
    private volatile @Nullable PoolCall<?> hurried;

    /** The reason for which the pool killed this worker; null if it did not. */
    private final AtomicReference<@Nullable String> killedBecause = new AtomicReference<>();

    // State for the work that is left when there is no memory
    private final Timer.Task deadline;
    private final Timer.Task disconnecting;
    private final Timer.Task writing;
    private final Timer.Task controlling;
    private final Timer.Task killing;
    private final Timer.Task endTask;
    private final Runnable ending;
    private final BooleanSupplier endsAnswered;
    private volatile @Nullable Throwable failure;

    // Confined to the worker's thread
    private boolean talks = true;
    private boolean saidGoodbye;

    /** True once the worker has said that it cannot continue. */
    private boolean gaveUp;

    private @Nullable Throwable end;
    private @Nullable WorkerDeath death;
    private @Nullable String farewell;
    private CompletionBatches.@Nullable Batch lost;
    private boolean isReported;
    private boolean finished;

    /** Creates a worker whose host is a child process. */
    Worker(Dispatcher dispatcher, PoolOptions options, int number) {
        this(
                dispatcher,
                options,
                options.name() + "-worker-" + number,
                worker -> new ChildProcess(worker, dispatcher, options, number));
    }

    /**
     * @param host makes the host, which is not started yet
     */
    Worker(Dispatcher dispatcher, PoolOptions options, String name, Function<Worker, WorkerHost> host) {
        this.dispatcher = dispatcher;
        this.options = options;
        this.name = name;
        this.host = host.apply(this);
        Timer timer = dispatcher.timer();
        this.inFlight = new InFlight(dispatcher.lock(), timer::nanoTime, this.host.places());
        this.deadline = timer.prepare(this::killLate);
        this.disconnecting = timer.prepare(this::closeConnections);
        this.writing = timer.prepare(this::writeOn);
        this.controlling = timer.prepare(this::controlOn);
        this.killing = timer.prepare(this::killAfterFailure);
        this.endTask = timer.prepare(this::end);
        this.ending = this::endHere;
        this.endsAnswered = this::endAnswered;
    }

    void startThread() {
        reader.start();
    }

    String name() {
        return name;
    }

    Dispatcher dispatcher() {
        return dispatcher;
    }

    /** Returns the id of its process; 0 if there is none yet. */
    long pid() {
        return host.pid();
    }

    // The life of the worker, on its own thread

    /** Reads what the worker sends until it ends, and finishes it, unless the reader is relieved before. */
    void live(Reader self) {
        reader = self;
        try {
            ScopedValue.where(CURRENT, this).run(this::converse);
        } catch (Throwable e) {
            end = e;
            talks = false;
        }
        if (!self.isRelieved()) {
            Retry.untilDone(ending);
        }
        if (self.isRelieved()) {
            dispatcher.cameBack(self);
        }
    }

    private void endHere() {
        ScopedValue.where(CURRENT, this).run(this::end);
    }

    private void converse() {
        try {
            if (!ready && talks) {
                begin();
            }
            boolean mine = endAnswered();
            while (mine && talks) {
                readAnswers(requireNonNull(channel));
                mine = settle();
            }
        } catch (EOFException e) {
            logger.debug("{} has closed its connection: {}", name, e.getMessage());
            talks = false;
        } catch (Throwable e) {
            end = e; // whatever it is, the process must go and its call must end
            talks = false;
        }
    }

    private void begin() throws IOException {
        LateClasses.ensure(); // its end needs them
        start();
        dispatcher.trainLater();
        host.ready();
        follow(dispatcher.ready(this));
    }

    private void start() throws IOException {
        var event = WorkerStartEvent.begun();
        Timer.Task late = dispatcher
                .timer()
                .after(
                        options.limits().startTimeout(),
                        () -> kill("it was not ready within " + options.limits().startTimeout()));
        try {
            meet(host.start());
            initialize();
            ready = true;
        } finally {
            late.cancel();
            event.ended(options.name(), name, pid(), ready);
        }
    }

    private void meet(WorkerHost.Link link) throws IOException {
        var frames = new FrameChannel(link.work(), options.limits().maxPayloadBytes());
        channel = frames;
        controls = FrameChannel.ofControls(link.controls());
        helloAt = host.greet(frames);
        name = host.name();
    }

    /** Notes the end of the host; called on the thread that waits for it. */
    void hostEnded() {
        exited = true;
        disconnecting.in(DISCONNECT_GRACE);
    }

    /** Returns whether the pool has killed this worker, or has tried to before there was anything to kill. */
    boolean isKilled() {
        return killedBecause.get() != null;
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
            case Frame.Failed failed ->
                throw new InitializerFailed(failed.failure().headline(), thrownBy(initializer, failed.failure()));
            case Frame other -> throw new ProtocolException(name + " answered the initializer with " + typeOf(other));
        }
    }

    /**
     * Returns what an initializer has thrown. That runs code of the program, which may take forever: hence a thread of
     * its own, and a stand-in for an exception that is not there in time.
     */
    private Throwable thrownBy(PoolCall<?> initializer, Failure failure) {
        var made = new FutureTask<>(() -> initializer.thrown(failure, name));
        Thread maker = Thread.ofPlatform().name(name + "-initializer").daemon().start(made);
        try {
            return made.get(TimeUnit.NANOSECONDS.convert(options.limits().closeGrace()), TimeUnit.NANOSECONDS);
        } catch (TimeoutException | ExecutionException | InterruptedException e) {
            logger.debug("The exception of the initializer of {} cannot be made: {}", name, maker, e);
            maker.interrupt();
            return new RemoteException(
                    failure,
                    "its constructor has not returned within "
                            + options.limits().closeGrace());
        }
    }

    /**
     * Reads what is there, at least one frame, and not more than a batch: a worker that never stops sending must
     * neither fill the memory nor keep the answers before from being dealt with. Answers are left to {@link #settle}.
     */
    private void readAnswers(FrameChannel frames) throws IOException {
        int left = MOST_FRAMES;
        do {
            Frame frame = frames.read();
            left--;
            if (frame instanceof Frame.Lost && !host.endsCalls()) {
                throw notAllowed(frame);
            }
            if (frame.isAnswer()) {
                answers.add((Frame.OfCall) frame);
            } else {
                handle(frame);
            }
        } while (left > 0 && frames.isNextHere());
    }

    /**
     * Ends the calls that were answered, after it has given the worker other calls, so that the worker is busy in that
     * time. Returns false if the reader was relieved.
     */
    private boolean settle() {
        if (answers.isEmpty()) {
            return true;
        }
        int read = answers.size();
        List<PoolCall<?>> calls = new ArrayList<>(read);
        setAnswered(calls, answers); // before they leave `inFlight`: no other thread can end them
        lookAtMemory();
        try {
            follow(dispatcher.answered(this, answers, calls));
            int strange = read - answers.size();
            if (strange > 0) {
                throw new ProtocolException(name + " answered " + strange
                        + " calls that it was not given, or gave back calls that it was to run");
            }
        } catch (Throwable e) {
            end = e;
            talks = false;
        }
        return endAnswered();
    }

    /** Looks at how much memory it holds, unless that was done just now or is of no interest. Does not throw. */
    private void lookAtMemory() {
        ProcessMemory of = host.memory();
        if (of == null) {
            return;
        }
        long now = dispatcher.timer().nanoTime();
        if (memory != 0 && now - memorySeenAt < MEMORY_LOOKS_NANOS) {
            return;
        }
        memorySeenAt = now;
        try {
            memory = of.bytes(options.limits().recycling().attention());
        } catch (Error e) {
            logger.failure(
                    Level.DEBUG, "Cannot look at the memory of {}{}", name, "", e); // looks again at the next answer
        }
    }

    /**
     * Kills this worker if it, with the processes below it, holds more memory than it may. On the timer's threads.
     *
     * @return the bytes that it may still take; 0 if it is killed
     */
    long killIfTooLarge(long limit) {
        ProcessMemory of = host.memory();
        long used = of == null ? 0 : of.bytes(limit);
        if (used <= limit || killedBecause.get() != null) {
            return Math.max(1, limit - used); // one that is being killed still has memory for a moment
        }
        kill(ProcessMemory.excess(used, limit));
        return 0;
    }

    /** Takes the calls that it had when it died. Called under the dispatcher's lock. Needs no memory. */
    void setRest(List<PoolCall<?>> calls, List<Frame.OfCall> answers, CompletionBatches.Batch others) {
        setAnswered(calls, answers);
        lost = others;
    }

    /** Notes which calls are to be ended next, by {@link #endAnswered}. On the worker's thread. Needs no memory. */
    void setAnswered(List<PoolCall<?>> calls, List<Frame.OfCall> answers) {
        theirAnswers = answers;
        begun = 0;
        answered = calls;
    }

    /**
     * Ends the calls that were answered and of which no reader has begun to end any yet. Returns false if the reader
     * was relieved: then another thread does the rest, and the caller must not touch anything of this worker.
     */
    boolean endAnswered() {
        List<PoolCall<?>> calls = answered;
        Reader self = reader;
        while (begun < calls.size()) {
            PoolCall<?> call = calls.get(begun);
            Frame.OfCall answer = theirAnswers.get(begun);
            begun++;
            var _ = Thread.interrupted(); // a callback may have left it; one that comes now says that the call is over
            self.begin(call);
            try {
                dispatcher.watchReaders();
                call.end(answer, name, dispatcher.hasLostManyReaders());
            } catch (Throwable e) { // the others must end too
                CompletionBatches.endWith(call, e);
            }
            if (!self.end(call)) {
                return false;
            }
        }
        for (PoolCall<?> each : calls) {
            each.flushAnswer();
        }
        answered = List.of();
        theirAnswers = List.of();
        begun = 0;
        if (talks) {
            answers.clear();
        }
        var _ = Thread.interrupted(); // a callback may have left it, and the next read would close the connection
        return true;
    }

    /**
     * Returns how large the answer to the call is that its reader is ending. On the thread that has just relieved it.
     */
    long bytesOfAnswer() {
        return theirAnswers.get(begun - 1) instanceof Frame.Result result
                ? result.payload().size()
                : 0;
    }

    /** Returns whether its reader is ending a call. */
    boolean isReading() {
        return reader.ending() != null;
    }

    /** Returns whether its reader is ending a certain call. */
    boolean isReading(PoolCall<?> call) {
        return reader.ending() == call;
    }

    Reader reader() {
        return reader;
    }

    boolean hasExited() {
        return exited;
    }

    /** Sees to it that its reader is relieved of what it is ending now, at the next look. */
    void hurry() {
        hurried = reader.ending();
    }

    /**
     * Relieves its reader if that is ending a call for long, or one that has been ended by another. By the dispatcher's
     * task only; throws if there can be no thread.
     *
     * @return whether its reader is ending a call
     */
    boolean relieveIfStuck(long now, long patience) {
        Reader current = reader;
        PoolCall<?> call = current.ending();
        if (call != seen) {
            seen = call;
            seenAt = now;
            hurried = call == hurried ? call : null;
        }
        if (call == null) {
            return false;
        }
        if ((now - seenAt >= patience || call.isAbandoned() || call == hurried) && dispatcher.mayRelieve(this, call)) {
            current.startRelief(call);
        }
        return true;
    }

    /** Returns the calls that were answered, and are being ended or will be next. */
    List<PoolCall<?>> answered() {
        return answered;
    }

    /** Returns whether a future is that of a call which was answered, and is being ended or will be next. */
    boolean isEnding(Future<?> future) {
        return answered.stream().anyMatch(call -> call.promise() == future);
    }

    private void handle(Frame frame) throws IOException {
        switch (frame) {
            case Frame.ThreadDump _, Frame.Status _, Frame.Places _ -> host.receive(frame);
            case Frame.Goodbye _ -> {
                if (saidGoodbye) {
                    throw new ProtocolException(name + " said goodbye twice");
                }
                saidGoodbye = true;
                host.receive(frame);
            }
            case Frame.Fatal fatal -> {
                gaveUp = true;
                logger.error(
                        "{} cannot continue: {}",
                        name,
                        ShownText.cut(fatal.failure().stackTraceText(), MOST_LOGGED));
                throw new EOFException("It has said that it cannot continue, and nothing counts after that");
            }
            case Frame.Progress report -> given(report).onProgress(report);
            case Frame.Item item -> given(item).onItem(item);
            case Frame.Result _,
                    Frame.Failed _,
                    Frame.Cancelled _,
                    Frame.Lost _,
                    Frame.Hello _,
                    Frame.Introduction _,
                    Frame.Call _,
                    Frame.StreamCall _,
                    Frame.Credit _,
                    Frame.Cancel _,
                    Frame.TakeBack _,
                    Frame.Inquiry _,
                    Frame.Unshare _,
                    Frame.ThreadDumpRequest _ -> throw notAllowed(frame);
        }
    }

    /** Returns the exception for a frame that this worker may not send, or not now. */
    ProtocolException notAllowed(Frame frame) {
        return new ProtocolException(name + " sent a frame that is not allowed now: " + typeOf(frame));
    }

    /** Returns the call that a frame is about, which the worker must have and must not have answered. */
    private PoolCall<?> given(Frame.OfCall frame) throws ProtocolException {
        PoolCall<?> call = inFlight.find(frame.id());
        if (call == null || hasAnswered(frame.id())) {
            throw new ProtocolException(
                    name + " sent " + typeOf(frame) + " of the call " + frame.id() + ", which it does not run");
        }
        return call;
    }

    /** Returns whether the answer of a call has been read, which may not have been passed on yet. */
    private boolean hasAnswered(long id) {
        return answers.stream().anyMatch(each -> each.id() == id);
    }

    /** Returns what messages call a frame, which may be large, and whose texts may be anything. */
    private static String typeOf(Frame frame) {
        return frame.getClass().getSimpleName();
    }

    // From any thread

    /** Does what the dispatcher has decided. */
    void follow(Order order) {
        switch (order) {
            case WRITE -> writeCalls();
            case STAY -> {}
            case LEAVE -> leave();
        }
    }

    /**
     * Writes the calls that this worker was given. A failure costs the worker: its calls go to other workers.
     */
    void writeCalls() {
        try {
            pump();
        } catch (Throwable e) {
            writeSoon();
        }
    }

    /** Writes what is unwritten, until nothing is, or there is no room for it. */
    private void pump() {
        for (Frame[] calls = inFlight.nextToWrite(); calls.length > 0; calls = inFlight.nextToWrite()) {
            try {
                if (!tryWrite(channel, calls)) {
                    writing.now();
                    return;
                }
            } catch (Throwable e) { // perhaps in the middle of a frame
                killAfter(e);
            }
        }
    }

    /** Goes on with what {@link #pump} had no room for, or could not do. On the timer's threads. */
    private void writeOn() {
        if (sendOn(channel)) {
            pump();
        } else {
            writing.now();
        }
    }

    private void controlOn() {
        if (!sendOn(controls)) {
            controlling.now();
        }
    }

    /**
     * Sends what is left to send, and waits a while until the worker reads; returns false if something is still left.
     */
    private boolean sendOn(@Nullable FrameChannel to) {
        try {
            return to == null || to.sendWithin(ROOM);
        } catch (IOException e) {
            endWithout(e);
        } catch (Throwable e) {
            killAfter(e);
        }
        return true;
    }

    /** Lets a thread of the timer write what is unwritten, since the thread that had to write it could not. */
    void writeSoon() {
        writing.now();
    }

    /** Interrupts a call that was cancelled or is late; kills the worker if the call does not end within the grace. */
    void interrupt(PoolCall<?> unwanted, long ticket) {
        try {
            if (!host.endsCalls()) {
                killIfItGoesOn(unwanted, ticket); // first: a call whose interrupt cannot be sent ends all the same
            }
        } catch (Error e) {
            killSoon(e);
            throw e;
        }
        control(Frame.Cancel.interrupting(ticket));
    }

    /** Cancels a call without an interrupt; the worker drops a call that has not begun. */
    void requestCancel(long ticket) {
        control(Frame.Cancel.withoutInterrupt(ticket));
    }

    private void killIfItGoesOn(PoolCall<?> unwanted, long ticket) {
        var _ = dispatcher.timer().after(options.limits().cancelGrace(), () -> {
            if (inFlight.isRunning(ticket) && !isGettingReady(ticket)) {
                kill(unwanted.description() + " ran for another "
                        + options.limits().cancelGrace() + " after it had been interrupted");
            } else if (inFlight.find(ticket) != null) {
                killIfItGoesOn(unwanted, ticket); // one in front of it does not end either, or it has not begun
            }
        });
    }

    /** Returns what the worker is doing with a call; null if that is not known. */
    WorkerJournal.@Nullable Progress progress(long ticket) {
        return host.progress(ticket);
    }

    /** Returns when the worker said hello, which it counts the time from. */
    long helloAt() {
        return helloAt;
    }

    /**
     * Returns whether no call of this worker has begun, or it sets up what it needs to write a result, so that what its
     * call takes may be the setup of this worker: what is only cold cannot react to an interrupt. It has as much time
     * for that as for its start.
     */
    private boolean isGettingReady(long ticket) {
        WorkerJournal.Progress progress = progress(ticket);
        return progress != null
                && (progress.begunNanos() == 0 || progress.step() == WorkerJournal.Step.SETTING_UP)
                && dispatcher.timer().nanoTime() - helloAt
                        < TimeUnit.NANOSECONDS.convert(options.limits().startTimeout());
    }

    /** Allows a stream to send further items. */
    void credit(long ticket, long bytes) {
        control(new Frame.Credit(ticket, bytes));
    }

    /** Returns the number of calls that the host runs at the same time, when it has introduced itself. */
    int places() {
        return host.places();
    }

    /** Returns the number of calls that may wait at the host behind those that run. */
    int ahead() {
        return host.ahead();
    }

    /** Returns whether the host may give back calls that it was not asked for. */
    boolean givesBack() {
        return host.endsCalls();
    }

    /** Returns whether the dispatcher has told this worker to end. Takes the dispatcher's lock. */
    private boolean isLeaving() {
        dispatcher.lock().lock();
        try {
            return state == State.LEAVING;
        } finally {
            dispatcher.lock().unlock();
        }
    }

    /** Asks for calls that have not begun. The worker answers each call that it gives back with Cancelled. */
    void takeBack(List<Long> tickets) {
        control(tickets.stream().map(Frame.TakeBack::new).toArray(Frame[]::new));
    }

    /** Tells the worker to unmap a shared array that no call names any more. */
    void unshare(long array) {
        control(new Frame.Unshare(array));
    }

    /** Tells the worker to end in order; if it does not, it is killed. */
    void leave() {
        if (leavesFor == Retirement.AGE || leavesFor == Retirement.RESIDENT) {
            logger.info("{} is replaced: {}", name, retirement());
        } else if (leavesFor != null) {
            logger.debug("{} ends: {}", name, retirement());
        }
        endWithin(options.limits().closeGrace());
        try {
            control(new Frame.Goodbye("no more calls"));
            if (!tryWrite(channel, new Frame.Goodbye("no more calls"))) {
                writing.now(); // it has no calls, so no other thread writes
            }
        } catch (Throwable e) {
            killAfter(e);
        }
    }

    /** Returns why it was told to leave, as a sentence without its end; empty if it was not. */
    private String retirement() {
        Retirement why = leavesFor;
        if (why == null) {
            return "";
        }
        PoolOptions.Limits limits = options.limits();
        return switch (why) {
            case CALLS -> "it had run as many calls as it may, " + limits.maxTasksPerWorker() + " (maxTasksPerWorker)";
            case AGE -> "it was older than " + limits.recycling().maxAge().orElseThrow() + " (maxAge)";
            case RESIDENT ->
                "it held " + ProcessMemory.mebibytes(memory) + " after a call, more than "
                        + ProcessMemory.mebibytes(limits.recycling().attention())
                        + (limits.recycling().maxResident().isPresent() ? " (maxResident)" : " (memoryLimit)");
            case IDLE -> "it had had no call for " + options.idleTime().orElseThrow() + " (idleTime)";
            case DRAINED -> "it takes no further calls";
        };
    }

    /** Sees to it that this worker is killed if it has not ended within a time, or within one that was set before. */
    void endWithin(Duration grace) {
        deadline.within(grace);
    }

    private void killLate() {
        kill("it had not ended " + options.limits().closeGrace() + " after it was told to");
    }

    /** Returns the stack of a call that runs. Waits for it, for a second at most. */
    String stackOfCall(long ticket) {
        return controls == null ? "(it is not connected)" : host.stackOfCall(ticket);
    }

    /** Tells the worker something that must not wait for the calls that it has. */
    void control(Frame... frames) {
        if (!tryWrite(controls, frames)) {
            controlling.now();
        }
    }

    /**
     * Writes to the worker, without waiting, and sees to it that the worker ends if that fails. Returns false if
     * something is left, for which there is no room now.
     */
    private boolean tryWrite(@Nullable FrameChannel to, Frame... frames) {
        if (to == null) {
            return true; // it is starting, and is ended by killing it
        }
        try {
            return to.tryWrite(frames);
        } catch (IOException e) {
            endWithout(e);
            return true;
        }
    }

    private void endWithout(IOException connection) {
        logger.debug("{} cannot be reached", name, connection);
        kill("its connection failed: " + connection);
    }

    /** Ends the process, at once, and what it started. Does nothing if it is dead. */
    void kill(String because) {
        if (!host.isStarted()) {
            killedBecause.compareAndSet(null, because); // the start looks at it when there is something to kill
            if (!host.isStarted()) {
                return;
            }
        }
        if (host.isAlive()) {
            killedBecause.compareAndSet(null, because);
            host.kill();
        }
        disconnecting.within(DISCONNECT_GRACE); // what it started may hold the connection
    }

    /** Asks the process to end, as {@code kill} does; if it has not ended after a time, it is killed. */
    void terminate(String because) {
        endWithin(options.limits().closeGrace());
        if (host.isStarted()) {
            killedBecause.compareAndSet(null, because);
            host.terminate();
        } else {
            kill(because);
        }
    }

    /** Ends this worker since it is not known what it was told. Does not throw. */
    void killAfter(Throwable why) {
        failure = why;
        try {
            killAfterFailure();
        } catch (Throwable e) {
            killing.now();
        }
    }

    /** Does the same as {@link #killAfter}, for callers that must not wait. Needs no memory. */
    void killSoon(Throwable why) {
        failure = why;
        killing.now();
    }

    private void killAfterFailure() {
        kill("the program could not send it an instruction: " + failure);
    }

    // The end of the worker, on its own thread

    /**
     * Called instead of everything else if its own thread could not start: ends it on one of the timer's. Needs no
     * memory.
     */
    void couldNotStart(Throwable why) {
        end = why;
        endTask.now();
    }

    /** Ends this worker after its process: closes what it holds, and tells the dispatcher. May be called again. */
    private void end() {
        Reader self = reader;
        var _ = Thread.interrupted(); // or nothing in here could wait
        if (!isReported && !endAnswered()) {
            return; // the thread that has relieved this one goes on here
        }
        if (!isReported) {
            if (host.isStarted()) {
                finish();
            } else {
                WorkerDiedException why = neverStarted();
                farewell = why.getMessage();
                dispatcher.startFailed(this, why);
            }
            isReported = true;
        }
        endRest();
        if (!self.isRelieved()) {
            leaveNothing();
        }
    }

    /** Ends the calls that it had answered when it died, and then those that were lost with it. */
    void endRest() {
        if (lost == null) {
            var _ = endAnswered();
        } else {
            lost.endAfter(endsAnswered);
        }
    }

    private void leaveNothing() {
        host.remove(farewell);
        deadline.cancel();
        disconnecting.cancel();
        if (!finished) {
            dispatcher.finished(this);
            finished = true;
        }
    }

    private WorkerDiedException neverStarted() {
        if (end instanceof Error) {
            host.endStrays(); // no memory, perhaps: it may have a process all the same
        }
        return new WorkerDiedException(
                name + " could not be started: " + end, end, 0, null, WorkerDiedException.Phase.STARTING, "");
    }

    private void finish() {
        WorkerDeath known = death;
        if (known == null) {
            known = investigate();
            death = known;
        }
        if (ready) {
            farewell = isLeaving() ? null : known.how();
            dispatcher.died(this, known, answers);
        } else {
            WorkerDiedException why = host.failureToStart(known, end, helloAt != 0);
            farewell = why.getMessage();
            dispatcher.startFailed(this, why);
        }
    }

    /** Sees to it that the host has ended, and finds out what it can. */
    private WorkerDeath investigate() {
        try {
            killIfItsConnectionFailed();
            if (!host.awaitEnd(isLeaving() ? options.limits().closeGrace().plus(DISCONNECT_GRACE) : DISCONNECT_GRACE)) {
                kill(gaveUp ? "it had said that it cannot continue" : "it had closed its connection");
            }
        } catch (Throwable e) { // no memory to say why
            host.kill();
        }
        if (!host.awaitEnd(REAP)) {
            logger.error(
                    "{} ({}) does not end, not even after SIGKILL: it hangs in the kernel."
                            + " Another worker takes its place",
                    name,
                    host);
        }
        WorkerDeath known = host.examine(isLeaving(), killedBecause.get());
        closeConnections();
        attempt("record its end", () -> WorkerEndEvent.record(options.name(), known, retirement()));
        if (ready) {
            attempt("read the answers that it had not sent yet; those calls are lost", this::readLastAnswers);
        } else {
            attempt(
                    "look at its AOT cache",
                    () -> dispatcher.aotCache().distrust(!known.crash().isEmpty()));
        }
        return known;
    }

    private void killIfItsConnectionFailed() {
        if (end instanceof ClosedByInterruptException) {
            kill("its connection failed: something that a callback of a future has left behind interrupted the thread"
                    + " that reads its answers (" + end + ")");
        } else if (end instanceof ProtocolException || (end != null && !(end instanceof IOException))) {
            kill("its connection failed: " + end);
        }
    }

    private interface Attempt {
        void run() throws Exception;
    }

    private void attempt(String what, Attempt attempt) {
        try {
            attempt.run();
        } catch (Throwable e) {
            logger.failure(Level.WARN, "While {} was ending: cannot {}", this, what, e);
        }
    }

    /** Finds the answers that it had not sent yet. */
    private void readLastAnswers() throws IOException {
        if (gaveUp) {
            return;
        }
        for (Frame frame : host.unsent()) {
            if (frame.isAnswer() && !(frame instanceof Frame.Lost)) {
                answers.add((Frame.OfCall) frame);
            } else if (frame instanceof Frame.Item item) {
                PoolCall<?> call = inFlight.find(item.id());
                if (call != null && !hasAnswered(item.id())) { // else it was sent before, or is not allowed
                    call.onItem(item);
                }
            }
        }
    }

    private void closeConnections() {
        host.abort();
        FrameChannel work = channel;
        if (work != null) {
            closeQuietly(work);
        }
        FrameChannel ofControls = controls;
        if (ofControls != null) {
            closeQuietly(ofControls);
        }
    }

    private void closeQuietly(AutoCloseable resource) {
        try {
            resource.close();
        } catch (Exception e) {
            logger.debug("{} cannot close {}", name, resource, e);
        }
    }

    /** Makes the JVM delete the files of this worker at its very end, even files that do not exist yet. */
    void deleteFilesAtExit() {
        host.deleteFilesAtExit();
    }

    @Override
    public String toString() {
        String killed = killedBecause.get();
        return name
                + (host.isStarted() ? " (" + host + ")" : "")
                + (killed == null ? "" : ", which is killed because " + killed);
    }

    /** Carries what the initializer threw from where it is read to where the worker is finished. */
    static final class InitializerFailed extends IllegalStateException {
        private static final long serialVersionUID = 1;

        InitializerFailed(String headline, Throwable thrown) {
            super("The initializer failed: " + headline, thrown);
        }
    }
}
