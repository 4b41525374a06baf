package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.currentTask;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.trestle.contract.Baggage;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Tasks that begin on a thread that is there, with {@code java.lang} opened: on their awaiter's stack, or after another
 * task. Neither sees anything of the other's. Without that, each task has a thread of its own, and the same holds.
 */
@Timeout(60)
class SharedThreadTest {

    private static final boolean OPENED =
            Object.class.getModule().isOpen("java.lang", SharedThreadTest.class.getModule());

    private static final ThreadLocal<@Nullable String> local = new ThreadLocal<>();
    private static final InheritableThreadLocal<@Nullable String> inheritable = new InheritableThreadLocal<>();
    private static final ScopedValue<String> scoped = ScopedValue.newInstance();
    private static final ScopedValue<String> otherScoped = ScopedValue.newInstance();

    private final List<Object> trail = new ArrayList<>();

    /** In virtual time: a coroutine that sleeps lets all others go on as far as they can. */
    private final EventLoop loop = new EventLoop(new VirtualClock());

    @AfterEach
    void close() {
        loop.close();
    }

    private static void letAllGoOn() {
        sleep(ofSeconds(1));
    }

    private static void assertOnOneThread(Task<?> inner, Task<?> outer) {
        assertThat(inner.thread() == outer.thread()).isEqualTo(OPENED);
    }

    private static Task<Thread> threadOf() {
        return createTask(() -> Thread.currentThread());
    }

    // Tasks that share a thread

    @Test
    void taskAwaitedBeforeItBeginsRunsOnItsAwaitersThread() {
        EventLoop.run(() -> {
            Thread inner = await(threadOf());
            assertThat(inner == Thread.currentThread()).isEqualTo(OPENED);
        });
    }

    @Test
    void aTaskThatIsNotTheVeryNextHasAThreadOfItsOwn() {
        EventLoop.run(() -> {
            Task<Thread> first = threadOf();
            Task<Thread> second = threadOf();
            assertThat(await(second)).isNotSameAs(Thread.currentThread());
            assertThat(await(first)).isNotSameAs(Thread.currentThread());
        });
    }

