package dev.trestle.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.processpool.ProcessPool;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The examples of the Javadoc. */
@Timeout(60)
class ClusterExamplesTest {

    private static final class Report {
        static String render(YearMonth month) {
            return "report of " + month;
        }
    }

    @Test
    void aMemberRunsTheCallsOfAPool() {
        var months = List.of(YearMonth.of(2026, 1), YearMonth.of(2026, 2));
        var archive = new ArrayList<String>();

        // @start region="member"
        try (var member = ClusterMember.builder("reports")
                .discovery(Discovery.loopback()) // or hosts("node-1", "node-2"), dns("reports.internal"), jdbc(source)
                .pool(ProcessPool.builder().workers(1))
                .join()) {
            // @end
            assertThat(member.name()).isNotEmpty();
            // @start region="pool"
            try (var pool = ClusterPool.builder("reports")
                    .discovery(Discovery.loopback())
                    .minMembers(1)
                    .build()) {
                pool.map(Report::render, months).forEach(archive::add);
            }
            // @end
        }

        assertThat(archive).containsExactly("report of 2026-01", "report of 2026-02");
    }
}
