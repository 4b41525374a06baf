package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.gatherOutcomes;
import static dev.trestle.loop.Async.shield;
import static dev.trestle.loop.Async.waitFor;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The garbage collector takes exceptions that reach the future they ended, which the loop had to report until it was
 * retrieved.
 */
@Timeout(30)
class FailureGarbageTest {

    private static final int REQUESTS = 6;

    @AutoClose
    private final EventLoop loop = new EventLoop(new VirtualClock());

    private final Garbage garbage = new Garbage();
    private final List<String> reports = new ArrayList<>();

    /** Knows the future of its answer, and all its failures know the request. */
    static final class Request {
        @Nullable
        LoopFuture<?> answer;

        final class Failed extends RuntimeException {
            private static final long serialVersionUID = 1;

            Request request() {
                return Request.this;
            }
        }

        Failed failed() {
            return new Failed();
        }

        /** Answers with a future that fails, or has failed. */
        <T extends @Nullable Object> LoopFuture<T> answerWith(LoopFuture<T> future) {
            answer = future;
            return future;
        }
    }

    /** A kind of failure, and a way to retrieve its exception. */
    enum Retrieval {
        FUTURE_AWAITED {
            @Override
            void retrieve(EventLoop loop, Request request) {
                LoopFuture<String> future = loop.createFuture();
                request.answerWith(future);
                future.setException(request.failed());
                caught(() -> await(future));
            }
        },
        FUTURE_READ {
            @Override
            void retrieve(EventLoop loop, Request request) {
                LoopFuture<String> future = loop.createFuture();
                request.answerWith(future).setException(request.failed());
                assertThat(future.exception()).isPresent();
            }
        },
        FUTURE_READ_IN_A_CALLBACK {
            @Override
            void retrieve(EventLoop loop, Request request) {
                LoopFuture<String> future = loop.createFuture();
                request.answerWith(future)
                        .addDoneCallback(done -> assertThat(done.exception()).isPresent());
                future.setException(request.failed());
                yieldNow();
            }
        },
        PROMISE_AWAITED {
            @Override
            void retrieve(EventLoop loop, Request request) {
                var promise = new LoopPromise<String>(loop, () -> {});
                request.answerWith(promise.future());
                Async.blocking(() -> {
                    promise.trySetException(request.failed());
                });
                caught(() -> await(promise.future()));
            }
        },
        TASK_AWAITED {
            @Override
            void retrieve(EventLoop loop, Request request) {
                Task<String> task = failing(request);
                caught(() -> await(task));
            }
        },
        TASK_AWAITED_FOR_A_TIME {
            @Override
            void retrieve(EventLoop loop, Request request) {
                Task<String> task = failing(request);
                caught(() -> waitFor(task, ofSeconds(1)));
            }
        },
        GATHER_AWAITED {
            @Override
            void retrieve(EventLoop loop, Request request) {
                LoopFuture<List<String>> all = gather(failing(request), loop.createFuture());
                request.answerWith(all);
                caught(() -> await(all));
            }
        },
        OUTCOMES_AWAITED {
            @Override
            void retrieve(EventLoop loop, Request request) {
                var outcomes = gatherOutcomes(List.of(failing(request), failing(request)));
                request.answerWith(outcomes);
                assertThat(await(outcomes)).hasSize(2);
            }
        },
        SHIELD_AWAITED {
            @Override
            void retrieve(EventLoop loop, Request request) {
                LoopFuture<String> shield = shield(failing(request));
                request.answerWith(shield);
                caught(() -> await(shield));
            }
        },
        GROUP_LEFT {
            @Override
            void retrieve(EventLoop loop, Request request) {
                caught(() -> TaskGroup.run(group -> {
                    request.answerWith(group.createTask(() -> {
                        yieldNow();
                        throw request.failed();
                    }));
                }));
            }
        };

        abstract void retrieve(EventLoop loop, Request request);

        private static Task<String> failing(Request request) {
            Task<String> task = createTask(() -> {
                throw request.failed();
            });
            request.answerWith(task);
            return task;
        }

        private static void caught(Action action) {
            assertThatThrownBy(action::run).isNotNull();
        }
    }

    @ParameterizedTest
    @EnumSource
    void aRetrievedFailureThatReachesItsFutureIsCollected(Retrieval retrieval) {
        loop.setExceptionHandler((_, context) -> reports.add(context.message()));
        for (int i = 0; i < REQUESTS; i++) {
            loop.runUntilComplete(() -> retrieval.retrieve(loop, garbage.expect(new Request())));
        }

        garbage.collectAllBut(1);
        assertThat(reports).isEmpty();
    }

    @Test
    void aReportedFailureIsGarbageOnceItsLoopIsClosed() {
        loop.setExceptionHandler((_, context) -> reports.add(context.message()));
        for (int i = 0; i < REQUESTS; i++) {
            loop.runUntilComplete(() -> {
                Retrieval.failing(garbage.expect(new Request()));
                yieldNow();
            });
        }
        assertThat(reports).isEmpty();
        loop.close();

        assertThat(reports).hasSize(REQUESTS).allMatch(report -> report.contains("was never retrieved"));
        garbage.collectAllBut(1);
    }

    /** The loop reaches the future too, by way of what is closed with it. */
    @Test
    void aRetrievedFailureKeepsNoLoopThatReachesItsFuture() {
        for (int i = 0; i < REQUESTS; i++) {
            dropALoop(garbage);
        }

        garbage.collectAllBut(1);
    }

    private static void dropALoop(Garbage garbage) {
        var dropped = garbage.expect(new EventLoop(new VirtualClock()));
        LoopFuture<String> future = dropped.createFuture();
        future.setException(new IllegalStateException("on purpose"));
        assertThat(future.exception()).isPresent();
        dropped.closeWithLoop(future::cancel);
    }
}
