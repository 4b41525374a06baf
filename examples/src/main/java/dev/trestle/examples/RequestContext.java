package dev.trestle.examples;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;
import static dev.trestle.loop.Async.sleep;

import dev.trestle.loop.ContextVar;
import dev.trestle.loop.EventLoop;
import java.time.Duration;
import java.util.List;

/**
 * Two concurrent requests, each of which knows its user in all of its tasks, without passing the user as an argument.
 */
final class RequestContext {

    private static final ContextVar<String> USER = new ContextVar<>("user", "nobody");

    private RequestContext() {}

    static void main(String[] args) {
        EventLoop.run(() -> {
            await(gather(List.of(
                    createTask(() -> serve("ada", Duration.ofSeconds(2))),
                    createTask(() -> serve("bob", Duration.ofSeconds(1))))));
            log("nothing left to do");
        });
    }

    private static void serve(String user, Duration time) {
        USER.set(user);
        await(createTask(() -> query(time)));
        log("answered");
    }

    private static void query(Duration time) {
        log("asks the database");
        sleep(time);
        log("has its rows");
    }

    private static void log(String what) {
        IO.println(USER.get() + ": " + what);
    }
}
