package dev.trestle.processpool.values;

import static dev.trestle.processpool.values.Documents.smile;
import static dev.trestle.processpool.values.Documents.typed;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.trestle.api.Call;
import dev.trestle.processpool.values.Examples.Animal;
import dev.trestle.processpool.values.Examples.Bean;
import dev.trestle.processpool.values.Examples.Point;
import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.Payload;
import dev.trestle.processpool.wire.WireOptions;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JsonGenerator;

/** A worker that was taken over can send what it likes: the pool makes nothing of it that the call does not permit. */
@Timeout(30)
class HostileResultTest {

    /** Marks of the mines below, had they gone off. */
    private static final AtomicInteger harm = new AtomicInteger();

    private final Journey journey = Journey.allowingNothing();

    /** Harmful as soon as it is initialized. */
    static final class InitializerMine {
        static {
            harm.incrementAndGet();
        }

        int field;
    }

    /** Harmful as soon as there is one. */
    static class ConstructorMine {
        int field;

        ConstructorMine() {
            harm.incrementAndGet();
        }
    }

    static final class AnimalMine extends ConstructorMine implements Animal {}

    enum Plain {
        ONE
    }

    static final class MapMine extends HashMap<String, String> {
        private static final long serialVersionUID = 1;

        MapMine() {
            harm.incrementAndGet();
        }
    }

    private static Object objectCall() {
        return (Call<Object>) () -> "expected";
    }

    private static int number() {
        return 1;
    }

    private static void emptyObject(JsonGenerator to) {
        to.writeStartObject();
        to.writeEndObject();
    }

