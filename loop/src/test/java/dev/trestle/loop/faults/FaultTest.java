package dev.trestle.loop.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.loop.ChildJvm;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Whatever call or allocation of the loop's own code fails, with whatever error: every future ends, and {@code close}
 * returns. A few of the sites in each build; all of the sites and 500 runs with many errors at random with
 * {@code -Dstorm=full}; CONTRIBUTING.md has the command. In a JVM of its own: a loop that stands still would be one for
 * good.
 */
@Timeout(3_600)
class FaultTest {

    private static final boolean FULL = "full".equals(System.getProperty("storm"));
    private static final long SEED = Long.getLong("seed", FULL ? System.nanoTime() : 1);

    @Test
    void everyFutureEndsWhateverCallOfTheLoopsOwnCodeFails() throws Exception {
        List<String> lines = FULL
                ? ChildJvm.run(FaultProgram.class, 3_000, List.of("-Xmx512m"), String.valueOf(SEED), "0", "500")
                : ChildJvm.run(FaultProgram.class, 60, List.of("-Xmx256m"), String.valueOf(SEED), "10", "0");

        System.out.println(lines.getLast());
        assertThat(lines.stream().filter(line -> line.startsWith("FAILED"))).isEmpty();
        assertThat(lines.getLast()).startsWith("seed " + SEED + ": ").endsWith(" 0 failed");
    }
}
