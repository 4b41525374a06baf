package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.slf4j.MarkerFactory;

/** Forwarded log lines of calls in the log of the program. Programs of their own, with a logging system each. */
@Timeout(120)
class ForwardedLogsTest {

    private static final String CAPTURING = "-Dslf4j.provider=" + CapturingProvider.class.getName();

    @TempDir
    @SuppressWarnings("NullAway") // set by JUnit
    private static Path folder = null;

    private static List<String> printed = List.of();

    /** The log lines of the calls of {@link Program} in the program's logging system. */
    @BeforeAll
    static void runProgram() throws Exception {
        printed = run(List.of(CAPTURING), Program.class, "INFO");
    }

    private static List<String> run(List<String> options, Class<?> program, String argument) throws Exception {
        var all = new ArrayList<>(TestJvm.optionsOfPools());
        all.addAll(options);
        Path output = Files.createTempFile(folder, "output", "");
        int exitCode = TestJvm.runToEnd(TestJvm.command(all, program, argument), output);
        List<String> lines = Files.readAllLines(output);
        assertThat(exitCode).as(() -> String.join("\n", lines)).isZero();
        return lines;
    }

    private static List<String> events(String logger) {
        return printed.stream()
                .filter(each -> each.startsWith("EVENT ") && each.contains("|" + logger + "|"))
                .map(each -> each.substring("EVENT ".length()))
                .toList();
    }

    /** A program whose calls log. */
    static final class Program {

        private static final class Rude {
            @Override
            public String toString() {
                throw new IllegalStateException("no text");
            }
        }

        /** Its text is logged while another line is made. */
        private static final class Chatty {
            @Override
            public String toString() {
                LoggerFactory.getLogger("nested").info("making a text");
                return "a text";
            }
        }

        public static void main(String[] arguments) throws Exception {
            var lowest = System.Logger.Level.valueOf(arguments[0]);
            try (var pool = TestPools.builder(1).forwardLogs(lowest).build()) {
                pool.submit(() -> levels()).result();
                pool.submit(() -> arguments()).result();
                pool.submit(() -> thrown()).result();
                MDC.put("request", "7");
                pool.submit(() -> context()).result();
                MDC.clear();
                pool.submit(() -> odd()).result();
                pool.submit(() -> manyThreads()).result();
                pool.submit(() -> die()).exception();
                pool.submit(() -> hostile()).result();
                System.out.println("LOST " + pool.statistics().linesLost());
            }
        }

        private static int levels() {
            Logger logger = LoggerFactory.getLogger("levels");
            logger.trace("t");
            logger.debug("d");
            logger.info("i");
            logger.warn("w");
            logger.error("e");
            LoggerFactory.getLogger("quiet").info("not wanted by the program");
            LoggerFactory.getLogger("quiet").warn("wanted");
            return logger.isDebugEnabled() ? 1 : 0;
        }

        private static int arguments() {
            Logger logger = LoggerFactory.getLogger("arguments");
            logger.info("{} and {}", 1, List.of("two"));
            logger.info("{} {} {} {}", 1, 2, 3, new int[] {4});
            logger.info("{}", new Rude());
            logger.info("nested {}", new Chatty());
            logger.info("not an argument {}");
            logger.atInfo()
                    .addKeyValue("order", 12)
                    .addKeyValue("rude", new Rude())
                    .log("pairs");
            return 0;
        }

        private static int thrown() {
            var cause = new IOException("disk");
            var thrown = new IllegalStateException("broken", cause);
            thrown.addSuppressed(new IllegalArgumentException("also"));
            Logger logger = LoggerFactory.getLogger("thrown");
            logger.error("direct", thrown);
            logger.error("after {}", "an argument", thrown);
            logger.atError().setCause(thrown).log("fluent");
            logger.warn("deep", deep(200));
            return 0;
        }

        private static Exception deep(int depth) {
            return depth == 0 ? new Exception("x".repeat(2000)) : new Exception("x".repeat(2000), deep(depth - 1));
        }

        private static int context() {
            Logger logger = LoggerFactory.getLogger("context");
            logger.info("carried");
            MDC.put("user", "zoë");
            logger.info(MarkerFactory.getMarker("AUDIT"), "own");
            logger.atWarn()
                    .addMarker(MarkerFactory.getMarker("A"))
                    .addMarker(MarkerFactory.getMarker("B"))
                    .log("two markers");
            return 0;
        }

