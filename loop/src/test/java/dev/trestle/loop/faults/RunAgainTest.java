package dev.trestle.loop.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An error at any site of the start and the end of a run leaves a loop that can be run again. */
@Timeout(30)
class RunAgainTest {

    private final List<String> failures = new ArrayList<>();
    private Class<?> program = RunAgain.class;
    private int met;

    @AfterEach
    void disarm() {
        Faults.disarm();
    }

    @Test
    void loopRunsAgainWhateverStepOfARunHasFailed() throws Exception {
        int[] sites = sites();

        for (int site : sites) {
            Faults.arm(site, 1, Faults.Kind.DEATH);
            runWithErrors(Faults.site(site));
        }

        assertThat(failures).isEmpty();
        assertThat(met).isGreaterThan(10);
    }

    /** The first error strikes before the driver has begun, so that it is replaced; the second one in that. */
    @Test
    void loopRunsAgainAfterAFailedReplacementOfItsDriver() throws Exception {
        int[] sites = sites();
        int drive = IntStream.of(sites)
                .filter(site -> Faults.site(site).contains("LoopRun.drive"))
                .findFirst()
                .orElseThrow();

        for (int site = 0; site < Faults.siteCount(); site++) { // a replacement is no part of a run without errors
            String name = Faults.site(site);
            if (name.startsWith("LoopRun") || name.startsWith("HandOver$Jdk: ")) {
                Faults.arm(drive, 1, Faults.Kind.DEATH, site);
                runWithErrors("after a driver: " + name);
            }
        }

        assertThat(failures).isEmpty();
        assertThat(met).isGreaterThan(sites.length + 10);
    }

    @Test
    void loopRunsAgainAfterManyErrors() throws Exception {
        sites();

        for (int seed = 0; seed < 200; seed++) {
            Faults.arm(new Random(seed), 30);
            runWithErrors("seed " + seed);
        }

        assertThat(failures).isEmpty();
        assertThat(met).isGreaterThan(200);
    }

    /** Loads the program, and returns the sites of a run without errors. */
    private int[] sites() throws Exception {
        program = new FaultLoader(getClass().getClassLoader(), RunAgain.class).loadClass(RunAgain.class.getName());
        assertThat(run(program)).isEmpty(); // loads and initializes
        Faults.beginCounting();
        assertThat(run(program)).isEmpty();
        int[] visits = Faults.endCounting();
        return IntStream.range(0, visits.length)
                .filter(site -> visits[site] > 0 && Faults.site(site).startsWith("LoopRun"))
                .toArray();
    }

    private void runWithErrors(String which) throws Exception {
        String left = run(program);
        met += Faults.disarm();
        if (!left.isEmpty()) {
            failures.add(which + ": " + left);
        }
    }

    @SuppressWarnings("unchecked")
    private static String run(Class<?> program) throws Exception {
        return ((Callable<String>) program.getDeclaredConstructor().newInstance()).call();
    }
}
