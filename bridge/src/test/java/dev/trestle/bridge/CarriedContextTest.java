package dev.trestle.bridge;

import static dev.trestle.loop.Async.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.contract.Baggage;
import dev.trestle.loop.EventLoop;
import dev.trestle.threadpool.ThreadPool;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The context of a coroutine, on the other side of the bridge. */
@Timeout(30)
class CarriedContextTest {

    @AfterEach
    void carryNothing() {
        Baggage.clear();
    }

    private static String change(String user) {
        String before = Baggage.carried().toString();
        Baggage.put("user", user);
        return before;
    }

    @Test
    void callsOfToThreadAndOfExecutorsSeeWhatTheCoroutineCarries() {
        try (var pool = new ThreadPool(1)) {
            Baggage.put("user", "main");
            List<String> seen = EventLoop.run(() -> {
                String first = await(Bridge.toThread(() -> change("changed in the thread")));
                Baggage.put("user", "coroutine");
                return List.of(
                        first,
                        await(Bridge.toThread(() -> change("changed in the thread"))),
                        await(Bridge.runInExecutor(pool, () -> change("changed in the pool"))),
                        Baggage.carried().toString());
            });

            assertThat(seen).containsExactly("{user=main}", "{user=coroutine}", "{user=coroutine}", "{user=coroutine}");
        }
    }

    @Test
    void aCoroutineFromAnotherThreadSeesWhatThatThreadCarries() {
        Baggage.put("user", "of the thread that runs the loop");
        String seen = EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            var result = new CompletableFuture<String>();
            Thread.ofPlatform().start(() -> {
                Baggage.put("user", "another");
                Bridge.runCoroutineThreadsafe(() -> Baggage.carried().toString(), loop)
                        .addDoneCallback(done -> result.complete(done.result() + " " + Baggage.carried()));
            });
            return await(Bridge.wrapFuture(result));
        });

        assertThat(seen).isEqualTo("{user=another} {user=another}");
    }
}
