package dev.trestle.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.micrometer.ProcessPoolMetrics;
import dev.trestle.processpool.ProcessPool;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.actuate.autoconfigure.health.HealthContributorAutoConfiguration;
import org.springframework.boot.actuate.health.HealthIndicator;
import org.springframework.boot.actuate.health.Status;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.task.TaskExecutionAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.task.AsyncTaskExecutor;
import org.springframework.core.task.TaskExecutor;
import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.EnableAsync;

/** The beans that there are for given properties, classes and other beans. No worker is started here. */
@Timeout(60)
class ProcessPoolAutoConfigurationTest {

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(
                    Boot3HealthAutoConfiguration.class,
                    HealthContributorAutoConfiguration.class,
                    ProcessPoolAutoConfiguration.class,
                    ProcessPoolMetricsAutoConfiguration.class,
                    TaskExecutionAutoConfiguration.class,
                    ThreadPoolAutoConfiguration.class));

    @Test
    void thereIsAPoolWithTheOptionsOfTheProperties() {
        runner.withPropertyValues(
                        "trestle.process-pool.workers=3",
                        "trestle.process-pool.name=calls",
                        "trestle.process-pool.heap=64MB",
                        "trestle.process-pool.call-timeout=5s",
                        "trestle.process-pool.close-grace=1s",
                        "trestle.process-pool.jvm-arguments=-Xss2m,-Dx=y",
                        "trestle.process-pool.environment.LEVEL=3",
                        "trestle.process-pool.queue-limit=7")
                .run(context -> {
                    assertThat(context).hasSingleBean(ProcessPool.class);
                    var pool = context.getBean(ProcessPool.class);
                    assertThat(pool.parallelism()).isEqualTo(3);
                    assertThat(pool.name()).isEqualTo("calls");
                    var properties = context.getBean(ProcessPoolProperties.class);
                    assertThat(properties.jvmArguments()).containsExactly("-Xss2m", "-Dx=y");
                    assertThat(properties.environment()).containsEntry("LEVEL", "3");
                    assertThat(properties.queueLimit()).isEqualTo(7);
                });
    }

    @Test
    void sandboxPropertiesAreRefusedWithoutASandbox() {
        for (String each : new String[] {
            "network=true", "readable=/data", "writable=/data", "environment=LANG", "temporary-space=4MB"
        }) {
            runner.withPropertyValues("trestle.process-pool.sandbox-" + each)
                    .run(context -> assertThat(context)
                            .getFailure()
                            .rootCause()
                            .isInstanceOf(IllegalStateException.class)
                            .hasMessage(
                                    "There are properties trestle.process-pool.sandbox-..., but no sandbox that they"
                                            + " could open: the workers would run without one. Set"
                                            + " trestle.process-pool.sandbox=strict, or remove these properties."));
        }
        runner.withPropertyValues("trestle.process-pool.sandbox=none")
                .run(context -> assertThat(context).hasSingleBean(ProcessPool.class));
    }

    @Test
    void aWrongSandboxOrLevelFailsTheStart() {
        runner.withPropertyValues("trestle.process-pool.sandbox=loose")
                .run(context ->
                        assertThat(context).getFailure().rootCause().hasMessageContaining("SandboxPreset.loose"));
        runner.withPropertyValues("trestle.process-pool.forward-logs=loud")
                .run(context -> assertThat(context).getFailure().rootCause().hasMessageContaining("LogLevel.loud"));
    }

    @Test
    void aBadOptionFailsTheStartWithTheWordsOfThePool() {
        runner.withPropertyValues("trestle.process-pool.workers=0")
                .run(context -> assertThat(context)
                        .getFailure()
                        .rootCause()
                        .hasMessage("The size of a process pool must be 1 or more: 0"));
    }

    @Test
    void aCustomizerChangesTheOptions() {
        runner.withPropertyValues("trestle.process-pool.workers=3")
                .withBean(ProcessPoolCustomizer.class, () -> builder -> builder.workers(2))
                .run(context -> assertThat(context.getBean(ProcessPool.class).parallelism())
                        .isEqualTo(2));
    }

    @Test
    void aPoolOfTheProgramTakesItsPlace() {
        runner.withBean("mine", ProcessPool.class, () -> new ProcessPool(1)).run(context -> {
            assertThat(context).hasSingleBean(ProcessPool.class).hasBean("mine");
            assertThat(context).hasSingleBean(ProcessPoolMetrics.class);
        });
    }

    @Test
    void executorOfSpringBootIsForcedBesideAPoolOfTheProgram() {
        runner.withBean("mine", ProcessPool.class, () -> new ProcessPool(1))
                .withPropertyValues("spring.task.execution.mode=force")
                .run(context ->
                        assertThat(context).hasBean("applicationTaskExecutor").hasSingleBean(ProcessPool.class));
    }

    @Test
    void thereIsNoPoolIfItIsSwitchedOff() {
        runner.withPropertyValues("trestle.process-pool.enabled=false")
                .run(context -> assertThat(context)
                        .doesNotHaveBean(ProcessPool.class)
                        .doesNotHaveBean("processPoolHealthIndicator")
                        .doesNotHaveBean(ProcessPoolMetrics.class));
    }

    @Configuration(proxyBeanMethods = false)
    static class UserOfExecutor {

        record User(Executor executor, ProcessPool pool) {}

        @Bean
        User user(Executor executor, ProcessPool pool) {
            return new User(executor, pool);
        }
    }

    @Test
    void executorOfSpringBootStaysAndIsInjected() {
        runner.withUserConfiguration(UserOfExecutor.class).run(context -> {
            assertThat(context).hasSingleBean(TaskExecutor.class).hasBean("applicationTaskExecutor");
            assertThat(context.getBean(UserOfExecutor.User.class).executor())
                    .isSameAs(context.getBean("applicationTaskExecutor"));
        });
    }

    @Test
    void healthAndMetricsAreThere() {
        runner.run(context -> {
            assertThat(context).hasSingleBean(ProcessPoolMetrics.class);
            var health = context.getBean("processPoolHealthIndicator", HealthIndicator.class);
            assertThat(health.health().getStatus()).isEqualTo(Status.UP);
            assertThat(health.health().getDetails()).containsEntry("alive", 0);
            context.getBean(ProcessPool.class).shutdown();
            assertThat(health.health().getStatus()).isEqualTo(Status.OUT_OF_SERVICE);
        });
    }

    @Test
    void healthMayBeSwitchedOff() {
        runner.withPropertyValues("management.health.process-pool.enabled=false")
                .run(context -> assertThat(context).doesNotHaveBean("processPoolHealthIndicator"));
    }

    @Test
    void aProgramWithoutActuatorAndMicrometerHasThePoolOnly() {
        new ApplicationContextRunner()
                .withConfiguration(AutoConfigurations.of(
                        Boot3HealthAutoConfiguration.class,
                        ProcessPoolAutoConfiguration.class,
                        ProcessPoolMetricsAutoConfiguration.class))
                .withClassLoader(new FilteredClassLoader(
                        "org.springframework.boot.actuate.health", "io.micrometer", "dev.trestle.micrometer"))
                .run(context -> assertThat(context)
                        .hasSingleBean(ProcessPool.class)
                        .doesNotHaveBean("processPoolHealthIndicator")
                        .doesNotHaveBean("processPoolMetrics"));
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAsync
    static class WithAsync {}

    static class Sender {
        @Async("processPool")
        void send() {}
    }

    @Async
    static class DefaultSender {
        void send() {}
    }

    static class ThreadSender {
        @Async("applicationTaskExecutor")
        void send() {}
    }

    @Test
    void asyncMethodIsRefusedWithTheCodeToWriteInstead() {
        runner.withUserConfiguration(WithAsync.class)
                .withBean(Sender.class)
                .run(context -> assertThat(context)
                        .getFailure()
                        .rootCause()
                        .isInstanceOf(AsyncOnProcessPoolException.class)
                        .hasMessage(
                                "The @Async method Sender.send would run on the process pool 'processPool', which is"
                                    + " impossible: Spring hands over the invocation of the method on its bean, with"
                                    + " the proxies around it, and that cannot travel to another JVM. Remove @Async,"
                                    + " inject the ProcessPool, and write pool.submit(() -> ...) in the method, with a"
                                    + " lambda that captures nothing but data; or name an executor of threads."));
    }

    @Test
    void soIsOneThatComesToAPoolByItsName() {
        new ApplicationContextRunner()
                .withConfiguration(AutoConfigurations.of(ProcessPoolAutoConfiguration.class))
                .withUserConfiguration(WithAsync.class)
                .withBean("taskExecutor", ProcessPool.class, () -> new ProcessPool(1))
                .withBean(DefaultSender.class)
                .run(context -> assertThat(context)
                        .getFailure()
                        .rootCause()
                        .isInstanceOf(AsyncOnProcessPoolException.class)
                        .hasMessageContaining("DefaultSender.send")
                        .hasMessageContaining("'taskExecutor'"));
    }

    @Test
    void asyncMethodsOnThreadsAreFine() {
        runner.withUserConfiguration(WithAsync.class)
                .withBean(ThreadSender.class)
                .withBean(DefaultSender.class)
                .run(context -> assertThat(context).hasNotFailed());
    }

    @Test
    void aThreadPoolIsTheExecutorOfTheApplicationIfItIsAskedFor() {
        runner.withPropertyValues("trestle.thread-pool.enabled=true", "trestle.thread-pool.name=tasks")
                .run(context -> {
                    var executor = context.getBean("applicationTaskExecutor", AsyncTaskExecutor.class);
                    assertThat(context).hasSingleBean(TaskExecutor.class);
                    var thread = executor.submit(Thread::currentThread).get();
                    assertThat(thread.isVirtual()).isTrue();
                    assertThat(thread.getName()).startsWith("tasks-thread-");
                    assertThat(context).hasBean("threadPoolMetrics");
                });
        runner.run(context -> assertThat(context).doesNotHaveBean("trestleThreadPool"));
    }
}
