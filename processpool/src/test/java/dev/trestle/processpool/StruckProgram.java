package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.processpool.jvm.PrivateDirectory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.logging.LogManager;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A program whose pools are struck by errors, at one place of their code after the other, while calls of all kinds
 * begin and end. Whatever is struck: every future ends, a pool runs further calls, close returns, and nothing is left
 * of a pool that has ended. If not, the program says what happened and ends with exit code 1.
 */
final class StruckProgram {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int STRIKES_PER_POOL = 8;

    /** The limit of a call whose future an error may have kept from its caller; the storm waits for it. */
    private static final Duration LIMIT_OF_LOST_FUTURES = Duration.ofSeconds(1);

    /** An error that no code expects. */
    static final class Death extends Error {
        private static final long serialVersionUID = 1;

        Death() {
            super("a thread is to die here");
        }
    }

    private static final List<Supplier<Error>> OF_ALLOCATIONS =
            List.of(() -> new OutOfMemoryError("by hand"), () -> new StackOverflowError("by hand"), Death::new);

    /** Errors that the JVM throws where a method is called. */
    private static final List<Supplier<Error>> OF_CALLS =
            List.of(() -> new StackOverflowError("by hand"), () -> new InternalError("by hand"));

    /** The behaviour of a call, and the treatment of it. */
    private enum Kind {
        RETURNS,
        FAILS,
        IS_LARGE,
        IS_LATE,
        IS_INTERRUPTED,
        IS_CANCELLED,
        STREAMS,
        REPORTS,
        HAS_A_CALLBACK_THAT_FAILS,
        HAS_A_CALLBACK_THAT_SUBMITS,
        CANNOT_BE_ENCODED,
        CANNOT_BE_ANSWERED,
        HALTS
    }

    private enum Ending {
        CLOSE,
        SHUTDOWN_NOW,
        KILL_WORKERS,
        SHUTDOWN,
        TERMINATE_WORKERS
    }

    private final String workerClassPath;
    private final List<String> places;
    private final SplittableRandom random;
    private final Map<String, Integer> outcomes = new TreeMap<>();
    private int struck;
    private String current = "nothing";
    private @Nullable ProcessPool pool;

    private StruckProgram(String workerClassPath, List<String> places, long seed) {
        this.workerClassPath = workerClassPath;
        this.places = places;
        this.random = new SplittableRandom(seed);
    }

    /**
     * Runs the storm.
     *
     * @param arguments the class path of workers, the file that names the places, the seed, how many errors are to
     * strike, and a pattern
     *     of the places where they may
     */
    public static void main(String[] arguments) throws Exception {
        LogManager.getLogManager().reset(); // callbacks that fail are reported, and here many do
        new StruckProgram(arguments[0], Files.readAllLines(Path.of(arguments[1])), Long.parseLong(arguments[2]))
                .run(Integer.parseInt(arguments[3]), Pattern.compile(arguments[4]));
        System.exit(0);
    }

    @SuppressWarnings("SystemOut") // how this program speaks
    private static void say(String line) {
        System.out.println(line);
    }

    private void run(int strikes, Pattern where) throws Exception {
        Strike.note(true);
        for (Ending each : List.of(Ending.SHUTDOWN_NOW, Ending.CLOSE)) {
            open();
            var futures = new ArrayList<ConcurrentFuture<?>>();
            for (Kind kind : Kind.values()) {
                submit(kind, futures);
            }
            endPool(each);
            awaitAll(futures);
        }
        Strike.note(false);
        int[] passed = IntStream.of(Strike.passed())
                .filter(place -> where.matcher(places.get(place)).find())
                .toArray();
        for (int i = 0; i < strikes; i++) {
            strikeAt(passed[random.nextInt(passed.length)], i);
        }
        if (pool != null) {
            endPool(Ending.CLOSE);
        }
        say(strikes + " errors at " + passed.length + " of " + places.size() + " places, " + struck
                + " of them thrown: " + outcomes);
    }

