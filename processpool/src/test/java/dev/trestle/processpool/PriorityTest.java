package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.ConcurrentFuture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Calls with priorities: which goes first, and that all go. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class PriorityTest {

    @TempDir
    Path folder = Path.of("");

    private static CallOptions priority(int value) {
        return CallOptions.DEFAULT.withPriority(value);
    }

    /** Keeps the only worker busy until the gate is opened. */
    private ConcurrentFuture<String> block(ProcessPool pool) {
        String in = folder.toString();
        var blocking = pool.submit(() -> Gate.pass(in, "blocked"));
        Gate.await(folder, "blocked");
        return blocking;
    }

    private static int note(String folder, int number) throws IOException {
        Files.writeString(
                Path.of(folder, "order"), number + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        return number;
    }

    private List<Integer> order() throws IOException {
        return Files.readAllLines(folder.resolve("order")).stream()
                .map(Integer::valueOf)
                .toList();
    }

    @Test
    void aHighCallOvertakesTenThousandLowOnes() throws Exception {
        try (var pool = TestPools.of(1)) {
            var _ = block(pool);
            var low = IntStream.range(0, 10_000)
                    .mapToObj(i -> pool.submit(() -> i))
                    .toList();
            var high = pool.submit(Gate::pid, priority(1));
            var lowDone = new ArrayList<Boolean>();
            high.addDoneCallback(
                    _ -> low.subList(0, 200).forEach(each -> lowDone.add(each.isDone()))); // 128 are sent ahead at most
            Gate.open(folder, "blocked");
            high.result();

            assertThat(low.getLast().result()).isEqualTo(9_999);
            assertThat(lowDone).hasSize(200).endsWith(false);
        }
    }

    @Test
    void callsBeginByPriorityAndThenInTheOrderOfSubmission() throws Exception {
        var random = new SplittableRandom(20261127);
        int[] priorities = {Integer.MAX_VALUE, 7, 1, 0, -1, Integer.MIN_VALUE};
        String in = folder.toString();
        try (var pool = TestPools.of(1)) {
            var _ = block(pool);
            var chosen = new ArrayList<Integer>();
            var futures = new ArrayList<ConcurrentFuture<?>>();
            for (int i = 0; i < 200; i++) {
                int number = i;
                chosen.add(priorities[random.nextInt(priorities.length)]);
                futures.add(pool.submit(() -> note(in, number), priority(chosen.get(i))));
            }
            Gate.open(folder, "blocked");
            futures.forEach(ConcurrentFuture::result);

            assertThat(order())
                    .isEqualTo(IntStream.range(0, 200)
                            .boxed()
                            .sorted(Comparator.comparing(chosen::get).reversed())
                            .toList());
        }
    }

    @Test
    void aLowCallRunsWhileHighOnesNeverEnd() throws Exception {
        try (var pool = TestPools.of(1)) {
            var _ = block(pool);
            var low = pool.submit(Gate::pid, priority(Integer.MIN_VALUE));
            var more = new AtomicBoolean(true);
            var before = new CompletableFuture<Long>();
            low.addDoneCallback(_ -> {
                before.complete(pool.statistics().completed());
                more.set(false);
            });
            for (int i = 0; i < 10; i++) {
                feed(pool, more);
            }
            Gate.open(folder, "blocked");

            assertThat(before.get()).isBetween((long) CallQueue.MOST_OVERTAKINGS, CallQueue.MOST_OVERTAKINGS + 300L);
        }
    }

    /** Submits a call again and again: the next one when the last one has ended. */
    private static void feed(ProcessPool pool, AtomicBoolean more) {
        if (more.get()) {
            pool.submit(Gate::pid, priority(1)).addDoneCallback(_ -> feed(pool, more));
        }
    }

    @Test
    void aStreamAndACallThatIsRunAgainHaveTheirPriority() throws Exception {
        String in = folder.toString();
        try (var pool = TestPools.of(1)) {
            var _ = block(pool);
            var low = pool.submit(() -> note(in, 3));
            try (var stream = pool.stream(() -> Stream.of(note(in, 2)), priority(1))) {
                var again = pool.submit(
                        () -> {
                            if (Gate.number(in) == 0) {
                                Runtime.getRuntime().halt(1);
                            }
                            return note(in, 1);
                        },
                        priority(2).withRetries(1));
                Gate.open(folder, "blocked");

                assertThat(again.result()).isEqualTo(1);
                assertThat(stream).containsExactly(2);
            }
            assertThat(low.result()).isEqualTo(3);
            assertThat(order()).containsExactly(1, 2, 3);
        }
    }

    @Test
    void aFullQueueBlocksACallOfAnyPriority() throws Exception {
        String in = folder.toString();
        try (var pool = TestPools.builder(1).queueLimit(1).build()) {
            var _ = block(pool);
            var waiting = pool.submit(() -> note(in, 1));
            var submitted = new AtomicBoolean();
            Thread submitter = Thread.ofPlatform().start(() -> {
                var _ = pool.submit(() -> note(in, 2), priority(1));
                submitted.set(true);
            });
            Gate.until(() -> submitter.getState() == Thread.State.WAITING);

            assertThat(submitted).isFalse();
            Gate.open(folder, "blocked");
            assertThat(waiting.result()).isEqualTo(1);
            submitter.join();
        }
        assertThat(order()).containsExactlyInAnyOrder(1, 2);
    }

    @Test
    void aPriorityIsKeptByTheOtherOptions() {
        var options = priority(3).withLabel("label").withRetries(1).withTimeout(Duration.ofSeconds(1));

        assertThat(options.withListener((_, _) -> {}).priority()).isEqualTo(3);
        assertThat(CallOptions.DEFAULT.priority()).isZero();
        assertThat(priority(3)).isEqualTo(CallOptions.DEFAULT.withPriority(3)).isNotEqualTo(CallOptions.DEFAULT);
    }
}
