package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.trestle.api.Call;
import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.MapOptions;
import dev.trestle.api.RunnableCall;
import java.time.Duration;
import java.util.AbstractList;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * An exception whose own methods misbehave, in the worker and in the program: the call ends with it, or with a
 * {@link RemoteException}, and the worker lives.
 */
@Timeout(30)
@ExtendWith(NothingLeft.class)
@SuppressWarnings({"serial", "OverrideThrowableToString", "ThrowableEqualsHashCode", "NullAway"}) // rude on purpose
class RudeExceptionTest {

    private static final ProcessPool pool = TestPools.builder(1)
            .allow(RudeExceptionTest.class)
            .systemProperty(Mishap.IN_WORKER, "true")
            .cancelGrace(Duration.ofMillis(1))
            .build();

    @AfterAll
    static void close() {
        pool.shutdownNow();
        pool.close();
    }

    /** A misbehaviour of a method. */
    enum How {
        THROWS_EXCEPTION,
        THROWS_ERROR,
        THROWS_VM_ERROR,
        THROWS_OUT_OF_MEMORY,
        THROWS_ITSELF,
        OVERFLOWS_THE_STACK,
        RETURNS_NULL,
        RETURNS_ITSELF;

        /** Misbehaves, or returns something that is not what was asked for. */
        <T> @Nullable T instead(Rude of, Class<T> type) {
            return switch (this) {
                case THROWS_EXCEPTION -> throw new IllegalStateException("rude");
                case THROWS_ERROR -> throw new AssertionError("rude");
                case THROWS_VM_ERROR -> throw new InternalError("rude");
                case THROWS_OUT_OF_MEMORY -> throw new OutOfMemoryError("rude");
                case THROWS_ITSELF -> throw of;
                case OVERFLOWS_THE_STACK -> instead(of, type);
                case RETURNS_NULL -> null;
                case RETURNS_ITSELF -> type.isInstance(of) ? type.cast(of) : null;
            };
        }
    }

    /** The method that misbehaves. */
    enum Where {
        MESSAGE,
        LOCALIZED_MESSAGE,
        CAUSE,
        STACK_TRACE,
        SET_STACK_TRACE,
        FILL_IN,
        INIT_CAUSE,
        TO_STRING,
        HASH_AND_EQUALS,
        PRINT,
        FIELD
    }

    /** Misbehaves in one of its methods. */
    static final class Rude extends RuntimeException {

        private final Where where;
        private final How how;
        final @Nullable List<String> field;

        Rude(Where where, How how) {
            super("rude");
            this.where = where;
            this.how = how;
            this.field = where == Where.FIELD ? new RudeList(this) : null;
        }

        private boolean isIn(Where here) {
            return where == here; // not yet, while it is being made
        }

        @Override
        public String getMessage() {
            return isIn(Where.MESSAGE) ? how.instead(this, String.class) : super.getMessage();
        }

        @Override
        public String getLocalizedMessage() {
            return isIn(Where.LOCALIZED_MESSAGE) ? how.instead(this, String.class) : super.getLocalizedMessage();
        }

        @Override
        public synchronized Throwable getCause() {
            return isIn(Where.CAUSE) ? how.instead(this, Throwable.class) : super.getCause();
        }

        @Override
        public StackTraceElement[] getStackTrace() {
            return isIn(Where.STACK_TRACE) ? how.instead(this, StackTraceElement[].class) : super.getStackTrace();
        }

        @Override
        public void setStackTrace(StackTraceElement[] stackTrace) {
            if (isIn(Where.SET_STACK_TRACE)) {
                how.instead(this, Object.class);
            } else {
                super.setStackTrace(stackTrace);
            }
        }

        @Override
        public synchronized Throwable fillInStackTrace() {
            return isIn(Where.FILL_IN) ? how.instead(this, Throwable.class) : super.fillInStackTrace();
        }

        @Override
        public synchronized Throwable initCause(@Nullable Throwable cause) {
            return isIn(Where.INIT_CAUSE) ? how.instead(this, Throwable.class) : super.initCause(cause);
        }

        @Override
        public String toString() {
            return isIn(Where.TO_STRING) ? how.instead(this, String.class) : super.toString();
        }

        @Override
        public boolean equals(@Nullable Object o) {
            return isIn(Where.HASH_AND_EQUALS) ? requireNonNull(how.instead(this, Boolean.class)) : this == o;
        }

        @Override
        public int hashCode() {
            return isIn(Where.HASH_AND_EQUALS)
                    ? requireNonNull(how.instead(this, Integer.class))
                    : System.identityHashCode(this);
        }

        @Override
        public void printStackTrace() {
            if (isIn(Where.PRINT)) {
                how.instead(this, Object.class);
            } else {
                super.printStackTrace();
            }
        }
    }

