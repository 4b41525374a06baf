package dev.trestle.processpool;

import jdk.jfr.Event;
import jdk.jfr.Label;

/** What a flight recording tells of a worker, whatever happens to it. */
abstract class WorkerEvent extends Event {

    @Label("Pool")
    String pool = "";

    @Label("Worker")
    String worker = "";

    @Label("Process Id")
    long pid;
}
