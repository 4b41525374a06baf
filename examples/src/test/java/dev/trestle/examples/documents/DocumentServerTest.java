package dev.trestle.examples.documents;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Uploads to the server, and what it answers. */
@Timeout(600)
class DocumentServerTest {

    @TempDir
    static Path directory;

    private static RunningServer server;

    private final Random random = new Random(2);

    @BeforeAll
    static void start() throws IOException {
        server = RunningServer.start(
                directory,
                "--workers",
                "2",
                "--in-flight",
                "2",
                "--seconds",
                Machine.timeLimit(),
                "--heap",
                "96",
                "--megabytes",
                "8");
    }

    @AfterAll
    static void end() {
        server.close();
    }

    @Test
    void pdfIsAnsweredByAThumbnailAndText() {
        var answer = server.upload(Good.pdf(random, 2));

        assertThat(answer.outcome()).as(answer.last().toString()).isEqualTo("preview");
        var preview = answer.last().path("preview");
        assertThat(preview.path("pages").intValue()).isEqualTo(2);
        assertThat(preview.path("text").stringValue()).contains("river");
        assertThat(Base64.getDecoder().decode(preview.path("thumbnail").stringValue()))
                .startsWith(0xFF, 0xD8);
    }

    @Test
    void imageIsAnsweredByAThumbnail() {
        assertThat(server.upload(Good.jpeg(random, 640, 480))
                        .last()
                        .path("preview")
                        .path("width")
                        .intValue())
                .isEqualTo(640);
    }

    /** Each kind of hostile content fails in words, and the server answers the next upload. Loops are tried below. */
    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"NATIVE_CRASH", "KILLS_ITS_PROCESS", "EXITS", "LOOPS"})
    void hostileUploadFailsInWords(Hostile hostile) {
        failureOf(hostile);
    }

    @ParameterizedTest
    @CsvSource({"NATIVE_CRASH, SIGSEGV", "KILLS_ITS_PROCESS, SIGKILL", "EXITS, exit code 3"})
    void crashIsNamed(Hostile hostile, String name) {
        assertThat(failureOf(hostile).words()).contains(name);
    }

    private RunningServer.Answer failureOf(Hostile hostile) {
        var answer = server.upload(hostile.make(random));

        assertThat(answer.response().statusCode()).isEqualTo(200);
        assertThat(hostile.kinds.stream().map(Failure.Kind::code))
                .as(answer.last().toString())
                .contains(answer.outcome());
        assertThat(answer.words()).endsWith(".").hasSizeGreaterThan(10);
        assertThat(server.process.isAlive()).isTrue();
        assertThat(server.upload(Good.png(random, 50, 50)).outcome()).isEqualTo("preview");
        return answer;
    }

    @Test
    void fileThatIsTooLargeIsRefused() {
        var answer = server.upload(new byte[8_000_001]);

        assertThat(answer.response().statusCode()).isEqualTo(413);
        assertThat(answer.outcome()).isEqualTo("too-large");
        assertThat(answer.words()).contains("8000000");
    }

    @Test
    void fileThatIsTooLargeAndDoesNotSaySoIsRefused() throws Exception {
        var request = HttpRequest.newBuilder(server.address.resolve("previews"))
                .POST(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(new byte[9_000_000])))
                .build();

        assertThat(server.client().send(request, BodyHandlers.ofString()).statusCode())
                .isEqualTo(413);
    }

    @Test
    void uploadsBeyondTheLimitAreToldToTryAgain() {
        List<CompletableFuture<RunningServer.Answer>> loops = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            loops.add(server.begin(Hostile.LOOPS.make(random)));
        }
        var answers = loops.stream().map(CompletableFuture::join).toList();

        assertThat(answers)
                .filteredOn(answer -> answer.outcome().equals("busy"))
                .hasSize(2)
                .allSatisfy(answer -> {
                    assertThat(answer.response().statusCode()).isEqualTo(503);
                    assertThat(answer.response().headers().firstValue("Retry-After"))
                            .contains("1");
                    assertThat(answer.words()).isEqualTo("The server has its hands full: 2 uploads at a time.");
                });
        assertThat(answers)
                .filteredOn(answer -> answer.outcome().equals("timed-out"))
                .hasSize(2)
                .allSatisfy(answer -> assertThat(answer.words())
                        .isEqualTo("Reading it took more than " + Machine.timeLimit()
                                + " seconds, so its worker was stopped."));
    }

    /**
     * The server tells how far a worker is. A browser whose tab was closed wants nothing any more; its place is free
     * long before the time limit.
     */
    @Test
    void workIsReportedAndEndsWhenTheClientGoesAway(@TempDir Path own) throws Exception {
        try (var patient = RunningServer.start(own, "--workers", "1", "--in-flight", "1", "--seconds", "600")) {
            byte[] content = Hostile.ENDLESS_PDF.make(random);
            try (var socket = new Socket(InetAddress.getLoopbackAddress(), patient.address.getPort())) {
                socket.getOutputStream()
                        .write(("POST /previews HTTP/1.1\r\nHost: x\r\nContent-Length: " + content.length + "\r\n\r\n")
                                .getBytes(StandardCharsets.ISO_8859_1));
                socket.getOutputStream().write(content);
                var lines =
                        new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
                assertThat(lines.readLine()).isEqualTo("HTTP/1.1 200 OK");
                assertThat(lines.lines()
                                .filter(line -> line.contains("drawing the first page"))
                                .limit(3))
                        .as("reports of the last step, which does not end")
                        .hasSize(3);
                assertThat(patient.upload(Good.png(random, 9, 9)).outcome()).isEqualTo("busy");
            }
            await().pollInterval(Duration.ofMillis(50))
                    .atMost(Duration.ofSeconds(20))
                    .until(() ->
                            patient.upload(Good.png(random, 9, 9)).outcome().equals("preview"));
        }
    }

    @Test
    void pageIsServedAndForbidsWhatItDoesNotNeed() throws Exception {
        var page = server.get("");

        assertThat(page.body()).contains("<title>Documents</title>");
        assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow())
                .startsWith("default-src 'none'");
        assertThat(page.headers().firstValue("X-Content-Type-Options")).contains("nosniff");
        assertThat(server.get("documents.js").statusCode()).isEqualTo(200);
        assertThat(server.get("documents.css").statusCode()).isEqualTo(200);
        assertThat(server.get("settings").body()).contains("\"jail\":\"The workers run");
    }

    @Test
    void otherRequestsAreNotFoundOrNotAllowed() throws Exception {
        assertThat(server.get("other").statusCode()).isEqualTo(404);
        assertThat(server.get("previews/x").statusCode()).isEqualTo(404);
        assertThat(server.get("previews").statusCode()).isEqualTo(405);
        assertThat(server.get("../Examples.class").statusCode()).isEqualTo(404);
    }

    @Test
    void logSaysWhetherThereIsAJail() throws IOException {
        assertThat(server.out()).contains("documents: open http://127.0.0.1:", "documents: The workers run");
    }
}
