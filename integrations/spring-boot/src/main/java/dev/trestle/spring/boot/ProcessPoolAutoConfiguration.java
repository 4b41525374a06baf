package dev.trestle.spring.boot;

import dev.trestle.processpool.ProcessPool;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.task.TaskExecutionAutoConfiguration;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Fallback;
import org.springframework.context.annotation.Role;
import org.springframework.scheduling.config.TaskManagementConfigUtils;

/**
 * The auto-configuration of a {@link ProcessPool}, unless the program has a bean of that type.
 *
 * <p>It comes after that of Spring Boot's executor, which would not be made if an executor were there already; and the
 * pool is a fallback, so that it is injected as a {@code ProcessPool}, and as an {@code Executor} only where there is
 * no other.
 */
@AutoConfiguration(after = TaskExecutionAutoConfiguration.class)
@ConditionalOnProperty(prefix = "trestle.process-pool", name = "enabled", matchIfMissing = true)
@EnableConfigurationProperties(ProcessPoolProperties.class)
public final class ProcessPoolAutoConfiguration {

    /** Creates the configuration; for Spring. */
    public ProcessPoolAutoConfiguration() {}

    @Configuration(proxyBeanMethods = false)
    @ConditionalOnMissingBean(ProcessPool.class)
    static final class PoolConfiguration {

        @Bean(destroyMethod = "") // the lifecycle ends it
        @Fallback
        ProcessPool processPool(ProcessPoolProperties properties, ObjectProvider<ProcessPoolCustomizer> customizers) {
            var builder = properties.builder();
            customizers.orderedStream().forEach(each -> each.customize(builder));
            return builder.build();
        }

        @Bean
        PoolLifecycle processPoolLifecycle(ProcessPool processPool) {
            return new PoolLifecycle(processPool);
        }
    }

    @Configuration(proxyBeanMethods = false)
    @ConditionalOnBean(name = TaskManagementConfigUtils.ASYNC_ANNOTATION_PROCESSOR_BEAN_NAME)
    static final class AsyncConfiguration {

        @Bean
        @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
        static AsyncMethodCheck processPoolAsyncMethodCheck(BeanFactory beans) {
            return AsyncMethodCheck.of(beans);
        }
    }
}
