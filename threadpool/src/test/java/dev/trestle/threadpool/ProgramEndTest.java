package dev.trestle.threadpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.ConcurrentFuture;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Programs that end while a pool has work, and programs that end while it has none. Each is a JVM of its own. */
@Timeout(60)
class ProgramEndTest {

    /**
     * The patience of these tests: far less than the minute for which an idle thread lives, and more than a busy
     * machine needs to end a JVM.
     */
    private static final int PATIENCE_SECONDS = 30;

    @TempDir
    Path folder = Path.of("");

    enum Threads {
        PLATFORM,
        VIRTUAL
    }

    private List<String> run(int exitCode, Class<?> program, Object... arguments) throws Exception {
        return new Program(program, List.of("-XX:TieredStopAtLevel=1", "-Xmx64m"), PATIENCE_SECONDS)
                .run(folder, exitCode, arguments);
    }

    private static ThreadPool.Builder builder(String threads) {
        var builder = ThreadPool.builder().size(2);
        return Threads.valueOf(threads) == Threads.VIRTUAL ? builder.virtual() : builder;
    }

    private static void say(String line) {
        System.out.println(line);
    }

    private static String afterTheEndOf(Thread main, int number) throws InterruptedException {
        main.join();
        return "call " + number;
    }

    private static String neverEnd(CountDownLatch started) throws InterruptedException {
        started.countDown();
        new CountDownLatch(1).await();
        return "";
    }

    /** Returns from main while two calls run and four wait. */
    static final class Returns {
        public static void main(String[] arguments) throws IOException {
            var main = Thread.currentThread();
            var pool = builder(arguments[0])
                    .initializer(() -> {
                        try {
                            main.join();
                        } catch (InterruptedException e) {
                            throw new IllegalStateException(e);
                        }
                    })
                    .build();
            for (int i = 0; i < 6; i++) {
                int number = i;
                pool.submit(() -> afterTheEndOf(main, number)).addDoneCallback(done -> say(done.result()));
            }
            pool.execute(() -> say("executed"));
            if (Boolean.parseBoolean(arguments[1])) {
                pool.shutdown();
            }
            if (Boolean.parseBoolean(arguments[2])) {
                throw new IOException("main failed on purpose");
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "PLATFORM, false, false",
        "PLATFORM, true,  false",
        "VIRTUAL,  true,  false",
        "VIRTUAL,  false, true",
    })
    void acceptedCallsRunBeforeAProgramEndsByItself(Threads threads, boolean shutdown, boolean fails) throws Exception {
        assertThat(run(fails ? 1 : 0, Returns.class, threads, shutdown, fails))
                .contains("executed")
                .containsAll(IntStream.range(0, 6).mapToObj(i -> "call " + i).toList());
    }

    /** Awaits a call, and returns from main. */
    static final class Idles {
        public static void main(String[] arguments) {
            var pool = builder(arguments[0]).build();
            say(pool.submit(() -> "called").result());
            var unused = builder(arguments[0]).build();
            say(unused.toString());
        }
    }

    @ParameterizedTest
    @EnumSource
    void anIdlePoolLetsAProgramEnd(Threads threads) throws Exception {
        assertThat(run(0, Idles.class, threads)).contains("called");
    }

    /** Exits while a call runs that never ends. */
    static final class Exits {
        public static void main(String[] arguments) throws InterruptedException {
            var started = new CountDownLatch(1);
            var pool = builder(arguments[0]).build();
            var _ = pool.submit(() -> neverEnd(started));
            started.await();
            System.exit(3);
        }
    }

    @ParameterizedTest
    @EnumSource
    void exitWaitsForNoCall(Threads threads) throws Exception {
        run(3, Exits.class, threads);
    }

    /** Returns from main while a call of a daemon pool runs that never ends. */
    static final class Daemon {
        public static void main(String[] arguments) throws InterruptedException {
            var started = new CountDownLatch(1);
            var pool = builder(arguments[0]).daemon().build();
            var _ = pool.submit(() -> neverEnd(started));
            started.await();
            say("returns");
        }
    }

