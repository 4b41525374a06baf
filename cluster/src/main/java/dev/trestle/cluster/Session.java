package dev.trestle.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.processpool.remote.CallIntake;
import dev.trestle.processpool.remote.ForeignCall;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.ProtocolException;
import dev.trestle.processpool.wire.WorkerJournal.Step;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A member's conversation with one client: takes the client's calls, and sends their answers. */
final class Session {

    /*
     * One thread reads the calls, a second one the frames that must not wait behind a call. Answers come from the
     * threads of the member's pool that read the workers' answers; they write what there is room for, and leave the
     * rest to a thread that exists only while the client does not read. The frames that wait for that are bounded: a
     * client has as many calls here as it has places, and a stream as many items as it has credit.
     *
     * A call never waits here. It begins at once, or it is given back, and the client's queue has it again: then it is
     * known that it has not begun. A client whose calls were given back is told when there is a place. See
     * docs/adr/0501.
     */

    private static final Logger logger = LoggerFactory.getLogger(Session.class);

    private static final Duration ROOM = Duration.ofSeconds(1);

    /** The time limit for the introduction of a client that has connected. */
    private static final Duration GREETING = Duration.ofSeconds(30);

    private final ClusterMember member;
    private final CallIntake intake;
    private final ConnectionPair pair;
    private final FrameChannel work;
    private final FrameChannel controls;
    private final String name;
    private final Map<Long, Taken> calls = new ConcurrentHashMap<>();
    private final AtomicBoolean writing = new AtomicBoolean();
    private final AtomicBoolean ended = new AtomicBoolean();
    private final CountDownLatch greeted = new CountDownLatch(1);

    /** The number of calls that the client may have here. */
    @GuardedBy("this")
    private int limit;

    Session(ClusterMember member, CallIntake intake, ConnectionPair pair, long maxPayloadBytes) {
        this.member = member;
        this.intake = intake;
        this.pair = pair;
        this.work = new FrameChannel(pair.work(), maxPayloadBytes);
        this.controls = FrameChannel.ofControls(pair.controls());
        this.name = member.name() + "-for-" + Node.nameOf(pair.peer());
    }

    void start() {
        Thread.ofPlatform().name(name).daemon().start(this::converse);
    }

    /** Returns the number of calls that run here. */
    int running() {
        return calls.size();
    }

    // On its own thread

    private void converse() {
        String reason = "the session has ended";
        try {
            if (greet()) {
                Thread.ofPlatform().name(name + "-controls").daemon().start(this::control);
                Frame frame = work.read();
                while (!(frame instanceof Frame.Goodbye)) {
                    take(frame);
                    frame = work.read();
                }
            }
        } catch (ProtocolException e) {
            logger.warn("{} ends its session: {}", name, e.getMessage());
            reason = String.valueOf(e.getMessage());
        } catch (IOException e) {
            logger.debug("{} has ended: {}", name, e.getMessage());
        } catch (RuntimeException | Error e) {
            logger.error("{} ends its session", name, e);
            reason = "the member failed: " + e;
        } finally {
            end(reason);
        }
    }

    private boolean greet() throws IOException {
        Thread.ofVirtual().name(name + "-greeting").start(this::endIfSilent);
        if (!(work.read() instanceof Frame.Introduction client)) {
            throw new ProtocolException(Node.nameOf(pair.peer()) + " did not introduce itself");
        }
        greeted.countDown();
        String refusal = member.refusal();
        int places = intake.places();
        synchronized (this) {
            limit = places;
        }
        Frame.Introduction own = member.introduction(places, refusal);
        String objection = Identity.objection(client, own);
        if (objection.isEmpty()) {
            logger.info(
                    "{} runs calls of {} on {} (pid {})", member.name(), client.name(), client.host(), client.pid());
        } else {
            logger.warn("{} runs no calls of {} on {}: {}", member.name(), client.name(), client.host(), objection);
        }
        work.write(own); // also to a client that gets no calls, for its message
        return objection.isEmpty();
    }

