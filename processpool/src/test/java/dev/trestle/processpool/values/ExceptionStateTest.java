package dev.trestle.processpool.values;

import static dev.trestle.processpool.values.Documents.array;
import static dev.trestle.processpool.values.Documents.value;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.Call;
import dev.trestle.processpool.wire.Failure;
import java.net.URI;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JsonGenerator;

/**
 * The state of an exception that a worker sends holds text, numbers, and the types of the fields of its own class:
 * whatever the call returns, and whatever else the program has.
 */
@Timeout(30)
class ExceptionStateTest {

    private static final AtomicInteger made = new AtomicInteger();

    private final Journey journey = Journey.allowingNothing();

    /** Counts how many there are. */
    record Mine(int number) {
        Mine {
            made.incrementAndGet();
        }
    }

    interface Shape {}

    record Circle(int radius) implements Shape {}

    enum Color {
        RED,
        GREEN
    }

    static class OfAnything extends Exception {
        private static final long serialVersionUID = 1;

        @Nullable
        Object detail;

        @Nullable
        Comparable<?> order;

        OfAnything() {}
    }

    static class OfSomething extends Exception {
        private static final long serialVersionUID = 1;

        String text = "";
        int code;
        transient int notSent;

        @Nullable
        Instant when;

        @Nullable
        Shape shape;

        List<URI> uris = List.of();

        @Nullable
        Map<Color, Integer> counts;

        int[] numbers = {};

        @Nullable
        Object[] arguments = {};

        @Nullable
        Exception other;

        OfSomething() {}
    }

    private static int number() {
        return 1;
    }

    /** Returns what the program makes of an exception of a class with one field of the wire's choice. */
    private Throwable received(Class<?> type, String names, List<Consumer<JsonGenerator>> values) throws Exception {
        byte[] state = Documents.state(names, to -> values.forEach(each -> each.accept(to)));
        var failure = new Failure(type.getName(), null, List.of(), null, List.of(), state, false);
        return journey.encode((Call<Integer>) ExceptionStateTest::number).decodeFailure(failure, "worker");
    }

    private Throwable anything(Consumer<JsonGenerator> detail) throws Exception {
        return received(OfAnything.class, "detail\norder\n", List.of(detail, JsonGenerator::writeNull));
    }

    private static Consumer<JsonGenerator> text(String name, String text) {
        return to -> value(to, name, each -> each.writeString(text));
    }

    @Test
    void classesThatNoFieldDeclaresAreNotMade() throws Exception {
        int before = made.get();
        Consumer<JsonGenerator> mine = to -> value(to, Mine.class.getName(), each -> {
            each.writeStartObject();
            each.writeNumberProperty("number", 1);
            each.writeEndObject();
        });
        for (Consumer<JsonGenerator> each : List.<Consumer<JsonGenerator>>of(
                mine,
                to -> value(to, Mine.class.getName() + "[]", mines -> array(mines, mine)),
                to -> value(
                        to,
                        "Pattern",
                        pattern -> array(pattern, parts -> {
                            parts.writeNumber(0);
                            parts.writeString("a+");
                        })),
                text("URL", "http://example.org/"),
                text("URI", "a"),
                text("File", "/etc/passwd"),
                text("Path", "/etc/passwd"),
                text("Charset", "UTF-8"),
                text("Currency", "EUR"),
                text("Locale", "de"),
                text("ZoneId", "Europe/Berlin"),
                text("Class", Mine.class.getName()),
                text("Class", "java.lang.Runtime"),
                text("java.lang.Thread$State", "NEW"),
                text(Color.class.getName(), "RED"),
                to -> value(to, "InetAddress", parts -> array(parts, _ -> {})),
                to -> value(to, "Optional", parts -> array(parts, _ -> {})),
                to -> value(to, "Stream", parts -> value(parts, "ArrayList", list -> array(list, _ -> {}))),
                to -> value(to, "Lambda", parts -> array(parts, _ -> {})))) {
            assertThat(anything(each)).isInstanceOf(Journey.StandIn.class);
            assertThat(anything(to -> value(to, "ArrayList", list -> array(list, each))))
                    .isInstanceOf(Journey.StandIn.class);
            assertThat(received(OfAnything.class, "detail\norder\n", List.of(JsonGenerator::writeNull, each)))
                    .isInstanceOf(Journey.StandIn.class);
        }
        assertThat(made.get()).isEqualTo(before);
    }

