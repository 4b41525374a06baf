package dev.trestle.processpool.jvm;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The system properties that give a worker the default locales and the default time zone that this program has now,
 * whether they come from the system, from its own command line, or from {@link Locale#setDefault} and
 * {@link TimeZone#setDefault}.
 */
public final class LocaleSettings {

    private static final Log logger = Log.of(LocaleSettings.class);

    private static final Pattern OF_A_LOCALE =
            Pattern.compile("(-D)?user\\.(language|script|country|region|variant|extensions)\\b.*", Pattern.DOTALL);

    private LocaleSettings() {}

    /**
     * Returns the properties of a pool with these settings added. What the pool's owner has set is kept, and then the
     * locales for formatting and for display follow from it.
     */
    public static Map<String, String> addTo(Map<String, String> properties, List<String> jvmArguments) {
        var all = new HashMap<String, String>();
        addLocales(
                properties.keySet().stream().anyMatch(OF_A_LOCALE.asMatchPredicate())
                        || jvmArguments.stream().anyMatch(OF_A_LOCALE.asMatchPredicate()),
                all);
        addTimeZone(all);
        all.putAll(properties);
        return all;
    }

    private static void addLocales(boolean chosen, Map<String, String> to) {
        Locale base = Locale.getDefault();
        parts(base, "", to::put);
        if (!chosen) {
            for (Locale.Category each : Locale.Category.values()) {
                String suffix = "." + each.name().toLowerCase(Locale.ROOT);
                parts(Locale.getDefault(each), suffix, (name, value) -> {
                    String inherited = name.substring(0, name.length() - suffix.length());
                    if (!value.equals(to.get(inherited))) {
                        to.put(name, value);
                    }
                });
            }
        }
    }

    private static void parts(Locale locale, String suffix, BiConsumer<String, String> to) {
        to.accept("user.language" + suffix, locale.getLanguage());
        to.accept("user.script" + suffix, locale.getScript());
        to.accept("user.country" + suffix, locale.getCountry());
        to.accept("user.variant" + suffix, locale.getVariant());
        to.accept("user.extensions" + suffix, extensions(locale));
    }

    private static String extensions(Locale locale) {
        // A language tag ends with those for private use, whose key is x.
        return locale.getExtensionKeys().stream()
                .sorted((a, b) -> Boolean.compare(a == Locale.PRIVATE_USE_EXTENSION, b == Locale.PRIVATE_USE_EXTENSION))
                .map(key -> key + "-" + locale.getExtension(key))
                .collect(Collectors.joining("-"));
    }

    private static void addTimeZone(Map<String, String> to) {
        TimeZone zone = TimeZone.getDefault();
        if (TimeZone.getTimeZone(zone.getID()).hasSameRules(zone)) {
            to.put("user.timezone", zone.getID());
        } else {
            logger.warn(
                    "The default time zone of this program, {}, has rules of its own: workers have that of the system",
                    zone);
        }
    }
}
