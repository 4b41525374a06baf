package dev.trestle.loop;

import java.util.List;
import java.util.Optional;

/** Where the tasks of one kind are created. What is of one kind has coroutines of one class. */
final class CreationSite {

    /*
     * To look at the stack takes longer than to create a task does, so it is looked at once a kind. A lambda expression has a
     * class of its own. So if the first task of that class was created from the class in which the expression stands, it was
     * created there as a rule, and so are all others. A named class is used anywhere; then it is said that this was the
     * first of its kind only.
     *
     * It is kept with the class, and goes when that is unloaded. It refers to no class itself: neither a task that is kept nor the
     * class of its coroutine keeps the class that created it.
     */

    private static final ClassValue<CreationSite> origins = new ClassValue<>() {
        @Override
        protected CreationSite computeValue(Class<?> kind) {
            return new CreationSite(kind);
        }
    };

    private final List<StackTraceElement> frames;

    private final boolean exact;

    /** What follows the name of a task. */
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

    /** Returns where tasks with this coroutine are created; called where the first of them is. */
    static CreationSite of(Coroutine<?> coroutine) {
        return origins.get(coroutine instanceof ActionCoroutine(var action) ? action.getClass() : coroutine.getClass());
    }

    /** Returns the place, or nothing if nobody can be seen who creates them. */
    List<StackTraceElement> frames() {
        return frames;
    }

    /** Returns whether this is the place of each of these tasks, and not just of the first. */
    boolean isExact() {
        return exact;
    }

    @Override
    public String toString() {
        return text;
    }
}
