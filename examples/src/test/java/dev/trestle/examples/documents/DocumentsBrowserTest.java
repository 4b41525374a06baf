package dev.trestle.examples.documents;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;

/**
 * The page in a real browser. It needs Chromium and its driver, on Debian the packages {@code chromium} and
 * {@code chromium-driver}. {@code -Dtrestle.documents.pictures=<directory>} keeps pictures of the page.
 */
@Timeout(600)
class DocumentsBrowserTest {

    private static final Path CHROMIUM = Path.of("/usr/bin/chromium");
    private static final Path DRIVER = Path.of("/usr/bin/chromedriver");

    private static final Dimension DESKTOP = new Dimension(1280, 1000);
    private static final Dimension PHONE = new Dimension(500, 900); // the least width of Chromium's window

    @TempDir
    static Path directory;

    private static RunningServer server;
    private static ChromeDriver browser;

    private final Random random = new Random(3);

    @BeforeAll
    static void start() throws IOException {
        assumeTrue(
                Files.isExecutable(CHROMIUM) && Files.isExecutable(DRIVER),
                "There is no browser for this test: install chromium and chromium-driver");
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
                "2");
        var options = new ChromeOptions();
        options.setBinary(CHROMIUM.toFile());
        options.addArguments("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu");
        var service = new ChromeDriverService.Builder()
                .usingDriverExecutable(DRIVER.toFile())
                .usingAnyFreePort()
                .build();
        browser = new ChromeDriver(service, options);
        browser.manage().window().setSize(DESKTOP);
    }

    @AfterAll
    static void end() {
        if (browser != null) {
            browser.quit();
        }
        if (server != null) {
            server.close();
        }
    }

    @BeforeEach
    void open() {
        browser.get(server.address.toString());
        until(() -> byId("jail").isDisplayed());
    }

    @Test
    void pageSaysItsLimitsAndWhetherThereIsAJail() throws IOException {
        assertThat(browser.getTitle()).isEqualTo("Documents");
        assertThat(byId("limits").getText()).contains("PDF", "Up to 2 MB and " + Machine.timeLimit() + " seconds each");
        assertThat(byId("jail").getText()).startsWith("The workers run");
        keepPicture("empty");
    }

    @Test
    void filesBecomeAGalleryAndFailuresSayWhatHappened() throws IOException {
        upload(
                file("report.pdf", Good.pdf(random, 3, 200)),
                file("holiday.jpg", Good.jpeg(random, 800, 600)),
                file("tall.png", Good.png(random, 120, 500)),
                file("claims.jpg", Hostile.JPEG_THAT_CLAIMS_TO_BE_HUGE.make(random)),
                file("endless.pdf", Hostile.ENDLESS_PDF.make(random)),
                file("crash.bin", Hostile.NATIVE_CRASH.make(random)),
                file("huge.pdf", Hostile.PDF_WITH_A_HUGE_IMAGE.make(random)),
                file("notes.zip", Hostile.WRONG_TYPE.make(random)),
                file("many.bytes", new byte[2_000_001]),
                file("<b>name.png", Good.png(random, 50, 50)));
        until(() -> !browser.findElements(By.cssSelector("#running progress")).isEmpty());
        keepPicture("running");
        until(() -> !byId("work").isDisplayed());

        assertThat(texts("#gallery .name"))
                .containsExactlyInAnyOrder("report.pdf", "holiday.jpg", "tall.png", "<b>name.png");
        assertThat(texts("#failures .name"))
                .containsExactlyInAnyOrder(
                        "claims.jpg", "endless.pdf", "crash.bin", "huge.pdf", "notes.zip", "many.bytes");
        assertThat(kindOf("endless.pdf")).isEqualTo("Timed out");
        assertThat(kindOf("crash.bin")).isEqualTo("Crashed");
        assertThat(kindOf("huge.pdf")).isIn("Out of memory", "Timed out"); // on a busy machine
        assertThat(kindOf("notes.zip")).isEqualTo("Not a document");
        assertThat(kindOf("claims.jpg")).isEqualTo("Too large");
        assertThat(kindOf("many.bytes")).isEqualTo("Too large");
        assertThat(texts("#failures .what"))
                .allSatisfy(words -> assertThat(words).endsWith("."));
        assertThat(browser.findElements(By.cssSelector("#gallery img")))
                .hasSize(4)
                .allSatisfy(image -> {
                    assertThat(Integer.parseInt(image.getDomProperty("naturalWidth")))
                            .isPositive();
                    assertThat(image.getDomAttribute("alt")).isNotBlank();
                });
        browser.manage().window().setSize(new Dimension(1280, 1500));
        keepPicture("results");
        browser.manage().window().setSize(DESKTOP);
    }

    @Test
    void progressMovesWhileTheFileIsReadAndCancelEndsIt() throws IOException {
        upload(file("endless.pdf", Hostile.ENDLESS_PDF.make(random)));
        Set<String> steps = new TreeSet<>();
        until(() -> {
            steps.addAll(texts("#running .step"));
            return steps.contains("drawing the first page");
        });
        String value = browser.findElement(By.cssSelector("#running progress")).getDomProperty("value");
        assertThat(Double.parseDouble(value)).isBetween(0.5, 0.9);

        browser.findElement(By.cssSelector("#running .cancel")).click();

        until(() -> kindsOf("endless.pdf").contains("Cancelled"));
    }

    @Test
    void textIsShownAsText() throws IOException {
        upload(file("report.pdf", Good.pdf(random, 2)));
        until(() -> texts("#gallery .name").contains("report.pdf"));

        browser.findElement(By.cssSelector("#gallery .more")).click();

        until(() -> byId("viewer").isDisplayed());
        assertThat(byId("viewer-text").getText()).contains("river");
        keepPicture("text");
    }

    @Test
    void pageFitsAPhone() throws IOException {
        browser.manage().window().setSize(PHONE);
        try {
            upload(
                    file(
                            "a-very-long-name-of-a-file-that-does-not-fit-into-one-line-of-a-phone.pdf",
                            Good.pdf(random, 1)),
                    file("holiday.jpg", Good.jpeg(random, 800, 600)),
                    file("notes.txt", Hostile.WRONG_TYPE.make(random)));
            until(() -> texts("#failures .name").size() == 1
                    && texts("#gallery .name").size() == 2);
            keepPicture("phone");

            assertThat(browser.executeScript(
                            "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"))
                    .isEqualTo(true);
        } finally {
            browser.manage().window().setSize(DESKTOP);
        }
    }

    /** Everything that can be used has a name, and can be reached by the keyboard. */
    @Test
    void controlsHaveNames() {
        assertThat(byId("files").getAccessibleName()).contains("choose files");
        assertThat(browser.findElements(By.tagName("button")))
                .filteredOn(WebElement::isDisplayed)
                .allSatisfy(button -> assertThat(button.getAccessibleName()).isNotBlank());
        assertThat(browser.findElement(By.tagName("html")).getDomAttribute("lang"))
                .isEqualTo("en");
    }

    private static Path file(String name, byte[] content) throws IOException {
        return Files.write(directory.resolve(name), content);
    }

    private static void upload(Path... files) {
        byId("files").sendKeys(List.of(files).stream().map(Path::toString).collect(Collectors.joining("\n")));
    }

    private static WebElement byId(String id) {
        return browser.findElement(By.id(id));
    }

    /** Reads all at once: elements come and go meanwhile. */
    @SuppressWarnings("unchecked")
    private static List<String> texts(String selector) {
        return requireNonNull((List<String>) browser.executeScript(
                "return [...document.querySelectorAll(arguments[0])].map(each => each.textContent)", selector));
    }

    private static String kindOf(String name) {
        return kindsOf(name).getFirst();
    }

    @SuppressWarnings("unchecked")
    private static List<String> kindsOf(String name) {
        return requireNonNull((List<String>) browser.executeScript(
                "return [...document.querySelectorAll('.failure')]"
                        + ".filter(each => each.querySelector('.name').textContent === arguments[0])"
                        + ".map(each => each.querySelector('.kind').textContent)",
                name));
    }

    private static void until(Callable<Boolean> condition) {
        await().pollInterval(Duration.ofMillis(20))
                .atMost(Duration.ofMinutes(2))
                .until(condition);
    }

    private static void keepPicture(String name) throws IOException {
        String pictures = System.getProperty("trestle.documents.pictures");
        if (pictures != null) {
            Files.write(
                    Files.createDirectories(Path.of(pictures)).resolve(name + ".png"),
                    browser.getScreenshotAs(OutputType.BYTES));
        }
    }
}
