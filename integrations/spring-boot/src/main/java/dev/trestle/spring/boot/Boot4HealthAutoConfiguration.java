package dev.trestle.spring.boot;

import dev.trestle.processpool.ProcessPool;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;

/** The auto-configuration of the health indicator of the process pool, with the classes of Spring Boot 4. */
@AutoConfiguration(after = ProcessPoolAutoConfiguration.class)
@ConditionalOnClass({HealthIndicator.class, ConditionalOnEnabledHealthIndicator.class})
@ConditionalOnSingleCandidate(ProcessPool.class)
@ConditionalOnEnabledHealthIndicator("process-pool")
public final class Boot4HealthAutoConfiguration {

    /** Creates the configuration; for Spring. */
    public Boot4HealthAutoConfiguration() {}

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
