package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.currentTask;
import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Values that follow the work: seen by the tasks and callbacks that it creates, and nowhere else. */
@Timeout(30)
class ContextTest {

    private static final ContextVar<String> USER = new ContextVar<>("user", "nobody");
    private static final ContextVar<Integer> DEPTH = new ContextVar<>("depth");
    private static final ScopedValue<String> SCOPED = ScopedValue.newInstance();

    private final EventLoop loop = new EventLoop(new VirtualClock());
    private final List<String> trail = new ArrayList<>();

    @AfterEach
    void theTestLeavesNothingOnItsThread() {
        assertThat(Context.current()).isNull();
        loop.close();
    }

    private void note() {
        trail.add(USER.get());
    }

    // Tasks

    @Test
    void aChildSeesWhatWasSetBeforeItWasCreatedAndNothingLater() {
        loop.runUntilComplete(() -> {
            USER.set("ada");
            Task<String> child = createTask(() -> childThatReads());
            USER.set("bob");

            assertThat(await(child)).isEqualTo("ada");
            assertThat(USER.get()).isEqualTo("bob");
        });
    }

    private static String childThatReads() {
        return await(createTask(USER::get));
    }

    @Test
    void variablesOfAChildStayInTheChild() {
        loop.runUntilComplete(() -> {
            USER.set("ada");
            Task<String> one = createTask(() -> {
                USER.set("one");
                yieldNow();
                return USER.get();
            });
            Task<String> other = createTask(() -> {
                yieldNow();
                return USER.get();
            });

            assertThat(await(one)).isEqualTo("one");
            assertThat(await(other)).isEqualTo("ada");
            assertThat(USER.get()).isEqualTo("ada");
        });
    }

    @Test
    void aTaskThatSetsTheFirstValueOfAllKeepsItToItself() {
        loop.runUntilComplete(() -> {
            await(createTask(() -> {
                USER.set("ada");
            }));
            assertThat(USER.get()).isEqualTo("nobody");
        });
    }

    @Test
    void aTaskRunsInAGivenContextItself() {
        var context = new Context();
        loop.runUntilComplete(() -> {
            Task<?> task = createTask(
                    () -> {
                        USER.set("ada");
                    },
                    new TaskOptions().withName("sets").withContext(context));
            await(task);

            assertThat(task.name()).isEqualTo("sets");
            assertThat(task.context()).isSameAs(context);
        });
        assertThat(context.get(USER)).isEqualTo("ada");
    }

    @Test
    void aTaskThatWasNotAskedForItsContextHasOneAllTheSame() {
        loop.runUntilComplete(() -> {
            Context context = currentTask().context();
            USER.set("ada");
            assertThat(context.values()).containsOnlyKeys(USER);
        });
    }

    @Test
    void theMainTaskSeesAndDoesNotChangeTheContextOfItsCaller() throws Exception {
        new Context().call(() -> {
            USER.set("caller");
            loop.runUntilComplete(() -> {
                note();
                USER.set("main");
            });
            note();
            return null;
        });
        assertThat(trail).containsExactly("caller", "caller");
    }

    // Callbacks

