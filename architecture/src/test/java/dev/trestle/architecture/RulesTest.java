package dev.trestle.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import javax.tools.JavaFileObject.Kind;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The rules of the architecture: the project keeps each one, and each one finds its offences. */
@Timeout(60)
class RulesTest {

    private static JavaClasses project;

    @BeforeAll
    static void importMainClasses() {
        project = new ClassFileImporter()
                .importPaths(
                        Project.modules().stream().map(Project.Module::classes).toList());
    }

    @ParameterizedTest
    @EnumSource
    void theProjectKeeps(Rule rule) {
        rule.rule.check(project);
    }

    @ParameterizedTest
    @EnumSource
    void aRuleBites(Offence offence, @TempDir Path classes) {
        compile(offence.sources, classes);
        var offenders = new ClassFileImporter().importPath(classes);

        assertThatThrownBy(() -> offence.rule.rule.check(offenders))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining(offence.clue);
    }

    @ParameterizedTest
    @EnumSource
    void aRuleHasAnOffence(Rule rule) {
        assertThat(Offence.values()).anyMatch(offence -> offence.rule == rule);
    }

    @Test
    void everyModuleIsLookedAt() {
        assertThat(Project.modules())
                .isNotEmpty()
                .allSatisfy(module -> assertThat(project)
                        .anyMatch(type -> type.getPackageName().startsWith(module.rootPackage())));
    }

    @Test
    void constructorsOfExceptionsMayCallTheirSuperclass(@TempDir Path classes) {
        compile(List.of("package dev.trestle.loop; class Named extends Error { Named() { super(); } }"), classes);

        Rule.EXCEPTIONS_HAVE_NAMES.rule.check(new ClassFileImporter().importPath(classes));
    }

    @Test
    void aTypeMayBePublicForAnotherPackageOfItsModule(@TempDir Path classes) {
        compile(
                List.of(
                        "package dev.trestle.processpool.wire; public class Frame {}",
                        "package dev.trestle.processpool; class Link { dev.trestle.processpool.wire.Frame frame; }"),
                classes);

        Rule.PUBLIC_TYPES_ARE_EXPORTED.rule.check(new ClassFileImporter().importPath(classes));
    }

    private static void compile(List<String> sources, Path target) {
        var files = sources.stream().map(Source::new).toList();
        var options = List.of("-d", target.toString(), "-proc:none");
        var compiled = ToolProvider.getSystemJavaCompiler()
                .getTask(null, null, null, options, null, files)
                .call();
        assertThat(compiled).as("the sources compile").isTrue();
    }

    private static final class Source extends SimpleJavaFileObject {

        private final String text;

        Source(String text) {
            super(URI.create("memory:///" + name(text) + ".java"), Kind.SOURCE);
            this.text = text;
        }

        @Override
        public String getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }

        /** A public type wants its file named after it. */
        private static String name(String text) {
            return text.replaceFirst("(?s).*?\\bclass (\\w+).*", "$1");
        }
    }
}
