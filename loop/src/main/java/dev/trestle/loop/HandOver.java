package dev.trestle.loop;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.ERROR;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * How a loop's virtual threads are made and woken. Without flags: as the JDK does it. When {@code java.base/java.lang} is
 * opened to this module: with a scheduler of the loop's own, which runs the thread that the baton goes to on the carrier of the
 * one that gives it away, as soon as that one has parked.
 */
sealed interface HandOver {

    /** Returns the fastest way there is here. */
    static HandOver create() {
        return Jdk.INSIDES == null ? new ByUnpark() : new SameCarrier(Jdk.INSIDES);
    }

    /** Returns a new builder of threads that can be handed over to. */
    Thread.Builder.OfVirtual threads();

    /** Wakes a parked thread. The caller is about to park or to end. */
    void wakeAndPart(Thread next);

    /** Starts a thread. The caller is about to park or to end. */
    void startAndPart(Thread next);

    /**
     * Has a thread run elsewhere that waits for its giver to leave their carrier. Any thread may call it, at any time; it is
     * called when the baton's holder has not been seen to do anything for a while.
     */
    void rescue();

    /** Does the same for the carrier of the calling thread, which has given the baton away and cannot leave its carrier. */
    void rescueHere();

    /** The JDK's scheduler, no flags. */
    record ByUnpark() implements HandOver {

        @Override
        public Thread.Builder.OfVirtual threads() {
            return Thread.ofVirtual();
        }

        @Override
        public void wakeAndPart(Thread next) {
            LockSupport.unpark(next);
        }

        @Override
        public void startAndPart(Thread next) {
            next.start();
        }

        @Override
        public void rescue() {}

        @Override
        public void rescueHere() {}
    }

    /** A scheduler on top of the JDK's. */
    final class SameCarrier implements HandOver, Executor {

        /*
         * The JDK calls execute(..) with what makes a virtual thread go on. If the thread that calls is just handing the baton
         * over, and is itself run by a Leg, the leg keeps it until the giver has parked, which is the next thing to
         * happen: no queue that others see, and nobody is signalled. Everything else goes to the JDK's scheduler: a thread that
         * comes back from a blocking call, the driver that a foreign thread wakes, the one to whom a coroutine leaves the baton
         * before it makes a blocking call on its carrier.
         *
         * A leg is confined to its carrier, but for the slot: if the giver cannot unmount, because there is a native frame on
         * its stack, it parks together with its carrier, and the loop's watch takes what waits in the slot elsewhere. That may be run twice
         * then, which is harmless: to continue a virtual thread that runs, or is not to run, does nothing.
         */

        /** How many threads a leg runs one after the other before it lets others have the carrier. */
        private static final int LONGEST = 1 << 10;

        private final Jdk jdk;
        private final Map<Thread, Leg> legs = new ConcurrentHashMap<>();

        /** The leg that the baton's holder was found in last; guarded by the baton, and read racily with its final field. */
        private @Nullable Leg last;

        SameCarrier(Jdk jdk) {
            this.jdk = jdk;
        }

        @Override
        public Thread.Builder.OfVirtual threads() {
            return jdk.builder(this);
        }

        @Override
        public void execute(Runnable continuation) {
            Leg leg = last;
            if (leg != null && leg.parting && leg.carrier == Jdk.carrier()) {
                leg.parting = false;
                leg.next = continuation;
            } else {
                jdk.scheduler.execute(new Leg(continuation));
            }
        }

        @Override
        public void wakeAndPart(Thread next) {
            Leg leg = leg();
            if (leg == null) {
                LockSupport.unpark(next);
            } else {
                leg.parting = true;
                try {
                    LockSupport.unpark(next);
                } finally {
                    leg.parting = false;
                }
            }
        }

        @Override
        public void startAndPart(Thread next) {
            Leg leg = leg();
            if (leg == null) {
                next.start();
            } else {
                leg.parting = true;
                try {
                    next.start();
                } finally {
                    leg.parting = false;
                }
            }
        }

        private @Nullable Leg leg() {
            Thread carrier = Jdk.carrier();
            Leg leg = last;
            if (leg == null || leg.carrier != carrier) {
                leg = legs.get(carrier);
                last = leg;
            }
            return leg;
        }

        @Override
        public void rescue() {
            legs.values().forEach(this::rescue);
        }

