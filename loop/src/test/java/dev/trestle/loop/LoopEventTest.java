package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.yieldNow;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An event releases all waiting coroutines together. */
@Timeout(30)
class LoopEventTest {

    private final List<String> trail = new ArrayList<>();
    private final LoopEvent event = new LoopEvent();

    private void waitFor(String name) {
        event.await();
        trail.add(name);
    }

    @Test
    void anEventLetsAllGoOnInOrderEvenIfItIsClearedAtOnce() {
        EventLoop.run(() -> {
            Task<?> a = createTask(() -> waitFor("a"));
            Task<?> b = createTask(() -> waitFor("b"));
            yieldNow();
            assertThat(trail).isEmpty();
            assertThat(event).hasToString("LoopEvent[not set, waiting=2]");
            event.set();
            event.clear();
            await(gather(a, b));
            assertThat(event.isSet()).isFalse();
        });

        assertThat(trail).containsExactly("a", "b");
    }

    @Test
    void awaitingASetEventDoesNotSuspend() {
        event.set();
        EventLoop.run(() -> {
            createTask(() -> trail.add("another task"));
            waitFor("did not wait");
            yieldNow();
        });

        assertThat(trail).containsExactly("did not wait", "another task");
    }

    @Test
    void aNewcomerAfterSetGoesOnBeforeTheWaiters() {
        EventLoop.run(() -> {
            Task<?> one = createTask(() -> waitFor("1"));
            Task<?> two = createTask(() -> waitFor("2"));
            yieldNow();
            event.set();
            event.set();
            waitFor("3");
            await(gather(one, two));
        });

        assertThat(trail).containsExactly("3", "1", "2");
    }

    @Test
    void aCancelledWaiterStaysAndTheOthersGoOn() {
        EventLoop.run(() -> {
            Task<?> before = createTask(() -> waitFor("before"));
            Task<?> after = createTask(() -> waitFor("after"));
            Task<?> other = createTask(() -> waitFor("other"));
            yieldNow();
            before.cancel();
            event.set();
            after.cancel();
            await(other);
            assertThat(before.isCancelled()).isTrue();
            assertThat(after.isCancelled()).isTrue();
            assertThat(event.waiting()).isZero();
        });

        assertThat(trail).containsExactly("other");
    }

    @Test
    void clearMakesLaterOnesWait() {
        event.set();
        event.clear();
        EventLoop.run(() -> {
            Task<?> waiting = createTask(() -> waitFor("waited"));
            yieldNow();
            yieldNow();
            assertThat(trail).isEmpty();
            event.set();
            await(waiting);
        });

        assertThat(trail).containsExactly("waited");
    }
}
