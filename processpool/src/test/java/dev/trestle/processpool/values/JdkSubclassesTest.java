package dev.trestle.processpool.values;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.processpool.wire.WireOptions;
import java.awt.Point;
import java.io.File;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.BitSet;
import java.util.Date;
import java.util.EventObject;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Observable;
import java.util.Random;
import java.util.SimpleTimeZone;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.JacksonSerializable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.jsontype.TypeSerializer;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * An object of a class of the user's that extends one of the JDK arrives with the state of that one too, or is refused.
 */
@Timeout(30)
@SuppressWarnings({"serial", "deprecation", "JavaUtilDate", "ClassCanBeStatic", "InvalidTimeZoneID"
}) // what users extend
class JdkSubclassesTest {

    private final Journey journey = Journey.allowingTests();

    static final class Day extends Date {
        int number = 1;
    }

    static final class Dice extends Random {
        int sides = 6;
    }

    static final class Money extends BigDecimal {
        String currency = "EUR";

        Money() {
            super("1.50");
        }
    }

    static final class Id extends BigInteger {
        Id() {
            super("15");
        }
    }

    static final class Clicked extends EventObject {
        int button = 1;

        Clicked() {
            super("source");
        }
    }

    static final class Watched extends Observable {
        int value = 3;
    }

    static final class Document extends File {
        Document() {
            super("a.txt");
        }
    }

    static final class Flags extends BitSet {
        int more = 1;
    }

    static final class Zone extends SimpleTimeZone {
        Zone() {
            super(3_600_000, "X");
        }
    }

    static class Middle extends Random {}

    static final class Below extends Middle {
        int own = 1;
    }

    static List<Object> withHiddenState() {
        return List.of(
                new Day(),
                new Dice(),
                new Money(),
                new Id(),
                new Clicked(),
                new Watched(),
                new Document(),
                new Flags(),
                new Zone(),
                new Below());
    }

    record Holder(Object any) {}

    @ParameterizedTest
    @MethodSource("withHiddenState")
    void isRefusedIfThatKeepsItToItself(Object object) {
        Class<?> jdk = JavaClasses.jdkPart(object.getClass());
        for (Object sent : List.of(object, new Holder(object), List.of(object))) {
            assertThatThrownBy(() -> journey.send(sent))
                    .isInstanceOf(NotEncodableException.class)
                    .hasMessageContaining(" is a " + object.getClass().getName() + ", which is not data: it extends "
                            + jdk.getName() + " of the JDK, which keeps its state to itself. Pass data: ");
        }
    }

    static final class Pixel extends Point {
        String color = "red";
    }

    @Test
    void arrivesIfThatShowsItsState() throws Throwable {
        var pixel = new Pixel();
        pixel.x = 7;
        pixel.y = 8;

        assertThat((Pixel) requireNonNull(journey.send(pixel)))
                .isEqualTo(pixel)
                .extracting(each -> each.color)
                .isEqualTo("red");
    }

    record Entry(String key, int value, String more) implements Map.Entry<String, Integer> {
        @Override
        public String getKey() {
            return key;
        }

        @Override
        public Integer getValue() {
            return value;
        }

        @Override
        public Integer setValue(Integer value) {
            throw new UnsupportedOperationException();
        }
    }

    static final class Count extends Number {
        int value = 5;

        @Override
        public int intValue() {
            return value;
        }

        @Override
        public long longValue() {
            return value;
        }

        @Override
        public float floatValue() {
            return value;
        }

        @Override
        public double doubleValue() {
            return value;
        }

        @Override
        public String toString() {
            return "5";
        }
    }

    static final class Written implements JacksonSerializable {
        int value = 5;

        @Override
        public void serialize(JsonGenerator to, SerializationContext context) {
            to.writeNumber(5);
        }

        @Override
        public void serializeWithType(JsonGenerator to, SerializationContext context, TypeSerializer types) {
            to.writeNumber(5);
        }
    }

    static final class Nothing implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return List.of("x").iterator();
        }
    }

    static final class Text implements CharSequence {
        @Override
        public int length() {
            return 1;
        }

        @Override
        public char charAt(int index) {
            return 'x';
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return "x";
        }
    }

    static List<Object> thatJacksonTakesForSomethingElse() {
        return List.of(new Entry("k", 1, "more"), new Count(), new Written(), new Nothing(), new Text());
    }

    @ParameterizedTest
    @MethodSource("thatJacksonTakesForSomethingElse")
    void isRefusedIfJacksonWouldWriteAPartOfIt(Object object) {
        for (Object sent : List.of(object, new Holder(object), List.of(object))) {
            assertThatThrownBy(() -> journey.send(sent))
                    .isInstanceOf(NotEncodableException.class)
                    .hasMessageContaining("a " + object.getClass().getName())
                    .hasMessageContaining(", and no more than that would be sent of it. Pass data: ");
        }
    }

    record Row(List<String> cells, int number) implements Iterable<String>, CharSequence {
        @Override
        public Iterator<String> iterator() {
            return cells.iterator();
        }

        @Override
        public int length() {
            return 1;
        }

        @Override
        public char charAt(int index) {
            return 'x';
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return "x";
        }
    }

    @Test
    void aRecordMayBeIterableAndText() throws Throwable {
        var row = new Row(List.of("a", "b"), 3);

        assertThat(journey.send(row)).isEqualTo(row);
        assertThat(journey.send(new Holder(row))).isEqualTo(new Holder(row));
    }

    record Tree(JsonNode node) {}

    @Test
    void aTreeOfJacksonIsData() throws Throwable {
        ObjectNode tree = JsonNodeFactory.instance.objectNode();
        tree.put("int", 1)
                .put("long", 1L << 40)
                .put("double", 1.5)
                .put("float", 2.5f)
                .put("decimal", new BigDecimal("1.10"))
                .put("big", BigInteger.TEN)
                .put("text", "t")
                .put("bytes", new byte[] {1})
                .putNull("null");
        tree.putArray("array").add(true).add("x");

        Journey allowed = Journey.with(WireOptions.DEFAULT.withAllowedType(ObjectNode.class.getPackageName() + "."));

        assertThat(allowed.send(tree)).isEqualTo(tree);
        assertThat(allowed.send(new Tree(tree))).isEqualTo(new Tree(tree));
    }

    static List<JsonNode> nodes() {
        JsonNodeFactory make = JsonNodeFactory.instance;
        return List.of(make.numberNode((short) 3), make.pojoNode(new Holder("x")), make.missingNode());
    }

    @ParameterizedTest
    @MethodSource("nodes")
    void aNodeThatJacksonReadsAsAnotherIsRefused(JsonNode node) {
        ObjectNode tree = JsonNodeFactory.instance.objectNode();
        tree.putArray("array").add(node);

        for (JsonNode sent : List.of(node, tree)) {
            assertThatThrownBy(() -> journey.send(new Tree(sent)))
                    .isInstanceOf(NotEncodableException.class)
                    .hasMessageContaining(node.getClass().getName()
                            + ", which would arrive as a node of another class. Put a number");
        }
    }
}
