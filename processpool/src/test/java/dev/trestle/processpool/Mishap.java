package dev.trestle.processpool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;

/** A mishap in a worker, for {@link FailureTableTest}. */
enum Mishap {
    THROWS(() -> Integer.parseInt("no number")),
    OVERFLOWS_THE_STACK(() -> deep(0)),
    EXITS(() -> System.exit(7)),
    EXITS_WITH_THE_CODE_OF_OUT_OF_MEMORY(() -> System.exit(3)),
    EXITS_WITH_THE_CODE_OF_SIGKILL(() -> System.exit(137)),
    EXITS_WITH_THE_CODE_OF_SIGTERM(() -> System.exit(143)),
    HALTS_WITH_THE_CODE_OF_OUT_OF_MEMORY(() -> Runtime.getRuntime().halt(3)),
    HALTS_WITH_THE_CODE_OF_SIGSEGV(() -> Runtime.getRuntime().halt(139)),
    HALTS(() -> Runtime.getRuntime().halt(9)),
    IS_KILLED(() -> signal("KILL")),
    IS_TERMINATED(() -> signal("TERM")),
    CRASHES(() -> signal("SEGV")),
    EXHAUSTS_THE_HEAP(() -> fill(new byte[1024][])),
    EXHAUSTS_THE_METASPACE(Mishap::defineClasses),
    EXHAUSTS_THE_THREADS(Mishap::startWithoutMemory),
    CORRUPTS_THE_STREAM(() -> withSockets(Mishap::writeGarbage)),
    CLOSES_ITS_SOCKETS(() -> withSockets(Mishap::close)),
    WAITS(Gate::hang),
    LOOPS(Mishap::spin),
    EXITS_WITH_A_CHILD_THAT_HOLDS_STDOUT(() -> {
        leaveChild();
        System.exit(7);
    }),
    HALTS_WITH_A_CHILD_THAT_HOLDS_STDOUT(() -> {
        leaveChild();
        Runtime.getRuntime().halt(9);
    }),
    IS_KILLED_WITH_A_CHILD_THAT_HOLDS_STDOUT(() -> {
        leaveChild();
        signal("KILL");
    }),
    FLOODS_STDOUT(() -> System.out.println("x".repeat(4 << 20) + "\n".repeat(100_000))),
    CLOSES_ITS_STREAMS(Mishap::closeStreams),
    LEAVES_A_NON_DAEMON_THREAD(() -> Thread.ofPlatform().start(Gate::hang)),
    LEAVES_A_CHILD_THAT_HOLDS_STDOUT(Mishap::leaveChild),
    LEAVES_ITS_THREAD_INTERRUPTED(() -> Thread.currentThread().interrupt()),
    SETS_A_CLASS_LOADER(() -> Thread.currentThread().setContextClassLoader(null));

    /** Something in a worker that goes wrong. */
    interface Action {
        void run();
    }

    /** Set in the workers of tests, so that what is only to go wrong there, or here, knows where it is. */
    static final String IN_WORKER = "trestle.test.worker";

    @SuppressWarnings("ImmutableEnumChecker") // lambdas that capture nothing
    private final Action action;

    Mishap(Action action) {
        this.action = action;
    }

    /** Happens, and leaves the worker alive. */
    long survive() {
        action.run();
        return worker();
    }

    /** Happens, and does not return: what ends the JVM may take a moment. */
    long happen() {
        action.run();
        Gate.hang();
        return 0;
    }

    /** Happens soon, on another thread, so in a worker that has nothing to do. */
    long happenLater() {
        Thread.ofPlatform().daemon().start(() -> {
            while (isInACall()) {
                Thread.onSpinWait();
            }
            happen();
        });
        return worker();
    }

    /** Returns the number of its worker; runs in a call. The process id may be another one outside of a sandbox. */
    static long worker() {
        return workerOf(ProcessHandle.current());
    }

    /** Returns the number of the worker that runs in a process: the last argument is its name. */
    static long workerOf(ProcessHandle process) {
        String[] arguments = process.info().arguments().orElseThrow();
        String name = arguments[arguments.length - 1];
        return Long.parseLong(name.substring(name.lastIndexOf('-') + 1));
    }

    private static boolean isInACall() {
        return Thread.getAllStackTraces().values().stream()
                .flatMap(Arrays::stream)
                .anyMatch(frame -> frame.getMethodName().equals("answer"));
    }

    /** Happens when the worker ends in order. */
    long happenAtTheEnd() {
        Runtime.getRuntime().addShutdownHook(new Thread(this::happen));
        return worker();
    }

    private static int deep(int level) {
        return level < 0 ? 0 : deep(level + 1) + 1;
    }

    private static void spin() {
        int turns = 0;
        while (turns >= 0) {
            turns = turns + 1 & 0xff;
        }
    }

    private static void signal(String name) {
        try {
            new ProcessBuilder(
                            "kill",
                            "-" + name,
                            Long.toString(ProcessHandle.current().pid()))
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Exhausts a heap that is smaller than this array of megabytes. */
    static void fill(byte[][] memory) {
        for (int i = 0; i < memory.length; i++) {
            memory[i] = new byte[1 << 20];
        }
    }

    private static void defineClasses() {
        var classes = new ArrayList<Class<?>>();
        try (var in = Mishap.class.getResourceAsStream("Mishap$Action.class")) {
            byte[] bytes = requireNonNull(in).readAllBytes();
            while (true) {
                classes.add(
                        MethodHandles.lookup().defineHiddenClass(bytes, false).lookupClass());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (IllegalAccessException e) {
            throw new AssertionError("A class may define classes in its own package: " + classes.size(), e);
        }
    }

    /** The JVM says the same whether processes, threads or memory for them are lacking. */
    private static void startWithoutMemory() {
        new Thread(null, Gate::hang, "too large", 1L << 46).start();
    }

    private interface OnDescriptor {
        void run(FileDescriptor descriptor) throws IOException;
    }

    /** Runs an action on each socket of this process, as native code that has gone wild might. */
    private static void withSockets(OnDescriptor action) {
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            for (Path each : descriptors.toList()) {
                if (Files.isSymbolicLink(each)
                        && Files.readSymbolicLink(each).toString().startsWith("socket:")) {
                    var descriptor = new FileDescriptor();
                    var number = FileDescriptor.class.getDeclaredField("fd");
                    number.setAccessible(true);
                    number.setInt(
                            descriptor, Integer.parseInt(each.getFileName().toString()));
                    action.run(descriptor);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("java.io is open to the workers of this test", e);
        }
    }

    private static void writeGarbage(FileDescriptor socket) {
        try {
            new FileOutputStream(socket).write("This is no frame. ".repeat(10).getBytes(UTF_8));
        } catch (IOException e) {
            System.err.println("No thread reads from this channel: " + e); // each connection has one direction
        }
    }

    private static void close(FileDescriptor socket) throws IOException {
        new FileOutputStream(socket).close();
    }

    private static void closeStreams() {
        try {
            new FileInputStream(FileDescriptor.in).close();
            new FileOutputStream(FileDescriptor.out).close();
            new FileOutputStream(FileDescriptor.err).close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void leaveChild() {
        try {
            new ProcessBuilder("sleep", "3600").inheritIO().start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
