package dev.trestle.bridge;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.Promise;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The garbage collector takes failures that reach their own futures, on both sides of the bridge, once they were
 * retrieved.
 */
@Timeout(30)
class BridgeGarbageTest {

    private static final int REQUESTS = 6;
    private static final int MOST_COLLECTIONS = 50;

    @AutoClose
    private final EventLoop loop = new EventLoop();

    private final List<WeakReference<Request>> requests = new ArrayList<>();

    /** A request that knows the future that it waits for, and whose failures know the request. */
    static final class Request {
        @Nullable
        Object awaited;

        final class Failed extends RuntimeException {
            private static final long serialVersionUID = 1;

            Request request() {
                return Request.this;
            }
        }

        Failed failed() {
            return new Failed();
        }

        String fail() {
            throw failed();
        }
    }

    /** A way of a failure over the bridge. */
    enum Way {
        FROM_A_POOL {
            @Override
            void retrieve(EventLoop loop, Request request) {
                var promise = new Promise<String>();
                LoopFuture<String> wrapped = Bridge.wrapFuture((ConcurrentFuture<String>) promise);
                request.awaited = wrapped;
                blocking(() -> promise.setException(request.failed()));
                assertThatThrownBy(() -> await(wrapped)).isInstanceOf(Request.Failed.class);
            }
        },
        FROM_A_STAGE {
            @Override
            void retrieve(EventLoop loop, Request request) {
                var stage = new CompletableFuture<String>();
                LoopFuture<String> wrapped = Bridge.wrapFuture(stage);
                request.awaited = wrapped;
                blocking(() -> stage.completeExceptionally(request.failed()));
                assertThatThrownBy(() -> await(wrapped)).isInstanceOf(Request.Failed.class);
            }
        },
        FROM_A_THREAD {
            @Override
            void retrieve(EventLoop loop, Request request) {
                LoopFuture<String> future = Bridge.toThread(request::fail);
                request.awaited = future;
                assertThatThrownBy(() -> await(future)).isInstanceOf(Request.Failed.class);
            }
        },
        TO_ANOTHER_THREAD {
            @Override
            void retrieve(EventLoop loop, Request request) {
                var task = createTask(request::fail);
                ConcurrentFuture<String> outside = Bridge.toConcurrentFuture(task);
                request.awaited = List.of(task, outside);
                assertThatThrownBy(() -> blocking((Callable<String>) outside::result))
                        .isInstanceOf(Request.Failed.class);
            }
        },
        FROM_A_COROUTINE_OF_ANOTHER_THREAD {
            @Override
            void retrieve(EventLoop loop, Request request) {
                blocking(() -> {
                    ConcurrentFuture<String> outside = Bridge.runCoroutineThreadsafe(request::fail, loop);
                    request.awaited = outside;
                    assertThatThrownBy(outside::result).isInstanceOf(Request.Failed.class);
                });
            }
        },
        FROM_A_PUBLISHER {
            @Override
            void retrieve(EventLoop loop, Request request) {
                Flow.Publisher<String> publisher = subscriber -> {
                    subscriber.onSubscribe(new Flow.Subscription() {
                        @Override
                        public void request(long n) {}

                        @Override
                        public void cancel() {}
                    });
                    subscriber.onError(request.failed());
                };
                PublishedItems<String> items = Bridge.iterate(publisher);
                request.awaited = items;
                assertThatThrownBy(items::hasNext).isInstanceOf(Request.Failed.class);
            }
        };

        abstract void retrieve(EventLoop loop, Request request);
    }

    @ParameterizedTest
    @EnumSource
    void aRetrievedFailureThatReachesItsFutureIsCollected(Way way) {
        for (int i = 0; i < REQUESTS; i++) {
            loop.runUntilComplete(() -> {
                var request = new Request();
                requests.add(new WeakReference<>(request));
                way.retrieve(loop, request);
            });
        }

        for (int i = 0; i < MOST_COLLECTIONS && left() > 1; i++) {
            System.gc();
        }
        assertThat(left()).as("left of " + REQUESTS).isLessThanOrEqualTo(1); // the JVM may keep what a thread used last
    }

    private long left() {
        return requests.stream().filter(each -> !each.refersTo(null)).count();
    }
}
