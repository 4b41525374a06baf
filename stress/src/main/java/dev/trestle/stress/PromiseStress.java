package dev.trestle.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import dev.trestle.api.Promise;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.LLL_Result;
import org.openjdk.jcstress.infra.results.LL_Result;
import org.openjdk.jcstress.infra.results.L_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * The races of a promise: between completions, and between completions, callbacks and readers. Two actors each, because
 * jcstress leaves out tests with more actors than the machine has processors.
 */
public final class PromiseStress {

    private PromiseStress() {}

    /** A result and a cancellation: one of them wins, and the promise says which. */
    @JCStressTest
    @Outcome(id = "true, false, SUCCESS", expect = ACCEPTABLE, desc = "The result won")
    @Outcome(id = "false, true, CANCELLED", expect = ACCEPTABLE, desc = "The cancellation won")
    @Outcome(expect = FORBIDDEN)
    @State
    public static class ResultAgainstCancel {
        private final Promise<Integer> promise = new Promise<>();

        @Actor
        public void complete(LLL_Result r) {
            r.r1 = promise.trySetResult(1);
        }

        @Actor
        public void cancel(LLL_Result r) {
            r.r2 = promise.cancel(true);
        }

        @Arbiter
        public void look(LLL_Result r) {
            r.r3 = promise.state();
        }
    }

    /**
     * Starting and cancelling: a promise that was cancelled first is not started; a started one tells its canceller.
     */
    @JCStressTest
    @Outcome(id = "false, cancelled pending", expect = ACCEPTABLE, desc = "Cancelled first: not started")
    @Outcome(id = "true, cancelled running", expect = ACCEPTABLE, desc = "Started first: the work is told")
    @Outcome(expect = FORBIDDEN)
    @State
    public static class StartAgainstCancel {
        private volatile String told = "nothing";
        private final Promise<Integer> promise =
                new Promise<>((running, interrupt) -> told = running ? "cancelled running" : "cancelled pending");

        @Actor
        public void start(LL_Result r) {
            r.r1 = promise.setRunningOrNotifyCancel();
        }

        @Actor
        public void cancel() {
            promise.cancel(true);
        }

        @Arbiter
        public void look(LL_Result r) {
            r.r2 = told;
        }
    }

    /** Registration and completion: each callback is called once. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "Each once")
    @Outcome(expect = FORBIDDEN)
    @State
    public static class RegistrationAgainstCompletion {
        private final Promise<Integer> promise = new Promise<>();
        private int one;
        private int other;

        @Actor
        public void registerOne() {
            promise.addDoneCallback(_ -> one++);
        }

        @Actor
        public void registerOtherAndComplete() {
            promise.addDoneCallback(_ -> other++);
            promise.setResult(1);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = one;
            r.r2 = other;
        }
    }

    /** Callbacks run in the order of registration, also those that are added while the first ones run. */
    @JCStressTest
    @Outcome(id = "abcd", expect = ACCEPTABLE, desc = "In order")
    @Outcome(expect = FORBIDDEN)
    @State
    public static class OrderOfCallbacks {
        private final Promise<Integer> promise = new Promise<>();
        private String trail = "";

        @Actor
        public void register() {
            promise.addDoneCallback(_ -> trail += "a");
            promise.addDoneCallback(_ -> trail += "b");
            promise.addDoneCallback(_ -> trail += "c");
            promise.addDoneCallback(_ -> trail += "d");
        }

        @Actor
        public void complete() {
            promise.setResult(1);
        }

        @Arbiter
        public void look(L_Result r) {
            r.r1 = trail;
        }
    }

    /** A thread that sees the promise done sees everything that was written before its completion. */
    @JCStressTest
    @Outcome(id = "false, false", expect = ACCEPTABLE, desc = "Not done yet")
    @Outcome(id = "true, true", expect = ACCEPTABLE, desc = "Done, and the write is there")
    @Outcome(expect = FORBIDDEN)
    @State
    public static class Publication {
        private final Promise<Integer> promise = new Promise<>();
        private boolean written;

        @Actor
        public void write() {
            written = true;
            promise.setResult(1);
        }

        @Actor
        public void read(ZZ_Result r) {
            r.r1 = promise.isDone();
            r.r2 = r.r1 && written;
        }
    }

    /** A waiting thread is woken by the completion; a lost wake-up would hang, which jcstress reports. */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "It saw the result")
    @Outcome(expect = FORBIDDEN)
    @State
    public static class WaitAgainstCompletion {
        private final Promise<Integer> promise = new Promise<>();

        @Actor
        public void read(L_Result r) {
            r.r1 = promise.result();
        }

        @Actor
        public void complete() {
            promise.setResult(1);
        }
    }

    /** A wait that gives up takes only itself away: the callback next to it is called. */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "The callback was called once")
    @Outcome(expect = FORBIDDEN)
    @State
    public static class GivingUpAgainstCompletion {
        private final Promise<Integer> promise = new Promise<>();
        private int calls;

        @Actor
        public void registerAndGiveUp() {
            promise.addDoneCallback(_ -> calls++);
            try {
                promise.result(Duration.ofNanos(1));
            } catch (TimeoutException e) {
                // as expected, unless the other actor was quicker
            }
        }

        @Actor
        public void complete() {
            promise.setResult(1);
        }

        @Arbiter
        public void look(L_Result r) {
            r.r1 = calls;
        }
    }
}
