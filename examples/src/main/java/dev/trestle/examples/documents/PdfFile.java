package dev.trestle.examples.documents;

import static dev.trestle.examples.documents.Failure.Kind.DAMAGED;

import dev.trestle.processpool.WorkerContext;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.StringWriter;
import java.io.Writer;
import org.apache.pdfbox.Loader;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.PDPage;
import org.apache.pdfbox.pdmodel.common.PDRectangle;
import org.apache.pdfbox.pdmodel.font.FontMappers;
import org.apache.pdfbox.rendering.ImageType;
import org.apache.pdfbox.rendering.PDFRenderer;
import org.apache.pdfbox.text.PDFTextStripper;

/** Reads PDF documents. */
final class PdfFile {

    private static final int MAX_CHARACTERS = 20_000;
    private static final int MAX_PAGES_OF_TEXT = 100;

    static {
        FontMappers.set(new BundledFont());
    }

    private PdfFile() {}

    static Result read(byte[] content) throws IOException {
        WorkerContext.current().progress(0, "opening");
        try (PDDocument document = Loader.loadPDF(content)) {
            int pages = document.getNumberOfPages();
            if (pages == 0) {
                return new Failure(DAMAGED, "It has no pages.");
            }
            PDPage first = document.getPage(0);
            PDRectangle area = first.getCropBox();
            boolean turned = first.getRotation() % 180 != 0;
            int width = Math.round(turned ? area.getHeight() : area.getWidth());
            int height = Math.round(turned ? area.getWidth() : area.getHeight());
            if (width < 1 || height < 1) {
                return new Failure(DAMAGED, "Its first page has no area.");
            }
            byte[] thumbnail = Thumbnail.of(picture(document, Math.max(width, height)));
            return new Preview("PDF", pages, width, height, Excerpt.of(document), thumbnail);
        }
    }

    private static BufferedImage picture(PDDocument document, int side) throws IOException {
        WorkerContext.current().progress(0.1, "drawing the first page");
        var renderer = new PDFRenderer(document);
        renderer.setSubsamplingAllowed(true); // large images are made smaller while they are decoded
        return renderer.renderImage(0, 2f * Thumbnail.SIDE / side, ImageType.RGB);
    }

    /** The beginning of a document's text. */
    private static final class Excerpt extends PDFTextStripper {

        private final int pages;
        private int done;

        private Excerpt(PDDocument document) {
            pages = Math.min(document.getNumberOfPages(), MAX_PAGES_OF_TEXT);
            setEndPage(pages);
        }

        static String of(PDDocument document) throws IOException {
            var text = new Beginning();
            try {
                new Excerpt(document).writeText(document, text);
            } catch (EnoughException e) {
                return text.toString();
            }
            return text.toString();
        }

        @Override
        protected void startPage(PDPage page) {
            done++;
            WorkerContext.current().progress(0.5 + 0.5 * (done - 1) / pages, "reading page " + done + " of " + pages);
        }
    }

    /** A writer that takes so many characters and no more. */
    private static final class Beginning extends Writer {

        private final StringWriter text = new StringWriter();

        @Override
        public void write(char[] characters, int from, int length) throws IOException {
            int room = MAX_CHARACTERS - text.getBuffer().length();
            text.write(characters, from, Math.min(length, room));
            if (length >= room) {
                throw new EnoughException();
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}

        @Override
        public String toString() {
            return text.toString();
        }
    }

    /** Thrown when there is enough text. */
    private static final class EnoughException extends IOException {

        private static final long serialVersionUID = 1;
    }
}
