package dev.trestle.examples;

import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;

/**
 * The programs that readers of Python's tutorials know, and one for each family of features, by the names that the
 * launcher runs them under.
 */
enum ShortProgram implements Callable<Integer> {
    SET_FUTURE_LATER("A task sets a future's result after ten seconds; main awaits it.", SetFutureLater::main),
    AS_THEY_COMPLETE("Ten calls that take 1 to 10 s on a thread pool, printed as they complete.", AsTheyComplete::main),
    QUADRATIC_SUMS("toThread with gather: three sums off the loop, in order.", QuadraticSums::main),
    AWAIT_POOL("The wrong way and the right ways to wait for a pool in a loop.", AwaitPool::main),
    THREE_EXECUTORS("The default executor, a thread pool and a process pool.", ThreeExecutors::main),
    ENDLESS_SEARCH("Results of a call on a process pool, one after the other, while it goes on.", EndlessSearch::main),
    CALLS_AND_TASKS("Five coroutines as bare calls and as tasks.", CallsAndTasks::main),
    FRAGILE_SERVICE("A thousand calls to a service that stands ten at a time.", FragileService::main),
    STOP_WHEN_DONE("A loop that runs until a task's callback stops it.", StopWhenDone::main),
    MARK_DONE("callSoon marks a future done; runUntilComplete returns it.", MarkDone::main),
    AWAIT_MARKED("The same future awaited in a coroutine.", AwaitMarked::main),
    TWO_CALLBACKS("Two callbacks with an argument each, in the order they were added.", TwoCallbacks::main),
    ALL_OR_NOTHING("A task group: all have a result, or the first failure cancels the others.", AllOrNothing::main),
    STARTING_GUN("Tasks that wait for an event, and a lock that keeps their lines together.", StartingGun::main),
    WAREHOUSE("Customers wait for a condition: that there is enough in stock.", Warehouse::main),
    STAGES("Workers that go from stage to stage together, at a barrier.", Stages::main),
    PRODUCER_AND_CONSUMERS("A producer and two consumers at a queue, which is shut down.", ProducerAndConsumers::main),
    ANSWERS_BY_CALLBACK(
            "A client with callbacks: its answer is awaited, a time limit reaches it.", AnswersByCallback::main),
    REQUEST_CONTEXT("Context: two requests at once, each with its own user.", RequestContext::main),
    SEVERAL_RUNS("A Runner with two runs; Ctrl-C lets it close its connection.", SeveralRuns::main),
    AWAIT_GRAPH("A picture of all tasks, as an object and as text.", AwaitGraph::main),
    EAGER_CACHE("Eager tasks: what is in a cache is there at once.", EagerCache::main),
    SLOW_COROUTINE("A coroutine that stops its loop is named while it does.", SlowCoroutine::main);

    /** A program. */
    @FunctionalInterface
    interface Main {
        void main(String[] args) throws Exception;
    }

    private final String description;

    @SuppressWarnings("ImmutableEnumChecker") // a method reference
    private final Main program;

    ShortProgram(String description, Main program) {
        this.description = description;
        this.program = program;
    }

    /** Returns the name as it is typed: {@code set-future-later}. */
    String title() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    CommandSpec command() {
        CommandSpec command =
                CommandSpec.wrapWithoutInspection(this).name(title()).mixinStandardHelpOptions(true);
        command.usageMessage().description(description);
        return command;
    }

    @Override
    public Integer call() throws Exception {
        program.main(new String[0]);
        return 0;
    }
}