    /**
     * Throws errors from a place on, and has all happen to a pool that may lead there, until the first has been thrown.
     */
    private void strikeAt(int place, int number) throws Exception {
        boolean call = places.get(place).contains(StruckClasses.CALL);
        int errors = !call && random.nextInt(3) == 0 ? 1 + random.nextInt(30) : 1;
        int times = random.nextInt(4) == 0 ? 1 + random.nextInt(4) : 1;
        List<Supplier<Error>> kinds = call ? OF_CALLS : OF_ALLOCATIONS;
        Supplier<Error> error = kinds.get(random.nextInt(kinds.size()));
        current = number + ": " + errors + " times " + error.get().getClass().getSimpleName() + " from "
                + places.get(place) + " on, passed " + times + " times";
        Strike.arm(place, times, errors, error);
        open();
        awaitAll(burst(4 + random.nextInt(8)));
        if (Strike.thrown() == null) {
            var futures = new ArrayList<ConcurrentFuture<?>>();
            submit(Kind.HALTS, futures);
            submit(Kind.HALTS, futures);
            awaitAll(futures);
        }
        if (Strike.thrown() == null || number % STRIKES_PER_POOL == STRIKES_PER_POOL - 1) {
            endPool(Ending.values()[random.nextInt(Ending.values().length)]);
            open();
        }
        struck += Strike.thrown() == null ? 0 : 1;
        awaitAll(burst(2));
        Strike.disarm();
        checkThatItWorks();
    }

    private void count(String outcome) {
        outcomes.merge(outcome, 1, Integer::sum);
    }

    private void open() {
        while (pool == null) {
            try {
                pool = TestPools.builder(2)
                        .classPath(workerClassPath)
                        .aotCache(false)
                        .cancelGrace(Duration.ofMillis(200))
                        .closeGrace(Duration.ofMillis(500))
                        .build();
            } catch (VirtualMachineError | Death e) {
                count("refused pool");
            }
        }
    }

    // Calls

    private List<ConcurrentFuture<?>> burst(int calls) {
        var futures = new ArrayList<ConcurrentFuture<?>>();
        for (int i = 0; i < calls; i++) {
            Kind kind = Kind.values()[random.nextInt(Kind.values().length)];
            submit(kind == Kind.HALTS && random.nextBoolean() ? Kind.RETURNS : kind, futures);
        }
        return futures;
    }

    private void submit(Kind kind, List<ConcurrentFuture<?>> futures) {
        var open = requireNonNull(pool);
        try {
            switch (kind) {
                case RETURNS -> add(open.submit(() -> 1), futures);
                case FAILS -> add(open.submit(() -> fail()), futures);
                case IS_LARGE -> {
                    byte[] large = new byte[300_000];
                    add(open.submit(() -> large), futures);
                }
                case IS_LATE -> {
                    var limit = Duration.ofMillis(1 + random.nextInt(20));
                    add(open.submit(() -> stay(), CallOptions.DEFAULT.withTimeout(limit)), futures);
                }
                case IS_INTERRUPTED -> {
                    // If an error strikes after the call was accepted, only the limit ends it.
                    var future = open.submit(() -> stay(), CallOptions.DEFAULT.withTimeout(LIMIT_OF_LOST_FUTURES));
                    add(future, futures);
                    LockSupport.parkNanos(random.nextInt(2_000_000));
                    cancel(future, true);
                }
                case IS_CANCELLED -> {
                    var future = open.submit(() -> 1);
                    add(future, futures);
                    cancel(future, false);
                }
                case STREAMS -> {
                    try (Stream<Integer> items =
                            open.stream(() -> IntStream.range(0, 100).boxed())) {
                        items.limit(random.nextInt(120)).forEach(_ -> {});
                    }
                }
                case REPORTS ->
                    add(
                            open.submit(() -> report(), CallOptions.DEFAULT.withListener((_, _) -> {
                                throw new Death();
                            })),
                            futures);
                case HAS_A_CALLBACK_THAT_FAILS -> {
                    var future = open.submit(() -> 1);
                    add(future, futures);
                    future.addDoneCallback(_ -> {
                        throw new StackOverflowError("of a callback");
                    });
                }
                case HAS_A_CALLBACK_THAT_SUBMITS -> {
                    var future = open.submit(() -> 1);
                    add(future, futures);
                    future.addDoneCallback(_ -> add(open.submit(() -> 1), futures));
                }
                case CANNOT_BE_ENCODED -> {
                    var cursed = new Cursed(1);
                    add(open.submit(() -> cursed.hashCode()), futures);
                }
                case CANNOT_BE_ANSWERED -> add(open.submit(() -> new Cursed(2)), futures);
                case HALTS -> {
                    var options = CallOptions.DEFAULT.withRetries(random.nextInt(2));
                    add(open.submit(() -> halt(), options), futures);
                }
            }
        } catch (Exception | Error e) {
            count("refused " + e.getClass().getSimpleName());
        }
    }

