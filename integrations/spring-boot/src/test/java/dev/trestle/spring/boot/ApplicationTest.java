package dev.trestle.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.ConcurrentFuture;
import dev.trestle.processpool.CallNotSerializableException;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.processpool.Sandbox;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import org.springframework.boot.Banner;
import org.springframework.boot.SpringBootVersion;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.task.TaskRejectedException;
import org.springframework.core.task.support.TaskExecutorAdapter;

/** An application with a pool of one worker, from its start to its end; run with Spring Boot 3 and with 4. */
@Timeout(60)
class ApplicationTest {

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Application {}

    private static ConfigurableApplicationContext start(String... properties) {
        return new SpringApplicationBuilder(Application.class)
                .web(WebApplicationType.NONE)
                .bannerMode(Banner.Mode.OFF)
                .registerShutdownHook(false)
                .properties("trestle.process-pool.workers=1", "trestle.process-pool.aot-cache=false")
                .properties(properties)
                .run();
    }

    /** Returns the health of the pool in words; its type depends on the version of Spring Boot. */
    private static String health(ConfigurableApplicationContext context) {
        Object indicator = context.getBean("processPoolHealthIndicator");
        try {
            Class<?> type = indicator.getClass().getInterfaces()[0];
            return type.getMethod("health").invoke(indicator).toString();
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(e.getMessage(), e);
        }
    }

    private static boolean exists(String file) {
        return Files.exists(Path.of(file));
    }

    /** On a machine that can make no sandbox, the application does not start, and says why. */
    @Test
    void callsRunInASandboxAndTheirLogIsForwarded(@TempDir Path folder) throws Exception {
        String shown = Files.createFile(folder.resolve("shown")).toString();
        String hidden = Files.createFile(folder.resolve("hidden")).toString();
        String[] properties = {
            "trestle.process-pool.sandbox=strict",
            "trestle.process-pool.sandbox-readable=" + shown,
            "trestle.process-pool.sandbox-temporary-space=1MB",
            "trestle.process-pool.forward-logs=warn"
        };
        if (!Sandbox.support().isAvailable()) {
            assertThatThrownBy(() -> start(properties))
                    .hasRootCauseMessage(Sandbox.support().reason());
            return;
        }
        PrintStream standardError = System.err;
        var logged = new ByteArrayOutputStream();
        System.setErr(new PrintStream(logged, true, StandardCharsets.UTF_8));
        try (var context = start(properties)) {
            ProcessPool pool = context.getBean(ProcessPool.class);
            assertThat(pool.submit(() -> List.of(exists(shown), exists(hidden))).result())
                    .containsExactly(true, false);
            assertThat(pool.submit(() -> Files.getFileStore(Path.of("/tmp")).getTotalSpace())
                            .result())
                    .isEqualTo(1 << 20);
            pool.submit(() -> {
                        LoggerFactory.getLogger("shop.Orders").info("too much");
                        LoggerFactory.getLogger("shop.Orders").warn("nearly sold out");
                        return "";
                    })
                    .result();
        } finally {
            System.setErr(standardError);
        }
        assertThat(logged.toString(StandardCharsets.UTF_8))
                .containsOnlyOnce("WARN shop.Orders - nearly sold out")
                .doesNotContain("too much");
    }

    private static long spin(long millis) {
        long end = System.nanoTime() + millis * 1_000_000;
        while (System.nanoTime() - end < 0) {
            Thread.onSpinWait();
        }
        return ProcessHandle.current().pid();
    }

    @Test
    void theVersionOfSpringBootIsTheOneThatThisRunIsFor() {
        String expected = System.getProperty("expected.spring.boot", "3");
        assertThat(SpringBootVersion.getVersion()).startsWith(expected + ".");
    }

    @Test
    void callsInFlightEndBeforeTheContextIsClosed() {
        ProcessPool pool;
        ConcurrentFuture<Long> inFlight;
        try (var context = start("trestle.process-pool.system-properties.greeting=hello")) {
            pool = context.getBean(ProcessPool.class);
            assertThat(pool.submit(() -> System.getProperty("greeting")).result())
                    .isEqualTo("hello");
            assertThat(health(context)).startsWith("UP").contains("alive=1");
            assertThat(context.getBean("processPoolMetrics")).isNotNull();
            // The pool refuses such a task of Spring's @Async too, with the code to write instead.
            var adapter = new TaskExecutorAdapter(pool);
            var bean = new AtomicReference<>(context);
            assertThatThrownBy(() -> adapter.submit(bean::get))
                    .isInstanceOf(TaskRejectedException.class)
                    .cause()
                    .isInstanceOf(CallNotSerializableException.class)
                    .hasMessageContaining("pool.submit(() -> ...)");
            inFlight = pool.submit(() -> spin(300));
        }
        assertThat(inFlight.isDone()).isTrue();
        assertThat(inFlight.result()).isNotEqualTo(ProcessHandle.current().pid());
        assertThat(pool.isTerminated()).isTrue();
    }

    @Test
    void endlessCallIsCancelledAtTheEndOfThePhase() {
        ConcurrentFuture<Integer> endless;
        try (var context = start("spring.lifecycle.timeout-per-shutdown-phase=200ms")) {
            endless = context.getBean(ProcessPool.class).submit(() -> {
                new CountDownLatch(1).await();
                return 1;
            });
        }
        assertThat(endless.isCancelled()).isTrue();
    }

    @Test
    void aBrokenPoolIsDown() {
        try (var context = start(
                "trestle.process-pool.jvm-arguments=-XX:NoSuchOption", "trestle.process-pool.start-retry-time=1s")) {
            var call = context.getBean(ProcessPool.class).submit(() -> 1);
            assertThat(call.exception()).isPresent();
            assertThat(health(context)).startsWith("DOWN").contains("reason=The pool is broken");
        }
    }
}
