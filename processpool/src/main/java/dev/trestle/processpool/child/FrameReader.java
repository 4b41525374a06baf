package dev.trestle.processpool.child;

import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.ProtocolException;
import java.io.IOException;

/** Takes from the connection what the pool sends, at all times. */
final class FrameReader implements Runnable {

    private final FrameChannel channel;
    private final CallRunner runner;

    FrameReader(FrameChannel channel, CallRunner runner) {
        this.channel = channel;
        this.runner = runner;
    }

    @Override
    public void run() {
        try {
            boolean more = true;
            while (more) {
                more = handle(channel.read());
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
            case Frame.Call call -> runner.add(call);
            case Frame.Cancel cancel -> runner.cancel(cancel.id());
            case Frame.ThreadDumpRequest() -> channel.write(new Frame.ThreadDump(runner.threadDump()));
            case Frame.Goodbye _ -> {
                runner.end();
                return false;
            }
            case Frame.Hello _,
                    Frame.Ready _,
                    Frame.StartupFailed _,
                    Frame.Started _,
                    Frame.Result _,
                    Frame.Failed _,
                    Frame.Cancelled _,
                    Frame.Progress _,
                    Frame.ThreadDump _,
                    Frame.Fatal _ ->
                throw new ProtocolException("The pool sent a frame that only workers send: " + frame);
        }
        return true;
    }
}
