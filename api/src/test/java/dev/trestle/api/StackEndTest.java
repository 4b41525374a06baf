package dev.trestle.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The rules that hold when the stack of the thread that completes a promise is exhausted, at each distance from the
 * end.
 */
@Timeout(300)
class StackEndTest {

    private static final int FRAMES = 800;
    private static final int STACK_BYTES = 512 << 10;
    private static final int ROUNDS = Integer.getInteger("trestle.storm.stackends", 3);

    /** The method that is called at the end of the stack. */
    enum Door {
        SET_RESULT(subject -> subject.promise.setResult("")),
        SET_RESULT_OF_A_RUNNING_ONE(subject -> subject.promise.setResult("")) {
            @Override
            void prepare(Subject subject) {
                subject.promise.setRunningOrNotifyCancel();
            }
        },
        SET_EXCEPTION(subject -> subject.promise.setException(subject.failure)),
        CANCEL(subject -> subject.promise.cancel(true)),
        CANCEL_A_VIEW(subject -> subject.view.cancel(true)),
        ADD_A_CALLBACK(subject -> {
            subject.promise.addDoneCallback(subject::last);
            subject.added = true;
        }) {
            @Override
            void prepare(Subject subject) {
                subject.promise.setResult("");
            }
        },
        ADD_A_CALLBACK_TO_A_PENDING_ONE(subject -> {
            subject.promise.addDoneCallback(subject::last);
            subject.added = true;
        });

        @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
        final Consumer<Subject> call;

        Door(Consumer<Subject> call) {
            this.call = call;
        }

        void prepare(Subject subject) {}
    }

    /** A promise with everything that listens to one. */
    static final class Subject implements Promise.Wait {
        final RuntimeException failure = new IllegalStateException("on purpose");
        final AtomicInteger cancellers = new AtomicInteger();
        final Promise<String> promise = new Promise<>((_, _) -> cancellers.incrementAndGet());
        final CompletableFuture<String> view;
        int order;
        int told;
        int lasts;
        boolean added;

        Subject() {
            promise.addDoneCallback(_ -> order = order * 10 + 1);
            view = promise.toCompletableFuture();
            promise.addWait(this);
            promise.addDoneCallback(_ -> order = order * 10 + 2);
        }

        @Override
        public void onDone(ConcurrentFuture<?> future) {
            told++;
        }

        void last(ConcurrentFuture<?> future) {
            lasts++;
        }

        String fault() {
            if (!promise.isDone()) {
                promise.setResult("a second try");
            }
            boolean right = order == 12
                    && told == 1
                    && view.isDone()
                    && lasts == (added ? 1 : 0)
                    && cancellers.get() == (promise.isCancelled() ? 1 : 0);
            return right
                    ? ""
                    : promise + ": order " + order + ", told " + told + ", view " + view + ", lasts " + lasts
                            + ", added " + added + ", cancellers " + cancellers;
        }
    }

    /** Descends to the end of the stack, and calls the door for one subject after the other on the way back. */
    private static final class Descent {
        private final Door door;
        private final List<Subject> subjects =
                Stream.generate(Subject::new).limit(FRAMES).toList();
        private int next;
        int refused;

        @Nullable
        Throwable unexpected;

        Descent(Door door) {
            this.door = door;
            subjects.forEach(door::prepare);
        }

        @SuppressWarnings("InfiniteRecursion") // until the stack ends
        void descend() {
            try {
                descend();
            } catch (StackOverflowError e) {
                // the end, or a frame that was too near to it
            }
            if (next < FRAMES) {
                call(subjects.get(next++));
            }
        }

        private void call(Subject subject) {
            try {
                door.call.accept(subject);
            } catch (StackOverflowError e) {
                refused++;
            } catch (Throwable e) {
                unexpected = e;
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aPromiseIsCompletedWithAllItTakesOrNotAtAll(Door door) throws Exception {
        int refused = 0;
        for (int round = 0; round < ROUNDS; round++) {
            var descent = new Descent(door);
            Thread thread = new Thread(null, descent::descend, "deep", STACK_BYTES);
            thread.start();
            thread.join();

            assertThat(descent.unexpected).isNull();
            refused += descent.refused;
            assertThat(descent.subjects).extracting(Subject::fault).containsOnly("");
        }
        System.out.println(door + ": " + ROUNDS * FRAMES + " calls near the end of the stack, " + refused + " refused");
    }

    /** Each way to wait for a future. */
    enum Wait {
        RESULT(promise -> assertThat(promise.exception()).isNotNull()),
        WAIT_UNTIL(promise -> Futures.waitUntil(ReturnWhen.ALL_COMPLETED, List.of(promise))),
        AS_COMPLETED(promise -> Futures.asCompleted(List.of(promise)).iterator().next()),
        JOIN(promise -> promise.toCompletableFuture().join());

        @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
        final Consumer<Promise<String>> call;

        Wait(Consumer<Promise<String>> call) {
            this.call = call;
        }
    }

    @ParameterizedTest
    @EnumSource
    void threadsThatWaitAreReleasedAtTheEndOfTheStack(Wait wait) throws Exception {
        var descent = new Descent(Door.SET_RESULT);
        var waiting = descent.subjects.stream()
                .map(each -> Thread.ofVirtual().start(() -> wait.call.accept(each.promise)))
                .toList();
        await().pollInterval(Duration.ofMillis(1))
                .until(() -> waiting.stream().allMatch(each -> each.getState() == Thread.State.WAITING));
        Thread thread = new Thread(null, descent::descend, "deep", STACK_BYTES);
        thread.start();
        thread.join();

        assertThat(descent.subjects).extracting(Subject::fault).containsOnly("");
        for (Thread each : waiting) {
            each.join();
        }
    }
}
