package dev.trestle.processpool.values;

import dev.trestle.api.SharedArray;
import java.io.File;
import java.lang.reflect.Proxy;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.URI;
import java.net.URL;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.file.FileSystems;
import java.nio.file.Path;
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
import java.util.BitSet;
import java.util.Comparator;
import java.util.Currency;
import java.util.Date;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.DeserializationContext;

/**
 * The JDK's value classes that are one value on the wire, whatever Jackson would make of them. Its name there is the
 * class's simple name.
 */
@SuppressWarnings("JavaUtilDate") // a call that sends one gets one
enum Scalar {
    CHAR(char.class),
    CHARACTER(Character.class),
    BIG_INTEGER(BigInteger.class),
    BIG_DECIMAL(BigDecimal.class),
    UNIQUE_ID(UUID.class),
    BIT_SET(BitSet.class),
    CLASS(Class.class),
    COMPARATOR(Comparator.class),
    DATE(Date.class),
    DURATION(Duration.class),
    INSTANT(Instant.class),
    YEAR(Year.class),
    YEAR_MONTH(YearMonth.class),
    OPTIONAL_INT(OptionalInt.class),
    OPTIONAL_LONG(OptionalLong.class),
    OPTIONAL_DOUBLE(OptionalDouble.class),
    PATTERN(Pattern.class),
    INET_ADDRESS(InetAddress.class),
    /** Its name; {@link HeldArrays} writes and reads it. */
    SHARED_ARRAY(SharedArray.class),
    // text
    URI_(URI.class),
    URL_(URL.class),
    FILE(File.class),
    PATH(Path.class),
    LOCALE(Locale.class),
    CURRENCY(Currency.class),
    CHARSET(Charset.class),
    LOCAL_DATE(LocalDate.class),
    LOCAL_TIME(LocalTime.class),
    LOCAL_DATE_TIME(LocalDateTime.class),
    OFFSET_DATE_TIME(OffsetDateTime.class),
    OFFSET_TIME(OffsetTime.class),
    ZONED_DATE_TIME(ZonedDateTime.class),
    MONTH_DAY(MonthDay.class),
    PERIOD(Period.class),
    ZONE_ID(ZoneId.class),
    ZONE_OFFSET(ZoneOffset.class);

    /*
     * Switches, not a table of lambdas: linking a hundred lambdas takes longer than all the rest of a worker's start
     * that is ours.
     */

    /** Abstract classes whose subclasses are scalars, each under the name of the abstract one. */
    private static final Scalar[] families = {ZONE_ID, PATH, CHARSET, INET_ADDRESS};

    private static final Map<Class<?>, Scalar> byType = new HashMap<>();
    private static final Map<String, Scalar> byName = new HashMap<>();

    static {
        for (Scalar each : values()) {
            byType.put(each.type, each);
            byName.put(each.wireName(), each);
        }
    }

    private static final Pattern CHANGE_OF_FLAGS = Pattern.compile("\\(\\?[a-zA-Z-]+\\)");

    private static final int LONGEST_TEXT = 256;
    private static final int LONGEST_ADDRESS = 1 << 16;

    private final Class<?> type;

    Scalar(Class<?> type) {
        this.type = type;
    }

    /** Returns the class, as it is declared. */
    Class<?> type() {
        return type;
    }

    String wireName() {
        return type.getSimpleName();
    }

    /** Returns the scalar that values of this class are, or null if they are none. */
    static @Nullable Scalar of(Class<?> type) {
        Scalar scalar = byType.get(type);
        if (scalar != null) {
            return scalar;
        }
        for (Scalar each : families) {
            if (each.type.isAssignableFrom(type)) {
                return each;
            }
        }
        return isKnownComparator(type) ? COMPARATOR : null;
    }

    private static boolean isKnownComparator(Class<?> type) {
        return type == Comparator.naturalOrder().getClass()
                || type == Comparator.reverseOrder().getClass()
                || type == String.CASE_INSENSITIVE_ORDER.getClass();
    }

    /** Returns whether a place declared with this class holds a scalar, so that the class need not be written. */
    static boolean isDeclaredAs(Class<?> type) {
        return type != Comparator.class && type != Date.class && byType.containsKey(type);
    }

    static @Nullable Scalar named(String name) {
        return byName.get(name);
    }

