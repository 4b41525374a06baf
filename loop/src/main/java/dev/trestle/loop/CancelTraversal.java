package dev.trestle.loop;

import dev.trestle.api.StackRoom;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * One call of {@code cancel}, on its way down through tasks that await gatherings of gatherings or of tasks. The
 * traversal keeps its own stack, since gatherings may be nested as deep as the heap is large.
 */
final class CancelTraversal {

    /** A gathering that is cancelling its parts. */
    private static final class Step {
        final GatherFuture<?, ?> gathering;

        /** The cancelled task that awaits the gathering; null if the traversal reached the gathering in another way. */
        final @Nullable Task<?> awaiter;

        final Iterator<? extends LoopFuture<?>> parts;
        final @Nullable Step outer;
        boolean any;

        Step(GatherFuture<?, ?> gathering, @Nullable Task<?> awaiter, @Nullable Step outer) {
            this.gathering = gathering;
            this.awaiter = awaiter;
            this.parts = gathering.parts().iterator();
            this.outer = outer;
        }
    }

    private final @Nullable String message;

    /** The innermost gathering that is cancelling its parts. */
    private @Nullable Step innermost;

    private CancelTraversal(@Nullable String message) {
        this.message = message;
    }

    /**
     * Cancels a task or a gathering; returns whether there was something to cancel. If this throws, no request of the
     * task counts, and the caller may try again; parts of gatherings may have been cancelled.
     */
    static boolean cancel(LoopFuture<?> future, @Nullable String message) {
        future.loop().checkHere("cancel");
        StackRoom.require();
        var traversal = new CancelTraversal(message);
        int before = future instanceof Task<?> task ? task.cancelling() : 0;
        try {
            return traversal.run(future);
        } catch (Throwable e) {
            for (Step step = traversal.innermost; step != null; step = step.outer) {
                step.gathering.cancelling = false; // calls nothing: a gathering left so could not be cancelled again
            }
            if (future instanceof Task<?> task && task.cancelling() > before) {
                task.takeRequestBack();
            }
            throw e;
        }
    }

    private boolean run(LoopFuture<?> first) {
        boolean any = begin(first);
        while (innermost != null) {
            Step step = innermost;
            if (step.parts.hasNext()) {
                step.any |= begin(step.parts.next());
                continue;
            }
            step.gathering.endCancelling(step.any, message);
            if (step.awaiter != null) {
                if (!step.any) {
                    step.awaiter.throwLater(message);
                }
            } else if (step.outer == null) {
                any = step.any;
            } else {
                step.outer.any |= step.any;
            }
            innermost = step.outer;
        }
        return any;
    }

    /** Cancels a future. Returns whether it could be; if it is a gathering, that is known when its step is over. */
    private boolean begin(LoopFuture<?> future) {
        return switch (future) {
            case Task<?> task -> {
                if (task.isDone()) {
                    yield false;
                }
                Task<?> last = task.cancelDownToGathering(message);
                if (last != null && last.awaited() instanceof GatherFuture<?, ?> gathering) {
                    enter(gathering, last);
                }
                yield true;
            }
            case GatherFuture<?, ?> gathering -> {
                if (!gathering.isDone() && !gathering.isCancelling()) {
                    enter(gathering, null);
                }
                yield false;
            }
            default -> future.cancel(message);
        };
    }

    private void enter(GatherFuture<?, ?> gathering, @Nullable Task<?> awaiter) {
        innermost = new Step(gathering, awaiter, innermost);
        gathering.cancelling = true;
    }
}
