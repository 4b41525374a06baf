package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
@ExtendWith(NothingLeft.class)
class WarmUpTest {

    /** Prints how many classes were loaded for its first calls. */
    static final class Program {
        record Order(String customer, List<Integer> items) {}

        @SuppressWarnings("SystemOut")
        public static void main(String[] arguments) throws InterruptedException {
            try (var pool = TestPools.plain(1).build()) {
                for (Thread each : Thread.getAllStackTraces().keySet()) {
                    if (each.getName().equals("trestle-warm-up")) {
                        each.join();
                    }
                }
                var order = new Order("a", List.of(1, 2));
                long before = loaded();
                var first = pool.submit(() -> order.items().size());
                long after = loaded();
                System.out.println("loaded=" + (after - before));
                System.out.println("result=" + first.result());
            }
        }

        private static long loaded() {
            return ManagementFactory.getClassLoadingMXBean().getTotalLoadedClassCount();
        }
    }

    /** One program for both, since it takes half a second. */
    @Test
    void theConstructorLoadsLittleAndTheFirstCallFindsTheRest(@TempDir Path folder) throws Exception {
        Path output = folder.resolve("output");
        Path loading = folder.resolve("loading");
        var options = List.of("-Xmx64m", "-Xlog:class+load:file=" + loading + ":tid");
        int exitCode = TestJvm.runToEnd(TestJvm.command(TestJvm.CLASS_PATH, options, Program.class), output);

        assertThat(exitCode).as(Files.readString(output)).isZero();
        List<String> lines = Files.readAllLines(output);
        assertThat(lines).contains("result=2");
        // Jackson and the events alone are some 1 000; what remains is the program's own, and that of its worker's
        // thread.
        assertThat(lines)
                .filteredOn(line -> line.startsWith("loaded="))
                .singleElement()
                .satisfies(line -> assertThat(Integer.parseInt(line.substring("loaded=".length())))
                        .isLessThan(200));

        List<String> byItsThread = loadedByTheThreadOf(Program.class, Files.readAllLines(loading));
        assertThat(byItsThread).contains(ProcessPool.class.getName());
        assertThat(byItsThread)
                .as("what sets up sockets, and what a negated Duration needs")
                .doesNotContain("java.security.SecureRandom", "java.math.BigDecimal");
    }

    /** The JVM pads the id of a thread to the longest id it has written: {@code [97   ] a.B source: }. */
    private static final Pattern LOADED = Pattern.compile("\\[(\\d+) *] (\\S+) .*");

    private static List<String> loadedByTheThreadOf(Class<?> first, List<String> lines) {
        List<MatchResult> loaded = lines.stream()
                .map(LOADED::matcher)
                .filter(Matcher::matches)
                .map(Matcher::toMatchResult)
                .toList();
        String thread = loaded.stream()
                .filter(each -> each.group(2).equals(first.getName()))
                .map(each -> each.group(1))
                .findFirst()
                .orElseThrow();
        return loaded.stream()
                .filter(each -> each.group(1).equals(thread))
                .map(each -> each.group(2))
                .toList();
    }
}
