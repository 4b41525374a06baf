package dev.trestle.loop.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An error at any site of a queue, a condition or a group changes nothing, or leaves the change whole. */
@Timeout(30)
class WholeOrNothingTest {

    /** The number of errors that were thrown. */
    private int met;

    @AfterEach
    void disarm() {
        Faults.disarm();
    }

    /**
     * {@code tryGet} and {@code shutdownNow} that throw keep their items; {@code LoopCondition.await} that throws has
     * its lock.
     */
    @Test
    void queueKeepsItsItemsAndAwaitKeepsItsLock() throws Exception {
        assertThat(failures(
                        WholeOrNothing.class,
                        List.of("LoopQueue", "QueueItems", "LoopCondition", "LoopLock", "LoopEvent", "Waiters")))
                .isEmpty();
        assertThat(met).isGreaterThan(50);
    }

    /** A group and a time limit cancel each task once, and note each failure once, though a step is repeated. */
    @Test
    void cancelledTasksEndTogetherAfterARepeatedStep() throws Exception {
        assertThat(failures(
                        EndTogether.class,
                        List.of("TaskGroup", "CancelTraversal", "CompositeFuture", "GatherFuture", "Timeout", "Task:")))
                .isEmpty();
        assertThat(met).isGreaterThan(100);
    }

    /** Runs a program once for each visit of each site of some types, with an error there; returns what was halfway. */
    private List<String> failures(Class<?> program, List<String> types) throws Exception {
        Class<?> loaded = new FaultLoader(getClass().getClassLoader(), program).loadClass(program.getName());
        assertThat(run(loaded)).isEmpty(); // loads and initializes
        Faults.beginCounting();
        assertThat(run(loaded)).isEmpty();
        int[] visits = Faults.endCounting();
        List<String> failures = new ArrayList<>();
        met = 0;
        for (int site = 0; site < visits.length; site++) {
            String name = Faults.site(site);
            boolean chosen = types.stream().anyMatch(name::startsWith);
            for (int visit = 1; visit <= visits[site] && chosen; visit++) {
                Faults.arm(site, visit, Faults.Kind.OUT_OF_MEMORY);
                String left = run(loaded);
                met += Faults.disarm();
                if (!left.isEmpty()) {
                    failures.add("visit " + visit + " of " + name + ": " + left);
                }
            }
        }
        return failures;
    }

    @SuppressWarnings("unchecked")
    private static String run(Class<?> program) throws Exception {
        return ((Callable<String>) program.getDeclaredConstructor().newInstance()).call();
    }
}
