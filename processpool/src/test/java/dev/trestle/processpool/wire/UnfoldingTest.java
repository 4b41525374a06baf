package dev.trestle.processpool.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.Call;
import java.io.File;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A few objects that share others become very many when each reference is followed. That is noticed before the heap ends; in a
 * JVM with a small heap, since otherwise it takes a gigabyte.
 */
@Timeout(60)
class UnfoldingTest {

    record Pair(@Nullable Object left, @Nullable Object right) {}

    static final class Bean {
        @Nullable
        Object left;

        @Nullable
        Object right;
    }

    /** Ways to refer to one object twice. */
    enum Knot {
        RECORD {
            @Override
            Object of(Object inner) {
                return new Pair(inner, inner);
            }
        },
        BEAN {
            @Override
            Object of(Object inner) {
                var bean = new Bean();
                bean.left = inner;
                bean.right = inner;
                return bean;
            }
        },
        LIST {
            @Override
            Object of(Object inner) {
                return new ArrayList<>(List.of(inner, inner));
            }
        },
        MAP {
            @Override
            Object of(Object inner) {
                return new HashMap<>(Map.of(1, inner, 2, inner));
            }
        },
        ARRAY {
            @Override
            Object of(Object inner) {
                return new Object[] {inner, inner};
            }
        },
        LAMBDA {
            @Override
            Object of(Object inner) {
                Object other = inner;
                return (Call<Object>) () -> List.of(inner, other);
            }
        };

        abstract Object of(Object inner);
    }

    /** Sends objects that share references 30 levels deep, as a call and as a result. */
    public static void main(String[] arguments) throws Throwable {
        Object folded = "leaf";
        for (int i = 0; i < 30; i++) {
            folded = Knot.valueOf(arguments[0]).of(folded);
        }
        Object value = folded;
        Journey journey = Journey.allowingTests();
        try {
            journey.encode((Call<Object>) () -> value);
            System.out.println("sent");
        } catch (NotEncodableException e) {
            System.out.println(e.getMessage());
        }
        DecodedCall call = journey.decode(journey.encode((Call<Object>) () -> 1).payload());
        try {
            call.encodeResult(value);
            System.out.println("sent");
        } catch (NotEncodableException e) {
            System.out.println(e.getMessage());
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatUnfoldsToMoreThanTheHeapIsRefusedInWords(Knot knot) throws Exception {
        Process process = new ProcessBuilder(
                        System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
                        "-Xmx48m",
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        UnfoldingTest.class.getName(),
                        knot.name())
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();

        assertThat(requireNonNull(said).lines())
                .as(said)
                .hasSize(2)
                .allSatisfy(each -> assertThat(each)
                        .contains("cannot travel: it would become larger than ")
                        .contains("a quarter of the heap")
                        .contains("referred to several times"));
    }
}
