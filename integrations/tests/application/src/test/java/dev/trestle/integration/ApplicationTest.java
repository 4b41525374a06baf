package dev.trestle.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The packed application, as its users start and end it. */
@Timeout(240)
class ApplicationTest {

    private static final Pattern PORT = Pattern.compile("Tomcat started on port (\\d+)");

    /** The exit code of a JVM that ends because of SIGTERM. */
    private static final int SIGTERM = 143;

    @TempDir
    Path folder = Path.of("");

    private final HttpClient client = HttpClient.newHttpClient();
    private Path log = Path.of("");
    private Process application;

    @BeforeEach
    void start() throws IOException {
        log = folder.resolve("log");
        var builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx128m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-jar",
                        System.getProperty("application.jar"),
                        "--server.port=0",
                        "--server.shutdown=graceful")
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().put("XDG_CACHE_HOME", folder.resolve("cache").toString());
        application = builder.start();
    }

    @AfterEach
    void end() throws Exception {
        List<ProcessHandle> workers = application.descendants().toList();
        application.destroyForcibly();
        workers.forEach(ProcessHandle::destroyForcibly);
        application.waitFor();
        client.close();
    }

    private String log() throws IOException {
        return Files.readString(log);
    }

    private HttpRequest request(String path) {
        Matcher port = await().atMost(Duration.ofSeconds(100))
                .until(
                        () -> {
                            assertThat(application.isAlive()).as(log()).isTrue();
                            return PORT.matcher(log());
                        },
                        Matcher::find);
        return HttpRequest.newBuilder(URI.create("http://localhost:" + port.group(1) + path))
                .build();
    }

    private String answer(String path) throws IOException, InterruptedException {
        HttpResponse<String> response = client.send(request(path), HttpResponse.BodyHandlers.ofString());
        assertThat(response.statusCode()).as(response.body() + log()).isEqualTo(200);
        return response.body();
    }

    private void nothingFailed() throws IOException {
        assertThat(log().lines()).noneMatch(line -> line.startsWith("\tat ") || line.contains(" ERROR "));
    }

    @Test
    void callsOfAllKindsAreAnswered() throws Exception {
        assertThat(answer("/list")).isEqualTo("[1, two, 3]");
        assertThat(answer("/record?customer=me")).isEqualTo("Order[customer=me, items=[1, 2], note=Optional[checked]]");
        assertThat(answer("/map")).isEqualTo("price of [1],price of [2],price of [3]");
        assertThat(answer("/failure")).isEqualTo("For input string: \"no number\"");
        assertThat(answer("/log")).isEqualTo("logged");
        await().atMost(Duration.ofSeconds(10)).until(() -> log().contains("nearly sold out"));
        assertThat(log().lines().filter(line -> line.contains("nearly sold out")))
                .singleElement(STRING)
                .matches(".* WARN .* shop\\.Orders +: nearly sold out");
        assertThat(log()).doesNotContain("too much");
        nothingFailed();
    }

    @Test
    void callsAndProgramsRunInASandbox() throws Exception {
        assertThat(answer("/jail?file=" + log))
                .satisfiesAnyOf(
                        answer -> assertThat(answer)
                                .isEqualTo("it is hidden; MainResult[exitCode=3, out=Order[customer=me, items=[1],"
                                        + " note=Optional.empty], err=]"),
                        answer -> assertThat(answer).contains("bubblewrap"));
        nothingFailed();
    }

    @Test
    void requestInFlightIsAnsweredDuringTermination() throws Exception {
        CompletableFuture<HttpResponse<String>> slow =
                client.sendAsync(request("/slow?folder=" + folder), HttpResponse.BodyHandlers.ofString());
        await().atMost(Duration.ofSeconds(60)).until(() -> Files.exists(folder.resolve("begun")));
        List<ProcessHandle> workers = application.descendants().toList();
        assertThat(workers).isNotEmpty();

        application.destroy();
        await().atMost(Duration.ofSeconds(60)).until(() -> log().contains("Commencing graceful shutdown"));
        assertThat(slow).isNotDone();
        Files.createFile(folder.resolve("end"));

        HttpResponse<String> response = slow.get(60, TimeUnit.SECONDS);
        assertThat(response.statusCode()).as(response.body() + log()).isEqualTo(200);
        assertThat(response.body()).isEqualTo("finished");
        assertThat(application.waitFor(60, TimeUnit.SECONDS)).as(log()).isTrue();
        assertThat(application.exitValue()).as(log()).isEqualTo(SIGTERM);
        await().atMost(Duration.ofSeconds(10)).until(() -> workers.stream().noneMatch(ProcessHandle::isAlive));
        nothingFailed();
    }
}
