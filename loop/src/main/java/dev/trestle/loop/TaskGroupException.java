package dev.trestle.loop;

import java.util.List;

/** Thrown at the end of a {@link TaskGroup} in which something failed; keeps every failure. Python's ExceptionGroup. */
public final class TaskGroupException extends RuntimeException {

    private static final long serialVersionUID = 1;

    /** All failures: those of tasks in the order in which they failed, then that of the body. */
    private final transient List<Throwable> exceptions;

    TaskGroupException(List<Throwable> exceptions) {
        super(
                "In a task group " + exceptions.size() + (exceptions.size() == 1 ? " failure: " : " failures, first: ")
                        + SafeToString.of(exceptions.getFirst()),
                exceptions.getFirst());
        this.exceptions = List.copyOf(exceptions);
        this.exceptions.stream().skip(1).forEach(this::addSuppressed);
    }

    /**
     * Returns every failure. The first one is also the cause, the others are the suppressed exceptions.
     *
     * @return the failures of tasks in the order in which they failed, then that of the body
     */
    public List<Throwable> exceptions() {
        return exceptions;
    }
}
