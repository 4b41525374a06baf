package dev.trestle.threadpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.Futures;
import dev.trestle.api.MapOptions;
import dev.trestle.api.Promise;
import dev.trestle.api.ReturnWhen;
import java.lang.reflect.Constructor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Futures and a thread pool at work while an error is thrown at each of their sites in turn. After each: no future
 * without an end, no lost place, no thread lost, and {@code close} returns.
 */
@Timeout(600)
class ErrorStormTest {

    /** The number of errors at each site, each at a later passage. */
    private static final int PASSAGES = Integer.getInteger("trestle.storm.errors", 1);

    private static final long PATIENCE_SECONDS = 20;

    /** An error of a class that no code handles by name, as ThreadDeath was one. */
    private static final class Death extends Error {
        private static final long serialVersionUID = 1;
    }

    private static final List<Supplier<Error>> KINDS =
            List.of(OutOfMemoryError::new, StackOverflowError::new, Death::new);

    @Test
    void whateverIsThrownWhereverEveryFutureEndsAndThePoolGoesOn() throws Exception {
        var loader =
                new HookedClasses(ClassFiles.of(ThreadPool.class, Promise.class), ClassFiles.of(ErrorStormTest.class));
        Constructor<?> programs =
                loader.loadClass(Round.class.getName()).getDeclaredConstructor(boolean.class, int.class);
        programs.setAccessible(true);
        Logger log = Logger.getLogger(Promise.class.getName());
        Level level = log.getLevel();
        var handler = Thread.getDefaultUncaughtExceptionHandler();
        log.setLevel(Level.OFF);
        Thread.setDefaultUncaughtExceptionHandler((_, _) -> {});
        try {
            for (int i = 0; i < 4; i++) { // loads all classes, and shows that it works without errors
                assertThat(faultOf(programs, i)).isEmpty();
            }
            List<String> faults = storm(loader, programs);
            assertThat(faults).isEmpty();
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(handler);
            log.setLevel(level);
        }
    }

    private static List<String> storm(HookedClasses loader, Constructor<?> programs) throws Exception {
        var faults = new ArrayList<String>();
        List<String> sites = loader.sites();
        int thrown = 0;
        for (int site = 0; site < sites.size(); site++) {
            for (int passage = 1; passage <= PASSAGES && Hook.isReached(site); passage++) {
                Supplier<Error> kind = KINDS.get((site + passage) % KINDS.size());
                Hook.arm(site, passage, kind);
                String fault = faultOf(programs, site + passage);
                if (Hook.disarm()) {
                    thrown++;
                }
                if (!fault.isEmpty()) {
                    faults.add(kind.get() + " at " + sites.get(site) + ", passage " + passage + ": " + fault);
                }
            }
        }
        System.out.println(thrown + " errors at " + sites.size() + " sites, of which some are never reached");
        assertThat(thrown).as("errors thrown").isGreaterThan(300);
        return faults;
    }

    private static String faultOf(Constructor<?> programs, int round) throws Exception {
        @SuppressWarnings("unchecked")
        var program = (Callable<String>) programs.newInstance((round & 1) != 0, round % 3);
        var outcome = new CompletableFuture<String>();
        Thread thread = Thread.ofPlatform().daemon().name("program").start(() -> {
            try {
                outcome.complete(program.call());
            } catch (Throwable e) {
                outcome.completeExceptionally(e);
            }
        });
        return outcome.completeOnTimeout("hangs", PATIENCE_SECONDS, TimeUnit.SECONDS)
                .exceptionally(e -> "ends with " + e + " at " + List.of(e.getStackTrace()))
                .thenApply(fault -> fault.equals("hangs") ? "hangs at " + List.of(thread.getStackTrace()) : fault)
                .get();
    }

    /** One round, in classes of its own loader. */
    @SuppressWarnings({"ReturnValueIgnored", "FutureReturnValueIgnored"
    }) // that a method returns, or what it throws, is of interest
    static final class Round implements Callable<String> {
        private final ThreadPool pool;
        private final List<ConcurrentFuture<?>> futures = Collections.synchronizedList(new ArrayList<>());
        private final List<CompletableFuture<?>> views = new ArrayList<>();
        private final CountDownLatch gate = new CountDownLatch(1);
        private final AtomicInteger executed = new AtomicInteger();
        private final AtomicInteger callbacks = new AtomicInteger();
        private int callbacksAdded;

        Round(boolean virtual, int queueLimit) {
            pool = open(() -> open(virtual, queueLimit));
        }

