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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A member's conversation with one client: takes the client's calls, and sends their answers. */
final class Session {

    /*
     * One thread reads the calls, a second one the frames that must not wait behind a call. Answers come from the
     * threads of the member's pool that read the workers' answers; they write what there is room for, all answers that
     * have come together in one message, and leave the rest to a thread that exists only while the client does not
     * read. The frames that wait for that are bounded: a client has as many calls here as it has places and may send
     * ahead, and a stream as many items as it has credit.
     *
     * A call begins at once, or waits in the line of a worker whose calls are short, or is given back, and the client's
     * queue has it again: then it is known that it has not begun. A client whose calls were given back is told when
     * there is a place. See docs/adr/0501 and 0503.
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

    /** The number of calls that the client may have here, apart from those that it sends ahead. */
    @GuardedBy("this")
    private int limit;

    /** Guards the order of what is written: no thread may overtake another with a frame of the same call. */
    private final ReentrantLock sending = new ReentrantLock();

    /** The frames that go with the next message. */
    @GuardedBy("sending")
    private final List<Frame> held = new ArrayList<>();

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

    /** Returns the number of calls that are here. */
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
                    frame = takeAllFrom(frame);
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

    /** Takes a frame, and those that have come with it; returns the next one. */
    private Frame takeAllFrom(Frame first) throws IOException {
        try {
            Frame frame = first;
            take(frame);
            while (work.isNextHere()) {
                frame = work.read();
                if (frame instanceof Frame.Goodbye) {
                    return frame;
                }
                take(frame);
            }
        } finally {
            intake.send();
        }
        return work.read();
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

    /** Gives a call back that would have to wait for long here. */
    private void giveBack(Taken taken) {
        calls.remove(taken.id);
        if (!member.isDraining()) {
            synchronized (this) {
                limit = Math.min(limit, calls.size());
                send(new Frame.Places(limit));
            }
        }
        send(new Frame.Cancelled(taken.id));
        if (!member.isDraining()) {
            member.awaitsPlace(this);
            member.placesAreFree(); // the last call may have ended before
        }
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

    /** Asks the client for no further calls, and to say goodbye when it has its answers. Gives back what can be. */
    void drain() {
        send(new Frame.Goodbye("the member is being drained"));
        calls.values().forEach(Taken::takeBack);
    }

    // Answers, on threads of the pool

    /** A call of the client's that runs here. */
    private final class Taken implements CallIntake.Answers {

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

        /** Asks for the call back, so that the client can give it to another member. */
        void takeBack() {
            ForeignCall call = running();
            if (call != null) {
                call.takeBack();
            }
        }

        synchronized @Nullable ForeignCall running() {
            return running;
        }

        @Override
        public void accept(Frame.OfCall frame) {
            if (!frame.isAnswer()) {
                hold(frame.renumbered(id));
            } else if (!answered.getAndSet(true)) {
                calls.remove(id);
                hold(frame.renumbered(id));
                member.callHasEnded();
            }
        }

        @Override
        public void flush() {
            send();
        }
    }

    /** Keeps a frame for the next message. */
    private void hold(Frame frame) {
        sending.lock();
        try {
            held.add(frame);
        } finally {
            sending.unlock();
        }
    }

    /** Writes to the client what was held and then these frames, without waiting. */
    private void send(Frame... frames) {
        sending.lock();
        try {
            held.addAll(List.of(frames));
            if (held.isEmpty()) {
                return;
            }
            Frame[] all = held.toArray(Frame[]::new);
            held.clear();
            if (!work.tryWrite(all) && !writing.getAndSet(true)) {
                Thread.ofVirtual().name(name + "-writer").start(this::writeOn);
            }
        } catch (IOException e) {
            logger.debug("{} cannot write: {}", name, e.getMessage());
            pair.end(String.valueOf(e.getMessage()));
        } finally {
            sending.unlock();
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
            case Frame.TakeBack back -> {
                Taken call = calls.get(back.id());
                if (call != null) { // else it was answered, or is on its way and will be given back if it has to wait
                    call.takeBack();
                }
            }
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
