package dev.trestle.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.module.ModuleDescriptor.Exports;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The modules of the project, on which the poms and the module descriptors agree. */
@Timeout(30)
class ProjectTest {

    @Test
    void theBomListsEveryPublishedModule() {
        assertThat(Project.artifacts("bom"))
                .as("managed dependencies in bom/pom.xml")
                .containsAll(Project.published().stream()
                        .map(Project.Module::artifact)
                        .toList());
    }

    @Test
    void theseRulesAreBuiltAfterEveryModule() {
        assertThat(Project.artifacts("architecture"))
                .as("dependencies in architecture/pom.xml")
                .containsAll(
                        Project.modules().stream().map(Project.Module::artifact).toList());
    }

    @ParameterizedTest
    @MethodSource("dev.trestle.architecture.Project#published")
    void aModuleExportsThePackageOfItsName(Project.Module module) {
        assertThat(module.descriptor().name()).isEqualTo(module.rootPackage());
        assertThat(module.descriptor().exports())
                .filteredOn(exports -> !exports.isQualified())
                .extracting(Exports::source)
                .containsExactly(module.rootPackage());
    }

    /**
     * The test kit encodes what a pool encodes, the cluster carries its frames, and SLF4J makes the logging system of a
     * worker; no other module sees the inside of another.
     */
    @ParameterizedTest
    @MethodSource("dev.trestle.architecture.Project#published")
    void onlyTheTestKitAndTheClusterSeeMoreOfAModule(Project.Module module) {
        assertThat(module.descriptor().exports())
                .filteredOn(
                        exports -> exports.isQualified() && !exports.targets().equals(Set.of("org.slf4j")))
                .allSatisfy(exports ->
                        assertThat(exports.targets()).isSubsetOf("dev.trestle.testkit", "dev.trestle.cluster"));
    }
}
