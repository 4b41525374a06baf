package dev.trestle.examples.documents;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The documents server as a program of its own, with a small heap. */
final class RunningServer implements AutoCloseable {

    /** The answer to an upload. */
    record Answer(HttpResponse<?> response, List<JsonNode> lines) {

        JsonNode last() {
            return lines.getLast();
        }

        /** Returns the kind of the failure, or "preview". */
        String outcome() {
            return last().has("preview")
                    ? "preview"
                    : last().path("failure").path("kind").stringValue();
        }

        String words() {
            return last().path("failure").path("words").stringValue();
        }
    }

    private static final JsonMapper json = new JsonMapper();
    private static final Pattern ADDRESS = Pattern.compile("http://127\\.0\\.0\\.1:\\d+/");

    private final HttpClient client = HttpClient.newHttpClient();
    private final Path directory;
    final Process process;
    final URI address;

    private RunningServer(Path directory, Process process) {
        this.directory = directory;
        this.process = process;
        this.address = await().pollInterval(Duration.ofMillis(5))
                .atMost(Duration.ofMinutes(2))
                .until(this::findAddress, Optional::isPresent)
                .orElseThrow();
    }

    /** Starts the server at any port; its output goes to files of a directory. */
    static RunningServer start(Path directory, String... arguments) throws IOException {
        return start(
                directory,
                List.of("-cp", System.getProperty("java.class.path"), "dev.trestle.examples.Examples"),
                arguments);
    }

    /** Starts the server on the module path, as its users do, without the tests' decoder. */
    static RunningServer startModular(Path directory, String... arguments) throws IOException {
        String path = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.endsWith("test-classes"))
                .collect(Collectors.joining(File.pathSeparator));
        return start(
                directory, List.of("-p", path, "-m", "dev.trestle.examples/dev.trestle.examples.Examples"), arguments);
    }

    private static RunningServer start(Path directory, List<String> program, String... arguments) throws IOException {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
        command.addAll(program);
        command.addAll(List.of("documents", "--port", "0"));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command)
                .redirectOutput(directory.resolve("out").toFile())
                .redirectError(directory.resolve("err").toFile())
                .start();
        try {
            return new RunningServer(directory, process);
        } catch (RuntimeException | Error e) {
            process.destroyForcibly();
            throw e;
        }
    }

    private Optional<URI> findAddress() throws IOException {
        assertThat(process.isAlive()).as(err()).isTrue();
        Matcher matcher = ADDRESS.matcher(out());
        return matcher.find() ? Optional.of(URI.create(matcher.group())) : Optional.empty();
    }

    /** Waits for the end of the server. If it does not end, the message has the stacks of its threads. */
    void assertEnds() throws IOException, InterruptedException {
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            new ProcessBuilder("kill", "-QUIT", String.valueOf(process.pid()))
                    .start()
                    .waitFor();
            await().pollInterval(Duration.ofMillis(5)).until(() -> out().contains("JNI global refs"));
            throw new AssertionError("The server has not ended:\n" + err() + out());
        }
    }

    String out() throws IOException {
        return Files.readString(directory.resolve("out"), UTF_8);
    }

    String err() throws IOException {
        return Files.readString(directory.resolve("err"), UTF_8);
    }

    Answer upload(byte[] content) {
        return begin(content).join();
    }

    CompletableFuture<Answer> begin(byte[] content) {
        var request = HttpRequest.newBuilder(address.resolve("previews"))
                .POST(BodyPublishers.ofByteArray(content))
                .build();
        return client.sendAsync(request, BodyHandlers.ofString()).thenApply(RunningServer::read);
    }

    /** Returns when the server has accepted an upload; the answer ends later. */
    CompletableFuture<Answer> accepted(byte[] content) {
        var request = HttpRequest.newBuilder(address.resolve("previews"))
                .POST(BodyPublishers.ofByteArray(content))
                .build();
        HttpResponse<Stream<String>> response =
                client.sendAsync(request, BodyHandlers.ofLines()).join();
        assertThat(response.statusCode()).isEqualTo(200);
        return CompletableFuture.supplyAsync(() -> new Answer(response, lines(response.body())));
    }

    private static Answer read(HttpResponse<String> response) {
        return new Answer(response, lines(response.body().lines()));
    }

    private static List<JsonNode> lines(Stream<String> lines) {
        return lines.filter(line -> !line.isBlank()).map(json::readTree).toList();
    }

    HttpResponse<String> get(String path) throws Exception {
        return client.send(HttpRequest.newBuilder(address.resolve(path)).build(), BodyHandlers.ofString());
    }

    HttpClient client() {
        return client;
    }

    /** Returns the most memory that the server's own process has had, in bytes. */
    long peakMemory() {
        return Memory.peak(process.toHandle());
    }

    /** Returns the JVMs below the server, without the processes of their jails. */
    List<ProcessHandle> workers() {
        return process.descendants()
                .filter(each -> each.info().command().orElse("").endsWith("java"))
                .toList();
    }

    @Override
    public void close() {
        List<ProcessHandle> workers = process.descendants().toList();
        client.shutdownNow();
        process.destroyForcibly();
        workers.forEach(ProcessHandle::destroyForcibly);
        process.onExit().join();
    }
}
