package dev.trestle.spring.boot;

import dev.trestle.micrometer.ThreadPoolMetrics;
import dev.trestle.threadpool.ThreadPool;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.concurrent.Executor;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.task.TaskExecutionAutoConfiguration;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.task.AsyncTaskExecutor;
import org.springframework.core.task.support.TaskExecutorAdapter;

/**
 * The auto-configuration of a {@link ThreadPool} as the executor of the application, if
 * {@code trestle.thread-pool.enabled} is set: for {@code @Async} methods, asynchronous requests, and whatever else uses
 * the bean {@code applicationTaskExecutor}, which Spring Boot does not make then.
 */
@AutoConfiguration(before = TaskExecutionAutoConfiguration.class)
@ConditionalOnProperty(prefix = "trestle.thread-pool", name = "enabled")
@ConditionalOnMissingBean(Executor.class)
@EnableConfigurationProperties(ThreadPoolProperties.class)
public final class ThreadPoolAutoConfiguration {

    /** Creates the configuration; for Spring. */
    public ThreadPoolAutoConfiguration() {}

    @Bean(destroyMethod = "", defaultCandidate = false) // the lifecycle ends it; others inject the executor below
    ThreadPool trestleThreadPool(ThreadPoolProperties properties) {
        return properties.build();
    }

    @Bean
    PoolLifecycle threadPoolLifecycle(@Qualifier("trestleThreadPool") ThreadPool pool) {
        return new PoolLifecycle(pool);
    }

    @Bean(name = {"applicationTaskExecutor", "taskExecutor"})
    AsyncTaskExecutor applicationTaskExecutor(@Qualifier("trestleThreadPool") ThreadPool pool) {
        return new TaskExecutorAdapter(pool);
    }

    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass({MeterBinder.class, ThreadPoolMetrics.class})
    static final class MetricsConfiguration {

        @Bean
        ThreadPoolMetrics threadPoolMetrics(@Qualifier("trestleThreadPool") ThreadPool pool) {
            return new ThreadPoolMetrics(pool);
        }
    }
}
