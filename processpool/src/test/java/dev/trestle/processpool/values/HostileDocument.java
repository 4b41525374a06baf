package dev.trestle.processpool.values;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import tools.jackson.core.JsonGenerator;

/**
 * Random documents as a worker may send them that was taken over. Three kinds: values that look right, of the declared
 * type or of others, with what is wrong in them deep inside; tokens of the format in any order, with claims that are
 * not true; and either of them with some bytes changed. The same seed gives the same document.
 */
final class HostileDocument {

    private static final List<String> NAMES = List.of(
            "String",
            "Integer",
            "Long",
            "Double",
            "Boolean",
            "Character",
            "Byte",
            "Number",
            "Object",
            "BigInteger",
            "BigDecimal",
            "UUID",
            "BitSet",
            "Class",
            "Comparator",
            "Date",
            "Duration",
            "Instant",
            "Year",
            "YearMonth",
            "OptionalInt",
            "OptionalLong",
            "OptionalDouble",
            "Pattern",
            "InetAddress",
            "URI",
            "URL",
            "File",
            "Path",
            "Locale",
            "Currency",
            "Charset",
            "LocalDate",
            "ZonedDateTime",
            "Period",
            "ZoneId",
            "ArrayList",
            "LinkedList",
            "ArrayDeque",
            "HashSet",
            "LinkedHashSet",
            "TreeSet",
            "EnumSet",
            "PriorityQueue",
            "Vector",
            "CopyOnWriteArrayList",
            "CopyOnWriteArraySet",
            "ConcurrentSkipListSet",
            "LinkedBlockingQueue",
            "LinkedBlockingDeque",
            "PriorityBlockingQueue",
            "List.of",
            "Arrays.asList",
            "nCopies",
            "emptyList",
            "Set.of",
            "singleton",
            "ArrayList.subList",
            "List.of.subList",
            "HashMap.keySet",
            "HashMap.values",
            "HashMap.entrySet",
            "TreeMap.keySet",
            "ConcurrentHashMap.keySet",
            "reversed",
            "unmodifiableList",
            "unmodifiableSet",
            "synchronizedList",
            "newSetFromMap",
            "asLifoQueue",
            "anonymous",
            "HashMap",
            "LinkedHashMap",
            "TreeMap",
            "EnumMap",
            "ConcurrentHashMap",
            "Hashtable",
            "Properties",
            "Map.of",
            "singletonMap",
            "reversedMap",
            "unmodifiableMap",
            "Map.entry",
            "SimpleEntry",
            "Optional",
            "Throwable",
            "Lambda",
            "Stream",
            "int[]",
            "byte[]",
            "double[][]",
            "String[]",
            "Object[]",
            "java.lang.Thread$State",
            "java.lang.ProcessBuilder",
            "no.such.Type",
            "[I",
            "");

    private static final List<String> COLLECTIONS =
            NAMES.subList(NAMES.indexOf("ArrayList"), NAMES.indexOf("ConcurrentHashMap.keySet"));

    private static final List<String> WRAPPERS = List.of(
            "reversed",
            "unmodifiableList",
            "unmodifiableSet",
            "synchronizedList",
            "newSetFromMap",
            "asLifoQueue",
            "anonymous",
            "reversedMap",
            "unmodifiableMap");

    private static final List<String> MAPS = List.of(
            "HashMap",
            "LinkedHashMap",
            "TreeMap",
            "EnumMap",
            "ConcurrentHashMap",
            "Hashtable",
            "Properties",
            "Map.of",
            "singletonMap");

    private final SplittableRandom random;
    private final List<String> classes;
    private final int faultless;
    private int left;

    /**
     * Creates a generator.
     *
     * @param seed decides everything
     * @param classes names of classes of the program, to be named as well
     */
    HostileDocument(long seed, List<String> classes) {
        this.random = new SplittableRandom(seed);
        this.classes = classes;
        this.faultless = pick(List.of(5, 30, 200, 5_000));
        this.left = random.nextInt(20) == 0 ? 10_000 : 5 + random.nextInt(120);
    }

