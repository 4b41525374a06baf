package dev.trestle.processpool.values;

import static dev.trestle.processpool.values.Documents.typed;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.Call;
import dev.trestle.processpool.wire.Failure;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Names of classes that do not exist: a class loader that is asked for one keeps a lock for it, forever. */
@Timeout(60)
class UnknownNamesTest {

    /** Counts the names that it is asked for. It has no files of its own. */
    private static final class Counting extends ClassLoader {
        final AtomicInteger asked = new AtomicInteger();

        Counting() {
            super(UnknownNamesTest.class.getClassLoader());
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            asked.incrementAndGet();
            return super.loadClass(name, resolve);
        }
    }

    private static void notFound(TypeNames names, String name) {
        assertThatThrownBy(() -> names.find(name, Sender.WORKER_RESULT)).isInstanceOf(ClassNotFoundException.class);
    }

    @Test
    void aLoaderIsAskedForFewNamesThatDoNotExist() throws Exception {
        var loader = new Counting();
        var names = new TypeNames(loader);

        for (int i = 0; i < 5_000; i++) {
            notFound(names, "no.such.Type" + i);
            notFound(names, "NoSuch" + i);
            notFound(names, "java.lang.NoSuch" + i);
            notFound(names, "no.such.Type" + i + "[][]");
        }

        assertThat(loader.asked.get()).isBetween(1, 256);
        assertThat(names.find(Examples.Point.class.getName(), Sender.WORKER_RESULT))
                .isEqualTo(Examples.Point.class);
        assertThat(names.find("java.util.zip.CRC32", Sender.WORKER_RESULT)).hasToString("class java.util.zip.CRC32");
        assertThat(names.find("java.sql.SQLException[]", Sender.WORKER_RESULT))
                .isEqualTo(java.sql.SQLException[].class);
    }

    @Test
    void classesOfALoaderOfFilesAreFound() throws Exception {
        URL classes =
                UnknownNamesTest.class.getProtectionDomain().getCodeSource().getLocation();
        try (var loader = new URLClassLoader(new URL[] {classes}, ClassLoader.getPlatformClassLoader())) {
            var names = new TypeNames(loader);
            for (int i = 0; i < 1_000; i++) {
                notFound(names, "no.such.Type" + i);
            }

            Class<?> found = names.find(Color.class.getName(), Sender.WORKER_RESULT);

            assertThat(found.getClassLoader()).isSameAs(loader);
        }
    }

    enum Color {
        RED
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[Ljava.lang.String;",
                "[[I",
                "java/lang/String",
                "..java.lang.String",
                ".java.lang.String",
                "java..lang.String",
                "java.lang.String.",
                "",
                ".",
                "[]",
                "..",
                "../../etc/passwd",
                "C:\\x",
                "Integer[][][][][][][][][][][][][][][][][]",
            })
    void aNameThatNoSenderWritesIsNotLookedFor(String name) {
        var loader = new Counting();

        notFound(new TypeNames(loader), name);
        assertThat(loader.asked.get()).isZero();
    }

    @Test
    void aLongNameIsNotLookedFor() {
        var loader = new Counting();
        var names = new TypeNames(loader);

        notFound(names, "x".repeat(1025));
        notFound(names, "x".repeat(1 << 20));
        assertThat(loader.asked.get()).isZero();
    }

    /** Measured by what the JVM's own loader keeps: these names would be 6 MB. */
    @Test
    void namesInResultsAndFailuresLeaveNothingBehind() throws Exception {
        var encoded = Journey.allowingNothing().encode((Call<Object>) () -> "expected");
        var names = new AtomicInteger();
        Runnable round = () -> {
            String name = "no.such." + "x".repeat(2_000) + names.incrementAndGet();
            assertThatThrownBy(() -> encoded.decodeResult(typed(name, to -> to.writeNumber(1))))
                    .isInstanceOf(NotDecodableException.class)
                    .hasMessageContaining("cannot be found here");
            assertThatThrownBy(() -> encoded.decodeResult(typed("Class", to -> to.writeString(name))))
                    .isInstanceOf(NotDecodableException.class);
            var failure = new Failure(name, "x", List.of(), null, List.of(), Failure.NO_STATE, false);
            assertThat(encoded.decodeFailure(failure, "worker")).isInstanceOf(Journey.StandIn.class);
        };
        for (int i = 0; i < 500; i++) {
            round.run();
        }
        long before = usedMemory();

        for (int i = 0; i < 3_000; i++) {
            round.run();
        }

        assertThat(usedMemory() - before).as("bytes kept").isLessThan(4 << 20);
    }

    @Test
    void namesOfFieldsLeaveNothingBehind() throws Exception {
        var encoded = Journey.allowingNothing().encode((Call<Object>) () -> "expected");
        List<NotDecodableException> refusals = new ArrayList<>();
        long before = usedMemory();

        for (int i = 0; i < 500; i++) {
            String name = "x".repeat(60_000) + i;
            assertThatThrownBy(() -> encoded.decodeResult(typed(Examples.Point.class.getName(), to -> {
                        to.writeStartObject();
                        to.writeNumberProperty(name, 1);
                        to.writeEndObject();
                    })))
                    .isInstanceOfSatisfying(NotDecodableException.class, refusals::add);
        }

        assertThat(usedMemory() - before).as("bytes kept").isLessThan(8 << 20);
        assertThat(refusals).hasSize(500);
    }

    private static long usedMemory() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }
}
