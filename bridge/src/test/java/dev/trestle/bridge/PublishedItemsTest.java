package dev.trestle.bridge;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.yieldNow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.Task;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Flow;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A reader of a publisher's items. The test acts for the publisher. */
@Timeout(30)
class PublishedItemsTest {

    /** A publisher that calls its subscriber when the test tells it to, on any thread. */
    static final class Stage implements Flow.Publisher<String>, Flow.Subscription {
        private final CompletableFuture<Flow.Subscriber<? super String>> subscriber = new CompletableFuture<>();
        final List<String> heard = new ArrayList<>();

        @Override
        public void subscribe(Flow.Subscriber<? super String> given) {
            subscriber.complete(given);
            given.onSubscribe(this);
        }

        Flow.Subscriber<? super String> subscriber() {
            return subscriber.join();
        }

        @Override
        public synchronized void request(long n) {
            heard.add("request " + n);
        }

        @Override
        public synchronized void cancel() {
            heard.add("cancel");
        }
    }

    /** The ends of a wait for an item, by a call on a foreign thread or in the loop. */
    enum End {
        ON_NEXT((stage, items) -> stage.subscriber().onNext("item")),
        ON_COMPLETE((stage, items) -> stage.subscriber().onComplete()),
        ON_ERROR((stage, items) -> stage.subscriber().onError(new IOException("on purpose"))),
        CLOSE((stage, items) -> items.close());

        @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
        final BiConsumer<Stage, PublishedItems<String>> call;

        End(BiConsumer<Stage, PublishedItems<String>> call) {
            this.call = call;
        }
    }

    private static String read(PublishedItems<String> items) {
        try {
            return items.hasNext() ? items.next() : "the end";
        } catch (CompletionException e) {
            return String.valueOf(e.getCause());
        }
    }

    private static String expected(End end) {
        return switch (end) {
            case ON_NEXT -> "item";
            case ON_ERROR -> "java.io.IOException: on purpose";
            case ON_COMPLETE, CLOSE -> "the end";
        };
    }

    @ParameterizedTest
    @EnumSource
    void aReaderThatWaitsIsWokenFromAnotherThread(End end) {
        var stage = new Stage();
        String read = EventLoop.run(() -> {
            PublishedItems<String> items = Bridge.iterate(stage);
            Task<String> reader = createTask(() -> read(items));
            yieldNow(); // the reader waits
            Thread.ofVirtual().start(() -> end.call.accept(stage, items));
            return await(reader);
        });

        assertThat(read).isEqualTo(expected(end));
    }

    @ParameterizedTest
    @EnumSource
    void aReaderThatWaitsIsWokenFromItsLoop(End end) {
        var stage = new Stage();
        String read = EventLoop.run(() -> {
            PublishedItems<String> items = Bridge.iterate(stage);
            Task<String> reader = createTask(() -> read(items));
            yieldNow(); // the reader waits
            end.call.accept(stage, items);
            return await(reader);
        });

        assertThat(read).isEqualTo(expected(end));
        assertThat(stage.heard.contains("cancel"))
                .isEqualTo(end == End.CLOSE || end == End.ON_NEXT); // by the loop's end
    }

    @Test
    void itemsAreAskedForWhenHalfOfTheRoomIsFree() {
        var stage = new Stage();
        EventLoop.run(() -> {
            PublishedItems<String> items = Bridge.iterate(stage);
            Task<String> reader = createTask(() -> read(items));
            for (int i = 0; i < 32; i++) {
                stage.subscriber().onNext("item");
            }
            await(reader);
            for (int i = 1; i < 15; i++) {
                read(items);
            }
            assertThat(stage.heard).containsExactly("request 32");
            read(items);
            assertThat(stage.heard).containsExactly("request 32", "request 16");
        });
    }

    @Test
    void aSecondSubscriptionIsCancelledAndTheFirstGoesOn() {
        var stage = new Stage();
        var second = new Stage();
        EventLoop.run(() -> {
            PublishedItems<String> items = Bridge.iterate(stage);
            stage.subscriber().onSubscribe(second);
            stage.subscriber().onNext("item");

            assertThat(read(items)).isEqualTo("item");
            assertThat(second.heard).containsExactly("cancel");
            assertThat(stage.heard).containsExactly("request 32");
        });
    }

    /** Each call of a publisher that reactive streams forbid: rule 2.13. */
    enum Null {
        ON_NEXT {
            @Override
            @SuppressWarnings("NullAway") // on purpose
            void call(Flow.Subscriber<? super String> subscriber) {
                subscriber.onNext(null);
            }
        },
        ON_ERROR {
            @Override
            @SuppressWarnings("NullAway") // on purpose
            void call(Flow.Subscriber<? super String> subscriber) {
                subscriber.onError(null);
            }
        };

        abstract void call(Flow.Subscriber<? super String> subscriber);
    }

    @ParameterizedTest
    @EnumSource
    void nullFromAPublisherIsRefusedAndIsNoEndForTheReader(Null method) {
        var stage = new Stage();
        EventLoop.run(() -> {
            PublishedItems<String> items = Bridge.iterate(stage);
            stage.subscriber().onNext("item");
            assertThatThrownBy(() -> method.call(stage.subscriber())).isInstanceOf(NullPointerException.class);

            assertThat(items.next()).isEqualTo("item");
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(items::hasNext)
                        .isInstanceOf(NullPointerException.class)
                        .hasMessageContaining("rule 2.13")
                        .hasMessageContaining("(null)");
            }
            assertThat(stage.heard).contains("cancel");
        });
    }

    @Test
    @SuppressWarnings("NullAway") // on purpose
    void aNullSubscriptionIsRefusedAndARealOneIsTaken() {
        var stage = new Stage();
        EventLoop.run(() -> {
            PublishedItems<String> items = Bridge.iterate(subscriber -> {
                assertThatThrownBy(() -> subscriber.onSubscribe(null)).isInstanceOf(NullPointerException.class);
                stage.subscribe(subscriber);
            });
            stage.subscriber().onNext("item");

            assertThat(read(items)).isEqualTo("item");
        });
    }

    @Test
    void aFailureStaysAFailureHoweverOftenItIsAskedFor() {
        var stage = new Stage();
        EventLoop.run(() -> {
            PublishedItems<String> items = Bridge.iterate(stage);
            stage.subscriber().onError(new IllegalStateException("on purpose"));
            stage.subscriber().onComplete();

            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(items::hasNext).isInstanceOf(IllegalStateException.class);
                assertThatThrownBy(items::next).isInstanceOf(IllegalStateException.class);
            }
        });
    }
}
