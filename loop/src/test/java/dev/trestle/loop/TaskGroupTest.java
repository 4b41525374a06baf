package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.currentTask;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tasks that end together: waiting, failing, cancelling, from inside and from outside. */
@Timeout(30)
class TaskGroupTest {

    private final VirtualClock clock = new VirtualClock();
    private final List<String> trail = new ArrayList<>();

    private void run(Action main) {
        new LoopOptions().withClock(clock).runAsDefaults(() -> EventLoop.run(main));
    }

    @Test
    void itEndsWhenAllItsTasksHaveEnded() {
        run(() -> {
            Integer result = TaskGroup.run(group -> {
                group.createTask(() -> sleep(ofSeconds(2)));
                Task<?> other = group.createTask(() -> {
                    sleep(ofSeconds(1));
                    group.createTask(() -> sleep(ofSeconds(4)));
                });
                assertThat(other.isDone()).isFalse();
                return 42;
            });
            assertThat(result).isEqualTo(42);
            assertThat(clock.elapsed()).isEqualTo(ofSeconds(5));
        });
    }

    @Test
    void theFirstFailureCancelsTheOthersAndTheBodyAndEveryFailureIsKept() {
        run(() -> {
            assertThatThrownBy(() -> TaskGroup.run(group -> {
                        group.createTask(() -> {
                            sleep(ofSeconds(1));
                            throw new IOException("first");
                        });
                        group.createTask(() -> {
                            try {
                                sleep(ofHours(1));
                            } finally {
                                failWhileCleaningUp();
                            }
                        });
                        sleep(ofHours(2));
                        trail.add("never");
                    }))
                    .isInstanceOfSatisfying(
                            TaskGroupException.class,
                            e -> assertThat(e.exceptions())
                                    .extracting(Throwable::getMessage)
                                    .containsExactly("first", "second"))
                    .hasMessageContaining("2 failures, first: java.io.IOException: first");
            assertThat(currentTask().cancelling()).isZero();
            yieldNow();
        });

        assertThat(trail).isEmpty();
        assertThat(clock.elapsed()).isEqualTo(ofSeconds(1));
    }

    private static void failWhileCleaningUp() {
        throw new IllegalStateException("second");
    }

    @Test
    void theFailureOfTheBodyComesLast() {
        run(() -> assertThatThrownBy(() -> TaskGroup.run((TaskGroup group) -> {
                    group.createTask(() -> {
                        try {
                            sleep(ofHours(1));
                        } finally {
                            failWhileCleaningUp();
                        }
                    });
                    yieldNow();
                    throw new IOException("body");
                }))
                .isInstanceOfSatisfying(
                        TaskGroupException.class,
                        e -> assertThat(e.exceptions())
                                .extracting(Throwable::getMessage)
                                .containsExactly("second", "body")));
    }

    @Test
    void cancelEndsItWithoutAnError() {
        run(() -> {
            TaskGroup.run(group -> {
                group.createTask(() -> sleep(ofHours(1)));
                group.createTask(() -> {
                    sleep(ofSeconds(1));
                    group.cancel();
                });
                sleep(ofHours(1));
                trail.add("never");
            });
            assertThat(currentTask().cancelling()).isZero();
            trail.add("after");
            yieldNow();
        });

        assertThat(trail).containsExactly("after");
        assertThat(clock.elapsed()).isEqualTo(ofSeconds(1));
    }

    @Test
    void aTaskThatIsCancelledByItselfDoesNotEndTheGroup() {
        run(() -> TaskGroup.run(group -> {
            Task<?> one = group.createTask(() -> sleep(ofHours(1)));
            group.createTask(() -> {
                sleep(ofSeconds(1));
                trail.add("went on");
            });
            yieldNow();
            one.cancel();
        }));

        assertThat(trail).containsExactly("went on");
    }