    private static void add(ConcurrentFuture<?> future, List<ConcurrentFuture<?>> futures) {
        synchronized (futures) {
            futures.add(future);
        }
    }

    private static void cancel(Future<?> future, boolean mayInterrupt) {
        try {
            future.cancel(mayInterrupt);
        } catch (Error e) {
            future.cancel(mayInterrupt); // nothing has changed, says its Javadoc
        }
    }

    private static int fail() {
        throw new IllegalStateException("on purpose");
    }

    private static int stay() throws InterruptedException {
        while (!Thread.interrupted()) {
            LockSupport.parkNanos(1_000_000_000);
        }
        throw new InterruptedException();
    }

    private static int halt() {
        Runtime.getRuntime().halt(9);
        return 0;
    }

    private static int report() {
        var context = WorkerContext.current();
        context.message("half-way");
        context.progress(0.5, "there");
        return 1;
    }

    /** A value whose accessor throws what no accessor should. */
    record Cursed(int number) {
        @Override
        public int number() {
            throw new Death();
        }
    }

    // Invariants

    private void awaitAll(List<ConcurrentFuture<?>> futures) throws Exception {
        for (var next = get(futures, 0); next != null; next = get(futures, futures.indexOf(next) + 1)) {
            try {
                next.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
                count("ended");
            } catch (TimeoutException e) {
                give("A future without an end: " + next);
            } catch (Exception | Error e) {
                count("ended by "
                        + (e.getCause() == null ? e : e.getCause()).getClass().getSimpleName());
            }
        }
    }

    private static @Nullable ConcurrentFuture<?> get(List<ConcurrentFuture<?>> futures, int index) {
        synchronized (futures) {
            return index < futures.size() ? futures.get(index) : null;
        }
    }

    private void checkThatItWorks() {
        var open = requireNonNull(pool);
        await(() -> answers(open), "It runs nothing more");
        await(() -> open.callsInFlight() == 0, "Calls that have ended are in flight");
    }

    private boolean answers(ProcessPool open) {
        try {
            return open.submit(() -> 1).get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS) == 1;
        } catch (Exception | Error e) {
            count("not answered by " + e.getClass().getSimpleName()); // its worker may still die of the strike
            return false;
        }
    }

    private void endPool(Ending ending) throws Exception {
        var ended = requireNonNull(pool);
        var futures = burst(3);
        var thread = Thread.ofPlatform().daemon().start(() -> {
            while (!end(ended, ending)) {
                count("not ended by " + ending);
            }
        });
        if (!thread.join(PATIENCE)) {
            give("close does not return after " + ending);
        }
        awaitAll(futures);
        await(() -> ended.callsInFlight() == 0, "Calls are in flight after " + ending);
        await(() -> ProcessHandle.current().descendants().findAny().isEmpty(), "A process is left after " + ending);
        await(() -> PrivateDirectory.ours().isEmpty(), "A directory is left after " + ending);
        await(
                () -> Thread.getAllStackTraces().keySet().stream()
                        .noneMatch(each -> each.getName().startsWith("trestle-processpool")),
                "A thread is left after " + ending);
        pool = null;
    }

    /** Returns false if an error has struck; then it is to be tried again. */
    private static boolean end(ProcessPool ended, Ending ending) {
        try {
            switch (ending) {
                case CLOSE -> {}
                case SHUTDOWN_NOW -> ended.shutdownNow();
                case KILL_WORKERS -> ended.killWorkers();
                case SHUTDOWN -> ended.shutdown();
                case TERMINATE_WORKERS -> ended.terminateWorkers();
            }
            ended.close();
            return true;
        } catch (Error e) {
            return false;
        }
    }

    private void await(BooleanSupplier condition, String otherwise) {
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - until > 0) {
                give(otherwise);
            }
            LockSupport.parkNanos(1_000_000);
        }
    }

    private void give(String what) {
        Strike.disarm();
        say(what + ", in " + pool + ", after strike " + current);
        Throwable thrown = Strike.thrown();
        if (thrown != null) {
            Stream.of(thrown.getStackTrace()).forEach(frame -> say("    " + frame));
        }
        Thread.getAllStackTraces().forEach((thread, stack) -> {
            say(thread.toString());
            Stream.of(stack).forEach(frame -> say("    " + frame));
        });
        Runtime.getRuntime().halt(1);
    }
}
