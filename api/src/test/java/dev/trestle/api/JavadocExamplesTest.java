package dev.trestle.api;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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

    // @start region="carrier"
    /** Carries the tenant of the request that a thread works on. */
    static final class TenantCarrier implements ContextCarrier {
        static final ThreadLocal<String> TENANT = ThreadLocal.withInitial(() -> "");

        @Override
        public Map<String, String> capture() {
            String tenant = TENANT.get();
            return tenant.isEmpty() ? Map.of() : Map.of("tenant", tenant);
        }

        @Override
        public Scope restore(Map<String, String> context) {
            String before = TENANT.get();
            TENANT.set(context.getOrDefault("tenant", ""));
            return () -> TENANT.set(before);
        }
    }
    // @end

    @Test
    void aCarrierBringsItsContextAndTakesItAway() {
        var carrier = new TenantCarrier();
        TenantCarrier.TENANT.set("acme");
        ContextCarrier.Snapshot snapshot = requireNonNull(carrier.snapshot());
        TenantCarrier.TENANT.set("other");

        ContextCarrier.Scope scope = snapshot.restore();
        assertThat(TenantCarrier.TENANT.get()).isEqualTo("acme");
        scope.close();

        assertThat(TenantCarrier.TENANT.get()).isEqualTo("other");
        TenantCarrier.TENANT.remove();
        assertThat(carrier.snapshot()).isNull();
    }
}
