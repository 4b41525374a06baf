package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A warning names loops that a program has left with suspended coroutines: they are never garbage. */
@Timeout(30)
class UnclosedLoopTest {

    private final List<String> warnings = new CopyOnWriteArrayList<>();
    private final List<EventLoop> loops = new ArrayList<>();

    @AutoClose
    @SuppressWarnings("UnusedVariable") // JUnit closes it
    private final LoopLog log = new LoopLog(message -> {
        if (message.contains("neither running nor closed")) {
            warnings.add(message);
        }
    });

    @AfterEach
    void closeAll() {
        loops.forEach(EventLoop::close);
    }

    private static EventLoop suspended() {
        var loop = new EventLoop(new VirtualClock());
        LoopFuture<String> never = loop.createFuture();
        loop.runUntilComplete(() -> {
            createTask(() -> await(never), "waits forever");
            yieldNow();
        });
        return loop;
    }

    @Test
    void theHundredthUnclosedLoopWithSuspendedCoroutinesIsLogged() {
        EventLoop loop = suspended();
        loops.add(loop);
        var unclosed = new UnclosedLoops();
        for (int i = 1; i < UnclosedLoops.FIRST_WARNING; i++) {
            unclosed.add(loop);
        }
        unclosed.remove();
        unclosed.add(loop);
        assertThat(warnings).isEmpty();
        unclosed.add(loop);

        assertThat(warnings)
                .hasSize(1)
                .first()
                .asString()
                .startsWith(
                        "100 event loops have tasks that are not done, and are neither running nor closed. The last of"
                                + " them is " + loop
                                + ", with Task[waits forever] (created at dev.trestle.loop.UnclosedLoopTest.")
                .endsWith("Call close(), or use EventLoop.run(...) or try (var runner = new Runner()).");
        for (int i = 0; i < UnclosedLoops.FIRST_WARNING; i++) {
            unclosed.add(loop);
        }
        assertThat(warnings).as("the next one at 1000").hasSize(1);
    }

    @Test
    void loopsThatRunAgainOrAreClosedAreNotLogged() {
        for (int i = 0; i < UnclosedLoops.FIRST_WARNING + 10; i++) {
            EventLoop loop = suspended();
            loop.runUntilComplete(() -> yieldNow());
            if (i % 2 == 0) {
                loop.closeWithLoop(() -> loop.runUntilComplete(() -> {
                    createTask(() -> Async.sleep(ofHours(1)));
                }));
                loop.close();
            } else {
                loop.allTasks().forEach(Task::cancel);
                loop.runUntilComplete(() -> yieldNow());
                loops.add(loop);
            }
        }
        assertThat(warnings).isEmpty();
    }

    @Test
    void loopsThatAreDroppedWithSuspendedCoroutinesAreLogged() {
        for (int i = 0; i < UnclosedLoops.FIRST_WARNING; i++) {
            loops.add(suspended());
        }
        assertThat(warnings).hasSize(1);
    }

    /** Nothing holds it: no coroutine has a stack. */
    @Test
    void anUnclosedLoopWithoutCoroutinesIsCollected() {
        var garbage = new Garbage();
        for (int i = 0; i < 6; i++) {
            EventLoop loop = garbage.expect(new EventLoop(new VirtualClock()));
            loop.runUntilComplete(() -> yieldNow());
            loop.createTask(() -> yieldNow());
        }
        garbage.collectAllBut(1);
    }
}
