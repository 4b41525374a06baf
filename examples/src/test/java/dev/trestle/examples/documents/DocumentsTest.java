package dev.trestle.examples.documents;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.examples.documents.Failure.Kind;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Random;
import java.util.function.Consumer;
import javax.imageio.ImageIO;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.PDPage;
import org.apache.pdfbox.pdmodel.common.PDRectangle;
import org.apache.pdfbox.pdmodel.encryption.AccessPermission;
import org.apache.pdfbox.pdmodel.encryption.StandardProtectionPolicy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Previews of documents, made in the JVM of the test. */
@Timeout(60)
class DocumentsTest {

    private final Random random = new Random(1);

    @Test
    void imageHasAThumbnailOfItsShape() throws IOException {
        var preview = preview(Good.png(random, 1600, 400));

        assertThat(preview.format()).isEqualTo("PNG");
        assertThat(preview.width()).isEqualTo(1600);
        assertThat(preview.height()).isEqualTo(400);
        assertThat(thumbnail(preview).getWidth()).isEqualTo(320);
        assertThat(thumbnail(preview).getHeight()).isEqualTo(80);
    }

    @Test
    void smallImageStaysAsItIs() throws IOException {
        assertThat(thumbnail(preview(Good.jpeg(random, 30, 20))).getWidth()).isEqualTo(30);
    }

    @Test
    void transparentImageIsShownOnWhite() throws IOException {
        var out = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(20, 20, BufferedImage.TYPE_INT_ARGB), "png", out);

        assertThat(thumbnail(preview(out.toByteArray())).getRGB(10, 10)).isEqualTo(0xFFFFFFFF);
    }

    @Test
    void pdfHasAPictureOfItsFirstPageAndText() throws IOException {
        var preview = preview(Good.pdf(random, 3));

        assertThat(preview.format()).isEqualTo("PDF");
        assertThat(preview.pages()).isEqualTo(3);
        assertThat(thumbnail(preview).getHeight()).isEqualTo(320);
        assertThat(preview.text()).contains("river");
    }

    @Test
    void textIsCut() {
        assertThat(preview(Good.pdf(random, 60)).text()).hasSize(20_000);
    }

    @Test
    void pageThatIsTurnedIsMeasuredAsItIsSeen() throws IOException {
        var preview = preview(pdf(page -> page.setRotation(90)));

        assertThat(preview.width()).isGreaterThan(preview.height());
    }

    @Test
    void pageWithoutAnAreaIsSaidSo() throws IOException {
        var failure = failure(pdf(page -> page.setMediaBox(new PDRectangle(0, 0))));

        assertThat(failure.kind()).isEqualTo(Kind.DAMAGED);
        assertThat(failure.words()).isEqualTo("Its first page has no area.");
    }

    @Test
    void pageOfAnySizeIsDrawnSmall() throws IOException {
        assertThat(thumbnail(preview(pdf(page -> page.setMediaBox(new PDRectangle(1e9f, 1e9f)))))
                        .getWidth())
                .isEqualTo(320);
    }

    @Test
    void pdfWithAPasswordIsSaidSo() throws IOException {
        var out = new ByteArrayOutputStream();
        try (var document = new PDDocument()) {
            document.addPage(new PDPage());
            document.protect(new StandardProtectionPolicy("owner", "user", new AccessPermission()));
            document.save(out);
        }

        assertThat(failure(out.toByteArray())).isEqualTo(new Failure(Kind.LOCKED, "It is protected by a password."));
    }

    @Test
    void emptyFileIsSaidSo() {
        assertThat(failure(new byte[0])).isEqualTo(new Failure(Kind.NOT_A_DOCUMENT, "The file is empty."));
    }

    @Test
    void imageThatIsTooLargeIsToldTheLimits() {
        assertThat(failure(Hostile.JPEG_THAT_CLAIMS_TO_BE_HUGE.make(random)).words())
                .isEqualTo("The image claims to have 65,000 x 65,000 pixels; the limit is 100 million, and 30,000 on a"
                        + " side.");
    }

    /** The documents that need no worker that may die. */
    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {
                "PDF_WITH_A_HUGE_IMAGE",
                "ENDLESS_PDF",
                "ZIP_BOMB_PDF",
                "NATIVE_CRASH",
                "KILLS_ITS_PROCESS",
                "EXITS",
                "LOOPS",
                "LARGEST_PNG"
            })
    void hostileContentIsRefusedInWords(Hostile hostile) {
        var failure = failure(hostile.make(random));

        assertThat(hostile.kinds).as(failure.toString()).contains(failure.kind());
        assertThat(failure.words()).endsWith(".").hasSizeGreaterThan(10);
    }

    private static Preview preview(byte[] content) {
        return switch (Documents.read(content)) {
            case Preview preview -> preview;
            case Failure failure -> throw new AssertionError(failure.toString());
        };
    }

    private static Failure failure(byte[] content) {
        return switch (Documents.read(content)) {
            case Preview preview -> throw new AssertionError(preview.toString());
            case Failure failure -> failure;
        };
    }

    private static BufferedImage thumbnail(Preview preview) throws IOException {
        return ImageIO.read(new ByteArrayInputStream(preview.thumbnail()));
    }

    private static byte[] pdf(Consumer<PDPage> change) throws IOException {
        var out = new ByteArrayOutputStream();
        try (var document = new PDDocument()) {
            var page = new PDPage();
            change.accept(page);
            document.addPage(page);
            document.save(out);
        }
        return out.toByteArray();
    }
}
