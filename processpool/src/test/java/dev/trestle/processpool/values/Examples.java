package dev.trestle.processpool.values;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Data of all shapes that tests send. */
public final class Examples {

    private Examples() {}

    private static String fail(String message) {
        throw new IllegalStateException(message);
    }

    public record Point(int x, int y) {
        double length() {
            return Math.hypot(x, y);
        }

        boolean isOrigin() {
            return x == 0 && y == 0;
        }

        String getText() {
            return fail("a getter that is no component must not be called");
        }
    }

    record Empty() {}

    record Pair<A extends @Nullable Object, B extends @Nullable Object>(A first, B second) {}

    record Bounded<N extends Number & Comparable<N>>(N number) {}

    record Primitives(boolean a, byte b, short c, char d, int e, long f, float g, double h) {}

    record Boxes(
            @Nullable Boolean a,
            @Nullable Byte b,
            @Nullable Short c,
            @Nullable Character d,
            @Nullable Integer e,
            @Nullable Long f,
            @Nullable Float g,
            @Nullable Double h,
            @Nullable Number n,
            @Nullable Comparable<?> o,
            @Nullable CharSequence s) {}

    record Containers(
            List<Point> points,
            Map<Point, List<Long>> byPoint,
            Set<Color> colors,
            Optional<Point> maybe,
            List<List<Integer>> nested,
            Object anything,
            Iterable<String> names) {}

    @SuppressWarnings("ArrayRecordComponent") // that is what is tested
    record Arrays_(int[] ints, byte[] bytes, String[] strings, Point[] points, Object[] objects, long[][] matrix) {
        @Override
        public boolean equals(@Nullable Object o) {
            return o instanceof Arrays_ other
                    && Arrays.equals(ints, other.ints)
                    && Arrays.equals(bytes, other.bytes)
                    && Arrays.equals(strings, other.strings)
                    && Arrays.equals(points, other.points)
                    && Arrays.deepEquals(objects, other.objects)
                    && Arrays.deepEquals(matrix, other.matrix);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(ints);
        }
    }

    enum Color {
        RED,
        GREEN {
            @Override
            String mood() {
                return "calm";
            }
        };

        String mood() {
            return "wild";
        }

        @Override
        public String toString() {
            return "the colour " + name().charAt(0);
        }
    }

    sealed interface Shape permits Circle, Square, Drawing {}

    record Circle(double radius) implements Shape {}

    record Square(double side) implements Shape {}

    static final class Drawing implements Shape {
        List<Shape> parts = new ArrayList<>();

        @Override
        public boolean equals(@Nullable Object o) {
            return o instanceof Drawing other && parts.equals(other.parts);
        }

        @Override
        public int hashCode() {
            return parts.hashCode();
        }
    }

    static class Bean {
        private String name = "";
        private @Nullable Bean next;
        private transient int cached = 7;
        protected List<Object> things = new ArrayList<>();

        Bean() {}

        Bean(String name, @Nullable Bean next) {
            this.name = name;
            this.next = next;
        }

        Bean next() {
            return Objects.requireNonNull(next);
        }

        void next(Bean bean) {
            next = bean;
        }

        int cached() {
            return cached;
        }

        void cached(int value) {
            cached = value;
        }

        public String getName() {
            return fail("getters are not asked");
        }

        public void setName(String name) {
            fail("setters are not asked: " + name);
        }

        @Override
        @SuppressWarnings("EqualsGetClass") // a subclass is not its superclass: that is what is tested
        public boolean equals(@Nullable Object o) {
            return o != null
                    && o.getClass() == getClass()
                    && name.equals(((Bean) o).name)
                    && Objects.equals(next, ((Bean) o).next)
                    && things.equals(((Bean) o).things);
        }

        @Override
        public int hashCode() {
            return name.hashCode();
        }
    }

    static final class SpecialBean extends Bean {
        private int weight;

        SpecialBean() {}

        SpecialBean(String name, int weight) {
            super(name, null);
            this.weight = weight;
        }

        int weight() {
            return weight;
        }
    }

    /** Immutable, made by an annotated constructor; annotated for a web API that leaves things out. */
    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    static final class Account {
        private final String owner;
        private final List<String> notes;

        @JsonProperty(access = JsonProperty.Access.WRITE_ONLY)
        private final String password;

        @JsonCreator
        Account(
                @JsonProperty("owner") String owner,
                @JsonProperty("notes") List<String> notes,
                @JsonProperty("password") String password) {
            this.owner = owner;
            this.notes = notes;
            this.password = password;
        }

        @Override
        public boolean equals(@Nullable Object o) {
            return o instanceof Account other
                    && owner.equals(other.owner)
                    && notes.equals(other.notes)
                    && password.equals(other.password);
        }

        @Override
        public int hashCode() {
            return owner.hashCode();
        }
    }

    /** A bean whose public constructor takes all that it holds. */
    static final class Version {
        private final int major;
        private final int minor;

        public Version(int major, int minor) {
            this.major = major;
            this.minor = minor;
        }

        @Override
        public boolean equals(@Nullable Object o) {
            return o instanceof Version other && major == other.major && minor == other.minor;
        }

        @Override
        public int hashCode() {
            return major;
        }
    }

    @JsonTypeInfo(use = JsonTypeInfo.Id.CLASS)
    interface Animal {}

    record Dog(String name) implements Animal {}

    record Cat(int lives) implements Animal {}

    record Zoo(List<Animal> animals, Animal best) {}

    static final class Names extends ArrayList<String> {
        private static final long serialVersionUID = 1;
    }
}
