package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.yieldNow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Locks and events. */
@Timeout(30)
class LoopLockTest {

    private final List<String> trail = new ArrayList<>();

    @Test
    void aLockKeepsOthersOutAcrossAnAwait() {
        var lock = new LoopLock();
        EventLoop.run(() -> await(gather(createTask(() -> inside(lock, "a")), createTask(() -> inside(lock, "b")))));

        assertThat(trail).containsExactly("a in", "a out", "b in", "b out");
        assertThat(lock).hasToString("LoopLock[free, waiting=0]");
    }

    private void inside(LoopLock lock, String name) {
        lock.acquire();
        try {
            trail.add(name + " in");
            yieldNow();
            trail.add(name + " out");
        } finally {
            lock.release();
        }
    }

    @Test
    void aLockThatNobodyHasIsNotReleased() {
        assertThatThrownBy(() -> new LoopLock().release())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("nobody has acquired it");
    }

    @Test
    void nobodyOvertakesWhoWasWoken() {
        var lock = new LoopLock();
        EventLoop.run(() -> {
            lock.acquire();
            Task<?> woken = createTask(() -> inside(lock, "woken"));
            yieldNow();
            lock.release();
            inside(lock, "late");
            await(woken);
        });

        assertThat(trail).containsExactly("woken in", "woken out", "late in", "late out");
    }

    @Test
    void aLockForWhichSomebodyWasWokenAndCancelledGoesToTheNext() {
        var lock = new LoopLock();
        EventLoop.run(() -> {
            lock.acquire();
            Task<?> cancelled = createTask(() -> inside(lock, "cancelled"));
            Task<?> next = createTask(() -> inside(lock, "next"));
            yieldNow();
            lock.release();
            cancelled.cancel();
            await(next);
            assertThat(cancelled.isCancelled()).isTrue();
        });

        assertThat(trail).containsExactly("next in", "next out");
    }

    /** As in asyncio: who is cancelled wakes the next, and takes a turn for it. */
    @Test
    void aLockThatIsReleasedToSomebodyWhoWasCancelledTakesATurnMore() {
        var lock = new LoopLock();
        EventLoop.run(() -> {
            lock.acquire();
            Task<?> cancelled = createTask(() -> inside(lock, "cancelled"));
            Task<?> next = createTask(() -> inside(lock, "next"));
            yieldNow();
            cancelled.cancel();
            lock.release();
            yieldNow();
            trail.add("a turn later");
            await(next);
        });

        assertThat(trail).containsExactly("a turn later", "next in", "next out");
    }

    @Test
    void anEventLetsAllGoOnInOrderEvenIfItIsClearedAtOnce() {
        var event = new LoopEvent();
        EventLoop.run(() -> {
            Task<?> a = createTask(() -> waitFor(event, "a"));
            Task<?> b = createTask(() -> waitFor(event, "b"));
            Task<?> cancelled = createTask(() -> waitFor(event, "cancelled"));
            yieldNow();
            assertThat(trail).isEmpty();
            cancelled.cancel();
            event.set();
            event.clear();
            await(gather(a, b));
            assertThat(event.isSet()).isFalse();
            event.set();
            event.await();
        });

        assertThat(trail).containsExactly("a", "b");
        assertThat(event).hasToString("LoopEvent[set, waiting=0]");
    }

    private void waitFor(LoopEvent event, String name) {
        event.await();
        trail.add(name);
    }
}