    @Nullable
    private Object decode(Object call, Payload result) throws Exception {
        return journey.encode(call).decodeResult(result);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "java.lang.ProcessBuilder",
                "java.net.URLClassLoader",
                "javax.swing.JEditorPane",
                "java.util.logging.FileHandler",
                "javax.management.BadAttributeValueExpException$Gone",
                "com.sun.rowset.JdbcRowSetImpl",
                "tools.jackson.databind.ObjectMapper",
                "dev.trestle.processpool.values.HostileResultTest$InitializerMine",
                "dev.trestle.processpool.values.HostileResultTest$ConstructorMine",
                "dev.trestle.processpool.values.HostileResultTest$MapMine",
                "dev.trestle.processpool.values.HostileResultTest$ConstructorMine[]",
                "dev.trestle.processpool.values.HostileResultTest",
                "no.such.Type",
                "",
                "[]",
                "[Ljava.lang.Object;",
                "../../etc/passwd",
                "Lambda",
            })
    void forbiddenClassIsNeitherMadeNorInitialized(String name) {
        int before = harm.get();

        assertThatThrownBy(() -> decode(objectCall(), typed(name, HostileResultTest::emptyObject)))
                .isInstanceOf(NotDecodableException.class)
                .hasMessageStartingWith("The result of the call HostileResultTest.objectCall(");
        assertThatThrownBy(() -> decode(objectCall(), typed("ArrayList", to -> {
                    to.writeStartArray();
                    to.writeStartArray();
                    to.writeString(name);
                    emptyObject(to);
                    to.writeEndArray();
                    to.writeEndArray();
                })))
                .isInstanceOf(NotDecodableException.class);
        assertThat(harm.get()).isEqualTo(before);
    }

    @Test
    void theRefusalNamesTheClassAndTheWayOut() {
        var refusal = catchThrowableOfType(
                NotDecodableException.class,
                () -> decode(objectCall(), typed(Bean.class.getName(), HostileResultTest::emptyObject)));

        assertThat(refusal)
                .hasMessageContaining(Bean.class.getName())
                .hasMessageContaining("neither a record nor an enum")
                .hasMessageContaining("allow(Bean.class)");
    }

    @Test
    void aClassIsRefusedEachTimeAlsoAfterAnotherCallPermittedIt() throws Exception {
        Payload bean = typed(Bean.class.getName(), HostileResultTest::emptyObject);

        assertThat(decode((Call<Bean>) Bean::new, bean)).isInstanceOf(Bean.class);
        assertThatThrownBy(() -> decode(objectCall(), bean)).isInstanceOf(NotDecodableException.class);
        assertThat(decode((Call<Bean>) Bean::new, bean)).isInstanceOf(Bean.class);
    }

    @Test
    void jacksonsOwnTypeAnnotationsOpenNoOtherDoor() {
        int before = harm.get();
        Payload zoo = typed(Examples.Zoo.class.getName(), to -> {
            to.writeStartObject();
            to.writeName("best");
            to.writeStartObject();
            to.writeStringProperty("@class", AnimalMine.class.getName());
            to.writeEndObject();
            to.writeEndObject();
        });

        assertThatThrownBy(() -> decode(objectCall(), zoo)).isInstanceOf(NotDecodableException.class);
        assertThat(harm.get()).isEqualTo(before);
    }

    @Test
    void classAsAValueIsNotInitialized() {
        int before = harm.get();

        assertThatThrownBy(() ->
                        decode(objectCall(), typed("Class", to -> to.writeString(InitializerMine.class.getName()))))
                .isInstanceOf(NotDecodableException.class);
        assertThat(harm.get()).isEqualTo(before);
    }

    @Test
    void aValueOfAnotherTypeThanDeclaredIsRefused() {
        assertThatThrownBy(() -> decode((Call<Bean>) Bean::new, smile(to -> to.writeString("no bean"))))
                .isInstanceOf(NotDecodableException.class);
        assertThatThrownBy(() -> decode((Call<Bean>) Bean::new, typed("ArrayList", to -> {
                    to.writeStartArray();
                    to.writeEndArray();
                })))
                .isInstanceOf(NotDecodableException.class)
                .hasMessageContaining("is declared");
        for (Consumer<JsonGenerator> each : List.<Consumer<JsonGenerator>>of(
                to -> to.writeString("x"),
                to -> to.writeString("5"),
                to -> to.writeNumber(1.5),
                to -> to.writeNumber(1L << 40),
                to -> to.writeBoolean(true),
                to -> to.writeNull())) {
            assertThatThrownBy(() -> decode((Call<Integer>) HostileResultTest::number, smile(each)))
                    .isInstanceOf(NotDecodableException.class);
        }
        assertThatThrownBy(() -> decode((Call<Integer>) HostileResultTest::number, smile(to -> to.writeNull())))
                .hasMessageEndingWith("it is null, but int is declared");
    }

    @Test
    void depthIsBounded() {
        for (int depth : new int[] {1_001, 100_000, 5_000_000}) {
            byte[] bomb = new byte[depth + 4];
            bomb[0] = ':';
            bomb[1] = ')';
            bomb[2] = '\n';
            bomb[3] = 1;
            java.util.Arrays.fill(bomb, 4, bomb.length, (byte) 0xF8);
            var payload = new Payload(List.of(ByteBuffer.wrap(bomb)), List.of());

            assertThatThrownBy(() -> decode(objectCall(), payload)).isInstanceOf(NotDecodableException.class);
        }
        assertThatThrownBy(() -> decode(objectCall(), nested(WireOptions.MAX_DEPTH)))
                .isInstanceOf(NotDecodableException.class)
                .hasMessageContaining("depth");
    }

    private static Payload nested(int depth) {
        return smile(to -> {
            for (int i = 0; i < depth / 2; i++) {
                to.writeStartArray();
                to.writeString("ArrayList");
                to.writeStartArray();
            }
            for (int i = 0; i < depth; i++) {
                to.writeEndArray();
            }
        });
    }

    @Test
    void aPromisedLengthIsNotBelieved() {
        byte[] binary = {
            ':',
            ')',
            '\n',
            5,
            (byte) 0xF8,
            (byte) 0xF8,
            0x45,
            'b',
            'y',
            't',
            'e',
            '[',
            ']',
            (byte) 0xFD,
            0x1F,
            0x7F,
            0x7F,
            0x7F,
            (byte) 0xBF
        };
        var payload = new Payload(List.of(ByteBuffer.wrap(binary)), List.of());

        assertThatThrownBy(() -> decode(objectCall(), payload)).isInstanceOf(NotDecodableException.class);
    }

    @Test
    void anArrayThatIsNotThereIsRefused() {
        assertThatThrownBy(() -> decode(objectCall(), typed("byte[]", to -> to.writeNumber(0))))
                .isInstanceOf(NotDecodableException.class);
        assertThatThrownBy(() -> decode(objectCall(), typed("byte[]", to -> to.writeNumber(-1))))
                .isInstanceOf(NotDecodableException.class);
        assertThatThrownBy(() -> decode(objectCall(), typed("byte[]", to -> to.writeNumber(1L << 40))))
                .isInstanceOf(NotDecodableException.class);
        Payload longs = typed("byte[]", to -> to.writeNumber(0));
        assertThatThrownBy(() -> decode(objectCall(), new Payload(longs.body(), List.of(new long[1]))))
                .isInstanceOf(NotDecodableException.class);
    }

    @Test
    void recordsAndEnumsNeedNoPermission() {
        assertThatCode(() -> {
                    assertThat(journey.send(Map.of(new Point(1, 2), List.of(Plain.ONE))))
                            .isEqualTo(Map.of(new Point(1, 2), List.of(Plain.ONE)));
                })
                .doesNotThrowAnyException();
    }

    @Test
    void aFailureThatNamesNoExceptionIsNotMade() throws Exception {
        int before = harm.get();
        var encoded = journey.encode(objectCall());
        for (String name : List.of(
                ConstructorMine.class.getName(),
                InitializerMine.class.getName(),
                "java.lang.ProcessBuilder",
                "no.such.X")) {
            var failure = new Failure(name, "message", List.of(), null, List.of(), Failure.NO_STATE, false);

            assertThat(encoded.decodeFailure(failure, "worker")).isInstanceOf(Journey.StandIn.class);
        }
        assertThat(harm.get()).isEqualTo(before);
    }

    @Test
    @Timeout(1800) // of a million, by command
    void garbageIsRefusedWhateverItIs() throws Exception {
        var encoded = journey.encode(objectCall());
        Payload real = journey.decode(encoded.payload())
                .encodeResult(List.of(new Point(1, 2), Map.of("a", new int[] {1, 2}), new Exception("x"), 5L, 'c'));
        byte[] good = real.wholeBody().array();
        var random = new Random(20261121);
        for (int i = 0; i < Integer.getInteger("trestle.fuzz.results", 5_000); i++) {
            byte[] bad = good.clone();
            for (int flips = random.nextInt(4); flips >= 0; flips--) {
                bad[random.nextInt(bad.length)] = (byte) random.nextInt();
            }
            int length = random.nextInt(8) == 0 ? random.nextInt(bad.length) : bad.length;
            try {
                encoded.decodeResult(new Payload(List.of(ByteBuffer.wrap(bad, 0, length)), List.of()));
            } catch (NotDecodableException e) {
                assertThat(e).hasMessageStartingWith("The result of the call");
            }
        }
    }
}
