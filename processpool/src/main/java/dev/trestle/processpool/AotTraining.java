package dev.trestle.processpool;

import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The calls of a training run, which load most of the classes that everyday calls need. */
final class AotTraining {

    private AotTraining() {}

    /** A value such as calls have. */
    record Sample(String name, List<Integer> numbers, Map<String, Double> weights, Optional<Instant> when, Kind kind) {}

    /** A value of a kind that calls have. */
    enum Kind {
        ORDINARY,
        SPECIAL
    }

    /** Runs the calls, one after the other. */
    static void run(ProcessPool pool) {
        var sample = new Sample("a", List.of(1, 2), Map.of("x", 0.5), Optional.of(Instant.EPOCH), Kind.ORDINARY);
        byte[] bytes = new byte[100];
        int number = 6;
        pool.submit(() -> number * 7).result();
        pool.submit(() -> sample).result();
        pool.submit(() -> special(sample, bytes)).result();
        pool.submit(() -> bytes).result();
        pool.submit(() -> IntStream.range(0, number).mapToObj(i -> "item " + i).collect(Collectors.toList()))
                .result();
        pool.submit(() -> new BigDecimal(number)).result();
        pool.submit(() -> Duration.ofSeconds(number)).result();
        pool.submit(() -> sample.name().isEmpty()).result();
        var _ = pool.submit(() -> Integer.parseInt(sample.name())).exception();
    }

    private static Sample special(Sample sample, byte[] bytes) {
        return new Sample(
                sample.name() + bytes.length, sample.numbers(), sample.weights(), sample.when(), Kind.SPECIAL);
    }
}
