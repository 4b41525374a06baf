package dev.trestle.spring.boot;

import dev.trestle.micrometer.ProcessPoolMetrics;
import dev.trestle.processpool.ProcessPool;
import io.micrometer.core.instrument.binder.MeterBinder;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;

/** The auto-configuration of the metrics of the process pool, in programs that have {@code trestle-micrometer}. */
@AutoConfiguration(after = ProcessPoolAutoConfiguration.class)
@ConditionalOnClass({MeterBinder.class, ProcessPoolMetrics.class})
@ConditionalOnSingleCandidate(ProcessPool.class)
public final class ProcessPoolMetricsAutoConfiguration {

    /** Creates the configuration; for Spring. */
    public ProcessPoolMetricsAutoConfiguration() {}

    @Bean
    @ConditionalOnMissingBean
    ProcessPoolMetrics processPoolMetrics(ProcessPool processPool) {
        return new ProcessPoolMetrics(processPool);
    }
}
