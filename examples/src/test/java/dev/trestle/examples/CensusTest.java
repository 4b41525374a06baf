package dev.trestle.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.api.Call;
import dev.trestle.api.FutureExecutor;
import dev.trestle.loop.EventLoop;
import dev.trestle.processpool.ProcessPool;
import dev.trestle.threadpool.ThreadPool;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The losses of a census when its workers die. */
@Timeout(60)
class CensusTest {

    @TempDir
    Path directory;

    @Test
    void killedWorkerCostsARetryAndNoClass() throws IOException {
        int copies = 20; // several batches, so that one is in the hands of the worker when it is killed
        long classes = 0;
        for (int i = 0; i < copies; i++) {
            classes += Specimens.copyTo(directory.resolve("copy" + i)).size();
        }

        try (var readers = new ThreadPool(1);
                var parsers = new ProcessPool(1)) {
            var census = new Census(readers, parsers, new KillAtFirstResult(parsers));
            EventLoop.run(() -> census.take(List.of(directory)));

            assertThat(parsers.statistics().workersDied()).isEqualTo(1);
            assertThat(parsers.statistics().lost() + parsers.statistics().rerun())
                    .isPositive();
            assertThat(census.counts().classes()).isEqualTo(classes);
            assertThat(census.counts().unreadable()).isEmpty();
            assertThat(census)
                    .hasToString("Census[180 of 180 class files, readers=" + readers + ", parsers=" + parsers + "]");
        }
    }

    @Test
    void batchThatKillsEveryWorkerIsGivenUp() throws IOException {
        List<Path> deadly = Specimens.copyTo(directory);

        try (var readers = new ThreadPool(1);
                var pool = new ProcessPool(1)) {
            var census = new Census(readers, deadly(pool), new Silent());
            EventLoop.run(() -> census.take(List.of(directory)));

            assertThat(census.counts().unreadable())
                    .hasSameSizeAs(deadly)
                    .extracting(Unreadable::reason)
                    .containsOnly("the worker that parsed its batch died, 3 times running");
            assertThat(census.counts().classes()).isZero();
            assertThat(pool.statistics().lost()).isEqualTo(3);
        }
    }

    /** A pool whose workers end with each call, before it has a result. */
    private static FutureExecutor deadly(ProcessPool pool) {
        return (FutureExecutor) Proxy.newProxyInstance(
                CensusTest.class.getClassLoader(),
                new Class<?>[] {FutureExecutor.class},
                (_, method, arguments) -> arguments != null && arguments[0] instanceof Call<?>
                        ? pool.submit(CensusTest::endTheWorker)
                        : method.invoke(pool, arguments));
    }

    static Counts endTheWorker() {
        Runtime.getRuntime().halt(9);
        return Counts.NONE;
    }

    static class Silent implements Progress {
        @Override
        public void begin(long total) {}

        @Override
        public void advance(long done) {}

        @Override
        public void end() {}
    }

    static final class KillAtFirstResult extends Silent {
        private final ProcessPool pool;
        private boolean killed;

        KillAtFirstResult(ProcessPool pool) {
            this.pool = pool;
        }

        @Override
        public void advance(long done) {
            if (done > 0 && !killed) {
                long pid = pool.workerPids().getFirst();
                killed = ProcessHandle.of(pid).orElseThrow().destroyForcibly();
            }
        }
    }
}
