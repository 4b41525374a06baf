package dev.trestle.examples;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.trestle.bridge.Bridge;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopFuture;
import dev.trestle.loop.LoopSemaphore;
import dev.trestle.threadpool.ThreadPool;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A thousand calls to a service that accepts ten at a time and refuses an eleventh: kept within its limit by a
 * semaphore of the loop, and by the size of a pool. The service is a real HTTP server in this program.
 */
final class FragileService implements AutoCloseable {

    private static final int LIMIT = 10;
    private static final int CALLS = 1000;

    private final HttpServer server;
    private final Semaphore places = new Semaphore(LIMIT);
    private final AtomicInteger inside = new AtomicInteger();
    private final AtomicInteger most = new AtomicInteger();
    private final AtomicInteger served = new AtomicInteger();
    private final AtomicInteger refused = new AtomicInteger();

    private FragileService() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", this::serve);
        server.start();
    }

    private void serve(HttpExchange exchange) throws IOException {
        int status = 503;
        if (places.tryAcquire()) {
            most.accumulateAndGet(inside.incrementAndGet(), Math::max);
            LockSupport.parkNanos(100_000); // long enough to overlap with other calls
            served.incrementAndGet();
            inside.decrementAndGet();
            places.release();
            status = 200;
        } else {
            refused.incrementAndGet();
        }
        exchange.sendResponseHeaders(status, -1);
        exchange.close();
    }

    private HttpRequest request() {
        return HttpRequest.newBuilder(
                        URI.create("http://localhost:" + server.getAddress().getPort() + "/"))
                .build();
    }

    @Override
    public void close() {
        server.stop(0);
    }

    static void main(String[] args) throws IOException {
        try (var service = new FragileService();
                var client = HttpClient.newHttpClient()) {
            EventLoop.run(() -> bySemaphore(service, client));
            IO.println("by semaphore: " + service);
        }
        try (var service = new FragileService();
                var client = HttpClient.newHttpClient()) {
            EventLoop.run(() -> byPoolSize(service, client));
            IO.println("by pool size: " + service);
        }
    }

    private static void bySemaphore(FragileService service, HttpClient client) {
        var semaphore = new LoopSemaphore(LIMIT);
        List<LoopFuture<Integer>> calls = new ArrayList<>();
        for (int i = 0; i < CALLS; i++) {
            calls.add(createTask(() -> {
                semaphore.acquire();
                try {
                    return blocking(() -> get(service, client));
                } finally {
                    semaphore.release();
                }
            }));
        }
        await(gather(calls));
    }

    private static void byPoolSize(FragileService service, HttpClient client) {
        try (var pool = ThreadPool.builder().size(LIMIT).virtual().build()) {
            List<LoopFuture<Integer>> calls = new ArrayList<>();
            for (int i = 0; i < CALLS; i++) {
                calls.add(Bridge.runInExecutor(pool, () -> get(service, client)));
            }
            await(gather(calls));
        }
    }

    private static int get(FragileService service, HttpClient client) throws IOException, InterruptedException {
        return client.send(service.request(), BodyHandlers.discarding()).statusCode();
    }

    @Override
    public String toString() {
        return served + " served, " + refused + " refused, at most " + LIMIT + " at a time: " + (most.get() <= LIMIT);
    }
}
