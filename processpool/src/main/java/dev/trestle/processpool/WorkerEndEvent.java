package dev.trestle.processpool;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A JFR event of the end of a worker. It has no duration. */
@Name("dev.trestle.ProcessPoolWorkerEnd")
@Label("Process Pool Worker End")
@Description("The end of a worker's process")
@Category({"Trestle", "Process Pool"})
@StackTrace(false)
final class WorkerEndEvent extends WorkerEvent {

    @Label("Exit Code")
    @Description("128 + n for signal n; -1 if it could not be ended")
    int exitCode;

    @Label("How")
    @Description("The exit code in words, with its probable cause, or why the pool killed it")
    String how = "";

    @Label("Retired")
    @Description("Why the pool let it end: too many calls, too old, too large, idle; empty if it did not")
    String retired = "";

    static void record(String pool, WorkerDeath death, String retired) {
        var event = new WorkerEndEvent();
        if (event.isEnabled()) {
            event.pool = pool;
            event.worker = death.worker();
            event.pid = death.pid();
            event.exitCode = death.exit() == null ? -1 : death.exit().code();
            event.how = death.how();
            event.retired = retired;
            event.commit();
        }
    }
}
