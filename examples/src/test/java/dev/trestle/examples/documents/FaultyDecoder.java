package dev.trestle.examples.documents;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.util.Locale;
import javax.imageio.ImageReader;
import javax.imageio.spi.ImageReaderSpi;
import javax.imageio.stream.ImageInputStream;

/** A decoder with the faults of native code: its content says which one shows. {@code ImageIO} finds it by itself. */
public final class FaultyDecoder extends ImageReaderSpi {

    static final String CRASH = "FAULT reads the address 0";
    static final String KILL = "FAULT kills its own process";
    static final String EXIT = "FAULT exits";
    static final String LOOP = "FAULT loops";

    private static final int LONGEST = 40;

    /** Created by {@code ImageIO}. */
    public FaultyDecoder() {
        super(
                "Trestle's tests",
                "1",
                new String[] {"fault"},
                new String[0],
                new String[0],
                ImageReader.class.getName(),
                new Class<?>[] {ImageInputStream.class},
                null,
                false,
                null,
                null,
                null,
                null,
                false,
                null,
                null,
                null,
                null);
    }

    @Override
    public boolean canDecodeInput(Object source) throws IOException {
        if (!(source instanceof ImageInputStream in)) {
            return false;
        }
        in.mark();
        byte[] begin = new byte[LONGEST];
        int read = in.read(begin);
        in.reset();
        String content = new String(begin, 0, Math.max(0, read), ISO_8859_1);
        if (content.startsWith(CRASH)) {
            callNative("strlen", FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG), 0L);
        } else if (content.startsWith(KILL)) {
            callNative("raise", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT), 9);
        } else if (content.startsWith(EXIT)) {
            System.exit(3);
        } else if (content.startsWith(LOOP)) {
            loop();
        }
        return false;
    }

    @SuppressWarnings("restricted")
    private static void callNative(String function, FunctionDescriptor signature, Object argument) {
        Linker linker = Linker.nativeLinker();
        try {
            linker.downcallHandle(linker.defaultLookup().findOrThrow(function), signature)
                    .invokeWithArguments(argument);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    @SuppressWarnings("InfiniteLoopStatement")
    private static void loop() {
        while (true) {
            Thread.onSpinWait();
        }
    }

    @Override
    public ImageReader createReaderInstance(Object extension) {
        throw new UnsupportedOperationException("It decodes nothing");
    }

    @Override
    public String getDescription(Locale locale) {
        return "a decoder with faults";
    }
}
