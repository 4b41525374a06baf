package dev.trestle.processpool.wire;

import java.io.File;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.InetAddress;
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
import java.util.Collections;
import java.util.Comparator;
import java.util.Currency;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.DeserializationContext;

/** The JDK's value classes that are one value on the wire, whatever Jackson would make of them. */
final class Scalars {

    /**
     * One such class.
     *
     * @param name its name on the wire
     * @param type the class, as it is declared
     * @param writer writes a value
     * @param reader reads a value
     */
    record Scalar(String name, Class<?> type, Writer writer, Reader reader) {}

    interface Writer {
        void write(Object value, JsonGenerator to);
    }

    interface Reader {
        Object read(JsonParser from, DeserializationContext context);
    }

    private static final Map<Class<?>, Scalar> byType = new HashMap<>();
    private static final Map<String, Scalar> byName = new HashMap<>();
    private static final Map<Comparator<?>, String> comparators = Map.of(
            Comparator.naturalOrder(),
            "natural",
            Comparator.reverseOrder(),
            "reverse",
            String.CASE_INSENSITIVE_ORDER,
            "ignoring case");

    static {
        add("char", char.class, (c, to) -> to.writeNumber((int) (char) c), (p, c) -> (char) p.getIntValue());
        add("Character", Character.class, (c, to) -> to.writeNumber((int) (char) c), (p, c) -> (char) p.getIntValue());
        add(
                "BigInteger",
                BigInteger.class,
                (v, to) -> to.writeNumber((BigInteger) v),
                (p, c) -> p.getBigIntegerValue());
        add("BigDecimal", BigDecimal.class, (v, to) -> to.writeNumber((BigDecimal) v), (p, c) -> p.getDecimalValue());
        add("UUID", UUID.class, (v, to) -> writeUuid((UUID) v, to), (p, c) -> readUuid(p));
        add("BitSet", BitSet.class, (v, to) -> to.writeBinary(((BitSet) v).toByteArray()), (p, c) -> bits(p));

        text("URI", URI.class, URI::toString, URI::create);
        text("URL", URL.class, URL::toString, Scalars::url);
        text("File", File.class, File::getPath, File::new);
        text("Path", Path.class, Scalars::pathText, Path::of);
        text("Locale", Locale.class, Locale::toLanguageTag, Locale::forLanguageTag);
        text("Currency", Currency.class, Currency::getCurrencyCode, Currency::getInstance);
        text("Charset", Charset.class, Charset::name, Charset::forName);
        add("Pattern", Pattern.class, (v, to) -> writePattern((Pattern) v, to), (p, c) -> readPattern(p));
        add("InetAddress", InetAddress.class, (v, to) -> writeAddress((InetAddress) v, to), (p, c) -> readAddress(p));
        add("Class", Class.class, (v, to) -> to.writeString(TypeNames.nameOf((Class<?>) v)), Scalars::readClass);
        add("Comparator", Comparator.class, (v, to) -> to.writeString(comparators.get(v)), (p, c) -> comparator(p));

        add("Duration", Duration.class, (v, to) -> writeDuration((Duration) v, to), (p, c) -> readDuration(p));
        add("Instant", Instant.class, (v, to) -> writeInstant((Instant) v, to), (p, c) -> readInstant(p));
        addDate();
        add("Year", Year.class, (v, to) -> to.writeNumber(((Year) v).getValue()), (p, c) -> Year.of(p.getIntValue()));
        text("LocalDate", LocalDate.class, LocalDate::toString, LocalDate::parse);
        text("LocalTime", LocalTime.class, LocalTime::toString, LocalTime::parse);
        text("LocalDateTime", LocalDateTime.class, LocalDateTime::toString, LocalDateTime::parse);
        text("OffsetDateTime", OffsetDateTime.class, OffsetDateTime::toString, OffsetDateTime::parse);
        text("OffsetTime", OffsetTime.class, OffsetTime::toString, OffsetTime::parse);
        text("ZonedDateTime", ZonedDateTime.class, ZonedDateTime::toString, ZonedDateTime::parse);
        add("YearMonth", YearMonth.class, (v, to) -> writeMonth((YearMonth) v, to), (p, c) -> readMonth(p));
        text("MonthDay", MonthDay.class, MonthDay::toString, MonthDay::parse);
        text("Period", Period.class, Period::toString, Period::parse);
        text("ZoneId", ZoneId.class, ZoneId::getId, ZoneId::of);
        text("ZoneOffset", ZoneOffset.class, ZoneOffset::getId, ZoneOffset::of);

        add(
                "OptionalInt",
                OptionalInt.class,
                (v, to) -> writeOptional((OptionalInt) v, to),
                (p, c) -> isNumber(p) ? OptionalInt.of(p.getIntValue()) : OptionalInt.empty());
        add(
                "OptionalLong",
                OptionalLong.class,
                (v, to) -> writeOptional((OptionalLong) v, to),
                (p, c) -> isNumber(p) ? OptionalLong.of(p.getLongValue()) : OptionalLong.empty());
        add(
                "OptionalDouble",
                OptionalDouble.class,
                (v, to) -> writeOptional((OptionalDouble) v, to),
                (p, c) -> isNumber(p) ? OptionalDouble.of(p.getDoubleValue()) : OptionalDouble.empty());
    }

