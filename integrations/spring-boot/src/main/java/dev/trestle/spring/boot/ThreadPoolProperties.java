package dev.trestle.spring.boot;

import dev.trestle.threadpool.ThreadPool;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The properties of the thread pool that may be the executor of the application.
 *
 * @param enabled Whether a thread pool of Trestle is the executor of the application, instead of Spring Boot's own.
 * @param name Name of the pool, in metrics and the names of its threads.
 * @param size Largest number of threads, and so of tasks that run at once.
 * @param virtual Whether the threads are virtual.
 * @param queueLimit Number of tasks that may wait; a caller that submits one more waits too. Without limit by default.
 */
@ConfigurationProperties("trestle.thread-pool")
public record ThreadPoolProperties(
        @DefaultValue("false") boolean enabled,
        @DefaultValue("task") String name,
        @DefaultValue("256") int size,
        @DefaultValue("true") boolean virtual,
        @Nullable Integer queueLimit) {

    ThreadPool build() {
        var builder = ThreadPool.builder().namePrefix(name).size(size);
        if (virtual) {
            builder.virtual();
        }
        if (queueLimit != null) {
            builder.queueLimit(queueLimit);
        }
        return builder.build();
    }
}
