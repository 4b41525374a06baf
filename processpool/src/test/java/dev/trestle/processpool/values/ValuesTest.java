package dev.trestle.processpool.values;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.processpool.values.Examples.Account;
import dev.trestle.processpool.values.Examples.Arrays_;
import dev.trestle.processpool.values.Examples.Bean;
import dev.trestle.processpool.values.Examples.Bounded;
import dev.trestle.processpool.values.Examples.Boxes;
import dev.trestle.processpool.values.Examples.Cat;
import dev.trestle.processpool.values.Examples.Circle;
import dev.trestle.processpool.values.Examples.Color;
import dev.trestle.processpool.values.Examples.Containers;
import dev.trestle.processpool.values.Examples.Dog;
import dev.trestle.processpool.values.Examples.Drawing;
import dev.trestle.processpool.values.Examples.Empty;
import dev.trestle.processpool.values.Examples.Names;
import dev.trestle.processpool.values.Examples.Pair;
import dev.trestle.processpool.values.Examples.Point;
import dev.trestle.processpool.values.Examples.Primitives;
import dev.trestle.processpool.values.Examples.SpecialBean;
import dev.trestle.processpool.values.Examples.Square;
import dev.trestle.processpool.values.Examples.Version;
import dev.trestle.processpool.values.Examples.Zoo;
import java.io.File;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.net.InetAddress;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.MonthDay;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.Period;
import java.time.Year;
import java.time.YearMonth;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Currency;
import java.util.Date;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The value that arrives is the one that was sent: equal, and of the same class. */
@Timeout(30)
class ValuesTest {

    private final Journey journey = Journey.allowingTests();

    @SuppressWarnings("JavaUtilDate") // a call that sends one gets one
    static Stream<Object> values() throws Exception {
        return Stream.of(
                // primitives in their boxes
                true,
                Byte.MIN_VALUE,
                Short.MAX_VALUE,
                'x',
                '\uD800',
                Integer.MIN_VALUE,
                5L,
                Long.MAX_VALUE,
                1.5f,
                Float.NaN,
                0.1,
                Double.NaN,
                Double.NEGATIVE_INFINITY,
                -0.0,
                Double.MIN_VALUE,
                // strings
                "",
                "Grüße, 世界 \uD83D\uDE00",
                "x".repeat(100_000),
                // numbers
                BigInteger.TWO.pow(300).negate(),
                new BigDecimal("1.2300"),
                new BigDecimal("1E+500"),
                // the JDK's value classes
                UUID.fromString("123e4567-e89b-12d3-a456-426614174000"),
                URI.create("https://example.org/a?b=c#d"),
                URI.create("https://example.org/x").toURL(),
                new File("a/b.txt"),
                Locale.CANADA_FRENCH,
                Locale.ROOT,
                Currency.getInstance("EUR"),
                StandardCharsets.UTF_16LE,
                BitSet.valueOf(new long[] {5, 0, 7}),
                String.class,
                int[][].class,
                int.class,
                Point.class,
                InetAddress.getByAddress(new byte[] {10, 0, 0, 1}),
                // time
                Duration.ofSeconds(-3, 5),
                Instant.MIN,
                Instant.parse("2026-11-21T08:19:51.123456789Z"),
                LocalDate.MAX,
                LocalTime.of(1, 2, 3, 4),
                LocalDateTime.MIN,
                OffsetDateTime.parse("2026-11-21T08:19:51+02:00"),
                OffsetTime.parse("08:19+02:00"),
                ZonedDateTime.parse("2026-10-25T02:30+01:00[Europe/Berlin]"),
                Year.of(12345),
                YearMonth.of(12345, 6),
                MonthDay.of(2, 29),
                Period.of(1, -2, 3),
                ZoneId.of("Europe/Berlin"),
                ZoneOffset.ofHours(-3),
                new Date(1234567890123L),
                // enums
                Color.RED,
                Color.GREEN,
                DayOfWeek.FRIDAY,
                TimeUnit.DAYS,
                RoundingMode.HALF_EVEN,
                // optionals
                Optional.empty(),
                Optional.of(5L),
                Optional.of(new Point(1, 2)),
                Optional.of(Optional.empty()),
                OptionalInt.of(3),
                OptionalInt.empty(),
                OptionalLong.of(3),
                OptionalDouble.of(0.5),
                OptionalDouble.empty(),
                // arrays
                new boolean[] {true, false},
                new byte[] {1, 2, 3},
                new short[] {1, -2},
                new char[] {'a', '\uD800'},
                new int[] {1, -2, 3},
                new int[0],
                new long[] {Long.MIN_VALUE},
                new float[] {Float.NaN, 1},
                new double[] {Math.PI},
                new byte[50_000],
                longs(10_000),
                new int[][] {{1}, {}, {2, 3}},
                new String[] {"a", null},
                new Object[] {1, 2L, "three", null, new int[] {4}},
                new Integer[] {1, null},
                new Long[] {1L, null},
                new Point[] {new Point(1, 2), null},
                new Number[] {1, 2L, 3.0},
                new List<?>[] {List.of(1)},
                // records
                new Point(3, 4),
                new Empty(),
                new Pair<>(1L, "b"),
                new Pair<@Nullable Object, @Nullable Object>(null, null),
                new Pair<>(new Pair<>('a', (short) 1), List.of(2L, 3)),
                new Bounded<>(7L),
                new Primitives(true, (byte) 1, (short) 2, 'c', 3, 4L, 5f, 6.0),
                new Boxes(true, (byte) 1, (short) 2, 'c', 3, 4L, 5f, 6.0, 7L, 8L, "s"),
                new Boxes(null, null, null, null, null, null, null, null, 1.5f, "o", null),
                new Arrays_(
                        new int[] {1},
                        new byte[] {2},
                        new String[] {"3"},
                        new Point[] {new Point(4, 5)},
                        new Object[] {6L, new int[] {7}},
                        new long[][] {{8}}),
                new Containers(
                        List.of(new Point(1, 2)),
                        Map.of(new Point(1, 2), List.of(3L)),
                        Set.of(Color.GREEN),
                        Optional.of(new Point(0, 0)),
                        List.of(List.of(1), List.of()),
                        4L,
                        List.of("n")),
                // sealed hierarchies and beans
                new Circle(1),
                drawing(new Square(2), drawing(new Circle(3))),
                new Bean("a", new Bean("b", new SpecialBean("c", 5))),
                new SpecialBean("s", 3),
                new Account("me", List.of(), "secret"),
                new Version(1, 2),
                new Zoo(List.of(new Dog("d"), new Cat(9)), new Cat(1)));
    }

