package dev.trestle.testkit;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.Task;
import dev.trestle.processpool.CallNotSerializableException;
import dev.trestle.threadpool.ThreadPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The examples of this module's Javadoc and of docs/testing.md: its snippets are the regions of this file. */
@Timeout(30)
class JavadocExamplesTest {

    @Test
    void aTestSleepsForADay() {
        // @start region="virtual-time"
        List<Duration> calls = VirtualTime.run(() -> {
            var times = new ArrayList<Duration>();
            Task<?> job = createTask(() -> {
                while (true) {
                    times.add(EventLoop.getRunningLoop().time());
                    sleep(Duration.ofHours(8));
                }
            });
            sleep(Duration.ofDays(1)); // takes no time
            job.cancel();
            return times;
        });
        // @end
        assertThat(calls).hasSizeBetween(3, 4);
    }

    @Test
    void thePageHasTheSnippetsOfThisFile() throws IOException {
        Map<String, String> here = find(
                Path.of("src/test/java/dev/trestle/testkit/JavadocExamplesTest.java"),
                " +/{2} @start region=\"([\\w-]+)\"\n(.*?) +/{2} @end\n");
        here.replaceAll((_, code) -> code.stripTrailing().stripIndent() + "\n");

        assertThat(find(Path.of("../docs/testing.md"), "<!-- snippet ([\\w-]+) -->\n```java\n(.*?)```\n"))
                .isNotEmpty()
                .isEqualTo(here);
    }

    private static Map<String, String> find(Path file, String regex) throws IOException {
        var found = new LinkedHashMap<String, String>();
        var matcher = Pattern.compile(regex, Pattern.DOTALL).matcher(Files.readString(file));
        while (matcher.find()) {
            found.put(matcher.group(1), matcher.group(2));
        }
        return found;
    }

    // @start region="no-leaks"
    @NoLeaks
    static class JobsTest {
        @AutoClose
        private final ThreadPool pool = new ThreadPool(2);

        @Test
        void aJobHasAResult() {
            assertThat(pool.submit(() -> "done").result()).isEqualTo("done");
        }
    }
    // @end

    record Report(String title, Thread author) {}

    @Test
    void aTestFindsWhatCannotTravel() {
        // @start region="in-process"
        try (var pool = new InProcessPool(2)) { // in the program: new ProcessPool(2)
            assertThat(pool.submit(() -> "a result").result()).isEqualTo("a result");

            var report = new Report("annual", Thread.currentThread());
            assertThatThrownBy(() -> pool.submit(() -> report.title()))
                    .isInstanceOf(CallNotSerializableException.class)
                    .hasMessageContaining("author"); // the component that cannot travel
        }
        // @end
    }

    @Test
    void aTestRunsUnderManyOrders() {
        // @start region="shuffled"
        VirtualTime.runShuffled(100, () -> {
            var stock = new ArrayList<>(List.of("apple"));
            Task<String> one = createTask(() -> stock.isEmpty() ? "none" : stock.removeFirst());
            Task<String> other = createTask(() -> stock.isEmpty() ? "none" : stock.removeFirst());
            assertThat(List.of(await(one), await(other))).containsExactlyInAnyOrder("apple", "none");
        });
        // @end
    }
}
