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
 * A way to make and wake the virtual threads of a loop. Without flags it is the JDK's. When {@code java.base/java.lang}
 * is opened to this module, the loop's threads have a scheduler of their own, which runs the thread that the baton goes
 * to on the carrier of the one that gives it away, as soon as that one has parked.
 */
sealed interface HandOver {

    /** Returns the fastest way there is here. */
    static HandOver create() {
        return Jdk.INSIDES == null ? new ByUnpark() : new SameCarrier(Jdk.INSIDES);
    }

    /** Returns a new builder of threads that can be handed over to. */
    Thread.Builder.OfVirtual threads();

    /** Wakes a parked thread. The caller is about to park or to end. */
    void wakeBeforeParking(Thread next);

    /** Starts a thread. The caller is about to park or to end. */
    void startBeforeParking(Thread next);

    /**
     * Makes threads that wait for their giver to leave the carrier run elsewhere. Any thread may call this, at any
     * time; the slow-callback detector does when the baton's holder has not done anything for a while.
     */
    void unstick();

    /**
     * Does the same for the carrier of the calling thread, which has given the baton away and cannot leave its carrier.
     */
    void unstickHere();

    /** The JDK's scheduler, no flags. */
    record ByUnpark() implements HandOver {

        @Override
        public Thread.Builder.OfVirtual threads() {
            return Thread.ofVirtual();
        }

        @Override
        public void wakeBeforeParking(Thread next) {
            LockSupport.unpark(next);
        }

        @Override
        public void startBeforeParking(Thread next) {
            next.start();
        }

        @Override
        public void unstick() {}

        @Override
        public void unstickHere() {}
    }

    /** A scheduler on top of the JDK's. */
    final class SameCarrier implements HandOver, Executor {

        /*
         * The JDK calls execute(..) with what makes a virtual thread go on. If the calling thread is handing the baton
         * over, and is run by a CarrierRun, that keeps the continuation until the giver has parked, which is the next
         * thing to happen: no other thread sees it in a queue, and no other carrier is signalled. Everything else goes
         * to the JDK's scheduler: a thread that comes back from a blocking call, the driver that a foreign thread
         * wakes, the one to which a coroutine gives the baton before it makes a blocking call on its carrier.
         *
         * A carrier run is confined to its carrier, but for the slot: if the giver cannot unmount, because there is a
         * native frame on its stack, it parks together with its carrier, and the slow-callback detector submits what
         * waits in the slot to the JDK's scheduler. It may be run twice then, which is harmless: to continue a virtual
         * thread that runs, or is not to run, does nothing.
         *
         * The virtual threads that a coroutine starts have this scheduler too, as the JDK lets a thread inherit that of
         * its creator. The detector does not know those threads. So no error may lose a continuation here: what fails
         * is made again, a few times, which at worst continues a thread twice. See ADR 158.
         */

        /** The most attempts of a step that a virtual thread depends on, if the step fails. */
        private static final int MOST_ATTEMPTS = 3;

        /** The most threads that a carrier run runs before it leaves the carrier to other virtual threads. */
        static final int LONGEST = 1 << 10;

        private final Jdk jdk;
        private final Map<Thread, CarrierRun> runs = new ConcurrentHashMap<>();

        /**
         * The carrier run that the baton's holder was found in last; confined to the holder. Other threads may read an
         * earlier one, whose carrier is not theirs, and do not use it then.
         */
        private @Nullable CarrierRun last;

        SameCarrier(Jdk jdk) {
            this.jdk = jdk;
        }

        @Override
        public Thread.Builder.OfVirtual threads() {
            return jdk.builder(this);
        }

        @Override
        public void execute(Runnable continuation) {
            for (int attempt = 1; true; attempt++) {
                try {
                    CarrierRun run = last;
                    if (run != null && run.aboutToPark && run.carrier == Jdk.carrier()) {
                        run.aboutToPark = false;
                        run.next = continuation;
                    } else {
                        jdk.scheduler.execute(new CarrierRun(continuation));
                    }
                    return;
                } catch (Throwable e) { // the JDK repeats its call after an OutOfMemoryError only
                    if (attempt == MOST_ATTEMPTS) {
                        throw e;
                    }
                }
            }
        }