    void write(Object value, JsonGenerator to) {
        switch (this) {
            case CHAR, CHARACTER -> to.writeNumber((int) (char) value);
            case BIG_INTEGER -> to.writeBinary(((BigInteger) value).toByteArray());
            case BIG_DECIMAL -> writeDecimal((BigDecimal) value, to);
            case UNIQUE_ID -> to.writeBinary(bytes((UUID) value));
            case BIT_SET -> to.writeBinary(((BitSet) value).toByteArray());
            case CLASS -> to.writeString(TypeNames.nameOf(visible((Class<?>) value)));
            case COMPARATOR -> to.writeString(comparatorName(value));
            case DATE -> to.writeNumber(((Date) value).getTime());
            case DURATION -> writePair(((Duration) value).toSeconds(), ((Duration) value).toNanosPart(), to);
            case INSTANT -> writeInstant((Instant) value, to);
            case YEAR -> to.writeNumber(((Year) value).getValue());
            case YEAR_MONTH -> writePair(((YearMonth) value).getYear(), ((YearMonth) value).getMonthValue(), to);
            case OPTIONAL_INT -> {
                OptionalInt optional = (OptionalInt) value;
                if (optional.isPresent()) {
                    to.writeNumber(optional.getAsInt());
                } else {
                    to.writeBoolean(false);
                }
            }
            case OPTIONAL_LONG -> {
                OptionalLong optional = (OptionalLong) value;
                if (optional.isPresent()) {
                    to.writeNumber(optional.getAsLong());
                } else {
                    to.writeBoolean(false);
                }
            }
            case OPTIONAL_DOUBLE -> {
                OptionalDouble optional = (OptionalDouble) value;
                if (optional.isPresent()) {
                    to.writeNumber(optional.getAsDouble());
                } else {
                    to.writeBoolean(false);
                }
            }
            case PATTERN -> {
                to.writeStartArray();
                to.writeNumber(PatternText.checked(((Pattern) value).pattern(), flags((Pattern) value)));
                to.writeString(((Pattern) value).pattern());
                to.writeEndArray();
            }
            case INET_ADDRESS -> writeAddress((InetAddress) value, to);
            case FILE -> to.writeString(limited(((File) value).getPath()));
            case PATH -> to.writeString(limited(text((Path) value)));
            case URL_ -> to.writeString(UrlText.checked(limited(value.toString())));
            case LOCALE -> writeLocale((Locale) value, to);
            case CHARSET -> to.writeString(checked(((Charset) value).name(), value));
            case URI_, ZONED_DATE_TIME, ZONE_ID -> to.writeString(checked(limited(value.toString()), value));
            default -> to.writeString(limited(value.toString()));
        }
    }

    Object read(JsonParser from, DeserializationContext context) {
        return switch (this) {
            case CHAR, CHARACTER -> (char) from.getIntValue();
            case BIG_INTEGER -> new BigInteger(Readers.binary(from));
            case BIG_DECIMAL -> decimal(from);
            case UNIQUE_ID -> uuid(Readers.binary(from));
            case BIT_SET -> BitSet.valueOf(Readers.binary(from));
            case CLASS -> Decoding.of(context).policy().permittedClass(from.getString());
            case COMPARATOR -> comparator(text(from));
            case DATE -> new Date(from.getLongValue());
            case DURATION -> Duration.ofSeconds(nextLong(from), last(from));
            case INSTANT -> Instant.ofEpochSecond(nextLong(from), last(from));
            case YEAR -> Year.of(from.getIntValue());
            case YEAR_MONTH -> YearMonth.of(nextInt(from), last(from));
            case OPTIONAL_INT -> isEmpty(from) ? OptionalInt.empty() : OptionalInt.of(from.getIntValue());
            case OPTIONAL_LONG -> isEmpty(from) ? OptionalLong.empty() : OptionalLong.of(from.getLongValue());
            case OPTIONAL_DOUBLE -> isEmpty(from) ? OptionalDouble.empty() : OptionalDouble.of(from.getDoubleValue());
            case PATTERN -> pattern(from, Decoding.of(context));
            case INET_ADDRESS -> address(from);
            case LOCALE -> locale(from);
            default -> parse(text(from));
        };
    }

    /**
     * The most characters that the text of a value may have: what is made of it may be several times as large, and an
     * exception may quote it.
     */
    private int longestText() {
        return switch (this) {
            case URI_, URL_, FILE, PATH -> LONGEST_ADDRESS;
            default -> LONGEST_TEXT;
        };
    }

    /** Returns a text that is not too long to be read again. */
    private String limited(String text) {
        if (text.length() > longestText()) {
            throw new RefusedException(
                    type.getName(),
                    "has " + text.length() + " characters, and may have " + longestText(),
                    "Pass it as a text.");
        }
        return text;
    }

    /** Returns the text that a value is made of. */
    private String text(JsonParser from) {
        if (from.currentToken() != JsonToken.VALUE_STRING) {
            throw new IllegalArgumentException(type.getName() + " is no text here");
        }
        return limited(from.getString());
    }

