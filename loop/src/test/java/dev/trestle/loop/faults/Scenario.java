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
import dev.trestle.loop.LoopBarrier;
import dev.trestle.loop.LoopClock;
import dev.trestle.loop.LoopCondition;
import dev.trestle.loop.LoopEvent;
import dev.trestle.loop.LoopFuture;
import dev.trestle.loop.LoopLock;
import dev.trestle.loop.LoopPromise;
import dev.trestle.loop.LoopQueue;
import dev.trestle.loop.LoopSemaphore;
import dev.trestle.loop.Task;
import dev.trestle.loop.TaskGroup;
import dev.trestle.loop.TaskOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Coroutines that use everything, and foreign threads that bring what they wait for. Each operation may fail; then its
 * coroutine goes on with the next. No operation waits for another coroutine's, so all of them end, however many fail.
 * Loaded by a {@link FaultLoader}; its result is empty, or says what has not ended.
 */
public final class Scenario implements Callable<String> {

    private static final long LIMIT_SECONDS = 20;

    /** The time that a coroutine waits for another coroutine, whose part may have failed. */
    private static final Duration LIMIT = ofMillis(1);

    private static final AtomicInteger runs = new AtomicInteger();

    private final List<LoopFuture<?>> futures = Collections.synchronizedList(new ArrayList<>());
    private final List<String> reports = Collections.synchronizedList(new ArrayList<>());
    private final List<Thread> foreign = Collections.synchronizedList(new ArrayList<>());
    private volatile boolean mainHasEnded;

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
        Faults.disarm();
        if (!inTime) {
            return "the loop does not end: " + loop + "\n" + loop.taskGraph() + stacks() + stack(runner);
        }
        for (Thread each : foreign) {
            if (!each.join(ofSeconds(LIMIT_SECONDS))) {
                return "a thread that brings an outcome does not end: " + each + " is " + each.getState();
            }
        }
        reports.clear();
        var closed = new CountDownLatch(1);
        var failure = new AtomicReference<@Nullable Throwable>();
        Thread closer = Thread.ofPlatform().daemon().start(() -> {
            try {
                loop.close(ofSeconds(1));
            } catch (Throwable e) {
                failure.set(e);
            }
            closed.countDown();
        });
        if (!closed.await(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            return "close does not return" + stack(closer);
        }
        return futures.stream()
                .filter(each -> !each.isDone())
                .map(each -> "not done after close: " + each + "; close has thrown " + failure + " and reported "
                        + reports + "\n")
                .collect(Collectors.joining());
    }

