package dev.trestle.processpool.values;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.trestle.api.Call;
import dev.trestle.processpool.wire.Failure;
import java.lang.management.ManagementFactory;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.net.URL;
import java.time.Instant;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.regex.Pattern;
import javax.management.JMException;
import javax.management.ObjectName;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Hostile documents, for calls of many declared types: as results, as items and as the state of exceptions. Each is
 * read or refused; nothing else is thrown, made, looked up or kept, and what a document costs is limited by its size.
 * A few thousand by default, a million with {@code -Dstorm=full}; {@code -Dtrestle.fuzz.values} and {@code -Dseed}
 * choose others.
 */
class ValueStormTest {

    private static final int COUNT = Integer.getInteger(
            "trestle.fuzz.values", System.getProperty("storm", "").equals("full") ? 1_000_000 : 4_000);

    /** A document that fails is made again by its own seed, which the message has. */
    private static final long SEED = Long.getLong("seed", 20261127);

    // The limits of one document: bytes that are allocated, garbage included, and calls of a class's own methods

    private static final long BYTES = 4 << 20;
    private static final long BYTES_PER_BYTE = 512;
    private static final long CALLS = 4_000;
    private static final long CALLS_PER_BYTE = 64;

    private static long harm;
    private static long calls;

    /** Counts each call of its methods. */
    record Counted(int x, int y) implements Comparable<Counted> {
        Counted {
            calls++;
        }

        @Override
        public int hashCode() {
            calls++;
            return x & 3;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            calls++;
            return other instanceof Counted(int itsX, int itsY) && itsX == x && itsY == y;
        }

        @Override
        public int compareTo(Counted other) {
            calls++;
            return Integer.compare(x, other.x);
        }
    }

    /** Counts each call too, and is not comparable. */
    record Plain(int number, @Nullable Object name) {
        @Override
        public int hashCode() {
            calls++;
            return 1;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            calls++;
            return other instanceof Plain(int its, Object itsName) && its == number && itsName == name;
        }
    }

    record Page(@Nullable URL url) {}

    /** No type leads to it. */
    static class Mine {
        int x;

        Mine() {
            harm++;
        }
    }

    static final class Rude extends Exception {
        private static final long serialVersionUID = 1;

        int code;

        @Nullable
        Object detail;

        @Nullable
        List<String> names;

        Rude() {}
    }

    enum Suit {
        HEARTS,
        SPADES
    }

    private static final List<String> classes = List.of(
            Counted.class.getName(),
            Plain.class.getName(),
            Page.class.getName(),
            Mine.class.getName(),
            Suit.class.getName(),
            Rude.class.getName(),
            Examples.Point.class.getName(),
            Examples.Bean.class.getName());

    private static int ofInt() {
        return 1;
    }

    private static boolean ofBoolean() {
        return true;
    }

    private static char ofCharacter() {
        return 'c';
    }

