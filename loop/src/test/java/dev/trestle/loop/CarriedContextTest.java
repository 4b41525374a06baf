package dev.trestle.loop;

import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.blocking;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.contract.Baggage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The context of a thread, in the tasks, callbacks and blocking calls of a loop. */
@Timeout(30)
class CarriedContextTest {

    @AfterEach
    void carryNothing() {
        Baggage.clear();
    }

    private static String seen() {
        return Baggage.carried().toString();
    }

    private static String change(String user) {
        String before = seen();
        Baggage.put("user", user);
        return before;
    }

    @Test
    void tasksSeeWhatTheirCreatorCarries() {
        Baggage.put("user", "main");
        List<String> seen = EventLoop.run(() -> {
            List<String> all = new ArrayList<>();
            all.add(change("first"));
            Task<String> first = createTask(() -> change("changed by the first"));
            Baggage.put("user", "second");
            Task<String> second = createTask(() -> {
                sleep(Duration.ofMillis(1));
                return seen();
            });
            all.add(await(first));
            all.add(await(second));
            all.add(seen());
            return all;
        });

        assertThat(seen).containsExactly("{user=main}", "{user=first}", "{user=second}", "{user=second}");
        assertThat(seen()).isEqualTo("{user=main}");
    }

    @Test
    void callbacksSeeWhatTheThreadCarriedThatScheduledThem() {
        Baggage.put("user", "main");
        List<String> seen = EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            List<String> all = new ArrayList<>();
            LoopFuture<String> end = loop.createFuture();
            Baggage.put("user", "soon");
            loop.callSoon(() -> all.add(change("left behind by a callback")));
            Baggage.put("user", "later");
            loop.callLater(Duration.ofMillis(1), () -> {
                all.add(seen());
                end.setResult("");
            });
            Baggage.put("user", "done");
            end.addDoneCallback(_ -> all.add(seen()));
            Baggage.clear();
            loop.callSoon(() -> all.add(seen()));
            await(end);
            sleep(Duration.ZERO);
            all.add(seen());
            return all;
        });

        assertThat(seen).containsExactly("{user=soon}", "{}", "{user=later}", "{user=done}", "{}");
        assertThat(seen()).isEqualTo("{user=main}");
    }

    @Test
    void callbacksSeeTheContextOfTheThreadThatAddsThem() {
        Baggage.put("user", "of the thread that runs the loop");
        List<String> seen = EventLoop.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            LoopFuture<String> end = loop.createFuture();
            List<String> all = new ArrayList<>();
            Thread.ofPlatform().start(() -> {
                loop.callSoonThreadsafe(() -> all.add(seen()));
                Baggage.put("user", "another");
                loop.callSoonThreadsafe(() -> {
                    all.add(seen());
                    end.setResult("");
                });
            });
            await(end);
            return all;
        });

        assertThat(seen).containsExactly("{}", "{user=another}");
    }

    @Test
    void blockingCallSeesTheContextOfItsCoroutine() {
        List<String> seen = EventLoop.run(() -> {
            Baggage.put("user", "coroutine");
            String during = blocking(() -> change("changed by the call"));
            return List.of(during, seen());
        });

        assertThat(seen).containsExactly("{user=coroutine}", "{user=coroutine}");
    }

    @Test
    void aCoroutineKeepsWhatItCarriesWhileOthersRun() {
        List<String> seen = EventLoop.run(() -> {
            Task<String> one = createTask(() -> waiting("one"));
            Task<String> two = createTask(() -> waiting("two"));
            return List.of(await(one), await(two));
        });

        assertThat(seen).containsExactly("{user=one}", "{user=two}");
    }

    private static String waiting(String user) {
        Baggage.put("user", user);
        sleep(Duration.ofMillis(1));
        return seen();
    }

    @Test
    void theThreadOfALoopHasItsOwnContextAgain() {
        Baggage.put("user", "outside");
        var during = new CompletableFuture<String>();
        EventLoop.run(() -> {
            EventLoop.getRunningLoop().callSoon(() -> during.complete(change("inside")));
            sleep(Duration.ofMillis(1));
            return null;
        });

        assertThat(during.join()).isEqualTo("{user=outside}");
        assertThat(seen()).isEqualTo("{user=outside}");
    }
}
