package dev.trestle.examples;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static java.time.Duration.ofMillis;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.Promise;
import dev.trestle.bridge.Bridge;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import dev.trestle.loop.Task;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.threadpool.ThreadPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The snippets of the README, and of the page for Python's users, are the regions of this file, word for word. They
 * run, and print what they should.
 */
@Timeout(60)
class ReadmeTest {

    private static final List<Path> PAGES = List.of(Path.of("../README.md"), Path.of("../docs/porting-from-python.md"));
    private static final Path THIS = Path.of("src/test/java/dev/trestle/examples/ReadmeTest.java");

    /** The snippets, and what they print. */
    enum Snippet {
        PROCESSPOOL(ReadmeTest::processpool, "78498 primes\nand the other: .*3.*\n"),
        THREADPOOL(ReadmeTest::threadpool, "\\[1, 7, 6]\n"),
        LOOP(ReadmeTest::loop, "42\n"),
        BRIDGE(ReadmeTest::bridge, "78498 primes, and the loop was free meanwhile\n"),
        API(ReadmeTest::api, "got an answer\n");

        @SuppressWarnings("ImmutableEnumChecker") // a method reference
        final Runnable code;

        final String output;

        Snippet(Runnable code, String output) {
            this.code = code;
            this.output = output;
        }
    }

    static void processpool() {
        // region processpool
        try (var pool = new ProcessPool(2)) {
            var primes = pool.submit(() -> Primes.below(1_000_000));
            var crash = pool.submit(() -> Runtime.getRuntime().exit(3));

            System.out.println(primes.result() + " primes");
            System.out.println("and the other: " + crash.exception().orElseThrow());
        }
        // endregion
    }

    static void threadpool() {
        // region threadpool
        try (var pool = new ThreadPool(4)) {
            var words = pool.map(String::length, List.of("a", "trestle", "bridge"));
            System.out.println(words.toList());
        }
        // endregion
    }

    static void loop() {
        // region loop
        int answer = EventLoop.run(() -> {
            Task<Integer> a = createTask(() -> {
                sleep(ofMillis(20));
                return 40;
            });
            Task<Integer> b = createTask(() -> 2);
            return await(a) + await(b);
        });
        System.out.println(answer);
        // endregion
    }

    static void bridge() {
        // region bridge
        try (var pool = new ProcessPool(2)) {
            EventLoop.run(() -> {
                LoopFuture<Integer> primes = Bridge.runInExecutor(pool, () -> Primes.below(1_000_000));
                System.out.println(await(primes) + " primes, and the loop was free meanwhile");
            });
        }
        // endregion
    }

    static void api() {
        // region api
        var promise = new Promise<String>();
        promise.addDoneCallback(done -> System.out.println("got " + done.result()));
        promise.setResult("an answer");
        // endregion
    }

    @ParameterizedTest
    @EnumSource
    void aSnippetPrintsWhatItShould(Snippet snippet) {
        assertThat(Output.of(snippet.code)).matches(Pattern.compile(snippet.output, Pattern.DOTALL));
    }

    @Test
    void thePagesHaveTheSnippetsOfThisFile() throws IOException {
        Map<String, String> inPages = new LinkedHashMap<>();
        for (Path each : PAGES) {
            inPages.putAll(find(each, "<!-- snippet (\\w+) -->\n```java\n(.*?)```\n"));
        }
        Map<String, String> here = find(THIS, " {8}// region (\\w+)\n(.*?) {8}// endregion\n");
        here.replaceAll((_, code) -> code.stripTrailing().stripIndent() + "\n");

        assertThat(inPages).hasSameSizeAs(Snippet.values()).isEqualTo(here);
    }

    private static Map<String, String> find(Path file, String regex) throws IOException {
        var found = new LinkedHashMap<String, String>();
        var matcher = Pattern.compile(regex, Pattern.DOTALL).matcher(Files.readString(file));
        while (matcher.find()) {
            found.put(matcher.group(1), matcher.group(2));
        }
        return found;
    }
}
