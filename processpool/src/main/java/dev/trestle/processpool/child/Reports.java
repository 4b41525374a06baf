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
     * Each call that runs has a place. A worker with several knows the caller's call by its thread, and by threads that
     * were started in it; one with a single place knows it whichever thread asks.
     *
     * The lock is held while frames are appended, so that nothing of a call is sent after its answer. Appending does
     * not block but when the pool does not read.
     */

    private static final long PAUSE_NANOS = 20_000_000;
    private static final int MOST_MESSAGES = 50;

    private final FrameChannel channel;
    private final Place[] places;

    /** The call of this thread, in a worker with several places. */
    private final InheritableThreadLocal<Long> current = new InheritableThreadLocal<>();

    private final Object lock = new Object();

    @GuardedBy("lock")
    private long lastSent = System.nanoTime() - PAUSE_NANOS;

    @GuardedBy("lock")
    private boolean sending;

    /**
     * Creates the reports of a worker.
     *
     * @param count the number of calls that run at the same time
     */
    Reports(FrameChannel channel, int count) {
        this.channel = channel;
        this.places = new Place[count];
        for (int i = 0; i < count; i++) {
            places[i] = new Place();
        }
    }

    /** Returns the reports of a place. */
    Place place(int index) {
        return places[index];
    }

    /** The reports of the call in one place that have not been sent. */
    final class Place {

        // Guarded by the lock of the reports
        private long running;
        private volatile boolean cancelled; // its thread looks without the lock
        private Frame.@Nullable Progress latest;
        private final ArrayDeque<String> messages = new ArrayDeque<>();
        private int messagesLost;

        /** Notes that a call begins, on its thread. */
        void begin(long id) {
            synchronized (lock) {
                running = id;
                cancelled = false;
            }
            if (places.length > 1) {
                current.set(id);
            }
        }

        /** Appends what has been kept; the answer follows. */
        void end() throws IOException {
            synchronized (lock) {
                if (latest != null || !messages.isEmpty()) {
                    append(this);
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

        /** Returns whether the running call was cancelled. On its thread. */
        boolean isCancelled() {
            return cancelled;
        }
    }

    // Called by calls

    @Override
    public long running() {
        if (places.length > 1) {
            Long call = current.get();
            return call == null ? 0 : call;
        }
        synchronized (lock) {
            return places[0].running;
        }
    }

    @GuardedBy("lock")
    private @Nullable Place placeOf(long id) {
        for (Place each : places) {
            if (each.running == id) {
                return each;
            }
        }
        return null;
    }

    @Override
    public boolean isCancelled(long id) {
        synchronized (lock) {
            Place place = placeOf(id);
            return place != null && place.cancelled;
        }
    }

    @Override
    public void progress(long id, double fraction, String text) {
        synchronized (lock) {
            Place place = placeOf(id);
            if (place != null && id > 0) {
                place.latest = new Frame.Progress(id, fraction, text);
                sendSoon();
            }
        }
    }

    @Override
    public void message(long id, String text) {
        synchronized (lock) {
            Place place = placeOf(id);
            if (place != null && id > 0) {
                if (place.messages.size() == MOST_MESSAGES) {
                    place.messages.removeFirst();
                    place.messagesLost++;
                }
                place.messages.addLast(text);
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
            Thread.ofPlatform()
                    .name("trestle-reports")
                    .daemon()
                    .inheritInheritableThreadLocals(false)
                    .start(this::sendWhatIsKept);
        }
    }

    private void sendWhatIsKept() {
        boolean more = true;
        while (more) {
            LockSupport.parkNanos(PAUSE_NANOS);
            synchronized (lock) {
                more = isAnythingKept();
                if (more) {
                    sendNow();
                }
                sending = more;
            }
        }
    }

    @GuardedBy("lock")
    private boolean isAnythingKept() {
        for (Place each : places) {
            if (each.latest != null || !each.messages.isEmpty()) {
                return true;
            }
        }
        return false;
    }

    @GuardedBy("lock")
    private void sendNow() {
        try {
            for (Place each : places) {
                append(each);
            }
            channel.flush();
        } catch (IOException e) {
            // The connection is gone: the thread that reads from it ends this JVM.
            System.err.println("A report could not be sent: " + e);
        }
    }

    @GuardedBy("lock")
    private void append(Place place) throws IOException {
        if (place.messagesLost > 0) {
            channel.append(new Frame.Progress(
                    place.running, Double.NaN, "(" + place.messagesLost + " messages were too many)"));
            place.messagesLost = 0;
        }
        while (!place.messages.isEmpty()) {
            channel.append(new Frame.Progress(place.running, Double.NaN, place.messages.removeFirst()));
        }
        if (place.latest != null) {
            channel.append(place.latest);
            place.latest = null;
        }
        lastSent = System.nanoTime();
    }
}