    /** Returns a document of one value that is declared as a class. */
    byte[] of(Class<?> declared) {
        byte[] bytes = random.nextInt(5) == 0 ? tokens() : values(declared);
        return random.nextInt(5) == 0 ? mutated(bytes) : bytes;
    }

    /** Returns a document of the state of an exception whose parts have these names, the first of which is a number. */
    byte[] ofState(String names, int count) {
        byte[] bytes = Documents.bytes(to -> {
            to.writeString(isFault() ? text() : names);
            if (isFault()) {
                to.writeString(text());
            } else {
                to.writeNull();
            }
            to.writeNumber(random.nextInt());
            for (int i = 1; i < count; i++) {
                if (random.nextInt(3) == 0) {
                    typed(to, name());
                } else if (random.nextBoolean()) {
                    typed(to, pick(List.of("String", "Long", "BigDecimal", "int[]")));
                } else {
                    to.writeNull();
                }
            }
        });
        return random.nextInt(5) == 0 ? mutated(bytes) : bytes;
    }

    private byte[] values(Class<?> declared) {
        return Documents.bytes(to -> {
            if (TypeNames.isNeededFor(declared) != isFault()) {
                typed(to, isFault() ? name() : rootName(declared));
            } else {
                content(to, TypeNames.nameOf(declared));
            }
            if (isFault()) {
                scalar(to);
            }
        });
    }

    /** Returns whether something is to be wrong here. */
    private boolean isFault() {
        return random.nextInt(faultless) == 0;
    }

    /** Returns the name of a class that may be where a class is declared. */
    private String rootName(Class<?> declared) {
        if (declared == Object.class && random.nextInt(4) == 0) {
            return name();
        }
        boolean isAny = declared == Object.class;
        if (Map.class.isAssignableFrom(declared) || (isAny && random.nextBoolean())) {
            return pick(MAPS);
        }
        return isAny || Collection.class.isAssignableFrom(declared) ? pick(COLLECTIONS) : TypeNames.nameOf(declared);
    }

    private String name() {
        if (isFault()) {
            return random.nextBoolean() ? text() : pick(List.of("no.such.Type", "[I", "", "java.lang.ProcessBuilder"));
        }
        int kind = random.nextInt(12);
        if (kind == 0) {
            return pick(NAMES) + "[]".repeat(1 + random.nextInt(3));
        }
        return kind < 5 ? pick(classes) : pick(NAMES);
    }

