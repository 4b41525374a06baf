package dev.trestle.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopLock;
import dev.trestle.loop.LoopQueue;
import dev.trestle.loop.LoopSemaphore;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.threadpool.ThreadPool;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** The dashboard in {@code docs}: it asks for metrics that exist, and shows all of these. */
@Timeout(60)
@EnabledOnOs(OS.LINUX) // the memory of workers is known there only
class DashboardTest {

    private static final Path DASHBOARD = Path.of("..", "..", "docs", "grafana-dashboard.json");
    private static final Pattern METRIC = Pattern.compile("([a-z_]+)\\{");

    @Test
    void theDashboardShowsExactlyTheMetricsThatAreExported() throws IOException {
        var asked = new TreeSet<String>();
        for (JsonNode panel :
                new ObjectMapper().readTree(Files.readString(DASHBOARD)).get("panels")) {
            for (JsonNode target : panel.get("targets")) {
                METRIC.matcher(target.get("expr").asString()).results().forEach(match -> asked.add(match.group(1)));
            }
        }

        assertThat(asked).isEqualTo(exported());
    }

    private static Set<String> exported() {
        var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        var lock = new LoopLock();
        var semaphore = new LoopSemaphore(1);
        LoopQueue<Integer> queue = LoopQueue.fifo();
        try (var processes = new ProcessPool(1);
                var threads = new ThreadPool(1);
                var loop = new EventLoop()) {
            new ProcessPoolMetrics(processes).bindTo(registry);
            new ThreadPoolMetrics(threads).bindTo(registry);
            new EventLoopMetrics(loop).bindTo(registry);
            new LoopLockMetrics("a lock", lock).bindTo(registry);
            new LoopSemaphoreMetrics("a semaphore", semaphore).bindTo(registry);
            new LoopQueueMetrics("a queue", queue).bindTo(registry);
            var names = new TreeSet<String>();
            registry.scrape()
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .flatMap(line -> Stream.of(line.substring(0, line.indexOf('{'))))
                    .forEach(names::add);
            return names;
        } finally {
            registry.close();
        }
    }
}
