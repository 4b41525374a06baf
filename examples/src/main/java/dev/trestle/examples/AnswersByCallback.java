package dev.trestle.examples;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.waitFor;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopPromise;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * A client that answers by callback, on a thread of its own. A promise turns the answer into a future to await; and
 * when the future is cancelled, so is the request.
 */
final class AnswersByCallback {

    private AnswersByCallback() {}

    static void main(String[] args) {
        EventLoop.run(() -> {
            IO.println(ask("What is six times seven?"));
            try {
                IO.println(waitFor(() -> ask("What is the question?"), Duration.ofSeconds(1)));
            } catch (TimeoutException e) {
                IO.println("no answer within a second");
            }
        });
    }

    private static String ask(String question) {
        var answer = new LoopPromise<String>(
                EventLoop.getRunningLoop(), () -> IO.println("the client forgets: " + question));
        answerLater(question, answer::trySetResult);
        return await(answer.future());
    }

    /** The client. */
    private static void answerLater(String question, Consumer<String> callback) {
        if (question.startsWith("What is six")) {
            Thread.ofPlatform().start(() -> callback.accept("42"));
        }
    }
}
