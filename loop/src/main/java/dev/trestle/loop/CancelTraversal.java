package dev.trestle.loop;

import java.util.ArrayDeque;
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
        boolean any;

        Step(GatherFuture<?, ?> gathering, @Nullable Task<?> awaiter) {
            this.gathering = gathering;
            this.awaiter = awaiter;
            this.parts = gathering.parts().iterator();
        }
    }

    private final @Nullable String message;
    private final ArrayDeque<Step> steps = new ArrayDeque<>();

    private CancelTraversal(@Nullable String message) {
        this.message = message;
    }

    /** Cancels a task or a gathering; returns whether there was something to cancel. */
    static boolean cancel(LoopFuture<?> future, @Nullable String message) {
        future.loop().checkHere("cancel");
        return new CancelTraversal(message).run(future);
    }

    private boolean run(LoopFuture<?> first) {
        boolean any = begin(first);
        while (!steps.isEmpty()) {
            Step step = steps.getFirst();
            if (step.parts.hasNext()) {
                step.any |= begin(step.parts.next());
                continue;
            }
            steps.removeFirst();
            step.gathering.endCancelling(step.any, message);
            if (step.awaiter != null) {
                if (!step.any) {
                    step.awaiter.throwLater(message);
                }
            } else if (steps.isEmpty()) {
                any = step.any;
            } else {
                steps.getFirst().any |= step.any;
            }
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
        gathering.beginCancelling();
        steps.addFirst(new Step(gathering, awaiter));
    }
}