    @Test
    void aCancellationFromOutsideGoesOn() {
        run(() -> {
            Task<?> outer = createTask(() -> TaskGroup.run(group -> {
                group.createTask(() -> {
                    try {
                        sleep(ofHours(1));
                    } finally {
                        trail.add("cleaned up");
                    }
                });
            }));
            sleep(ofSeconds(1));
            outer.cancel();
            assertThatThrownBy(() -> await(outer)).isInstanceOf(CancelledError.class);
            assertThat(outer.isCancelled()).isTrue();
        });

        assertThat(trail).containsExactly("cleaned up");
    }

    @Test
    void aCancellationFromOutsideIsNotLostToAFailure() {
        run(() -> {
            Task<?> outer = createTask(() -> {
                assertThatThrownBy(() -> TaskGroup.run(group -> {
                            group.createTask(() -> {
                                try {
                                    sleep(ofHours(1));
                                } finally {
                                    failWhileCleaningUp();
                                }
                            });
                        }))
                        .isInstanceOf(TaskGroupException.class);
                trail.add("told of the failure");
                sleep(ofHours(1));
                trail.add("never");
            });
            sleep(ofSeconds(1));
            outer.cancel();
            assertThatThrownBy(() -> await(outer)).isInstanceOf(CancelledError.class);
        });

        assertThat(trail).containsExactly("told of the failure");
    }

    @Test
    void anEndedGroupTakesNoTask() {
        var escaped = new AtomicReference<TaskGroup>();
        run(() -> {
            TaskGroup.run(escaped::set);
            assertThatThrownBy(() -> escaped.get().createTask(() -> trail.add("never")))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("a group that has ended");
        });
    }

    /** What the group waits for is over, though its parent has not gone on yet. */
    @Test
    void aTaskIsRefusedOnceTheLastOneHasEnded() {
        run(() -> TaskGroup.run(group -> {
            Task<?> last = group.createTask(() -> trail.add("the last"));
            last.addDoneCallback(_ -> {
                try {
                    group.createTask(() -> trail.add("never"));
                } catch (IllegalStateException e) {
                    trail.add("refused: " + e.getMessage());
                }
            });
        }));

        assertThat(trail).containsExactly("the last", "refused: A task cannot be added to a group that has ended");
    }

    @Test
    void ofTwoCancellationsTheFirstGoesOn() {
        run(() -> {
            Task<?> outer = createTask(() -> TaskGroup.run(group -> {
                group.createTask(() -> {
                    try {
                        sleep(ofHours(1));
                    } finally {
                        sleep(ofSeconds(1));
                    }
                });
            }));
            yieldNow();
            yieldNow();
            outer.cancel("the first");
            yieldNow();
            outer.cancel("the second");
            assertThatThrownBy(() -> await(outer)).hasMessage("the first");
        });
    }

    /** The request went on to a task that failed instead, so the body never saw it. */
    @Test
    void aCancellationThatABodyDidNotSeeIsNotLostBesideItsFailure() {
        run(() -> {
            Task<?> parent = currentTask();
            Task<?> cancelling = createTask(() -> {
                parent.cancel();
                throw new IOException("instead of ending");
            });
            assertThatThrownBy(() -> TaskGroup.run((TaskGroup.ActionBody) _ -> await(cancelling)))
                    .isInstanceOf(TaskGroupException.class);
            assertThatThrownBy(Async::yieldNow).isInstanceOf(CancelledError.class);
        });
    }

    /** As in asyncio, where a failure cancels the parent also while that waits for the tasks. */
    @Test
    void theParentGoesOnBeforeWhatIsStartedInTheTurnOfTheFailure() {
        run(() -> {
            try {
                TaskGroup.run(group -> {
                    Task<?> failing = group.createTask(() -> {
                        throw new IOException("at once");
                    });
                    group.createTask(() -> trail.add("the other"));
                    failing.addDoneCallback(_ -> createTask(() -> trail.add("started then")));
                });
            } catch (TaskGroupException e) {
                trail.add("told");
                yieldNow();
            }
        });

        assertThat(trail).containsExactly("the other", "told", "started then");
    }
}
