package dev.trestle.examples.documents;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopEvent;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command line of the documents server. */
@Command(
        name = "documents",
        description = "A server that makes thumbnails and text of what strangers upload.",
        footer = {
            "",
            "Images are read by ImageIO, PDF by Apache PDFBox, in child JVMs: a document that",
            "crashes, hangs or eats memory costs its own upload. Open the address in a",
            "browser. Ctrl-C ends the server when the uploads in flight have ended.",
        },
        sortOptions = false)
public final class DocumentsCommand implements Callable<Integer> {

    private static final int MEGABYTE = 1_000_000;
    private static final int LARGEST_PORT = 65_535;

    @Option(
            names = "--port",
            paramLabel = "N",
            description = "Where to listen; 0 for any port that is free. Default: 8080.")
    private int port = 8080;

    @Option(
            names = "--host",
            paramLabel = "NAME",
            description = "The address to listen at; 0.0.0.0 for all. Default: 127.0.0.1, this machine only.")
    private String host = "127.0.0.1";

    @Option(
            names = "--workers",
            paramLabel = "N",
            description = "How many child JVMs read documents. Default: one per processor.")
    private int workers = Runtime.getRuntime().availableProcessors();

    @Option(
            names = "--in-flight",
            paramLabel = "N",
            description = "How many uploads are taken at a time; others are told to try again. Default: 16.")
    private int inFlight = 16;

    @Option(names = "--megabytes", paramLabel = "N", description = "The size of the largest file. Default: 20.")
    private int megabytes = 20;

    @Option(names = "--seconds", paramLabel = "N", description = "The time limit of a document. Default: 10.")
    private double seconds = 10;

    @Option(names = "--heap", paramLabel = "MB", description = "The heap of each child JVM. Default: 256.")
    private int heap = 256;

    @Option(
            names = "--in-process",
            description = "Read documents on threads of the server's JVM instead, for comparison.")
    private boolean inProcess;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Print this.")
    @SuppressWarnings("UnusedVariable") // read by picocli
    private boolean help;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    /** Created by picocli. */
    DocumentsCommand() {}

    @Override
    public Integer call() {
        Settings settings = settings();
        limitRequests();
        try {
            serve(settings, spec.commandLine().getOut());
            return 0;
        } catch (CompletionException e) {
            if (e.getCause() instanceof IOException cannotListen) {
                spec.commandLine()
                        .getErr()
                        .println("documents: cannot listen at " + host + ":" + port + ": " + cannotListen.getMessage()
                                + " (see --host and --port)");
                return 1;
            }
            throw e;
        }
    }

    private Settings settings() {
        check("--port", port, 0, LARGEST_PORT);
        check("--workers", workers, 1, 1000);
        check("--in-flight", inFlight, 1, 10_000);
        check("--megabytes", megabytes, 1, 1000);
        check("--heap", heap, 16, 1_000_000);
        if (!(seconds >= 0.1 && seconds <= 3600)) {
            throw wrong("--seconds must be between 0.1 and 3600, not " + seconds);
        }
        return new Settings(
                host,
                port,
                workers,
                inFlight,
                megabytes * MEGABYTE,
                Duration.ofMillis(Math.round(seconds * 1000)),
                (long) heap << 20,
                inProcess);
    }

    private void check(String option, int value, int least, int most) {
        if (value < least || value > most) {
            throw wrong(option + " must be between " + least + " and " + most + ", not " + value);
        }
    }

    private ParameterException wrong(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    /** Ends connections that send their request too slowly; read by the JDK's server when its class is loaded. */
    private static void limitRequests() {
        setDefault("sun.net.httpserver.maxReqTime", "60");
        setDefault("jdk.httpserver.maxConnections", "500");
    }

    private static void setDefault(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }

    private static void serve(Settings settings, PrintWriter out) {
        var ended = new CountDownLatch(1);
        try {
            EventLoop.run(() -> {
                var end = new LoopEvent();
                EventLoop loop = EventLoop.getRunningLoop();
                try (var server = DocumentServer.start(settings)) {
                    Runtime.getRuntime()
                            .addShutdownHook(Thread.ofPlatform()
                                    .name("trestle-examples-documents-end")
                                    .unstarted(() -> end(loop, end, ended, settings)));
                    out.println("documents: open http://" + settings.host() + ":" + server.port()
                            + "/ in a browser. Ctrl-C ends the server.");
                    out.println("documents: " + server.jail().words());
                    out.flush();
                    try {
                        end.await();
                    } finally {
                        out.println("documents: ending");
                        out.flush();
                    }
                }
            });
        } finally {
            ended.countDown();
        }
    }

    /** Ends the server in order, by Ctrl-C or SIGTERM; called in a shutdown hook, which the JVM waits for. */
    private static void end(EventLoop loop, LoopEvent end, CountDownLatch ended, Settings settings) {
        try {
            loop.callSoonThreadsafe(end::set);
            ended.await(settings.timeLimit().toMillis() + 30_000, TimeUnit.MILLISECONDS);
        } catch (IllegalStateException e) {
            // The loop is closed: the server has ended.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
