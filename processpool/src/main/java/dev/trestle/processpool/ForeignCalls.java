package dev.trestle.processpool;

import dev.trestle.processpool.remote.CallIntake;
import dev.trestle.processpool.remote.ForeignCall;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.WorkerJournal.Progress;
import dev.trestle.processpool.wire.WorkerJournal.Step;
import org.jspecify.annotations.Nullable;

/** Takes calls of other programs for a pool. */
final class ForeignCalls implements CallIntake {

    private final Dispatcher dispatcher;

    ForeignCalls(Dispatcher dispatcher) {
        this.dispatcher = dispatcher;
    }

    @Override
    public @Nullable ForeignCall offer(Frame.OfCall call, Answers answers) {
        PoolCall<?> taken = PoolCall.foreign(dispatcher.nextCallNumber(), call, dispatcher, answers);
        return dispatcher.offer(taken) ? new Taken(dispatcher, taken) : null;
    }

    @Override
    public void send() {
        dispatcher.writeOffered();
    }

    @Override
    public int places() {
        return dispatcher.places();
    }

    @Override
    public int ahead() {
        return dispatcher.mostAhead();
    }

    @Override
    public @Nullable String brokenBecause() {
        return dispatcher.brokenBecause();
    }

    @Override
    public void whenReady(Runnable action) {
        dispatcher.whenReady(action);
    }

    private record Taken(Dispatcher dispatcher, PoolCall<?> call) implements ForeignCall {

        @Override
        public void cancel(boolean interrupt) {
            call.promise().cancel(interrupt);
        }

        @Override
        public void takeBack() {
            dispatcher.takeBack(call);
        }

        @Override
        public void credit(long bytes) {
            dispatcher.credit(call, bytes);
        }

        @Override
        public Frame.Status status(boolean withStack) {
            Assignment assignment = dispatcher.assignmentOf(call);
            if (assignment == null) {
                return new Frame.Status(0, !call.isOver(), Step.NOTHING, -1, "(no worker has it)");
            }
            Worker worker = assignment.worker();
            long ticket = assignment.ticket();
            Progress progress = worker.progress(ticket);
            String stack = withStack ? worker.stackOfCall(ticket) : "";
            if (progress == null) {
                return new Frame.Status(0, true, Step.RUNNING, 0, stack);
            }
            long begun = progress.hasBegun(ticket)
                    ? Math.max(0, dispatcher.timer().nanoTime() - worker.helloAt() - progress.begunNanos())
                    : -1;
            return new Frame.Status(
                    0, true, progress.callId() == ticket ? progress.step() : Step.NOTHING, begun, stack);
        }
    }
}