    @Test
    void everyKindOfCallbackRunsInTheContextOfItsRegistration() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            USER.set("registered");
            loop.callSoon(this::note);
            loop.callLater(ofSeconds(1), this::note);
            loop.callAt(loop.time().plusSeconds(2), this::note);
            loop.callSoonThreadsafe(this::note);
            future.addDoneCallback(_ -> note());
            USER.set("later");
            future.setResult("x");
            sleep(ofSeconds(3));
        });
        assertThat(trail).hasSize(5).containsOnly("registered");
    }

    @Test
    void everyKindOfCallbackTakesAContext() {
        var context = new Context();
        context.run(() -> USER.set("given"));
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            loop.callSoon(this::note, context);
            loop.callLater(ofSeconds(1), this::note, context);
            loop.callAt(loop.time().plusSeconds(2), this::note, context);
            loop.callSoonThreadsafe(this::note, context);
            future.addDoneCallback(_ -> note(), context);
            future.setResult("x");
            sleep(ofSeconds(3));
        });
        assertThat(trail).hasSize(5).containsOnly("given");
    }

    @Test
    void callbacksVariablesReachItsChildrenOnly() {
        loop.runUntilComplete(() -> {
            USER.set("ada");
            loop.callSoon(() -> {
                USER.set("callback");
                loop.callSoon(this::note);
                loop.createTask(this::note);
            });
            loop.callSoon(this::note);
            sleep(ofSeconds(1));
        });
        assertThat(trail).containsExactly("ada", "callback", "callback");
    }

    /** A task whose result was never asked for is garbage by then, and its context with it. */
    @Test
    void theExceptionHandlerRunsInTheContextOfTheFailure() {
        loop.setExceptionHandler((_, report) -> trail.add(USER.get() + ": " + report.exception()));
        loop.runUntilComplete(() -> {
            USER.set("main");
            loop.callSoon(() -> {
                USER.set("callback");
                throw new IllegalStateException("first");
            });
            createTask(() -> {
                USER.set("task");
                throw new IllegalStateException("second");
            });
            createTask(() -> {
                USER.set("late task");
                try {
                    sleep(ofSeconds(100));
                } finally {
                    throwIllegalState("third");
                }
            });
            yieldNow();
            yieldNow();
        });
        loop.close();

        String name = IllegalStateException.class.getName();
        assertThat(trail)
                .containsExactlyInAnyOrder(
                        "callback: " + name + ": first",
                        "nobody: " + name + ": second",
                        "late task: " + name + ": third");
    }

    private static void throwIllegalState(String message) {
        throw new IllegalStateException(message);
    }

    @Test
    void aCallbackThatWasAddedInAContextCanBeRemoved() {
        loop.runUntilComplete(() -> {
            LoopFuture<String> future = loop.createFuture();
            Consumer<LoopFuture<String>> callback = _ -> note();
            USER.set("ada");
            future.addDoneCallback(callback);
            future.addDoneCallback(callback, new Context());

            assertThat(future.removeDoneCallback(callback)).isEqualTo(2);
            future.setResult("x");
            yieldNow();
        });
        assertThat(trail).isEmpty();
    }

    // Other threads

    @Test
    void aContextIsCarriedToAnotherThread() throws Exception {
        try (var thread = Executors.newSingleThreadExecutor()) {
            loop.runUntilComplete(() -> {
                USER.set("ada");
                Context context = Context.copyContext();
                assertThat(blocking(() ->
                                thread.submit(() -> context.call(USER::get)).get()))
                        .isEqualTo("ada");
                assertThat(blocking(() -> thread.submit(USER::get).get())).isEqualTo("nobody");
            });
        }
    }

    @Test
    void aBlockingCallSeesACopy() {
        loop.runUntilComplete(() -> {
            blocking(() -> {
                USER.set("lost");
            });
            assertThat(blocking(USER::get)).isEqualTo("nobody");
            USER.set("ada");
            assertThat(blocking(() -> {
                        String seen = USER.get();
                        USER.set("lost");
                        return seen;
                    }))
                    .isEqualTo("ada");
            assertThat(USER.get()).isEqualTo("ada");
        });
    }

    @Test
    void aForeignThreadSendsItsContextAlong() {
        var context = new Context();
        context.run(() -> USER.set("foreign"));
        loop.runUntilComplete(() -> {
            LoopFuture<String> arrived = loop.createFuture();
            blocking(() -> {
                context.run(() -> loop.callSoonThreadsafe(() -> arrived.setResult(USER.get())));
            });
            assertThat(await(arrived)).isEqualTo("foreign");
        });
    }

    // call

    @Test
    void codeInAnotherContextMayAwait() {
        var context = new Context();
        loop.runUntilComplete(() -> {
            USER.set("mine");
            Task<String> other = createTask(() -> {
                yieldNow();
                return USER.get();
            });
            String seen = context.call(() -> {
                USER.set("theirs");
                yieldNow();
                yieldNow();
                return USER.get();
            });
            assertThat(seen).isEqualTo("theirs");
            assertThat(USER.get()).isEqualTo("mine");
            assertThat(await(other)).isEqualTo("mine");
        });
        assertThat(context.get(USER)).isEqualTo("theirs");
    }

    @Test
    void aContextIsLeftAlsoWhenTheCodeThrows() {
        var context = new Context();
        assertThatThrownBy(() -> context.call(() -> {
                    USER.set("ada");
                    throw new IllegalArgumentException("boom");
                }))
                .hasMessage("boom");
        assertThat(USER.get()).isEqualTo("nobody");
    }

    @Test
    void aCopyHasTheValuesOfNow() {
        var context = new Context();
        context.run(() -> USER.set("ada"));
        Context copy = context.copy();
        context.run(() -> USER.set("bob"));

        assertThat(copy.get(USER)).isEqualTo("ada");
        assertThat(copy.contains(DEPTH)).isFalse();
        assertThat(copy).hasToString("Context{ContextVar[user]=ada}");
        assertThatThrownBy(() -> copy.get(DEPTH))
                .isInstanceOf(NoSuchElementException.class)
                .hasMessage("ContextVar[depth] is not set in Context{ContextVar[user]=ada}");
    }

    // Variables and tokens

    @Test
    void aVariableWithoutAValueSaysWhereOneWouldBeSeen() {
        assertThat(DEPTH.orElse(7)).isEqualTo(7);
        assertThatThrownBy(DEPTH::get)
                .isInstanceOf(NoSuchElementException.class)
                .hasMessage(
                        "ContextVar[depth] has no value here, and no default. A value is seen where it was set, and by"
                                + " tasks and callbacks created afterwards; or use orElse(fallback).");
    }

    @Test
    void nullIsAValue() {
        var variable = new ContextVar<@Nullable String>("maybe", null);
        assertThat(variable.get()).isNull();
        new Context().run(() -> {
            variable.set(null);
            assertThat(variable.orElse("fallback")).isNull();
        });
    }

    @Test
    void aTokenGivesTheValueBeforeBack() {
        new Context().run(() -> {
            ContextVar.Token<Integer> first = DEPTH.set(1);
            try (var second = DEPTH.set(2)) {
                assertThat(second.oldValue()).contains(1);
                assertThat(second.variable()).isSameAs(DEPTH);
                assertThat(DEPTH.get()).isEqualTo(2);
            }
            assertThat(DEPTH.get()).isEqualTo(1);
            DEPTH.reset(first);
            assertThat(DEPTH.orElse(0)).isZero();
            assertThat(first.oldValue()).isEmpty();
        });
    }

    @Test
    void aTokenIsGoodForOneUseInItsContextAndOfItsVariable() {
        new Context().run(() -> {
            ContextVar.Token<Integer> token = DEPTH.set(1);
            assertThatThrownBy(() -> new Context().run(() -> DEPTH.reset(token)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("was made in another context than the one that is current on Thread[");
            assertThatThrownBy(() -> new ContextVar<Integer>("other").reset(token))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("Token[ContextVar[depth]] was made by another variable than ContextVar[other]");
            DEPTH.reset(token);
            assertThatThrownBy(() -> DEPTH.reset(token))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("Token[ContextVar[depth], used] has been used already: a token takes one set(..) back,"
                            + " once");
        });
    }

    // The JDK's own

    @Test
    void aScopedValueHoldsAcrossAwaitsOfItsTaskAlone() {
        loop.runUntilComplete(() -> {
            Task<Boolean> other = createTask(() -> {
                yieldNow();
                return SCOPED.isBound();
            });
            ScopedValue.where(SCOPED, "bound").call(() -> {
                yieldNow();
                sleep(ofSeconds(1));
                Task<Boolean> child = createTask(SCOPED::isBound);
                assertThat(await(child)).isFalse();
                loop.callSoon(() -> trail.add("callback: " + SCOPED.isBound()));
                yieldNow();
                assertThat(SCOPED.get()).isEqualTo("bound");
                return null;
            });
            assertThat(await(other)).isFalse();
        });
        assertThat(trail).containsExactly("callback: false");
    }
}