        private static int odd() {
            Logger logger = LoggerFactory.getLogger("odd");
            System.err.print("half a ");
            logger.info("two\nlines, déjà vu \u001b[31mred");
            System.err.println("line");
            logger.info("x".repeat(100_000));
            logger.info(null);
            System.setErr(System.out); // what calls do must not matter
            logger.info("after setErr");
            LoggerFactory.getLogger("name\nwith a line").info("named");
            return 0;
        }

        private static int manyThreads() throws InterruptedException {
            List<Thread> threads = IntStream.range(0, 8)
                    .mapToObj(n -> Thread.ofPlatform().unstarted(() -> {
                        for (int i = 0; i < 100; i++) {
                            LoggerFactory.getLogger("threads").info("{}", (n + "-" + i + " ").repeat(100));
                        }
                    }))
                    .toList();
            threads.forEach(Thread::start);
            for (Thread each : threads) {
                each.join();
            }
            return 0;
        }

        private static int die() {
            LoggerFactory.getLogger("last").error("last words");
            Runtime.getRuntime().halt(3);
            return 0;
        }

        private static int hostile() throws IOException {
            String mark = System.getenv("TRESTLE_WORKER");
            System.err.println("\u001e");
            System.err.println("\u001e" + mark);
            System.err.println("\u001e" + mark + " this is no record");
            System.err.println("\u001e" + mark + " " + "A".repeat(100_000));
            System.err.println("\u001e\u001e" + mark + " ");
            LoggerFactory.getLogger("hostile").info("goes on");
            return 0;
        }
    }

    @Test
    void linesKeepTheirLoggerAndLevelAndTheLowestLevelHolds() {
        assertThat(events("levels"))
                .containsExactly(
                        "INFO|levels|i|null|{}|null|", "WARN|levels|w|null|{}|null|", "ERROR|levels|e|null|{}|null|");
    }

    /** The program's configuration of its loggers is asked, too. */
    @Test
    void theProgramFiltersByItsOwnConfiguration() {
        assertThat(events("quiet")).containsExactly("WARN|quiet|wanted|null|{}|null|");
    }

    @Test
    void argumentsBecomeTextInTheWorker() {
        assertThat(events("arguments"))
                .satisfiesExactly(
                        each -> assertThat(each).contains("|1 and [two]|"),
                        each -> assertThat(each).contains("|1 2 3 [4]|"),
                        each -> assertThat(each).contains("|[FAILED toString()]|"),
                        each -> assertThat(each).contains("|nested a text|"),
                        each -> assertThat(each).contains("|not an argument {}|"),
                        each -> assertThat(each).contains("|pairs|", "order=\"12\"", "rude=\"[FAILED toString()]\""));
        assertThat(events("nested")).hasSize(1);
    }

    @Test
    void exceptionsArriveAsText() {
        String text = "java.lang.IllegalStateException: broken at thrown by java.io.IOException:"
                + " disk[java.lang.IllegalArgumentException: also]";
        assertThat(events("thrown").subList(0, 3))
                .satisfiesExactly(
                        each -> assertThat(each)
                                .startsWith("ERROR|thrown|direct|")
                                .endsWith("|" + text),
                        each -> assertThat(each)
                                .startsWith("ERROR|thrown|after an argument|")
                                .endsWith("|" + text),
                        each -> assertThat(each)
                                .startsWith("ERROR|thrown|fluent|")
                                .endsWith("|" + text));
    }

    /** An event that is too long for a record becomes the text of its message, and is cut. */
    @Test
    void aLongStackTraceIsCut() {
        assertThat(events("thrown").getLast())
                .startsWith("WARN|thrown|deep<newline>\tjava.lang.Exception: xxx")
                .contains("more characters)")
                .hasSizeLessThan(20_000);
    }

    @Test
    void mdcAndMarkersArrive() {
        assertThat(events("context"))
                .containsExactly(
                        "INFO|context|carried|null|{request=7}|null|",
                        "INFO|context|own|[AUDIT]|{request=7, user=zoë}|null|",
                        "WARN|context|two markers|[A, B]|{request=7, user=zoë}|null|");
        assertThat(events("odd")).allMatch(each -> each.contains("|{}|"));
    }

    @Test
    void controlCharactersAreShownAndLongMessagesCut() {
        assertThat(events("odd"))
                .satisfiesExactly(
                        each -> assertThat(each).contains("|two<newline>\tlines, déjà vu \\u001b[31mred|"),
                        each -> assertThat(each).contains("x".repeat(16_384) + "... (83616 more characters)|"),
                        each -> assertThat(each).contains("|null|"),
                        each -> assertThat(each).contains("|after setErr|"));
        assertThat(events("name\\u000awith a line")).hasSize(1);
    }

