package dev.trestle.processpool;

import static dev.trestle.processpool.FailureTable.Fate.*;
import static dev.trestle.processpool.FailureTable.Where.*;
import static dev.trestle.processpool.Mishap.*;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.BrokenExecutorException;
import dev.trestle.api.Call;
import dev.trestle.api.ConcurrentFuture;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/** The table of failures: the place of a failure, its kind, the fate of the worker, and the caller's exception. */
final class FailureTable {

    private FailureTable() {}

    /** The place of a failure. */
    enum Where {
        ENCODING_THE_CALL,
        DECODING_THE_CALL,
        RUNNING,
        STREAMING,
        ENCODING_THE_RESULT,
        DECODING_THE_RESULT,
        IDLE,
        RECYCLING,
        SHUTTING_DOWN,
        STARTING,
        INITIALIZING
    }

    /** The fate of the worker. */
    enum Fate {
        LIVES,
        REPLACED,
        BREAKS_THE_POOL
    }

    /**
     * A row of the table. The caller sees an error of this class with these words, or a result if there is no class.
     */
    record Row(Where where, Mishap how, Fate fate, Class<?> error, String clue) {
        @Override
        public String toString() {
            return where + " " + how;
        }
    }

    private static Row row(Where where, Mishap how, Fate fate, Class<?> error, String clue) {
        return new Row(where, how, fate, error, clue);
    }

    private static Row harmless(Where where, Mishap how, Fate fate) {
        return new Row(where, how, fate, Void.class, "");
    }

    private static Row deadly(Where where, Mishap how, String clue) {
        return new Row(where, how, REPLACED, WorkerDiedException.class, clue);
    }

