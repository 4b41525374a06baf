package dev.trestle.integration;

import dev.trestle.processpool.ProcessPool;
import java.time.Duration;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

/** A service that computes in child JVMs. */
@SpringBootApplication
public class Application {

    /** Starts the service. */
    public static void main(String[] arguments) {
        SpringApplication.run(Application.class, arguments);
    }

    /**
     * Returns the pool. Spring closes it when the web server has finished its open requests, for which the server takes
     * as long as {@code spring.lifecycle.timeout-per-shutdown-phase} says, half a minute; so does the pool.
     */
    @Bean
    ProcessPool pool() {
        return ProcessPool.builder()
                .workers(2)
                .heap(64L << 20)
                .jvmArguments("-XX:TieredStopAtLevel=1")
                .callTimeout(Duration.ofMinutes(1))
                .forwardLogs(System.Logger.Level.INFO)
                .closeGrace(Duration.ofSeconds(30))
                .build();
    }
}
