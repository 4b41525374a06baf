package dev.trestle.examples;

import dev.trestle.api.FutureExecutor;
import dev.trestle.loop.EventLoop;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.threadpool.ThreadPool;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.core.JacksonException;

/** The command line of the census. */
@Command(
        name = "census",
        description = "Counts what the code in jars, directories or the JDK is made of.",
        footer = {
            "",
            "An event loop orchestrates: a thread pool reads the class files, child JVMs",
            "parse them. Ctrl-C prints what was counted so far.",
        },
        sortOptions = false)
final class CensusCommand implements Callable<Integer> {

    /** The exit code of a program that was ended by Ctrl-C. */
    private static final int INTERRUPTED = 130;

    @Parameters(
            paramLabel = "PATH",
            description = "Jars, directories of class files, or class files. Default: the modules of the running JDK.")
    private List<Path> paths = List.of();

    @Option(
            names = "--workers",
            paramLabel = "N",
            description = "How many child JVMs parse. Default: one per processor.")
    private int workers = Runtime.getRuntime().availableProcessors();

    @Option(names = "--in-process", description = "Parse on threads of this JVM instead, for comparison.")
    private boolean inProcess;

    @Option(names = "--json", paramLabel = "FILE", description = "Write everything that was counted to this file, too.")
    private @Nullable Path json;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Print this.")
    @SuppressWarnings("UnusedVariable") // read by picocli
    private boolean help;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public Integer call() {
        check();
        Progress progress = Progress.of(spec.commandLine().getErr(), workers);
        long start = System.nanoTime();
        try (var readers = new ThreadPool(workers);
                FutureExecutor parsers = inProcess ? new ThreadPool(workers) : childJvms()) {
            var census = new Census(readers, parsers, progress);
            var onExit = ExitHook.of(() -> report(false, census, progress, start));
            try {
                EventLoop.run(() -> census.take(paths));
            } catch (RuntimeException | Error e) {
                if (onExit.disarm()) {
                    throw e;
                }
                return INTERRUPTED; // the pools end with the JVM, so a failure is expected
            }
            return onExit.disarm() ? report(true, census, progress, start) : INTERRUPTED;
        } finally {
            progress.end();
        }
    }

    /**
     * Child JVMs that compile by C1 only. Each compiles the parser for itself, and runs it for a few seconds: C2 would
     * take as long as the parser, in each of them.
     */
    private ProcessPool childJvms() {
        return ProcessPool.builder()
                .workers(workers)
                .jvmArguments("-XX:TieredStopAtLevel=1")
                .build();
    }

    private void check() {
        for (Path path : paths) {
            if (!Files.exists(path)) {
                throw wrong("No such file or directory: " + path);
            }
        }
        if (workers < 1) {
            throw wrong("--workers must be 1 or more, not " + workers);
        }
        if (json != null
                && (Files.isDirectory(json)
                        || !Files.isDirectory(json.toAbsolutePath().resolveSibling(".")))) {
            throw wrong("--json needs a file in a directory that exists, unlike " + json);
        }
    }

    private ParameterException wrong(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    private int report(boolean complete, Census census, Progress progress, long start) {
        progress.end();
        double seconds = (System.nanoTime() - start) / 1e9;
        List<String> sources = paths.isEmpty()
                ? List.of("JDK " + Runtime.version())
                : paths.stream().map(Path::toString).toList();
        var report = new CensusReport(complete, sources, census.total(), workers, inProcess, seconds, census.counts());
        report.print(spec.commandLine().getOut());
        ProcessorTime.now().ifPresent(time -> time.print(spec.commandLine().getOut(), inProcess));
        if (json == null) {
            return 0;
        }
        try {
            report.writeJson(json);
            return 0;
        } catch (JacksonException e) {
            spec.commandLine().getErr().println("census: cannot write " + json + ": " + e.getOriginalMessage());
            return 1;
        }
    }
}
