package dev.trestle.processpool.values;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.Call;
import java.io.File;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A few objects that share others become very many when each reference is followed. That is noticed before the heap
 * ends; in a JVM with a small heap, since otherwise it takes a gigabyte.
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

    /** Sends objects that share references 30 levels deep, of each kind, as a call and as a result. */
    public static void main(String[] arguments) throws Throwable {
        Journey journey = Journey.allowingTests();
        DecodedCall call = journey.decode(journey.encode((Call<Object>) () -> 1).payload());
        for (Knot knot : Knot.values()) {
            Object folded = "leaf";
            for (int i = 0; i < 30; i++) {
                folded = knot.of(folded);
            }
            Object value = folded;
            System.out.println(knot + " " + refusal(() -> journey.encode((Call<Object>) () -> value)));
            System.out.println(knot + " " + refusal(() -> call.encodeResult(value)));
        }
    }

    private static String refusal(Callable<?> sending) throws Exception {
        try {
            return "was sent: " + sending.call();
        } catch (NotEncodableException e) {
            return String.valueOf(e.getMessage());
        }
    }

    @Test
    void valuesThatUnfoldBeyondTheHeapAreRefusedInWords() throws Exception {
        Process process = new ProcessBuilder(
                        System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
                        "-Xmx24m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        UnfoldingTest.class.getName())
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();

        assertThat(said.lines())
                .as(said)
                .hasSize(2 * Knot.values().length)
                .allSatisfy(each -> assertThat(each)
                        .contains("cannot travel: it would become larger than ")
                        .contains("a quarter of the heap")
                        .contains("referred to several times"));
    }
}
