package dev.trestle.processpool;

import dev.trestle.processpool.jvm.Retry;
import dev.trestle.processpool.wire.FrameChannel;
import java.io.IOException;

/**
 * The classes that are used first when a call or a worker ends: loaded, initialized and linked before the pool has a
 * process. Thread-safe.
 */
final class LateClasses {

    /*
     * A class that cannot be loaded, for lack of file handles or of memory, may be missing forever, and so may a class
     * whose initializer fails. An end that needs such a class would not be reached. So a worker's thread comes here
     * before it starts a process; a start without these classes fails with a message. Lambdas and switches over types
     * are not listed: the JVM makes their classes in memory, and a use that fails for lack of it can be repeated, once
     * the JDK's own classes for that are initialized, as they are here.
     *
     * The names are texts because the compiler makes some of these classes, such as the tables of switches, and those
     * have no name in the language. LateClassesTest fails when a class is missing here. See docs/adr/0269.
     */

    private static final String HERE = LateClasses.class.getPackageName() + ".";

    private static final String[] OWN = {
        "Assignment",
        "CallNotSerializableException",
        "CallQueue$1",
        "jvm.CrashLog",
        "Deadline",
        "Deadline$1",
        "Deadline$Look",
        "Deadline$Verdict",
        "Dispatcher$1",
        "Dispatcher$Instruction",
        "Dispatcher$CallsAfterDeath",
        "Dispatcher$RunningCalls",
        "CompletionBatches$Batch",
        "jvm.ExitStatus",
        "jvm.ExitStatus$Evidence",
        "WorkerDeath",
        "WorkerDeath$1",
        "jvm.OomKills",
        "PoolCall$Ending",
        "PoolCall$Untold",
        "ProcessPool$NeverStarted",
        "RemoteException",
        "jvm.Retry",
        "jvm.StaleDirectories",
        "Worker$Attempt",
        "Worker$InitializerFailed",
        "WorkerDiedException",
        "WorkerDiedException$Phase",
        "WorkerEndEvent",
        "wire.Failure",
        "wire.FailureCodec",
        "wire.FailureCodec$Reading",
        "wire.WorkerJournal$Exit",
        "wire.WorkerJournal$LastWords",
        "wire.WorkerJournal$Progress",
        "wire.WorkerJournal$Step",
        "wire.Frame$Phase",
        "wire.FrameChannel$Memory",
        "values.NotDecodableException",
        "jvm.Orphans",
        "wire.ProtocolException",
        "values.SourceLine",
    };

    private static final String[] OF_FUTURES = {
        "dev.trestle.api.BrokenExecutorException",
        "dev.trestle.api.CallbackNesting$Deferred",
        "dev.trestle.api.EndWait",
        "dev.trestle.api.Interruption",
        "dev.trestle.api.Promise$Cancellation",
    };

    /**
     * True when the classes are loaded. Read without synchronization: a thread that reads a stale value loads them
     * again, which changes nothing.
     */
    private static boolean ready;

    private LateClasses() {}

    /**
     * Loads the classes, the first time.
     *
     * @throws IOException if one cannot be loaded
     */
    static void ensure() throws IOException {
        if (ready) {
            return;
        }
        for (String each : OWN) {
            load(HERE + each);
        }
        for (String each : OF_FUTURES) {
            load(each);
        }
        FrameChannel.rehearse();
        Retry.rehearse();
        ready = true;
    }

    private static void load(String name) throws IOException {
        try {
            Class.forName(name);
        } catch (ClassNotFoundException | LinkageError e) {
            throw new IOException(
                    "The class " + name + ", which the pool needs when something ends, cannot be loaded. Either this"
                            + " program has no file handles left: raise the limit (ulimit -n). Or its copy"
                            + " of Trestle is incomplete",
                    e);
        }
    }
}
