package dev.trestle.loop;

import java.util.List;
import java.util.Optional;

/** The place where the tasks of one kind are created. Tasks are of one kind if their coroutines are of one class. */
final class CreationSite {

    /*
     * Taking a stack trace costs more than creating a task, so it is taken once for each kind. A lambda expression has
     * a class of its own. So if the first task of that class was created from the class in which the expression stands,
     * it was created there as a rule, and so are all others. A named class is used anywhere; then the text says that
     * this was only the first of its kind.
     *
     * The site is kept with the coroutine's class, and is unloaded with it. The site refers to no class: neither a task
     * that is kept nor the class of its coroutine keeps the class that created the task.
     */

    private static final ClassValue<CreationSite> origins = new ClassValue<>() {
        @Override
        protected CreationSite computeValue(Class<?> kind) {
            return new CreationSite(kind);
        }
    };

    private final List<StackTraceElement> frames;

    private final boolean exact;

    /** The text that follows the name of a task. */
    private final String text;

    private CreationSite(Class<?> kind) {
        Class<?> host = kind.getNestHost();
        List<StackWalker.StackFrame> creators = Stacks.creators();
        Optional<StackWalker.StackFrame> inHost = creators.stream()
                .filter(frame -> frame.getDeclaringClass().getNestHost() == host)
                .findFirst();
        boolean expression = kind.isHidden() || kind.isAnonymousClass();
        this.exact = expression && inHost.isPresent();
        this.frames = (exact ? inHost : creators.stream().findFirst())
                .map(StackWalker.StackFrame::toStackTraceElement).stream().toList();
        this.text = exact
                ? " (created at " + frames.getFirst() + ")"
                : " (" + inWords(kind)
                        + (frames.isEmpty() ? "" : "; the first of its kind was created at " + frames.getFirst()) + ")";
    }

    private static String inWords(Class<?> kind) {
        String name = kind.getName();
        int lambda = name.indexOf("$$Lambda");
        return lambda < 0 ? name : "a lambda of " + name.substring(0, lambda);
    }

    /** Returns the site of the tasks with coroutines of this class; called where the first such task is created. */
    static CreationSite of(Coroutine<?> coroutine) {
        return origins.get(coroutine instanceof ActionCoroutine(var action) ? action.getClass() : coroutine.getClass());
    }

    /** Returns the place, or an empty list if the stack shows no code of the program. */
    List<StackTraceElement> frames() {
        return frames;
    }

    /** Returns whether all of these tasks are created here, and not just the first. */
    boolean isExact() {
        return exact;
    }

    @Override
    public String toString() {
        return text;
    }
}
