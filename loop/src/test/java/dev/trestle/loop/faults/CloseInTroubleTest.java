package dev.trestle.loop.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An error at any site of the close of a loop leaves no task without an end. */
@Timeout(60)
class CloseInTroubleTest {

    @AfterEach
    void disarm() {
        Faults.disarm();
    }

    @Test
    void allTasksEndWhateverStepOfCloseFails() throws Exception {
        Class<?> program = new FaultLoader(getClass().getClassLoader(), CloseInTrouble.class)
                .loadClass(CloseInTrouble.class.getName());
        assertThat(begun(program).call()).isEmpty(); // loads and initializes
        Callable<String> undisturbed = begun(program);
        Faults.beginCounting();
        assertThat(undisturbed.call()).isEmpty();
        int[] visits = Faults.endCounting();
        List<String> failures = new ArrayList<>();
        int met = 0;
        for (int site = 0; site < visits.length; site++) {
            String name = Faults.site(site);
            for (int visit = 1; visit <= Math.min(2, visits[site]) && isOfClose(name); visit++) {
                Callable<String> close = begun(program);
                Faults.arm(site, visit, Faults.Kind.DEATH);
                String left = close.call();
                met += Faults.disarm();
                if (!left.isEmpty()) {
                    failures.add("visit " + visit + " of " + name + ": " + left);
                }
            }
        }
        assertThat(failures).isEmpty();
        assertThat(met).isGreaterThan(50);
    }

    private static boolean isOfClose(String site) {
        return List.of("LoopCloser", "LoopShutdown", "BoundedSteps").stream().anyMatch(site::startsWith);
    }

    /** Returns a program whose tasks have begun, and that is still to close its loop. */
    @SuppressWarnings("unchecked")
    private static Callable<String> begun(Class<?> program) throws Exception {
        Object made = program.getDeclaredConstructor().newInstance();
        ((Runnable) made).run();
        return (Callable<String>) made;
    }
}