    private EventLoop newLoop() {
        while (true) {
            try {
                var loop = runs.incrementAndGet() % 2 == 0 ? new EventLoop() : new EventLoop(new HostileClock());
                loop.setExceptionHandler((_, context) -> reports.add(context.message()));
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

    private String stacks() {
        var text = new StringBuilder();
        for (LoopFuture<?> each : List.copyOf(futures)) {
            if (!each.isDone()) {
                text.append("\nnot done: ").append(each);
                if (each instanceof Task<?> task) {
                    task.stack().forEach(frame -> text.append("\n    at ").append(frame));
                }
            }
        }
        return text.toString();
    }

    /** Runs the loop until the coroutines have ended, again if the run itself fails or has not begun. */
    private void run(EventLoop loop) {
        while (true) {
            try {
                loop.runUntilComplete(this::main);
                return;
            } catch (Throwable e) {
                if (mainHasEnded && futures.stream().noneMatch(each -> !each.isDone())) {
                    return;
                }
            }
        }
    }

    private void main() {
        EventLoop loop = EventLoop.getRunningLoop();
        shareThreads();
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
        mainHasEnded = true;
    }

    /** Tasks that run on one thread, if {@code java.lang} is opened: on top of each other, and one after the other. */
    private void shareThreads() {
        attempt(() -> awaitTask(createTask(() -> 1)));
        attempt(() -> awaitTask(createTask(() -> {
            attempt(() -> awaitTask(createTask(() -> yieldNow())));
            attempt(() -> blocking(() -> 1));
            attempt(() -> awaitTask(createTask(() -> {
                throw new HostileException();
            })));
        })));
        for (int i = 0; i < 3; i++) {
            attempt(() -> note(createTask(() -> 1)));
        }
        attempt(() -> awaitTask(createTask(() -> yieldNow())));
    }

    private void awaitTask(Task<?> task) {
        await(note(task));
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
            Task<?> eager = note(createTask(() -> yieldNow(), new TaskOptions().withEagerStart(true)));
            await(shield(eager));
        });
        meetings.forEach(meeting -> attempt(meeting));
        attempt(() -> hostile(loop));
        attempt(() -> {
            Task<?> task = note(createTask(() -> sleep(Duration.ofHours(1))));
            attempt(() -> yieldNow());
            while (!task.isDone()) {
                attempt(task::cancel);
                attempt(() -> yieldNow());
            }
        });
    }

    private final LoopLock lock = new LoopLock();
    private final LoopSemaphore semaphore = new LoopSemaphore(1);
    private final LoopCondition condition = new LoopCondition();
    private final LoopEvent event = new LoopEvent();
    private final LoopBarrier barrier = new LoopBarrier(2);
    private final LoopQueue<Item> queue = LoopQueue.priority(1);

    /**
     * A meeting point of coroutines. A coroutine waits with a limit only where the other's part may fail before it
     * begins.
     */
    private final List<Action> meetings = List.of(
            () -> {
                lock.acquire();
                try {
                    attempt(() -> yieldNow());
                } finally {
                    untilItWorks(lock::isLocked, lock::release);
                }
            },
            () -> {
                semaphore.acquire();
                try {
                    attempt(() -> yieldNow());
                } finally {
                    untilItWorks(() -> true, semaphore::release);
                }
            },
            () -> {
                condition.acquire();
                try {
                    condition.signal();
                    timeout(LIMIT, () -> condition.await());
                } finally {
                    untilItWorks(condition::isLocked, condition::release);
                }
            },
            () -> {
                event.clear();
                createTask(() -> event.set());
                timeout(LIMIT, () -> event.await());
            },
            () -> timeout(LIMIT, () -> barrier.await()),
            () -> barrier.reset(),
            () -> {
                timeout(LIMIT, () -> queue.put(new Item(1)));
                timeout(LIMIT, () -> queue.get());
            },
            () -> queue.tryPut(new Item(2)),
            () -> queue.tryGet());

    /** Repeats a step that other coroutines depend on, until the step succeeds. */
    private static void untilItWorks(BooleanSupplier owed, Runnable step) {
        while (true) {
            try {
                if (owed.getAsBoolean()) {
                    step.run();
                }
                return;
            } catch (Throwable e) {
                Thread.onSpinWait(); // injected
            }
        }
    }

    /** Code of the user's that the loop calls, and that fails in places. */
    private void hostile(EventLoop loop) {
        attempt(() -> {
            LoopFuture<Integer> future = note(loop.createFuture());
            attempt(() -> future.addDoneCallback(new HostileCallback()));
            attempt(() -> future.removeDoneCallback(new HostileCallback()));
            while (!future.isDone()) {
                attempt(() -> future.setException(new HostileException()));
            }
            await(future);
        });
        attempt(() -> await(note(createTask(() -> {
            throw new HostileException();
        }))));
        loop.callSoon(new Runnable() {
            @Override
            public void run() {
                Faults.atUsers();
                throw new HostileException();
            }

            @Override
            public String toString() {
                throw new HostileException();
            }
        });
    }

    /** The machine's clock, which fails now and then. */
    private static final class HostileClock implements LoopClock {
        private final AtomicInteger asked = new AtomicInteger();

        @Override
        public long nanos() {
            Faults.atUsers();
            if (asked.incrementAndGet() % 5 == 0) {
                throw new HostileException();
            }
            return System.nanoTime();
        }

        @Override
        public boolean jumpTo(long nanos) {
            return false;
        }
    }

    private record Item(int rank) implements Comparable<Item> {
        @Override
        public int compareTo(Item other) {
            Faults.atUsers();
            return Integer.compare(rank, other.rank);
        }
    }

    @SuppressWarnings("ThrowableEqualsHashCode") // as a user's may do
    private static final class HostileException extends RuntimeException {
        private static final long serialVersionUID = 1;

        @Override
        public String getMessage() {
            throw new IllegalStateException("no message");
        }

        @Override
        public String toString() {
            throw new IllegalStateException("no text");
        }

        @Override
        public boolean equals(@Nullable Object other) {
            throw new IllegalStateException("no equals");
        }

        @Override
        public int hashCode() {
            throw new IllegalStateException("no hash code");
        }
    }

    private static final class HostileCallback implements Consumer<LoopFuture<Integer>> {
        @Override
        public void accept(LoopFuture<Integer> future) {
            Faults.atUsers();
        }

        @Override
        public boolean equals(@Nullable Object other) {
            throw new HostileException();
        }

        @Override
        public int hashCode() {
            throw new HostileException();
        }
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