    static Stream<Row> rows() {
        return Stream.of(
                row(ENCODING_THE_CALL, THROWS, LIVES, CallNotSerializableException.class, "no number"),
                row(ENCODING_THE_CALL, OVERFLOWS_THE_STACK, LIVES, CallNotSerializableException.class, "nests deeper"),
                row(DECODING_THE_CALL, THROWS, LIVES, CallNotSerializableException.class, "no number"),
                row(
                        DECODING_THE_CALL,
                        OVERFLOWS_THE_STACK,
                        LIVES,
                        CallNotSerializableException.class,
                        "StackOverflowError"),
                deadly(DECODING_THE_CALL, EXITS, "System.exit(7)"),
                deadly(DECODING_THE_CALL, IS_KILLED, "SIGKILL"),
                deadly(DECODING_THE_CALL, EXHAUSTS_THE_HEAP, "ran out of memory"),
                deadly(DECODING_THE_CALL, CLOSES_ITS_SOCKETS, "its connection"),
                row(RUNNING, THROWS, LIVES, NumberFormatException.class, "no number"),
                row(RUNNING, OVERFLOWS_THE_STACK, LIVES, StackOverflowError.class, ""),
                deadly(RUNNING, EXITS, "System.exit(7)"),
                deadly(RUNNING, EXITS_WITH_THE_CODE_OF_OUT_OF_MEMORY, "System.exit(3)"),
                deadly(RUNNING, EXITS_WITH_THE_CODE_OF_SIGKILL, "called System.exit(137)"),
                deadly(RUNNING, EXITS_WITH_THE_CODE_OF_SIGTERM, "called System.exit(143)"),
                deadly(RUNNING, HALTS, "Runtime.halt(9)"),
                deadly(RUNNING, HALTS_WITH_THE_CODE_OF_OUT_OF_MEMORY, "Runtime.halt(3), or it ran out of memory"),
                deadly(RUNNING, HALTS_WITH_THE_CODE_OF_SIGSEGV, "unless something in it called Runtime.halt(139)"),
                deadly(RUNNING, IS_KILLED, "SIGKILL"),
                deadly(RUNNING, IS_TERMINATED, "killed by SIGTERM (exit code 143): it was asked to end."),
                deadly(RUNNING, CRASHES, "the JVM crashed"),
                deadly(RUNNING, EXHAUSTS_THE_HEAP, "exit code 3: it ran out of memory"),
                deadly(RUNNING, EXHAUSTS_THE_METASPACE, "ran out of memory"),
                row(RUNNING, EXHAUSTS_THE_THREADS, REPLACED, OutOfMemoryError.class, "unable to create native thread"),
                deadly(RUNNING, CORRUPTS_THE_STREAM, "its connection failed"),
                deadly(RUNNING, CLOSES_ITS_SOCKETS, "its connection"),
                deadly(RUNNING, EXITS_WITH_A_CHILD_THAT_HOLDS_STDOUT, "System.exit(7)"),
                deadly(RUNNING, HALTS_WITH_A_CHILD_THAT_HOLDS_STDOUT, "Runtime.halt(9)"),
                deadly(RUNNING, IS_KILLED_WITH_A_CHILD_THAT_HOLDS_STDOUT, "SIGKILL"),
                row(RUNNING, WAITS, REPLACED, TimeoutException.class, "PT0.2S"),
                row(RUNNING, LOOPS, REPLACED, TimeoutException.class, "Mishap.spin"),
                harmless(RUNNING, FLOODS_STDOUT, LIVES),
                harmless(RUNNING, CLOSES_ITS_STREAMS, LIVES),
                harmless(RUNNING, LEAVES_A_NON_DAEMON_THREAD, LIVES),
                harmless(RUNNING, LEAVES_A_CHILD_THAT_HOLDS_STDOUT, LIVES),
                harmless(RUNNING, LEAVES_ITS_THREAD_INTERRUPTED, LIVES),
                harmless(RUNNING, SETS_A_CLASS_LOADER, LIVES),
                row(STREAMING, THROWS, LIVES, NumberFormatException.class, "no number"),
                row(STREAMING, OVERFLOWS_THE_STACK, LIVES, StackOverflowError.class, ""),
                deadly(STREAMING, EXITS, "System.exit(7)"),
                deadly(STREAMING, HALTS, "Runtime.halt(9)"),
                deadly(STREAMING, IS_KILLED, "SIGKILL"),
                deadly(STREAMING, CRASHES, "the JVM crashed"),
                deadly(STREAMING, EXHAUSTS_THE_HEAP, "ran out of memory"),
                deadly(STREAMING, CORRUPTS_THE_STREAM, "its connection failed"),
                deadly(STREAMING, CLOSES_ITS_SOCKETS, "its connection"),
                row(STREAMING, WAITS, REPLACED, TimeoutException.class, "PT0.2S"),
                row(ENCODING_THE_RESULT, THROWS, LIVES, CallNotSerializableException.class, "no number"),
                deadly(ENCODING_THE_RESULT, EXITS, "System.exit(7)"),
                deadly(ENCODING_THE_RESULT, IS_KILLED, "SIGKILL"),
                deadly(ENCODING_THE_RESULT, EXHAUSTS_THE_HEAP, "ran out of memory"),
                row(DECODING_THE_RESULT, THROWS, LIVES, CallNotSerializableException.class, "no number"),
                row(
                        DECODING_THE_RESULT,
                        OVERFLOWS_THE_STACK,
                        LIVES,
                        CallNotSerializableException.class,
                        "StackOverflowError"),
                harmless(IDLE, EXITS, REPLACED),
                harmless(IDLE, IS_KILLED, REPLACED),
                harmless(IDLE, EXHAUSTS_THE_HEAP, REPLACED),
                harmless(IDLE, CLOSES_ITS_SOCKETS, REPLACED),
                harmless(RECYCLING, HALTS, REPLACED),
                harmless(RECYCLING, IS_KILLED, REPLACED),
                harmless(RECYCLING, LOOPS, REPLACED),
                harmless(SHUTTING_DOWN, HALTS, REPLACED),
                harmless(SHUTTING_DOWN, IS_KILLED, REPLACED),
                harmless(SHUTTING_DOWN, LOOPS, REPLACED),
                harmless(SHUTTING_DOWN, LEAVES_A_CHILD_THAT_HOLDS_STDOUT, REPLACED),
                row(STARTING, EXITS, BREAKS_THE_POOL, BrokenExecutorException.class, "exit code 7"),
                row(STARTING, IS_KILLED, BREAKS_THE_POOL, BrokenExecutorException.class, "SIGKILL"),
                row(STARTING, WAITS, BREAKS_THE_POOL, BrokenExecutorException.class, "not ready within PT0.5S"),
                row(INITIALIZING, THROWS, BREAKS_THE_POOL, BrokenExecutorException.class, "no number"),
                row(INITIALIZING, EXITS, BREAKS_THE_POOL, BrokenExecutorException.class, "System.exit(7)"),
                row(
                        INITIALIZING,
                        EXHAUSTS_THE_HEAP,
                        BREAKS_THE_POOL,
                        BrokenExecutorException.class,
                        "ran out of memory"));
    }