    /** Returns the text that is the next part of a value. */
    private String nextText(JsonParser from) {
        from.nextToken();
        return text(from);
    }

    private Object parse(String text) {
        return switch (this) {
            case URI_ -> URI.create(text);
            case URL_ -> UrlText.url(text);
            case FILE -> new File(text);
            case PATH -> Path.of(text);
            case CURRENCY -> Currency.getInstance(text);
            case CHARSET -> Charsets.named(text);
            case LOCAL_DATE -> LocalDate.parse(text);
            case LOCAL_TIME -> LocalTime.parse(text);
            case LOCAL_DATE_TIME -> LocalDateTime.parse(text);
            case OFFSET_DATE_TIME -> OffsetDateTime.parse(text);
            case OFFSET_TIME -> OffsetTime.parse(text);
            case ZONED_DATE_TIME -> ZonedDateTime.parse(text);
            case MONTH_DAY -> MonthDay.parse(text);
            case PERIOD -> Period.parse(text);
            case ZONE_ID -> ZoneId.of(text);
            case ZONE_OFFSET -> ZoneOffset.of(text);
            default -> throw new IllegalStateException(this + " is no text");
        };
    }

    /** Returns a class that another process can find. */
    private static Class<?> visible(Class<?> type) {
        Class<?> element = type;
        while (element.isArray()) {
            element = element.componentType();
        }
        if (element.isHidden() || Proxy.isProxyClass(element)) {
            throw new RefusedException(
                    Class.class.getName(),
                    "is " + element.getName() + ", which this JVM has made at run time and no other process can find",
                    "Pass the class or the interface that it is made of.");
        }
        return type;
    }

    private static void writeInstant(Instant value, JsonGenerator to) {
        writePair(value.getEpochSecond(), value.getNano(), to);
    }

    private static void writePair(long first, int second, JsonGenerator to) {
        to.writeStartArray();
        to.writeNumber(first);
        to.writeNumber(second);
        to.writeEndArray();
    }

    /** Returns the next part of a value, which is a whole number. */
    private static long nextLong(JsonParser from) {
        expect(from.nextToken(), JsonToken.VALUE_NUMBER_INT);
        return from.getLongValue();
    }

    private static int nextInt(JsonParser from) {
        expect(from.nextToken(), JsonToken.VALUE_NUMBER_INT);
        return from.getIntValue();
    }

    private static String nextString(JsonParser from) {
        expect(from.nextToken(), JsonToken.VALUE_STRING);
        return from.getString();
    }

    private static void expect(@Nullable JsonToken token, JsonToken expected) {
        if (token != expected) {
            throw new IllegalArgumentException("a part of a value is " + token + ", not " + expected);
        }
    }

    /** Reads the second number of a pair, and its end. */
    private static int last(JsonParser from) {
        int value = nextInt(from);
        end(from);
        return value;
    }

    private static void end(JsonParser from) {
        if (from.nextToken() != JsonToken.END_ARRAY) {
            throw new IllegalArgumentException("a value has more parts than expected");
        }
    }

    private static boolean isEmpty(JsonParser from) {
        return from.currentToken() == JsonToken.VALUE_FALSE;
    }

    /**
     * Returns the flags that a pattern was made with. It tells those that hold at its end, so flags that change on the
     * way would hold from the beginning.
     */
    private static int flags(Pattern value) {
        String text = value.pattern();
        if (text.length() > 1 && CHANGE_OF_FLAGS.matcher(text).find(1)) {
            throw new RefusedException(
                    Pattern.class.getName(),
                    "changes its flags when it is compiled, and does not show the original ones",
                    "Write (?i:...), or pass the expression as a text.");
        }
        return value.flags();
    }

    private static Pattern pattern(JsonParser from, Decoding decoding) {
        int flags = nextInt(from);
        String regex = nextString(from);
        end(from);
        PatternText.checked(regex, flags);
        decoding.charge(Pattern.class, PatternText.cost(regex));
        return Pattern.compile(regex, flags);
    }

    private static byte[] bytes(UUID value) {
        return ByteBuffer.allocate(16)
                .putLong(value.getMostSignificantBits())
                .putLong(value.getLeastSignificantBits())
                .array();
    }

    private static UUID uuid(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        return new UUID(buffer.getLong(), buffer.getLong());
    }

    /** Writes a decimal as its scale and its unscaled value: Jackson's own form has no room for large scales. */
    private static void writeDecimal(BigDecimal value, JsonGenerator to) {
        to.writeStartArray();
        to.writeNumber(value.scale());
        to.writeBinary(value.unscaledValue().toByteArray());
        to.writeEndArray();
    }

    private static BigDecimal decimal(JsonParser from) {
        int scale = nextInt(from);
        from.nextToken();
        var unscaled = new BigInteger(Readers.binary(from));
        end(from);
        return new BigDecimal(unscaled, scale);
    }

