package dev.trestle.spring.boot;

import dev.trestle.processpool.ProcessPool;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The health of a process pool, in words that the classes of Spring Boot 3 and 4 share.
 *
 * @param state whether calls can run
 * @param details the numbers, and the reason if calls cannot run
 */
record PoolHealth(State state, Map<String, Object> details) {

    enum State {
        /** Workers live, or can be started. */
        UP,
        /** The pool is broken: no worker can be started. */
        DOWN,
        /** The pool has been shut down. */
        OUT_OF_SERVICE
    }

    static PoolHealth of(ProcessPool pool) {
        ProcessPool.Statistics statistics = pool.statistics();
        var details = new LinkedHashMap<String, Object>();
        details.put("pool", pool.name());
        details.put("size", statistics.size());
        details.put("alive", statistics.alive());
        details.put("starting", statistics.starting());
        details.put("busy", statistics.busy());
        details.put("queued", statistics.queued());
        details.put("workersDied", statistics.workersDied());
        details.put("startsFailed", statistics.startsFailed());
        if (pool.isBroken()) {
            details.put(
                    "reason",
                    "The pool is broken: no worker could start for a while. The log and the exceptions of its calls"
                            + " say why. Restart the program when that is repaired.");
            return new PoolHealth(State.DOWN, details);
        }
        if (pool.isShutdown()) {
            details.put("reason", "The pool has been shut down.");
            return new PoolHealth(State.OUT_OF_SERVICE, details);
        }
        return new PoolHealth(State.UP, details);
    }
}