    private static Target target(Class<?> type, Call<?> call) {
        try {
            return new Target(Journey.allowingNothing().encode(call), type);
        } catch (NotEncodableException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns calls of many types, which are those of the methods that these lambdas become. */
    private static List<Target> targets() {
        return List.of(
                target(int.class, (Call<Integer>) ValueStormTest::ofInt),
                target(boolean.class, (Call<Boolean>) ValueStormTest::ofBoolean),
                target(char.class, (Call<Character>) ValueStormTest::ofCharacter),
                target(Object.class, (Call<@Nullable Object>) () -> null),
                target(String.class, (Call<@Nullable String>) () -> null),
                target(Long.class, (Call<@Nullable Long>) () -> null),
                target(Double.class, (Call<@Nullable Double>) () -> null),
                target(BigInteger.class, (Call<@Nullable BigInteger>) () -> null),
                target(BigDecimal.class, (Call<@Nullable BigDecimal>) () -> null),
                target(Counted.class, (Call<@Nullable Counted>) () -> null),
                target(Plain[].class, (Call<Plain @Nullable []>) () -> null),
                target(Page.class, (Call<@Nullable Page>) () -> null),
                target(Examples.Bean.class, (Call<Examples.@Nullable Bean>) () -> null),
                target(Suit.class, (Call<@Nullable Suit>) () -> null),
                target(List.class, (Call<@Nullable List<Counted>>) () -> null),
                target(Set.class, (Call<@Nullable Set<Plain>>) () -> null),
                target(HashSet.class, (Call<@Nullable HashSet<Object>>) () -> null),
                target(CopyOnWriteArraySet.class, (Call<@Nullable CopyOnWriteArraySet<Object>>) () -> null),
                target(Map.class, (Call<@Nullable Map<String, Integer>>) () -> null),
                target(Map.class, (Call<@Nullable Map<Plain, Object>>) () -> null),
                target(EnumMap.class, (Call<@Nullable EnumMap<Suit, Object>>) () -> null),
                target(Optional.class, (Call<@Nullable Optional<Instant>>) () -> null),
                target(Pattern.class, (Call<@Nullable Pattern>) () -> null),
                target(URL.class, (Call<@Nullable URL>) () -> null),
                target(URI.class, (Call<@Nullable URI>) () -> null),
                target(int[].class, (Call<int @Nullable []>) () -> null),
                target(Object[][].class, (Call<Object @Nullable [][]>) () -> null),
                target(Exception.class, (Call<@Nullable Exception>) () -> null));
    }

    /** Returns the bytes that this thread has allocated, by name: tests are not compiled with the JDK's extension. */
    static long allocatedBytes() {
        try {
            return (Long) ManagementFactory.getPlatformMBeanServer()
                    .getAttribute(new ObjectName(ManagementFactory.THREAD_MXBEAN_NAME), "CurrentThreadAllocatedBytes");
        } catch (JMException e) {
            throw new IllegalStateException(e);
        }
    }

    private record Target(EncodedCall call, Class<?> type) {}

    /** The counts of a storm. */
    private static final class Tally {
        long read;
        long refused;
        long standIns;
        long exceptions;
        long bytes;
        long mostAllocated;
        double mostPerByte;
        long mostCalls;
    }

    @Test
    @Timeout(1800)
    void hostileValuesAreReadOrRefusedWithinBounds() throws Exception {
        List<Target> targets = targets();
        System.out.println("storm of values: seed " + SEED);
        var seeds = new SplittableRandom(SEED ^ 1);
        for (int i = 0; i < 3_000; i++) { // so that the JDK, Jackson and the codec have what they make only once
            feed(seeds.nextLong(), targets, new Tally(), Long.MAX_VALUE);
        }
        long memory = usedMemory();
        var tally = new Tally();
        seeds = new SplittableRandom(SEED);

        for (int i = 0; i < COUNT; i++) {
            feed(seeds.nextLong(), targets, tally, BYTES);
        }

        long kept = usedMemory() - memory;
        System.out.printf(
                "storm of values: %d documents, %d KiB; %d read, %d refused, %d exceptions made, %d stand-ins; most"
                    + " for one document: %d KiB, %.0f bytes for each of its own after the first MiB, %d calls; kept:"
                    + " %d KiB%n",
                COUNT,
                tally.bytes >> 10,
                tally.read,
                tally.refused,
                tally.exceptions,
                tally.standIns,
                tally.mostAllocated >> 10,
                tally.mostPerByte,
                tally.mostCalls,
                kept >> 10);
        assertThat(tally.read).as("documents that could be read").isGreaterThan(COUNT / 50);
        assertThat(tally.exceptions).as("exceptions that were made").isGreaterThan(COUNT / 200);
        assertThat(tally.refused).as("documents that were refused").isGreaterThan(COUNT / 5);
        assertThat(kept).as("bytes kept").isLessThan(32 << 20);
        assertThat(LookUps.asked()).as("look-ups").isEmpty();
        assertThat(harm).as("objects of a class that no type leads to").isZero();
    }

    private void feed(long seed, List<Target> targets, Tally tally, long limit) {
        Target target = targets.get(Math.floorMod((int) seed, targets.size()));
        int way = Math.floorMod((int) (seed >>> 32), 8);
        var document = new HostileDocument(seed, classes);
        byte[] bytes =
                way == 0 ? Documents.asState(document.ofState("code\ndetail\nnames\n", 3)) : document.of(target.type);
        calls = 0;
        long before = allocatedBytes();
        try {
            switch (way) {
                case 0 -> {
                    var failure = new Failure(Rude.class.getName(), null, List.of(), null, List.of(), bytes, false);
                    boolean isStandIn = target.call.decodeFailure(failure, "w") instanceof Journey.StandIn;
                    tally.standIns += isStandIn ? 1 : 0;
                    tally.exceptions += isStandIn ? 0 : 1;
                }
                case 1 -> {
                    var _ = target.call.decodeItem(Documents.payload(bytes), 0);
                    tally.read++;
                }
                default -> {
                    var _ = target.call.decodeResult(Documents.payload(bytes));
                    tally.read++;
                }
            }
        } catch (NotDecodableException e) {
            tally.refused++;
            assertThat(String.valueOf(e.getMessage()).length())
                    .as("length of a message")
                    .isLessThan(3_000);
        } catch (Throwable e) {
            fail("document of seed " + seed, e);
        }
        long allocated = allocatedBytes() - before;
        tally.bytes += bytes.length;
        tally.mostCalls = Math.max(tally.mostCalls, calls);
        if (limit != Long.MAX_VALUE) {
            tally.mostAllocated = Math.max(tally.mostAllocated, allocated);
            tally.mostPerByte = Math.max(tally.mostPerByte, (double) (allocated - (1 << 20)) / bytes.length);
            assertThat(allocated)
                    .as(
                            "bytes allocated for the document of seed %d, of %d bytes, for %s",
                            seed, bytes.length, target.type)
                    .isLessThan(limit + BYTES_PER_BYTE * bytes.length);
        }
        assertThat(calls)
                .as("calls for the document of seed %d, of %d bytes", seed, bytes.length)
                .isLessThan(CALLS + CALLS_PER_BYTE * bytes.length);
    }

    private static long usedMemory() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }
}
