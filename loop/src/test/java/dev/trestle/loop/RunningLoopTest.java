package dev.trestle.loop;

import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.yieldNow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The running loop of a thread, on threads of every kind, while other loops run. */
@Timeout(30)
class RunningLoopTest {

    private static final ContextVar<String> name = new ContextVar<>("name", "none");

    private static void assertThatNoneRuns() {
        assertThatThrownBy(EventLoop::getRunningLoop).isInstanceOf(IllegalStateException.class);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aCoroutineWhoseThreadHasAnotherHandlerIsOfItsLoop(boolean parks) {
        EventLoop.run(() -> {
            EventLoop mine = EventLoop.getRunningLoop();
            name.set("mine");
            Thread.currentThread().setUncaughtExceptionHandler((_, _) -> {});
            if (parks) {
                yieldNow();
            }
            assertThat(EventLoop.getRunningLoop()).isSameAs(mine);
            assertThat(name.get()).isEqualTo("mine");
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aThreadThatDrivesALoopIsOfThatLoopDuringEachTurn(boolean hasAHandler) throws InterruptedException {
        List<Object> seen = new ArrayList<>();
        Thread driver = Thread.ofVirtual().unstarted(() -> {
            try (var loop = new EventLoop()) {
                for (int turn = 0; turn < 3; turn++) {
                    assertThatNoneRuns();
                    loop.callSoon(() -> seen.add(EventLoop.getRunningLoop() == loop));
                    loop.runOnce();
                }
                assertThatNoneRuns();
            } catch (Throwable e) {
                seen.add(e);
            }
        });
        if (hasAHandler) {
            driver.setUncaughtExceptionHandler((_, _) -> {});
        }
        driver.start();
        driver.join();

        assertThat(seen).containsExactly(true, true, true);
    }

    @Test
    void loopDrivenInABlockingCallIsNotTheCoroutines() {
        EventLoop.run(() -> {
            EventLoop outer = EventLoop.getRunningLoop();
            List<Object> seen = new ArrayList<>();
            blocking(() -> {
                try (var inner = new EventLoop()) {
                    inner.callSoon(() -> seen.add(EventLoop.getRunningLoop() == inner));
                    inner.runOnce();
                }
            });
            assertThat(seen).containsExactly(true);
            assertThat(EventLoop.getRunningLoop()).isSameAs(outer);
        });
    }

    @Test
    void nothingOfALoopIsKeptForTheThreadThatDroveIt() {
        for (UnaryOperator<EventLoop> run :
                List.<UnaryOperator<EventLoop>>of(RunningLoopTest::once, RunningLoopTest::failing)) {
            try (var loop = new EventLoop()) {
                assertThat(run.apply(loop)).isSameAs(loop);
                assertThatNoneRuns();
            }
        }
        assertThat(Baton.drivenElsewhere()).doesNotContainKey(Thread.currentThread());
    }

    private static EventLoop once(EventLoop loop) {
        loop.runOnce();
        return loop;
    }

    private static EventLoop failing(EventLoop loop) {
        loop.setExceptionHandler((_, _) -> {
            throw new IllegalStateException("of a handler");
        });
        loop.callSoon(() -> {
            throw new IllegalStateException("of a callback");
        });
        loop.runOnce();
        return loop;
    }
}
