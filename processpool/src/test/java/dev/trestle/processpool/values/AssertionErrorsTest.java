package dev.trestle.processpool.values;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.trestle.api.Call;
import dev.trestle.api.RunnableCall;
import dev.trestle.processpool.values.Examples.Color;
import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.Assertions;
import org.assertj.core.api.SoftAssertionError;
import org.assertj.core.api.SoftAssertions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.opentest4j.AssertionFailedError;
import org.opentest4j.IncompleteExecutionException;
import org.opentest4j.MultipleFailuresError;
import org.opentest4j.TestAbortedException;
import org.opentest4j.TestSkippedException;
import org.opentest4j.ValueWrapper;

/** The errors that assertions of test libraries throw arrive as themselves, or as stand-ins that say why. */
@Timeout(30)
@SuppressWarnings("serial")
class AssertionErrorsTest {

    private final Journey journey = Journey.allowingNothing();

    record Point(int x, int y) {}

    static Stream<RunnableCall> assertions() {
        return Stream.of(
                () -> assertEquals(1, 2),
                () -> assertEquals("a", "b", "named"),
                () -> assertEquals(1.5, 2.5, 0.1),
                () -> assertEquals(new Point(1, 2), new Point(1, 3)),
                () -> assertEquals(List.of("a", "b"), List.of("a")),
                () -> assertEquals(Color.GREEN, null),
                () -> assertEquals(null, "b"),
                () -> assertArrayEquals(new int[] {1, 2}, new int[] {1, 3}),
                () -> assertSame("a", 1),
                () -> assertTrue(List.of().contains("x")),
                () -> assertNull("not null"),
                () -> assertInstanceOf(String.class, 1),
                () -> assertThrows(IOException.class, () -> {}),
                () -> assertThrows(IOException.class, () -> Integer.parseInt("no number")),
                () -> assertAll("heading", () -> assertEquals(1, 2), () -> fail("second")),
                () -> fail("failed"),
                () -> fail("failed", new IOException("cause")),
                () -> Assumptions.assumeTrue(List.of().contains("x"), "not here"),
                () -> Assertions.assertThat(1).isEqualTo(2),
                () -> Assertions.assertThat("text").as("described").isEqualTo("other"),
                () -> Assertions.assertThat(List.of(1, 2)).contains(3),
                () -> Assertions.assertThat(new Point(1, 2)).isNull(),
                () -> Assertions.assertThatThrownBy(() -> {}).isInstanceOf(IOException.class),
                () -> SoftAssertions.assertSoftly(soft -> {
                    soft.assertThat(1).isEqualTo(2);
                    soft.assertThat("a").isEqualTo("b");
                }),
                () -> {
                    throw new SoftAssertionError(List.of("one", "two"));
                },
                () -> {
                    throw new AssertionFailedError();
                },
                () -> {
                    throw new AssertionFailedError("m", new IOException("cause"));
                },
                () -> {
                    throw new AssertionFailedError("m", 1, 2, new IOException("cause"));
                },
                () -> {
                    throw new AssertionFailedError("m", ValueWrapper.create(1, "one"), ValueWrapper.create(2, "two"));
                },
                () -> {
                    throw new MultipleFailuresError("h", List.of(new AssertionFailedError("a"), new IOException("b")));
                },
                () -> {
                    throw new MultipleFailuresError(null, List.of());
                },
                () -> {
                    throw new TestAbortedException("m");
                },
                () -> {
                    throw new TestSkippedException("m");
                },
                () -> {
                    throw new IncompleteExecutionException("m", new IOException("cause"));
                },
                () -> {
                    throw new Comparison("message", "expected", "actual");
                },
                () -> {
                    throw new AssertionError("plain");
                },
                () -> {
                    throw new AssertionError(42);
                },
                () -> {
                    throw new AssertionError("plain", new IOException("cause"));
                });
    }

    /** Composes its message when it is asked, as JUnit 4's ComparisonFailure does. */
    static final class Comparison extends AssertionError {
        private String expected;
        private String actual;

        Comparison(@Nullable String message, String expected, String actual) {
            super(message);
            this.expected = expected;
            this.actual = actual;
        }

        @Override
        public String getMessage() {
            return super.getMessage() + " expected:<" + expected + "> but was:<" + actual + ">";
        }
    }

    private static Throwable thrownBy(RunnableCall call) {
        try {
            call.run();
        } catch (Throwable e) {
            return e;
        }
        throw new IllegalStateException("it did not throw");
    }

    private Throwable arrived(RunnableCall assertion) throws Throwable {
        return journey.failureOf((Call<@Nullable Object>) () -> {
            assertion.run();
            return null;
        });
    }

    @ParameterizedTest
    @MethodSource("assertions")
    void assertionErrorArrivesAsItself(RunnableCall assertion) throws Throwable {
        Throwable thrown = thrownBy(assertion);

        Throwable arrived = arrived(assertion);

        assertThat(arrived).isExactlyInstanceOf(thrown.getClass()).hasMessage(thrown.getMessage());
        assertThat(arrived.toString()).isEqualTo(thrown.toString());
        assertThat(arrived.getSuppressed()).hasSameSizeAs(thrown.getSuppressed());
        if (thrown.getCause() != null) {
            assertThat(arrived.getCause()).hasSameClassAs(thrown.getCause());
        }
        if (thrown instanceof AssertionFailedError there && arrived instanceof AssertionFailedError here) {
            assertSameValue(here.getExpected(), there.getExpected());
            assertSameValue(here.getActual(), there.getActual());
        }
        if (thrown instanceof MultipleFailuresError there && arrived instanceof MultipleFailuresError here) {
            assertThat(here.getFailures())
                    .extracting(Throwable::toString)
                    .isEqualTo(there.getFailures().stream()
                            .map(Throwable::toString)
                            .toList());
        }
    }

    private static void assertSameValue(@Nullable ValueWrapper here, @Nullable ValueWrapper there) {
        if (here == null || there == null) {
            assertThat(here).isEqualTo(there);
            return;
        }
        assertThat(here.getStringRepresentation()).isEqualTo(there.getStringRepresentation());
        Object value = there.getEphemeralValue();
        boolean travels = value instanceof String || value instanceof Number || value instanceof Boolean;
        assertThat(here.getEphemeralValue())
                .isEqualTo(value == null || travels ? value : there.getStringRepresentation());
    }

    @Test
    void comparedObjectThatCannotTravelArrivesAsItsText() throws Throwable {
        Throwable arrived = arrived(() -> assertSame(Thread.currentThread(), "a thread"));

        assertThat(arrived).isInstanceOfSatisfying(AssertionFailedError.class, each -> {
            assertThat(each.getExpected().getEphemeralValue()).asString().startsWith("Thread[");
            assertThat(each.getExpected().getStringRepresentation()).startsWith("Thread[");
            assertThat(each.getActual().getValue()).isEqualTo("a thread");
        });
    }
}
