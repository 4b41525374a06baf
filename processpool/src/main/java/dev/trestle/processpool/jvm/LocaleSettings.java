package dev.trestle.processpool.jvm;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;
import java.util.stream.Collectors;

/**
 * The system properties that give a worker the default locales and the default time zone that this program has now,
 * whether they come from the system, from its own command line, or from {@link Locale#setDefault} and
 * {@link TimeZone#setDefault}.
 */
public final class LocaleSettings {

    private static final Log logger = Log.of(LocaleSettings.class);

    private static final String OPTION = "-D";

    private static final List<String> OF_A_LOCALE =
            List.of("user.language", "user.script", "user.country", "user.region", "user.variant", "user.extensions");

    private LocaleSettings() {}

    // Loops, since the constructor of a program's first pool comes here: the JVM sets lambdas and patterns up one by
    // one.

    /**
     * Returns the properties of a pool with these settings added. Settings of the pool's owner are kept, and then the
     * locales for formatting and for display follow from them.
     */
    public static Map<String, String> addTo(Map<String, String> properties, List<String> jvmArguments) {
        var all = new HashMap<String, String>();
        addLocales(isOneOfALocale(properties.keySet()) || isOneOfALocale(jvmArguments), all);
        addTimeZone(all);
        all.putAll(properties);
        return all;
    }

    /** Returns whether one of these, properties or options that set them, is about a locale. */
    private static boolean isOneOfALocale(Iterable<String> texts) {
        for (String each : texts) {
            int start = each.startsWith(OPTION) ? OPTION.length() : 0;
            for (String name : OF_A_LOCALE) {
                int end = start + name.length();
                if (each.startsWith(name, start) && (end == each.length() || ".=".indexOf(each.charAt(end)) >= 0)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static void addLocales(boolean chosen, Map<String, String> to) {
        to.putAll(parts(Locale.getDefault(), ""));
        if (!chosen) {
            for (Locale.Category each : Locale.Category.values()) {
                String suffix = "." + each.name().toLowerCase(Locale.ROOT);
                for (Map.Entry<String, String> part :
                        parts(Locale.getDefault(each), suffix).entrySet()) {
                    String name = part.getKey();
                    String inherited = name.substring(0, name.length() - suffix.length());
                    if (!part.getValue().equals(to.get(inherited))) {
                        to.put(name, part.getValue());
                    }
                }
            }
        }
    }

    private static Map<String, String> parts(Locale locale, String suffix) {
        return Map.of(
                "user.language" + suffix, locale.getLanguage(),
                "user.script" + suffix, locale.getScript(),
                "user.country" + suffix, locale.getCountry(),
                "user.variant" + suffix, locale.getVariant(),
                "user.extensions" + suffix, extensions(locale));
    }

    private static String extensions(Locale locale) {
        if (!locale.hasExtensions()) {
            return "";
        }
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
