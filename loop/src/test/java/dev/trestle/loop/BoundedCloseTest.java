package dev.trestle.loop;

import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ZERO;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Closing returns whatever hangs, names it, and tells the listeners. All loops are closed at the same time, since
 * patience takes its time.
 */
@Timeout(60)
class BoundedCloseTest {

    /** The places of code that hangs while the loop is closed. */
    enum Place {
        CALLBACK(EventLoop::callSoon),
        CALLBACK_OF_ANOTHER_THREAD((loop, hanging) -> Thread.ofPlatform()
                .start(() -> loop.callSoonThreadsafe(hanging))
                .join()),
        CALLBACK_BEFORE_A_TASK_ENDS((loop, hanging) -> {
            leaveTask(loop);
            loop.callSoon(hanging);
        }),
        DONE_CALLBACK((loop, hanging) -> {
            LoopFuture<String> future = loop.createFuture();
            future.addDoneCallback(hanging.asConsumer());
            future.setResult("done");
        }),
        DONE_CALLBACK_OF_A_TASK_THAT_IS_CANCELLED(
                (loop, hanging) -> leaveTask(loop).addDoneCallback(hanging.asConsumer())),
        TIMER((loop, hanging) -> {
            leaveTask(loop);
            loop.callLater(ZERO, hanging);
        }),
        FINALLY((loop, hanging) -> leaveTask(loop, () -> {
            try {
                sleep(ofHours(1));
            } finally {
                hanging.run();
            }
        })),
        COROUTINE_THAT_CLEANING_UP_AWAITS((loop, hanging) -> leaveTask(loop, () -> {
            try {
                sleep(ofHours(1));
            } finally {
                Async.await(createTask(hanging::run, "Hanging"));
            }
        })),
        BLOCKING_CALL((loop, hanging) -> leaveTask(loop, () -> blocking(hanging::run))),
        RESOURCE((loop, hanging) -> loop.closeWithLoop(hanging)),
        TO_STRING_OF_A_RESOURCE_THAT_FAILS((loop, hanging) -> loop.closeWithLoop(new AutoCloseable() {
            @Override
            public void close() {
                throw new IllegalStateException("close failed on purpose");
            }

            @Override
            public String toString() {
                hanging.run();
                return hanging.toString();
            }
        })),
        LISTENER_OF_THE_BEGINNING((loop, hanging) -> loop.addClosingListener(new ClosingListener() {
            @Override
            public void onClosing() {
                hanging.run();
            }

            @Override
            public String toString() {
                return hanging.toString();
            }
        })),
        LISTENER_OF_THE_END((loop, hanging) -> loop.addClosingListener(new ClosingListener() {
            @Override
            public void onClosed() {
                hanging.run();
            }

            @Override
            public String toString() {
                return hanging.toString();
            }
        })),
        EXCEPTION_HANDLER_THAT_IS_TOLD_IN_THE_LOOP((loop, hanging) -> {
            loop.setExceptionHandler((_, _) -> hanging.run());
            loop.callSoon(() -> {
                throw new IllegalStateException("callback failed on purpose");
            });
        }),
        EXCEPTION_HANDLER_THAT_IS_TOLD_BY_CLOSE((loop, hanging) -> {
            loop.setExceptionHandler((_, _) -> hanging.run());
            loop.closeWithLoop(() -> {
                throw new IllegalStateException("close failed on purpose");
            });
        }),
        EXCEPTION_HANDLER_TOLD_OF_AN_UNRETRIEVED_EXCEPTION((loop, hanging) -> {
            loop.setExceptionHandler((_, _) -> hanging.run());
            loop.createFuture().setException(new IllegalStateException("future failed on purpose"));
        });

        private interface Arrangement {
            void arrange(EventLoop loop, Hanging hanging) throws Exception;
        }

        @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
        private final Arrangement arrangement;

        Place(Arrangement arrangement) {
            this.arrangement = arrangement;
        }

        private static Task<?> leaveTask(EventLoop loop) {
            return leaveTask(loop, () -> sleep(ofHours(1)));
        }

        private static Task<?> leaveTask(EventLoop loop, Action action) {
            return loop.runUntilComplete(() -> {
                Task<?> task = createTask(action, "Hanging");
                yieldNow();
                yieldNow();
                return task;
            });
        }

        /** True if the report can name code of the user's. */
        boolean isNamed() {
            return !name().startsWith("EXCEPTION_HANDLER") && this != TO_STRING_OF_A_RESOURCE_THAT_FAILS;
        }
    }

