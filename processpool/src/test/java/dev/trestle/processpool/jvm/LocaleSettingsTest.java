package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.processpool.NothingLeft;
import dev.trestle.processpool.TestPools;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SimpleTimeZone;
import java.util.TimeZone;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
@ExtendWith(NothingLeft.class)
class LocaleSettingsTest {

    private final Locale base = Locale.getDefault();
    private final Locale format = Locale.getDefault(Locale.Category.FORMAT);
    private final Locale display = Locale.getDefault(Locale.Category.DISPLAY);
    private final TimeZone zone = TimeZone.getDefault();

    @AfterEach
    void restore() {
        Locale.setDefault(base);
        Locale.setDefault(Locale.Category.FORMAT, format);
        Locale.setDefault(Locale.Category.DISPLAY, display);
        TimeZone.setDefault(zone);
    }

    static Stream<List<Locale>> locales() {
        Locale latin = Locale.forLanguageTag("sr-Latn-RS");
        Locale thai = Locale.forLanguageTag("th-TH-u-ca-buddhist-nu-thai");
        Locale unusual = Locale.of("no", "NO", "NY");
        return Stream.of(
                List.of(Locale.ROOT, Locale.ROOT, Locale.ROOT),
                List.of(Locale.GERMANY, Locale.of("de", "CH"), Locale.ENGLISH),
                List.of(latin, Locale.of("sr"), latin),
                List.of(Locale.JAPAN, thai, Locale.forLanguageTag("en-a-one-u-nu-latn-x-own-use")),
                List.of(thai, Locale.forLanguageTag("fr-u-nu-latn"), thai),
                List.of(unusual, Locale.of("de", "DE", "POSIX"), Locale.forLanguageTag("sl-rozaj-biske-1994")));
    }

    @ParameterizedTest
    @MethodSource("locales")
    void workersHaveTheLocalesOfTheProgram(List<Locale> locales) {
        Locale.setDefault(locales.get(0));
        Locale.setDefault(Locale.Category.FORMAT, locales.get(1));
        Locale.setDefault(Locale.Category.DISPLAY, locales.get(2));

        try (var pool = TestPools.of(1)) {
            List<Locale> ofWorker = pool.submit(() -> List.of(
                            Locale.getDefault(),
                            Locale.getDefault(Locale.Category.FORMAT),
                            Locale.getDefault(Locale.Category.DISPLAY)))
                    .result();
            assertThat(ofWorker).isEqualTo(locales);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Asia/Kathmandu", "GMT+05:17", "UTC"})
    void workersHaveTheTimeZoneOfTheProgram(String id) {
        TimeZone.setDefault(TimeZone.getTimeZone(id));

        try (var pool = TestPools.of(1)) {
            assertThat(pool.submit(() -> TimeZone.getDefault().getID()).result())
                    .isEqualTo(TimeZone.getDefault().getID());
        }
    }

    @Test
    void aZoneThatNoNameStandsForIsNotTakenForAnother() {
        TimeZone.setDefault(new SimpleTimeZone(1_000, "Europe/Berlin"));

        assertThat(LocaleSettings.addTo(Map.of(), List.of())).doesNotContainKey("user.timezone");
    }

    @Test
    void settingsOfThePoolAreKept() {
        Locale.setDefault(Locale.GERMANY);
        Locale.setDefault(Locale.Category.FORMAT, Locale.FRANCE);

        assertThat(LocaleSettings.addTo(Map.of("user.language", "ja", "user.timezone", "UTC"), List.of()))
                .containsEntry("user.language", "ja")
                .containsEntry("user.country", "DE")
                .containsEntry("user.timezone", "UTC")
                .doesNotContainKey("user.language.format");
        assertThat(LocaleSettings.addTo(Map.of(), List.of("-Duser.language=ja")))
                .doesNotContainKey("user.language.format");
        assertThat(LocaleSettings.addTo(Map.of("user.languages", "x"), List.of()))
                .containsEntry("user.language.format", "fr");
    }
}
