package dev.trestle.processpool.child;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.Reporter;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Sends what calls report, but not everything: a call may report in an endless loop. */
final class Reports extends Reporter {

    /*
     * A report is sent at once if nothing has been sent for a while, so the reports of a call that makes few of them
     * are seen without delay. Otherwise the report is kept: of progress the latest, of messages a few. Kept reports are
     * sent when the pause is over, by a thread that exists only while there are any, or in front of the call's answer.
     *
     * The lock is held while frames are appended, so that nothing of a call is sent after its answer. Appending does
     * not block but when the pool does not read.
     */

    private static final long PAUSE_NANOS = 20_000_000;
    private static final int MOST_MESSAGES = 50;

    private final FrameChannel channel;

    private final Object lock = new Object();

    @GuardedBy("lock")
    private long running;

    @GuardedBy("lock")
    private boolean cancelled;

    @GuardedBy("lock")
    private Frame.@Nullable Progress latest;

    @GuardedBy("lock")
    private final ArrayDeque<String> messages = new ArrayDeque<>();

    @GuardedBy("lock")
    private int messagesLost;

    @GuardedBy("lock")
    private long lastSent = System.nanoTime() - PAUSE_NANOS;

    @GuardedBy("lock")
    private boolean sending;

    Reports(FrameChannel channel) {
        this.channel = channel;
    }

    // Called by the runner and the controls

    void begin(long id) {
        synchronized (lock) {
            running = id;
            cancelled = false;
        }
    }

    /** Appends what has been kept; the answer follows. */
    void end() throws IOException {
        synchronized (lock) {
            if (latest != null || !messages.isEmpty()) {
                append();
            }
            running = 0;
        }
    }

    /** Notes that the running call was cancelled. */
    void cancel() {
        synchronized (lock) {
            cancelled = true;
        }
    }

    // Called by calls

    @Override
    public long running() {
        synchronized (lock) {
            return running;
        }
    }

    @Override
    public boolean isCancelled(long id) {
        synchronized (lock) {
            return cancelled && id == running;
        }
    }

    @Override
    public void progress(long id, double fraction, String text) {
        synchronized (lock) {
            if (id == running && id > 0) {
                latest = new Frame.Progress(id, fraction, text);
                sendSoon();
            }
        }
    }

    @Override
    public void message(long id, String text) {
        synchronized (lock) {
            if (id == running && id > 0) {
                if (messages.size() == MOST_MESSAGES) {
                    messages.removeFirst();
                    messagesLost++;
                }
                messages.addLast(text);
                sendSoon();
            }
        }
    }

    @GuardedBy("lock")
    private void sendSoon() {
        if (System.nanoTime() - lastSent >= PAUSE_NANOS) {
            sendNow();
        } else if (!sending) {
            sending = true;
            Thread.ofPlatform().name("trestle-reports").daemon().start(this::sendWhatIsKept);
        }
    }

    private void sendWhatIsKept() {
        boolean more = true;
        while (more) {
            LockSupport.parkNanos(PAUSE_NANOS);
            synchronized (lock) {
                more = latest != null || !messages.isEmpty();
                if (more) {
                    sendNow();
                }
                sending = more;
            }
        }
    }

    @GuardedBy("lock")
    private void sendNow() {
        try {
            append();
            channel.flush();
        } catch (IOException e) {
            // The connection is gone: the thread that reads from it ends this JVM.
            System.err.println("A report could not be sent: " + e);
        }
    }

    @GuardedBy("lock")
    private void append() throws IOException {
        if (messagesLost > 0) {
            channel.append(new Frame.Progress(running, Double.NaN, "(" + messagesLost + " messages were too many)"));
            messagesLost = 0;
        }
        while (!messages.isEmpty()) {
            channel.append(new Frame.Progress(running, Double.NaN, messages.removeFirst()));
        }
        if (latest != null) {
            channel.append(latest);
            latest = null;
        }
        lastSent = System.nanoTime();
    }
}