    private static final CountDownLatch testsAreOver = new CountDownLatch(1);

    /** Waits until the tests are over, or it is interrupted. */
    static final class Hanging implements Runnable, AutoCloseable {
        private final boolean stubborn;

        Hanging(boolean stubborn) {
            this.stubborn = stubborn;
        }

        @Override
        public void run() {
            boolean ended = false;
            while (!ended) {
                try {
                    testsAreOver.await();
                    ended = true;
                } catch (InterruptedException e) {
                    ended = !stubborn;
                }
            }
        }

        @Override
        public void close() {
            run();
        }

        Consumer<LoopFuture<?>> asConsumer() {
            return new Consumer<>() {
                @Override
                public void accept(LoopFuture<?> future) {
                    run();
                }

                @Override
                public String toString() {
                    return Hanging.this.toString();
                }
            };
        }

        @Override
        public String toString() {
            return "Hanging";
        }
    }

    /** A loop that is closed while something hangs. */
    private static final class Case {
        private final EventLoop loop = new EventLoop();
        private final BlockingQueue<String> reports = new LinkedBlockingQueue<>();
        private final CountDownLatch told = new CountDownLatch(1);
        private final List<String> trail = new ArrayList<>();
        private final Thread closer;

        Case(Place place, boolean stubborn) throws Exception {
            loop.setSlowCallbackDuration(ofHours(1));
            loop.setExceptionHandler((_, context) -> reports.add(context.message()));
            loop.addClosingListener(new ClosingListener() {
                @Override
                public void onClosed() {
                    told.countDown();
                }
            });
            place.arrangement.arrange(loop, new Hanging(stubborn));
            Thread.ofPlatform()
                    .start(() -> loop.callSoonThreadsafe(() -> trail.add("sent")))
                    .join();
            closer = Thread.ofPlatform().name("closer of " + place).start(() -> loop.close(ofMillis(50)));
        }
    }

    private static final Map<Place, Case> ignoringInterrupts = new EnumMap<>(Place.class);
    private static final Map<Place, Case> endingWhenInterrupted = new EnumMap<>(Place.class);

    @BeforeAll
    static void closeAll() throws Exception {
        for (Place place : Place.values()) {
            ignoringInterrupts.put(place, new Case(place, true));
            endingWhenInterrupted.put(place, new Case(place, false));
        }
    }

    @AfterAll
    static void endAll() {
        testsAreOver.countDown();
    }

    @ParameterizedTest
    @EnumSource
    void closeReturnsAndNamesWhatIgnoresItsInterruptAt(Place place) throws Exception {
        Case closed = requireNonNull(ignoringInterrupts.get(place));

        assertThat(closed.closer.join(ofSeconds(50))).as("close() has returned").isTrue();
        assertThat(closed.loop.isClosed()).isTrue();
        assertThat(closed.told.getCount()).as("listeners that were not told").isZero();
        if (place.isNamed()) {
            assertThat(closed.reports).anySatisfy(report -> assertThat(report).contains("Hanging"));
        }
    }

    @ParameterizedTest
    @EnumSource
    void codeThatEndsWhenInterruptedCostsNothingElseAt(Place place) throws Exception {
        Case closed = requireNonNull(endingWhenInterrupted.get(place));

        assertThat(closed.closer.join(ofSeconds(50))).as("close() has returned").isTrue();
        assertThat(closed.loop.isClosed()).isTrue();
        assertThat(closed.told.getCount()).as("listeners that were not told").isZero();
        assertThat(closed.reports).noneSatisfy(report -> assertThat(report).contains("does not"));
        assertThat(closed.trail).containsExactly("sent");
    }

    @ParameterizedTest
    @EnumSource(
            names = {
                "BLOCKING_CALL",
                "RESOURCE",
                "TO_STRING_OF_A_RESOURCE_THAT_FAILS",
                "LISTENER_OF_THE_BEGINNING",
                "LISTENER_OF_THE_END",
                "EXCEPTION_HANDLER_THAT_IS_TOLD_BY_CLOSE",
                "EXCEPTION_HANDLER_TOLD_OF_AN_UNRETRIEVED_EXCEPTION"
            })
    void callbacksRunAlthoughForeignCodeHangsAt(Place place) throws Exception {
        Case closed = requireNonNull(ignoringInterrupts.get(place));

        assertThat(closed.closer.join(ofSeconds(50))).as("close() has returned").isTrue();
        assertThat(closed.trail).containsExactly("sent");
    }
}
