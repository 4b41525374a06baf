package dev.trestle.processpool.jvm;

import dev.trestle.processpool.wire.MainArguments;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** The process of a program that a worker runs: its command, its mark, its end. Used in a worker. */
public final class MainCommand {

    private static final AtomicInteger numbers = new AtomicInteger();

    private final List<String> command;
    private final String mark;

    private MainCommand(List<String> command, String mark) {
        this.command = command;
        this.mark = mark;
    }

    /**
     * Returns the command for a program with the classes and the options of this worker.
     *
     * @throws IllegalStateException if this is no worker
     */
    public static MainCommand of(String mainClass, List<String> arguments) {
        String journal = System.getProperty(MainArguments.PROPERTY);
        if (journal == null) {
            throw new IllegalStateException("This is no worker of a process pool, so it cannot run " + mainClass);
        }
        var command = new ArrayList<>(List.of(
                JavaCommand.launcher().toString(),
                "-XX:+ErrorFileToStderr", // the file of crashes is the worker's
                "@" + MainArguments.fileBeside(Path.of(journal))));
        command.addAll(new MainArguments(ProcessHandle.current().pid(), mainClass, arguments).encode());
        return new MainCommand(command, Orphans.ownMark() + "/m" + numbers.incrementAndGet());
    }

    /** Starts the process. Processes that it starts have a mark of their own. */
    public Process start() throws IOException {
        var builder = new ProcessBuilder(command);
        Orphans.mark(builder.environment()::put, mark);
        return builder.start();
    }

    /** Kills the process, if it lives, and what it has started and left behind. */
    public void endRest(Process process) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        var _ = process.toHandle().destroyForcibly();
        var _ = Orphans.kill(mark);
    }
}