    // Helpers of the rows

    static ProcessPool.Builder builder(int workers) {
        return TestPools.builder(workers)
                .heap(64 << 20)
                .jvmArguments("-XX:MaxMetaspaceSize=32m", "--add-opens=java.base/java.io=ALL-UNNAMED")
                .systemProperty(IN_WORKER, "yes")
                .cancelGrace(Duration.ofMillis(200))
                .closeGrace(Duration.ofMillis(500));
    }

    /** Lets it go wrong; returns the result, or throws. */
    static Object outcome(ProcessPool pool, Row row) {
        return row.where() == STREAMING ? stream(pool, row) : submit(pool, row).result();
    }

    private static ConcurrentFuture<?> submit(ProcessPool pool, Row row) {
        Mishap how = row.how();
        return switch (row.where()) {
            case ENCODING_THE_CALL -> {
                var captured = new BadToWrite(how);
                yield pool.submit(() -> captured.size());
            }
            case DECODING_THE_CALL -> {
                var captured = new BadToRead(how, "yes");
                yield pool.submit(() -> captured.hashCode());
            }
            case ENCODING_THE_RESULT -> pool.submit(() -> new BadToWrite(how));
            case DECODING_THE_RESULT -> pool.submit(() -> new BadToRead(how, "no"));
            default -> {
                Call<Long> call = row.error() == Void.class ? how::survive : how::happen;
                yield pool.submit(call, limit(row));
            }
        };
    }

    /** Goes wrong after the first item, which arrives. */
    private static Object stream(ProcessPool pool, Row row) {
        Mishap how = row.how();
        var before = new ArrayList<Long>();
        try (Stream<Long> items = pool.stream(
                () -> Stream.of(0L, 1L).peek(each -> {
                    if (each == 1) {
                        how.happen();
                    }
                }),
                limit(row))) {
            items.forEach(before::add);
            return before;
        } finally {
            if (row.error() != TimeoutException.class) {
                assertThat(before).containsExactly(0L);
            }
        }
    }

    private static CallOptions limit(Row row) {
        return row.error() == TimeoutException.class
                ? CallOptions.DEFAULT.withTimeout(Duration.ofMillis(200))
                : CallOptions.DEFAULT;
    }

    /** Goes wrong when the sender writes it, and tries whether the receiver could fill another one. */
    static final class BadToWrite extends ArrayList<Mishap> {
        private static final long serialVersionUID = 1;

        BadToWrite() {}

        BadToWrite(Mishap how) {
            super.add(how);
        }

        @Override
        public boolean add(Mishap how) {
            return how.happen() > 0;
        }
    }

    /** Goes wrong when a worker makes one, or when this program does. */
    record BadToRead(Mishap how, String inWorker) {
        BadToRead {
            if (System.getProperty(IN_WORKER, "no").equals(inWorker)) {
                how.happen();
            }
        }
    }

    interface Result {
        Object get();
    }

    /**
     * Asserts that a caller sees what the row says.
     *
     * @param worker the number of the worker
     * @param pid its process id, as this program sees it
     */
    static void sees(Row row, Result result, long worker, long pid) {
        if (row.error() == Void.class) {
            assertThat(result.get()).isEqualTo(worker);
            return;
        }
        assertThatThrownBy(result::get).satisfies(thrown -> {
            Throwable e = thrown instanceof CompletionException ? thrown.getCause() : thrown;
            assertThat(e).isInstanceOf(row.error());
            if (!row.clue().isEmpty()) {
                assertThat(e).hasMessageContaining(row.clue());
            }
            if (e instanceof WorkerDiedException died) {
                assertThat(died.pid()).isEqualTo(pid);
                assertThat(died.exitCode()).isPresent();
                assertThat(died.outOfMemory())
                        .as("out of memory")
                        .isEqualTo(row.how() == EXHAUSTS_THE_HEAP || row.how() == EXHAUSTS_THE_METASPACE);
                assertThat(died.phase())
                        .isEqualTo(
                                switch (row.where()) {
                                    case DECODING_THE_CALL -> WorkerDiedException.Phase.DECODING;
                                    case ENCODING_THE_RESULT -> WorkerDiedException.Phase.ENCODING;
                                    default -> WorkerDiedException.Phase.RUNNING;
                                });
            }
        });
    }
}