    private <T> T pick(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    private void typed(JsonGenerator to, String name) {
        left--;
        to.writeStartArray();
        to.writeString(name);
        if (left > 0) {
            content(to, name);
        }
        if (isFault()) {
            scalar(to);
        }
        to.writeEndArray();
    }

    /** Writes what may follow a name; mostly what should, and sometimes something else. */
    private void content(JsonGenerator to, String name) {
        left--;
        if (isFault()) {
            any(to);
        } else if (name.endsWith("[]")) {
            array(to, name.substring(0, name.length() - 2));
        } else if (classes.contains(name)) {
            object(to, name);
        } else if (MAPS.contains(name)) {
            entries(to, name);
        } else if (WRAPPERS.contains(name)) {
            to.writeStartArray();
            typed(to, name.equals("newSetFromMap") || name.contains("Map") ? "HashMap" : pick(COLLECTIONS));
            to.writeEndArray();
        } else if (COLLECTIONS.contains(name)) {
            elements(to, name);
        } else {
            right(to, name);
        }
    }

    private void array(JsonGenerator to, String element) {
        if (List.of("int", "byte", "double").contains(element)) {
            to.writeBinary(new byte[random.nextInt(40)]);
            return;
        }
        to.writeStartArray();
        for (int i = random.nextInt(5); i > 0 && left > 0; i--) {
            if (element.equals("Object")) {
                typed(to, name());
            } else {
                content(to, element);
            }
        }
        to.writeEndArray();
    }

    /** Writes a value of the JDK's as it should be, or nearly. */
    private void right(JsonGenerator to, String name) {
        switch (name) {
            case "Integer", "Byte", "Year", "OptionalInt", "int", "char", "Character" ->
                to.writeNumber(random.nextInt(120));
            case "Long", "Date", "OptionalLong" -> to.writeNumber(random.nextLong());
            case "Double", "OptionalDouble", "double" -> to.writeNumber(random.nextDouble());
            case "Boolean", "boolean" -> to.writeBoolean(random.nextBoolean());
            case "BigInteger", "BitSet" -> to.writeBinary(new byte[1 + random.nextInt(3_000)]);
            case "UUID" -> to.writeBinary(new byte[16]);
            case "BigDecimal" ->
                parts(to, () -> {
                    to.writeNumber(random.nextInt());
                    to.writeBinary(new byte[] {1, 2, 3});
                });
            case "Duration", "Instant", "YearMonth" ->
                parts(to, () -> {
                    to.writeNumber(random.nextInt(3_000));
                    to.writeNumber(1 + random.nextInt(11));
                });
            case "Pattern" ->
                parts(to, () -> {
                    to.writeNumber(pick(List.of(0, 2, 8, 128)));
                    to.writeString(text());
                });
            case "InetAddress" ->
                parts(to, () -> {
                    to.writeString("host" + LookUps.SUFFIX);
                    to.writeBinary(new byte[] {127, 0, 0, (byte) random.nextInt(3)});
                    to.writeNull();
                });
            case "Class" ->
                to.writeString(pick(List.of("int", "java.lang.Thread$State", "java.lang.Character$UnicodeScript")));
            case "java.lang.Thread$State" -> to.writeString("NEW");
            case "Comparator" -> to.writeString(pick(List.of("natural", "reverse", "ignoring case")));
            case "URL" -> to.writeString("http://host" + LookUps.SUFFIX + "/" + random.nextInt(3));
            case "Locale" -> to.writeString("de-DE");
            case "Currency" -> to.writeString("EUR");
            case "Charset" -> to.writeString("UTF-8");
            case "ZoneId" -> to.writeString("Europe/Berlin");
            case "LocalDate" -> to.writeString("2026-11-27");
            case "ZonedDateTime" -> to.writeString("2026-11-27T10:15:30+01:00[Europe/Berlin]");
            case "Period" -> to.writeString("P5D");
            case "Map.entry", "SimpleEntry" ->
                parts(to, () -> {
                    typed(to, name());
                    typed(to, name());
                });
            case "Optional" -> parts(to, () -> typed(to, name()));
            default -> to.writeString(text());
        }
    }

    private static void parts(JsonGenerator to, Runnable parts) {
        to.writeStartArray();
        parts.run();
        to.writeEndArray();
    }

    private void any(JsonGenerator to) {
        left--;
        switch (left <= 0 ? 9 : random.nextInt(8)) {
            case 0, 1, 2 -> typed(to, name());
            case 3 -> elements(to, pick(COLLECTIONS));
            case 4 -> object(to, "");
            case 5 -> nest(to);
            default -> scalar(to);
        }
    }

    private void elements(JsonGenerator to, String name) {
        to.writeStartArray();
        switch (name) {
            case "EnumSet" -> typed(to, "Class");
            case "TreeSet",
                    "ConcurrentSkipListSet",
                    "PriorityQueue",
                    "PriorityBlockingQueue",
                    "TreeMap.keySet",
                    "LinkedBlockingQueue",
                    "LinkedBlockingDeque",
                    "List.of",
                    "List.of.subList" -> to.writeNull();
            default -> {}
        }
        int count = random.nextInt(4) == 0 ? left : random.nextInt(6);
        String same = name();
        boolean isSame = random.nextInt(4) > 0;
        for (int i = 0; i < count && left > 0; i++) {
            typed(to, isSame ? same : name());
        }
        to.writeEndArray();
    }

    private void entries(JsonGenerator to, String name) {
        to.writeStartArray();
        if (name.equals("EnumMap")) {
            typed(to, "Class");
        } else if (List.of("LinkedHashMap", "TreeMap", "Properties").contains(name)) {
            to.writeNull();
        }
        int count = random.nextInt(4) == 0 ? left : random.nextInt(6);
        String keys = name.equals("EnumMap") ? "java.lang.Thread$State" : name();
        String values = name();
        for (int i = 0; i < count && left > 0; i++) {
            typed(to, isFault() ? name() : keys);
            typed(to, isFault() ? name() : values);
        }
        to.writeEndArray();
    }

    private void object(JsonGenerator to, String name) {
        List<String> fields = name.endsWith("Counted") || name.endsWith("Point")
                ? List.of("x", "y")
                : name.endsWith("Plain")
                        ? List.of("number", "name")
                        : name.endsWith("Page") ? List.of("url") : List.of();
        to.writeStartObject();
        for (String each : fields) {
            to.writeName(isFault() ? text() : each);
            switch (each) {
                case "name" -> typed(to, pick(List.of("String", "Integer", "ArrayList")));
                case "url" -> right(to, "URL");
                default -> to.writeNumber(isFault() ? 1L << 40 : random.nextInt(1_000));
            }
        }
        if (isFault()) {
            to.writeName(random.nextBoolean() ? "x" : text());
            any(to);
        }
        to.writeEndObject();
    }

    private void nest(JsonGenerator to) {
        int depth = random.nextInt(20) == 0 ? 3_000 : 1 + random.nextInt(30);
        boolean isTyped = random.nextBoolean();
        for (int i = 0; i < depth; i++) {
            to.writeStartArray();
            if (isTyped && i % 2 == 0) {
                to.writeString("ArrayList");
            }
        }
        for (int i = 0; i < depth; i++) {
            to.writeEndArray();
        }
    }

    private void scalar(JsonGenerator to) {
        left--;
        switch (random.nextInt(14)) {
            case 0 -> to.writeNumber(random.nextInt());
            case 1 -> to.writeNumber(random.nextLong());
            case 2 -> to.writeNumber(random.nextInt(10) - 2);
            case 3 -> to.writeNumber(random.nextDouble());
            case 4 -> to.writeNumber(BigInteger.ONE.shiftLeft(random.nextInt(2_000)));
            case 5 ->
                to.writeNumber(new java.math.BigDecimal(BigInteger.TEN, random.nextInt() >> 1)); // the most of 3.3
            case 6 -> to.writeBoolean(random.nextBoolean());
            case 7 -> to.writeNull();
            case 8 -> to.writeBinary(new byte[random.nextInt(random.nextInt(20) == 0 ? 5_000 : 20)]);
            case 9 -> {
                to.writeStartArray();
                to.writeNumber(random.nextInt(512));
                to.writeString(text());
                to.writeEndArray();
            }
            default -> to.writeString(text());
        }
    }

    private String text() {
        return switch (random.nextInt(16)) {
            case 0 -> "x".repeat(random.nextInt(3_000));
            case 1 -> "(".repeat(random.nextInt(200)) + "[a&&".repeat(random.nextInt(20));
            case 2 -> "http://host" + LookUps.SUFFIX + "/" + random.nextInt(4);
            case 3 -> "AaBB".repeat(random.nextInt(4)) + "BBAa".repeat(random.nextInt(4));
            case 4 -> "9".repeat(random.nextInt(400));
            case 5 -> "1e" + random.nextInt();
            case 6 -> "\u00e9\u4e2d\ud83d\ude00".repeat(random.nextInt(30));
            case 7 -> pick(NAMES);
            case 8 -> classes.isEmpty() ? "" : pick(classes);
            case 9 -> "java.lang.Character$UnicodeScript";
            case 10 -> "2026-11-27T10:15:30+01:00[Europe/Berlin]";
            case 11 ->
                pick(List.of("UTF-8", "Europe/Berlin", "de-DE", "EUR", "natural", "reverse", "PT5S", "no-such-thing"));
            case 12 -> "\u0000\u001b[2J";
            default -> "s" + random.nextInt(50);
        };
    }

    // Tokens

    private byte[] tokens() {
        var bytes = new ByteArrayOutputStream();
        bytes.writeBytes(new byte[] {':', ')', '\n', (byte) (random.nextInt(4) == 0 ? random.nextInt(16) : 7)});
        bytes.write(0xF8);
        if (random.nextBoolean()) {
            bytes.write(0xF8);
            text(bytes, pick(NAMES));
        }
        for (int i = left; i > 0; i--) {
            token(bytes);
        }
        return bytes.toByteArray();
    }

    private static void text(ByteArrayOutputStream to, String ascii) {
        if (ascii.isEmpty()) {
            to.write(0x20);
        } else if (ascii.length() <= 32) {
            to.write(0x40 + ascii.length() - 1);
        } else {
            to.write(0xE0);
        }
        to.writeBytes(ascii.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        if (ascii.length() > 32) {
            to.write(0xFC);
        }
    }

    private void token(ByteArrayOutputStream to) {
        switch (random.nextInt(22)) {
            case 0 -> to.write(1 + random.nextInt(31)); // a string that came before, or did not
            case 1 -> { // the same, with a large number
                to.write(0xEC + random.nextInt(4));
                to.write(random.nextInt(256));
            }
            case 2, 3 -> to.write(0xF8);
            case 4, 5 -> to.write(0xF9);
            case 6 -> to.write(0xFA);
            case 7 -> to.write(0xFB);
            case 8, 9 -> text(to, pick(NAMES));
            case 10 -> to.write(0xC0 + random.nextInt(32));
            case 11 -> to.write(0x20 + random.nextInt(4));
            case 12 -> { // binary data, or a number, of a length that is only claimed
                to.write(pick(List.of(0xFD, 0xE8, 0x26, 0x2A)));
                claim(to);
            }
            case 13 -> { // text that is no UTF-8: an overlong form, half a character, a lone byte
                to.write(0x80 + random.nextInt(64));
                to.writeBytes(pick(List.of(
                        new byte[] {(byte) 0xC0, (byte) 0x80},
                        new byte[] {(byte) 0xED, (byte) 0xA0, (byte) 0x80},
                        new byte[] {(byte) 0xFF},
                        new byte[] {(byte) 0xF4, (byte) 0x90, (byte) 0x80, (byte) 0x80})));
            }
            case 14 -> { // a long text, with or without its end
                to.write(random.nextBoolean() ? 0xE0 : 0xE4);
                to.writeBytes(new byte[random.nextInt(200)]);
                if (random.nextBoolean()) {
                    to.write(0xFC);
                }
            }
            case 15 -> { // numbers of several bytes
                to.write(0x24 + random.nextInt(8));
                for (int i = random.nextInt(6); i > 0; i--) {
                    to.write(random.nextInt(256));
                }
            }
            case 16 -> to.write(random.nextInt(256));
            default -> to.write(0x40 + random.nextInt(3));
        }
    }

    private void claim(ByteArrayOutputStream to) {
        if (random.nextBoolean()) {
            to.writeBytes(new byte[] {0x0F, 0x7F, 0x7F, 0x7F, (byte) 0xBF});
        } else {
            to.write(0x80 + random.nextInt(64));
        }
        to.writeBytes(new byte[random.nextInt(10)]);
    }

    private byte[] mutated(byte[] bytes) {
        byte[] changed = bytes.clone();
        for (int i = random.nextInt(4); i >= 0; i--) {
            changed[random.nextInt(changed.length)] = (byte) random.nextInt(256);
        }
        return random.nextInt(6) == 0 ? java.util.Arrays.copyOf(changed, 1 + random.nextInt(changed.length)) : changed;
    }
}
