package dev.trestle.examples.documents;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.trestle.examples.documents.Failure.Kind;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;

/** Content that strangers send to hurt a server. Each kind is made with a seed, so that no two are the same. */
enum Hostile {
    PIXEL_FLOOD_PNG(Set.of(Kind.TOO_LARGE)) {
        @Override
        byte[] make(Random random) {
            return png(60_000 + random.nextInt(1000), 60_000, new byte[1000]);
        }
    },

    LONG_ROW_PNG(Set.of(Kind.TOO_LARGE)) {
        @Override
        byte[] make(Random random) {
            return png(90_000_000 + random.nextInt(1000), 1, new byte[1000]);
        }
    },

    JPEG_THAT_CLAIMS_TO_BE_HUGE(Set.of(Kind.TOO_LARGE)) {
        @Override
        byte[] make(Random random) {
            byte[] jpeg = Good.jpeg(random, 40, 40);
            int frame = startOfFrame(jpeg);
            ByteBuffer.wrap(jpeg).putShort(frame + 5, (short) 65_000).putShort(frame + 7, (short) 65_000);
            return jpeg;
        }
    },

    /** Passes the check of its size, and is honest. */
    LARGEST_PNG(Set.of(Kind.TIMED_OUT, Kind.DAMAGED)) {
        @Override
        byte[] make(Random random) {
            return png(9_000, 9_000 + random.nextInt(1000), new byte[100_000]);
        }
    },

    /** Its image is in the document, where no check of ours sees its size. */
    PDF_WITH_A_HUGE_IMAGE(Set.of(Kind.OUT_OF_MEMORY, Kind.TIMED_OUT)) {
        @Override
        byte[] make(Random random) {
            int side = 14_000 + random.nextInt(100);
            String image = "<</Type/XObject/Subtype/Image/Width " + side + "/Height " + side
                    + "/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode";
            return pdf(
                    "<</XObject<</I 5 0 R>>>>",
                    "500 0 0 500 0 0 cm /I Do".getBytes(ISO_8859_1),
                    "",
                    stream(image, many('\0', "", side * side)));
        }
    },

    /** Twelve forms, each of which draws the next one ten times. */
    ENDLESS_PDF(Set.of(Kind.TIMED_OUT, Kind.OUT_OF_MEMORY)) {
        @Override
        byte[] make(Random random) {
            int levels = 12 + random.nextInt(5);
            String[] forms = new String[levels];
            for (int i = 0; i < levels; i++) {
                String content = i == levels - 1 ? "0 0 9 9 re f" : "/F Do ".repeat(10);
                forms[i] = "<</Type/XObject/Subtype/Form/BBox[0 0 500 500]/Resources<</XObject<</F " + (6 + i)
                        + " 0 R>>>>/Length " + content.length() + ">>stream\n" + content + "\nendstream";
            }
            return pdf("<</XObject<</F 5 0 R>>>>", "/F Do".getBytes(ISO_8859_1), "", (Object[]) forms);
        }
    },

    /** A page below thousands of others, which a reader descends to. */
    DEEPLY_NESTED_PDF(Set.of(Kind.DAMAGED, Kind.TIMED_OUT)) {
        @Override
        byte[] make(Random random) {
            Object[] objects = new Object[20_000 + random.nextInt(1000)];
            objects[0] = "<</Type/Catalog/Pages 2 0 R>>";
            for (int i = 1; i < objects.length; i++) {
                objects[i] = "<</Type/Pages/Count 1/Kids[" + (i + 2) + " 0 R]>>";
            }
            objects[objects.length - 1] = "<</Type/Page/MediaBox[0 0 500 500]>>";
            return document(objects);
        }
    },

    /** A tree of pages that contains itself. */
    PDF_OF_A_LOOP_OF_PAGES(Set.of(Kind.DAMAGED)) {
        @Override
        byte[] make(Random random) {
            return document(
                    "<</Type/Catalog/Pages 2 0 R>>",
                    "<</Type/Pages/Kids[3 0 R]/Count " + (1 + random.nextInt(1_000_000)) + ">>",
                    "<</Type/Pages/Kids[2 0 R]/Count 1>>");
        }
    },

    /** Some kilobytes that become a text of 400 megabytes. */
    ZIP_BOMB_PDF(Set.of(Kind.OUT_OF_MEMORY, Kind.TIMED_OUT)) {
        @Override
        byte[] make(Random random) {
            byte[] content = many('a', "BT (", 400_000_000 + random.nextInt(1000));
            return pdf("<<>>", content, "/Filter/FlateDecode");
        }
    },

    TRUNCATED_PNG(Set.of(Kind.DAMAGED)) {
        @Override
        byte[] make(Random random) {
            byte[] whole = Good.png(random, 300, 300);
            return Arrays.copyOf(whole, 60 + random.nextInt(whole.length / 3));
        }
    },

    TRUNCATED_PDF(Set.of(Kind.DAMAGED, Kind.NOT_A_DOCUMENT)) {
        @Override
        byte[] make(Random random) {
            return Arrays.copyOf(Good.pdf(random, 3), 20 + random.nextInt(100));
        }
    },

    EMPTY(Set.of(Kind.NOT_A_DOCUMENT)) {
        @Override
        byte[] make(Random random) {
            return new byte[0];
        }
    },

    NOISE(Set.of(Kind.NOT_A_DOCUMENT, Kind.DAMAGED)) {
        @Override
        byte[] make(Random random) {
            byte[] noise = new byte[1 + random.nextInt(50_000)];
            random.nextBytes(noise);
            return noise;
        }
    },

