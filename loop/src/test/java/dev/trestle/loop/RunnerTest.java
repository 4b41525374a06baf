package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Several runs, one loop, one context. */
@Timeout(30)
class RunnerTest {

    private static final ContextVar<String> USER = new ContextVar<>("user", "nobody");

    @AutoClose
    private final Runner runner = new Runner(new LoopOptions().withClock(new VirtualClock()));

    private final List<String> trail = new ArrayList<>();

    @Test
    void allRunsShareOneLoopAndItsTasks() {
        Task<String> left = runner.run(() -> createTask(() -> {
            sleep(ofSeconds(1));
            return "from the first run";
        }));

        assertThat(left.isDone()).isFalse();
        assertThat(runner.<String>run(() -> await(left))).isEqualTo("from the first run");
        assertThat(left.loop()).isSameAs(runner.loop());
    }

    @Test
    void valuesThatARunSetsAreSeenByTheNextOne() {
        runner.run(() -> {
            USER.set("ada");
        });
        assertThat(runner.<String>run(() -> USER.get())).isEqualTo("ada");
        assertThat(runner.<String>run(() -> USER.get(), new Context())).isEqualTo("nobody");
        assertThat(USER.get()).isEqualTo("nobody");
    }

    @Test
    void closingCancelsWhatIsLeftOnce() {
        runner.run(() -> {
            createTask(() -> {
                try {
                    sleep(ofSeconds(1));
                } finally {
                    trail.add("cleaned up");
                }
            });
            yieldNow();
        });
        EventLoop loop = runner.loop();
        runner.close();
        runner.close();

        assertThat(trail).containsExactly("cleaned up");
        assertThat(loop.isClosed()).isTrue();
    }

    @Test
    void aRunnerWithoutARunClosesWithoutALoop() {
        assertThat(runner).hasToString("Runner[no loop yet]");
        runner.close();
        assertThat(runner).hasToString("Runner[closed]");
    }

    @Test
    void aClosedRunnerSaysSo() {
        runner.close();
        assertThatThrownBy(() -> runner.run(() -> {}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("Runner[closed] is closed; create another one");
        assertThatThrownBy(runner::loop).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aRunInsideALoopIsRefusedAndTheLoopGoesOn() {
        String message = runner.run(() -> {
            try (var inner = new Runner()) {
                inner.run(() -> {});
                return "not refused";
            } catch (IllegalStateException e) {
                return e.getMessage();
            }
        });
        assertThat(message)
                .startsWith("Runner.run cannot be called while EventLoop[")
                .endsWith("In a coroutine, call the method itself, or await(createTask(...)).");
    }

    @Test
    void aFailureAndACancellationComeOutAsTheyAre() {
        assertThatThrownBy(() -> runner.run(() -> {
                    throw new IllegalArgumentException("boom");
                }))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("boom");
        assertThatThrownBy(() -> runner.run(() -> {
                    Async.currentTask().cancel("by itself");
                    yieldNow();
                }))
                .isInstanceOf(CancelledError.class)
                .hasMessage("by itself");
        assertThat(runner.<Integer>run(() -> 42)).isEqualTo(42);
    }
}
