package dev.trestle.loop.faults;

import static dev.trestle.loop.Async.asCompleted;
import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.shield;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.timeout;
import static dev.trestle.loop.Async.waitUntil;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofNanos;
import static java.time.Duration.ofSeconds;

import dev.trestle.api.ReturnWhen;
import dev.trestle.loop.Action;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import dev.trestle.loop.LoopPromise;
import dev.trestle.loop.Task;
import dev.trestle.loop.TaskGroup;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Coroutines that use everything, and foreign threads that bring what they wait for. Each operation may fail; then its
 * coroutine goes on with the next. No operation waits for another coroutine's, so all of them end, however many fail.
 * Loaded by a {@link FaultLoader}; its result is empty, or says what has not ended.
 */
public final class Scenario implements Callable<String> {

    private static final long LIMIT_SECONDS = 20;

    private final List<LoopFuture<?>> futures = Collections.synchronizedList(new ArrayList<>());
    private final List<Thread> foreign = Collections.synchronizedList(new ArrayList<>());

    /** Called through the class loader. */
    public Scenario() {}

    @Override
    public String call() throws Exception {
        EventLoop loop = newLoop();
        var ended = new CountDownLatch(1);
        Thread runner = Thread.ofPlatform().daemon().start(() -> {
            run(loop);
            ended.countDown();
        });
        boolean inTime = ended.await(LIMIT_SECONDS, TimeUnit.SECONDS);
        String left = inTime ? "" : "the loop does not end: " + left(loop) + stack(runner);
        Faults.disarm();
        if (!inTime) {
            return left;
        }
        for (Thread each : foreign) {
            each.join();
        }
        var closed = new CountDownLatch(1);
        Thread closer = Thread.ofPlatform().daemon().start(() -> {
            attempt(() -> loop.close(ofSeconds(1)));
            closed.countDown();
        });
        if (!closed.await(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            return "close does not return" + stack(closer);
        }
        return futures.stream()
                .filter(each -> !each.isDone())
                .map(each -> "not done after close: " + each + "\n")
                .collect(Collectors.joining());
    }

    private static EventLoop newLoop() {
        while (true) {
            try {
                var loop = new EventLoop();
                loop.setExceptionHandler((_, _) -> {});
                return loop;
            } catch (Throwable e) {
                Thread.onSpinWait(); // injected
            }
        }
    }

    private static String stack(Thread thread) {
        var text = new StringBuilder();
        for (StackTraceElement frame : thread.getStackTrace()) {
            text.append("\n    at ").append(frame);
        }
        return text.toString();
    }

    private String left(EventLoop loop) {
        return loop + "\n" + loop.taskGraph();
    }

    /** Runs the loop until the coroutines have ended, again if the run itself fails. */
    private void run(EventLoop loop) {
        while (true) {
            try {
                loop.runUntilComplete(this::main);
                return;
            } catch (Throwable e) {
                if (futures.stream().noneMatch(each -> !each.isDone())) {
                    return;
                }
            }
        }
    }

    private void main() {
        EventLoop loop = EventLoop.getRunningLoop();
        var tasks = new ArrayList<Task<?>>();
        for (int i = 0; i < 3; i++) {
            attempt(() -> tasks.add(note(createTask(() -> live(loop)))));
        }
        live(loop);
        for (Task<?> each : tasks) {
            while (!each.isDone()) {
                attempt(() -> await(shield(each)));
            }
        }
    }

    private <F extends LoopFuture<?>> F note(F future) {
        futures.add(future);
        return future;
    }

    private static void attempt(Action action) {
        try {
            action.run();
        } catch (Throwable e) {
            // injected, or what follows from that
        }
    }

    private void live(EventLoop loop) {
        attempt(() -> yieldNow());
        attempt(() -> sleep(ofNanos(1_000)));
        attempt(() -> await(promised(loop, Outcome.RESULT)));
        attempt(() -> await(promised(loop, Outcome.EXCEPTION)));
        attempt(() -> await(promised(loop, Outcome.CANCELLATION)));
        attempt(() -> await(gather(note(createTask(() -> yieldNow())), promised(loop, Outcome.RESULT))));
        attempt(() -> waitUntil(
                ReturnWhen.FIRST_COMPLETED,
                List.of(promised(loop, Outcome.RESULT), note(createTask(() -> yieldNow())))));
        attempt(() -> asCompleted(List.of(promised(loop, Outcome.RESULT), note(createTask(() -> yieldNow()))))
                .forEach(each -> {}));
        attempt(() -> timeout(ofMillis(1), () -> await(loop.createFuture())));
        attempt(() -> timeout(ofSeconds(1), () -> yieldNow()));
        attempt(() -> blocking(() -> 1));
        attempt(() -> TaskGroup.run(group -> {
            note(group.createTask(() -> yieldNow()));
            note(group.createTask(() -> sleep(ofNanos(1))));
        }));
        attempt(() -> {
            Task<?> task = note(createTask(() -> sleep(Duration.ofHours(1))));
            yieldNow();
            while (!task.isDone()) {
                attempt(task::cancel);
                attempt(() -> yieldNow());
            }
        });
    }

    private enum Outcome {
        RESULT,
        EXCEPTION,
        CANCELLATION
    }

    private LoopFuture<Integer> promised(EventLoop loop, Outcome outcome) {
        var promise = new LoopPromise<Integer>(loop, () -> {});
        foreign.add(Thread.ofVirtual().start(() -> {
            while (true) {
                try {
                    boolean _ = switch (outcome) {
                        case RESULT -> promise.trySetResult(1);
                        case EXCEPTION -> promise.trySetException(new IllegalStateException("on purpose"));
                        case CANCELLATION -> promise.tryCancel();
                    };
                    return;
                } catch (Throwable e) {
                    Thread.onSpinWait(); // nothing was sent, says the Javadoc
                }
            }
        }));
        return note(promise.future());
    }
}
