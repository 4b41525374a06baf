package dev.trestle.processpool;

import dev.trestle.processpool.jvm.ProcessMemory;
import dev.trestle.processpool.wire.Connection;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.WorkerJournal;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The JVM behind a worker: a child process of this program, or a member of a cluster. A host starts and ends, and tells
 * how; the conversation with it is the {@link Worker}'s. Methods may be called from any thread, unless they say
 * otherwise.
 */
interface WorkerHost {

    /**
     * The connections to a host that has started.
     *
     * @param work carries calls and answers
     * @param controls carries what must not wait behind a call
     */
    record Link(Connection work, Connection controls) {}

    // On the worker's thread

    /** Starts the host, and waits until it has connected. */
    Link start() throws IOException;

    /** Reads the introduction of the host; returns the time of its arrival, by the clock of the timer. */
    long greet(FrameChannel work) throws IOException;

    /** Takes a frame of the host that is about itself, and not about a call. */
    void receive(Frame frame) throws IOException;

    /** Waits for the end of the host; returns whether it came in time. Not interruptible. */
    boolean awaitEnd(Duration limit);

    /**
     * Finds out the cause of the host's end, and ends the processes that it has started.
     *
     * @param isExpected whether it was told to end
     * @param killedBecause the reason for which the pool killed it; null if it did not
     */
    WorkerDeath examine(boolean isExpected, @Nullable String killedBecause);

    /** Returns the frames that the host had written and not sent when it ended; some may have been sent. */
    List<Frame> unsent() throws IOException;

    /**
     * Returns the exception for a host that ended before it was ready.
     *
     * @param cause the failure on this side; null if there was none
     * @param saidHello whether it has introduced itself
     */
    WorkerDiedException failureToStart(WorkerDeath death, @Nullable Throwable cause, boolean saidHello);

    /** Ends what a host may have started of which nothing is known. */
    void endStrays();

    /** Called when the worker can have calls. */
    void ready();

    /**
     * Removes what is left of the host, at its very end.
     *
     * @param why the reason for its end; null if it was told to end
     */
    void remove(@Nullable String why);

    // From any thread

    /** Returns the name of the worker; a longer one may be known once it has been greeted. */
    String name();

    /** Returns whether there is something that could be killed. */
    boolean isStarted();

    boolean isAlive();

    /** Returns the id of its process; 0 if there is none yet. */
    long pid();

    /** Ends the host, and what it has started, at once. */
    void kill();

    /** Asks the host to end. */
    void terminate();

    /** Gives up what the start waits for. */
    void abort();

    /** Returns the number of calls that it runs at the same time. */
    int places();

    /** Returns the number of calls that may wait there behind those that run. */
    int ahead();

    /** Returns the host's progress with a call; null if it is not known. May wait for a second. */
    WorkerJournal.@Nullable Progress progress(long ticket);

    /** Returns the stack of a call that runs. Waits for it, for a second at most. */
    String stackOfCall(long ticket);

    /** Returns the memory of its process; null if it is not measured. */
    @Nullable
    ProcessMemory memory();

    /** Returns whether the host itself ends calls that go on after they were interrupted, and without the others. */
    boolean endsCalls();

    /** Makes the JVM delete the files of this host at its very end. */
    void deleteFilesAtExit();
}