        @Override
        public void rescueHere() {
            Leg leg = legs.get(Jdk.carrier());
            if (leg != null) {
                rescue(leg);
            }
        }

        private void rescue(Leg leg) {
            Runnable stuck = leg.next;
            if (stuck != null) {
                jdk.scheduler.execute(new Leg(stuck));
            }
        }

        /** What one carrier runs for the loop, one thread after the other, until none hands over to a next one. */
        private final class Leg implements Runnable {

            private final Runnable first;
            private volatile @Nullable Thread carrier;
            private boolean parting;

            /** What runs when the giver has parked. */
            private @Nullable Runnable next;

            Leg(Runnable first) {
                this.first = first;
            }

            @Nullable
            Runnable take() {
                Runnable taken = next;
                next = null;
                return taken;
            }

            /**
             * Runs what it was made for, and what that hands over to. A thread that is taken from here and not run never goes on, so
             * lack of memory costs speed only.
             */
            @Override
            public void run() {
                Thread me = Thread.currentThread();
                boolean known = enter(me);
                Runnable due = first;
                for (int i = 0; due != null && (i < LONGEST || !goOnElsewhere(due)); i++) {
                    try {
                        due.run();
                    } catch (
                            Throwable e) { // of the JDK's own code; what was handed over to this carrier is run all the
                        // same
                        Log.log(ERROR, () -> "A carrier of an event loop failed", e);
                    }
                    due = take();
                }
                carrier = null;
                if (known) {
                    legs.remove(me);
                }
            }

            private boolean enter(Thread me) {
                try {
                    legs.put(me, this);
                    carrier = me;
                    return true;
                } catch (Throwable e) { // without: what is handed over goes through the JDK's scheduler
                    return false;
                }
            }

            private boolean goOnElsewhere(Runnable due) {
                try {
                    jdk.scheduler.execute(new Leg(due));
                    return true;
                } catch (Throwable e) {
                    return false;
                }
            }
        }
    }

    /**
     * The insides of the JDK that are closed without the flag: the constructor of its builder of virtual threads that takes a
     * scheduler, the scheduler of all others, and the question which carrier runs the calling thread.
     */
    record Jdk(MethodHandle newBuilder, MethodHandle currentCarrier, Executor scheduler) {

        /** Set by hand to have a program run as if nothing was opened. */
        private static final String OFF = "dev.trestle.loop.publicApiOnly";

        static final @Nullable Jdk INSIDES = open();
        /** A constant, so that the call is inlined into a switch. */
        private static final @Nullable MethodHandle CARRIER = INSIDES == null ? null : INSIDES.currentCarrier;

        private static @Nullable Jdk open() {
            if (Boolean.getBoolean(OFF) || !Object.class.getModule().isOpen("java.lang", HandOver.class.getModule())) {
                return null;
            }
            try {
                MethodHandle currentCarrier = MethodHandles.privateLookupIn(Thread.class, MethodHandles.lookup())
                        .findStatic(Thread.class, "currentCarrierThread", MethodType.methodType(Thread.class));
                Class<?> builder = Class.forName("java.lang.ThreadBuilders$VirtualThreadBuilder");
                MethodHandle newBuilder = MethodHandles.privateLookupIn(builder, MethodHandles.lookup())
                        .findConstructor(builder, MethodType.methodType(void.class, Executor.class))
                        .asType(MethodType.methodType(Thread.Builder.OfVirtual.class, Executor.class));
                Class<?> thread = Class.forName("java.lang.VirtualThread");
                var scheduler = (Executor) MethodHandles.privateLookupIn(thread, MethodHandles.lookup())
                        .findStatic(thread, "defaultScheduler", MethodType.methodType(Executor.class))
                        .invoke();
                return new Jdk(newBuilder, currentCarrier, scheduler);
            } catch (Throwable e) { // another JDK, other insides: what needs no flags is always there
                Log.log(DEBUG, () -> "java.lang is opened, but has no scheduler to set; going on without", e);
                return null;
            }
        }

        /** Returns the platform thread that runs the calling thread. */
        @SuppressWarnings("NullAway") // called only where INSIDES is there
        static Thread carrier() {
            try {
                return (Thread) CARRIER.invokeExact();
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        }

        Thread.Builder.OfVirtual builder(Executor withScheduler) {
            try {
                return (Thread.Builder.OfVirtual) newBuilder.invokeExact(withScheduler);
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
