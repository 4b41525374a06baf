package dev.trestle.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.logging.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Failures of code that no caller waits for: the log has them, and what comes after them goes on. */
@Timeout(30)
class LoggedFailuresTest {

    private final RecordedLog log = new RecordedLog();

    private final RuntimeException failure = new IllegalStateException("on purpose");

    @BeforeEach
    void listen() {
        log.begin();
    }

    @AfterEach
    void listenNoMore() {
        log.end();
    }

    private void assertLogged(String beginning, Object promise) {
        assertThat(log.lines).singleElement().satisfies(line -> {
            assertThat(line.getLevel()).isEqualTo(Level.SEVERE);
            assertThat(line.getMessage())
                    .startsWith(beginning + LoggedFailuresTest.class.getName())
                    .endsWith("failed on " + promise);
            assertThat(line.getThrown()).isSameAs(failure);
        });
    }

    @Test
    void aCallbackThatThrows() {
        var promise = new Promise<String>();
        promise.addDoneCallback(_ -> {
            throw failure;
        });
        promise.setResult("x");

        assertLogged("A callback, ", promise);
    }

    @Test
    void aWaitThatThrows() {
        var promise = new Promise<String>();
        var told = new ArrayList<String>();
        promise.addWait(_ -> told.add("earlier"));
        promise.addWait(_ -> {
            throw failure;
        });
        promise.setResult("x");

        assertLogged("A wait, ", promise);
        assertThat(told).containsExactly("earlier");
    }

    private record Failing(RuntimeException failure, boolean atCallbacks) implements Promise.Canceller {
        @Override
        public void cancelled(boolean wasRunning, boolean mayInterrupt) {
            if (!atCallbacks) {
                throw failure;
            }
        }

        @Override
        public void onCallbacks() {
            if (atCallbacks) {
                throw failure;
            }
        }
    }

    @Test
    void aCancellerThatThrowsWhenCallbacksAreAboutToRun() {
        var promise = new Promise<String>(new Failing(failure, true));
        var told = new ArrayList<String>();
        promise.addDoneCallback(_ -> told.add("callback"));
        promise.setResult("x");

        assertLogged("A canceller, ", promise);
        assertThat(told).containsExactly("callback");
    }

    /** A depth of calls at which the canceller is called only when the caller of {@code cancel} has gone on. */
    @Test
    void aCancellerThatThrowsInACallbackWithinManyOthers() {
        var last = new Promise<String>(new Failing(failure, false));
        var told = new ArrayList<String>();
        last.addDoneCallback(_ -> told.add("callback"));
        List<Promise<String>> chain = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            chain.add(new Promise<>());
        }
        for (int i = 0; i + 1 < chain.size(); i++) {
            Promise<String> next = chain.get(i + 1);
            chain.get(i).addDoneCallback(_ -> next.setResult("x"));
        }
        chain.getLast().addDoneCallback(_ -> told.add("cancelled " + last.cancel(true)));
        chain.getFirst().setResult("x");

        assertLogged("A canceller, ", last);
        assertThat(told).containsExactly("cancelled true", "callback");
    }

    @Test
    void aMonitorThatThrows() {
        var monitors = new CallMonitors();
        monitors.add((_, _, _) -> {
            throw failure;
        });

        assertThatCode(() -> monitors.onEnded(Future.State.SUCCESS, 0, 0)).doesNotThrowAnyException();
        assertThat(log.lines).singleElement().satisfies(line -> {
            assertThat(line.getMessage())
                    .startsWith("A monitor of calls, " + LoggedFailuresTest.class.getName())
                    .endsWith(", failed");
            assertThat(line.getThrown()).isSameAs(failure);
        });
    }
}
