package dev.trestle.processpool;

import dev.trestle.processpool.jvm.ProcessMemory;
import dev.trestle.processpool.remote.RemoteWorker;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.ShownText;
import dev.trestle.processpool.wire.WorkerJournal.Exit;
import dev.trestle.processpool.wire.WorkerJournal.LastWords;
import dev.trestle.processpool.wire.WorkerJournal.Progress;
import dev.trestle.processpool.wire.WorkerJournal.Step;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A worker's host that is a member of a cluster, which runs the calls in its own child JVMs. A time limit asks the
 * member for the state of a call. When the member is lost, that state is not known, so a call that was sent to it
 * counts as begun.
 */
final class RemoteHost implements WorkerHost {

    private static final Duration ANSWER = Duration.ofSeconds(1);

    /** A step that no call has: the answer to an inquiry about a call that the member has not, or not any more. */
    private static final Frame.Status NO_ANSWER = new Frame.Status(0, false, Step.NOTHING, 0, "");

    private final Worker worker;
    private final Dispatcher dispatcher;
    private final RemoteWorker remote;
    private final Map<Long, CompletableFuture<Frame.Status>> inquiries = new ConcurrentHashMap<>();

    private volatile boolean started;
    private volatile int places;
    private volatile int ahead;
    private volatile long pid;

    RemoteHost(Worker worker, Dispatcher dispatcher, RemoteWorker remote) {
        this.worker = worker;
        this.dispatcher = dispatcher;
        this.remote = remote;
    }

    // Starting

    @Override
    public Link start() throws IOException {
        RemoteWorker.Connections connections = remote.connect();
        started = true;
        if (worker.isKilled()) {
            remote.disconnect(); // by a thread that found nothing to kill
        }
        return new Link(connections.work(), connections.controls());
    }

    @Override
    public long greet(FrameChannel work) throws IOException {
        Frame.Introduction met = remote.greet(work);
        places = met.places();
        ahead = met.ahead();
        pid = met.pid();
        return dispatcher.timer().nanoTime();
    }

    @Override
    public void ready() {
        remote.ready();
    }

    // Alive

    @Override
    public String name() {
        return remote.name();
    }

    @Override
    public boolean isStarted() {
        return started;
    }

    @Override
    public boolean isAlive() {
        return remote.isConnected();
    }

    @Override
    public long pid() {
        return pid;
    }

    @Override
    public int places() {
        return places;
    }

    @Override
    public int ahead() {
        return ahead;
    }

    @Override
    public @Nullable ProcessMemory memory() {
        return null;
    }

    @Override
    public boolean endsCalls() {
        return true;
    }

    @Override
    public @Nullable Progress progress(long ticket) {
        Frame.Status status = ask(ticket, false);
        if (status == NO_ANSWER) {
            return null;
        }
        if (!status.isKnown()) {
            return new Progress(ticket + 1, Step.NOTHING, 0); // it has answered
        }
        long begun = dispatcher.timer().nanoTime() - status.begunNanos() - worker.helloAt();
        return new Progress(ticket, status.step(), status.begunNanos() < 0 ? 0 : Math.max(1, begun));
    }

    @Override
    public String stackOfCall(long ticket) {
        Frame.Status status = ask(ticket, true);
        return status == NO_ANSWER ? "(it did not answer within " + ANSWER + ")" : ShownText.text(status.stack());
    }

    /** Asks the member for a call, and waits for the answer, for a second at most. */
    private Frame.Status ask(long ticket, boolean withStack) {
        var mine = new CompletableFuture<Frame.Status>();
        inquiries.put(ticket, mine);
        worker.control(new Frame.Inquiry(ticket, withStack));
        try {
            return mine.get(ANSWER.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return NO_ANSWER;
        } catch (InterruptedException | ExecutionException e) {
            throw new AssertionError("A timer's thread is never interrupted, and a status does not fail", e);
        } finally {
            inquiries.remove(ticket, mine);
        }
    }

    @Override
    public void receive(Frame frame) throws IOException {
        switch (frame) {
            case Frame.Status status -> {
                CompletableFuture<Frame.Status> waiting = inquiries.get(status.id());
                if (waiting != null) {
                    waiting.complete(status);
                }
            }
            case Frame.Places(var count) -> dispatcher.placesChanged(worker, Math.max(0, count));
            case Frame.Goodbye _ -> dispatcher.drain(worker);
            default -> throw worker.notAllowed(frame);
        }
    }

    // Ending

    @Override
    public void kill() {
        remote.disconnect();
    }

    @Override
    public void terminate() {
        remote.disconnect();
    }

    @Override
    public void abort() {
        remote.disconnect();
    }

    @Override
    public boolean awaitEnd(Duration limit) {
        remote.disconnect();
        return true;
    }

    @Override
    public WorkerDeath examine(boolean isExpected, @Nullable String killedBecause) {
        var last = new LastWords(worker.inFlight.lastWritten(), Step.RUNNING, Exit.NONE);
        String how = killedBecause == null
                ? remote.farewell()
                : "this program ended the connection because " + killedBecause;
        return WorkerDeath.ofMember(remote.name(), pid, last, how);
    }

    @Override
    public List<Frame> unsent() {
        return List.of();
    }

    @Override
    public WorkerDiedException failureToStart(WorkerDeath death, @Nullable Throwable cause, boolean saidHello) {
        return death.ofMeeting(cause);
    }

    @Override
    public void endStrays() {
        remote.disconnect();
    }

    @Override
    public void remove(@Nullable String why) {
        remote.disconnect();
        remote.gone(why);
    }

    @Override
    public void deleteFilesAtExit() {}

    @Override
    public String toString() {
        return "pid " + pid;
    }
}
