package dev.trestle.examples.documents;

import static dev.trestle.examples.documents.Failure.Kind.NOT_A_DOCUMENT;
import static dev.trestle.examples.documents.Failure.Kind.TOO_LARGE;

import dev.trestle.processpool.WorkerContext;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Iterator;
import java.util.Locale;
import javax.imageio.ImageIO;
import javax.imageio.ImageReadParam;
import javax.imageio.ImageReader;
import javax.imageio.event.IIOReadProgressListener;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/** Reads images of all formats that {@code ImageIO} knows. */
final class ImageFile {

    /** The largest image: that of a good camera. */
    private static final long MAX_PIXELS = 100_000_000;

    /** The longest side; a decoder holds a whole row. */
    private static final int MAX_SIDE = 30_000;

    private ImageFile() {}

    static Result read(byte[] content) throws IOException {
        try (var in = new MemoryCacheImageInputStream(new ByteArrayInputStream(content))) {
            Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
            if (!readers.hasNext()) {
                return new Failure(NOT_A_DOCUMENT, "It is neither a PDF nor an image.");
            }
            ImageReader reader = readers.next();
            try {
                return read(reader, in);
            } finally {
                reader.dispose();
            }
        }
    }

    private static Result read(ImageReader reader, ImageInputStream in) throws IOException {
        // Metadata may be compressed, and are not needed.
        reader.setInput(in, true, true);
        int width = reader.getWidth(0);
        int height = reader.getHeight(0);
        if ((long) width * height > MAX_PIXELS || Math.max(width, height) > MAX_SIDE) {
            return new Failure(
                    TOO_LARGE,
                    String.format(
                            Locale.ROOT,
                            "The image claims to have %,d x %,d pixels; the limit is %,d million, and %,d on a side.",
                            width,
                            height,
                            MAX_PIXELS / 1_000_000,
                            MAX_SIDE));
        }
        ImageReadParam every = reader.getDefaultReadParam();
        int step = Math.max(1, Math.max(width, height) / (2 * Thumbnail.SIDE));
        every.setSourceSubsampling(step, step, 0, 0); // so an image of any size is small in memory
        reader.addIIOReadProgressListener(new Reports());
        BufferedImage image = reader.read(0, every);
        String format = reader.getFormatName().toUpperCase(Locale.ROOT);
        return new Preview(format, 1, width, height, "", Thumbnail.of(image));
    }

    /** Reports the progress of a reader as that of the call. */
    private static final class Reports implements IIOReadProgressListener {

        private final WorkerContext call = WorkerContext.current();

        @Override
        public void imageProgress(ImageReader source, float percentageDone) {
            call.progress(percentageDone / 100, "decoding");
        }

        @Override
        public void sequenceStarted(ImageReader source, int minIndex) {}

        @Override
        public void sequenceComplete(ImageReader source) {}

        @Override
        public void imageStarted(ImageReader source, int imageIndex) {}

        @Override
        public void imageComplete(ImageReader source) {}

        @Override
        public void thumbnailStarted(ImageReader source, int imageIndex, int thumbnailIndex) {}

        @Override
        public void thumbnailProgress(ImageReader source, float percentageDone) {}

        @Override
        public void thumbnailComplete(ImageReader source) {}

        @Override
        public void readAborted(ImageReader source) {}
    }
}
