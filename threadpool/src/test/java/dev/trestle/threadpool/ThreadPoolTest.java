package dev.trestle.threadpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.trestle.api.BrokenExecutorException;
import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.Futures;
import dev.trestle.api.MapOptions;
import dev.trestle.api.ReturnWhen;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The rules that are particular to threads; and map and the waits, which need an executor to be tested. */
@Timeout(30)
class ThreadPoolTest {

    @AutoClose
    private final ThreadPool pool = new ThreadPool(2);

    private final CountDownLatch gate = new CountDownLatch(1);

    @AfterEach
    void openTheGate() {
        gate.countDown();
    }

    private boolean pass() throws InterruptedException {
        gate.await();
        return true;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void closeIsRefusedOnAThreadOfThePool(boolean virtual) {
        try (var own = (virtual ? ThreadPool.builder().virtual() : ThreadPool.builder()).build()) {
            var inCall = own.submit(own::close);
            assertThat(inCall.exception())
                    .hasValueSatisfying(refused -> assertThat(refused)
                            .isInstanceOf(IllegalStateException.class)
                            .hasMessageContaining(
                                    "Cannot close " + own.toString().substring(0, 20))
                            .hasMessageContaining("shutdown()"));
            assertThatThrownBy(own.submit(() -> own.awaitTermination(1, TimeUnit.DAYS))::result)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining(
                            "Cannot wait for the end of " + own.toString().substring(0, 20));
            assertThat(own.submit(() -> own.awaitTermination(0, TimeUnit.DAYS)).result())
                    .isFalse();

            var inCallback = new CompletableFuture<String>();
            var call = own.submit(this::pass);
            call.addDoneCallback(_ -> {
                try {
                    own.close();
                } catch (IllegalStateException e) {
                    inCallback.complete(String.valueOf(e.getMessage()));
                }
            });
            gate.countDown();
            assertThat(inCallback.join()).contains("in a callback");
            assertThat(own.isShutdown()).isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3})
    void aPlaceInTheQueueIsFreeBeforeTheFutureIsDone(int queueLimit) {
        try (var bounded = ThreadPool.builder().size(1).queueLimit(queueLimit).build()) {
            for (int i = 0; i < queueLimit; i++) {
                var _ = bounded.submit(this::pass);
            }
            var last = new CompletableFuture<Integer>();
            bounded.submit(this::pass).addDoneCallback(_ -> submitInCallback(bounded, 100, last));
            gate.countDown();

            assertThat(last.join()).isZero();
        }
    }

    private static void submitInCallback(ThreadPool bounded, int left, CompletableFuture<Integer> last) {
        if (left == 0) {
            last.complete(left);
            return;
        }
        var latch = new CountDownLatch(1);
        bounded.submit(() -> latch.await(10, TimeUnit.SECONDS))
                .addDoneCallback(_ -> submitInCallback(bounded, left - 1, last));
        latch.countDown();
    }

    @Test
    void aCallRunsOnAThreadOfThePoolAndItsResultComesBack() {
        var future = pool.submit(() -> Thread.currentThread().getName());

        assertThat(future.result()).matches("trestle-threadpool-\\d+-thread-1");
    }

    // Threads

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void callsThatAreAwaitedOneAfterTheOtherUseOneThreadAtATime(boolean virtual) throws Exception {
        try (var large = (virtual ? ThreadPool.builder().virtual() : ThreadPool.builder())
                .size(8)
                .build()) {
            for (int i = 0; i < 1000; i++) {
                large.submit(() -> 1).result();
                assertThatThrownBy(large.submit(() -> Integer.parseInt("no number"))::get)
                        .hasCauseInstanceOf(NumberFormatException.class);
                large.invokeAll(List.of(() -> 2));
                Futures.asCompleted(List.of(large.submit(() -> 3))).iterator().next();
                Futures.waitUntil(ReturnWhen.ALL_COMPLETED, List.of(large.submit(() -> 4)));
                assertThat(large.statistics().threads()).isBetween(virtual ? 0 : 1, 1); // a virtual one may have ended
            }
        }
    }

    @Test
    void aCallbackThatWaitsForACallOfItsPoolGetsAnotherThread() throws Exception {
        var results = new LinkedBlockingQueue<Integer>();
        var first = pool.submit(this::pass);
        first.addDoneCallback(_ -> results.add(pool.submit(() -> 1).result()));
        gate.countDown();

        assertThat(results.poll(10, TimeUnit.SECONDS)).isEqualTo(1);
    }

    /** The thread counts as free when its call is over; that it has callbacks to run turns out afterwards. */
    @Test
    void aCallIsNotQueuedBehindACallback() throws Exception {
        for (int i = 0; i < 100; i++) {
            try (var two = new ThreadPool(2)) {
                var go = new CountDownLatch(1);
                var callbackEnds = new CountDownLatch(1);
                var first = two.submit(() -> go.await(10, TimeUnit.SECONDS));
                first.addDoneCallback(_ -> {
                    try {
                        callbackEnds.await();
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                });
                go.countDown();
                first.result(); // on the way to its callback
                assertThat(two.submit(() -> "beside the callback").get(10, TimeUnit.SECONDS))
                        .isEqualTo("beside the callback");
                assertThat(two.statistics().queued()).isZero();
                callbackEnds.countDown();
            }
        }
    }

    /** The way in which a callback of a call submits or runs the next one. */
    enum Link {
        CALLBACK {
            @Override
            void tie(ConcurrentFuture<?> done, Runnable next) {
                done.addDoneCallback(_ -> next.run());
            }
        },
        STAGE {
            @Override
            void tie(ConcurrentFuture<?> done, Runnable next) {
                var _ = done.toCompletableFuture().whenComplete((_, _) -> next.run());
            }
        };

        abstract void tie(ConcurrentFuture<?> done, Runnable next);
    }

    /** The calls follow each other by callbacks: stages of futures that are done would run inside of each other. */
    @Test
    void aChainOfCallsOfAnyLengthCompletes() throws Exception {
        var last = new CompletableFuture<String>();
        chain(Link.CALLBACK, 20_000, last);

        assertThat(last.get(20, TimeUnit.SECONDS)).isEqualTo("the end");
    }

    private void chain(Link link, int left, CompletableFuture<String> last) {
        if (left == 0) {
            last.complete("the end");
        } else {
            link.tie(pool.submit(() -> left), () -> chain(link, left - 1, last));
        }
    }

    /** Each waiting call is cancelled by the callback of the one before. */
    @ParameterizedTest
    @EnumSource
    void aChainOfCancelledCallsOfAnyLengthEnds(Link link) {
        try (var one = new ThreadPool(1)) {
            var _ = one.submit(this::pass);
            var waiting = IntStream.range(0, 20_000)
                    .mapToObj(i -> one.submit(() -> i))
                    .toList();
            for (int i = 0; i + 1 < waiting.size(); i++) {
                var next = waiting.get(i + 1);
                link.tie(waiting.get(i), () -> next.cancel(true));
            }
            waiting.getFirst().cancel(true);

            assertThat(waiting).allMatch(ConcurrentFuture::isCancelled);
            gate.countDown();
        }
    }

    @Test
    void threadsThatAreIdleArePreferredToNewOnes() throws Exception {
        try (var three = new ThreadPool(3)) {
            var two = List.of(three.submit(this::pass), three.submit(this::pass));
            gate.countDown();
            two.forEach(ConcurrentFuture::result);
            for (int i = 0; i < 100; i++) {
                var barrier = new CyclicBarrier(2);
                three.invokeAll(List.of(barrier::await, barrier::await));
            }

            assertThat(three.statistics().threads()).isEqualTo(2);
        }
    }

    /**
     * Cancels calls of a long queue. A search for each call from the oldest on would take n*n/2 steps, which is too
     * many.
     */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void callsLeaveALongQueueAtOnceWhenTheyAreCancelled(boolean newestFirst) {
        int count = 300_000;
        try (var one = new ThreadPool(1)) {
            var _ = one.submit(this::pass);
            var queued =
                    IntStream.range(0, count).mapToObj(i -> one.submit(() -> i)).toList();
            (newestFirst ? queued.reversed() : queued).forEach(each -> each.cancel(false));

            assertThat(one.statistics().queued()).isZero();
            gate.countDown();
            assertThat(one.submit(() -> "next").result()).isEqualTo("next");
        }
    }

    @Test
    void queuedCallsKeepTheirOrderWhenOneIsCancelled() {
        List<Integer> order = new ArrayList<>();
        try (var one = new ThreadPool(1)) {
            var _ = one.submit(this::pass);
            var queued = IntStream.range(0, 60)
                    .mapToObj(i -> one.submit(() -> order.add(i)))
                    .toList();
            for (int i : new int[] {0, 59, 1, 30, 31, 29, 58, 5}) {
                assertThat(queued.get(i).cancel(false)).isTrue();
            }
            assertThat(one.statistics().queued()).isEqualTo(52);
            gate.countDown();
        }
        assertThat(order)
                .isEqualTo(IntStream.range(0, 60)
                        .filter(i -> !List.of(0, 59, 1, 30, 31, 29, 58, 5).contains(i))
                        .boxed()
                        .toList());
    }

    @Test
    void callsBeyondTheSizeWaitInOrder() throws Exception {
        List<Integer> order = new ArrayList<>();
        try (var one = new ThreadPool(1)) {
            var _ = one.submit(this::pass);
            var futures = IntStream.range(0, 5)
                    .mapToObj(i -> one.submit(() -> {
                        order.add(i);
                    }))
                    .toList();
            assertThat(one.statistics().queued()).isEqualTo(5);
            gate.countDown();
            futures.forEach(ConcurrentFuture::result);
        }

        assertThat(order).containsExactly(0, 1, 2, 3, 4);
    }

    @Test
    void cancelTrueInterruptsTheCall() throws Exception {
        var started = new CountDownLatch(1);
        var interrupted = new CountDownLatch(1);
        var future = pool.submit(() -> {
            started.countDown();
            try {
                gate.await();
            } catch (InterruptedException e) {
                interrupted.countDown();
            }
        });
        started.await();

        assertThat(future.isRunning()).isTrue();
        assertThat(future.cancel(true)).isTrue();
        assertThat(future.isCancelled()).isTrue();
        assertThat(interrupted.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(pool.submit(Thread::interrupted).result())
                .as("the next call of that thread")
                .isFalse();
    }

    @Test
    void cancelFalseLetsTheCallGoOn() throws Exception {
        var started = new CountDownLatch(1);
        var ended = new CountDownLatch(1);
        var future = pool.submit(() -> {
            started.countDown();
            pass();
            ended.countDown();
            return "";
        });
        started.await();

        assertThat(future.cancel(false)).isTrue();
        gate.countDown();
        assertThat(ended.await(10, TimeUnit.SECONDS)).isTrue();
        assertThatThrownBy(future::result).isInstanceOf(CancellationException.class);
    }

    @Test
    void aCancelledCallLeavesTheQueueAndNeverRuns() {
        var ran = new AtomicBoolean();
        try (var one = new ThreadPool(1)) {
            var _ = one.submit(this::pass);
            var queued = one.submit(() -> ran.set(true));
            queued.cancel(false);

            assertThat(one.statistics().queued()).isZero();
            gate.countDown();
        }
        assertThat(ran).isFalse();
    }

    @Test
    void submitAfterShutdownIsRefusedAndNamesThePool() {
        pool.shutdown();

        assertThatThrownBy(() -> pool.submit(() -> 1))
                .isInstanceOf(RejectedExecutionException.class)
                .hasMessageContaining("ThreadPool[trestle-threadpool-")
                .hasMessageContaining("it has been shut down");
    }

    @Test
    void shutdownRunsWhatIsQueuedAndShutdownNowHandsItBack() throws Exception {
        var one = new ThreadPool(1);
        var _ = one.submit(this::pass);
        var queued = one.submit(() -> 2);
        Runnable executed = () -> {};
        one.execute(executed);
        one.shutdown();
        assertThat(queued.isDone()).isFalse();

        List<Runnable> never = one.shutdownNow();

        assertThat(never).hasSize(2).contains(executed);
        assertThat(queued.isCancelled()).as("no future is lost").isTrue();
        assertThat(one.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        assertThat(one.toString()).contains("terminated");
    }

    @Test
    void runnablesFromShutdownNowDoNothing() throws Exception {
        var initialized = new AtomicInteger();
        var one = ThreadPool.builder()
                .size(1)
                .initializer(initialized::incrementAndGet)
                .build();
        var started = new CountDownLatch(1);
        var _ = one.submit(() -> {
            started.countDown();
            return pass();
        });
        started.await();
        var ran = new AtomicBoolean();
        var queued = one.submit(() -> ran.set(true));

        List<Runnable> never = one.shutdownNow();
        assertThat(one.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        assertThat(never).hasSize(1).doesNotContainNull();
        never.forEach(Runnable::run);

        assertThat(ran).isFalse();
        assertThat(initialized).hasValue(1);
        assertThat(queued.isCancelled()).isTrue();
        assertThat(never.getFirst().toString()).contains(queued.toString());
        assertThat(one.statistics()).isEqualTo(new ThreadPool.Statistics(1, 0, 0, 0, 2, 1));
    }

    @Test
    void shutdownNowInterruptsExecutedTasks() throws Exception {
        var one = new ThreadPool(2);
        var interrupted = new CountDownLatch(2);
        for (int i = 0; i < 2; i++) { // with luck one has not begun
            one.execute(() -> {
                try {
                    gate.await();
                } catch (InterruptedException e) {
                    interrupted.countDown();
                }
            });
        }
        one.shutdownNow();

        assertThat(interrupted.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(one.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }

    /** The ends of a call. */
    enum Outcome {
        RESULT,
        FAILURE,
        ERROR
    }

    @ParameterizedTest
    @EnumSource
    void statisticsAreRightWhenTheFutureIsDone(Outcome outcome) {
        for (int i = 1; i <= 1000; i++) {
            var future = pool.submit(() -> switch (outcome) {
                case RESULT -> "";
                case FAILURE -> throw new IOException("on purpose");
                case ERROR -> throw new AssertionError("on purpose");
            });
            var _ = future.exception();
            assertThat(pool.statistics().running()).isZero();
            assertThat(pool.statistics().completed()).isEqualTo(i);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 2})
    void executedTasksAndRefusedOnesLeaveTheirPlaces(int queueLimit) throws Exception {
        try (var bounded = ThreadPool.builder().size(1).queueLimit(queueLimit).build()) {
            for (int i = 0; i < 10; i++) {
                var ran = new CountDownLatch(1);
                bounded.execute(ran::countDown);
                assertThat(ran.await(10, TimeUnit.SECONDS)).isTrue();
            }
            assertThat(bounded.submit(() -> "the next").get(10, TimeUnit.SECONDS))
                    .isEqualTo("the next");
            bounded.shutdown();
            for (int i = 0; i < 10; i++) {
                assertThatThrownBy(() -> bounded.submit(() -> 1)).isInstanceOf(RejectedExecutionException.class);
            }
        }
    }

    @Test
    void theInterruptOfACallDoesNotReachItsCallbacks() {
        var interrupted = new ArrayList<Boolean>();
        try (var one = new ThreadPool(1)) {
            var inCall = new CountDownLatch(1);
            var future = one.submit(() -> {
                Thread.currentThread().interrupt();
                return waitFor(inCall);
            });
            future.addDoneCallback(_ -> interrupted.add(Thread.currentThread().isInterrupted()));
            inCall.countDown();
            var _ = future.exception();
            var result = one.submit(() -> Thread.currentThread().isInterrupted());
            interrupted.add(result.result());
        }
        assertThat(interrupted).containsExactlyInAnyOrder(false, false);
    }

    /** Waits without heeding interrupts. */
    private static boolean waitFor(CountDownLatch latch) {
        while (latch.getCount() > 0) {
            Thread.onSpinWait();
        }
        return Thread.currentThread().isInterrupted();
    }

    @Test
    void aBrokenPoolRunsNothingThatWasQueued() throws Exception {
        var ran = new AtomicInteger();
        var uncaught = new LinkedBlockingQueue<Throwable>();
        try (var broken = ThreadPool.builder()
                .size(2)
                .threadFactory(run -> {
                    var thread = new Thread(run);
                    thread.setUncaughtExceptionHandler((_, e) -> uncaught.add(e));
                    return thread;
                })
                .initializer(() -> {
                    try {
                        pass();
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                    throw new IllegalStateException("no database");
                })
                .build()) {
            var futures = IntStream.range(0, 20)
                    .mapToObj(_ -> broken.submit(ran::incrementAndGet))
                    .toList();
            broken.execute(ran::incrementAndGet);
            gate.countDown();

            assertThat(futures)
                    .allSatisfy(each -> assertThat(each.exception()).containsInstanceOf(BrokenExecutorException.class));
            assertThat(uncaught.poll(10, TimeUnit.SECONDS)).isInstanceOf(BrokenExecutorException.class);
        }
        assertThat(ran).hasValue(0);
    }

    @Test
    void aFailingInitializerBreaksThePoolWithItsCause() {
        var cause = new IllegalStateException("no database");
        try (var broken = ThreadPool.builder()
                .size(1)
                .namePrefix("reports")
                .initializer(() -> {
                    try {
                        gate.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    throw cause;
                })
                .build()) {
            var first = broken.submit(() -> 1);
            var second = broken.submit(() -> 2);
            gate.countDown();

            assertThatThrownBy(first::result)
                    .isInstanceOf(BrokenExecutorException.class)
                    .hasMessageContaining("initializer of reports failed")
                    .hasMessageContaining("no database")
                    .hasCause(cause);
            assertThatThrownBy(second::result).isInstanceOf(BrokenExecutorException.class);
            assertThatThrownBy(() -> broken.submit(() -> 3)).isInstanceOf(BrokenExecutorException.class);
        }
    }

    @Test
    void aFailedInitializerWithoutATextEndsItsCalls() {
        var cause = new IllegalStateException() {
            private static final long serialVersionUID = 1;

            @Override
            public String getMessage() {
                throw new UnsupportedOperationException("getMessage failed on purpose");
            }
        };
        try (var broken = ThreadPool.builder()
                .size(1)
                .initializer(() -> {
                    throw cause;
                })
                .build()) {
            assertThatThrownBy(broken.submit(() -> 1)::result)
                    .isInstanceOf(BrokenExecutorException.class)
                    .hasMessageContaining(cause.getClass().getName())
                    .extracting(Throwable::getCause)
                    .isSameAs(cause);
        }
    }

    @Test
    void theDefaultSizeIsFourMoreThanProcessors() {
        assertThatThrownBy(() -> new ThreadPool(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("The size of a thread pool must be 1 or more: 0");
        try (var standard = ThreadPool.builder().build()) {
            assertThat(standard.parallelism())
                    .isEqualTo(Math.min(32, Runtime.getRuntime().availableProcessors() + 4));
        }
    }

    @Test
    void theInitializerRunsOncePerThread() {
        var runs = new AtomicInteger();
        try (var initialized =
                ThreadPool.builder().size(1).initializer(runs::incrementAndGet).build()) {
            initialized.submit(() -> 1).result();
            initialized.submit(() -> 2).result();
        }
        assertThat(runs).hasValue(1);
    }

    @Test
    void threadsCanBeVirtual() {
        try (var virtual = ThreadPool.builder().virtual().size(1000).build()) {
            var futures = IntStream.range(0, 1000)
                    .mapToObj(_ -> virtual.submit(() -> {
                        gate.await();
                        return Thread.currentThread().isVirtual();
                    }))
                    .toList();
            gate.countDown();

            assertThat(futures).allMatch(ConcurrentFuture::result);
        }
    }

    // map

    @Test
    void mapKeepsTheOrderOfItsInputs() {
        List<Integer> inputs = IntStream.range(0, 10_000).boxed().toList();

        assertThat(pool.map(i -> i * 2, inputs).toList())
                .isEqualTo(inputs.stream().map(i -> i * 2).toList());
    }

    @Test
    void mapBeginsBeforeItsStreamIsRead() throws Exception {
        var begun = new CountDownLatch(1);
        try (var results = pool.map(
                i -> {
                    begun.countDown();
                    return i;
                },
                List.of(1, 2, 3))) {
            assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(results.toList()).containsExactly(1, 2, 3);
        }
    }

    @Test
    void anInputThatFailsEndsMapAfterWhatWasInFlight() {
        Iterable<Integer> failing = () -> Stream.of(1, 2)
                .peek(i -> {
                    if (i == 2) {
                        throw new IllegalStateException("input failed on purpose");
                    }
                })
                .iterator();
        var results = pool.map(_ -> pass(), failing).iterator();
        gate.countDown();
        assertThat(results.hasNext()).isTrue();
        results.next();
        assertThatThrownBy(results::hasNext).hasMessage("input failed on purpose");
        await().until(() -> pool.statistics().running() == 0);
        assertThat(pool.statistics().queued()).isZero();
    }

    @Test
    void mapTakesNoMoreOfAnEndlessInputThanItsLookAhead() {
        var taken = new AtomicInteger();
        Iterable<Integer> endless =
                () -> Stream.generate(taken::incrementAndGet).iterator();

        try (var results = pool.map(i -> i, endless, MapOptions.DEFAULT.withLookAhead(5))) {
            var iterator = results.iterator();
            assertThat(taken).hasValueLessThanOrEqualTo(5);
            assertThat(iterator.next()).isEqualTo(1);
            assertThat(iterator.next()).isEqualTo(2);
            assertThat(taken).hasValueLessThanOrEqualTo(7);
        }
    }

    @Test
    void mapWorksOnEndlessInputsByItself() {
        Iterable<Integer> endless = () -> Stream.iterate(0, i -> i + 1).iterator();

        try (var results = pool.map(i -> i, endless)) {
            assertThat(results.limit(100_000).mapToLong(i -> i).sum()).isEqualTo(4_999_950_000L);
        }
    }

    @Test
    void anErrorEndsTheStreamAtItsPlace() {
        var results =
                pool.map(ThreadPoolTest::failOnThree, List.of(1, 2, 3, 4, 5)).iterator();

        assertThat(results.next()).isEqualTo(1);
        assertThat(results.next()).isEqualTo(2);
        assertThatThrownBy(results::next)
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(IOException.class)
                .hasMessageContaining("three");
        assertThat(results.hasNext()).isFalse();
    }

    @Test
    void mapGoesOnAfterAnErrorIfAsked() {
        for (int chunk : new int[] {1, 2, 5, 100}) {
            var options =
                    MapOptions.DEFAULT.withOnError(MapOptions.OnError.CONTINUE).withChunkSize(chunk);
            var results = pool.map(ThreadPoolTest::failOnThree, List.of(1, 2, 3, 4, 3, 5), options)
                    .iterator();

            assertThat(results.next()).isEqualTo(1);
            assertThat(results.next()).isEqualTo(2);
            assertThatThrownBy(results::next).hasCauseInstanceOf(IOException.class);
            assertThat(results.next()).isEqualTo(4);
            assertThatThrownBy(results::next).hasCauseInstanceOf(IOException.class);
            assertThat(results.next()).isEqualTo(5);
            assertThat(results.hasNext()).isFalse();
        }
    }

    private static int failOnThree(int i) throws IOException {
        if (i == 3) {
            throw new IOException("three");
        }
        return i;
    }

    @Test
    void mapInOrderOfCompletionGivesTheQuickOnesFirst() {
        var options = MapOptions.DEFAULT.withOrder(MapOptions.Order.COMPLETION).withChunkSize(1);
        var results = pool.map(
                        i -> {
                            if (i == 1) {
                                pass();
                            }
                            return i;
                        },
                        List.of(1, 2, 3),
                        options)
                .iterator();

        assertThat(List.of(results.next(), results.next())).containsExactly(2, 3);
        gate.countDown();
        assertThat(results.next()).isEqualTo(1);
        assertThat(results.hasNext()).isFalse();
    }

    @Test
    void aTimeoutEndsMapAndCancelsTheRest() {
        var options = MapOptions.DEFAULT.withTimeout(Duration.ofMillis(20)).withChunkSize(1);

        assertThatThrownBy(
                        () -> pool.map(_ -> pass(), List.of(1, 2, 3), options).toList())
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(TimeoutException.class)
                .hasMessageContaining("PT0.02S")
                .hasMessageContaining("of 3 calls in flight 0 were done");
        assertThat(pool.submit(() -> "free").result()).isEqualTo("free");
    }

    @Test
    void closingTheStreamCancelsWhatIsLeft() {
        try (var results = pool.map(_ -> pass(), List.of(1, 2, 3, 4, 5))) {
            assertThat(results).isNotNull();
        }

        assertThat(pool.submit(() -> "free").result()).isEqualTo("free");
    }

    @Test
    void nullIsAnInputAndAResult() {
        var inputs = new ArrayList<@Nullable String>();
        inputs.add(null);
        inputs.add("a");

        assertThat(pool.<@Nullable String, @Nullable String>map(s -> s, inputs).toList())
                .containsExactly(null, "a");
    }

    // Memory

    @Test
    void aCallThatHasEndedIsGarbageThoughItsFutureIsHeld() {
        var gone = new ArrayList<WeakReference<Object>>();
        var futures = List.of(submitWith(gone, () -> "a result"), submitWith(gone, () -> {
            throw new IllegalStateException("a failure");
        }));
        futures.forEach(ConcurrentFuture::exception);
        var _ = List.of(pool.submit(this::pass), pool.submit(this::pass)); // both threads
        var cancelled = submitWith(gone, () -> "never runs");
        cancelled.cancel(false);

        await().until(() -> {
            System.gc();
            return gone.stream().allMatch(each -> each.refersTo(null));
        });
        assertThat(futures).hasSize(2).doesNotContain(cancelled); // held until here
    }

    /** A request whose failure knows the request, and so the future that holds the failure. */
    private static final class Request {
        private @Nullable ConcurrentFuture<String> answer;

        @Override
        public String toString() {
            return "the request of " + answer;
        }
    }

    private static final class RequestFailed extends RuntimeException {
        private static final long serialVersionUID = 1;

        @SuppressWarnings("serial")
        private final Request request;

        RequestFailed(Request request) {
            this.request = request;
        }

        @Override
        public String getMessage() {
            return request + " failed";
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aFailureThatReachesItsOwnFutureIsGarbage(boolean retrieved) {
        var gone = new ArrayList<WeakReference<Object>>();
        for (int i = 0; i < 20; i++) {
            submitFailing(gone, retrieved);
        }

        await().until(() -> {
            System.gc();
            // The JVM may keep what a thread has caught last.
            return gone.stream().filter(each -> !each.refersTo(null)).count() <= 2;
        });
    }

    private void submitFailing(List<WeakReference<Object>> gone, boolean retrieved) {
        var request = new Request();
        gone.add(new WeakReference<>(request));
        ConcurrentFuture<String> answer = pool.submit((Callable<String>) () -> {
            throw new RequestFailed(request);
        });
        request.answer = answer;
        if (retrieved) {
            assertThatThrownBy(answer::result).isInstanceOf(RequestFailed.class);
            var _ = answer.toCompletableFuture();
        }
    }

    /** Submits a call that captures something big. */
    private ConcurrentFuture<String> submitWith(List<WeakReference<Object>> gone, Callable<String> call) {
        var big = new Object();
        gone.add(new WeakReference<>(big));
        return pool.submit((Callable<String>) () -> call.call() + big.hashCode());
    }

    // waitUntil, asCompleted

    @Test
    void waitUntilReturnsDoneAndPending() {
        var quick = pool.submit(() -> true);
        var slow = pool.submit(this::pass);

        var first = Futures.waitUntil(ReturnWhen.FIRST_COMPLETED, List.of(slow, quick, slow));
        assertThat(first.done()).containsExactly(quick);
        assertThat(first.pending()).containsExactly(slow);

        var late = Futures.waitUntil(ReturnWhen.ALL_COMPLETED, List.of(slow, quick), Duration.ofMillis(5));
        assertThat(late.pending()).containsExactly(slow);

        gate.countDown();
        assertThat(Futures.waitUntil(ReturnWhen.ALL_COMPLETED, List.of(slow, quick))
                        .pending())
                .isEmpty();
    }

    @Test
    void firstExceptionIgnoresCancelledFutures() {
        var cancelled = pool.submit(this::pass);
        cancelled.cancel(true);
        var slow = pool.submit(this::pass);
        var failing = pool.submit(() -> {
            throw new IOException("x");
        });

        var result = Futures.waitUntil(ReturnWhen.FIRST_EXCEPTION, List.of(cancelled, slow, failing));
        assertThat(result.done()).containsExactly(cancelled, failing);
        assertThat(result.pending()).containsExactly(slow);
    }

    @Test
    void waitUntilOfNothingReturnsAtOnce() {
        var nothing = Futures.waitUntil(ReturnWhen.FIRST_COMPLETED, List.<ConcurrentFuture<String>>of());

        assertThat(nothing.done()).isEmpty();
        assertThat(nothing.pending()).isEmpty();
    }

    @Test
    void asCompletedGivesEachFutureOnceAsItEnds() {
        var slow = pool.submit(this::pass);
        var quick = pool.submit(() -> false);

        var completions = Futures.asCompleted(List.of(slow, quick, quick)).iterator();
        assertThat(completions.next()).isSameAs(quick);
        gate.countDown();
        assertThat(completions.next()).isSameAs(slow);
        assertThat(completions.hasNext()).isFalse();
    }

    @Test
    void asCompletedCountsWhatIsUnfinishedWhenTheTimeIsOver() {
        var slow = pool.submit(this::pass);
        var quick = pool.submit(() -> false);
        quick.result();

        var completions =
                Futures.asCompleted(List.of(slow, quick), Duration.ofMillis(5)).iterator();
        assertThat(completions.next()).isSameAs(quick);
        assertThatThrownBy(completions::next)
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(TimeoutException.class)
                .hasMessageContaining("1 (of 2) futures unfinished after PT0.005S");
    }
}
