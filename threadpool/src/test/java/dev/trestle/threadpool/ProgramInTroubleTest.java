package dev.trestle.threadpool;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.Futures;
import dev.trestle.api.Promise;
import dev.trestle.api.ReturnWhen;
import dev.trestle.api.StackRoom;
import java.io.IOException;
import java.lang.reflect.Method;
import java.net.URL;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Programs that run out of stack or memory while they use futures and pools. Each is a JVM of its own, which has used
 * nothing before.
 */
@Timeout(60)
class ProgramInTroubleTest {

    @TempDir
    Path folder = Path.of("");

    private static void say(String line) {
        System.out.println(line);
    }

    // The end of the stack

    /** The operations that a program may use first, at any distance from the end of its stack. */
    enum Use {
        PROMISE {
            @Override
            void use() {
                var promise = new Promise<String>();
                promise.addDoneCallback(done -> expect(done.isDone()));
                promise.setResult("");
                expect(promise.toString().contains("String"));
            }
        },
        FAILED_PROMISE {
            @Override
            void use() throws Exception {
                var promise = new Promise<String>();
                promise.setException(new IllegalStateException("on purpose"));
                expect(promise.exception().isPresent());
                expect(promise.toString().contains("failed"));
            }
        },
        CANCELLED_PROMISE {
            @Override
            void use() throws Exception {
                var cancelled = new AtomicInteger();
                var promise = new Promise<String>((_, _) -> cancelled.incrementAndGet());
                expect(promise.cancel(true));
                expect(cancelled.get() == 1);
                try {
                    promise.get();
                } catch (CancellationException e) {
                    expect(String.valueOf(e.getMessage()).contains("was cancelled"));
                }
            }
        },
        VIEW {
            @Override
            void use() {
                var promise = new Promise<Integer>();
                var view = promise.toCompletableFuture().thenApply(n -> n + 1);
                promise.setResult(1);
                expect(view.join() == 2);
            }
        },
        TIMED_WAIT {
            @Override
            void use() throws Exception {
                try {
                    new Promise<>().result(Duration.ofNanos(1));
                } catch (TimeoutException e) {
                    expect(String.valueOf(e.getMessage()).contains("Promise"));
                }
            }
        },
        WAIT_UNTIL {
            @Override
            void use() {
                var pending = new Promise<Integer>();
                expect(Futures.waitUntil(ReturnWhen.ALL_COMPLETED, List.of(pending), Duration.ofNanos(1))
                        .done()
                        .isEmpty());
            }
        },
        AS_COMPLETED {
            @Override
            void use() {
                var done = new Promise<Integer>();
                done.setResult(1);
                expect(Futures.asCompleted(List.of(done)).iterator().next() == done);
            }
        },
        POOL {
            @Override
            void use() throws Exception {
                var pool = new ThreadPool(1);
                try {
                    expect(pool.submit(() -> 1).get() == 1);
                } finally {
                    close(pool);
                }
            }
        },
        VIRTUAL_POOL {
            @Override
            void use() throws Exception {
                var pool = ThreadPool.builder().virtual().queueLimit(3).build();
                try {
                    pool.execute(() -> {});
                    expect(pool.submit(() -> 1).get() == 1);
                } finally {
                    close(pool);
                }
            }
        },
        CANCELLED_CALL {
            @Override
            void use() throws Exception {
                var pool = new ThreadPool(1);
                var gate = new CountDownLatch(1);
                try {
                    var running = pool.submit(() -> gate.await(30, TimeUnit.SECONDS));
                    var waiting = pool.submit(() -> 1);
                    expect(waiting.cancel(true));
                    expect(running.cancel(true));
                } finally {
                    gate.countDown();
                    close(pool);
                }
            }
        },
        REFUSED_CALL {
            @Override
            void use() throws Exception {
                var pool = new ThreadPool(1);
                try {
                    pool.shutdown();
                    var _ = pool.submit(() -> 1);
                } catch (RejectedExecutionException e) {
                    expect(String.valueOf(e.getMessage()).contains("shut down"));
                } finally {
                    close(pool);
                }
            }
        },
        MAP {
            @Override
            void use() throws Exception {
                var pool = new ThreadPool(1);
                try {
                    expect(pool.map(n -> n + 1, List.of(1, 2)).toList().equals(List.of(2, 3)));
                } finally {
                    close(pool);
                }
            }
        },
        MAP_ON_A_POOL_MADE_BEFORE {
            @Override
            void use() {
                expect(poolMadeBefore().map(n -> n + 1, List.of(1, 2)).toList().equals(List.of(2, 3)));
            }
        },
        MAP_OF_SLOW_INPUTS_ON_A_POOL_MADE_BEFORE {
            @Override
            void use() {
                Iterable<Integer> inputs = () -> List.of(1, 2).iterator();
                expect(poolMadeBefore().map(n -> n + 1, inputs).toList().equals(List.of(2, 3)));
            }
        },
        SUBMIT_TO_A_POOL_MADE_BEFORE {
            @Override
            void use() throws Exception {
                expect(poolMadeBefore().submit(() -> 1).get() == 1);
            }
        },
        EXECUTE_ON_A_POOL_MADE_BEFORE {
            @Override
            void use() throws Exception {
                var ran = new CountDownLatch(1);
                poolMadeBefore().execute(ran::countDown);
                expect(ran.await(30, TimeUnit.SECONDS));
            }
        },
        INVOKE_ALL_ON_A_POOL_MADE_BEFORE {
            @Override
            void use() throws Exception {
                List<Callable<Integer>> tasks = List.of(() -> 1, () -> 2);
                expect(poolMadeBefore().invokeAll(tasks).getLast().get() == 2);
            }
        },
        INVOKE_ANY_ON_A_POOL_MADE_BEFORE {
            @Override
            void use() throws Exception {
                List<Callable<Integer>> tasks = List.of(() -> 1);
                expect(poolMadeBefore().invokeAny(tasks) == 1);
            }
        },
        WAIT_UNTIL_MADE_BEFORE {
            @Override
            void use() {
                expect(Futures.waitUntil(ReturnWhen.FIRST_COMPLETED, madeBefore(), Duration.ofNanos(1))
                        .done()
                        .isEmpty());
            }
        },
        AS_COMPLETED_MADE_BEFORE {
            @Override
            void use() {
                try {
                    Futures.asCompleted(madeBefore(), Duration.ofNanos(1))
                            .iterator()
                            .next();
                } catch (CompletionException e) {
                    expect(e.getCause() instanceof TimeoutException);
                }
            }
        },
        WAIT_MADE_BEFORE {
            @Override
            void use() throws Exception {
                try {
                    madeBefore().getFirst().get(1, TimeUnit.NANOSECONDS);
                } catch (TimeoutException e) {
                    expect(String.valueOf(e.getMessage()).contains("Promise"));
                }
            }
        },
        STATISTICS_OF_A_POOL_MADE_BEFORE {
            @Override
            void use() {
                expect(poolMadeBefore().statistics().toString().contains("size=1"));
                expect(poolMadeBefore().toString().contains("open"));
            }
        };

