package dev.trestle.spring.boot;

import dev.trestle.processpool.ProcessPool;
import org.springframework.boot.actuate.autoconfigure.health.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.actuate.health.Health;
import org.springframework.boot.actuate.health.HealthIndicator;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;

/** The auto-configuration of the health indicator of the process pool, with the classes of Spring Boot 3. */
@AutoConfiguration(after = ProcessPoolAutoConfiguration.class)
@ConditionalOnClass({HealthIndicator.class, ConditionalOnEnabledHealthIndicator.class})
@ConditionalOnSingleCandidate(ProcessPool.class)
@ConditionalOnEnabledHealthIndicator("process-pool")
public final class Boot3HealthAutoConfiguration {

    /** Creates the configuration; for Spring. */
    public Boot3HealthAutoConfiguration() {}

    @Bean
    @ConditionalOnMissingBean(name = {"processPoolHealthIndicator", "processPoolHealthContributor"})
    HealthIndicator processPoolHealthIndicator(ProcessPool processPool) {
        return () -> {
            PoolHealth health = PoolHealth.of(processPool);
            return new Health.Builder()
                    .status(health.state().name())
                    .withDetails(health.details())
                    .build();
        };
    }
}
