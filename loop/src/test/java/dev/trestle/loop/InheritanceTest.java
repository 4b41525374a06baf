package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.yieldNow;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The thread state of a coroutine or callback: nothing is left of the code that ran before. */
@Timeout(30)
class InheritanceTest {

    private static final InheritableThreadLocal<String> local = new InheritableThreadLocal<>();

    private final ClassLoader one = new ClassLoader("one", InheritanceTest.class.getClassLoader()) {};
    private final ClassLoader other = new ClassLoader("other", InheritanceTest.class.getClassLoader()) {};

    private static ClassLoader contextClassLoader() {
        return Thread.currentThread().getContextClassLoader();
    }

    /** Runs on a thread of its own, which no other test uses. */
    private static <T> T onAThread(Callable<T> call) throws Exception {
        var task = new FutureTask<>(call);
        Thread.ofPlatform().start(task);
        return task.get();
    }

    @Test
    void aCoroutineHasNothingOfTheOneThatRanBefore() throws Exception {
        List<Object> seen = new ArrayList<>();
        onAThread(() -> {
            EventLoop.run(() -> {
                LoopFuture<Integer> go = EventLoop.getRunningLoop().createFuture();
                Task<?> before = createTask(() -> {
                    local.set("of the one before");
                    Thread.currentThread().setContextClassLoader(one);
                    await(go); // hands over to the next, which starts
                });
                Task<?> next = createTask(() -> {
                    seen.add(contextClassLoader());
                    seen.add(String.valueOf(local.get()));
                });
                await(next);
                go.setResult(1);
                await(before);
            });
            return null;
        });

        assertThat(seen).containsExactly(ClassLoader.getSystemClassLoader(), "null");
    }

    @Test
    void aCoroutineHasTheContextClassLoaderOfItsCreator() throws Exception {
        List<ClassLoader> seen = new ArrayList<>();
        onAThread(() -> {
            Thread.currentThread().setContextClassLoader(one);
            EventLoop.run(() -> {
                seen.add(contextClassLoader());
                Task<?> ofOne = createTask(() -> {
                    seen.add(contextClassLoader());
                });
                Thread.currentThread().setContextClassLoader(other);
                Task<?> ofOther = createTask(() -> {
                    yieldNow();
                    seen.add(contextClassLoader());
                });
                await(ofOne);
                await(ofOther);
            });
            return null;
        });

        assertThat(seen).containsExactly(one, one, other);
    }

    @Test
    void leftoversOfACallbackAreNotSeenByTheNext() throws Exception {
        List<Object> seen = new ArrayList<>();
        boolean interrupted = onAThread(() -> {
            try (var loop = new EventLoop()) {
                loop.callSoon(() -> {
                    Thread.currentThread().setContextClassLoader(one);
                    Thread.currentThread().interrupt();
                });
                loop.callSoon(() -> {
                    seen.add(contextClassLoader());
                    seen.add(Thread.currentThread().isInterrupted());
                });
                loop.runOnce();
                seen.add(contextClassLoader());
                return Thread.interrupted();
            }
        });

        assertThat(seen).containsExactly(ClassLoader.getSystemClassLoader(), false, ClassLoader.getSystemClassLoader());
        assertThat(interrupted)
                .as("the thread that ran the loop has its interrupt")
                .isTrue();
    }

    @Test
    void theSameHoldsWhereTheLoopHasADriverOfItsOwn() {
        List<Object> seen = new ArrayList<>();
        EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            loop.callSoon(() -> {
                Thread.currentThread().setContextClassLoader(one);
                Thread.currentThread().interrupt();
            });
            loop.callSoon(() -> {
                seen.add(contextClassLoader());
                seen.add(Thread.currentThread().isInterrupted());
            });
            yieldNow();
            yieldNow();
        });

        assertThat(seen).containsExactly(Thread.currentThread().getContextClassLoader(), false);
        assertThat(Thread.currentThread().isInterrupted()).isFalse();
    }
}
