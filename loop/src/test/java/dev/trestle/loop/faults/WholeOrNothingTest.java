package dev.trestle.loop.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An error at any site of a queue or a condition changes nothing, or leaves the change whole. */
@Timeout(30)
class WholeOrNothingTest {

    @AfterEach
    void disarm() {
        Faults.disarm();
    }

    /** {@code tryGet} that throws keeps its item; {@code LoopCondition.await} that throws has its lock. */
    @Test
    void queueKeepsItsItemAndAwaitKeepsItsLock() throws Exception {
        Class<?> program = new FaultLoader(getClass().getClassLoader(), WholeOrNothing.class)
                .loadClass(WholeOrNothing.class.getName());
        assertThat(run(program)).isEmpty(); // loads and initializes
        Faults.beginCounting();
        assertThat(run(program)).isEmpty();
        int[] visits = Faults.endCounting();
        List<String> failures = new ArrayList<>();
        int met = 0;
        for (int site = 0; site < visits.length; site++) {
            for (int visit = 1; visit <= visits[site] && isOfQueueOrCondition(site); visit++) {
                Faults.arm(site, visit, Faults.Kind.OUT_OF_MEMORY);
                String left = run(program);
                met += Faults.disarm();
                if (!left.isEmpty()) {
                    failures.add("visit " + visit + " of " + Faults.site(site) + ": " + left);
                }
            }
        }
        assertThat(failures).isEmpty();
        assertThat(met).isGreaterThan(50);
    }

    private static boolean isOfQueueOrCondition(int site) {
        return List.of("LoopQueue", "QueueItems", "LoopCondition", "LoopLock", "Waiters").stream()
                .anyMatch(type -> Faults.site(site).startsWith(type));
    }

    @SuppressWarnings("unchecked")
    private static String run(Class<?> program) throws Exception {
        return ((Callable<String>) program.getDeclaredConstructor().newInstance()).call();
    }
}
