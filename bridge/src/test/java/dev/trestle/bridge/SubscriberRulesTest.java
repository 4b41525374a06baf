package dev.trestle.bridge;

import static dev.trestle.loop.Async.await;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.opentest4j.TestAbortedException;
import org.reactivestreams.tck.TestEnvironment;
import org.reactivestreams.tck.flow.FlowSubscriberBlackboxVerification;
import org.reactivestreams.tck.flow.FlowSubscriberWhiteboxVerification;
import org.testng.SkipException;

/**
 * The rules of reactive streams for a subscriber, by the suites of reactive streams. The suites are written for TestNG;
 * here, JUnit calls their methods.
 */
@Timeout(60)
class SubscriberRulesTest {

    /** The times to wait for events that must happen, and for events that must not. */
    private static final TestEnvironment ENVIRONMENT = new TestEnvironment(10_000, 20, 10);

    private static final CompletableFuture<EventLoop> started = new CompletableFuture<>();
    private static final CompletableFuture<LoopFuture<@Nullable Void>> end = new CompletableFuture<>();
    private static final Thread running = Thread.ofPlatform().unstarted(SubscriberRulesTest::runLoop);

    private static void runLoop() {
        EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            LoopFuture<@Nullable Void> over = loop.createFuture();
            end.complete(over);
            started.complete(loop);
            await(over);
        });
    }

    @BeforeAll
    static void start() {
        running.start();
    }

    @AfterAll
    static void stop() throws InterruptedException {
        started.join().callSoonThreadsafe(() -> end.join().setResult(null));
        running.join();
    }

    /** Returns the subscriber of a coroutine that reads all items. */
    private static Intake<Integer> subscriber() {
        EventLoop loop = started.join();
        var intake = new Intake<Integer>(loop, 8);
        var _ = Bridge.runCoroutineThreadsafe(
                () -> {
                    int sum = 0;
                    while (intake.hasNext()) {
                        sum += intake.next();
                    }
                    return sum;
                },
                loop);
        return intake;
    }

    /** The rules that a publisher can observe. */
    static final class Blackbox extends FlowSubscriberBlackboxVerification<Integer> {
        Blackbox() {
            super(ENVIRONMENT);
        }

        @Override
        public Flow.Subscriber<Integer> createFlowSubscriber() {
            return subscriber();
        }

        @Override
        public Integer createElement(int element) {
            return element;
        }
    }

    /** The rules for the inside of a subscriber, too. */
    static final class Whitebox extends FlowSubscriberWhiteboxVerification<Integer> {
        Whitebox() {
            super(ENVIRONMENT);
        }

        @Override
        protected Flow.Subscriber<Integer> createFlowSubscriber(WhiteboxSubscriberProbe<Integer> probe) {
            return new Probed(subscriber(), probe);
        }

        @Override
        public Integer createElement(int element) {
            return element;
        }

        private record Probed(Intake<Integer> intake, WhiteboxSubscriberProbe<Integer> probe)
                implements Flow.Subscriber<Integer> {
            @Override
            public void onSubscribe(Flow.Subscription subscription) {
                intake.onSubscribe(subscription);
                probe.registerOnSubscribe(new SubscriberPuppet() {
                    @Override
                    public void triggerRequest(long elements) {
                        // its coroutine reads as many as there are
                    }

                    @Override
                    public void signalCancel() {
                        intake.close();
                    }
                });
            }

            @Override
            public void onNext(Integer item) {
                intake.onNext(item);
                probe.registerOnNext(item);
            }

            @Override
            public void onError(Throwable thrown) {
                intake.onError(thrown);
                probe.registerOnError(thrown);
            }

            @Override
            public void onComplete() {
                intake.onComplete();
                probe.registerOnComplete();
            }
        }
    }

    @TestFactory
    Stream<DynamicTest> asAPublisherSeesIt() {
        return rules(Blackbox.class)
                .map(rule -> DynamicTest.dynamicTest(rule.getName(), () -> {
                    var suite = new Blackbox();
                    suite.startPublisherExecutorService();
                    try {
                        suite.setUp();
                        check(rule, suite);
                    } finally {
                        suite.shutdownPublisherExecutorService();
                    }
                }));
    }

    @TestFactory
    Stream<DynamicTest> seenFromInside() {
        return rules(Whitebox.class)
                .map(rule -> DynamicTest.dynamicTest(rule.getName(), () -> {
                    var suite = new Whitebox();
                    suite.startPublisherExecutorService();
                    try {
                        suite.setUp();
                        check(rule, suite);
                    } finally {
                        suite.shutdownPublisherExecutorService();
                    }
                }));
    }

    /** Returns the rules of a suite, without those that cannot be tested, as it says. */
    private static Stream<Method> rules(Class<?> suite) {
        return Arrays.stream(suite.getMethods())
                .filter(method -> method.isAnnotationPresent(org.testng.annotations.Test.class))
                .filter(method -> !method.getName().startsWith("untested_"));
    }

    private static void check(Method rule, Object suite) throws Throwable {
        try {
            rule.invoke(suite);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof SkipException skipped) {
                throw new TestAbortedException(skipped.getMessage(), skipped);
            }
            throw e.getCause();
        }
    }
}