    @Test
    void textAndNumbersAreMade() throws Exception {
        assertThat(anything(to -> value(to, "String", each -> each.writeString("x"))))
                .isInstanceOfSatisfying(
                        OfAnything.class, each -> assertThat(each.detail).isEqualTo("x"));
        assertThat(anything(to -> value(to, "Long", each -> each.writeNumber(7L))))
                .isInstanceOfSatisfying(
                        OfAnything.class, each -> assertThat(each.detail).isEqualTo(7L));
        assertThat(anything(to -> value(to, "int[]", each -> each.writeBinary(new byte[] {1, 0, 0, 0}))))
                .isInstanceOfSatisfying(
                        OfAnything.class, each -> assertThat(each.detail).isEqualTo(new int[] {1}));
        assertThat(anything(to -> value(to, "ArrayList", list -> array(list, text("String", "x")))))
                .isInstanceOfSatisfying(
                        OfAnything.class, each -> assertThat(each.detail).isEqualTo(List.of("x")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "detail",
                "detail\norder",
                "order\ndetail\n",
                "detail\norder\nmore\n",
                "=detail\n=other\n",
                "\n\n"
            })
    void unknownFieldNamesMakeAStandIn(String names) throws Exception {
        Throwable received =
                received(OfAnything.class, names, List.of(JsonGenerator::writeNull, JsonGenerator::writeNull));

        assertThat(received).isInstanceOf(Journey.StandIn.class);
    }

    @Test
    void aValueOfAnotherTypeThanTheFieldMakesAStandIn() throws Exception {
        Failure good = Failure.of(new OfSomething(), each -> Failure.NO_STATE);
        String names = "text\ncode\nwhen\nshape\nuris\ncounts\nnumbers\narguments\nother\n";
        for (int place = 0; place < 9; place++) {
            var values = new ArrayList<Consumer<JsonGenerator>>();
            for (int i = 0; i < 9; i++) {
                values.add(i == place ? text("Pattern", "x") : JsonGenerator::writeNull);
            }
            assertThat(received(OfSomething.class, names, values)).isInstanceOf(Journey.StandIn.class);
        }
        assertThat(good.className()).isEqualTo(OfSomething.class.getName());
    }

    @Test
    void valuesOfDeclaredFieldTypesTravel() throws Throwable {
        Throwable arrived = journey.failureOf(() -> {
            var thrown = new OfSomething();
            thrown.text = "text";
            thrown.code = 5;
            thrown.when = Instant.EPOCH;
            thrown.shape = new Circle(3);
            thrown.uris = List.of(URI.create("a"), URI.create("b"));
            thrown.counts = Map.of(Color.RED, 1);
            thrown.numbers = new int[] {1, 2};
            thrown.arguments =
                    new Object[] {"a", 1, 2.5, 'c', true, null, EnumSet.of(Color.GREEN), new TreeSet<>(List.of(1))};
            thrown.other = new IllegalStateException("other");
            throw thrown;
        });

        assertThat(arrived).isInstanceOf(OfSomething.class);
        var received = (OfSomething) arrived;
        assertThat(received.text).isEqualTo("text");
        assertThat(received.code).isEqualTo(5);
        assertThat(received.when).isEqualTo(Instant.EPOCH);
        assertThat(received.shape).isEqualTo(new Circle(3));
        assertThat(received.uris).containsExactly(URI.create("a"), URI.create("b"));
        assertThat(received.counts).isEqualTo(Map.of(Color.RED, 1));
        assertThat(received.numbers).containsExactly(1, 2);
        assertThat(received.arguments)
                .containsExactly("a", 1, 2.5, 'c', true, null, EnumSet.of(Color.GREEN), new TreeSet<>(List.of(1)));
        assertThat(received.other).isInstanceOf(IllegalStateException.class).hasMessage("other");
    }

    /** The user, not the worker, decides which types a field that may hold anything holds. */
    @Test
    void anAllowedTypeTravelsInAFieldThatMayHoldAnything() throws Throwable {
        Call<Object> call = () -> {
            var thrown = new OfAnything();
            thrown.detail = new Circle(1);
            throw thrown;
        };

        assertThat(journey.failureOf(call)).isInstanceOf(Journey.StandIn.class);
        assertThat(Journey.allowingTests().failureOf(call))
                .isInstanceOfSatisfying(
                        OfAnything.class, each -> assertThat(each.detail).isEqualTo(new Circle(1)));
    }

    @Test
    void aFailureOfAnExceptionThatIsAValueIsReadAlike() throws Exception {
        Throwable cause = new Exception("cause");
        byte[] state = Documents.state("detail\norder\n", to -> {
            text("URL", "http://example.org/").accept(to);
            to.writeNull();
        });
        var failure =
                new Failure(OfAnything.class.getName(), null, List.of(), Failure.of(cause), List.of(), state, false);
        var body = new dev.trestle.processpool.wire.BodyWriter();
        dev.trestle.processpool.wire.FailureCodec.write(failure, body);

        Object result = journey.encode((Call<Object>) () -> "expected")
                .decodeResult(Documents.typed("Throwable", to -> to.writeBinary(body.toArray())));

        assertThat(result).isInstanceOf(Journey.StandIn.class);
        assertThat(Objects.toString(((Throwable) Objects.requireNonNull(result)).getCause()))
                .contains("cause");
    }
}
