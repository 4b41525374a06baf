package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.currentTask;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.invoke.MethodHandles;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The creation sites of tasks, without debug mode. */
@Timeout(30)
class CreationSiteTest {

    @AutoClose
    private final EventLoop loop = new EventLoop(new VirtualClock());

    private static StackTraceElement place(Task<?> task) {
        assertThat(task.createdAt()).hasSize(1);
        return task.createdAt().getFirst();
    }

    private static String text(Task<?> task) {
        return task.loop().createdText(task);
    }

    private static int line() {
        return StackWalker.getInstance()
                .walk(frames -> frames.skip(1).findFirst().orElseThrow().getLineNumber());
    }

    @Test
    void everyWayToCreateATaskSaysWhereTheUserDidIt() {
        var tasks = new ArrayList<Task<?>>();
        tasks.add(loop.createTask(() -> {}));
        tasks.add(loop.createTask(() -> 1));
        tasks.add(loop.createTask(() -> 1, "name"));
        tasks.add(loop.createTask(() -> {}, new TaskOptions()));
        tasks.add(loop.createTask(this::nothing));
        loop.runUntilComplete(() -> {
            tasks.add(currentTask());
            tasks.add(createTask(() -> {}));
            tasks.add(createTask(() -> {}, "name"));
            tasks.add(createTask(() -> 1, new TaskOptions().withEagerStart(true)));
            TaskGroup.run(group -> {
                tasks.add(group.createTask(() -> {}));
                tasks.add(group.createTask(() -> 1, "name"));
            });
            loop.setTaskFactory(TaskFactory.eager());
            tasks.add(createTask(() -> {}));
            loop.setTaskFactory(null);
        });
        try (var runner = new Runner()) {
            runner.run(() -> {
                tasks.add(currentTask());
            });
        }
        EventLoop.run(() -> {
            tasks.add(currentTask());
        });

        assertThat(tasks).hasSize(14);
        assertThat(tasks).allSatisfy(task -> {
            assertThat(place(task).getClassName()).isEqualTo(CreationSiteTest.class.getName());
            assertThat(place(task).getMethodName()).contains("everyWayToCreateATaskSaysWhereTheUserDidIt");
            assertThat(text(task)).isEqualTo(" (created at " + place(task) + ")");
        });
        assertThat(tasks.stream().map(CreationSiteTest::place).distinct()).hasSize(14);
    }

    private void nothing() {}

    @Test
    void aLambdaIsTracedToItsOwnClassThroughCodeOfOthers() {
        int here = line();
        Task<?> task =
                Optional.of((Coroutine<Integer>) () -> 1).map(loop::createTask).orElseThrow();

        assertThat(place(task).getClassName()).isEqualTo(CreationSiteTest.class.getName());
        assertThat(place(task).getLineNumber()).isBetween(here + 1, here + 2);
        assertThat(text(task)).startsWith(" (created at dev.trestle.loop.CreationSiteTest.");
    }

    @Test
    void anAnonymousClassIsAnExpressionToo() {
        Task<?> task = loop.createTask(new Coroutine<Integer>() {
            @Override
            public Integer run() {
                return 1;
            }
        });

        assertThat(text(task))
                .startsWith(" (created at dev.trestle.loop.CreationSiteTest.anAnonymousClassIsAnExpressionToo(");
    }

    private record Named(int result) implements Coroutine<Integer> {
        @Override
        public Integer run() {
            return result;
        }
    }

    @Test
    void ofANamedClassOnlyTheFirstIsKnown() {
        Task<?> first = first();
        Task<?> second = loop.createTask(new Named(2));

        assertThat(place(first).getMethodName()).isEqualTo("first");
        assertThat(second.createdAt()).isEqualTo(first.createdAt());
        assertThat(text(second))
                .isEqualTo(" (dev.trestle.loop.CreationSiteTest$Named; the first of its kind was created at "
                        + place(first) + ")");
        assertThat(loop.taskGraph().toString()).contains("    the first of its kind was created at " + place(first));
        loop.setDebug(true);
        assertThat(text(loop.createTask(new Named(3))))
                .contains(" (created at ")
                .contains(".ofANamedClassOnly");
    }

    private Task<?> first() {
        return loop.createTask(new Named(1));
    }

    @Test
    void aFactoryThatWrapsCoroutinesIsNotTheirCreator() {
        loop.setTaskFactory(new TaskFactory() {
            @Override
            public <T extends @Nullable Object> Task<T> create(
                    EventLoop loop, Coroutine<T> coroutine, TaskOptions options) {
                return TaskFactory.standard().create(loop, () -> coroutine.run(), options.withEagerStart(true));
            }
        });
        loop.runUntilComplete(() -> {
            var inner = new ArrayList<Task<?>>();
            Task<?> outer = createTask(() -> {
                inner.add(createTask(this::nothing));
            });
            inner.add(TaskFactory.standard().create(loop, () -> 1, new TaskOptions()));

            assertThat(List.of(outer, inner.getFirst(), inner.getLast()))
                    .extracting(task -> place(task).getMethodName())
                    .allMatch(method -> method.contains("aFactoryThatWraps"));
            assertThat(place(outer).getLineNumber())
                    .isLessThan(place(inner.getFirst()).getLineNumber());
        });
    }

    @Test
    void aLambdaThatOthersCreateATaskOfIsNamedByItsClass() {
        Coroutine<Integer> lambda = () -> 1;
        Task<Integer> task = CompletableFuture.completedFuture(lambda)
                .<Task<Integer>>thenApplyAsync(loop::createTask)
                .join();

        assertThat(text(task))
                .startsWith(" (a lambda of dev.trestle.loop.CreationSiteTest; the first of its kind was created at"
                        + " java.base/java.util.concurrent.CompletableFuture");
    }

    /** A class that is loaded again, as a hidden class. */
    private static final class Passing implements Coroutine<@Nullable Void> {
        Passing() {} // for the test, which is a stranger to the hidden class

        @Override
        public @Nullable Void run() {
            return null;
        }
    }

    @Test
    void aClassOfCoroutinesThatIsNoLongerUsedIsUnloaded() throws Exception {
        var unloaded = new ReferenceQueue<Class<?>>();
        var kind = new WeakReference<Class<?>>(runPassing(), unloaded);
        while (unloaded.remove(20) == null) { // until the class's time limit
            System.gc();
        }
        assertThat(kind.get()).isNull();
    }

    private Class<?> runPassing() throws Exception {
        byte[] bytes;
        try (var in = requireNonNull(Passing.class.getResourceAsStream("CreationSiteTest$Passing.class"))) {
            bytes = in.readAllBytes();
        }
        Class<?> kind = MethodHandles.lookup().defineHiddenClass(bytes, true).lookupClass();
        Coroutine<?> coroutine = (Coroutine<?>) kind.getDeclaredConstructor().newInstance();
        Task<?> task = loop.createTask(coroutine);
        assertThat(text(task)).contains("CreationSiteTest$Passing").contains("the first of its kind was created at");
        loop.runUntilComplete(() -> await(task));
        return kind;
    }
}
