package dev.trestle.examples;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.Futures;
import dev.trestle.threadpool.ThreadPool;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Ten calls that take 1 to 10 seconds on a thread pool; results are printed as they complete. */
final class AsTheyComplete {

    private AsTheyComplete() {}

    static void main(String[] args) {
        List<Integer> seconds =
                new ArrayList<>(IntStream.rangeClosed(1, 10).boxed().toList());
        Collections.shuffle(seconds, new Random(42));
        try (var pool = new ThreadPool(10)) {
            List<ConcurrentFuture<String>> futures = seconds.stream()
                    .map(each -> pool.submit(() -> takeSeconds(each)))
                    .toList();
            for (ConcurrentFuture<String> future : Futures.asCompleted(futures)) {
                IO.println(future.result());
            }
        }
    }

    private static String takeSeconds(int seconds) throws InterruptedException {
        Pause.seconds(seconds);
        return "Took " + seconds + " s";
    }
}
