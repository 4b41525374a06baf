package dev.trestle.libraries;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.task.FailureHandler;
import com.github.kagkarlsson.scheduler.task.helper.OneTimeTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import dev.trestle.processpool.ProcessPool;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** db-scheduler, whose tasks outlive the program, with a process pool that does their work. */
@Timeout(60)
class DbSchedulerTest {

    @TempDir
    Path folder = Path.of("");

    @AutoClose
    private final ProcessPool pool = new ProcessPool(2);

    private final BlockingQueue<Integer> answers = new LinkedBlockingQueue<>();
    private DataSource dataSource;

    @BeforeEach
    void makeTable() throws Exception {
        var made = new JdbcDataSource();
        made.setURL("jdbc:h2:" + folder.resolve("tasks"));
        try (var connection = made.getConnection();
                var statement = connection.createStatement()) {
            statement.execute("""
                create table scheduled_tasks (
                    task_name varchar(100), task_instance varchar(100), task_data blob,
                    execution_time timestamp with time zone, picked boolean, picked_by varchar(50),
                    last_success timestamp with time zone, last_failure timestamp with time zone,
                    consecutive_failures int, last_heartbeat timestamp with time zone, version bigint,
                    priority smallint, primary key (task_name, task_instance))\
                """);
        }
        dataSource = made;
    }

    @Test
    void aTaskWhoseWorkerDiesIsExecutedAgain() throws Exception {
        String marker = folder.resolve("seen").toString();
        // region db-scheduler
        OneTimeTask<String> task = Tasks.oneTime("fragile", String.class)
                .onFailure(new FailureHandler.ExponentialBackoffFailureHandler<>(Duration.ofSeconds(1)))
                .execute((instance, _) -> {
                    String file = instance.getData();
                    answers.add(pool.submit(() -> Resilience4jTest.Fragile.work(file))
                            .result());
                });
        Scheduler scheduler = Scheduler.create(dataSource, task)
                .threads(pool.parallelism())
                .pollingInterval(Duration.ofSeconds(1))
                .build();
        scheduler.start();
        scheduler.schedule(task.instance("first", marker), Instant.now());
        // endregion
        try {
            assertThat(answers.poll(50, TimeUnit.SECONDS)).isEqualTo(42);
        } finally {
            scheduler.stop();
        }
    }
}
