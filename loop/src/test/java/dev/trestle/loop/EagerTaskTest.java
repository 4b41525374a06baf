package dev.trestle.loop;

import static dev.trestle.loop.Async.allTasks;
import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.currentTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Task factories, and tasks that run at once until they suspend for the first time. */
@Timeout(30)
class EagerTaskTest {

    private static final ContextVar<String> USER = new ContextVar<>("user", "nobody");

    @AutoClose
    private final EventLoop loop = new EventLoop(new VirtualClock());

    private final List<String> trail = new ArrayList<>();

    EagerTaskTest() {
        loop.setTaskFactory(TaskFactory.eager());
    }

    @Test
    void aTaskRunsUntilItSuspendsAndThenItsCreatorGoesOn() {
        loop.runUntilComplete(() -> {
            trail.add("main");
            Task<?> task = createTask(() -> {
                trail.add("task");
                yieldNow();
                trail.add("task again");
            });
            trail.add("main goes on, task is " + (task.isDone() ? "done" : "suspended"));
            await(task);
        });
        assertThat(trail).containsExactly("main", "task", "main goes on, task is suspended", "task again");
    }

    @Test
    void taskThatDoesNotSuspendIsDoneAtOnce() {
        loop.runUntilComplete(() -> {
            Task<Integer> task = createTask(() -> 42);
            task.addDoneCallback(done -> trail.add("callback " + done.result()));
            trail.add("result " + task.result());
            assertThat(allTasks()).containsExactly(currentTask());
            assertThat(task.cancel()).isFalse();
            yieldNow();
        });
        assertThat(trail).containsExactly("result 42", "callback 42");
    }

