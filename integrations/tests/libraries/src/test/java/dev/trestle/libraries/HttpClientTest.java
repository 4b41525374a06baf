package dev.trestle.libraries;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.threadpool.ThreadPool;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The JDK's HTTP client with pools. */
@Timeout(60)
class HttpClientTest {

    @AutoClose
    private final ProcessPool pool = new ProcessPool(1);

    @AutoClose
    private final ThreadPool threads = new ThreadPool(4);

    private HttpServer server;

    @BeforeEach
    void startServer() throws Exception {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            byte[] body = "one two three".getBytes(UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }

    @AfterEach
    void stopServer() {
        server.stop(0);
    }

    @Test
    void aWorkerReadsWhatTheClientHasFetched() throws Exception {
        URI page = URI.create("http://localhost:" + server.getAddress().getPort() + "/");
        // region http-client
        try (HttpClient client = HttpClient.newBuilder().executor(threads).build()) {
            CompletableFuture<Integer> words = client.sendAsync(
                            HttpRequest.newBuilder(page).build(), BodyHandlers.ofString())
                    .thenApply(HttpResponse::body)
                    .thenCompose(pool.async(body -> body.split("\\s+").length));
            // endregion
            assertThat(words.get(30, TimeUnit.SECONDS)).isEqualTo(3);
        }
    }
}