    /** Abstract classes whose subclasses are scalars, each under its own name. */
    private static final List<Class<?>> families = List.of(ZoneId.class, Path.class, Charset.class, InetAddress.class);

    private Scalars() {}

    /** Returns the scalar that values of this class are, or null if they are none. */
    static @Nullable Scalar of(Class<?> type) {
        Scalar scalar = byType.get(type);
        if (scalar != null) {
            return scalar;
        }
        for (Class<?> each : families) {
            if (each.isAssignableFrom(type)) {
                return byType.get(each);
            }
        }
        if (Comparator.class.isAssignableFrom(type)
                && comparators.keySet().stream().anyMatch(each -> each.getClass() == type)) {
            return byType.get(Comparator.class);
        }
        return null;
    }

    /** Returns whether a place declared with this class holds a scalar, so that the class need not be written. */
    static boolean isDeclaredAs(Class<?> type) {
        return type != Comparator.class && type != Date.class && byType.containsKey(type);
    }

    static @Nullable Scalar named(String name) {
        return byName.get(name);
    }

    private static void add(String name, Class<?> type, Writer writer, Reader reader) {
        var scalar = new Scalar(name, type, writer, reader);
        byType.put(type, scalar);
        byName.put(name, scalar);
    }

    private static <T> void text(String name, Class<T> type, Function<T, String> print, Function<String, T> parse) {
        add(
                name,
                type,
                (value, to) -> to.writeString(print.apply(type.cast(value))),
                (from, context) -> parse.apply(from.getString()));
    }

    @SuppressWarnings("JavaUtilDate") // whoever sends one gets one
    private static void addDate() {
        add("Date", Date.class, (v, to) -> to.writeNumber(((Date) v).getTime()), (p, c) -> new Date(p.getLongValue()));
    }

    private static void writeUuid(UUID value, JsonGenerator to) {
        to.writeBinary(ByteBuffer.allocate(16)
                .putLong(value.getMostSignificantBits())
                .putLong(value.getLeastSignificantBits())
                .array());
    }

    private static UUID readUuid(JsonParser from) {
        ByteBuffer bytes = ByteBuffer.wrap(from.getBinaryValue());
        return new UUID(bytes.getLong(), bytes.getLong());
    }

    private static BitSet bits(JsonParser from) {
        return BitSet.valueOf(from.getBinaryValue());
    }