    /**
     * Writes the name that an address was made with, its bytes, and the scope of one of version 6: a number or an
     * interface.
     */
    private static void writeAddress(InetAddress value, JsonGenerator to) {
        String text = value.toString();
        String name = text.substring(0, text.lastIndexOf('/')); // getHostName might ask a server
        to.writeStartArray();
        to.writeString(INET_ADDRESS.limited(name));
        to.writeBinary(value.getAddress());
        if (!(value instanceof Inet6Address six)) {
            to.writeNull();
        } else if (six.getScopedInterface() != null) {
            to.writeString(six.getScopedInterface().getName());
        } else {
            to.writeNumber(text.indexOf('%') < 0 ? -1 : six.getScopeId());
        }
        to.writeEndArray();
    }

    private static InetAddress address(JsonParser from) {
        try {
            String name = INET_ADDRESS.nextText(from);
            String host = name.isEmpty() ? null : name;
            from.nextToken();
            byte[] bytes = Readers.binary(from);
            JsonToken scope = from.nextToken();
            InetAddress address = switch (scope) {
                case VALUE_NULL -> InetAddress.getByAddress(host, bytes);
                case VALUE_NUMBER_INT -> Inet6Address.getByAddress(host, bytes, from.getIntValue());
                default -> Inet6Address.getByAddress(host, bytes, networkInterface(INET_ADDRESS.text(from)));
            };
            end(from);
            return address;
        } catch (UnknownHostException | SocketException e) {
            throw new IllegalArgumentException("an address cannot be made: " + e.getMessage(), e);
        }
    }

    private static NetworkInterface networkInterface(String name) throws SocketException {
        NetworkInterface found = NetworkInterface.getByName(name);
        if (found == null) {
            throw new RefusedException(
                    Inet6Address.class.getName(),
                    "belongs to the network interface " + name + ", which is not here",
                    "");
        }
        return found;
    }

    /** Writes a language tag, or the parts of a locale that has none. */
    private static void writeLocale(Locale value, JsonGenerator to) {
        String tag = value.toLanguageTag();
        if (Locale.forLanguageTag(tag).equals(value)) {
            to.writeString(LOCALE.limited(tag));
            return;
        }
        Locale plain = Locale.of(value.getLanguage(), value.getCountry(), value.getVariant());
        if (!plain.equals(value)) {
            throw new RefusedException(
                    Locale.class.getName(), "is " + value + ", which no language tag stands for", "Pass its parts.");
        }
        to.writeStartArray();
        to.writeString(LOCALE.limited(value.getLanguage()));
        to.writeString(LOCALE.limited(value.getCountry()));
        to.writeString(LOCALE.limited(value.getVariant()));
        to.writeEndArray();
    }

    private static Locale locale(JsonParser from) {
        if (from.currentToken() == JsonToken.VALUE_STRING) {
            return Locale.forLanguageTag(LOCALE.text(from));
        }
        String language = LOCALE.nextText(from);
        String country = LOCALE.nextText(from);
        String variant = LOCALE.nextText(from);
        end(from);
        return Locale.of(language, country, variant);
    }

    /** Returns a text if it stands for the value; some can be made that it does not stand for. */
    private String checked(String text, Object value) {
        boolean isSame;
        try {
            Object again = parse(text);
            isSame = value.equals(again) && again.getClass() == value.getClass();
        } catch (RuntimeException e) {
            isSame = false; // it cannot even be read
        }
        if (!isSame) {
            throw new RefusedException(
                    value.getClass().getName(), "is " + text + ", which does not say all of it", "Pass its parts.");
        }
        return text;
    }

    private static String text(Path path) {
        if (path.getFileSystem() != FileSystems.getDefault()
                || path.getClass() != Path.of("").getClass()) {
            throw new RefusedException(
                    path.getClass().getName(),
                    "is a path of " + path.getFileSystem().provider().getScheme() + ":, not of the default file system",
                    "Pass the path of the archive and open it in the worker.");
        }
        return PATH.checked(path.toString(), path);
    }

    private static String comparatorName(Object comparator) {
        if (comparator.equals(Comparator.naturalOrder())) {
            return "natural";
        }
        return comparator.equals(Comparator.reverseOrder()) ? "reverse" : "ignoring case";
    }

    private static Comparator<?> comparator(String name) {
        return switch (name) {
            case "natural" -> Comparator.naturalOrder();
            case "reverse" -> Comparator.reverseOrder();
            case "ignoring case" -> String.CASE_INSENSITIVE_ORDER;
            default -> throw new IllegalArgumentException("no such comparator: " + name);
        };
    }
}