    @ParameterizedTest
    @MethodSource("values")
    void arrivesEqualAndOfTheSameClass(Object value) throws Throwable {
        Object arrived = nonNull(journey.send(value));

        assertThat(arrived.getClass()).isEqualTo(value.getClass());
        assertThat(Objects.deepEquals(arrived, value)).as("%s", arrived).isTrue();
    }

    @ParameterizedTest
    @MethodSource("values")
    void arrivesEqualWithinAListAndAsAKeyAndAsAValue(Object value) throws Throwable {
        List<Object> sent = Arrays.asList(value, null, value);
        Map<Object, Object> map = new HashMap<>();
        map.put("key", value);

        assertThat(Objects.deepEquals(((List<?>) nonNull(journey.send(sent))).toArray(), sent.toArray()))
                .isTrue();
        Object inMap = ((Map<?, ?>) nonNull(journey.send(map))).get("key");
        assertThat(Objects.deepEquals(inMap, value)).isTrue();
        if (!value.getClass().isArray() && !(value instanceof URL)) { // a URL is no key: LookUpsTest
            assertThat(journey.send(Map.of(value, 1))).isEqualTo(Map.of(value, 1));
        }
    }

    @Test
    void nullArrivesAsNull() throws Throwable {
        assertThat(journey.send(null)).isNull();
    }

    @Test
    void aPathOfTheDefaultFileSystemArrives() throws Throwable {
        assertThat(journey.send(Path.of("a", "b"))).isEqualTo(Path.of("a", "b"));
    }

    @Test
    void aPatternKeepsItsFlags() throws Throwable {
        Pattern sent = Pattern.compile("a.b", Pattern.DOTALL | Pattern.CASE_INSENSITIVE);

        Pattern arrived = (Pattern) nonNull(journey.send(sent));

        assertThat(arrived.pattern()).isEqualTo("a.b");
        assertThat(arrived.flags()).isEqualTo(sent.flags());
    }

    @Test
    void anEmptyOptionalAndNoOptionalAreTwoThings() throws Throwable {
        var pair = new Pair<@Nullable Optional<String>, Optional<String>>(null, Optional.empty());

        assertThat(journey.send(pair)).isEqualTo(pair);
    }

    @Test
    void aTransientFieldHasItsInitialValue() throws Throwable {
        var bean = new Bean("a", null);
        bean.cached(99);

        assertThat(((Bean) nonNull(journey.send(bean))).cached()).isEqualTo(7);
    }

    @Test
    void enumSetsAndMapsKeepTheirEnumEvenWhenEmpty() throws Throwable {
        EnumSet<Color> none = EnumSet.noneOf(Color.class);
        EnumMap<Color, Object> empty = new EnumMap<>(Color.class);
        EnumMap<Color, Object> full = new EnumMap<>(Map.of(Color.GREEN, 5L));

        assertThat(EnumSet.complementOf(cast(journey.send(none)))).isEqualTo(EnumSet.allOf(Color.class));
        assertThat(journey.send(EnumSet.of(Color.GREEN))).isEqualTo(EnumSet.of(Color.GREEN));
        assertThat(journey.send(full)).isEqualTo(full).isInstanceOf(EnumMap.class);
        EnumMap<Color, Object> arrived = castMap(journey.send(empty));
        arrived.put(Color.RED, 1);
        assertThat(arrived).containsKey(Color.RED);
    }

    @Test
    void aListOfOnesOwnIsMadeByItsConstructor() throws Throwable {
        var names = new Names();
        names.add("a");

        assertThat(journey.send(names)).isEqualTo(names).isInstanceOf(Names.class);
    }

    @Test
    void aMutableListMayContainItsEqualTwice() throws Throwable {
        Point shared = new Point(1, 2);

        assertThat(journey.send(new ArrayList<>(List.of(shared, shared)))).isEqualTo(List.of(shared, shared));
    }

    private static long[] longs(int count) {
        long[] longs = new long[count];
        Arrays.setAll(longs, i -> i * 0x9E3779B97F4A7C15L);
        return longs;
    }

    private static Drawing drawing(Examples.Shape... parts) {
        var drawing = new Drawing();
        drawing.parts.addAll(List.of(parts));
        return drawing;
    }

    private static Object nonNull(@Nullable Object value) {
        return Objects.requireNonNull(value);
    }

    @SuppressWarnings("unchecked")
    private static EnumSet<Color> cast(@Nullable Object value) {
        return (EnumSet<Color>) nonNull(value);
    }

    @SuppressWarnings("unchecked")
    private static EnumMap<Color, Object> castMap(@Nullable Object value) {
        return (EnumMap<Color, Object>) nonNull(value);
    }
}
