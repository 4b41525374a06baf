package dev.trestle.examples.documents;

import static java.util.Objects.requireNonNull;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/** The page of the server, with its style and its script, and the settings that the page shows. */
final class Page {

    private static final Map<String, String> FILES =
            Map.of("/", "index.html", "/documents.css", "documents.css", "/documents.js", "documents.js");

    private static final Map<String, String> TYPES = Map.of(
            "html", "text/html; charset=utf-8",
            "css", "text/css; charset=utf-8",
            "js", "text/javascript; charset=utf-8");

    private final byte[] settings;

    Page(Settings settings, Jail jail) {
        this.settings = new JsonMapper()
                .writeValueAsBytes(Map.of(
                        "maxBytes", settings.maxBytes(),
                        "seconds", settings.timeLimit().toMillis() / 1000.0,
                        "workers", settings.workers(),
                        "jailed", jail.closed(),
                        "jail", jail.words()));
    }

    /** Answers a request; called on a thread that may block. */
    void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            protect(exchange);
            String path = exchange.getRequestURI().getPath();
            String file = FILES.get(path);
            if (!exchange.getRequestMethod().equals("GET")) {
                exchange.getResponseHeaders().set("Allow", "GET");
                exchange.sendResponseHeaders(405, -1);
            } else if (path.equals("/settings")) {
                send(exchange, "application/json", settings);
            } else if (file != null) {
                send(exchange, requireNonNull(TYPES.get(file.substring(file.indexOf('.') + 1))), load(file));
            } else {
                exchange.sendResponseHeaders(404, -1);
            }
        }
    }

    /** Forbids the browser whatever the page does not need: text of a document must never become code. */
    static void protect(HttpExchange exchange) {
        var headers = exchange.getResponseHeaders();
        headers.set(
                "Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self';"
                        + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
        headers.set("X-Content-Type-Options", "nosniff");
        headers.set("Referrer-Policy", "no-referrer");
        headers.set("Cache-Control", "no-store");
    }

    private static void send(HttpExchange exchange, String type, byte[] content) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(200, content.length);
        exchange.getResponseBody().write(content);
    }

    private static byte[] load(String file) throws IOException {
        try (InputStream in = requireNonNull(Page.class.getResourceAsStream(file), file)) {
            return in.readAllBytes();
        }
    }
}
