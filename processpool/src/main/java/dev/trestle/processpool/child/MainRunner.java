package dev.trestle.processpool.child;

import dev.trestle.processpool.wire.MainArguments;
import dev.trestle.processpool.wire.MainMethod;
import java.lang.reflect.InvocationTargetException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A JVM that runs the {@code main} of a program for a worker. It has the command line of the worker. */
final class MainRunner {

    private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private MainRunner() {}

    /** Runs the program. Throws what it throws, with which the JVM does what it always does. */
    static void run(MainArguments program) throws Throwable {
        endWith(program.parent());
        LogLines.leave();
        Class<?> type = Class.forName(program.mainClass(), false, MainRunner.class.getClassLoader());
        MainMethod main = MainMethod.of(type);
        try {
            main.invoke(program.arguments().toArray(String[]::new));
        } catch (InvocationTargetException e) {
            throw main.thrownBy(e);
        }
    }

    /**
     * Ends this JVM, and what it has started, when the worker has gone. Looks again and again and reads nothing: a JVM
     * waits 300 ms at its exit for threads that sit in a system call.
     */
    private static void endWith(long worker) {
        Thread.ofPlatform().name("trestle-lifeline").daemon().start(() -> {
            while (ProcessHandle.current().parent().map(ProcessHandle::pid).orElse(0L) == worker) {
                LockSupport.parkNanos(LOOK_AGAIN_NANOS);
            }
            Lifeline.end(Lifeline.ORPHANED);
        });
    }
}
