package dev.trestle.processpool;

import dev.trestle.processpool.jvm.ExitStatus;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Thrown by the future of a call whose worker died under it: the worker crashed, ran out of memory, was killed, or
 * called {@code System.exit}. Only that call is lost, and those that ran in that worker at the same time (see
 * {@link ProcessPool.Builder#callsPerWorker}); the pool starts another worker. Also the cause of a
 * {@link dev.trestle.api.BrokenExecutorException} when workers die before they are ready.
 *
 * {@snippet class="dev.trestle.processpool.JavadocExamplesTest" region="worker-died"}
 */
public final class WorkerDiedException extends RuntimeException {

    private static final long serialVersionUID = 1;

    /** The step of a call at which the worker died. */
    public enum Phase {
        /** The worker was starting, or ran the initializer. */
        STARTING,
        /** The worker had been sent the call and had not begun it. */
        SENDING,
        /** The worker was reading the call. */
        DECODING,
        /** The worker was running the call. */
        RUNNING,
        /** The worker was sending the result. */
        ENCODING
    }

    /** The process id; 0 if there was no process. */
    private final long pid;

    /** The exit code; null if there is none. */
    private final @Nullable Integer exitCode;

    /** The name of the signal; null if it was none. */
    private final @Nullable String signal;

    /** True if it died for lack of memory. */
    private final boolean outOfMemory;

    /** The activity of the worker when it died. */
    private final Phase phase;

    /** The last lines of the worker's standard error. */
    private final String stderrTail;

    WorkerDiedException(
            String message,
            @Nullable Throwable cause,
            long pid,
            @Nullable ExitStatus exit,
            Phase phase,
            String stderrTail) {
        this(message, cause, pid, exit, false, phase, stderrTail);
    }

    WorkerDiedException(
            String message,
            @Nullable Throwable cause,
            long pid,
            @Nullable ExitStatus exit,
            boolean outOfMemory,
            Phase phase,
            String stderrTail) {
        super(message, cause);
        this.pid = pid;
        this.exitCode = exit == null ? null : exit.code();
        this.signal = exit == null ? null : exit.signal().orElse(null);
        this.outOfMemory = outOfMemory;
        this.phase = phase;
        this.stderrTail = stderrTail;
    }

    /**
     * Returns the process id of the worker.
     *
     * @return the process id; 0 if no process could be started
     */
    public long pid() {
        return pid;
    }

    /**
     * Returns the exit code of the worker: 128 + n if signal n ended it.
     *
     * @return the exit code, or empty if the worker never started, or could not be ended
     */
    public OptionalInt exitCode() {
        return exitCode == null ? OptionalInt.empty() : OptionalInt.of(exitCode);
    }

    /**
     * Returns the name of the signal that ended the worker, as far as is known: {@code Runtime.halt(137)} looks like
     * SIGKILL.
     *
     * @return a name such as {@code SIGKILL}, or empty if the worker was not ended by a signal
     */
    public Optional<String> signal() {
        return Optional.ofNullable(signal);
    }

    /**
     * Returns whether the worker died for lack of memory: its heap or metaspace was full, it held more than
     * {@link ProcessPool.Builder#memoryLimit}, the system refused its JVM more, or the kernel's OOM killer has probably
     * killed it. The message says which. A larger limit or a smaller call may help then; running the same call again
     * will not.
     *
     * @return whether memory was the reason, as far as is known
     */
    public boolean outOfMemory() {
        return outOfMemory;
    }

    /**
     * Returns the step of the call at which the worker died.
     *
     * @return the phase
     */
    public Phase phase() {
        return phase;
    }

    /**
     * Returns the last lines that the worker wrote to stderr, about 8000 characters of them, in
     * which control characters such as ESC are shown as escapes.
     *
     * @return the lines; empty if there were none
     */
    public String stderrTail() {
        return stderrTail;
    }
}
