package dev.trestle.examples.documents;

import static dev.trestle.examples.documents.Failure.Kind.BUSY;
import static dev.trestle.examples.documents.Failure.Kind.TOO_LARGE;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.timeout;
import static dev.trestle.loop.Async.waitUntil;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.trestle.api.Call;
import dev.trestle.api.ConcurrentFuture;
import dev.trestle.api.FutureExecutor;
import dev.trestle.api.ReturnWhen;
import dev.trestle.bridge.Bridge;
import dev.trestle.loop.Coroutine;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopEvent;
import dev.trestle.loop.LoopFuture;
import dev.trestle.processpool.CallOptions;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.threadpool.ThreadPool;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The server of the example. Its methods are called in its event loop.
 *
 * <p>An upload is answered by lines of JSON: reports of progress while a worker reads the document, and then its
 * preview or a failure. The server keeps nothing of an upload.
 */
final class DocumentServer implements AutoCloseable {

    /*
     * The JDK's server runs each request on a virtual thread, where reading from the network may block. The upload
     * itself is a coroutine of the loop: it counts itself, without a lock, awaits its body, and awaits the future of
     * its call. Code that blocks (the body, the encoding of a large call, the answer) runs in blocking(..).
     *
     * The body is an array, which goes to the worker as it is: inFlight times maxBytes bound the memory of all uploads.
     * An upload that would exceed the count is refused before its body is read. So the pool's queue never fills up.
     *
     * A browser that goes away is noticed when a line cannot be written. Then the coroutine ends, which cancels the
     * call, so that no worker reads a document for a browser that has gone.
     */

    /** The time between two lines about a document that is being read. */
    private static final Duration BETWEEN_REPORTS = Duration.ofMillis(200);

    /** The time that uploads have to end, beyond the time limit of a document, when the server ends. */
    private static final Duration CLOSE_GRACE = Duration.ofSeconds(20);

    private static final Duration CANCEL_GRACE = Duration.ofMillis(500);

    /** The number of documents that a worker reads before another one replaces it: no leak lasts. */
    private static final int DOCUMENTS_PER_WORKER = 1000;

    private final EventLoop loop = EventLoop.getRunningLoop();
    private final LoopEvent idle = new LoopEvent();
    private final Settings settings;
    private final Jail jail;
    private final FutureExecutor readers;
    private final ExecutorService requests;
    private final HttpServer http;

    // Confined to the loop.
    private int inFlight;
    private boolean ending;

    private DocumentServer(Settings settings) throws IOException {
        this.settings = settings;
        http = HttpServer.create(new InetSocketAddress(settings.host(), settings.port()), 0);
        requests = Executors.newVirtualThreadPerTaskExecutor();
        Readers opened = blocking(() -> Readers.open(settings)); // a pool loads many classes
        readers = opened.executor();
        jail = opened.jail();
    }

    /** The executor that reads documents, and the sandbox of its workers. */
    private record Readers(FutureExecutor executor, Jail jail) {

        static Readers open(Settings settings) {
            if (settings.inProcess()) {
                var words = "Documents are read in the server's own JVM: a hostile document ends the server.";
                return new Readers(new ThreadPool(settings.workers()), Jail.none(words));
            }
            ProcessPool.Builder builder = workers(settings);
            Jail jail = Jail.around(builder);
            return new Readers(builder.build(), jail);
        }
    }

    private static ProcessPool.Builder workers(Settings settings) {
        ProcessPool.Builder builder = ProcessPool.builder()
                .name("documents")
                .workers(settings.workers())
                .minWorkers(settings.workers())
                .heap(settings.heapBytes())
                .callTimeout(settings.timeLimit())
                .cancelGrace(CANCEL_GRACE)
                .maxTasksPerWorker(DOCUMENTS_PER_WORKER)
                .maxPayload(Math.max(4L << 20, settings.maxBytes() + 4096L))
                .queueLimit(settings.inFlight())
                .clearEnvironment()
                .systemProperty("java.awt.headless", "true")
                .initializer(Documents::warmUp)
                .withoutShutdownHook();
        Documents.SILENCE.forEach(builder::systemProperty);
        return builder;
    }

