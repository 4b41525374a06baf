package dev.trestle.format;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.StringReader;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Every construct that the sources rely on, as the formatter leaves it: when a new version of the formatter fails on
 * one, or changes its mind about one, this file tells.
 *
 * <p>Paragraphs, {@code code}, {@link Canary links}, and snippets stay as they are:
 *
 * {@snippet :
 * try (var canary = open()) {      // @highlight substring="open"
 *     canary.sing();
 * }
 * }
 *
 * <pre>
 *   PENDING --start-->  RUNNING
 * </pre>
 *
 * @param <T> a type that may be null
 */
sealed interface Canary<T extends @Nullable Object> permits Canary.Point, Canary.Pair, Canary.Song {

    record Point<T extends @Nullable Object>(int x, int y) implements Canary<T> {

        public Point {
            if (x < 0) {
                throw new IllegalArgumentException("x is " + x + ", which is negative");
            }
        }
    }

    record Pair<T extends @Nullable Object>(Canary<T> left, Canary<T> right) implements Canary<T> {}

    non-sealed class Song<T extends @Nullable Object> implements Canary<T> {

        /*
         * An essay for maintainers: a block comment whose lines are as long as a line may be, which the formatter must
         * leave alone.
         *
         *   a --> b      and whose drawings it must not touch
         */

        private final ReentrantLock lock = new ReentrantLock();

        private @Nullable T text;
        private @Nullable String @Nullable [] lines;

        Song(@Nullable T text) {
            var checked = requireNonNull(text);
            super();
            this.text = checked;
        }

        @Nullable
        T text() {
            lock.lock();
            try {
                return text;
            } finally {
                lock.unlock();
            }
        }

        Supplier<String> anonymous() {
            return new Supplier<>() {
                @Override
                public String get() {
                    return "anonymous " + Arrays.toString(lines);
                }
            };
        }
    }

    enum Tone {
        LOW(1) {
            @Override
            int pitch(int base) {
                return base - 1;
            }
        },
        HIGH(2);

        final int factor;

        Tone(int factor) {
            this.factor = factor;
        }

        int pitch(int base) {
            return base * factor;
        }
    }

    /**
     * Patterns: a component that does not matter is {@code var _}, because the formatter cannot read {@code _} alone.
     */
    static String patterns(@Nullable Object o) {
        if (o instanceof Point<?>(var x, var _) && x > 3) {
            return "far";
        }
        if (!(o instanceof Pair<?>(Point<?>(int x, var _), Canary<?> right))) {
            return switch (o) {
                case Point<?>(var _, var y) when y > 3 -> "high" + y;
                case Point<?> _, Song<?> _ -> "other";
                case Integer i
                when i > 0 -> {
                    var twice = 2 * i;
                    yield "positive " + twice;
                }
                case Integer _ -> "integer";
                case null -> "null";
                default -> "unknown";
            };
        }
        return "pair " + x + right;
    }

    static String unnamed(Map<String, List<Integer>> map) {
        BiFunction<String, Integer, Integer> zero = (_, _) -> 0;
        Function<Object, Callable<String>> nested = _ -> () -> "nested";
        for (var _ : map.entrySet()) {
            map.computeIfAbsent("none", _ -> List.of()).replaceAll(n -> zero.apply("n", n));
        }
        try (var _ = new StringReader("closed at the end")) {
            return nested.apply(map).call();
        } catch (IOException | IllegalStateException _) {
            return "unnamed";
        } catch (Exception e) {
            throw new IllegalStateException("The callable failed, which it cannot. Map: " + map, e);
        }
    }

    static String textBlock(List<String> words) {
        var longChain = words.stream()
                .filter(word -> !word.isBlank())
                .map(word -> word.length() > 3 ? word.substring(0, 3) : word)
                .sorted()
                .toList();
        return """
            first line
              indented \
            joined
            last line %s
            """.formatted(longChain);
    }
}
