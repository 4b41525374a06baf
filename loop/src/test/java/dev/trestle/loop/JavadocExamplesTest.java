package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The examples of this module's Javadoc: its snippets are the regions of this file. They run in virtual time. */
@Timeout(30)
class JavadocExamplesTest extends InVirtualTime {

    // @start region="context-var"
    static final ContextVar<String> USER = new ContextVar<>("user", "nobody");
    // @end

    @Test
    void aProgramAwaitsTwoTasks() {
        new LoopOptions().withClock(clock).runAsDefaults(() -> {
            // @start region="run"
            int answer = EventLoop.run(() -> {
                Task<Integer> a = createTask(() -> {
                    sleep(ofMillis(20)); // lets other tasks run
                    return 40;
                });
                Task<Integer> b = createTask(() -> 2);
                return await(a) + await(b);
            });
            // @end
            assertThat(answer).isEqualTo(42);
        });
    }

    @Test
    void aGroupWaitsForItsTasks() {
        run(() -> {
            // @start region="group"
            TaskGroup.run(group -> {
                group.createTask(() -> fetch(1));
                group.createTask(() -> fetch(2));
            });
            // @end
            // @start region="group-call"
            Task<Integer> first = TaskGroup.call(group -> {
                group.createTask(() -> fetch(2));
                return group.createTask(() -> fetch(1));
            });
            // @end
            assertThat(await(requireNonNull(first))).isEqualTo(10);
        });
        assertThat(trail).containsExactly("fetched 1", "fetched 2", "fetched 2", "fetched 1");
    }

    @Test
    void aLockIsHeldAcrossAwaits() {
        run(() -> {
            var lock = new LoopLock();
            TaskGroup.run(group -> {
                for (int i = 1; i <= 2; i++) {
                    int number = i;
                    group.createTask(() -> {
                        // @start region="lock"
                        lock.acquire();
                        try {
                            trail.add("request " + number);
                            trail.add("answer " + fetch(number)); // awaits
                        } finally {
                            lock.release();
                        }
                        // @end
                    });
                }
            });
        });
        assertThat(trail).containsExactly("request 1", "fetched 1", "answer 10", "request 2", "fetched 2", "answer 20");
    }

    @Test
    void aConditionGuardsAStock() {
        run(() -> {
            var stock = new int[1];
            var condition = new LoopCondition();
            Task<?> customer = createTask(() -> {
                // @start region="condition"
                condition.acquire();
                try {
                    condition.waitFor(() -> stock[0] >= 3);
                    stock[0] -= 3;
                } finally {
                    condition.release();
                }
                // @end
            });
            yieldNow();
            condition.acquire();
            stock[0] = 5;
            condition.signalAll();
            condition.release();
            await(customer);
            assertThat(stock[0]).isEqualTo(2);
        });
    }

    @Test
    void aQueueFeedsAConsumer() {
        run(() -> {
            // @start region="queue"
            LoopQueue<String> orders = LoopQueue.fifo(100);
            Task<?> consumer = createTask(() -> {
                while (true) {
                    trail.add(orders.get());
                    orders.taskDone();
                }
            });
            orders.put("an order");
            orders.join(); // until all orders are done
            consumer.cancel();
            // @end
        });
        assertThat(trail).containsExactly("an order");
    }

    @Test
    void aTaskInheritsAContextVariable() {
        run(() -> {
            Task<?> task;
            // @start region="context"
            try (var _ = USER.set("ada")) {
                task = createTask(() -> trail.add(USER.get() + " asks")); // sees "ada", whatever is set later
            }
            // @end
            await(task);
        });
        assertThat(trail).containsExactly("ada asks");
    }

    @Test
    void aRunnerRunsSeveralCoroutinesInOneLoop() {
        new LoopOptions().withClock(clock).runAsDefaults(() -> {
            // @start region="runner"
            try (var runner = new Runner()) {
                int connection = runner.run(() -> fetch(1));
                runner.run(() -> fetch(connection)); // in the same loop
            }
            // @end
        });
        assertThat(trail).containsExactly("fetched 1", "fetched 10");
    }

    @Test
    void aPromiseBringsTheAnswerOfAnotherThread() {
        run(() -> {
            var request = new Request();
            EventLoop loop = EventLoop.getRunningLoop();
            // @start region="promise"
            var answer = new LoopPromise<String>(loop, request::abort);
            request.onAnswer(answer::trySetResult); // called on a thread of the client's
            String text = await(answer.future());
            // @end
            assertThat(text).isEqualTo("an answer");
        });
    }

    private int fetch(int number) {
        sleep(ofSeconds(1));
        trail.add("fetched " + number);
        return 10 * number;
    }

    /** A client that answers on a thread of its own. */
    private static final class Request {
        void abort() {}

        void onAnswer(Consumer<String> callback) {
            Thread.ofVirtual().start(() -> callback.accept("an answer"));
        }
    }
}