        @Override
        public void wakeBeforeParking(Thread next) {
            CarrierRun run = runHere();
            if (run == null) {
                LockSupport.unpark(next);
            } else {
                run.aboutToPark = true;
                try {
                    LockSupport.unpark(next);
                } finally {
                    run.aboutToPark = false;
                }
            }
        }

        @Override
        public void startBeforeParking(Thread next) {
            CarrierRun run = runHere();
            if (run == null) {
                next.start();
            } else {
                run.aboutToPark = true;
                try {
                    next.start();
                } finally {
                    run.aboutToPark = false;
                }
            }
        }

        private @Nullable CarrierRun runHere() {
            Thread carrier = Jdk.carrier();
            CarrierRun run = last;
            if (run == null || run.carrier != carrier) {
                run = runs.get(carrier);
                last = run;
            }
            return run;
        }

        @Override
        public void unstick() {
            runs.values().forEach(this::unstick);
        }

        @Override
        public void unstickHere() {
            CarrierRun run = runs.get(Jdk.carrier());
            if (run != null) {
                unstick(run);
            }
        }

        private void unstick(CarrierRun run) {
            Runnable stuck = run.next;
            if (stuck != null) {
                jdk.scheduler.execute(new CarrierRun(stuck));
            }
        }

        /**
         * The threads that one carrier runs for the loop, one after the other, until one of them does not hand over.
         */
        private final class CarrierRun implements Runnable {

            private final Runnable first;
            private volatile @Nullable Thread carrier;
            private boolean aboutToPark;

            /** The continuation that runs when the giver has parked. */
            private @Nullable Runnable next;

            CarrierRun(Runnable first) {
                this.first = first;
            }

            /**
             * Runs the first continuation, and those that follow by hand-over. A thread that is taken from here and not
             * run never goes on, so lack of memory costs speed only.
             */
            @Override
            public void run() {
                Thread me = null;
                try {
                    me = Thread.currentThread();
                    enter(me);
                } catch (Throwable e) {
                    Thread.onSpinWait(); // without: what is handed over goes through the JDK's scheduler
                }
                Runnable due = first;
                for (int i = 0; due != null; i++) {
                    Throwable failure = null;
                    try {
                        if (i >= LONGEST && goOnElsewhere(due)) {
                            break;
                        }
                    } catch (Throwable e) {
                        Thread.onSpinWait(); // then it goes on here
                    }
                    for (int attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
                        try {
                            due.run();
                            break;
                        } catch (Throwable e) { // of the JDK's own code, perhaps before the thread was continued
                            failure = e;
                        }
                    }
                    due = next; // calls nothing, so nothing can lose it
                    next = null;
                    try {
                        if (failure != null) {
                            report(failure);
                        }
                    } catch (Throwable e) {
                        Thread.onSpinWait(); // no memory for a log line
                    }
                }
                carrier = null;
                try {
                    if (me != null) {
                        runs.remove(me);
                    }
                } catch (Throwable e) {
                    Thread.onSpinWait(); // the next run of this carrier takes the place of this one
                }
            }

            private void enter(Thread me) {
                runs.put(me, this);
                carrier = me;
            }

            private void report(Throwable failure) {
                Log.log(ERROR, () -> "A carrier of an event loop failed", failure);
            }

            private boolean goOnElsewhere(Runnable due) {
                try {
                    jdk.scheduler.execute(new CarrierRun(due));
                    return true;
                } catch (Throwable e) {
                    return false;
                }
            }
        }
    }

    /**
     * The parts of the JDK that are closed without the flag: the constructor of its builder of virtual threads that
     * takes a scheduler, the scheduler of all others, and the question which carrier runs the calling thread.
     */
    record Jdk(MethodHandle newBuilder, MethodHandle currentCarrier, Executor scheduler) {

        /** A system property for tests: makes a program run as if nothing was opened. */
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
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        }

        Thread.Builder.OfVirtual builder(Executor withScheduler) {
            try {
                return (Thread.Builder.OfVirtual) newBuilder.invokeExact(withScheduler);
            } catch (RuntimeException | Error e) { // the caller deals with an error for lack of memory
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
