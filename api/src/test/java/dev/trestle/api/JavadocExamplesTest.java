package dev.trestle.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The examples of this module's Javadoc: its snippets are the regions of this file. */
@Timeout(30)
class JavadocExamplesTest {

    @Test
    void aPromiseCompletesItsFuture() {
        List<String> log = new ArrayList<>();

        // @start region="promise"
        var promise = new Promise<String>();
        ConcurrentFuture<String> future = promise; // what other code gets
        future.addDoneCallback(done -> log.add("got " + done.result()));

        promise.setResult("an answer"); // on any thread
        String answer = future.result(); // waits until there is a result
        // @end

        assertThat(answer).isEqualTo("an answer");
        assertThat(log).containsExactly("got an answer");
    }

    @Test
    void waitingForTheFirstOfManyReturnsBothSets() {
        // @start region="wait"
        var fast = new Promise<Integer>();
        var slow = new Promise<Integer>();
        fast.setResult(42);

        var futures = Futures.waitUntil(ReturnWhen.FIRST_COMPLETED, List.of(slow, fast));
        futures.pending().forEach(each -> each.cancel(true));
        // @end

        assertThat(futures.done()).containsExactly(fast);
        assertThat(slow.isCancelled()).isTrue();
    }
}