    private void endIfSilent() {
        try {
            if (!greeted.await(GREETING.toSeconds(), TimeUnit.SECONDS)) {
                end("it did not introduce itself within " + GREETING);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void take(Frame frame) throws IOException {
        switch (frame) {
            case Frame.Call call -> take(call);
            case Frame.StreamCall call -> take(call);
            default ->
                throw new ProtocolException(Node.nameOf(pair.peer()) + " sent a frame that does not belong here: "
                        + frame.getClass().getSimpleName());
        }
    }

    private void take(Frame.OfCall frame) throws IOException {
        var taken = new Taken(frame.id());
        if (calls.putIfAbsent(frame.id(), taken) != null) {
            throw new ProtocolException(Node.nameOf(pair.peer()) + " sent the call " + frame.id() + " twice");
        }
        ForeignCall running = member.isDraining() ? null : intake.offer(frame, taken);
        if (running == null) {
            giveBack(taken);
        } else {
            taken.runs(running);
            if (ended.get()) {
                taken.cancel(true); // another thread has ended this session, and may have missed the call
            }
        }
    }

    /** Gives a call back that would have to wait here. */
    private void giveBack(Taken taken) {
        calls.remove(taken.id);
        if (!member.isDraining()) {
            synchronized (this) {
                limit = Math.min(limit, calls.size());
                send(new Frame.Places(limit));
            }
            member.awaitsPlace(this);
        }
        send(new Frame.Cancelled(taken.id));
    }

    /** Tells the client that it may have more calls here; returns how many more those are. */
    int raise(int by) {
        synchronized (this) {
            int before = limit;
            limit = Math.min(intake.places(), Math.max(limit, calls.size() + by));
            if (limit > before) {
                send(new Frame.Places(limit));
            }
            return limit - before;
        }
    }

    boolean isLimited() {
        synchronized (this) {
            return limit < intake.places();
        }
    }

    /** Asks the client for no further calls, and to say goodbye when it has its answers. */
    void drain() {
        send(new Frame.Goodbye("the member is being drained"));
    }

    // Answers, on threads of the pool

    /** A call of the client's that runs here. */
    private final class Taken implements Consumer<Frame.OfCall> {

        final long id;

        // Guarded by this
        private @Nullable ForeignCall running;
        private boolean cancelled;
        private boolean interrupted;

        private final AtomicBoolean answered = new AtomicBoolean();

        Taken(long id) {
            this.id = id;
        }

        void runs(ForeignCall call) {
            boolean late;
            synchronized (this) {
                running = call;
                late = cancelled;
            }
            if (late) {
                call.cancel(interrupted);
            }
        }

        void cancel(boolean interrupt) {
            ForeignCall call;
            synchronized (this) {
                cancelled = true;
                interrupted |= interrupt;
                call = running;
            }
            if (call != null) {
                call.cancel(interrupt);
            }
        }

        synchronized @Nullable ForeignCall running() {
            return running;
        }

        @Override
        public void accept(Frame.OfCall frame) {
            if (!frame.isAnswer()) {
                send(frame.renumbered(id));
            } else if (!answered.getAndSet(true)) {
                calls.remove(id);
                send(frame.renumbered(id));
                member.placeIsFree();
            }
        }
    }

    /** Writes to the client, without waiting. */
    private void send(Frame... frames) {
        try {
            if (!work.tryWrite(frames) && !writing.getAndSet(true)) {
                Thread.ofVirtual().name(name + "-writer").start(this::writeOn);
            }
        } catch (IOException e) {
            logger.debug("{} cannot write: {}", name, e.getMessage());
            pair.end(String.valueOf(e.getMessage()));
        }
    }

    private void writeOn() {
        try {
            do {
                while (!work.sendWithin(ROOM)) {
                    logger.debug("{} waits until its client reads", name);
                }
                writing.set(false);
            } while (!work.tryWrite() && !writing.getAndSet(true));
        } catch (IOException e) {
            logger.debug("{} cannot write on: {}", name, e.getMessage());
            pair.end(String.valueOf(e.getMessage()));
        }
    }

    // Controls

    private void control() {
        try {
            for (Frame frame = controls.read(); !(frame instanceof Frame.Goodbye); frame = controls.read()) {
                handle(frame);
            }
        } catch (ProtocolException e) {
            logger.warn("{} ends its session: {}", name, e.getMessage());
            pair.end(String.valueOf(e.getMessage()));
        } catch (IOException e) {
            logger.debug("The controls of {} have ended: {}", name, e.getMessage());
        }
    }

    private void handle(Frame frame) throws ProtocolException {
        switch (frame) {
            case Frame.Cancel cancel -> {
                Taken call = calls.get(cancel.id());
                if (call != null) {
                    call.cancel(cancel.interrupt());
                }
            }
            case Frame.Credit credit -> {
                Taken call = calls.get(credit.id());
                ForeignCall running = call == null ? null : call.running();
                if (running != null) {
                    running.credit(credit.bytes());
                }
            }
            case Frame.Inquiry inquiry ->
                Thread.ofVirtual().name(name + "-inquiry").start(() -> tell(inquiry));
            case Frame.TakeBack _ -> {} // it has begun, or was given back
            default ->
                throw new ProtocolException(Node.nameOf(pair.peer()) + " sent a frame that does not belong here: "
                        + frame.getClass().getSimpleName());
        }
    }

    private void tell(Frame.Inquiry inquiry) {
        Taken call = calls.get(inquiry.id());
        ForeignCall running = call == null ? null : call.running();
        Frame.OfCall status = running == null
                ? new Frame.Status(inquiry.id(), call != null, Step.NOTHING, -1, "")
                : running.status(inquiry.withStack()).renumbered(inquiry.id());
        send(status);
    }

    /** Ends the session: its client has gone, or is to go. Cancels its calls. Idempotent. */
    void end(String reason) {
        if (ended.getAndSet(true)) {
            return;
        }
        for (Taken each : calls.values()) {
            each.cancel(true);
        }
        pair.close(reason);
        member.ended(this);
    }

    @Override
    public String toString() {
        return "Session[" + name + ", running=" + calls.size() + "]";
    }
}