        private static ThreadPool open(Supplier<ThreadPool> pools) {
            try {
                return pools.get();
            } catch (Throwable e) { // the error
                return pools.get();
            }
        }

        private static ThreadPool open(boolean virtual, int queueLimit) {
            var builder = ThreadPool.builder().size(2);
            if (virtual) {
                builder.virtual();
            }
            if (queueLimit > 0) {
                builder.queueLimit(20 + queueLimit);
            }
            if (!virtual || queueLimit == 1) { // virtual threads without an initializer end when they have no work
                builder.initializer(() -> {});
            }
            return builder.build();
        }

        private interface Step {
            void run() throws Throwable;
        }

        /** Runs a step that may meet the error, and repeats it once if it does. */
        private static void attempt(Step step) {
            for (int i = 0; i < 2; i++) {
                try {
                    step.run();
                    return;
                } catch (Throwable e) {
                    // the error, or what a call has ended with because of it
                }
            }
        }

        private <T> ConcurrentFuture<T> kept(ConcurrentFuture<T> future) {
            futures.add(future);
            return future;
        }

        private void listen(ConcurrentFuture<?> future) {
            try {
                future.addDoneCallback(_ -> callbacks.incrementAndGet());
                callbacksAdded++;
            } catch (Throwable e) {
                // then it is not called
            }
        }

        @Override
        public String call() throws Exception {
            promises();
            waitingCalls();
            gate.countDown();
            doneCalls();
            many();
            ThreadPool stopped = stop(() -> ThreadPool.builder().build());
            ThreadPool broken = stop(() -> ThreadPool.builder()
                    .size(1)
                    .initializer(() -> {
                        throw new IllegalStateException("on purpose");
                    })
                    .build());
            Hook.disarm();
            stopped.close();
            broken.close();
            return fault();
        }

        private void promises() {
            var one = new Promise<Object>((_, _) -> {});
            var two = new Promise<Object>((_, _) -> {});
            var three = new Promise<Object>();
            for (Promise<Object> each : List.of(one, two, three)) {
                listen(kept(each));
                listen(each);
                attempt(() -> views.add(each.toCompletableFuture()));
            }
            attempt(() -> one.addDoneCallback(_ -> two.cancel(true)));
            attempt(() -> two.addDoneCallback(_ -> three.trySetException(new IllegalStateException("on purpose"))));
            attempt(() -> one.result(Duration.ofNanos(1)));
            attempt(() -> Futures.waitUntil(ReturnWhen.FIRST_EXCEPTION, List.of(one, two), Duration.ofNanos(1)));
            attempt(() -> Futures.asCompleted(List.of(one, two), Duration.ofNanos(1))
                    .iterator()
                    .next());
            attempt(() -> one.trySetResult(new IllegalStateException("a result")));
            attempt(() -> two.cancel(true));
            attempt(() -> three.trySetResult(3));
            attempt(() -> three.trySetException(new IllegalStateException("too late")));
            listen(one);
            attempt(() -> three.addDoneCallback(_ -> {
                throw new IllegalStateException("on purpose");
            }));
            for (Promise<Object> each : List.of(one, two, three)) {
                attempt(each::toString);
                attempt(each::get);
                attempt(each::exception);
                attempt(each::resultNow);
                attempt(each::exceptionNow);
                attempt(() -> each.setResult("too late"));
            }
        }

        /** Two calls that run and some that wait. */
        private void waitingCalls() {
            var started = new CountDownLatch(2);
            for (int i = 0; i < 2; i++) {
                attempt(() -> listen(kept(pool.submit(() -> {
                    started.countDown();
                    return gate.await(30, TimeUnit.SECONDS);
                }))));
            }
            var waiting = new ArrayList<ConcurrentFuture<?>>();
            for (int i = 0; i < 6; i++) {
                attempt(() -> waiting.add(kept(pool.submit(() -> 1))));
            }
            for (ConcurrentFuture<?> each : waiting) {
                listen(each);
                attempt(() -> views.add(each.toCompletableFuture()));
            }
            if (waiting.size() > 4) {
                attempt(() -> waiting.get(1).cancel(true));
                attempt(() -> waiting.get(3).cancel(false));
                attempt(() -> waiting.get(4).addDoneCallback(_ -> attempt(() -> kept(pool.submit(() -> 5)))));
            }
            attempt(() -> pool.execute(executed::incrementAndGet));
        }

