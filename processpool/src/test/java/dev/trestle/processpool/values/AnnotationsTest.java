package dev.trestle.processpool.values;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.fasterxml.jackson.annotation.JsonAlias;
import com.fasterxml.jackson.annotation.JsonAutoDetect;
import com.fasterxml.jackson.annotation.JsonBackReference;
import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonFilter;
import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonGetter;
import com.fasterxml.jackson.annotation.JsonIdentityInfo;
import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonIgnoreType;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonIncludeProperties;
import com.fasterxml.jackson.annotation.JsonKey;
import com.fasterxml.jackson.annotation.JsonManagedReference;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.annotation.JsonRawValue;
import com.fasterxml.jackson.annotation.JsonRootName;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import com.fasterxml.jackson.annotation.JsonValue;
import com.fasterxml.jackson.annotation.JsonView;
import com.fasterxml.jackson.annotation.Nulls;
import com.fasterxml.jackson.annotation.ObjectIdGenerators;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.annotation.JsonNaming;
import tools.jackson.databind.annotation.JsonSerialize;
import tools.jackson.databind.ser.std.StdSerializer;

/** Values of classes with Jackson's annotations, which take nothing away from the values in a call. */
@Timeout(30)
@SuppressWarnings("NullAway") // records that hold nothing yet
class AnnotationsTest {

    private final Journey journey = Journey.allowingTests();

    record Ignored(@JsonIgnore String secret, int x) {}

    @JsonIgnoreProperties({"secret", "x"})
    record IgnoredByName(String secret, int x) {}

    @JsonIgnoreProperties(ignoreUnknown = true, allowGetters = true, value = "secret")
    record IgnoredOneWay(String secret, int x) {}

    @JsonIncludeProperties("x")
    record Included(String secret, int x) {}

    @JsonIgnoreType
    record Hidden(String secret) {}

    record OfHidden(Hidden hidden, int x) {}

    @JsonInclude(JsonInclude.Include.NON_DEFAULT)
    record NonDefault(@Nullable String a, int b, List<String> c, Optional<String> d) {}

    record NonNull(
            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            String a,

            @JsonInclude(content = JsonInclude.Include.NON_NULL)
            Map<String, String> map) {}

    record Access(
            @JsonProperty(access = JsonProperty.Access.WRITE_ONLY)
            String written,

            @JsonProperty(access = JsonProperty.Access.READ_ONLY)
            String read,

            @JsonProperty("another name") String renamed) {}

    interface Public {}

    record Viewed(@JsonView(Public.class) String shown, String hidden) {}

    @JsonFilter("none is configured")
    record Filtered(String secret, int x) {}

    record Formatted(
            @JsonFormat(pattern = "yyyy", timezone = "UTC") Instant time,

            @JsonFormat(shape = JsonFormat.Shape.STRING, pattern = "0.0")
            double number,

            @JsonFormat(shape = JsonFormat.Shape.NUMBER) Unit unit) {}

    @JsonFormat(shape = JsonFormat.Shape.ARRAY)
    @JsonPropertyOrder(alphabetic = true)
    record AsArray(String b, String a) {}

    enum Unit {
        @JsonProperty("m")
        METRE,
        FOOT;

        @JsonValue
        String shown() {
            return "always the same";
        }
    }

    record Unwrapped(@JsonUnwrapped(prefix = "in") Ignored inner, int x) {}

    record Raw(@JsonRawValue String text) {}

    @JsonRootName("root")
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    record Named(String firstName, @JsonAlias("firstName") String other) {}

    @JsonAutoDetect(fieldVisibility = JsonAutoDetect.Visibility.NONE, getterVisibility = JsonAutoDetect.Visibility.NONE)
    record Undetected(String secret) {}

    record Nulled(
            @JsonSetter(nulls = Nulls.AS_EMPTY, contentNulls = Nulls.SKIP) @Nullable
            List<@Nullable String> list) {}

    record ByValue(@JsonValue String a, String b) {}

    record Delegating(String a, int b) {
        @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
        static Delegating of(String text) {
            return new Delegating(text, 0);
        }
    }

    record AsKey(@JsonKey String a, String b) {}

    static final class Shorter extends StdSerializer<String> {
        Shorter() {
            super(String.class);
        }

        @Override
        public void serialize(String value, JsonGenerator to, SerializationContext context) {
            to.writeString("short");
        }
    }

    record Serialized(@JsonSerialize(using = Shorter.class) String text) {}

    record Typed(@JsonTypeInfo(use = JsonTypeInfo.Id.NAME) Object value) {}

    static final class Masked {
        private String password = "";
        private int length;

        @JsonProperty("password")
        public String masked() {
            return "***";
        }

        @JsonSetter("length")
        public void lengthOf(int value) {
            length = value * 2;
        }

        @JsonGetter("computed")
        public int computed() {
            return 7;
        }

        @Override
        public boolean equals(@Nullable Object o) {
            return o instanceof Masked other && password.equals(other.password) && length == other.length;
        }

        @Override
        public int hashCode() {
            return Objects.hash(password, length);
        }
    }

    static Stream<Object> values() {
        var masked = new Masked();
        masked.password = "p";
        masked.length = 3;
        var nulls = new ArrayList<@Nullable String>();
        nulls.add(null);
        return Stream.of(
                new Ignored("s", 1),
                new IgnoredByName("s", 1),
                new IgnoredOneWay("s", 1),
                new Included("s", 1),
                new OfHidden(new Hidden("s"), 1),
                new NonDefault(null, 0, List.of(), Optional.empty()),
                new NonNull(null, new java.util.HashMap<>(java.util.Collections.singletonMap("k", null))),
                new Access("a", "b", "c"),
                new Viewed("a", "b"),
                new Filtered("a", 1),
                new Formatted(Instant.parse("2026-11-21T08:19:51.123456789Z"), 1.23456, Unit.FOOT),
                new AsArray("b", "a"),
                Unit.METRE,
                Unit.FOOT,
                new Unwrapped(new Ignored("s", 1), 2),
                new Raw("text"),
                new Named("a", "b"),
                new Undetected("s"),
                new Nulled(null),
                new Nulled(nulls),
                new ByValue("a", "b"),
                new Delegating("a", 5),
                new AsKey("a", "b"),
                new Serialized("long text"),
                new Typed(5L),
                masked);
    }

    @ParameterizedTest
    @MethodSource("values")
    void annotationsTakeNothingAway(Object value) throws Throwable {
        assertThat(journey.send(value)).isEqualTo(value);
        assertThat(journey.send(List.of(value))).isEqualTo(List.of(value));
        assertThat(journey.send(Map.of(value, value))).isEqualTo(Map.of(value, value));
    }

    static final class Parent {
        @JsonManagedReference
        List<Child> children = new ArrayList<>();
    }

    static final class Child {
        @JsonBackReference
        @Nullable
        Parent parent;
    }

    @JsonIdentityInfo(generator = ObjectIdGenerators.IntSequenceGenerator.class)
    static final class Self {
        @Nullable
        Self self;
    }

    @Test
    void valuesThatReferencesLeaveOutAreRefused() {
        var parent = new Parent();
        var child = new Child();
        child.parent = parent;
        parent.children.add(child);
        var self = new Self();
        self.self = self;

        for (Object each : List.of(parent, child, self)) {
            assertThat(catchThrowable(() -> journey.send(each)))
                    .isInstanceOf(NotEncodableException.class)
                    .hasMessageContaining("a cycle cannot travel");
        }
    }
}
