package dev.trestle.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.processpool.CallOptions;
import dev.trestle.processpool.ProcessPool;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The programs of the pages about hostile documents, runaway tasks and native crashes: they are the regions of this
 * file, word for word. They run, and print what the pages say.
 */
@Timeout(120)
class PagesTest {

    private static final Path THIS = Path.of("src/test/java/dev/trestle/examples/PagesTest.java");

    /** The pages, and what their programs print. */
    enum Page {
        HOSTILE("hostile-documents.md", PagesTest::hostile, ".*WorkerDiedException: .*ran out of memory.*100 x 50\n"),
        RUNAWAY("stop-a-runaway-task.md", PagesTest::runaway, ".*TimeoutException: .*spin.*the next call\n"),
        CRASH("native-crashes.md", PagesTest::crash, ".*WorkerDiedException: .*SIGSEGV.*the next call\n");

        final String file;

        @SuppressWarnings("ImmutableEnumChecker") // a method reference
        final Runnable program;

        final String output;

        Page(String file, Runnable program, String output) {
            this.file = file;
            this.program = program;
            this.output = output;
        }
    }

    static void hostile() {
        // region hostile
        var limits = ProcessPool.builder().workers(1).heap(64 << 20).callTimeout(Duration.ofMinutes(1));
        try (var pool = limits.build()) {
            for (byte[] upload : uploads()) {
                var size = pool.submit(() -> {
                    var image = ImageIO.read(new ByteArrayInputStream(upload));
                    return image.getWidth() + " x " + image.getHeight();
                });
                System.out.println(size.exception().map(Throwable::toString).orElseGet(size::result));
            }
        }
        // endregion
    }

    static void runaway() {
        // region runaway
        try (var pool = new ProcessPool(1)) {
            var oneSecond = CallOptions.DEFAULT.withTimeout(Duration.ofSeconds(1));
            var runaway = pool.submit(() -> Code.spin(), oneSecond);
            System.out.println(runaway.exception().orElseThrow());
            System.out.println(pool.submit(() -> "the next call").result());
        }
        // endregion
    }

    static void crash() {
        // region crash
        try (var pool = new ProcessPool(1)) {
            var crash = pool.submit(() -> Code.lengthOfTextAt(0));
            System.out.println(crash.exception().orElseThrow());
            System.out.println(pool.submit(() -> "the next call").result());
        }
        // endregion
    }

    @ParameterizedTest
    @EnumSource
    void aProgramPrintsWhatItsPageSays(Page page) {
        assertThat(Output.of(page.program)).matches(Pattern.compile(page.output, Pattern.DOTALL));
    }

    @ParameterizedTest
    @EnumSource
    void aPageHasTheProgramOfThisFile(Page page) throws IOException {
        String name = page.name().toLowerCase(Locale.ROOT);
        String here = find(THIS, " {8}// region " + name + "\n(.*?) {8}// endregion\n")
                .stripTrailing()
                .stripIndent();

        assertThat(find(Path.of("../docs", page.file), "<!-- program -->\n```java\n(.*?)```\n"))
                .isEqualTo(here + "\n");
    }

    private static String find(Path file, String regex) throws IOException {
        var matcher = Pattern.compile(regex, Pattern.DOTALL).matcher(Files.readString(file));
        assertThat(matcher.find()).as(file.toString()).isTrue();
        return matcher.group(1);
    }

    /** A small file that claims 20 000 x 20 000 pixels, and a good one. */
    private static List<byte[]> uploads() {
        return List.of(Images.flood(), Images.plain(100, 50));
    }

    /** Stands for code of a library, which a user cannot repair. */
    static final class Code {

        private Code() {}

        /** Neither ends nor heeds an interrupt. */
        static int spin() {
            int turns = 0;
            while (turns >= 0) {
                turns = (turns + 1) & Integer.MAX_VALUE;
            }
            return turns;
        }

        /** Calls the C function {@code strlen}, which reads the memory at any address that it is given. */
        @SuppressWarnings("restricted")
        static long lengthOfTextAt(long address) {
            Linker linker = Linker.nativeLinker();
            var strlen = linker.downcallHandle(
                    linker.defaultLookup().findOrThrow("strlen"),
                    FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
            try {
                return (long) strlen.invokeExact(address);
            } catch (Throwable e) {
                throw new AssertionError(e);
            }
        }
    }
}