        private void doneCalls() {
            attempt(() -> kept(pool.submit(() -> new IllegalStateException("a result")))
                    .get());
            attempt(() -> kept(pool.submit(() -> Integer.parseInt("no number"))).get());
            attempt(() -> kept(pool.submit(() -> 1)).get(10, TimeUnit.SECONDS));
            attempt(() -> {
                var running = new CountDownLatch(1);
                var call = kept(pool.submit(() -> {
                    running.countDown();
                    return new CountDownLatch(1).await(30, TimeUnit.SECONDS);
                }));
                try {
                    running.await(10, TimeUnit.SECONDS);
                } finally {
                    while (!call.isDone()) {
                        attempt(() -> call.cancel(true));
                    }
                }
            });
        }

        private void many() {
            attempt(() -> pool.map(n -> n + 1, List.of(1, 2, 3)).toList());
            attempt(() -> pool.map(
                            n -> n + 1,
                            List.of(1, 2, 3),
                            MapOptions.DEFAULT
                                    .withOrder(MapOptions.Order.COMPLETION)
                                    .withChunkSize(1))
                    .toList());
            Iterable<Integer> slow = () -> List.of(1, 2, 3).iterator();
            attempt(() -> pool.map(n -> n + 1, slow).toList());
            attempt(() -> pool.map(
                            n -> 1 / n, List.of(1, 0, 2), MapOptions.DEFAULT.withOnError(MapOptions.OnError.CONTINUE))
                    .iterator()
                    .next());
            attempt(() -> pool.map(
                            _ -> gate.await(1, TimeUnit.NANOSECONDS),
                            slow,
                            MapOptions.DEFAULT.withTimeout(Duration.ofNanos(1)))
                    .toList());
            attempt(() -> Futures.waitUntil(
                    ReturnWhen.ALL_COMPLETED, List.of(kept(pool.submit(() -> 1)), kept(pool.submit(() -> 2)))));
            attempt(() -> Futures.asCompleted(List.of(kept(pool.submit(() -> 1)), kept(pool.submit(() -> 2))))
                    .forEach(Object::toString));
            attempt(() -> pool.invokeAny(List.of(() -> 1, () -> 2), 10, TimeUnit.SECONDS));
            attempt(() -> pool.invokeAll(List.of(() -> 1, () -> 2), 10, TimeUnit.SECONDS));
            attempt(() -> pool.invokeAll(List.of(() -> 1, () -> 2)).forEach(each -> kept((ConcurrentFuture<?>) each)));
            attempt(() -> pool.invokeAny(List.of(() -> 1, () -> 2)));
            attempt(pool::statistics);
            attempt(pool::toString);
        }

        /** Stops a pool with calls that run, wait and are refused. */
        private ThreadPool stop(Supplier<ThreadPool> pools) {
            ThreadPool stopped = open(pools);
            var never = new CountDownLatch(1);
            for (int i = 0; i < 4; i++) {
                attempt(() -> listen(kept(stopped.submit(() -> never.await(30, TimeUnit.SECONDS)))));
                attempt(() -> stopped.execute(executed::incrementAndGet));
            }
            try {
                attempt(() -> stopped.shutdownNow().forEach(Runnable::run));
                attempt(() -> kept(stopped.submit(() -> 1)));
                attempt(() -> stopped.execute(() -> {}));
                attempt(() -> stopped.awaitTermination(1, TimeUnit.NANOSECONDS));
                attempt(stopped::close);
                attempt(stopped::shutdownNow);
            } finally {
                never.countDown();
            }
            return stopped;
        }

        private String fault() throws Exception {
            for (int i = 0; i < 30; i++) { // more than there are places
                var _ = pool.submit(() -> 1).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            }
            var both = new CountDownLatch(2);
            for (int i = 0; i < 2; i++) {
                pool.execute(() -> {
                    both.countDown();
                    try {
                        both.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                });
            }
            if (!both.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                return "one thread only is left: " + pool;
            }
            pool.close();
            var faults = new ArrayList<String>();
            for (ConcurrentFuture<?> each : List.copyOf(futures)) {
                if (!each.isDone()) {
                    faults.add("no end of " + each);
                }
            }
            for (CompletableFuture<?> each : views) {
                if (!each.isDone()) {
                    faults.add("no end of a view");
                }
            }
            if (callbacks.get() != callbacksAdded) {
                faults.add(callbacksAdded + " callbacks were added, " + callbacks + " have run");
            }
            if (pool.hasUnfinished()
                    || pool.statistics().running() != 0
                    || pool.statistics().queued() != 0) {
                faults.add("a call has not ended: " + pool.statistics());
            }
            return faults.isEmpty() ? "" : faults.toString();
        }
    }
}
