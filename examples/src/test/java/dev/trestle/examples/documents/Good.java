package dev.trestle.examples.documents;

import java.awt.Color;
import java.awt.GradientPaint;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Random;
import javax.imageio.ImageIO;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.PDPage;
import org.apache.pdfbox.pdmodel.PDPageContentStream;
import org.apache.pdfbox.pdmodel.common.PDRectangle;
import org.apache.pdfbox.pdmodel.font.PDType1Font;
import org.apache.pdfbox.pdmodel.font.Standard14Fonts.FontName;
import org.apache.pdfbox.pdmodel.graphics.image.JPEGFactory;

/** Documents as honest people have them, made with a seed. */
final class Good {

    private static final String[] WORDS =
            "a loop that waits for work is a quiet river of small tasks and never sleeps while one of them is ready"
                    .split(" ");

    private Good() {}

    static byte[] png(Random random, int width, int height) {
        return encode("png", picture(random, width, height));
    }

    static byte[] jpeg(Random random, int width, int height) {
        return encode("jpeg", picture(random, width, height));
    }

    /** An image of a format that the seed chooses. */
    static byte[] image(Random random) {
        String[] formats = {"png", "jpeg", "jpeg", "gif", "bmp"};
        return encode(
                formats[random.nextInt(formats.length)],
                picture(random, 50 + random.nextInt(400), 50 + random.nextInt(300)));
    }

    static byte[] pdf(Random random, int pages) {
        return pdf(random, pages, 0);
    }

    /** A document with a picture on its first page, if that has a size. */
    static byte[] pdf(Random random, int pages, int picture) {
        var out = new ByteArrayOutputStream();
        try (var document = new PDDocument()) {
            var font = new PDType1Font(FontName.HELVETICA);
            for (int page = 0; page < pages; page++) {
                var sheet = new PDPage(PDRectangle.A4);
                document.addPage(sheet);
                try (var content = new PDPageContentStream(document, sheet)) {
                    content.beginText();
                    content.setFont(font, 12);
                    content.newLineAtOffset(60, 780);
                    for (int line = 0; line < 30; line++) {
                        content.showText(sentence(random));
                        content.newLineAtOffset(0, -16);
                    }
                    content.endText();
                    if (picture > 0 && page == 0) {
                        var image = JPEGFactory.createFromImage(document, picture(random, picture, picture));
                        content.drawImage(image, 60, 60, 200, 200);
                    }
                }
            }
            document.save(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    private static String sentence(Random random) {
        var sentence = new StringBuilder();
        for (int word = 0; word < 12; word++) {
            sentence.append(WORDS[random.nextInt(WORDS.length)]).append(' ');
        }
        return sentence.toString();
    }

    static BufferedImage picture(Random random, int width, int height) {
        var image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        graphics.setPaint(new GradientPaint(0, 0, color(random), width, height, color(random)));
        graphics.fillRect(0, 0, width, height);
        for (int shape = 0; shape < width * height / 400; shape++) {
            graphics.setColor(color(random));
            graphics.fillOval(
                    random.nextInt(width), random.nextInt(height), 3 + random.nextInt(20), 3 + random.nextInt(20));
        }
        graphics.dispose();
        return image;
    }

    private static Color color(Random random) {
        return new Color(random.nextInt(0x1000000));
    }

    private static byte[] encode(String format, BufferedImage picture) {
        var out = new ByteArrayOutputStream();
        try {
            ImageIO.write(picture, format, out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }
}
