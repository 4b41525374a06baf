package dev.trestle.loop.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An error at any site of the start and the end of a run leaves a loop that can be run again. */
@Timeout(30)
class RunAgainTest {

    @AfterEach
    void disarm() {
        Faults.disarm();
    }

    @Test
    void loopRunsAgainWhateverStepOfARunHasFailed() throws Exception {
        Class<?> program =
                new FaultLoader(getClass().getClassLoader(), RunAgain.class).loadClass(RunAgain.class.getName());
        assertThat(run(program)).isEmpty(); // loads and initializes
        Faults.beginCounting();
        assertThat(run(program)).isEmpty();
        int[] visits = Faults.endCounting();
        List<String> failures = new ArrayList<>();
        int met = 0;
        for (int site = 0; site < visits.length; site++) {
            if (visits[site] > 0 && Faults.site(site).startsWith("LoopRun")) {
                Faults.arm(site, 1, Faults.Kind.DEATH);
                String left = run(program);
                met += Faults.disarm();
                if (!left.isEmpty()) {
                    failures.add(Faults.site(site) + ": " + left);
                }
            }
        }
        assertThat(failures).isEmpty();
        assertThat(met).isGreaterThan(10);
    }

    /** A second error strikes where the first one is dealt with. */
    @Test
    void loopRunsAgainAfterManyErrors() throws Exception {
        Class<?> program =
                new FaultLoader(getClass().getClassLoader(), RunAgain.class).loadClass(RunAgain.class.getName());
        assertThat(run(program)).isEmpty(); // loads and initializes
        int met = 0;
        for (int seed = 0; seed < 200; seed++) {
            Faults.arm(new Random(seed), 30);
            assertThat(run(program)).as("seed %d", seed).isEmpty();
            met += Faults.disarm();
        }
        assertThat(met).isGreaterThan(200);
    }

    @SuppressWarnings("unchecked")
    private static String run(Class<?> program) throws Exception {
        return ((Callable<String>) program.getDeclaredConstructor().newInstance()).call();
    }
}
