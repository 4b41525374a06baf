package dev.trestle.processpool;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** A program that sends all kinds of values, with whatever version of Jackson its class loader has. */
public final class JacksonProgram {

    private JacksonProgram() {}

    record Point(int x, Optional<String> name, Map<TimeUnit, Duration> times) implements Serializable {}

    /** A class that is annotated for a web API. */
    static final class Account {
        private final String owner;

        @JsonIgnore
        @SuppressWarnings("UnusedVariable") // it travels nevertheless
        private String secret = "";

        @JsonCreator
        Account(@JsonProperty("owner") String owner) {
            this.owner = owner;
        }

        Account withSecret(String value) {
            secret = value;
            return this;
        }

        @Override
        public String toString() {
            return owner + ":" + secret;
        }
    }

    static final class Broken extends RuntimeException {
        private static final long serialVersionUID = 1;
        private final int code;

        Broken(String message, int code) {
            super(message);
            this.code = code;
        }
    }

    /** Returns what comes of calls with all kinds of values, or why there is no pool. */
    public static List<String> answers() {
        var point = new Point(6, Optional.of("p"), Map.of(TimeUnit.DAYS, Duration.ofDays(1)));
        var account = new Account("me").withSecret("s");
        JsonNode node = JsonNodeFactory.instance.arrayNode().add(1).add("two");
        try (var pool = pool()) {
            return List.of(
                    "numbers " + pool.submit(() -> 6 * 7).result(),
                    "list " + pool.submit(() -> List.of(1, "two", 3L)).result(),
                    "record "
                            + pool.submit(() -> new Point(point.x() * 7, point.name(), point.times()))
                                    .result(),
                    "bean " + pool.submit(() -> account).result(),
                    "tree " + pool.submit(() -> node.toString()).result(),
                    "map "
                            + pool.map(each -> new Point(each, Optional.empty(), Map.of()), List.of(1, 2))
                                    .map(Point::x)
                                    .toList(),
                    "stream " + stream(pool, point),
                    "failure " + failure(pool));
        } catch (IllegalStateException e) {
            return List.of(String.valueOf(e.getMessage()));
        }
    }

    private static ProcessPool pool() {
        return TestPools.plain(1).heap(32L << 20).aotCache(false).build();
    }

    private static List<Point> stream(ProcessPool pool, Point point) {
        try (Stream<Point> points = pool.stream(() -> Stream.of(point, point))) {
            return points.map(each -> new Point(each.x(), Optional.empty(), Map.of()))
                    .toList();
        }
    }

    private static String failure(ProcessPool pool) {
        Throwable failure = pool.submit(JacksonProgram::fail).exception().orElseThrow();
        return failure instanceof Broken broken ? broken.getMessage() + broken.code : String.valueOf(failure);
    }

    private static int fail() {
        throw new Broken("broken", 7);
    }

    /** Returns what comes of a number, and of a record, in a program whose jars of Jackson do not fit together. */
    public static List<String> answersOfAMixture() {
        var point = new Point(6, Optional.empty(), Map.of());
        try (var pool = pool()) {
            String number = "numbers " + pool.submit(() -> 6 * 7).result();
            try {
                return List.of(number, "record " + pool.submit(() -> point).result());
            } catch (CallNotSerializableException e) {
                return List.of(number, String.valueOf(e.getMessage()));
            }
        } catch (IllegalStateException e) {
            return List.of(String.valueOf(e.getMessage()));
        }
    }

    /** Returns the classes of what the constructor of a pool, or else the sending of a record, throws. */
    public static List<String> refusal() {
        var point = new Point(6, Optional.empty(), Map.of());
        try (var pool = pool()) {
            return classes(pool.submit(() -> point).exception().orElseThrow());
        } catch (IllegalStateException | CallNotSerializableException e) {
            return classes(e);
        }
    }

    private static List<String> classes(Throwable thrown) {
        return Stream.iterate(thrown, each -> each != null, Throwable::getCause)
                .map(each -> each.getClass().getName())
                .toList();
    }
}
