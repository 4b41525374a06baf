package dev.trestle.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.processpool.ProcessPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The snippets of the page about clusters are the regions of this file, word for word. */
@Timeout(60)
class ClusterPageTest {

    private static final Path PAGE = Path.of("../docs/cluster.md");
    private static final Path THIS = Path.of("src/test/java/dev/trestle/cluster/ClusterPageTest.java");

    private static final String password = "a password for tests";
    private static final List<YearMonth> months = List.of(YearMonth.of(2026, 1), YearMonth.of(2026, 2));

    private final List<String> archive = new ArrayList<>();

    private static final class Report {
        static String render(YearMonth month) {
            return "report of " + month;
        }
    }

    void before() {
        // region before
        try (var pool = new ProcessPool(8)) {
            pool.map(Report::render, months).forEach(archive::add);
        }
        // endregion
    }

    void after() {
        // region after
        try (var pool = ClusterPool.builder("reports")
                .discovery(Discovery.hosts("node-1", "node-2", "node-3"))
                .keystore(Path.of("program.p12"), password)
                .truststore(Path.of("truststore.p12"), password)
                .minMembers(2)
                .build()) {
            pool.map(Report::render, months).forEach(archive::add);
        }
        // endregion
    }

    void member() throws InterruptedException {
        // region member
        try (var member = ClusterMember.builder("reports")
                .discovery(Discovery.hosts("node-1", "node-2", "node-3"))
                .keystore(Path.of("node-1.p12"), password)
                .truststore(Path.of("truststore.p12"), password)
                .pool(ProcessPool.builder().workers(8).heap(512 << 20))
                .join()) {
            member.awaitShutdown();
        }
        // endregion
    }

    /** The snippets compile, and run until they miss their files; {@link ClusterExamplesTest} runs such calls. */
    @Test
    void theSnippetsLookForTheFilesThatTheyName() {
        assertThatThrownBy(this::after).hasMessageContaining("There is no keystore program.p12");
    }

    @Test
    void thePageHasTheSnippetsOfThisFile() throws IOException {
        Map<String, String> here = find(THIS, " {8}// region (\\w+)\n(.*?) {8}// endregion\n");
        here.replaceAll((_, code) -> code.stripTrailing().stripIndent() + "\n");

        assertThat(find(PAGE, "<!-- snippet (\\w+) -->\n```java\n(.*?)```\n"))
                .hasSize(3)
                .isEqualTo(here);
    }

    private static Map<String, String> find(Path file, String regex) throws IOException {
        var found = new LinkedHashMap<String, String>();
        var matcher = Pattern.compile(regex, Pattern.DOTALL).matcher(Files.readString(file));
        while (matcher.find()) {
            found.put(matcher.group(1), matcher.group(2));
        }
        return found;
    }
}
