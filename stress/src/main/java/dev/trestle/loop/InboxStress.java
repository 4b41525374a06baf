package dev.trestle.loop;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LL_Result;
import org.openjdk.jcstress.infra.results.ZI_Result;

/**
 * The races of a loop's inbox: nothing that was accepted is lost, doubled or overtaken. In the loop's package, to see
 * it.
 */
public final class InboxStress {

    private InboxStress() {}

    private static Handle item(String name) {
        return Handle.ofStep(new Named(name));
    }

    private record Named(String name) implements Runnable {
        @Override
        public void run() {}
    }

    private static String names(ReadyQueue queue) {
        var names = new StringBuilder();
        while (queue.size() > 0) {
            names.append(((Handle) queue.take()).callback() instanceof Named(var name) ? name : "?");
        }
        return names.toString();
    }

    /** Adding and closing: an item is refused, or the closing thread finds it. */
    @JCStressTest
    @Outcome(id = "true, 1", expect = ACCEPTABLE, desc = "Added first, and found")
    @Outcome(id = "false, 0", expect = ACCEPTABLE, desc = "Closed first, and refused")
    @Outcome(expect = FORBIDDEN)
    @State
    public static class AddAgainstClose {
        private final Inbox inbox = new Inbox();
        private final ReadyQueue queue = new ReadyQueue();

        @Actor
        public void add(ZI_Result r) {
            r.r1 = inbox.add(item("a"));
        }

        @Actor
        public void close(ZI_Result r) {
            inbox.close(queue);
            r.r2 = queue.size();
        }
    }

    /** Adding and emptying: what one thread adds comes out in its order, at once or with the next emptying. */
    @JCStressTest
    @Outcome(
            id = {", abc", "a, bc", "ab, c", "abc, "},
            expect = ACCEPTABLE,
            desc = "All, in order")
    @Outcome(expect = FORBIDDEN)
    @State
    public static class AddAgainstMove {
        private final Inbox inbox = new Inbox();

        @Actor
        public void add() {
            inbox.add(item("a"));
            inbox.add(item("b"));
            inbox.add(item("c"));
        }

        @Actor
        public void move(LL_Result r) {
            var queue = new ReadyQueue();
            inbox.moveTo(queue);
            r.r1 = names(queue);
        }

        @Arbiter
        public void moveTheRest(LL_Result r) {
            var queue = new ReadyQueue();
            inbox.moveTo(queue);
            r.r2 = names(queue);
        }
    }

    /** Two threads that add: neither takes the other's place. */
    @JCStressTest
    @Outcome(
            id = {"abxy, ", "axby, ", "axyb, ", "xyab, ", "xaby, ", "xayb, "},
            expect = ACCEPTABLE,
            desc = "All, each thread's in its order")
    @Outcome(expect = FORBIDDEN)
    @State
    public static class AddAgainstAdd {
        private final Inbox inbox = new Inbox();

        @Actor
        public void one() {
            inbox.add(item("a"));
            inbox.add(item("b"));
        }

        @Actor
        public void other() {
            inbox.add(item("x"));
            inbox.add(item("y"));
        }

        @Arbiter
        public void look(LL_Result r) {
            var queue = new ReadyQueue();
            inbox.moveTo(queue);
            r.r1 = names(queue);
            r.r2 = "";
        }
    }
}
