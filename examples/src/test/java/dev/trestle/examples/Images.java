package dev.trestle.examples;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;

/** Images, a hostile one among them. */
final class Images {

    /** The offset of the header's content in a PNG, and its length. */
    private static final int HEADER = 16;

    private static final int HEADER_LENGTH = 13;

    private Images() {}

    /** Returns a PNG of one colour. */
    static byte[] plain(int width, int height) {
        var out = new ByteArrayOutputStream();
        try {
            ImageIO.write(new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB), "png", out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    /** Returns a PNG of some hundred bytes that claims to be 20 000 x 20 000 pixels large. */
    static byte[] flood() {
        byte[] png = plain(100, 50);
        ByteBuffer buffer = ByteBuffer.wrap(png).putInt(HEADER, 20_000).putInt(HEADER + 4, 20_000);
        var check = new CRC32();
        check.update(png, HEADER - 4, HEADER_LENGTH + 4);
        buffer.putInt(HEADER + HEADER_LENGTH, (int) check.getValue());
        return png;
    }
}
