package dev.trestle.examples;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.trestle.bridge.Bridge;
import dev.trestle.loop.EventLoop;
import dev.trestle.loop.Task;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.threadpool.ThreadPool;
import io.micrometer.context.ContextRegistry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Traces of OpenTelemetry and snapshots of Micrometer go along: the carriers that {@code docs/context.md} shows. */
@Timeout(120)
class ContextCarriersTest {

    private static final ThreadLocal<String> TENANT = ThreadLocal.withInitial(() -> "");

    private final InMemorySpanExporter exporter = InMemorySpanExporter.create();
    private final SdkTracerProvider provider = provider(exporter);
    private final Tracer tracer = provider.get("test");

    private static SdkTracerProvider provider(InMemorySpanExporter exporter) {
        return SdkTracerProvider.builder()
                .addSpanProcessor(SimpleSpanProcessor.create(exporter))
                .build();
    }

    private static <T> T inSpan(Tracer tracer, String name, Callable<T> code) throws Exception {
        Span span = tracer.spanBuilder(name).startSpan();
        try (Scope _ = span.makeCurrent()) {
            return code.call();
        } finally {
            span.end();
        }
    }

    private static String traceparent() {
        return new TraceCarrier().capture().getOrDefault("traceparent", "none");
    }

    /** Runs in a worker, which has a tracer of its own. */
    private static List<String> inWorker() throws Exception {
        var spans = InMemorySpanExporter.create();
        try (SdkTracerProvider provider = provider(spans)) {
            String traceparent = traceparent();
            inSpan(provider.get("worker"), "call", () -> 0);
            SpanData call = spans.getFinishedSpanItems().getFirst();
            return List.of(traceparent, call.getTraceId(), call.getParentSpanId());
        }
    }

    private record Answer(String submitted, List<String> worker) {}

    private Answer handle(ProcessPool pool) {
        return EventLoop.run(() -> {
            Task<Answer> task = createTask(() -> inSpan(
                    tracer,
                    "task",
                    () -> new Answer(traceparent(), await(Bridge.runInExecutor(pool, () -> inWorker())))));
            return await(task);
        });
    }

    @Test
    void oneTraceSpansAHandlerATaskAndAWorkersCall() throws Exception {
        List<Answer> answers = new ArrayList<>();
        try (var pool = new ProcessPool(1);
                var client = HttpClient.newHttpClient()) {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext("/", exchange -> {
                try {
                    answers.add(inSpan(tracer, "handler", () -> handle(pool)));
                    exchange.sendResponseHeaders(204, -1);
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                } finally {
                    exchange.close();
                }
            });
            server.start();
            try {
                var uri = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
                for (int i = 0; i < 2; i++) {
                    assertThat(client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.discarding())
                                    .statusCode())
                            .isEqualTo(204);
                }
            } finally {
                server.stop(0);
            }
            assertThat(pool.submit(() -> traceparent()).result()).isEqualTo("none");
        }

        Map<String, List<SpanData>> traces =
                exporter.getFinishedSpanItems().stream().collect(Collectors.groupingBy(SpanData::getTraceId));
        assertThat(traces).hasSize(2);
        for (Answer answer : answers) {
            List<SpanData> trace = requireNonNull(traces.get(answer.worker().get(1)));
            SpanData task = trace.getFirst();
            SpanData handler = trace.getLast();
            assertThat(trace).extracting(SpanData::getName).containsExactly("task", "handler");
            assertThat(task.getParentSpanId()).isEqualTo(handler.getSpanId());
            assertThat(answer.submitted()).isEqualTo("00-" + task.getTraceId() + "-" + task.getSpanId() + "-01");
            assertThat(answer.worker()).containsExactly(answer.submitted(), task.getTraceId(), task.getSpanId());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TraceCarrier", "SnapshotCarrier"})
    void thePageShowsTheCarriersOfThisTest(String carrier) throws IOException {
        String source = Files.readString(Path.of("src/test/java/dev/trestle/examples/" + carrier + ".java"));

        assertThat(Path.of("../docs/context.md"))
                .content()
                .contains("```java\n" + source.substring(source.indexOf("/** Carries")) + "```\n");
    }

    @Test
    void contextOfMicrometerGoesAlongToThreads() {
        ContextRegistry.getInstance().registerThreadLocalAccessor("tenant", TENANT);
        try (var pool = new ThreadPool(1)) {
            TENANT.set("acme");
            var first = pool.submit(() -> TENANT.get());
            String inLoop = EventLoop.run(() -> await(createTask(() -> TENANT.get())));
            TENANT.remove();
            var second = pool.submit(() -> TENANT.get());

            assertThat(first.result()).isEqualTo("acme");
            assertThat(inLoop).isEqualTo("acme");
            assertThat(second.result()).isEmpty();
            TENANT.set("of the thread");
            try (var _ = new SnapshotCarrier().restore(Map.of())) {
                assertThat(TENANT.get()).isEmpty();
            }
            assertThat(TENANT.get()).isEqualTo("of the thread");
        } finally {
            ContextRegistry.getInstance().removeThreadLocalAccessor("tenant");
        }
    }
}
