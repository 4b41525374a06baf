package dev.trestle.architecture;

import static java.util.stream.Collectors.joining;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.module.ModuleDescriptor.Requires;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The Javadoc of the published modules, which builds without a warning, and is left in {@code target/javadoc}.
 *
 * <p>One run of the JDK's own tool, in this JVM, over all modules: the Maven plugin reads module descriptors with the
 * JDK that Maven runs on, which may be older than they are.
 */
@Timeout(120)
class JavadocTest {

    private record Outcome(int exitCode, String output) {}

    @Test
    void everyPublishedModuleIsDocumented() throws IOException {
        var target = Project.ROOT.resolve("architecture", "target", "javadoc");
        var arguments = new ArrayList<>(options(target));
        for (var module : Project.published()) {
            arguments.add("--module-source-path");
            arguments.add(module.descriptor().name() + "=" + module.sources());
        }
        arguments.add("--module");
        arguments.add(Project.published().stream()
                .map(module -> module.descriptor().name())
                .collect(joining(",")));
        arguments.add("--module-path");
        arguments.add(thirdParties());
        arguments.add("--snippet-path");
        arguments.add(Project.published().stream()
                .map(module -> module.tests().toString())
                .collect(joining(File.pathSeparator)));

        var outcome = javadoc(arguments);

        assertThat(outcome.exitCode()).as(outcome.output()).isZero();
        assertThat(target.resolve("index.html")).exists();
    }

    @Test
    void aMissingParameterFails(@TempDir Path directory) throws IOException {
        var source = Files.writeString(directory.resolve("Offender.java"), """
            /** A class. */
            public class Offender {
                private Offender() {}
                /**
                 * Does something.
                 */
                public static void f(int n) {}
            }
            """);
        var arguments = new ArrayList<>(options(directory.resolve("out")));
        arguments.add(source.toString());

        var outcome = javadoc(arguments);

        assertThat(outcome.exitCode()).isNotZero();
        assertThat(outcome.output()).contains("no @param for n");
    }

    private static List<String> options(Path target) {
        return List.of("-d", target.toString(), "-quiet", "-Xdoclint:all", "-Werror", "-notimestamp", "-noindex");
    }

    private static Outcome javadoc(List<String> arguments) {
        var output = new StringWriter();
        try (var writer = new PrintWriter(output)) {
            var exitCode = ToolProvider.findFirst("javadoc")
                    .orElseThrow()
                    .run(writer, writer, arguments.toArray(String[]::new));
            return new Outcome(exitCode, output.toString());
        }
    }

    /**
     * Returns the jars of the class path that are modules, without the automatic ones that we do not require: one
     * automatic module that is required makes all of them visible, and some share packages.
     */
    private static String thirdParties() {
        var jars = List.of(System.getProperty("java.class.path").split(File.pathSeparator)).stream()
                .filter(entry -> entry.endsWith(".jar"))
                .map(Path::of)
                .filter(jar -> !jar.getFileName().toString().startsWith("trestle-"))
                .toList();
        var required = Project.published().stream()
                .flatMap(module -> module.descriptor().requires().stream())
                .map(Requires::name)
                .collect(toSet());
        return jars.stream()
                .filter(jar -> isNeeded(jar, required))
                .map(Path::toString)
                .collect(joining(File.pathSeparator));
    }

    private static boolean isNeeded(Path jar, Set<String> required) {
        return ModuleFinder.of(jar).findAll().stream()
                .map(ModuleReference::descriptor)
                .anyMatch(module -> !module.isAutomatic() || required.contains(module.name()));
    }
}
