package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.trestle.api.Call;
import dev.trestle.processpool.values.CallEncoder;
import dev.trestle.processpool.values.Journey;
import dev.trestle.processpool.wire.CallContext;
import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import dev.trestle.processpool.wire.Payload;
import dev.trestle.processpool.wire.Reporter;
import dev.trestle.processpool.wire.WireOptions;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ByteChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A call that has taken over its worker and speaks to the pool in the worker's name. Whatever it sends: its future
 * ends, other calls run, and logs, messages and memory of the program stay bounded.
 */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class HostileWorkerTest {

    private static final String ESCAPES = "\u001b[2J\r\u0007\b\u009b31m\u2028\u202eforged";
    private static final String SHOWN = "\\u001b[2J\\u000d\\u0007\\u0008\\u009b31m\\u2028\\u202eforged";

    private static final int LARGE = 60 << 10;

    private static final ProcessPool pool =
            TestPools.builder(1).closeGrace(Duration.ofSeconds(1)).build();

    private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
    private final PrintStream standardError = System.err;

    @BeforeEach
    void listenToTheLog() {
        System.setErr(new PrintStream(logged, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void restoreTheLog() {
        System.setErr(standardError);
    }

    @AfterAll
    static void close() {
        pool.shutdownNow();
        pool.close();
    }

    /** Frames that a worker sends, many times if need be, and the words of the message that the call ends with. */
    enum Misdeed {
        FATAL_AGAIN_AND_AGAIN(1000, "it had said that it cannot continue") {
            @Override
            Frame frame(long ticket) {
                return new Frame.Fatal(failure("gone".repeat(LARGE / 4)));
            }
        },
        RESULT_OF_A_CALL_IT_WAS_NOT_GIVEN(100_000, "calls that it was not given") {
            @Override
            Frame frame(long ticket) {
                return new Frame.Result(ticket + 1, Payload.EMPTY, 1);
            }
        },
        FAILURE_OF_A_CALL_IT_WAS_NOT_GIVEN(10_000, "calls that it was not given") {
            @Override
            Frame frame(long ticket) {
                return new Frame.Failed(-1, Frame.Phase.RUNNING, failure("x"), 1);
            }
        },
        GIVES_BACK_ITS_CALL(1, "gave back calls that it was to run") {
            @Override
            Frame frame(long ticket) {
                return new Frame.Cancelled(ticket);
            }
        },
        GIVES_BACK_ITS_CALL_WITHOUT_END(1_000_000, "gave back calls that it was to run") {
            @Override
            Frame frame(long ticket) {
                return new Frame.Cancelled(ticket);
            }
        },
        REPORT_OF_ANOTHER_CALL(100_000, "sent Progress of the call 9223372036854775807, which it does not run") {
            @Override
            Frame frame(long ticket) {
                return new Frame.Progress(Long.MAX_VALUE, Double.NaN, "x".repeat(1000));
            }
        },
        REPORT_OF_AN_EARLIER_CALL(100_000, "sent Progress of the call 0, which it does not run") {
            @Override
            Frame frame(long ticket) {
                return new Frame.Progress(0, 0.5, "");
            }
        },
        ITEM_OF_ANOTHER_CALL(100_000, "sent Item of the call -9223372036854775808, which it does not run") {
            @Override
            Frame frame(long ticket) {
                return new Frame.Item(Long.MIN_VALUE, 0, Payload.EMPTY);
            }
        },
        ITEM_OF_A_CALL_THAT_IS_NO_STREAM(100_000, "An item arrived for a call that is no stream") {
            @Override
            Frame frame(long ticket) {
                return new Frame.Item(ticket, 0, Payload.EMPTY);
            }
        },
        THREAD_DUMP_UNASKED(1000, "a thread dump that it was not asked for") {
            @Override
            Frame frame(long ticket) {
                return new Frame.ThreadDump("x".repeat(LARGE));
            }
        },
        GOODBYE_TWICE(10_000, "") { // its stdin has ended too, so it may be gone before the second one
            @Override
            Frame frame(long ticket) {
                return new Frame.Goodbye(ESCAPES);
            }
        },
        HELLO_AGAIN(1000, "a frame that is not allowed now: Hello") {
            @Override
            Frame frame(long ticket) {
                return new Frame.Hello(1, 1, ESCAPES);
            }
        },
        A_CALL_FOR_THE_POOL(1000, "a frame that is not allowed now: Call") {
            @Override
            Frame frame(long ticket) {
                return new Frame.Call(ticket, Payload.EMPTY);
            }
        },
        A_STREAM_CALL_FOR_THE_POOL(1000, "a frame that is not allowed now: StreamCall") {
            @Override
            Frame frame(long ticket) {
                return new Frame.StreamCall(ticket, Payload.EMPTY);
            }
        },
        A_CONTEXT_FOR_THE_POOL(1000, "a frame that is not allowed now: Call") {
            @Override
            Frame frame(long ticket) {
                return new Frame.Call(
                        ticket, Payload.EMPTY, CallContext.of(Map.of("dev.trestle.api.MdcCarrier", Map.of("k", "v"))));
            }
        },
        CREDIT_FOR_THE_POOL(1000, "a frame that is not allowed now: Credit") {
            @Override
            Frame frame(long ticket) {
                return new Frame.Credit(ticket, Long.MIN_VALUE);
            }
        },
        CANCELS_ITS_CALL(1000, "a frame that is not allowed now: Cancel") {
            @Override
            Frame frame(long ticket) {
                return new Frame.Cancel(ticket, true);
            }
        },
        TAKES_ITS_CALL_BACK(1000, "a frame that is not allowed now: TakeBack") {
            @Override
            Frame frame(long ticket) {
                return new Frame.TakeBack(ticket);
            }
        },
        UNSHARES(1000, "a frame that is not allowed now: Unshare") {
            @Override
            Frame frame(long ticket) {
                return new Frame.Unshare(ticket);
            }
        },
        ASKS_FOR_A_THREAD_DUMP(1000, "a frame that is not allowed now: ThreadDumpRequest") {
            @Override
            Frame frame(long ticket) {
                return new Frame.ThreadDumpRequest();
            }
        };

        private final int times;
        private final String clue;

        Misdeed(int times, String clue) {
            this.times = times;
            this.clue = clue;
        }

        abstract Frame frame(long ticket);

        int happen() throws Exception {
            FrameChannel channel = channel();
            long ticket = ticket();
            for (int i = 0; i < times; i++) {
                channel.write(frame(ticket));
            }
            Gate.hang();
            return 0;
        }
    }

    private static Failure failure(String message) {
        return new Failure("no.such." + ESCAPES, message, List.of(), null, List.of(), Failure.NO_STATE, false);
    }

    private static FrameChannel channel() throws ReflectiveOperationException {
        Reporter reporter = requireNonNull(Reporter.installed());
        return (FrameChannel) requireNonNull(field(reporter, "channel"));
    }

    private static Object field(Object of, String name) throws ReflectiveOperationException {
        Field field = of.getClass().getDeclaredField(name);
        field.setAccessible(true);
        return requireNonNull(field.get(of));
    }

    private static long ticket() {
        return requireNonNull(Reporter.installed()).running();
    }

    private String log() {
        return logged.toString(StandardCharsets.UTF_8);
    }

    private void assertHealedAndQuiet() {
        assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
        assertThat(log()).doesNotContain("\u001b", "\r", "\u202e");
        assertThat(logged.size()).as("bytes of log").isLessThan(40_000);
    }

    @ParameterizedTest
    @EnumSource
    void aMisdeedEndsItsWorkerAndNothingElse(Misdeed misdeed) {
        long died = pool.statistics().workersDied();

        assertThatThrownBy(pool.submit(misdeed::happen)::result)
                .isInstanceOf(WorkerDiedException.class)
                .hasMessageContaining(misdeed.clue)
                .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(2000).doesNotContain("\u001b", "\r"));
        assertHealedAndQuiet();
        assertThat(pool.statistics().workersDied() - died).isEqualTo(1);
        if (misdeed == Misdeed.FATAL_AGAIN_AND_AGAIN) {
            assertThat(log())
                    .as("one frame of many, cut")
                    .containsOnlyOnce("cannot continue")
                    .contains("more characters)");
        }
    }

    private static int giveUpAndAnswer() throws Exception {
        channel()
                .write(
                        new Frame.Fatal(failure("gone")),
                        new Frame.Failed(ticket(), Frame.Phase.RUNNING, failure("answer"), 1));
        Gate.hang();
        return 0;
    }

    @Test
    void nothingIsReadAfterAFatalFrame() {
        assertThatThrownBy(pool.submit(HostileWorkerTest::giveUpAndAnswer)::result)
                .isInstanceOf(WorkerDiedException.class);
        assertHealedAndQuiet();
    }

    private static int answerAndGoOn(String what) throws Exception {
        FrameChannel channel = channel();
        long ticket = ticket();
        channel.write(new Frame.Failed(ticket, Frame.Phase.RUNNING, failure("the answer"), 1));
        for (int i = 0; i < 1_000_000; i++) {
            channel.write(
                    switch (what) {
                        case "answers" -> new Frame.Cancelled(ticket);
                        case "reports" -> new Frame.Progress(ticket, 0.5, "still here");
                        default -> new Frame.Item(ticket, 0, Payload.EMPTY);
                    });
        }
        return 0;
    }

    /** The pool used to read for as long as there was more to read, before it ended the calls that were answered. */
    @ParameterizedTest
    @ValueSource(strings = {"answers", "reports", "items"})
    void anAnswerCountsThoughItsWorkerNeverStopsSending(String what) {
        assertThatThrownBy(pool.submit(() -> answerAndGoOn(what))::result)
                .isInstanceOf(RemoteException.class)
                .hasMessageContaining(": the answer [not the original");
        assertHealedAndQuiet();
    }

    private static Stream<Integer> stream(String what) throws Exception {
        FrameChannel channel = channel();
        long ticket = ticket();
        var large = new Payload(List.of(ByteBuffer.allocate(LARGE)), List.of());
        switch (what) {
            case "too many" -> {
                for (int i = 0; i < 10_000; i++) {
                    channel.write(new Frame.Item(ticket, i, large));
                }
            }
            case "a gap" -> channel.write(new Frame.Item(ticket, 7, Payload.EMPTY));
            case "a negative number" -> {
                for (int i = 0; i < 10_000; i++) {
                    channel.write(new Frame.Item(ticket, -i, Payload.EMPTY));
                }
                channel.write(new Frame.Item(ticket, Long.MAX_VALUE, Payload.EMPTY));
            }
            default ->
                channel.write(
                        new Frame.Failed(ticket, Frame.Phase.RUNNING, failure("the end"), 1),
                        new Frame.Item(ticket, 0, Payload.EMPTY));
        }
        Gate.hang();
        return Stream.of();
    }

    @ParameterizedTest
    @CsvSource({
        "too many, was sent without credit",
        "a gap, Item 7 of a stream arrived instead of item 0",
        "a negative number, of a stream arrived instead of item",
    })
    void itemsOutOfOrderOrWithoutCreditEndTheWorker(String what, String clue) {
        long died = pool.statistics().workersDied();
        try (Stream<Integer> items = pool.stream(() -> stream(what))) {
            Gate.until(() -> pool.statistics().workersDied() > died);
            assertThat(printed(catchThrowable(items::count))).containsAnyOf(clue, "cannot be read");
        }
        assertHealedAndQuiet();
    }

    @Test
    void anItemAfterTheEndOfItsStreamEndsTheWorker() {
        long died = pool.statistics().workersDied();
        try (Stream<Integer> items = pool.stream(() -> stream("an item after the end"))) {
            assertThatThrownBy(items::count)
                    .isInstanceOf(RemoteException.class)
                    .hasMessageContaining(": the end [not the original");
        }
        Gate.until(() -> pool.statistics().workersDied() > died);
        assertHealedAndQuiet();
    }

    private static int writeRaw(int type, int body, int arrays) throws Exception {
        var channel = (ByteChannel) field(channel(), "channel");
        ByteBuffer header = ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN);
        header.putShort((short) 0x5254)
                .put((byte) 1)
                .put((byte) type)
                .putInt(body)
                .putInt(arrays)
                .putLong(ticket());
        channel.write(header.flip());
        Gate.hang();
        return 0;
    }

    /**
     * The types are those of RESULT, FAILED, PROGRESS, ITEM, and some that do not exist; {@code wire.FramesTest} has
     * the limits of all types.
     */
    @ParameterizedTest
    @CsvSource({
        "2, 2147483647, 0",
        "2, 100, -1",
        "2, 7, 0",
        "3, -1, 0",
        "6, 65537, 0",
        "13, 7, 0",
        "15, 0, 0",
        "-1, 0, 0"
    })
    void aHeaderThatClaimsTooMuchEndsTheWorker(int type, int body, int arrays) {
        assertThatThrownBy(pool.submit(() -> writeRaw(type, body, arrays))::result)
                .isInstanceOf(WorkerDiedException.class)
                .hasMessageContaining("its connection failed");
        assertHealedAndQuiet();
    }

    private static int report(int times) throws Exception {
        FrameChannel channel = channel();
        long ticket = ticket();
        for (int i = 0; i < times; i++) {
            channel.write(
                    new Frame.Progress(ticket, Double.NaN, "x".repeat(LARGE)), new Frame.Progress(ticket, i, "y"));
        }
        return times;
    }

    @Test
    void aFloodOfReportsNeitherFillsTheMemoryNorTheLog() {
        var heard = new AtomicLong();
        var failing = new CallListener() {
            @Override
            public void progress(double fraction, String text) {
                message(text);
            }

            @Override
            public void message(String text) {
                heard.incrementAndGet();
                throw new IllegalStateException("the listener's own failure");
            }
        };

        assertThat(pool.submit(() -> report(10_000), CallOptions.DEFAULT.withListener(failing))
                        .result())
                .isEqualTo(10_000);
        assertThat(heard).hasPositiveValue();
        assertThat(IntStream.range(0, 1).mapToLong(_ -> logged.size()).sum())
                .as("bytes of log, of which each failure has %d", LARGE)
                .isLessThan(20L * 2 * LARGE);
    }

    // Texts

    private static int fail() throws Exception {
        var frame = new StackTraceElement(
                null, "m" + ESCAPES, null, "a.B" + ESCAPES, "run" + ESCAPES, "B.java" + ESCAPES, 1);
        var cause = new Failure(
                "java.lang.Ill\u001begal",
                "cause " + ESCAPES,
                List.of(frame),
                null,
                List.of(),
                Failure.NO_STATE,
                false);
        var failure = new Failure(
                "no.such." + ESCAPES,
                "two\nlines " + ESCAPES,
                List.of(frame),
                cause,
                List.of(cause),
                Failure.NO_STATE,
                false);
        channel().write(new Frame.Failed(ticket(), Frame.Phase.RUNNING, failure, 1));
        Runtime.getRuntime().halt(0); // else it would hold the next call
        return 0;
    }

    private static String printed(Throwable thrown) {
        var text = new StringWriter();
        thrown.printStackTrace(new PrintWriter(text, true));
        return text.toString();
    }

    private static void assertShown(Throwable thrown) {
        assertThat(printed(thrown))
                .doesNotContain("\u001b", "\r", "\u0007", "\b", "\u009b", "\u2028", "\u202e")
                .contains("\\u001b");
    }

    @Test
    void aRemoteExceptionShowsControlCharactersAndKeepsLines() {
        Throwable thrown = pool.submit(HostileWorkerTest::fail).exception().orElseThrow();

        assertThat(thrown)
                .isInstanceOfSatisfying(
                        RemoteException.class,
                        e -> assertThat(e.remoteClassName()).isEqualTo("no.such." + SHOWN))
                .hasMessageStartingWith("no.such." + SHOWN + ": two\nlines " + SHOWN + " [not the original");
        assertShown(thrown);
    }

    /** The message of an exception that is made again is data of the call, as it is. */
    @Test
    void anExceptionThatIsMadeAgainKeepsItsMessage() {
        assertThatThrownBy(pool.submit(() -> refuse(ESCAPES))::result)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(ESCAPES);
    }

    private static int refuse(String why) {
        throw new IllegalArgumentException(why);
    }

    @SuppressWarnings("SystemOut") // what calls do
    private static int printAndHalt(String text) {
        System.err.println(text);
        System.err.flush();
        Runtime.getRuntime().halt(3);
        return 0;
    }

    @Test
    void lastLinesAndLabelsShowControlCharacters() {
        var options = CallOptions.DEFAULT.withLabel("label " + ESCAPES);
        Throwable thrown = pool.submit(() -> printAndHalt("last words " + ESCAPES), options)
                .exception()
                .orElseThrow();

        assertThat(thrown)
                .isInstanceOfSatisfying(
                        WorkerDiedException.class,
                        e -> assertThat(e.stderrTail()).contains("last words " + SHOWN))
                .hasMessageContaining("label " + SHOWN)
                .hasMessageContaining("last words " + SHOWN);
        assertShown(thrown);
    }

    /** A worker can write into the place of its crash log, and on its stdout, before it is ready. */
    @Test
    void theDeathOfAWorkerShowsControlCharacters() {
        var death = new WorkerDeath("worker-1", 1, null, null, null, "", "# crash " + ESCAPES);
        WorkerDiedException thrown = death.ofStart(null, "last words " + ESCAPES, "");

        assertThat(thrown)
                .hasMessageContaining("begins:\n# crash " + SHOWN)
                .hasMessageContaining("stdout:\nlast words " + SHOWN);
        assertShown(thrown);
    }

    private static String rename(String name) {
        Thread thread = Thread.currentThread();
        String before = thread.getName();
        thread.setName(name);
        return before;
    }

    private static int waitForever() throws InterruptedException {
        new CountDownLatch(1).await();
        return 0;
    }

    @Test
    void aTimeoutShowsControlCharactersOfTheStackAndTheLabel() {
        String before = pool.submit(() -> rename("name " + ESCAPES)).result();
        var options = CallOptions.DEFAULT.withTimeout(Duration.ofMillis(100)).withLabel("label " + ESCAPES);
        Throwable thrown =
                pool.submit(HostileWorkerTest::waitForever, options).exception().orElseThrow();
        pool.submit(() -> rename(before)).result();

        assertThat(thrown)
                .isInstanceOf(TimeoutException.class)
                .hasMessageContaining("name " + SHOWN)
                .hasMessageContaining("label " + SHOWN);
        assertShown(thrown);
    }

    private static int answer(Object value) throws Exception {
        var journey = Journey.allowingNothing();
        Call<Object> call = () -> value;
        var decoded = journey.decode(new CallEncoder(WireOptions.DEFAULT, RemoteException::new)
                .encode(call)
                .payload());
        channel().write(new Frame.Result(ticket(), decoded.encodeResult(value), 1));
        Runtime.getRuntime().halt(0); // else it would hold the next call
        return 0;
    }

    @Test
    void anAnswerThatCannotBeReadShowsControlCharacters() {
        Throwable thrown =
                pool.submit(() -> answer("text " + ESCAPES)).exception().orElseThrow();

        assertThat(thrown).isInstanceOf(CallNotSerializableException.class);
        assertThat(printed(thrown)).doesNotContain("\u001b", "\r", "\u0007", "\b", "\u009b", "\u2028", "\u202e");
    }

    @Test
    void aFailureToReadTheCallShowsControlCharacters() {
        Throwable thrown =
                pool.submit(() -> failIn(Frame.Phase.DECODING)).exception().orElseThrow();

        assertThat(thrown).isInstanceOf(CallNotSerializableException.class).hasMessageContaining(SHOWN);
        assertShown(thrown);
    }

    private static int failIn(Frame.Phase phase) throws Exception {
        channel().write(new Frame.Failed(ticket(), phase, failure("why " + ESCAPES), 1));
        Runtime.getRuntime().halt(0); // else it would hold the next call
        return 0;
    }
}
