package dev.trestle.examples.documents;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;

/**
 * A request with a document in its body, and its answer in lines of JSON. The methods block; one thread calls them at a
 * time.
 */
final class Upload {

    static final String PATH = "/previews";

    private static final JsonMapper json = new JsonMapper();

    /** A body that is too large is read, up to this many times the limit, so that its sender reads the answer. */
    private static final int PATIENCE = 4;

    private static final int LINE_FEED = '\n';

    private final HttpExchange exchange;

    Upload(HttpExchange exchange) {
        this.exchange = exchange;
    }

    /** Returns whether the request is an upload; if not, answers it. */
    boolean isPost() throws IOException {
        if (!exchange.getRequestURI().getPath().equals(PATH)) {
            exchange.sendResponseHeaders(404, -1);
            return false;
        }
        if (!exchange.getRequestMethod().equals("POST")) {
            exchange.getResponseHeaders().set("Allow", "POST");
            exchange.sendResponseHeaders(405, -1);
            return false;
        }
        return true;
    }

    /** Returns the body, or nothing if it is larger than a limit. */
    Optional<byte[]> content(int limit) throws IOException {
        InputStream body = exchange.getRequestBody();
        long declared = declaredLength();
        if (declared > limit) {
            skip(body, Math.min(declared, (long) PATIENCE * limit));
            return Optional.empty();
        }
        byte[] content = body.readNBytes(limit + 1);
        if (content.length > limit) {
            skip(body, (long) PATIENCE * limit);
            return Optional.empty();
        }
        if (content.length < declared) {
            throw new IOException("The connection ended after " + content.length + " of " + declared + " bytes");
        }
        return Optional.of(content);
    }

    private long declaredLength() {
        String length = exchange.getRequestHeaders().getFirst("Content-Length");
        return length == null ? 0 : Long.parseLong(length); // the server has checked that it is a number
    }

    private static void skip(InputStream body, long bytes) throws IOException {
        byte[] buffer = new byte[8192];
        for (long left = bytes; left > 0; ) {
            int read = body.read(buffer);
            if (read < 0) {
                return;
            }
            left -= read;
        }
    }

    /** Answers with a failure and nothing else. */
    void refuse(int status, Failure failure) throws IOException {
        if (status == 503) {
            exchange.getResponseHeaders().set("Retry-After", "1");
        }
        byte[] line = line(asJson(failure));
        headers();
        exchange.sendResponseHeaders(status, line.length);
        exchange.getResponseBody().write(line);
    }

    /** Begins an answer of several lines. */
    void accept() throws IOException {
        headers();
        exchange.sendResponseHeaders(200, 0);
    }

    private void headers() {
        Page.protect(exchange);
        exchange.getResponseHeaders().set("Content-Type", "application/x-ndjson");
    }

    /** Writes a line of the answer. */
    void write(Map<String, ?> line) throws IOException {
        exchange.getResponseBody().write(line(line));
        exchange.getResponseBody().flush();
    }

    /** Writes the last line. */
    void end(Result result) throws IOException {
        write(
                switch (result) {
                    case Preview preview -> Map.of("preview", preview);
                    case Failure failure -> asJson(failure);
                });
        exchange.getResponseBody().close();
    }

    private static Map<String, ?> asJson(Failure failure) {
        return Map.of("failure", Map.of("kind", failure.kind().code(), "words", failure.words()));
    }

    private static byte[] line(Map<String, ?> value) {
        byte[] text = json.writeValueAsBytes(value);
        byte[] line = new byte[text.length + 1];
        System.arraycopy(text, 0, line, 0, text.length);
        line[text.length] = LINE_FEED;
        return line;
    }
}
