package dev.trestle.processpool;

import static dev.trestle.processpool.FailureTable.Where.RUNNING;
import static dev.trestle.processpool.Mishap.*;

import dev.trestle.processpool.FailureTable.Row;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;

/** The rows of {@link FailureTable} in a sandbox: a caller sees the same. */
class FailureTableInSandboxTest extends FailureTableTest {

    /** The mishaps on which a sandbox could have an effect: signals, exit codes, crash logs, sockets, children. */
    private static final Set<Mishap> CONCERNED = Set.of(
            THROWS,
            EXITS,
            HALTS,
            IS_KILLED,
            IS_TERMINATED,
            CRASHES,
            EXHAUSTS_THE_HEAP,
            CLOSES_ITS_SOCKETS,
            HALTS_WITH_A_CHILD_THAT_HOLDS_STDOUT,
            LOOPS,
            LEAVES_A_CHILD_THAT_HOLDS_STDOUT);

    @BeforeAll
    static void assume() {
        Jails.assume();
    }

    @Override
    ProcessPool.Builder builder(int workers) {
        return super.builder(workers).sandbox(Sandbox.strict().withWritable(folders));
    }

    /** A crash log has to be there before a jailed JVM crashes. */
    @Override
    int filesOfAWorker() {
        return 3;
    }

    /** The directory of shared arrays has to be there before a jail is, which shows it. */
    @Override
    int directoriesOfAPool() {
        return 2;
    }

    /** A place for shared arrays too, in each directory. */
    @Override
    int filesOfThePool() {
        return 4;
    }

    /** The rows of a build: one for each of these. CONTRIBUTING.md has the command for all. */
    static Stream<Row> rows() {
        return FailureTable.rows().filter(row -> ALL_ROWS || (row.where() == RUNNING && CONCERNED.contains(row.how())));
    }
}
