package dev.trestle.processpool;

import java.util.concurrent.Future;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Throttle;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;

/** A JFR event of a call, from {@code submit} to the end of its future. */
@Name("dev.trestle.ProcessPoolCall")
@Label("Process Pool Call")
@Description("A call in a process pool, from submit to the end of its future")
@Category({"Trestle", "Process Pool"})
@StackTrace(false)
@Throttle("1000/s") // a pool may do many more; a recording's settings may ask for all
final class CallEvent extends Event {

    @Label("Pool")
    String pool = "";

    @Label("Call")
    String call = "";

    @Label("Worker")
    @Description("The worker that answered the call; empty if none did")
    String worker = "";

    @Label("Waited")
    @Description("Until the call began, in the queue or sent ahead; until its end if it never began")
    @Timespan
    long waited;

    @Label("Ran")
    @Description("As measured in the worker; 0 if that did not answer")
    @Timespan
    long ran;

    @Label("Outcome")
    @Description("SUCCESS, CANCELLED, or the class of the exception")
    String outcome = "";

    private transient long submitted;
    private transient long started;

    /** Returns an event that has begun; null if no recording wants it. */
    static @Nullable CallEvent submitted(String pool) {
        var event = new CallEvent();
        if (!event.isEnabled()) {
            return null;
        }
        event.pool = pool;
        event.submitted = System.nanoTime();
        event.begin();
        return event;
    }

    /** Called when the call begins, the first time if it is run again. */
    void started() {
        if (started == 0) {
            started = System.nanoTime();
        }
    }

    void answered(String byWorker, long runNanos) {
        worker = byWorker;
        ran = runNanos;
    }

    void ended(Future<?> future, String description) {
        end();
        if (!shouldCommit()) {
            return;
        }
        call = description;
        waited = (started == 0 ? System.nanoTime() : started) - submitted;
        outcome = future.state() == Future.State.FAILED
                ? future.exceptionNow().getClass().getName()
                : future.state().name();
        commit();
    }
}
