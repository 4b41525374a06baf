package dev.trestle.processpool.child;

import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.ProtocolException;
import java.io.IOException;

/** Takes from its own connection, while a call runs, what the pool has to say about it and about those that wait. */
final class Controls implements Runnable {

    private final FrameChannel controls;
    private final FrameChannel answers;
    private final CallRunner runner;
    private final MappedArrays shared;

    Controls(FrameChannel controls, FrameChannel answers, CallRunner runner, MappedArrays shared) {
        this.shared = shared;
        this.controls = controls;
        this.answers = answers;
        this.runner = runner;
    }

    @Override
    public void run() {
        try {
            boolean more = true;
            while (more) {
                more = handle(controls.read());
                if (!controls.isNextHere()) {
                    answers.flush();
                }
            }
        } catch (IOException e) {
            runner.hangUp(e);
        } catch (Throwable e) {
            runner.giveUp(e);
        }
    }

    /** Returns whether there is more to come. */
    private boolean handle(Frame frame) throws IOException {
        switch (frame) {
            case Frame.Cancel cancel -> runner.cancel(cancel.id(), cancel.interrupt());
            case Frame.TakeBack call -> runner.takeBack(call.id());
            case Frame.Unshare(var array) -> shared.unshare(array);
            case Frame.Credit credit -> runner.credit(credit.id(), credit.bytes());
            case Frame.ThreadDumpRequest() -> answers.append(new Frame.ThreadDump(runner.threadDump()));
            case Frame.Goodbye _ -> {
                runner.expectEnd();
                return false;
            }
            case Frame.Call _,
                    Frame.StreamCall _,
                    Frame.Item _,
                    Frame.Hello _,
                    Frame.Result _,
                    Frame.Failed _,
                    Frame.Cancelled _,
                    Frame.Progress _,
                    Frame.ThreadDump _,
                    Frame.Introduction _,
                    Frame.Places _,
                    Frame.Lost _,
                    Frame.Inquiry _,
                    Frame.Status _,
                    Frame.Fatal _ ->
                throw new ProtocolException("The pool sent a frame that does not belong here: " + frame);
        }
        return true;
    }
}