    @ParameterizedTest
    @EnumSource
    void aDaemonPoolLetsAProgramEndWhileCallsRun(Threads threads) throws Exception {
        assertThat(run(0, Daemon.class, threads)).containsExactly("returns");
    }

    /** Returns from main; calls and their callbacks submit more, to two pools in turn. */
    static final class Chains {
        public static void main(String[] arguments) {
            var main = Thread.currentThread();
            next(main, builder("PLATFORM").build(), builder("VIRTUAL").build(), 200);
        }

        private static void next(Thread main, ThreadPool pool, ThreadPool other, int left) {
            pool.submit(() -> afterTheEndOf(main, left)).addDoneCallback(done -> {
                if (left == 0) {
                    say("the end of the chain");
                } else {
                    next(main, other, pool, left - 1);
                }
            });
        }
    }

    @Test
    void callsThatCallbacksSubmitRunToo() throws Exception {
        assertThat(run(0, Chains.class)).containsExactly("the end of the chain");
    }

    /** Returns from main; the last task of a pool fails after that. */
    static final class Fails {
        public static void main(String[] arguments) {
            var main = Thread.currentThread();
            builder(arguments[0]).build().execute(() -> {
                try {
                    main.join();
                } catch (InterruptedException e) {
                    say("interrupted");
                }
                throw new IllegalStateException("the task failed on purpose");
            });
        }
    }

    @ParameterizedTest
    @EnumSource
    void theFailureOfAnExecutedTaskIsPrintedBeforeTheProgramEnds(Threads threads) throws Exception {
        assertThat(run(0, Fails.class, threads)).anyMatch(line -> line.contains("the task failed on purpose"));
    }

    /** Returns from main; a thread of the program's own goes on, and uses the pool after a while of nothing. */
    static final class OtherThread {
        public static void main(String[] arguments) {
            var main = Thread.currentThread();
            var pool = builder(arguments[0]).build();
            pool.submit(() -> "early").result();
            Thread.ofPlatform().daemon(false).start(() -> {
                try {
                    main.join();
                } catch (InterruptedException e) {
                    say("interrupted");
                }
                var thread = Thread.currentThread();
                pool.submit(() -> afterTheEndOf(thread, 7)).addDoneCallback(done -> say(done.result()));
            });
        }
    }

    @ParameterizedTest
    @EnumSource
    void acceptedCallsRunIfAnotherThreadSubmitsLast(Threads threads) throws Exception {
        assertThat(run(0, OtherThread.class, threads)).containsExactly("call 7");
    }

    /** Returns from main while calls wait that are cancelled, handed back and failed by others. */
    static final class Drops {
        public static void main(String[] arguments) {
            var main = Thread.currentThread();
            var cancelling = builder(arguments[0]).size(1).build();
            var waiting = new AtomicReference<ConcurrentFuture<?>>();
            cancelling.execute(() -> {
                join(main);
                waiting.get().cancel(false);
            });
            waiting.set(cancelling.submit(() -> say("never")));
            var stopping = builder(arguments[0]).size(1).build();
            stopping.execute(() -> {
                join(main);
                stopping.shutdownNow();
            });
            stopping.execute(() -> say("never"));
            var breaking = builder(arguments[0])
                    .size(1)
                    .initializer(() -> {
                        join(main);
                        throw new IllegalStateException("initializer failed on purpose");
                    })
                    .build();
            for (int i = 0; i < 3; i++) {
                breaking.submit(() -> 1).addDoneCallback(done -> say("ended " + done.state()));
            }
        }

        private static void join(Thread main) {
            try {
                main.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void callsThatWillNeverRunHoldNoProgram(Threads threads) throws Exception {
        assertThat(run(0, Drops.class, threads)).containsExactly("ended FAILED", "ended FAILED", "ended FAILED");
    }
}
