package dev.trestle.examples;

import static dev.trestle.loop.Async.sleep;

import dev.trestle.loop.KeyboardInterrupt;
import dev.trestle.loop.Runner;
import java.time.Duration;

/** Several runs in one loop. Ctrl-C while it serves closes the connection first; pressed twice, it ends the program. */
final class SeveralRuns {

    private SeveralRuns() {}

    static void main(String[] args) {
        try (var runner = new Runner()) {
            String connection = runner.run(() -> connect());
            runner.run(() -> serve(connection));
        } catch (KeyboardInterrupt e) {
            IO.println("interrupted");
        }
        IO.println("goodbye");
    }

    private static String connect() {
        sleep(Duration.ofSeconds(1));
        IO.println("connected");
        return "connection 1";
    }

    private static void serve(String connection) {
        try {
            for (int i = 1; i <= 3; i++) {
                sleep(Duration.ofSeconds(1));
                IO.println("served " + i);
            }
        } finally {
            IO.println("closing " + connection);
            sleep(Duration.ofSeconds(1));
            IO.println("closed");
        }
    }
}