    @Test
    void aFailureIsTheTasksAndNotItsCreators() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(() -> {
                throw new IllegalArgumentException("boom");
            });
            assertThatThrownBy(() -> await(task)).hasMessage("boom");
        });
    }

    @Test
    void whileATaskStartsItIsTheCurrentOne() {
        loop.runUntilComplete(() -> {
            Task<?> main = currentTask();
            Task<?> task = createTask(
                    () -> {
                        Task<?> me = currentTask();
                        assertThat(me.name()).isEqualTo("eager");
                        assertThat(allTasks()).containsExactly(main, me);
                    },
                    "eager");
            await(task);
            assertThat(currentTask()).isSameAs(main);
        });
    }

    @Test
    void variablesOfAnEagerStartAreNotSeenByTheCreator() {
        loop.runUntilComplete(() -> {
            USER.set("main");
            assertThat(createTask(() -> {
                                String seen = USER.get();
                                USER.set("task");
                                return seen;
                            })
                            .result())
                    .isEqualTo("main");
            assertThat(USER.get()).isEqualTo("main");
        });
    }

    @Test
    void eagerTasksStartEachOther() {
        loop.runUntilComplete(() -> {
            Task<String> outer = createTask(() -> {
                trail.add("outer");
                Task<String> inner = createTask(() -> {
                    trail.add("inner");
                    sleep(ofSeconds(1));
                    return "from inner";
                });
                trail.add("outer goes on");
                return await(inner);
            });
            trail.add("main goes on");
            assertThat(await(outer)).isEqualTo("from inner");
        });
        assertThat(trail).containsExactly("outer", "inner", "outer goes on", "main goes on");
    }

    @Test
    void aLongRowOfTasksThatStartEachOtherComesBackInOrder() {
        loop.runUntilComplete(() -> assertThat(await(descend(2_000))).isEqualTo(2_000));
    }

    private static Task<Integer> descend(int depth) {
        return createTask(() -> depth == 0 ? 0 : await(descend(depth - 1)) + 1);
    }

    @Test
    void aCallbackStartsATaskAndGoesOn() {
        loop.callSoon(() -> {
            USER.set("callback");
            Task<?> task = loop.createTask(() -> {
                trail.add("task");
                yieldNow();
                trail.add("task again");
            });
            trail.add("callback goes on as " + USER.get() + ", current task: " + loop.currentTask());
            task.addDoneCallback(_ -> loop.stop());
        });
        loop.callSoon(() -> trail.add("next callback"));
        loop.runForever();

        assertThat(trail)
                .containsExactly(
                        "task", "callback goes on as callback, current task: null", "next callback", "task again");
    }

    @Test
    void aTurnOnAThreadOfTheUsersOwnStartsThemToo() {
        loop.callSoon(() -> {
            loop.createTask(() -> {
                trail.add("task on another thread: " + Thread.currentThread().isVirtual());
            });
            trail.add("callback");
        });
        loop.runOnce();
        assertThat(trail).containsExactly("task on another thread: true", "callback");
    }

    @Test
    void aTaskThatStartsWithABlockingCallLetsItsCreatorGoOn() {
        loop.runUntilComplete(() -> {
            Task<String> task = createTask(() -> {
                trail.add("task");
                return blocking(() -> "from outside");
            });
            trail.add("main goes on");
            assertThat(await(task)).isEqualTo("from outside");
        });
        assertThat(trail).containsExactly("task", "main goes on");
    }

    @Test
    void aSuspendedEagerTaskIsCancelledLikeAnyOther() {
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(() -> sleep(ofSeconds(1)));
            assertThat(task.cancel()).isTrue();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledError.class);
            assertThat(loop.time()).isZero();
        });
    }

    @Test
    void combinedFuturesTakeDoneFuturesAtOnce() {
        loop.runUntilComplete(() -> {
            LoopFuture<List<Integer>> all = gather(List.of(createTask(() -> 1), createTask(() -> 2)));
            assertThat(all.isDone()).isTrue();
            assertThat(all.result()).containsExactly(1, 2);
            TaskGroup.run(group -> {
                group.createTask(() -> trail.add("in a group"));
                trail.add("body");
            });
        });
        assertThat(trail).containsExactly("in a group", "body");
    }

    @Test
    void aLoopThatDoesNotRunStartsItsTasksLater() {
        Task<?> task = loop.createTask(() -> trail.add("task"));
        trail.add("before");
        loop.runUntilComplete(task);
        assertThat(trail).containsExactly("before", "task");
    }

    @Test
    void theOptionsHaveTheLastWord() {
        loop.runUntilComplete(() -> {
            Task<Integer> later = createTask(() -> 1, new TaskOptions().withEagerStart(false));
            assertThat(later.isDone()).isFalse();
            loop.setTaskFactory(null);
            assertThat(createTask(() -> 1).isDone()).isFalse();
            assertThat(createTask(() -> 1, new TaskOptions().withEagerStart(true))
                            .isDone())
                    .isTrue();
        });
    }

    // Factories

    private final TaskFactory naming = new TaskFactory() {
        @Override
        public <T extends @Nullable Object> Task<T> create(
                EventLoop toRunIn, Coroutine<T> coroutine, TaskOptions options) {
            Coroutine<T> wrapped = () -> {
                trail.add("before");
                return coroutine.run();
            };
            return TaskFactory.standard()
                    .create(
                            toRunIn,
                            wrapped,
                            options.withName("made for " + options.name().orElse("nobody")));
        }
    };

    @Test
    void aFactoryMayWrapTheCoroutineAndChangeTheOptions() {
        loop.setTaskFactory(naming);
        Task<?> task = loop.createTask(() -> trail.add("task"));
        loop.runUntilComplete(task);

        assertThat(task.name()).isEqualTo("made for nobody");
        assertThat(loop.createTask(() -> "x", "a name").name()).isEqualTo("made for a name");
        assertThat(loop.taskFactory()).isSameAs(naming);
        assertThat(trail).containsExactly("before", "task");
    }

    @Test
    @SuppressWarnings("NullAway") // the mistake that is tested
    void aFactoryThatReturnsNoTaskIsNamed() {
        loop.setTaskFactory(new TaskFactory() {
            @Override
            public <T extends @Nullable Object> Task<T> create(
                    EventLoop toRunIn, Coroutine<T> coroutine, TaskOptions options) {
                return null;
            }

            @Override
            public String toString() {
                return "lazy factory";
            }
        });
        assertThatThrownBy(() -> loop.createTask(() -> 1))
                .isInstanceOf(NullPointerException.class)
                .hasMessage("lazy factory, the task factory of " + loop + ", has returned no task");
    }
}
