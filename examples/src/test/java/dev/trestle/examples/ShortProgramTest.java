package dev.trestle.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.loop.LoopOptions;
import dev.trestle.loop.VirtualClock;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The short programs print what their readers expect; on a virtual clock, so that their sleeps cost nothing. */
@Timeout(60)
class ShortProgramTest {

    private static final Map<ShortProgram, String> OUTPUT = Map.ofEntries(
            Map.entry(ShortProgram.SET_FUTURE_LATER, """
                Waiting \\.\\.\\.
                Finished!
                """),
            Map.entry(ShortProgram.AS_THEY_COMPLETE, """
                Took 1 s
                Took 2 s
                Took 3 s
                Took 4 s
                Took 5 s
                Took 6 s
                Took 7 s
                Took 8 s
                Took 9 s
                Took 10 s
                """),
            Map.entry(ShortProgram.QUADRATIC_SUMS, """
                \\[0, 2025, 24502500]
                """),
            Map.entry(ShortProgram.AWAIT_POOL, """
                result\\(\\) was refused: Waiting for .* would stop .*
                wrapFuture: 333332833333500000
                runInExecutor: 332833500
                the other task went on ticking: true
                """),
            Map.entry(ShortProgram.THREE_EXECUTORS, """
                default executor: 100 bytes
                custom thread pool: 100 bytes
                process pool: 333333283333335000000
                """),
            Map.entry(ShortProgram.ENDLESS_SEARCH, """
                2\\^2 - 1 is prime
                2\\^3 - 1 is prime
                2\\^5 - 1 is prime
                2\\^7 - 1 is prime
                2\\^13 - 1 is prime
                2\\^17 - 1 is prime
                2\\^19 - 1 is prime
                2\\^31 - 1 is prime
                in a loop: \\[2, 3, 5]
                without blocking\\(\\.\\.\\.\\) that is refused: Waiting for .* would stop .*
                """),
            Map.entry(ShortProgram.CALLS_AND_TASKS, """
                bare calls
                start 1
                start 2
                start 3
                start 4
                start 5
                after 5 s
                tasks
                created, none has started
                start 1
                start 2
                start 3
                start 4
                start 5
                done: \\[1, 2, 3, 4, 5], pending: 0
                after 6 s
                """),
            Map.entry(ShortProgram.FRAGILE_SERVICE, """
                by semaphore: 1000 served, 0 refused, at most 10 at a time: true
                by pool size: 1000 served, 0 refused, at most 10 at a time: true
                """),
            Map.entry(ShortProgram.STOP_WHEN_DONE, """
                Future is done!
                """),
            Map.entry(ShortProgram.MARK_DONE, """
                scheduling mark_done
                entering event loop
                setting future result to the result
                returned result: the result
                future result: the result
                """),
            Map.entry(ShortProgram.AWAIT_MARKED, """
                scheduling mark_done
                setting future result to the result
                returned result: the result
                """),
            Map.entry(ShortProgram.TWO_CALLBACKS, """
                registering callbacks on future
                setting result of future
                1: future done: the result
                2: future done: the result
                """),
            Map.entry(ShortProgram.ALL_OR_NOTHING, """
                fetched 1
                closed the connection of 1
                fetched 2
                closed the connection of 2
                sum: 3
                closed the connection of 3
                failed: \\[java\\.io\\.IOException: no connection]
                after 3 s
                """),
            Map.entry(ShortProgram.STARTING_GUN, """
                on your marks: 3
                Ada started
                Ada after 1 s
                Brook started
                Brook after 1 s
                Cleo started
                Cleo after 1 s
                """),
            Map.entry(ShortProgram.WAREHOUSE, """
                delivered 3, now: 3
                Brook bought 2, left: 1
                delivered 3, now: 4
                delivered 3, now: 7
                Ada bought 5, left: 2
                left: 2
                """),
            Map.entry(ShortProgram.STAGES, """
                worker 1 has done load
                worker 2 has done load
                worker 3 has done load
                load is done, after 3 s
                worker 1 has done sort
                worker 2 has done sort
                worker 3 has done sort
                sort is done, after 6 s
                worker 1 has done store
                worker 2 has done store
                worker 3 has done store
                store is done, after 9 s
                """),
            Map.entry(ShortProgram.PRODUCER_AND_CONSUMERS, """
                0 ms: put order 1
                0 ms: put order 2
                0 ms: put order 3
                0 ms: put order 4
                100 ms: fast did order 1
                100 ms: put order 5
                200 ms: fast did order 3
                200 ms: put order 6
                250 ms: slow did order 2
                300 ms: fast did order 4
                400 ms: fast did order 6
                500 ms: slow did order 5
                500 ms: all orders are done
                500 ms: fast goes home
                500 ms: slow goes home
                by urgency: 1, 2, 3
                """),
            Map.entry(ShortProgram.ANSWERS_BY_CALLBACK, """
                42
                no answer within a second
                the client forgets: What is the question\\?
                """),
            Map.entry(ShortProgram.REQUEST_CONTEXT, """
                ada: asks the database
                bob: asks the database
                bob: has its rows
                bob: answered
                ada: has its rows
                ada: answered
                nobody: nothing left to do
                """),
            Map.entry(ShortProgram.SEVERAL_RUNS, """
                connected
                served 1
                served 2
                served 3
                closing connection 1
                closed
                goodbye
                """),
            Map.entry(ShortProgram.AWAIT_GRAPH, """
                main waits for \\[]
                flour waits for \\[]
                butter waits for \\[]
                dough waits for \\[flour, butter]
                cake waits for \\[dough]
                EventLoop\\[trestle-loop-\\d+, running, tasks=5]
                  main, running
                (?:      (?:created )?at .*
                )+  cake, awaits Task\\[dough]
                (?:      (?:created )?at .*
                )+    dough, awaits gather\\(2 futures\\)
                (?:        (?:created )?at .*
                )+      flour, awaits LoopFuture@\\w+
                (?:          (?:created )?at .*
                )+      butter, awaits LoopFuture@\\w+
                (?:          (?:created )?at .*
                )+\
                """),
            Map.entry(ShortProgram.EAGER_CACHE, """
                known is there at once: true
                unknown is there at once: false
                together: 3
                """),
            Map.entry(ShortProgram.SLOW_COROUTINE, """
                Task\\[greedy] \\(created at .*SlowCoroutine\\.java:\\d+\\)\\) has run for \\d+ ms \
                without awaiting and still does, .*
                (?:    at .*
                )*    at .*SlowCoroutine\\.countUntilNamed.*
                (?:    at .*
                )+\
                polite has counted to 1000
                """));

    @ParameterizedTest
    @EnumSource
    void aShortProgramPrintsWhatItsReadersExpect(ShortProgram shortProgram) {
        String printed = Output.of(() -> new LoopOptions()
                .withClock(new VirtualClock())
                .runAsDefaults(() -> assertThat(Examples.commandLine().execute(shortProgram.title()))
                        .isZero()));

        assertThat(printed).matches(Pattern.compile(OUTPUT.get(shortProgram)));
    }

    @Test
    void everyShortProgramHasItsOutput() {
        assertThat(OUTPUT).containsOnlyKeys(ShortProgram.values());
    }
}
