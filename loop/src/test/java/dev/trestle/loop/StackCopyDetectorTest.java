package dev.trestle.loop;

import static dev.trestle.loop.StackCopyDetector.BYTES_OF_A_STACK;
import static dev.trestle.loop.StackCopyDetector.MANY_TASKS;
import static dev.trestle.loop.StackCopyDetector.WINDOW_NANOS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.loop.StackCopyDetector.Figures;
import dev.trestle.loop.StackCopyDetector.Memory;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The warning about stacks that are copied in each turn: its conditions and its words. All figures are made up. */
class StackCopyDetectorTest {

    private static final long SECOND = 1_000_000_000;

    private long young = 100 << 20;
    private long paused;
    private long now = -3 * SECOND; // System.nanoTime may be anything

    private final AtomicInteger opened = new AtomicInteger();
    private final StackCopyDetector watch = new StackCopyDetector(() -> {
        opened.incrementAndGet();
        return new Memory(() -> young, () -> paused);
    });

    /** Looks four times a second for a while, in which the collector pauses for some of each second. */
    private @Nullable Figures watch(long tasks, int seconds, int pausedMillisEach) {
        Figures told = null;
        for (int i = 0; i < 4 * seconds; i++) {
            Figures figures = watch.look(tasks, now);
            told = figures == null ? told : figures;
            now += SECOND / 4;
            paused += pausedMillisEach / 4;
        }
        return told;
    }

    @Test
    void manyStacksAndLongPausesAreToldOnce() {
        Figures told = watch(1_000_000, 11, 400);

        assertThat(told).isEqualTo(new Figures(1_000_000, 100 << 20, 4000, 10_000));
        assertThat(watch(2_000_000, 60, 900)).as("later").isNull();
    }

    @ParameterizedTest
    @CsvSource({
        "102_401, 101, true", // a task more than fits
        "102_400, 101, false",
        "1_000_000, 100, false", // a tenth
        "1_000_000, 0, false",
        "5, 900, false",
    })
    void stacksMustNotFitAndPausesMustTakeMoreThanATenth(String tasks, long pausedMillis, boolean bad) {
        long number = Long.parseLong(tasks.replace("_", ""));

        assertThat(new Figures(number, 102_400L * BYTES_OF_A_STACK, pausedMillis, 1000).areBad())
                .isEqualTo(bad);
    }

    @Test
    void nothingIsToldWhenTheStacksFit() {
        young = 2L << 30;
        assertThat(watch(1_000_000, 60, 900)).isNull();

        young = 512 << 20; // the collector has made it smaller
        assertThat(watch(1_000_000, 21, 900)).isNotNull();
    }

    /** To create a million tasks fills the heap once, whatever its generations are. */
    @Test
    void aBurstOfPausesIsNotTold() {
        assertThat(watch(1_000_000, 2, 400)).isNull();
        assertThat(watch(1_000_000, 60, 20)).isNull();
    }

    @Test
    void aTimeWithFewTasksDoesNotCount() {
        assertThat(watch(1_000_000, 9, 900)).isNull();
        assertThat(watch(MANY_TASKS - 1, 1, 900)).isNull();
        assertThat(watch(1_000_000, 9, 900)).isNull();
        assertThat(watch(1_000_000, 3, 900)).isNotNull();
    }

    @Test
    void nothingIsOpenedForFewTasks() {
        assertThat(watch(MANY_TASKS - 1, 100, 900)).isNull();
        assertThat(opened).hasValue(0);

        watch(MANY_TASKS, 100, 0);
        assertThat(opened).hasValue(1);
    }

    @Test
    void aMemoryThatCannotBeSeenIsAskedOnce() {
        var asked = new AtomicInteger();
        var blind = new StackCopyDetector(() -> {
            asked.incrementAndGet();
            return null;
        });
        for (int i = 0; i < 100; i++) {
            assertThat(blind.look(1_000_000, i * WINDOW_NANOS)).isNull();
        }
        assertThat(asked).hasValue(1);
    }

    /** Looks at the memory of a JVM. */
    static final class Looks {
        public static void main(String[] args) {
            Memory memory = StackCopyDetector.open();
            if (memory == null) {
                System.out.println("nothing is known");
                return;
            }
            System.gc();
            long young = memory.youngBytes().getAsLong();
            System.out.println("young " + (young > 5 << 20 && young < 20 << 20 ? "as set" : String.valueOf(young)));
            System.out.println("pauses " + (memory.pausedMillis().getAsLong() > 0));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-XX:+UseSerialGC", "-XX:+UseParallelGC", "-XX:+UseG1GC"})
    void theYoungGenerationAndThePausesOfEachCollectorAreSeen(String collector) throws Exception {
        assertThat(ChildJvm.run(Looks.class, "-XX:-UseSerialGC", collector, "-Xms64m", "-Xmx64m", "-Xmn10m"))
                .containsExactly("young as set", "pauses true");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--limit-modules=java.base", "-XX:+UseZGC"})
    void nothingIsKnownWithoutTheModuleOrAYoungGenerationToSet(String option) throws Exception {
        assertThat(ChildJvm.run(Looks.class, "-XX:-UseSerialGC", option, "-Xmx64m"))
                .containsExactly("nothing is known");
    }

    @Test
    void theFlagIsNamed() {
        assertThat(new Figures(1_000_000, 536_870_912, 4_123, 10_007).text())
                .isEqualTo(
                        "The garbage collector has paused the program for 4123 of 10007 ms. The stacks of the 1000000"
                            + " tasks take about 977 MB, which is more than the 512 MB of the young generation, so"
                            + " they are copied whenever the coroutines run. Start java with -Xmn1954m, which is 2 KB"
                            + " for each task, and with a heap (-Xmx) that is larger than that by half: then the"
                            + " stacks stay where they are.");
    }
}
