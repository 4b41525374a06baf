package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Pools beside the versions of Jackson that frameworks bring. The profile {@code compatibility} runs the tests of
 * values with more of them.
 */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class JacksonVersionsTest {

    /** The directory in which the build puts jars of Jackson in several versions. */
    private static final Path jars = Path.of("target", "jackson");

    @BeforeAll
    static void needsTheJars() {
        assumeTrue(Files.isDirectory(jars), "Maven puts jars of Jackson there: " + jars.toAbsolutePath());
    }

    /** Calls a method of the program in a class loader of its own, whose files its workers have too. */
    private static List<String> answersOf(String method, List<String> jackson) throws Exception {
        return answersOf(method, jackson, "");
    }

    /** Returns the same class path without one class. */
    @SuppressWarnings("unchecked")
    private static List<String> answersOf(String method, List<String> jackson, String missing) throws Exception {
        var urls = new ArrayList<URL>();
        for (String each : jackson) {
            urls.add(url(jars.resolve("jackson-" + each + ".jar")));
        }
        for (Path each : FatJar.needed()) {
            if (!each.getFileName().toString().startsWith("jackson-")) {
                urls.add(url(each));
            }
        }
        try (var loader = new Loader(urls.toArray(URL[]::new), missing)) {
            return (List<String>) loader.loadClass(JacksonProgram.class.getName())
                    .getMethod(method)
                    .invoke(null);
        }
    }

    private static final class Loader extends URLClassLoader {
        private final String missing;

        Loader(URL[] urls, String missing) {
            super(urls, ClassLoader.getPlatformClassLoader());
            this.missing = missing;
        }

        @Override
        protected Class<?> findClass(String name) throws ClassNotFoundException {
            if (name.equals(missing)) {
                throw new ClassNotFoundException(name);
            }
            return super.findClass(name);
        }
    }

    private static URL url(Path file) throws MalformedURLException {
        assertThat(file).exists();
        return file.toUri().toURL();
    }

    private static List<String> jackson(String version, String annotations) {
        return List.of(
                "core-" + version, "databind-" + version, "dataformat-smile-" + version, "annotations-" + annotations);
    }

    @ParameterizedTest
    @CsvSource({
        "3.0.4, 2.19.2", // Spring Boot 3.5.7
        "3.1.7, 2.21", // Spring Boot 4.0.9 and 4.1.2
        "3.2.2, 2.21", // as old as can be
        "3.2.2, 2.22"
    })
    void valuesTravelWithEachVersionOfJackson(String version, String annotations) throws Exception {
        assertThat(answersOf("answers", jackson(version, annotations)))
                .containsExactly(
                        "numbers 42",
                        "list [1, two, 3]",
                        "record Point[x=42, name=Optional[p], times={DAYS=PT24H}]",
                        "bean me:s",
                        "tree [1,\"two\"]",
                        "map [1, 2]",
                        "stream [Point[x=6, name=Optional.empty, times={}], Point[x=6, name=Optional.empty, times={}]]",
                        "failure broken7");
    }

    @ParameterizedTest
    @CsvSource({
        "3.1.7, 2.19.2, 2.21, true",
        "3.2.2, 2.19.2, 2.21, true",
        "3.2.2, 2.18.2, 2.21, false",
        "3.0.4, 2.18.2, 2.19, false" // Vert.x 5.0.7
    })
    void constructorNamesAnnotationsTooOldForTheirJackson(
            String version, String annotations, String needed, boolean isFineFor3dot0) throws Exception {
        assertThat(answersOf("answers", jackson(version, annotations)))
                .containsExactly("Jackson " + version + " cannot start with jackson-annotations " + annotations
                        + ": it needs " + needed + " or later. Found: jackson-core " + version + ", jackson-databind "
                        + version
                        + ", jackson-dataformat-smile " + version + ", jackson-annotations " + annotations + "."
                        + " Trestle needs Jackson 3.0 or later, with jackson-core, jackson-databind and"
                        + " jackson-dataformat-smile of the same 3.x, and jackson-annotations 2.19 or later beside"
                        + " Jackson 3.0, 2.21 or later beside Jackson 3.1 and later. Different versions come together"
                        + " where the build manages the version of some of these jars only: let one BOM, that of the"
                        + " framework or tools.jackson:jackson-bom, manage all of them."
                        + (isFineFor3dot0 ? " With Jackson 3.0, jackson-annotations may stay as it is." : ""));
    }

    @Test
    void theConstructorNamesAJarThatIsMissing() throws Exception {
        assertThat(answersOf("answersOfAMixture", List.of("core-3.1.7", "databind-3.1.7", "annotations-2.21")))
                .singleElement(STRING)
                .startsWith(
                        "Trestle's process pool needs jackson-dataformat-smile, and there is none. Found: jackson-core"
                                + " 3.1.7, jackson-databind 3.1.7, jackson-dataformat-smile (none that can be loaded),"
                                + " jackson-annotations 2.21. Trestle needs Jackson 3.0 or later");
    }

    /** A program that falls back to a thread pool catches what the constructor's Javadoc names. */
    @Test
    void constructorThrowsOnlyTypesThatProgramsCanName() throws Exception {
        assertThat(answersOf("refusal", jackson("3.1.7", "2.19.2"))).containsExactly("java.lang.IllegalStateException");
        assertThat(answersOf("refusal", List.of("core-3.1.7", "databind-3.1.7", "annotations-2.21")))
                .containsExactly("java.lang.IllegalStateException");
        assertThat(answersOf("refusal", jackson("3.1.7", "2.19.2"), "tools.jackson.databind.cfg.PackageVersion"))
                .startsWith("java.lang.IllegalStateException", "java.lang.NoClassDefFoundError");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "tools.jackson.databind.ser.BeanPropertyWriter",
                "tools.jackson.databind.jsontype.impl.DefaultTypeResolverBuilder"
            })
    void callThrowsNoOwnTypeForVersionsThatDoNotFit(String missing) throws Exception {
        assertThat(answersOf("refusal", jackson("3.1.7", "2.22"), missing))
                .startsWith(CallNotSerializableException.class.getName())
                .noneMatch(each -> each.contains("JacksonMismatch"))
                .contains("java.lang.NoClassDefFoundError");
    }

    /** Jars of several versions lack classes or methods of each other. */
    @Test
    void callThatNeedsJacksonNamesVersionsThatDoNotFit() throws Exception {
        assertThat(answersOf(
                        "answersOfAMixture", jackson("3.1.7", "2.22"), "tools.jackson.databind.ser.BeanPropertyWriter"))
                .satisfiesExactly(
                        number -> assertThat(number).isEqualTo("numbers 42"),
                        record -> assertThat(record)
                                .startsWith("The call JacksonProgram.answersOfAMixture(JacksonProgram.java:")
                                .contains(
                                        " cannot travel: Trestle's process pool cannot work with the Jackson that is"
                                                + " here: java.lang.",
                                        "BeanPropertyWriter",
                                        ". Found: jackson-core 3.1.7, jackson-databind 3.1.7, jackson-dataformat-smile"
                                                + " 3.1.7, jackson-annotations 2.22. Trestle needs Jackson 3.0 or"
                                                + " later"));
    }

    @Test
    void theFirstCallSaysSoToo() throws Exception {
        assertThat(answersOf(
                        "answersOfAMixture",
                        jackson("3.1.7", "2.22"),
                        "tools.jackson.databind.jsontype.impl.DefaultTypeResolverBuilder"))
                .last(STRING)
                .contains("Trestle's process pool cannot work with the Jackson that is here: java.lang.");
    }
}
