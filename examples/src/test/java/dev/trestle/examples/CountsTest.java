package dev.trestle.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sums do not depend on the distribution of class files to workers, nor on the order of answers. */
@Timeout(30)
class CountsTest {

    @Test
    void nothingChangesNothing() throws IOException {
        Counts counts = Specimens.count(Specimens.Lambdas.class);

        assertThat(counts.plus(Counts.NONE)).isEqualTo(counts);
        assertThat(Counts.NONE.plus(counts)).isEqualTo(counts);
    }

    @RepeatedTest(20)
    void anyGroupingGivesTheSameSum(RepetitionInfo repetition) {
        var random = new Random(repetition.getCurrentRepetition());
        Counts a = counts(random);
        Counts b = counts(random);
        Counts c = counts(random);

        assertThat(a.plus(b).plus(c)).isEqualTo(a.plus(b.plus(c)));
    }

    @RepeatedTest(20)
    void anyOrderGivesTheSameSum(RepetitionInfo repetition) {
        var random = new Random(repetition.getCurrentRepetition());
        List<Counts> parts =
                new ArrayList<>(Stream.generate(() -> counts(random)).limit(5).toList());
        Counts sum = sum(parts);

        Collections.shuffle(parts, random);

        assertThat(sum(parts))
                .usingRecursiveComparison()
                .ignoringCollectionOrderInFields("unreadable")
                .isEqualTo(sum);
    }

    @Test
    void largestMethodsOfAllPartsAreKept() {
        Counts small = withMethods(IntStream.rangeClosed(1, 20));
        Counts large = withMethods(IntStream.rangeClosed(11, 30));

        assertThat(small.plus(large).largestMethods())
                .extracting(MethodSize::bytes)
                .containsExactly(30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 20, 19, 19, 18, 18, 17, 17, 16, 16);
    }

    private static Counts withMethods(IntStream sizes) {
        List<MethodSize> methods = sizes.mapToObj(size -> new MethodSize("method" + size, size, size))
                .sorted(MethodSize.LARGEST_FIRST)
                .toList();
        return new Counts(1, 0, 0, 0, 0, 0, 0, methods.size(), 0, 0, 0, Map.of(), methods, Map.of(), List.of());
    }

    private static Counts sum(List<Counts> parts) {
        return parts.stream().reduce(Counts.NONE, Counts::plus);
    }

    private static Counts counts(Random random) {
        List<MethodSize> methods = Stream.generate(
                        () -> new MethodSize("method" + random.nextInt(100), random.nextInt(10), random.nextInt(3)))
                .limit(random.nextInt(Counts.LARGEST + 1))
                .sorted(MethodSize.LARGEST_FIRST)
                .toList();
        return new Counts(
                random.nextInt(100),
                random.nextInt(100),
                random.nextInt(100),
                random.nextInt(100),
                random.nextInt(100),
                random.nextInt(100),
                random.nextInt(100),
                random.nextInt(100),
                random.nextInt(100),
                random.nextLong(1L << 40),
                random.nextInt(100),
                Map.of(40 + random.nextInt(3), 1L, 50 + random.nextInt(3), random.nextLong(10)),
                methods,
                Map.of("a", random.nextLong(10), "b" + random.nextInt(3), 1L),
                List.of(new Unreadable("file" + random.nextInt(1000), "reason")));
    }
}
