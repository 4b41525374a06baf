package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
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

import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tasks that end together: waiting, failing, cancelling, from inside and from outside. */
@Timeout(30)
class TaskGroupTest extends InVirtualTime {

    @Test
    void aGroupEndsWhenAllItsTasksHaveEnded() {
        run(() -> {
            Integer result = TaskGroup.call(group -> {
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

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aCancelledGroupLeavesNoCancellationToItsParent(boolean awaits) {
        run(() -> {
            Task<?> task = createTask(() -> {
                assertThatThrownBy(() -> sleep(ofHours(1))).isInstanceOf(CancelledError.class); // and is not taken back
                TaskGroup.run(group -> {
                    group.cancel();
                    if (awaits) {
                        sleep(ofHours(1));
                    }
                });
                sleep(ofSeconds(1));
                trail.add("went on");
            });
            yieldNow();
            task.cancel();
            await(task);
            assertThat(task.cancelling()).isOne();
        });
        assertThat(trail).containsExactly("went on");
    }

    @Test
    void aCancellationThatWasPendingBeforeAGroupIsThrownAfterIt() {
        run(() -> {
            Task<?> task = createTask(() -> {
                currentTask().cancel();
                TaskGroup.run(TaskGroup::cancel);
                yieldNow();
                trail.add("never");
            });
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledError.class);
        });
        assertThat(trail).isEmpty();
    }

    @Test
    void theFirstFailureCancelsTheRestAndAllAreKept() {
        run(() -> {
            assertThatThrownBy(() -> TaskGroup.run(group -> {
                        group.createTask(() -> failAfterASecond("first"));
                        group.createTask(TaskGroupTest::failWhenCancelled);
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

    private static void failWhenCancelled() {
        try {
            sleep(ofHours(1));
        } finally {
            failWhileCleaningUp();
        }
    }

    private static void failAfterASecond(String message) throws IOException {
        sleep(ofSeconds(1));
        throw new IOException(message);
    }

    private void noteWhenCancelled(String note) {
        try {
            sleep(ofHours(1));
        } finally {
            trail.add(note);
        }
    }

    @Test
    void theFailureOfTheBodyComesLast() {
        run(() -> assertThatThrownBy(() -> TaskGroup.run(group -> {
                    group.createTask(TaskGroupTest::failWhenCancelled);
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
                group.createTask(() -> noteWhenCancelled("cleaned up"));
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
                            group.createTask(TaskGroupTest::failWhenCancelled);
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
    void aGroupThatIsCancelledBeforeItsBodyReturnsHasNoResult() {
        run(() -> {
            Integer result = TaskGroup.call(group -> {
                group.cancel();
                yieldNow();
                return 42;
            });
            assertThat(result).isNull();
        });
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

    @Test
    void aGroupThatIsShuttingDownTakesNoTaskAndSaysWhy() {
        run(() -> {
            assertThatThrownBy(() -> TaskGroup.run(group -> {
                        group.createTask(TaskGroupTest::failWhileCleaningUp);
                        try {
                            sleep(ofHours(1));
                        } finally {
                            assertThatThrownBy(() -> group.createTask(() -> trail.add("never")))
                                    .hasMessageContaining("shutting down, because of")
                                    .hasMessageContaining("second");
                        }
                    }))
                    .isInstanceOf(TaskGroupException.class);
            TaskGroup.run(group -> {
                group.cancel();
                assertThat(group).hasToString("TaskGroup[shutting down, tasks=0, failures=0]");
                assertThatThrownBy(() -> group.createTask(() -> trail.add("never")))
                        .hasMessageContaining("shutting down: it was cancelled");
            });
        });

        assertThat(trail).isEmpty();
    }

    @Test
    void tasksOfAGroupHaveNamesAndContexts() {
        run(() -> TaskGroup.run(group -> {
            assertThat(group.createTask(() -> 1, "one").name()).isEqualTo("one");
            assertThat(group.createTask(() -> trail.add("ran"), "two").name()).isEqualTo("two");
            var context = new Context();
            var options = new TaskOptions().withName("three").withContext(context);
            Task<?> three = group.createTask(() -> 3, options);
            assertThat(three.name()).isEqualTo("three");
            assertThat(three.context()).isSameAs(context);
            assertThat(group).hasToString("TaskGroup[active, tasks=3, failures=0]");
        }));
    }

    /** A cancelled future in the body is not a request to cancel the task, so none must be left over. */
    @Test
    void aCancelledFutureInTheBodyLeavesNoRequestBehind() {
        run(() -> {
            LoopFuture<String> cancelled = EventLoop.getRunningLoop().createFuture();
            cancelled.cancel();
            assertThatThrownBy(() -> TaskGroup.run(group -> {
                        group.createTask(TaskGroupTest::failWhenCancelled);
                        yieldNow();
                        await(cancelled);
                    }))
                    .isInstanceOf(TaskGroupException.class);
            assertThat(currentTask().cancelling()).isZero();
            yieldNow();
            trail.add("not cancelled");
        });

        assertThat(trail).containsExactly("not cancelled");
    }

    @Test
    void aBodyThatAwaitsACancelledFutureEndsWithThat() {
        run(() -> {
            LoopFuture<String> cancelled = EventLoop.getRunningLoop().createFuture();
            cancelled.cancel("by hand");
            assertThatThrownBy(() -> TaskGroup.run(group -> {
                        group.createTask(() -> sleep(ofHours(1)));
                        yieldNow();
                        await(cancelled);
                    }))
                    .isInstanceOf(CancelledError.class)
                    .hasMessage("by hand");
            yieldNow();
        });

        assertThat(clock.elapsed()).isZero();
    }

    @Test
    void theFailureOfAnInnerGroupIsOneOfTheOuter() {
        run(() -> assertThatThrownBy(() -> TaskGroup.run(outer -> {
                    outer.createTask(() -> sleep(ofHours(1)));
                    TaskGroup.run(inner -> {
                        inner.createTask(TaskGroupTest::failWhileCleaningUp);
                        sleep(ofHours(1));
                    });
                }))
                .isInstanceOfSatisfying(
                        TaskGroupException.class,
                        e -> assertThat(e.exceptions()).singleElement().isInstanceOf(TaskGroupException.class)));

        assertThat(clock.elapsed()).isZero();
    }

    @Test
    void theFailureOfAnOuterGroupEndsAnInnerOneThatWaits() {
        run(() -> {
            assertThatThrownBy(() -> TaskGroup.run(outer -> {
                        outer.createTask(() -> failAfterASecond("outer"));
                        TaskGroup.run(inner -> {
                            inner.createTask(() -> noteWhenCancelled("inner cleaned up"));
                        });
                        trail.add("never");
                    }))
                    .isInstanceOfSatisfying(
                            TaskGroupException.class,
                            e -> assertThat(e.exceptions()).singleElement().isInstanceOf(IOException.class));
            assertThat(currentTask().cancelling()).isZero();
            yieldNow();
        });

        assertThat(trail).containsExactly("inner cleaned up");
        assertThat(clock.elapsed()).isEqualTo(ofSeconds(1));
    }

    @Test
    void groupsThatFailInTheSameTurnKeepEveryFailure() {
        run(() -> {
            assertThatThrownBy(() -> TaskGroup.run(outer -> {
                        outer.createTask(() -> failAfterASecond("outer"));
                        TaskGroup.run(inner -> {
                            inner.createTask(() -> failAfterASecond("inner"));
                            sleep(ofHours(1));
                        });
                    }))
                    .isInstanceOfSatisfying(TaskGroupException.class, e -> {
                        assertThat(e.exceptions()).hasSize(2);
                        assertThat(e.exceptions().getFirst()).hasMessage("outer");
                        assertThat(e.exceptions().getLast()).isInstanceOf(TaskGroupException.class);
                    });
            assertThat(currentTask().cancelling()).isZero();
            yieldNow();
        });
    }

    @Test
    void theOuterGroupCancelsABodyThatCatchesAnInnerFailure() {
        run(() -> {
            assertThatThrownBy(() -> TaskGroup.run(outer -> {
                        assertThatThrownBy(() -> TaskGroup.run(inner -> {
                                    inner.createTask(() -> failAfterASecond("inner"));
                                    outer.createTask(() -> failAfterASecond("outer"));
                                }))
                                .isInstanceOf(TaskGroupException.class)
                                .hasMessageContaining("inner");
                        assertThat(currentTask().cancelling()).isEqualTo(1);
                        yieldNow();
                    }))
                    .isInstanceOfSatisfying(
                            TaskGroupException.class,
                            e -> assertThat(e.exceptions())
                                    .singleElement()
                                    .asString()
                                    .contains("outer"));
            assertThat(currentTask().cancelling()).isZero();
            yieldNow();
        });
    }

    @Test
    void aGroupCancelledAgainWaitsAndKeepsTheFirstReason() {
        run(() -> {
            Task<?> outer = createTask(() -> TaskGroup.run(group -> {
                group.createTask(() -> cleanUpFor(5));
            }));
            sleep(ofSeconds(1));
            outer.cancel("first");
            sleep(ofSeconds(1));
            outer.cancel("second");
            sleep(ofSeconds(1));
            outer.cancel("third");
            assertThatThrownBy(() -> await(outer))
                    .isInstanceOf(CancelledError.class)
                    .hasMessage("first");
            assertThat(outer.cancelling()).isEqualTo(3);
        });

        assertThat(trail).containsExactly("cleaned up");
        assertThat(clock.elapsed()).isEqualTo(ofSeconds(6));
    }

    private void cleanUpFor(int seconds) {
        try {
            sleep(ofHours(1));
        } finally {
            sleep(ofSeconds(seconds));
            trail.add("cleaned up");
        }
    }

    @Test
    void aCancellationFromOutsideOfABodyGoesOn() {
        run(() -> {
            Task<?> outer = createTask(() -> TaskGroup.run(group -> {
                group.createTask(() -> cleanUpFor(1));
                sleep(ofHours(1));
            }));
            sleep(ofSeconds(1));
            outer.cancel("why");
            assertThatThrownBy(() -> await(outer))
                    .isInstanceOf(CancelledError.class)
                    .hasMessage("why");
        });

        assertThat(trail).containsExactly("cleaned up");
    }

    @Test
    void cancellationFromOutsideSurvivesThatOfTheGroup() {
        run(() -> {
            for (boolean outsideFirst : List.of(true, false)) {
                LoopFuture<TaskGroup> started = EventLoop.getRunningLoop().createFuture();
                Task<?> outer = createTask(() -> TaskGroup.run(group -> {
                    started.setResult(group);
                    sleep(ofHours(1));
                }));
                TaskGroup group = await(started);
                if (outsideFirst) {
                    outer.cancel();
                    group.cancel();
                } else {
                    group.cancel();
                    outer.cancel();
                }
                assertThatThrownBy(() -> await(outer)).isInstanceOf(CancelledError.class);
                assertThat(outer.cancelling()).isEqualTo(1);
            }
        });
    }

    @Test
    void aCancellationFromOutsideWhileACancelledGroupWaitsGoesOn() {
        run(() -> {
            Task<?> outer = createTask(() -> TaskGroup.run(group -> {
                group.createTask(() -> cleanUpFor(5));
                yieldNow();
                group.cancel();
                sleep(ofHours(1));
            }));
            sleep(ofSeconds(2));
            outer.cancel("from outside");
            assertThatThrownBy(() -> await(outer)).isInstanceOf(CancelledError.class);
        });

        assertThat(trail).containsExactly("cleaned up");
    }

    @Test
    void aBodyThatCancelsItsGroupAndDoesNotWaitEndsQuietly() {
        run(() -> {
            Integer result = TaskGroup.call(group -> {
                group.createTask(() -> trail.add("never"));
                group.cancel();
                group.cancel();
                return 42;
            });
            assertThat(result).isEqualTo(42);
            assertThat(currentTask().cancelling()).isZero();
            yieldNow();
        });

        assertThat(trail).isEmpty();
    }

    @Test
    void aTaskCancelsTheGroupThatWaitsForIt() {
        run(() -> {
            TaskGroup.run(group -> {
                group.createTask(() -> sleep(ofHours(1)));
                group.createTask(() -> {
                    sleep(ofSeconds(1));
                    group.cancel();
                });
            });
            assertThat(currentTask().cancelling()).isZero();
            yieldNow();
        });

        assertThat(clock.elapsed()).isEqualTo(ofSeconds(1));
    }

    @Test
    void aFailureAfterTheGroupWasCancelledIsTold() {
        run(() -> assertThatThrownBy(() -> TaskGroup.run(group -> {
                    group.createTask(TaskGroupTest::failWhenCancelled);
                    yieldNow();
                    group.cancel();
                }))
                .isInstanceOf(TaskGroupException.class)
                .hasMessageContaining("second"));
    }

    @Test
    void anEndedGroupIsNotCancelled() {
        var escaped = new AtomicReference<TaskGroup>();
        run(() -> {
            TaskGroup.run(escaped::set);
            escaped.get().cancel();
            assertThat(currentTask().cancelling()).isZero();
            assertThat(escaped.get()).hasToString("TaskGroup[ended, tasks=0, failures=0]");
        });
    }

    @Test
    void aBodyThatAwaitsATaskThatFailsIsToldOnce() {
        run(() -> assertThatThrownBy(() -> TaskGroup.run(group -> {
                    Task<?> failing = group.createTask(TaskGroupTest::failWhileCleaningUp);
                    await(failing);
                }))
                .isInstanceOfSatisfying(
                        TaskGroupException.class,
                        e -> assertThat(e.exceptions()).hasSize(1)));
    }

    @Test
    void aTimeLimitInsideOrAroundAGroupSaysThatTheTimeWasOver() {
        run(() -> {
            assertThatThrownBy(() -> Async.timeout(
                            ofSeconds(1),
                            () -> TaskGroup.run(group -> {
                                group.createTask(() -> sleep(ofHours(1)));
                            })))
                    .isInstanceOf(TimeoutException.class);
            assertThatThrownBy(() -> TaskGroup.run(group -> {
                        group.createTask(() -> sleep(ofHours(1)));
                        Async.timeout(ofSeconds(1), () -> sleep(ofHours(1)));
                    }))
                    .isInstanceOfSatisfying(
                            TaskGroupException.class,
                            e -> assertThat(e.exceptions()).singleElement().isInstanceOf(TimeoutException.class));
            assertThat(currentTask().cancelling()).isZero();
        });

        assertThat(clock.elapsed()).isEqualTo(ofSeconds(2));
    }

    @Test
    void anErrorIsKeptAsAnyFailure() {
        run(() -> assertThatThrownBy(() -> TaskGroup.run(group -> {
                    group.createTask(() -> {
                        throw new AssertionError("an Error");
                    });
                }))
                .isInstanceOf(TaskGroupException.class)
                .hasCauseInstanceOf(AssertionError.class));
    }

    @Test
    void aGroupNeedsATask() {
        run(() -> {
            LoopFuture<Throwable> refusal = EventLoop.getRunningLoop().createFuture();
            EventLoop.getRunningLoop()
                    .callSoon(() -> refusal.setResult(catchThrowable(() -> TaskGroup.run(TaskGroup::cancel))));
            assertThat(await(refusal))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("only a coroutine can be suspended");
        });
    }

    /** All tasks of the group have ended, although its parent has not gone on yet. */
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

        assertThat(trail)
                .containsExactly(
                        "the last",
                        "refused: A task cannot be added to a group that has ended: TaskGroup[ended, tasks=0,"
                                + " failures=0]. Create tasks in the body of TaskGroup.run, or in tasks of the group.");
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
    void unseenCancellationIsNotLostBesideAFailure() {
        run(() -> {
            Task<?> parent = currentTask();
            Task<?> cancelling = createTask(() -> {
                parent.cancel();
                throw new IOException("instead of ending");
            });
            assertThatThrownBy(() -> TaskGroup.run(_ -> await(cancelling))).isInstanceOf(TaskGroupException.class);
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

    @Test
    void aGroupTakesEagerTasksThatAreDoneAtOnce() {
        var eager = new TaskOptions().withEagerStart(true);
        run(() -> {
            TaskGroup.run(group -> {
                Task<?> done = group.createTask(() -> trail.add("done at once"), eager);
                assertThat(done.isDone()).isTrue();
                group.createTask(() -> trail.add("later"));
            });
            assertThatThrownBy(() -> TaskGroup.run(group -> {
                        group.createTask(TaskGroupTest::failWhileCleaningUp, eager);
                        trail.add("the body goes on to its next wait");
                        sleep(ofHours(1));
                    }))
                    .isInstanceOf(TaskGroupException.class);
        });

        assertThat(trail).containsExactly("done at once", "later", "the body goes on to its next wait");
        assertThat(clock.elapsed()).isZero();
    }

    /** gh-155418: the group does not know the task yet when the task cancels it. */
    @Test
    void anEagerTaskThatCancelsItsGroupIsCancelledToo() {
        var eager = new TaskOptions().withEagerStart(true);
        run(() -> TaskGroup.run(group -> {
            Task<?> task = group.createTask(
                    () -> {
                        group.cancel();
                        sleep(ofHours(1));
                        trail.add("never");
                    },
                    eager);
            yieldNow();
            trail.add("never either");
            assertThat(task).isNotNull();
        }));

        assertThat(trail).isEmpty();
        assertThat(clock.elapsed()).isZero();
    }

    /** A task refuses to end, so the group never can: the loop throws its parent out. */
    @Test
    void failuresAreReportedIfTheLoopEndsBeforeTheGroup() {
        var loop = new EventLoop(clock);
        loop.setExceptionHandler((_, report) -> trail.add(report.message()));
        Task<?> parent = loop.createTask(() -> TaskGroup.run(group -> {
            group.createTask(() -> {
                throw new IOException("told");
            });
            group.createTask(() -> {
                while (true) {
                    try {
                        sleep(ofHours(1));
                    } catch (CancelledError e) {
                        trail.add("refused");
                    }
                }
            });
        }));
        loop.runUntilComplete(() -> sleep(ofSeconds(1)));
        loop.close(ofMillis(20));

        assertThat(parent.exception())
                .get()
                .isInstanceOf(IllegalStateException.class)
                .satisfies(e -> assertThat(e.getSuppressed()).singleElement().isInstanceOf(IOException.class));
        assertThat(trail).contains("refused");
    }
}
