package dev.trestle.processpool.child;

import dev.trestle.processpool.values.CallDecoder;
import dev.trestle.processpool.wire.ArrayRing;
import dev.trestle.processpool.wire.AsciiText;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.MainArguments;
import dev.trestle.processpool.wire.Reporter;
import dev.trestle.processpool.wire.TwoWayChannel;
import dev.trestle.processpool.wire.WireOptions;
import dev.trestle.processpool.wire.WorkerJournal;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** The main class of a worker. */
final class WorkerMain {

    private static final int PROPERTIES_AT = 7;

    /** A worker that has had no call for this time sets up what its first call may need. */
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** The names of the threads in which a JVM ends because of a signal. */
    private static final Set<String> HANDLERS = Set.of("SIGHUP handler", "SIGINT handler", "SIGTERM handler");

    /**
     * The system property of a worker that leaves the set-up of Jackson to the first call that needs it. For tests of
     * Trestle, which start hundreds of workers for a small call each: docs/adr/0520.
     */
    private static final String LAZY = "trestle.codec.lazy";

    private WorkerMain() {}

    /**
     * Runs a worker until its pool or its program ends it, or runs a program for one: see {@link MainArguments}.
     *
     * @param arguments the address to dial, the worker journal, the largest payload, the number of calls at a time, the
     *     two directories of shared arrays, the file of the ring for large arrays, the system properties that no
     *     command line can have in this locale, and a name that only {@code ps} is to show
     */
    public static void main(String[] arguments) throws Throwable {
        TerminalSignals.ignore();
        MainArguments program = MainArguments.decode(arguments);
        int properties = program == null ? arguments.length - 1 : MainArguments.begin(arguments);
        for (int i = PROPERTIES_AT; i < properties; i++) {
            String[] property = AsciiText.decode(arguments[i]).split("=", 2);
            System.setProperty(property[0], property.length > 1 ? property[1] : "");
        }
        if (program == null) {
            work(arguments);
        } else {
            MainRunner.run(program);
        }
    }

    private static void work(String[] arguments) throws Exception {
        System.setProperty(MainArguments.PROPERTY, arguments[1]);
        LogLines.install();
        Lifeline lifeline = Lifeline.take();
        byte[] secret = lifeline.secret();

        long maxPayloadBytes = Long.parseLong(arguments[2]);
        int places = Integer.parseInt(arguments[3]);
        var opening = new FutureTask<>(() -> WorkerJournal.open(Path.of(arguments[1]), places));
        Thread.ofPlatform().name("trestle-journal").daemon().start(opening);
        SocketChannel results = Dialer.dial(arguments[0], secret, 'R');
        SocketChannel calls = Dialer.dial(arguments[0], secret, 'C');
        SocketChannel controls = Dialer.dial(arguments[0], secret, 'K');
        WorkerJournal journal = opening.get();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> exit(journal), "trestle-exit"));
        var channel = FrameChannel.ofWorker(TwoWayChannel.undisturbed(calls, results), maxPayloadBytes, journal);
        ArrayRing ring = ring(arguments[6]);
        if (ring != null) {
            channel.use(ring);
        }
        journal.noteHello();
        channel.write(new Frame.Hello(
                FrameChannel.PROTOCOL_VERSION, ProcessHandle.current().pid(), System.getProperty("java.version")));

        // Jackson takes longer to set up than all this. A first call that does not need it has the processor to itself;
        // one that does sets it up.
        var shared = new MappedArrays(List.of(Path.of(arguments[4]), Path.of(arguments[5])));
        var decoder = new CallDecoder(
                new WireOptions(maxPayloadBytes, Set.of()), WorkerMain.class.getClassLoader(), journal, shared);
        Thread codec = Thread.ofPlatform().name("trestle-codec").daemon().unstarted(() -> {
            LockSupport.parkNanos(WorkerMain.class, IDLE_NANOS);
            decoder.prepare();
        });
        if (!Boolean.getBoolean(LAZY)) {
            codec.start();
        }

        var reports = new Reports(channel, places);
        Reporter.install(reports);
        var runner = CallRunner.create(channel, decoder, journal, reports, places);
        lifeline.watch(runner::isEnding, Path.of(arguments[4]).getParent());
        Thread.ofPlatform().name("trestle-idle").daemon().start(new IdleHeap(runner));
        runner.run(
                Thread.ofPlatform()
                        .name("trestle-controls")
                        .daemon()
                        .start(new Controls(
                                FrameChannel.ofControls(TwoWayChannel.incoming(controls)), channel, runner, shared)),
                () -> LockSupport.unpark(codec));
    }

    /** Maps the ring for large arrays; null if there is none, or it cannot be mapped. */
    private static @Nullable ArrayRing ring(String file) {
        try {
            return file.equals("-") ? null : ArrayRing.open(Path.of(file));
        } catch (IOException e) {
            return null; // the pool sees that the file is still there
        }
    }

    /**
     * Ends the processes that calls have started: they would hold the worker's outputs open, and the threads that read
     * them.
     */
    private static void exit(WorkerJournal journal) {
        journal.noteExit(isSignalled());
        ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly);
    }

    /** Returns whether a thread is at work that the JVM starts for a signal which ends it. */
    private static boolean isSignalled() {
        ThreadGroup all = Thread.currentThread().getThreadGroup();
        while (all.getParent() != null) {
            all = all.getParent();
        }
        var threads = new Thread[2 * all.activeCount() + 16];
        int count = all.enumerate(threads, false);
        return Arrays.stream(threads, 0, count).map(Thread::getName).anyMatch(HANDLERS::contains);
    }
}
