package dev.trestle.loop;

import static java.util.Objects.requireNonNull;

import dev.trestle.api.DoneAndPending;
import dev.trestle.api.ReturnWhen;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What {@code waitUntil} does. */
final class Waiting {

    private Waiting() {}

    static <F extends LoopFuture<?>> DoneAndPending<F> until(
            ReturnWhen when, Collection<? extends F> futures, @Nullable Duration timeout) {
        requireNonNull(when, "when");
        EventLoop loop = EventLoop.getRunningLoop();
        Set<F> distinct = new LinkedHashSet<>(futures);
        if (distinct.isEmpty()) {
            throw new IllegalArgumentException("waitUntil needs at least one future");
        }
        distinct.forEach(loop::checkMine);
        if (!holds(when, distinct)) {
            LoopFuture<@Nullable Void> enough = loop.createFuture();
            Consumer<LoopFuture<?>> look = _ -> {
                if (!enough.isDone() && holds(when, distinct)) {
                    enough.setResult(null);
                }
            };
            Handle timer = timeout == null
                    ? null
                    : loop.callLater(timeout, () -> {
                        if (!enough.isDone()) {
                            enough.setResult(null);
                        }
                    });
            distinct.forEach(future -> future.addDoneCallback(look));
            try {
                Async.await(enough);
            } finally {
                if (timer != null) {
                    timer.cancel();
                }
                distinct.forEach(future -> future.removeDoneCallback(look));
            }
        }
        Set<F> done = new LinkedHashSet<>();
        Set<F> pending = new LinkedHashSet<>();
        distinct.forEach(future -> (future.isDone() ? done : pending).add(future));
        return new DoneAndPending<>(done, pending);
    }

    private static boolean holds(ReturnWhen when, Set<? extends LoopFuture<?>> futures) {
        return futures.stream().allMatch(LoopFuture::isDone)
                || switch (when) {
                    case FIRST_COMPLETED -> futures.stream().anyMatch(LoopFuture::isDone);
                    case FIRST_EXCEPTION -> futures.stream().anyMatch(f -> f.isFailed() && !f.isCancelled());
                    case ALL_COMPLETED -> false;
                };
    }
}