    /** Starts the server. */
    static DocumentServer start(Settings settings) throws IOException {
        var server = new DocumentServer(settings);
        server.http.setExecutor(server.requests);
        server.http.createContext("/", new Page(settings, server.jail)::serve);
        server.http.createContext(Upload.PATH, server::receive);
        server.http.start();
        return server;
    }

    /** Returns the port that the server listens at. */
    int port() {
        return http.getAddress().getPort();
    }

    Jail jail() {
        return jail;
    }

    /** Takes a request to its coroutine; called on the request's own thread, which may block. */
    private void receive(HttpExchange exchange) {
        try (exchange) {
            Coroutine<@Nullable Void> upload = () -> {
                serve(new Upload(exchange));
                return null;
            };
            Bridge.runCoroutineThreadsafe(upload, loop).result();
        }
    }

    private void serve(Upload upload) throws IOException {
        if (ending || inFlight == settings.inFlight()) {
            String words = ending
                    ? "The server is about to end."
                    : "The server has its hands full: " + inFlight + " uploads at a time.";
            blocking(() -> upload.refuse(503, new Failure(BUSY, words)));
            return;
        }
        inFlight++;
        try {
            if (blocking(upload::isPost)) {
                read(upload);
            }
        } finally {
            inFlight--;
            if (inFlight == 0) {
                idle.set();
            }
        }
    }

    private void read(Upload upload) throws IOException {
        Optional<byte[]> content = blocking(() -> upload.content(settings.maxBytes()));
        if (content.isEmpty()) {
            var tooLarge = new Failure(
                    TOO_LARGE, "The file is larger than the server takes, which is " + settings.maxBytes() + " bytes.");
            blocking(() -> upload.refuse(413, tooLarge));
            return;
        }
        var progress = new AtomicReference<>(Map.<String, Object>of("progress", 0, "text", "waiting for a worker"));
        ConcurrentFuture<Result> future;
        try {
            future = blocking(() -> submit(content.get(), progress));
        } catch (RejectedExecutionException e) {
            Failure failure = Failure.of(e, settings.timeLimit());
            blocking(() -> upload.refuse(503, failure));
            return;
        }
        try {
            LoopFuture<Result> reading = Bridge.wrapFuture(future);
            blocking(upload::accept);
            while (!reading.isDone()) {
                waitUntil(ReturnWhen.ALL_COMPLETED, List.of(reading), BETWEEN_REPORTS);
                if (!reading.isDone()) {
                    blocking(() -> upload.write(progress.get()));
                }
            }
            Result result = reading.exception()
                    .<Result>map(e -> Failure.of(e, settings.timeLimit()))
                    .orElseGet(reading::result);
            blocking(() -> upload.end(result));
        } finally {
            future.cancel(true); // without effect if it has ended
        }
    }

    private ConcurrentFuture<Result> submit(byte[] content, AtomicReference<Map<String, Object>> progress) {
        Call<Result> call = () -> Documents.read(content);
        if (!(readers instanceof ProcessPool pool)) {
            return readers.submit(call);
        }
        return pool.submit(
                call,
                CallOptions.DEFAULT.withListener(
                        (fraction, text) -> progress.set(Map.of("progress", fraction, "text", text))));
    }

    /** Ends the server: refuses uploads, waits for those in flight, and ends the workers. */
    @Override
    public void close() {
        ending = true;
        try {
            timeout(settings.timeLimit().plus(CLOSE_GRACE), () -> {
                while (inFlight > 0) {
                    idle.clear();
                    idle.await();
                }
            });
        } catch (TimeoutException e) {
            // An upload that is still being sent is cut off.
        } finally {
            readers.shutdownNow();
            blocking(() -> {
                http.stop(0);
                readers.close();
                requests.shutdownNow();
            });
        }
    }

    @Override
    public String toString() {
        return "DocumentServer[port=" + port() + ", inFlight=" + inFlight + ", readers=" + readers + "]";
    }
}