    WRONG_TYPE(Set.of(Kind.NOT_A_DOCUMENT)) {
        @Override
        byte[] make(Random random) {
            return ("PK\3\4 a program, " + random.nextLong()).getBytes(ISO_8859_1);
        }
    },

    /** For a native decoder that writes where it must not. */
    NATIVE_CRASH(Set.of(Kind.CRASHED)) {
        @Override
        byte[] make(Random random) {
            return FaultyDecoder.CRASH.getBytes(ISO_8859_1);
        }
    },

    KILLS_ITS_PROCESS(Set.of(Kind.CRASHED)) {
        @Override
        byte[] make(Random random) {
            return FaultyDecoder.KILL.getBytes(ISO_8859_1);
        }
    },

    EXITS(Set.of(Kind.CRASHED)) {
        @Override
        byte[] make(Random random) {
            return FaultyDecoder.EXIT.getBytes(ISO_8859_1);
        }
    },

    /** For a decoder that neither ends nor heeds an interrupt. */
    LOOPS(Set.of(Kind.TIMED_OUT)) {
        @Override
        byte[] make(Random random) {
            return FaultyDecoder.LOOP.getBytes(ISO_8859_1);
        }
    };

    /** The kinds of failure that the server may answer with. */
    @SuppressWarnings("ImmutableEnumChecker") // made by Set.of
    final Set<Kind> kinds;

    Hostile(Set<Kind> kinds) {
        this.kinds = kinds;
    }

    abstract byte[] make(Random random);

    // PNG

    private static byte[] png(int width, int height, byte[] zeros) {
        var png = new ByteArrayOutputStream();
        png.writeBytes(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'});
        byte[] header = ByteBuffer.allocate(13)
                .putInt(width)
                .putInt(height)
                .put(new byte[] {8, 2, 0, 0, 0})
                .array();
        chunk(png, "IHDR", header);
        chunk(png, "IDAT", deflate(zeros));
        chunk(png, "IEND", new byte[0]);
        return png.toByteArray();
    }

    private static void chunk(ByteArrayOutputStream png, String type, byte[] content) {
        byte[] body = ByteBuffer.allocate(4 + content.length)
                .put(type.getBytes(ISO_8859_1))
                .put(content)
                .array();
        var check = new CRC32();
        check.update(body);
        png.writeBytes(ByteBuffer.allocate(4).putInt(content.length).array());
        png.writeBytes(body);
        png.writeBytes(ByteBuffer.allocate(4).putInt((int) check.getValue()).array());
    }

    private static int startOfFrame(byte[] jpeg) {
        for (int i = 2; i < jpeg.length; i += 2 + ByteBuffer.wrap(jpeg).getShort(i + 2)) {
            if (jpeg[i + 1] == (byte) 0xC0) {
                return i;
            }
        }
        throw new IllegalStateException("A JPEG without a frame");
    }

    // PDF

    /** A document of one page; the objects after it are numbered from 5. */
    private static byte[] pdf(String resources, byte[] content, String filter, Object... objects) {
        Object[] all = new Object[objects.length + 4];
        all[0] = "<</Type/Catalog/Pages 2 0 R>>";
        all[1] = "<</Type/Pages/Kids[3 0 R]/Count 1>>";
        all[2] = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 500 500]/Contents 4 0 R/Resources " + resources + ">>";
        all[3] = stream("<<" + filter, content);
        System.arraycopy(objects, 0, all, 4, objects.length);
        return document(all);
    }

    private static byte[] stream(String dictionary, byte[] content) {
        var out = new ByteArrayOutputStream();
        out.writeBytes((dictionary + "/Length " + content.length + ">>stream\n").getBytes(ISO_8859_1));
        out.writeBytes(content);
        out.writeBytes("\nendstream".getBytes(ISO_8859_1));
        return out.toByteArray();
    }

    private static byte[] document(Object... objects) {
        var out = new ByteArrayOutputStream();
        out.writeBytes("%PDF-1.7\n".getBytes(ISO_8859_1));
        var table = new StringBuilder("xref\n0 " + (objects.length + 1) + "\n0000000000 65535 f \n");
        for (int i = 0; i < objects.length; i++) {
            table.append(String.format("%010d 00000 n \n", out.size()));
            out.writeBytes((i + 1 + " 0 obj\n").getBytes(ISO_8859_1));
            out.writeBytes(
                    objects[i] instanceof byte[] bytes
                            ? bytes
                            : objects[i].toString().getBytes(ISO_8859_1));
            out.writeBytes("\nendobj\n".getBytes(ISO_8859_1));
        }
        int start = out.size();
        out.writeBytes(
                (table + "trailer<</Size " + (objects.length + 1) + "/Root 1 0 R>>\nstartxref\n" + start + "\n%%EOF")
                        .getBytes(ISO_8859_1));
        return out.toByteArray();
    }

    private static byte[] deflate(byte[] content) {
        var out = new ByteArrayOutputStream();
        try (var compressed = new DeflaterOutputStream(out, new Deflater(Deflater.BEST_SPEED))) {
            compressed.write(content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    /** Some text and then a character so many times, compressed. */
    private static byte[] many(char character, String before, int count) {
        var out = new ByteArrayOutputStream();
        byte[] piece = new byte[1 << 20];
        Arrays.fill(piece, (byte) character);
        try (var compressed = new DeflaterOutputStream(out, new Deflater(Deflater.BEST_SPEED), 1 << 16)) {
            compressed.write(before.getBytes(ISO_8859_1));
            for (int left = count; left > 0; left -= piece.length) {
                compressed.write(piece, 0, Math.min(left, piece.length));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }
}
