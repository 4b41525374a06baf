package dev.trestle.examples.documents;

import static dev.trestle.examples.documents.Failure.Kind.DAMAGED;
import static dev.trestle.examples.documents.Failure.Kind.LOCKED;
import static dev.trestle.examples.documents.Failure.Kind.NOT_A_DOCUMENT;
import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Optional;
import org.apache.pdfbox.pdmodel.encryption.InvalidPasswordException;

/** Reads documents. It runs in a worker, since no check keeps all hostile content out of a decoder. */
final class Documents {

    /** A PDF may begin after something else, as other readers permit. */
    private static final int PDF_BEGINS_WITHIN = 1024;

    /** A page with a letter. PDFBox finds the objects without a table of their places. */
    private static final String SMALLEST_PDF = """
        %PDF-1.4
        1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
        2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
        3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>> endobj
        4 0 obj <</Length 41>> stream
        BT /F 12 Tf 9 9 Td (a) Tj ET 9 9 9 9 re f
        endstream endobj
        5 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica>> endobj
        trailer <</Root 1 0 R>>
        %%EOF
        """;

    /** System properties that silence PDFBox, which logs what is wrong with a document, in the document's words. */
    static final Map<String, String> SILENCE = Map.of(
            "org.apache.commons.logging.LogFactory", "org.apache.commons.logging.impl.LogFactoryImpl",
            "org.apache.commons.logging.Log", "org.apache.commons.logging.impl.NoOpLog");

    private static final int MAX_REASON = 300;

    private Documents() {}

    /** Returns the preview of a document, or the reason why there is none. */
    static Result read(byte[] content) {
        if (content.length == 0) {
            return new Failure(NOT_A_DOCUMENT, "The file is empty.");
        }
        try {
            return isPdf(content) ? PdfFile.read(content) : ImageFile.read(content);
        } catch (InvalidPasswordException e) {
            return new Failure(LOCKED, "It is protected by a password.");
        } catch (StackOverflowError e) {
            return new Failure(DAMAGED, "It is nested too deeply.");
        } catch (IOException | RuntimeException e) {
            // Decoders meet damaged content with exceptions of any class.
            return new Failure(DAMAGED, "It is damaged: " + reason(e));
        }
    }

    /**
     * Reads a small PDF and a small image, so that the first upload does not wait until the classes of the decoders
     * are loaded. It is the initializer of a worker.
     */
    static void warmUp() {
        read(SMALLEST_PDF.getBytes(ISO_8859_1));
        try {
            read(Thumbnail.of(new BufferedImage(16, 16, BufferedImage.TYPE_INT_RGB)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isPdf(byte[] content) {
        return new String(content, 0, Math.min(content.length, PDF_BEGINS_WITHIN), ISO_8859_1).contains("%PDF-");
    }

    /** Returns the words of a decoder, which may be those of the document. */
    private static String reason(Exception e) {
        String words = Optional.ofNullable(e.getMessage())
                .filter(message -> !message.isBlank())
                .orElseGet(() -> e.getClass().getSimpleName())
                .strip();
        String cut = words.length() > MAX_REASON ? words.substring(0, MAX_REASON) + " ..." : words;
        return cut.endsWith(".") ? cut : cut + ".";
    }
}
