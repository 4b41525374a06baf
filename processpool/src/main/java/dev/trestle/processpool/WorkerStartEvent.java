package dev.trestle.processpool;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A JFR event of the start of a worker. */
@Name("dev.trestle.ProcessPoolWorkerStart")
@Label("Process Pool Worker Start")
@Description("The start of a worker, until it is ready for calls or has failed")
@Category({"Trestle", "Process Pool"})
@StackTrace(false)
final class WorkerStartEvent extends WorkerEvent {

    @Label("Ready")
    @Description("Whether it got ready")
    boolean ready;

    static WorkerStartEvent begun() {
        var event = new WorkerStartEvent();
        event.begin();
        return event;
    }

    void ended(String inPool, String name, long processId, boolean isReady) {
        pool = inPool;
        worker = name;
        pid = processId;
        ready = isReady;
        commit();
    }
}
