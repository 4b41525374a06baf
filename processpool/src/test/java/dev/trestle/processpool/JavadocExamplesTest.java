package dev.trestle.processpool;

import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.ConcurrentFuture;
import java.nio.file.AccessDeniedException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** The examples of this module's Javadoc: its snippets are the regions of this file. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class JavadocExamplesTest {

    private static final ProcessPool pool = TestPools.of(1);

    @AfterAll
    static void close() {
        pool.close();
    }

    /** The user's own code in the examples. */
    private static final class Primes {

        static boolean isPrime(int number) {
            return IntStream.rangeClosed(2, (int) Math.sqrt(number)).noneMatch(divisor -> number % divisor == 0);
        }

        static int below(int limit) {
            return Math.toIntExact(
                    IntStream.range(2, limit).filter(Primes::isPrime).count());
        }

        static int factor(int index) throws AccessDeniedException {
            if (index == 0) {
                throw new AccessDeniedException("factors.txt");
            }
            return index;
        }
    }

    @Test
    void aCallCrashesAndThePoolGoesOn() {
        List<Object> printed = new ArrayList<>();

        // @start region="pool"
        try (var pool = new ProcessPool(2)) {
            ConcurrentFuture<Integer> primes = pool.submit(() -> Primes.below(1_000));
            ConcurrentFuture<?> crash = pool.submit(() -> Runtime.getRuntime().exit(3));

            printed.add(primes.result());
            crash.exception().ifPresent(printed::add); // a WorkerDiedException: exit code 3
        } // waits until all calls have ended, and no process is left
        // @end

        assertThat(printed.getFirst()).isEqualTo(168);
        assertThat(printed.getLast())
                .isInstanceOfSatisfying(
                        WorkerDiedException.class,
                        died -> assertThat(died.exitCode()).hasValue(3));
    }

    @Test
    void aBuilderSetsLimitsForEachCall() {
        List<Object> printed = new ArrayList<>();

        // @start region="builder"
        try (var pool = ProcessPool.builder()
                .workers(2)
                .heap(256 << 20) // bytes, for each worker
                .callTimeout(ofSeconds(30)) // for each call without a time limit of its own
                .cancelGrace(ofMillis(500)) // between the interrupt and the kill
                .queueLimit(1_000) // submit blocks while 1000 calls wait
                .build()) {
            printed.add(pool.submit(() -> Primes.below(1_000)).result());
        }
        // @end

        assertThat(printed).containsExactly(168);
    }

    @Test
    void oneCallHasATimeLimit() {
        var printed = new AtomicReference<Throwable>();

        // @start region="time-limit"
        var options = CallOptions.DEFAULT.withTimeout(ofMillis(500)).withLabel("count all primes");
        ConcurrentFuture<Integer> primes = pool.submit(() -> Primes.below(Integer.MAX_VALUE), options);
        primes.exception().ifPresent(printed::set); // a TimeoutException, with the stack that the call had
        // @end

        assertThat(printed.get())
                .isInstanceOf(TimeoutException.class)
                .hasMessageContaining("count all primes")
                .hasMessageContaining("Primes");
    }

    @Test
    void aStreamArrivesWhileTheCallMakesIt() {
        List<Integer> printed = new ArrayList<>();

        // @start region="stream"
        try (Stream<Integer> primes = pool.stream(
                () -> IntStream.iterate(2, n -> n + 1).filter(Primes::isPrime).boxed())) {
            primes.takeWhile(prime -> prime < 20).forEach(printed::add);
        } // cancels the call, whose own stream is endless
        // @end

        assertThat(printed).containsExactly(2, 3, 5, 7, 11, 13, 17, 19);
    }

    @Test
    void aCallReportsItsProgress() {
        List<Double> bar = new CopyOnWriteArrayList<>(); // reports may still come when the result is there

        // @start region="worker-context"
        ConcurrentFuture<Integer> count = pool.submit(
                () -> {
                    var context = WorkerContext.current();
                    int found = 0;
                    for (int i = 2; i < 1_000 && !context.isCancelled(); i++) {
                        found += Primes.isPrime(i) ? 1 : 0;
                        context.progress(i / 1_000.0); // cheap enough for every turn
                    }
                    return found;
                },
                CallOptions.DEFAULT.withListener((fraction, text) -> bar.add(fraction)));
        // @end

        assertThat(count.result()).isEqualTo(168);
        assertThat(bar).allSatisfy(fraction -> assertThat(fraction).isBetween(0.0, 1.0));
    }

    @Test
    void aDeadWorkerTellsHowItDied() {
        List<String> printed = new ArrayList<>();

        // @start region="worker-died"
        try {
            pool.submit(() -> Runtime.getRuntime().halt(3)).result();
        } catch (WorkerDiedException e) {
            printed.add("worker " + e.pid() + " died, exit code " + e.exitCode().orElse(-1));
            printed.add(e.stderrTail()); // the last lines that it printed
        }
        // @end

        assertThat(printed).hasSize(2).first().asString().endsWith(" died, exit code 3");
    }

    @Test
    void exceptionsOfACallArriveAsTheyWere() {
        List<String> printed = new ArrayList<>();

        // @start region="exceptions"
        try {
            pool.submit(() -> Primes.factor(0)).result();
        } catch (CompletionException e) { // the call threw a checked exception, which is the cause
            printed.add("failed: " + e.getCause());
        } catch (RemoteException e) { // the call threw an exception of a class that this program cannot make
            printed.add(e.remoteClassName() + ": " + e.getMessage());
        }
        // @end

        assertThat(printed).containsExactly("failed: java.nio.file.AccessDeniedException: factors.txt");
    }
}
