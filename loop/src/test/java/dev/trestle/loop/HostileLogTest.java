package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.yieldNow;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.time.Duration.ofMillis;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A log that fails or hangs: loops, the slow-callback detector, and the help for stuck loops go on. Time is the
 * machine's here.
 */
@Timeout(30)
class HostileLogTest {

    /** The behaviour of a log handler at its first record. */
    enum Hostility {
        THROWS(_ -> {
            throw new IllegalStateException("the log failed on purpose");
        }),
        THROWS_AN_ERROR(_ -> {
            throw new LinkageError("the log failed on purpose");
        }),
        IS_OUT_OF_MEMORY(_ -> {
            throw new OutOfMemoryError("on purpose");
        }),
        OVERFLOWS(_ -> overflow()),
        HANGS(test -> test.hang());

        @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
        final Consumer<HostileLogTest> deed;

        Hostility(Consumer<HostileLogTest> deed) {
            this.deed = deed;
        }

        @SuppressWarnings("InfiniteRecursion") // on purpose
        private static int overflow() {
            return overflow() + 1;
        }
    }

    private static final AtomicInteger instances = new AtomicInteger();

    /** Stands in every line that a test is about: what an earlier one has left behind is logged later. */
    private final String tag = "of test " + instances.incrementAndGet() + ".";

    private final CountDownLatch over = new CountDownLatch(1);
    private final AtomicBoolean met = new AtomicBoolean();
    private final LinkedBlockingQueue<String> logged = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<Thread> loggers = new LinkedBlockingQueue<>();
    private @Nullable Consumer<HostileLogTest> deed;

    @AutoClose
    @SuppressWarnings("UnusedVariable") // JUnit closes it
    private final LoopLog log = new LoopLog(this::onMessage);

    private void onMessage(String message) {
        if (!message.contains(tag)) {
            return;
        }
        loggers.add(Thread.currentThread());
        if (deed != null && met.compareAndSet(false, true)) {
            deed.accept(this);
        }
        logged.add(message);
    }

    private void hang() {
        boolean interrupted = false;
        while (true) {
            try {
                over.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @AfterEach
    void stopHanging() {
        over.countDown();
    }

    private String next(String what) throws InterruptedException {
        while (true) {
            String line = requireNonNull(logged.poll(20, TimeUnit.SECONDS), () -> "nothing logged of " + what);
            if (line.contains(what)) {
                return line;
            }
        }
    }

    /** Holds the baton of a loop until its log has been met. */
    private void holdUntil(String name, CountDownLatch end) {
        try (var loop = new EventLoop()) {
            loop.setSlowCallbackDuration(ofMillis(4));
            loop.createTask(
                    () -> {
                        end.await();
                        loop.stop();
                        return name;
                    },
                    name);
            loop.runForever();
        }
    }

    private Thread hog(String name, CountDownLatch end) {
        return Thread.ofPlatform().start(() -> holdUntil(name, end));
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "HANGS")
    void theWatchGoesOnAfterALogThatFails(Hostility hostility) throws Exception {
        deed = hostility.deed;
        var end = new CountDownLatch(1);
        Thread first = hog("first " + tag, end);
        requireNonNull(loggers.poll(20, TimeUnit.SECONDS));
        Thread second = hog("second " + tag, end);

        assertThat(next("Task[second " + tag + "]")).contains(" has run for ");
        end.countDown();
        first.join();
        second.join();
    }

    /**
     * With java.lang opened, the pinned coroutine keeps the one that is next on its carrier until the detector unsticks
     * that one.
     */
    @Test
    void theWatchRescuesStuckLoopsWhileTheLogHangs() throws Exception {
        deed = Hostility.HANGS.deed;
        var end = new CountDownLatch(1);
        Thread hog = hog("first " + tag, end);
        assertThat(requireNonNull(loggers.poll(20, TimeUnit.SECONDS)).getName()).isEqualTo("trestle-watch-log");

        int sum = EventLoop.run(() -> {
            LoopFuture<Integer> future = EventLoop.getRunningLoop().createFuture();
            source = future;
            Task<Integer> pinned = createTask(() -> Constants.VALUE);
            for (int i = 0; i < 100; i++) {
                yieldNow();
            }
            future.setResult(42);
            return await(pinned);
        });

        assertThat(sum).isEqualTo(42);
        end.countDown();
        hog.join();
        over.countDown();
        assertThat(next("Task[first " + tag + "]")).contains(" has run for ");
    }

    private static @Nullable LoopFuture<Integer> source;

    /** A static initializer is called by native code, over which a virtual thread cannot leave its carrier. */
    private static final class Constants {
        static final int VALUE = await(requireNonNull(source));

        private Constants() {}
    }

    /** Its {@code toString} is called for the warning about it. */
    @Test
    void theWatchGoesOnWhileACallbackCannotBePutIntoWords() throws Exception {
        var asked = new CountDownLatch(1);
        var end = new CountDownLatch(1);
        Thread speechless = Thread.ofPlatform().start(() -> {
            try (var loop = new EventLoop()) {
                loop.setSlowCallbackDuration(ofMillis(4));
                loop.callSoon(new Runnable() {
                    @Override
                    public void run() {
                        boolean _ = awaitQuietly(end);
                        loop.stop();
                    }

                    @Override
                    public String toString() {
                        assertThat(Thread.currentThread().getName()).isEqualTo("trestle-watch-log");
                        asked.countDown();
                        return "callback " + tag;
                    }
                });
                loop.runForever();
            }
        });
        assertThat(asked.await(20, TimeUnit.SECONDS)).isTrue();
        end.countDown();
        speechless.join();
        assertThat(next("Callback callback " + tag)).contains(" has run for ");
    }

    private static boolean awaitQuietly(CountDownLatch latch) {
        try {
            return latch.await(20, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            return false;
        }
    }

    /** Each place that logs goes through Log; this one is the report of a callback that fails. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "HANGS")
    void aLoopGoesOnWhenTheReportOfACallbackCannotBeLogged(Hostility hostility) {
        deed = hostility.deed;
        EventLoop.run(() -> {
            EventLoop.getRunningLoop().callSoon(() -> {
                throw new IllegalStateException("callback failed on purpose");
            });
            EventLoop.getRunningLoop().callExceptionHandler(new ExceptionContext(tag, null, null, null));
            for (int i = 0; i < 3; i++) {
                yieldNow();
            }
        });
        assertThat(met).isTrue();
    }

    @Test
    void tenLinesThatCannotBeLoggedGoToTheErrorStream() {
        PrintStream before = System.err;
        var bytes = new ByteArrayOutputStream();
        Log.failures.set(0);
        System.setErr(new PrintStream(bytes, true, UTF_8));
        try {
            for (int i = 0; i < 12; i++) {
                deed = Hostility.THROWS.deed;
                met.set(false);
                Log.log(System.Logger.Level.ERROR, () -> "a line " + tag, new IllegalArgumentException("its cause"));
            }
        } finally {
            System.setErr(before);
            Log.failures.set(0);
        }
        assertThat(bytes.toString(UTF_8).lines().filter(line -> line.contains(tag)))
                .hasSize(10)
                .allMatch(line -> line.startsWith("The log of dev.trestle.loop.EventLoop has failed with"
                        + " java.lang.IllegalStateException: the log failed on purpose. The line that was lost: a line "
                        + tag
                        + ":"
                        + " java.lang.IllegalArgumentException: its cause"))
                .last()
                .asString()
                .endsWith(" its cause. Further failures are not shown.");
    }
}