    @Test
    void aRecordInTheMiddleOfAPrintedLineLeavesTheLineWhole() {
        assertThat(events("dev.trestle.processpool.worker"))
                .anyMatch(each -> each.startsWith("WARN|") && each.contains("] half a line|"));
    }

    @Test
    void linesOfManyThreadsStayWhole() {
        assertThat(events("threads"))
                .hasSize(800)
                .allMatch(each -> each.matches("INFO\\|threads\\|(\\d-\\d+ )\\1{99}\\|null\\|\\{}\\|null\\|"));
    }

    @Test
    void theLastWordsOfADyingWorkerArrive() {
        assertThat(events("last")).containsExactly("ERROR|last|last words|null|{}|null|");
    }

    @Test
    void aForgedRecordIsTextOrLost() {
        assertThat(events("hostile")).hasSize(1);
        assertThat(printed)
                .filteredOn(each -> each.contains("this is no record"))
                .isEmpty();
        assertThat(printed).filteredOn(each -> each.startsWith("LOST ")).containsExactly("LOST 3");
        assertThat(events("dev.trestle.processpool.worker")).anyMatch(each -> each.contains("] \\u001e|"));
    }

    /** A program with the logging system of the tests, and one without any. */
    @ParameterizedTest
    @ValueSource(strings = {"org.slf4j.simple.SimpleServiceProvider", "org.slf4j.helpers.NOP_FallbackServiceProvider"})
    void anyLoggingSystemOfTheProgramWillDo(String provider) throws Exception {
        List<String> lines = run(List.of("-Dslf4j.provider=" + provider), Program.class, "WARNING");

        assertThat(lines).anyMatch(each -> each.matches(".*ERROR levels - e"));
        assertThat(lines).noneMatch(each -> each.matches(".*INFO levels - i"));
        assertThat(lines).anyMatch(each -> each.contains("java.lang.IllegalStateException: broken"));
    }

    @Test
    void tracesAreForwardedIfAsked() throws Exception {
        List<String> lines = run(List.of(CAPTURING), Program.class, "ALL");

        assertThat(lines).contains("EVENT TRACE|levels|t|null|{}|null|", "EVENT DEBUG|levels|d|null|{}|null|");
    }

    /** A call that logs without end, and a call after it. */
    static final class Flood {
        public static void main(String[] arguments) {
            try (var pool =
                    TestPools.builder(1).forwardLogs(System.Logger.Level.INFO).build()) {
                pool.submit(() -> {
                            for (int i = 0; i < 50_000; i++) {
                                LoggerFactory.getLogger("flood").info("line {}", i);
                                LoggerFactory.getLogger("name" + i % 10_000).info("named");
                            }
                        })
                        .result();
                System.out.println("LOST " + (pool.statistics().linesLost() > 0));
            }
        }
    }

    /** Logging systems keep loggers for good. */
    @Test
    void aCallThatLogsWithoutEndIsLimitedAsOneThatPrints() throws Exception {
        List<String> lines = run(List.of(CAPTURING), Flood.class, "");

        assertThat(lines).contains("LOST true");
        assertThat(lines).anyMatch(each -> each.contains("were not logged: the limit is 10000 lines"));
        assertThat(lines.stream()
                        .filter(each -> each.startsWith("EVENT INFO|name"))
                        .map(each -> each.split("\\|", -1)[1])
                        .distinct())
                .hasSizeLessThan(4097);
    }

    @Test
    void offForwardsNothing() {
        var properties = TestPools.jvmOptions(ProcessPool.builder().forwardLogs(System.Logger.Level.OFF))
                .systemProperties();

        assertThat(properties).doesNotContainKey("slf4j.provider");
    }

    @Test
    void aSecondChoiceOfALoggingSystemIsRefused() {
        String refusal = "forwardLogs gives workers a logging system that forwards, and the system property"
                + " slf4j.provider another one. Leave one of them out.";
        // @start region="forward-logs"
        ProcessPool.Builder builder = ProcessPool.builder().forwardLogs(System.Logger.Level.INFO);
        // @end

        assertThatThrownBy(
                        () -> builder.systemProperty("slf4j.provider", "other").build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(refusal);
        assertThatThrownBy(() -> ProcessPool.builder()
                        .forwardLogs(System.Logger.Level.INFO)
                        .jvmArguments("-Dslf4j.provider=other")
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(refusal);
    }
}