    static final class RudeList extends AbstractList<String> {

        private final transient Rude of;

        RudeList(Rude of) {
            this.of = of;
        }

        @Override
        public String get(int index) {
            return of.how.instead(of, String.class);
        }

        @Override
        public int size() {
            return requireNonNull(of.how.instead(of, Integer.class));
        }
    }

    private static long pid() {
        return pool.submit(Gate::pid).result();
    }

    private static void assertIsWhatWasThrown(@Nullable Throwable arrived) {
        if (arrived instanceof RemoteException remote) {
            assertThat(remote.remoteClassName()).isEqualTo(Rude.class.getName());
        } else {
            assertThat(requireNonNull(arrived).getClass()).isEqualTo(Rude.class);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aCallEndsWithItOrWithAStandInAndItsWorkerLives(Where where) throws Exception {
        long worker = pid();
        for (How how : How.values()) {
            Call<Integer> call = () -> {
                throw new Rude(where, how);
            };
            ConcurrentFuture<Integer> future = pool.submit(call);

            assertIsWhatWasThrown(future.exception().orElseThrow());
            assertIsWhatWasThrown(catchThrowable(future::result));
            Throwable got = catchThrowable(future::get);
            assertThat(got.getClass()).as("%s %s", where, how).isEqualTo(ExecutionException.class);
            assertIsWhatWasThrown(got.getCause());
        }
        assertThat(pid()).isEqualTo(worker);
    }

    @ParameterizedTest
    @EnumSource
    void soDoItemsOfMapAndOfStreams(Where where) {
        long worker = pid();
        for (How how : How.values()) {
            try (Stream<Integer> results = pool.map(
                    each -> {
                        if (each == 1) {
                            throw new Rude(where, how);
                        }
                        return each;
                    },
                    List.of(0, 1, 2),
                    MapOptions.DEFAULT.withChunkSize(3))) {
                assertIsWhatWasThrown(catchThrowable(results::toList));
            }
            try (Stream<Integer> items = pool.stream(() -> Stream.of(1).map(each -> {
                throw new Rude(where, how);
            }))) {
                assertIsWhatWasThrown(catchThrowable(items::toList));
            }
        }
        assertThat(pid()).isEqualTo(worker);
    }

    @ParameterizedTest
    @EnumSource
    void soDoesAResultThatIsOne(Where where) {
        long worker = pid();
        for (How how : How.values()) {
            Call<Throwable> call = () -> new Rude(where, how);

            assertIsWhatWasThrown(pool.submit(call).result());
        }
        assertThat(pid()).isEqualTo(worker);
    }

    /** Cannot be made in one of the two processes. */
    record Bomb(Where where, How how, boolean inWorker) {
        Bomb {
            if (inWorker == Boolean.getBoolean(Mishap.IN_WORKER)) {
                throw new Rude(where, how);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aCallWithAnUndecodableValueEnds(Where where) {
        long worker = pid();
        for (How how : EnumSet.complementOf(EnumSet.of(How.THROWS_VM_ERROR, How.THROWS_OUT_OF_MEMORY))) {
            var bomb = new Bomb(where, how, true);
            var unreadable = pool.submit(() -> bomb.how());
            var fragile = pool.submit(() -> new Bomb(where, how, false));

            for (ConcurrentFuture<?> each : List.of(unreadable, fragile)) {
                Throwable thrown = each.exception().orElseThrow();
                assertThat(thrown.getClass()).isEqualTo(CallNotSerializableException.class);
                assertThat(thrown.getMessage()).contains("RudeExceptionTest");
            }
        }
        assertThat(pid()).isEqualTo(worker);
    }

    @Test
    void aPoolWhoseInitializerThrowsItSaysSo() {
        RunnableCall initializer = () -> {
            throw new Rude(Where.TO_STRING, How.THROWS_ERROR);
        };
        try (var broken = TestPools.builder(1)
                .allow(RudeExceptionTest.class)
                .initializer(initializer)
                .startRetryTime(Duration.ofMillis(1))
                .build()) {
            assertThat(broken.submit(() -> 1).exception().orElseThrow().getMessage())
                    .contains("The initializer failed: " + Rude.class.getName());
        }
    }

    static final class Endless extends RuntimeException {
        @Override
        public String getMessage() {
            Gate.hang();
            return "";
        }
    }

    @Test
    void aMethodThatNeverEndsIsBoundedByTheLimitOfTheCall() {
        Call<Integer> call = () -> {
            throw new Endless();
        };

        assertThatThrownBy(() -> pool.submit(call, CallOptions.DEFAULT.withTimeout(Duration.ofMillis(50)))
                        .get())
                .cause()
                .isInstanceOf(TimeoutException.class);
        assertThat(pool.submit(() -> 1).result()).isEqualTo(1);
    }
}
