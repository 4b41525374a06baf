package dev.trestle.libraries;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.trestle.processpool.ProcessPool;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Vert.x with a process pool. */
@Timeout(60)
class VertxTest {

    private final Vertx vertx = Vertx.vertx();

    @AutoClose
    private final ProcessPool pool = new ProcessPool(1);

    @AfterEach
    void closeVertx() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void callsOfAProcessPoolAreFutures() throws Exception {
        // region vertx
        Context context = vertx.getOrCreateContext();
        Future<Integer> count = Future.fromCompletionStage(
                pool.supplyAsync(() -> Primes.below(1000)).orTimeout(1, TimeUnit.MINUTES), context);
        // endregion

        Future<String> text = count.map(n -> n + " primes, on a context: " + (Vertx.currentContext() == context));
        assertThat(text.toCompletionStage().toCompletableFuture().get(30, TimeUnit.SECONDS))
                .isEqualTo("168 primes, on a context: true");
    }

    @Test
    void timeLimitOfTheCallCancelsIt() {
        Future<?> endless = Future.fromCompletionStage(
                pool.supplyAsync(() -> Primes.forEver()).orTimeout(100, TimeUnit.MILLISECONDS));

        assertThatThrownBy(
                        () -> endless.toCompletionStage().toCompletableFuture().get(30, TimeUnit.SECONDS))
                .hasCauseInstanceOf(TimeoutException.class);
        await().until(() -> pool.statistics().cancelled() == 1);
    }
}