    @Test
    void aThreadWhoseTaskHasEndedRunsTheNextTask() {
        EventLoop.run(() -> {
            List<Task<Thread>> all = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                all.add(threadOf());
            }
            yieldNow();
            Set<Thread> threads = new HashSet<>();
            for (Task<Thread> each : all) {
                threads.add(await(each));
            }
            assertThat(threads).hasSize(OPENED ? 1 : 100);
        });
    }

    /** Settings with which a program asks for a thread per task. */
    enum Setting {
        TASK_FACTORY {
            @Override
            EventLoop loop() {
                var loop = new EventLoop();
                loop.setTaskFactory(TaskFactory.standard());
                return loop;
            }
        },
        DEBUG_MODE {
            @Override
            EventLoop loop() {
                var loop = new EventLoop();
                loop.setDebug(true);
                return loop;
            }
        },
        SHUFFLE {
            @Override
            EventLoop loop() {
                return new EventLoop(new LoopOptions().withShuffle(1));
            }
        };

        abstract EventLoop loop();
    }

    @ParameterizedTest
    @EnumSource
    void eachTaskHasAThreadOfItsOwnWithASettingThatLooksAtTasks(Setting setting) {
        try (EventLoop loop = setting.loop()) {
            loop.runUntilComplete(() -> {
                assertThat(await(threadOf())).isNotSameAs(Thread.currentThread());
                Task<Thread> first = threadOf();
                Task<Thread> second = threadOf();
                yieldNow();
                yieldNow();
                assertThat(await(first)).isNotSameAs(await(second));
            });
        }
    }

    /** Prints whether two tasks share a thread. */
    static final class Sharing {
        private Sharing() {}

        public static void main(String[] args) {
            EventLoop.run(() -> System.out.println(await(threadOf()) == Thread.currentThread()));
        }
    }

    @Test
    void aSystemPropertyGivesEachTaskAThreadOfItsOwn() throws Exception {
        assertThat(ChildJvm.run(Sharing.class)).containsExactly(String.valueOf(OPENED));
        assertThat(ChildJvm.run(Sharing.class, "-Ddev.trestle.loop.threadPerTask=true"))
                .containsExactly("false");
    }

    private static int nested(int levels) {
        return levels == 0 ? 0 : 1 + await(createTask(() -> nested(levels - 1)));
    }

    @Test
    void calledTasksNestSixteenDeepAndGoOnAsDeepAsTheHeapIsLarge() {
        int levels = EventLoop.run(() -> nested(10_000));

        assertThat(levels).isEqualTo(10_000);
    }

    private static Set<Thread> threadsOf(int levels) {
        Set<Thread> threads = levels == 0 ? new HashSet<>() : await(createTask(() -> threadsOf(levels - 1)));
        threads.add(Thread.currentThread());
        return threads;
    }

    @Test
    void theSeventeenthOfNestedCallsHasAThreadOfItsOwn() {
        Set<Thread> threads = EventLoop.run(() -> threadsOf(33));

        assertThat(threads).hasSize(OPENED ? 2 : 34);
    }

    // State that another task does not see

    /** The ways in which the code of a task goes on after it has left its marks on the thread. */
    enum End {
        RETURNS {
            @Override
            void go() {}
        },
        SUSPENDS {
            @Override
            void go() {
                yieldNow();
                sleep(ofMillis(1));
                blocking(() -> 1);
            }
        },
        THROWS {
            @Override
            void go() {
                throw new IllegalStateException("on purpose");
            }
        },
        OVERFLOWS {
            @Override
            void go() {
                overflow();
            }
        },
        RUNS_OUT_OF_MEMORY {
            @Override
            void go() {
                throw new OutOfMemoryError("on purpose");
            }
        },
        IS_CANCELLED {
            @Override
            void go() {
                currentTask().cancel();
                yieldNow();
            }
        };

        abstract void go();
    }

    @SuppressWarnings("InfiniteRecursion") // its purpose
    private static int overflow() {
        return 1 + overflow();
    }

    private static String state() {
        Thread me = Thread.currentThread();
        return local.get() + " " + inheritable.get() + " " + scoped.orElse("none") + " " + otherScoped.orElse("none")
                + " " + me.getName() + " " + me.getContextClassLoader().getName() + " "
                + (me.getUncaughtExceptionHandler() instanceof Baton);
    }

    private static final String NEW = "null null none none  app true";

    private static void mark(String with) {
        Thread me = Thread.currentThread();
        local.set(with);
        inheritable.set(with);
        me.setName(with);
        me.setContextClassLoader(new ClassLoader(with, SharedThreadTest.class.getClassLoader()) {});
        me.setUncaughtExceptionHandler((_, _) -> {});
    }

    private static String marked(String with) {
        return with + " " + with + " " + with + " none " + with + " " + with + " false";
    }

    @ParameterizedTest
    @EnumSource
    void neitherAnAwaitedTaskNorItsAwaiterSeesTheOthersState(End end) {
        EventLoop.run(() -> await(createTask(() -> {
            Task<?> inner = createTask(() -> {
                trail.add(state());
                mark("inner");
                ScopedValue.where(otherScoped, "of the inner").run(() -> trail.add(otherScoped.get()));
                ScopedValue.where(scoped, "inner").run(() -> {
                    var _ = catchThrowable(end::go);
                    trail.add(state());
                });
                trail.add(scoped.isBound());
                end.go();
            });
            mark("outer");
            ScopedValue.where(scoped, "outer").run(() -> {
                var _ = catchThrowable(() -> await(inner));
                trail.add(state());
            });
            trail.add(scoped.isBound());
        })));

        assertThat(trail).containsExactly(NEW, "of the inner", marked("inner"), false, marked("outer"), false);
    }

    /** The JVM forgets the bindings of scoped values when the stack overflows, and looks for them on the stack. */
    @Test
    void overflowInAnAwaitedTaskKeepsScopedValuesApart() {
        EventLoop.run(() -> ScopedValue.where(scoped, "outer").run(() -> {
            await(createTask(() -> {
                assertThatThrownBy(() -> overflow()).isInstanceOf(StackOverflowError.class);
                trail.add(scoped.isBound());
            }));
            var _ = catchThrowable(() -> overflow());
            trail.add(scoped.get());
            await(createTask(() -> trail.add(scoped.isBound())));
            trail.add(scoped.get());
        }));

        assertThat(trail).containsExactly(false, "outer", false, "outer");
    }

    /** A coroutine that descends to the end of its stack, and awaits a task in one of its calls, on the way back. */
    private static final class Descent {
        private final Action inner;
        private int callsLeft;

        @Nullable
        Task<?> task;

        @Nullable
        String stateAfterwards;

        Descent(Action inner, int callsFromEnd) {
            this.inner = inner;
            this.callsLeft = callsFromEnd;
        }

        @SuppressWarnings("InfiniteRecursion") // until the stack ends
        void descend() {
            try {
                descend();
            } catch (StackOverflowError e) {
                Thread.onSpinWait(); // the end, or a frame that was too near to it
            }
            if (callsLeft == 0) {
                callTask();
            }
            callsLeft--;
        }

        private void callTask() {
            try {
                task = createTask(inner);
                await(task);
                stateAfterwards = local.get();
            } catch (StackOverflowError e) {
                Thread.onSpinWait(); // of either
            }
        }
    }

    /** With a task that needs more stack than there is, and with one that is content with little. */
    @Test
    void tasksAtTheEndOfTheStackEndAndKeepTheirAwaitersState() {
        List<Action> inners = List.of(() -> local.set("inner"), () -> {
            local.set("inner");
            var _ = overflow();
        });
        for (Action inner : inners) {
            for (int i = 0; i < 200; i++) {
                int callsFromEnd = 7 * i;
                EventLoop.run(() -> {
                    var descent = new Descent(inner, callsFromEnd);
                    local.set("outer");
                    descent.descend();
                    assertThat(local.get()).isEqualTo("outer");
                    assertThat(descent.stateAfterwards).isIn(null, "outer");
                    assertThat(scoped.isBound()).isFalse();
                    assertThat(currentTask().thread()).isSameAs(Thread.currentThread());
                    Task<?> task = descent.task;
                    if (task != null) {
                        var _ = catchThrowable(() -> await(task));
                        assertThat(task.isDone()).isTrue();
                    }
                    assertThat(EventLoop.getRunningLoop().allTasks()).containsExactly(currentTask());
                });
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aSuccessorSeesNothingOfTheTaskThatHasEndedOnItsThread(End end) {
        EventLoop.run(() -> {
            createTask(() -> {
                mark("first");
                ScopedValue.where(scoped, "first").run(() -> {
                    var _ = catchThrowable(end::go);
                });
                Thread.currentThread().interrupt();
            });
            Task<?> second = createTask(() -> {
                trail.add(state());
                trail.add(Thread.currentThread().isInterrupted());
            });
            await(second);
        });

        assertThat(trail).containsExactly(NEW, false);
    }

    @Test
    void eachTaskCarriesTheContextOfItsCreator() {
        EventLoop.run(() -> {
            Task<?> withNothing = createTask(() -> trail.add(Baggage.carried()));
            Baggage.put("user", "outer");
            await(withNothing);
            Task<?> withSomething = createTask(() -> {
                trail.add(Baggage.carried());
                Baggage.put("user", "inner");
                yieldNow();
                trail.add(Baggage.carried());
            });
            Baggage.put("user", "changed");
            await(withSomething);
            trail.add(Baggage.carried());
            Baggage.clear();
        });

        assertThat(trail).hasToString("[{}, {user=outer}, {user=inner}, {user=changed}]");
    }

    @Test
    void eachTaskIsTheCurrentOneInItsCode() {
        EventLoop.run(() -> {
            Task<?> outer = currentTask();
            Task<Task<?>> inner = createTask(() -> {
                yieldNow();
                blocking(() -> 1);
                return currentTask();
            });
            assertThat(await(inner)).isSameAs(inner);
            assertThat(currentTask()).isSameAs(outer);
        });
    }

    // The order

    @Test
    void anAwaiterGoesOnAfterWhatWasReadyBeforeItsTaskHasEnded() {
        EventLoop.run(() -> {
            createTask(() -> {
                yieldNow();
                yieldNow();
                trail.add("other");
            });
            yieldNow();
            await(createTask(() -> {
                EventLoop.getRunningLoop().callSoon(() -> trail.add("callback"));
                createTask(() -> trail.add("created inside"));
                trail.add("inner");
            }));
            trail.add("outer");
        });

        assertThat(trail).containsExactly("inner", "other", "callback", "created inside", "outer");
    }

    // Stacks

    private static String methods(Task<?> task) {
        return task.stack().stream()
                .filter(frame -> frame.getClassName().startsWith(SharedThreadTest.class.getName()))
                .map(StackTraceElement::getMethodName)
                .filter(method -> !method.startsWith("lambda"))
                .toList()
                .toString();
    }

    private static void first(Action action) throws Exception {
        action.run();
    }

    private static void second(Action action) throws Exception {
        action.run();
    }

    private static void third(Action action) throws Exception {
        action.run();
    }

    @Test
    void theStackOfATaskIsItsOwn() {
        loop.runUntilComplete(() -> {
            var tasks = new Task<?>[2];
            Task<?> outer = createTask(() -> first(() -> {
                tasks[0] = createTask(() -> second(() -> {
                    tasks[1] = createTask(() -> third(() -> {
                        trail.add(methods(tasks[0]));
                        trail.add(methods(tasks[1]));
                        sleep(ofHours(1));
                    }));
                    await(tasks[1]);
                }));
                await(tasks[0]);
            }));
            letAllGoOn();
            assertOnOneThread(tasks[1], outer);
            trail.add(methods(outer));
            trail.add(methods(tasks[0]));
            trail.add(methods(tasks[1]));
            String graph = loop.taskGraph().toString();
            assertThat(graph.split("SharedThreadTest.third", -1)).as(graph).hasSize(2);
            assertThat(graph.split("SharedThreadTest.first", -1)).as(graph).hasSize(2);
            outer.cancel();
            assertThatThrownBy(() -> await(outer)).isInstanceOf(CancelledError.class);
            assertThat(tasks[1].isCancelled()).isTrue();
            assertThat(tasks[1].stack()).isEmpty();
        });

        assertThat(trail).containsExactly("[second]", "[methods, third]", "[first]", "[second]", "[third]");
    }

    // Interrupts

    @Test
    void cancelInABlockingCallInterruptsTheTaskOnly() {
        EventLoop.run(() -> {
            var begun = new CountDownLatch(1);
            var task = new AtomicReference<Task<?>>();
            Task<?> canceller = createTask(() -> {
                blocking(() -> begun.await());
                task.get().cancel();
            });
            yieldNow();
            task.set(createTask(() -> blocking(() -> {
                begun.countDown();
                new CountDownLatch(1).await();
            })));
            assertThatThrownBy(() -> await(task.get()))
                    .isInstanceOf(CancelledError.class)
                    .hasCauseInstanceOf(InterruptedException.class);
            assertThat(Thread.currentThread().isInterrupted()).isFalse();
            assertThat(currentTask().cancelling()).isZero();
            await(canceller);
            yieldNow();
        });
    }

    @Test
    void interruptOfTheAwaiterCancelsItAndItsSuspendedTask() {
        loop.runUntilComplete(() -> {
            var thread = new AtomicReference<Thread>();
            Task<?> outer = createTask(() -> {
                thread.set(Thread.currentThread());
                await(createTask(() -> {
                    try {
                        await(loop.createFuture());
                    } finally {
                        trail.add("inner");
                    }
                }));
            });
            letAllGoOn();
            thread.get().interrupt();
            assertThatThrownBy(() -> await(outer)).isInstanceOf(CancelledError.class);
            assertThat(outer.cancelling()).isEqualTo(1);
        });

        assertThat(trail).containsExactly("inner");
    }

    /** It came while the awaited task computed, which ended without noticing. */
    @Test
    void anInterruptOfTheAwaitersThreadIsNotLost() {
        EventLoop.run(() -> {
            Thread outer = Thread.currentThread();
            await(createTask(() -> outer.interrupt()));
            assertThatThrownBy(() -> sleep(ofSeconds(30))).isInstanceOf(CancelledError.class);
        });
    }

    // The end

    @Test
    void aCircleOfTasksOnOneStackCanBeCancelledAtEitherEnd() {
        for (boolean atInner : new boolean[] {false, true}) {
            loop.runUntilComplete(() -> {
                var tasks = new Task<?>[2];
                tasks[0] = createTask(() -> {
                    tasks[1] = createTask(() -> await(tasks[0]));
                    await(tasks[1]);
                });
                letAllGoOn();
                assertOnOneThread(tasks[1], tasks[0]);
                tasks[atInner ? 1 : 0].cancel();
                assertThatThrownBy(() -> await(tasks[0])).isInstanceOf(CancelledError.class);
                assertThatThrownBy(() -> await(tasks[1])).isInstanceOf(CancelledError.class);
            });
        }
    }

    /** The loop is closed while the code of a task that hangs lies on top of the awaiter's. */
    @Test
    void awaiterOfADeafBlockingCallEndsWithItsLoop() throws Exception {
        BlockingQueue<String> seen = new LinkedBlockingQueue<>();
        var begun = new CountDownLatch(1);
        var mayGoOn = new CountDownLatch(1);
        loop.setExceptionHandler((_, report) -> trail.add(report.message()));
        Task<?> outer = loop.runUntilComplete(() -> {
            Task<?> task = createTask(() -> {
                Task<?> inner = createTask(() -> blocking(() -> {
                    begun.countDown();
                    waitUninterruptibly(mayGoOn);
                }));
                Throwable refusal = catchThrowable(() -> await(inner));
                seen.add(refusal.toString());
                if (OPENED) { // else it was thrown out before the loop was closed
                    seen.add(String.valueOf(catchThrowable(() -> createTask(() -> 1))));
                }
            });
            blocking(() -> begun.await());
            return task;
        });
        loop.close(ofMillis(20));
        assertThat(outer.isDone()).isTrue();
        assertThat(trail).isNotEmpty().noneMatch(message -> message.toString().contains("neither ends nor awaits"));
        mayGoOn.countDown();

        assertThat(seen.poll(30, TimeUnit.SECONDS)).contains("cannot go on: its loop is closed");
        if (OPENED) {
            assertThat(seen.poll(30, TimeUnit.SECONDS)).contains("has given up on this coroutine");
        }
    }

    private static void waitUninterruptibly(CountDownLatch latch) {
        boolean open = false;
        while (!open) {
            try {
                latch.await();
                open = true;
            } catch (InterruptedException e) {
                Thread.onSpinWait();
            }
        }
    }

    /** It catches what it is thrown out with, some times, and only then ends. */
    @Test
    void anAwaiterBelowATaskThatRefusesToEndIsThrownOutAfterIt() {
        loop.setExceptionHandler((_, _) -> {});
        loop.runUntilComplete(() -> {
            createTask(() -> {
                try {
                    await(createTask(() -> {
                        for (int i = 0; i < 5; i++) {
                            var _ = catchThrowable(() -> await(loop.createFuture()));
                        }
                        trail.add("inner");
                    }));
                } finally {
                    trail.add("outer");
                }
            });
            letAllGoOn();
        });
        loop.close(ofMillis(20));

        assertThat(trail).containsExactlyElementsOf(OPENED ? List.of("inner", "outer") : List.of("outer", "inner"));
    }

    /** It is parked for good in the end, and its thread with it, which must not get the baton again. */
    @Test
    void awaiterOfAnEndlessTaskIsCancelledWithItsLoop() {
        loop.setExceptionHandler((_, report) -> trail.add(report.message()));
        List<Task<?>> tasks = new ArrayList<>();
        loop.runUntilComplete(() -> {
            tasks.add(createTask(() -> {
                Task<?> inner = createTask(() -> {
                    while (true) {
                        var _ = catchThrowable(() -> await(loop.createFuture()));
                    }
                });
                tasks.add(inner);
                await(inner);
            }));
            letAllGoOn();
        });
        loop.close(ofMillis(20));

        assertThat(tasks).hasSize(2).allMatch(LoopFuture::isDone);
        assertThat(trail).isNotEmpty().noneMatch(message -> message.toString().contains("neither ends nor awaits"));
    }

    // Other virtual threads

    /** Awaits tasks that it creates, until another virtual thread has run, on the only carrier. */
    static final class Busy {
        private Busy() {}

        public static void main(String[] args) {
            EventLoop.run(() -> {
                var ran = new CountDownLatch(1);
                Thread.ofVirtual().start(ran::countDown);
                while (ran.getCount() > 0) {
                    await(createTask(() -> 1));
                }
                ran.await();
                System.out.println("awaited");
                var chain = new CountDownLatch(1);
                Thread.ofVirtual().start(chain::countDown);
                await(createTask(() -> follow(chain)));
                while (chain.getCount() > 0) {
                    yieldNow();
                }
                System.out.println("followed");
            });
        }

        private static void follow(CountDownLatch until) {
            if (until.getCount() > 0) {
                createTask(() -> follow(until));
            }
        }
    }

    @Test
    void tasksOnOneThreadYieldTheirCarrierNowAndThen() throws Exception {
        if (!OPENED) {
            return; // nothing is shared, and the JDK decides
        }
        assertThat(ChildJvm.run(Busy.class, 20, List.of("-Djdk.virtualThreadScheduler.parallelism=1")))
                .containsExactly("awaited", "followed");
    }
}
