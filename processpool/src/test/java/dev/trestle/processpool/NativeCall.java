package dev.trestle.processpool;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;

/** Functions of the C library, by which tests do what Java has no method for. They return -1 if they fail. */
@SuppressWarnings("restricted") // calls what Java cannot check
final class NativeCall {

    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;
    private static final long PTRACE_SEIZE = 0x4206;
    private static final int PATH_BYTES = 108;

    private NativeCall() {}

    private static MethodHandle function(String name, MemoryLayout result, MemoryLayout... arguments) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(
                linker.defaultLookup().findOrThrow(name), FunctionDescriptor.of(result, arguments));
    }

    /** Sends a signal; 0 sends none, and only asks whether it could be sent. */
    static int kill(long pid, int signal) {
        try {
            return (int) function("kill", JAVA_INT, JAVA_INT, JAVA_INT).invokeExact((int) pid, signal);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Begins to trace a process, which goes on. */
    static long trace(long pid) {
        try {
            return (long) function("ptrace", JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG)
                    .invokeExact(PTRACE_SEIZE, (int) pid, 0L, 0L);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Listens on a Unix-domain socket whose name is no file; returns its descriptor. */
    static int listen(String abstractName) {
        int socket = onSocket("bind", abstractName);
        try {
            return (int) function("listen", JAVA_INT, JAVA_INT, JAVA_INT).invokeExact(socket, 1) == 0 ? socket : -1;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Connects to such a socket; returns a descriptor. */
    static int connect(String abstractName) {
        return onSocket("connect", abstractName);
    }

    /** Allocates memory that the JVM does not know of, and uses it. */
    static void allocate(long bytes) {
        try {
            var memory = (MemorySegment) function("malloc", ADDRESS, JAVA_LONG).invokeExact(bytes);
            memory.reinterpret(bytes).fill((byte) 1);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static void close(int descriptor) {
        try {
            var _ = (int) function("close", JAVA_INT, JAVA_INT).invokeExact(descriptor);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static int onSocket(String what, String abstractName) {
        byte[] name = abstractName.getBytes(StandardCharsets.US_ASCII);
        try (var arena = Arena.ofConfined()) {
            int socket = (int)
                    function("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT).invokeExact(AF_UNIX, SOCK_STREAM, 0);
            MemorySegment address = arena.allocate(2 + PATH_BYTES); // after a zero, a name that is no file's
            address.set(JAVA_SHORT, 0, (short) AF_UNIX);
            MemorySegment.copy(MemorySegment.ofArray(name), 0, address, 3, name.length);
            int done = (int)
                    function(what, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT).invokeExact(socket, address, 3 + name.length);
            return done == 0 ? socket : -1;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