    private static String pathText(Path path) {
        if (path.getFileSystem() != FileSystems.getDefault()) {
            throw new RefusedException(
                    path.getClass().getName(),
                    "is a path of " + path.getFileSystem().provider().getScheme() + ":, not of the default file system",
                    "Pass the path of the archive and open it in the worker.");
        }
        return path.toString();
    }

    @SuppressWarnings("deprecation") // the constructor that is not deprecated needs a URI, and a URL need not be one
    private static URL url(String text) {
        try {
            return new URL(text);
        } catch (java.net.MalformedURLException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private static void writePattern(Pattern value, JsonGenerator to) {
        to.writeStartArray();
        to.writeString(value.pattern());
        to.writeNumber(value.flags());
        to.writeEndArray();
    }

    private static Pattern readPattern(JsonParser from) {
        String regex = from.nextStringValue();
        int flags = from.nextIntValue(0);
        end(from);
        return Pattern.compile(regex, flags);
    }

    private static void writeAddress(InetAddress value, JsonGenerator to) {
        to.writeBinary(value.getAddress());
    }

    private static InetAddress readAddress(JsonParser from) {
        try {
            return InetAddress.getByAddress(from.getBinaryValue());
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("an address has the wrong length", e);
        }
    }

    private static Class<?> readClass(JsonParser from, DeserializationContext context) {
        return Decoding.of(context).policy().permitted(from.getString());
    }

    private static Comparator<?> comparator(JsonParser from) {
        return switch (from.getString()) {
            case "natural" -> Comparator.naturalOrder();
            case "reverse" -> Collections.reverseOrder();
            case "ignoring case" -> String.CASE_INSENSITIVE_ORDER;
            default -> throw new IllegalArgumentException("no such comparator: " + from.getString());
        };
    }

    private static void writeDuration(Duration value, JsonGenerator to) {
        writePair(value.getSeconds(), value.getNano(), to);
    }

    private static Duration readDuration(JsonParser from) {
        long seconds = from.nextLongValue(0);
        int nanos = from.nextIntValue(0);
        end(from);
        return Duration.ofSeconds(seconds, nanos);
    }

    private static void writeMonth(YearMonth value, JsonGenerator to) {
        writePair(value.getYear(), value.getMonthValue(), to);
    }

    private static YearMonth readMonth(JsonParser from) {
        int year = from.nextIntValue(0);
        int month = from.nextIntValue(0);
        end(from);
        return YearMonth.of(year, month);
    }

    private static void writeInstant(Instant value, JsonGenerator to) {
        writePair(value.getEpochSecond(), value.getNano(), to);
    }

    private static Instant readInstant(JsonParser from) {
        long seconds = from.nextLongValue(0);
        int nanos = from.nextIntValue(0);
        end(from);
        return Instant.ofEpochSecond(seconds, nanos);
    }

    private static void writePair(long first, int second, JsonGenerator to) {
        to.writeStartArray();
        to.writeNumber(first);
        to.writeNumber(second);
        to.writeEndArray();
    }

    private static void writeOptional(OptionalInt value, JsonGenerator to) {
        if (value.isPresent()) {
            to.writeNumber(value.getAsInt());
        } else {
            to.writeBoolean(false);
        }
    }

    private static void writeOptional(OptionalLong value, JsonGenerator to) {
        if (value.isPresent()) {
            to.writeNumber(value.getAsLong());
        } else {
            to.writeBoolean(false);
        }
    }

    private static void writeOptional(OptionalDouble value, JsonGenerator to) {
        if (value.isPresent()) {
            to.writeNumber(value.getAsDouble());
        } else {
            to.writeBoolean(false);
        }
    }

    private static boolean isNumber(JsonParser from) {
        return from.currentToken() != JsonToken.VALUE_FALSE;
    }

    private static void end(JsonParser from) {
        if (from.nextToken() != JsonToken.END_ARRAY) {
            throw new IllegalArgumentException("a value has more parts than expected");
        }
    }
}
