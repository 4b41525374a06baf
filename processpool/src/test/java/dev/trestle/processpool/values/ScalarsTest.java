package dev.trestle.processpool.values;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The JDK's value classes arrive with all that they say, also where equals does not ask for it. */
@Timeout(30)
class ScalarsTest {

    private final Journey journey = Journey.allowingNothing();

    static Stream<Locale> locales() {
        return Stream.concat(
                Arrays.stream(Locale.getAvailableLocales()),
                Stream.of(
                        Locale.of("en_US"),
                        Locale.of("no", "NO", "NY"),
                        Locale.of("no", "NO", "POSIX"),
                        Locale.of("ja", "JP", "JP"),
                        Locale.of("th", "TH", "TH"),
                        Locale.of("x", "y", "z"),
                        Locale.of("", "", "a b"),
                        Locale.of("iw"),
                        Locale.of("en", "US", "a_b_c"),
                        Locale.of("", "US"),
                        Locale.forLanguageTag("zh-Hant-TW-u-ca-roc-x-private"),
                        Locale.forLanguageTag("i-klingon"),
                        new Locale.Builder()
                                .setLanguage("sr")
                                .setScript("Latn")
                                .setRegion("RS")
                                .build()));
    }

    @ParameterizedTest
    @MethodSource("locales")
    void aLocaleKeepsAllItsParts(Locale locale) throws Throwable {
        Locale arrived = (Locale) requireNonNull(journey.send(locale));

        assertThat(arrived).isEqualTo(locale).hasToString(locale.toString());
        assertThat(arrived.toLanguageTag()).isEqualTo(locale.toLanguageTag());
    }

    static List<InetAddress> addresses() throws Exception {
        byte[] six = new byte[16];
        six[0] = (byte) 0xfe;
        six[1] = (byte) 0x80;
        six[15] = 1;
        byte[] mapped = new byte[16];
        mapped[10] = -1;
        mapped[11] = -1;
        mapped[12] = 10;
        var all = new ArrayList<>(List.of(
                InetAddress.getByAddress(new byte[] {10, 0, 0, 1}),
                InetAddress.getByAddress("a.name", new byte[] {10, 0, 0, 1}),
                InetAddress.getByAddress("a/name", new byte[] {10, 0, 0, 1}),
                InetAddress.getLoopbackAddress(),
                InetAddress.getByAddress(six),
                InetAddress.getByAddress("six", six),
                Inet6Address.getByAddress("six", six, 0),
                Inet6Address.getByAddress(null, six, 7),
                Inet6Address.getByAddress(null, mapped, -1)));
        for (NetworkInterface each : Collections.list(NetworkInterface.getNetworkInterfaces())) {
            all.addAll(Collections.list(each.getInetAddresses()));
            for (InetAddress address : Collections.list(each.getInetAddresses())) {
                if (address instanceof Inet6Address known && known.isLinkLocalAddress()) {
                    all.add(Inet6Address.getByAddress("scoped", six, each));
                }
            }
        }
        return all;
    }

    @ParameterizedTest
    @MethodSource("addresses")
    void anAddressKeepsItsNameAndItsScope(InetAddress address) throws Throwable {
        InetAddress arrived = (InetAddress) requireNonNull(journey.send(address));

        assertThat(arrived.getClass()).isEqualTo(address.getClass());
        assertThat(arrived).isEqualTo(address).hasToString(address.toString());
        if (address instanceof Inet6Address six) {
            assertThat(((Inet6Address) arrived).getScopeId()).isEqualTo(six.getScopeId());
            assertThat(((Inet6Address) arrived).getScopedInterface()).isEqualTo(six.getScopedInterface());
        }
    }

    @ParameterizedTest
    @ValueSource(
            ints = {0, 1, -1, 20, 1 << 29, 1 << 30, (1 << 30) + 1, Integer.MAX_VALUE, -(1 << 30) - 1, Integer.MIN_VALUE
            })
    void aDecimalKeepsItsScale(int scale) throws Throwable {
        for (BigInteger each :
                List.of(BigInteger.ZERO, BigInteger.ONE, BigInteger.TWO.pow(300).negate())) {
            var sent = new BigDecimal(each, scale);

            BigDecimal arrived = (BigDecimal) requireNonNull(journey.send(sent));

            assertThat(arrived.scale()).isEqualTo(scale);
            assertThat(arrived.unscaledValue()).isEqualTo(each);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ab", "(?i)ab", "(?i:a)b", "a.b", "", "(?<n>a)b", "\\Qa(?\\E"})
    void aPatternMatchesTheSame(String text) throws Throwable {
        for (int flags :
                new int[] {0, Pattern.CASE_INSENSITIVE, Pattern.LITERAL, Pattern.COMMENTS | Pattern.UNIX_LINES}) {
            Pattern sent = Pattern.compile(text, flags);

            Pattern arrived = (Pattern) requireNonNull(journey.send(sent));

            assertThat(arrived.flags()).isEqualTo(sent.flags());
            for (String each : List.of("ab", "AB", "aB", "Ab", "a\nb", "")) {
                assertThat(arrived.matcher(each).matches())
                        .isEqualTo(sent.matcher(each).matches());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"a(?i)b", "x(?-i)a"})
    void aPatternThatChangesItsFlagsIsRefused(String text) {
        var refusal = catchThrowableOfType(
                NotEncodableException.class, () -> journey.send(Pattern.compile(text, Pattern.CASE_INSENSITIVE)));

        assertThat(refusal)
                .hasMessageContaining("changes its flags when it is compiled")
                .hasMessageContaining("(?i:...)");
    }

    static Stream<ZonedDateTime> times() {
        LocalDateTime overlap = LocalDateTime.of(2026, 10, 25, 2, 30);
        return ZoneId.getAvailableZoneIds().stream()
                .sorted()
                .filter(each -> each.hashCode() % 10 == 0 || each.startsWith("Europe/B"))
                .flatMap(each -> Stream.of(
                        ZonedDateTime.ofLocal(overlap, ZoneId.of(each), ZoneOffset.ofHours(1)),
                        ZonedDateTime.of(LocalDateTime.of(1800, 1, 1, 0, 0, 0, 1), ZoneId.of(each)),
                        ZonedDateTime.of(LocalDateTime.of(99999, 1, 1, 0, 0), ZoneId.of(each))));
    }

    @ParameterizedTest
    @MethodSource("times")
    void aTimeInAZoneKeepsItsOffset(ZonedDateTime time) throws Throwable {
        assertThat(journey.send(time)).isEqualTo(time);
    }

    @ParameterizedTest
    @MethodSource
    void comparators(Comparator<String> order) throws Throwable {
        @SuppressWarnings("unchecked")
        Comparator<String> arrived = (Comparator<String>) requireNonNull(journey.send(order));

        assertThat(arrived).isSameAs(order);
    }

    static Stream<Comparator<String>> comparators() {
        return Stream.of(Comparator.naturalOrder(), Comparator.reverseOrder(), String.CASE_INSENSITIVE_ORDER);
    }

    @Test
    void classOfScalarIsWrittenOnlyWhereThePlaceDoesNotTellIt() {
        assertThat(Scalar.isDeclaredAs(Duration.class)).isTrue();
        assertThat(Scalar.isDeclaredAs(Date.class)).as("may be one of java.sql").isFalse();
        assertThat(Scalar.isDeclaredAs(Comparator.class))
                .as("may be the program's")
                .isFalse();
        assertThat(Scalar.isDeclaredAs(Object.class)).isFalse();
    }
}
