package dev.trestle.examples;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.Task;
import dev.trestle.loop.TaskFactory;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** Eager tasks: a value in the cache is there at once, and only a missing one goes through the loop. */
final class EagerCache {

    private EagerCache() {}

    static void main(String[] args) {
        EventLoop.run(() -> {
            EventLoop.getRunningLoop().setTaskFactory(TaskFactory.eager());
            Map<String, Integer> cache = new HashMap<>(Map.of("known", 1));
            Task<Integer> known = createTask(() -> find(cache, "known"));
            Task<Integer> unknown = createTask(() -> find(cache, "unknown"));
            IO.println("known is there at once: " + known.isDone());
            IO.println("unknown is there at once: " + unknown.isDone());
            IO.println("together: " + (await(known) + await(unknown)));
        });
    }

    private static int find(Map<String, Integer> cache, String key) {
        Integer cached = cache.get(key);
        if (cached != null) {
            return cached;
        }
        sleep(Duration.ofSeconds(1));
        cache.put(key, 2);
        return 2;
    }
}
