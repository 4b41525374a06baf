package dev.trestle.spring.boot;

/** Thrown at the start of a context in which an {@code @Async} method names a process pool as its executor. */
public final class AsyncOnProcessPoolException extends IllegalStateException {

    private static final long serialVersionUID = 1L;

    AsyncOnProcessPoolException(String method, String executor) {
        super("The @Async method " + method + " would run on the process pool '" + executor + "', which is impossible:"
                + " Spring hands over the invocation of the method on its bean, with the proxies around it, and that"
                + " cannot travel to another JVM. Remove @Async, inject the ProcessPool, and write pool.submit(() ->"
                + " ...) in the method, with a lambda that captures nothing but data; or name an executor of threads.");
    }
}