        private static ThreadPool poolMadeBefore() {
            return requireNonNull(AtTheEndOfTheStack.pool);
        }

        private static List<Promise<Integer>> madeBefore() {
            return List.of(requireNonNull(AtTheEndOfTheStack.promise));
        }

        abstract void use() throws Exception;

        private static void expect(boolean right) {
            if (!right) {
                throw new AssertionError("wrong");
            }
        }

        /**
         * Ends a pool although the stack may be too short for that here; a pool must not be spoilt by having been used
         * there.
         */
        private static void close(ThreadPool pool) throws Exception {
            try {
                pool.close();
            } catch (StackOverflowError e) {
                AtTheEndOfTheStack.left.add(pool);
            }
        }
    }

    /**
     * A class loader with all classes of the program once more, so that each use can be the first. The JDK's own loader
     * does not survive the end of the stack.
     */
    private static final class Again extends ClassLoader {
        private final Map<String, byte[]> classes;

        Again(Map<String, byte[]> classes) {
            super(Again.class.getClassLoader());
            this.classes = classes;
        }

        /** Finds no services: those of the class path are of the parent's types. */
        @Override
        public Enumeration<URL> getResources(String name) throws IOException {
            return name.startsWith("META-INF/services/") ? Collections.emptyEnumeration() : super.getResources(name);
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            byte[] bytes = classes.get(name);
            if (bytes == null) {
                return super.loadClass(name, resolve);
            }
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                return loaded != null ? loaded : defineClass(name, bytes, 0, bytes.length);
            }
        }
    }

    /** Uses one thing at each distance from the end of the stack, and then everything. */
    static final class AtTheEndOfTheStack implements Runnable {
        /** The number of successes in a row after which there is enough stack. */
        private static final int SUCCESSES = 30;

        static final List<ThreadPool> left = new ArrayList<>(SUCCESSES);
        static @Nullable ThreadPool pool;
        static @Nullable Promise<Integer> promise;

        private final Use first;
        private int successes;

        AtTheEndOfTheStack(Use first) {
            this.first = first;
        }

        public static void main(String[] arguments) throws Exception {
            Map<String, byte[]> classes = ClassFiles.of(ThreadPool.class, Promise.class, Program.class);
            for (Use use : Use.values()) {
                var loader = new Again(classes);
                for (String each : classes.keySet()) {
                    if (each.startsWith("dev.trestle.api.")
                            || each.contains(".ProgramInTroubleTest")
                            || !each.contains("Test")) {
                        Class.forName(each, false, loader); // to load a class takes more stack than to initialize it
                    }
                }
                Class<?> again = Class.forName(AtTheEndOfTheStack.class.getName(), true, loader);
                Method begin = again.getDeclaredMethod("begin", String.class);
                begin.setAccessible(true);
                begin.invoke(null, use.name());
            }
            say("the end");
        }

        static void begin(String name) throws Exception {
            var program = new AtTheEndOfTheStack(Use.valueOf(name));
            if (name.contains("MADE_BEFORE")) {
                makePoolAndPromise();
            }
            Thread deep = new Thread(null, program, "deep", 512 << 10);
            deep.start();
            deep.join();
            left.forEach(ThreadPool::close);
            makePoolAndPromise();
            for (Use each : Use.values()) {
                try {
                    each.use();
                } catch (Throwable e) {
                    say("after " + name + " at the end of the stack, " + each + " fails with " + e);
                    e.printStackTrace(System.out);
                }
            }
        }

        private static void makePoolAndPromise() {
            if (pool == null) {
                pool = new ThreadPool(1);
                promise = new Promise<>();
            }
        }

        @Override
        @SuppressWarnings("InfiniteRecursion") // until the stack ends
        public void run() {
            try {
                run();
            } catch (StackOverflowError e) {
                // the end, or a frame that was too near to it
            }
            if (successes < SUCCESSES) {
                try {
                    first.use();
                    successes++;
                } catch (StackOverflowError e) {
                    // as expected
                } catch (Throwable e) {
                    successes = SUCCESSES;
                    say("at the end of the stack, " + first + " fails with " + e);
                    e.printStackTrace(System.out);
                }
            }
        }
    }

    @Test
    void codeFirstUsedAtTheEndOfTheStackWorksLater() throws Exception {
        assertThat(new Program(AtTheEndOfTheStack.class, List.of("-XX:TieredStopAtLevel=1", "-Xmx128m"), 50)
                        .run(folder, 0))
                .containsExactly("the end");
    }

    /**
     * Measures the stack that is left where a check has just found enough, at each distance from the end of the stack.
     */
    static final class MeasuresTheStack {
        private static final int ENOUGH = 10;

        private static int calls;
        private static int depth;
        private static int fewest;

        public static void main(String[] arguments) throws Exception {
            for (int i = 0; i < 10_000; i++) { // until it is compiled, if it is to be
                StackRoom.require();
                StackRoom.requireForLinkage();
            }
            onAStackOf(1 << 20, MeasuresTheStack::measure);
            int small = depth;
            onAStackOf(2 << 20, MeasuresTheStack::measure);
            double bytes = (1 << 20) / (double) (depth - small);
            for (Runnable check : List.<Runnable>of(StackRoom::require, StackRoom::requireForLinkage)) {
                calls = 0;
                fewest = Integer.MAX_VALUE;
                onAStackOf(512 << 10, () -> descend(check));
                say(String.valueOf(Math.round(fewest * bytes / 1024)));
            }
        }

        private static void onAStackOf(int bytes, Runnable code) throws InterruptedException {
            var thread = new Thread(null, code, "deep", bytes);
            thread.start();
            thread.join();
        }

        @SuppressWarnings("InfiniteRecursion") // until the stack ends
        private static void descend(Runnable check) {
            try {
                descend(check);
            } catch (StackOverflowError e) {
                // the end, or a frame that was too near to it
            }
            if (calls < ENOUGH && passes(check)) {
                calls++;
                measure();
                if (depth < fewest) {
                    fewest = depth;
                }
            }
        }

        private static boolean passes(Runnable check) {
            try {
                check.run();
                return true;
            } catch (StackOverflowError e) {
                return false;
            }
        }

        private static void measure() {
            depth = 0;
            try {
                fall(0);
            } catch (StackOverflowError e) {
                // the end
            }
        }

        /** Falls to the end of the stack. Must not be compiled, so that all its frames have one size. */
        @SuppressWarnings("InfiniteRecursion") // until the stack ends
        private static int fall(int level) {
            depth = level;
            return fall(level + 1) + 1;
        }
    }

    /**
     * Compiled code made sure of 8 KiB only, where a virtual thread that was to be woken could be lost: the JDK's code
     * met the end.
     */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "-Xint",
                "-XX:TieredStopAtLevel=1",
                "-XX:-TieredCompilation",
                "-Xcomp -XX:CompileCommand=compileonly,dev.trestle.api.*::*"
            })
    void aCheckOfTheStackMakesSureOfAsMuchInEachKindOfCode(String mode) throws Exception {
        var flags = new ArrayList<>(List.of(
                "-XX:CompileCommand=quiet",
                "-XX:CompileCommand=exclude," + MeasuresTheStack.class.getName() + "::fall",
                "-Xmx64m"));
        flags.addAll(List.of(mode.split(" ")));
        List<String> lines = new Program(MeasuresTheStack.class, flags, 50).run(folder, 0);

        assertThat(lines).hasSize(2);
        assertThat(Integer.parseInt(lines.getFirst())).isBetween(15, 32);
        assertThat(Integer.parseInt(lines.getLast())).isBetween(63, 80);
    }

    // The end of the heap

    /** Lets calls end, run, be cancelled and be submitted while the heap is full. */
    static final class WithoutMemory {
        private static final int CALLS = 16;
        private static final int CHAIN = 1000;

        /** The objects that fill the heap: arrays that hold one another. */
        private static @Nullable Object @Nullable [] hoard;

        private static volatile boolean open;

        public static void main(String[] arguments) throws Exception {
            var builder = ThreadPool.builder().size(2);
            var pool = (arguments[0].equals("VIRTUAL") ? builder.virtual() : builder).build();
            List<Promise<Integer>> chain = chain();
            var views = new AtomicInteger();
            List<ConcurrentFuture<Integer>> calls = new ArrayList<>(CALLS);
            for (int i = 0; i < CALLS; i++) {
                calls.add(pool.submit(WithoutMemory::waitUntilOpen));
            }
            for (ConcurrentFuture<Integer> each : calls) {
                var _ = each.toCompletableFuture().thenRun(views::incrementAndGet);
            }
            calls.getLast().addDoneCallback(_ -> chain.getFirst().setResult(1));
            int refused = 0;
            List<ConcurrentFuture<Integer>> late = new ArrayList<>(CALLS);

            fill();
            for (int i = 0; i < CALLS; i++) {
                try {
                    late.add(pool.submit(WithoutMemory::waitUntilOpen));
                } catch (OutOfMemoryError e) {
                    refused++;
                }
            }
            for (int i = CALLS / 2; i < CALLS - 1; i++) {
                try {
                    calls.get(i).cancel(true);
                } catch (OutOfMemoryError e) {
                    refused++;
                }
            }
            open = true;
            if (arguments[0].equals("PLATFORM")) { // a virtual thread needs memory to wait for anything
                awaitAllWithoutMemory(calls);
            }
            hoard = null;

            Futures.waitUntil(ReturnWhen.ALL_COMPLETED, calls);
            Futures.waitUntil(ReturnWhen.ALL_COMPLETED, late);
            Futures.waitUntil(ReturnWhen.ALL_COMPLETED, chain);
            say("all calls and callbacks have ended; refused for lack of memory: " + refused);
            for (int i = 0; i < CALLS; i++) {
                pool.submit(() -> 1).result();
            }
            say("the pool goes on");
            pool.close();
            say("the pool is closed, unfinished="
                    + (pool.statistics().running() + pool.statistics().queued()));
        }

        private static int waitUntilOpen() {
            while (!open) {
                Thread.onSpinWait();
            }
            return 1;
        }

        private static List<Promise<Integer>> chain() {
            List<Promise<Integer>> chain =
                    Stream.generate(Promise<Integer>::new).limit(CHAIN).toList();
            for (int i = 0; i + 1 < CHAIN; i++) {
                Promise<Integer> next = chain.get(i + 1);
                chain.get(i).addDoneCallback(_ -> next.setResult(1));
            }
            return chain;
        }

        private static void fill() {
            for (int size = 1 << 20; size > 0; size /= 2) {
                try {
                    while (true) {
                        @Nullable Object[] next = new @Nullable Object[size];
                        next[0] = hoard;
                        hoard = next;
                    }
                } catch (OutOfMemoryError e) {
                    // smaller, then
                }
            }
        }

        private static void awaitAllWithoutMemory(List<ConcurrentFuture<Integer>> calls) {
            for (int i = 0; i < CALLS; i++) {
                ConcurrentFuture<Integer> call = calls.get(i);
                while (!call.isDone()) {
                    Thread.onSpinWait();
                }
            }
        }
    }

    enum Threads {
        PLATFORM,
        VIRTUAL
    }

    @ParameterizedTest
    @EnumSource
    void callsEndWithoutMemoryAndThePoolGoesOn(Threads threads) throws Exception {
        assertThat(new Program(
                                WithoutMemory.class,
                                List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx12m"),
                                50)
                        .run(folder, 0, threads))
                .last()
                .isEqualTo("the pool is closed, unfinished=0");
    }
}
