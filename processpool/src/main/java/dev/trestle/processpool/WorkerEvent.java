package dev.trestle.processpool;

import jdk.jfr.Event;
import jdk.jfr.Label;

/** A JFR event of a worker. */
abstract class WorkerEvent extends Event {

    @Label("Pool")
    String pool = "";

    @Label("Worker")
    String worker = "";

    @Label("Process Id")
    long pid;
}
