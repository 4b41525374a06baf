package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Finding keys, whose methods are code of the program, and forgetting them. */
@Timeout(30)
class KeyTableTest {

    private final KeyTable table = new KeyTable();

    /** A key whose hash code and whose equality the test decides. */
    private record Rude(int hash, BooleanSupplier equality) {
        @Override
        public int hashCode() {
            return hash;
        }

        @Override
        public boolean equals(Object other) {
            return this == other || equality.getAsBoolean();
        }
    }

    private static Rude failing(int hash) {
        return new Rude(hash, () -> {
            throw new IllegalStateException("equals of " + hash);
        });
    }

    private CallKey use(Object value) {
        CallKey key = table.find(value);
        assertThat(table.enter(key)).isTrue();
        return key;
    }

    private void release(CallKey key) {
        CallKey forgotten = table.leave(key);
        if (forgotten != null) {
            table.remove(forgotten);
        }
    }

    @Test
    void equalObjectsAreOneKey() {
        assertThat(table.find(List.of("a"))).isSameAs(table.find(List.of("a"))).isNotSameAs(table.find("b"));
        assertThat(table.find("Aa")).as("with the same hash code").isNotSameAs(table.find("BB"));
        assertThat(table.size()).isEqualTo(4);
    }

    @Test
    void aKeyWhoseMethodsThrowIsNotFound() {
        CallKey first = table.find(failing(7));

        assertThat(table.find(first.value())).as("the same object").isSameAs(first);
        assertThatThrownBy(() -> table.find(failing(7))).hasMessage("equals of 7");
        assertThat(table.find(failing(8))).isNotSameAs(first);
    }

    /** A lock held in the meantime would keep the other threads waiting forever. */
    @Test
    void aSlowComparisonHoldsUpNoOtherKey() throws Exception {
        var comparing = new CountDownLatch(1);
        var other = new CountDownLatch(1);
        var _ = table.find(new Rude(1, () -> false));
        Thread slow = Thread.ofPlatform()
                .start(() -> table.find(new Rude(1, () -> {
                    comparing.countDown();
                    awaitUninterruptibly(other);
                    return false;
                })));
        comparing.await();
        CallKey sameHash = table.find(new Rude(1, () -> false));
        table.remove(sameHash);
        other.countDown();
        slow.join();

        assertThat(table.size()).isEqualTo(2);
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aComparisonMayLookForKeysItself() {
        var _ = table.find(new Rude(1, () -> false));
        var inner = new Rude(1, () -> false);
        CallKey outer = table.find(new Rude(1, () -> {
            var _ = table.find(inner);
            return false;
        }));

        assertThat(outer.hash()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 100, Integer.MAX_VALUE})
    void theKeysThatWereUsedLastAreRemembered(int hashes) {
        Map<Integer, CallKey> found = new HashMap<>();
        int all = KeyTable.MOST_UNUSED + (hashes == 1 ? 20 : 2_000);
        record Key(int number, int hashes) {
            @Override
            public int hashCode() {
                return number % hashes;
            }
        }
        CallKey kept = use(new Key(-1, hashes));
        CallKey again = use(new Key(-2, hashes));
        release(again);
        for (int i = hashes == 1 ? all - 100 : 0; i < all; i++) { // each comparison of a chain costs time
            CallKey key = use(new Key(i, hashes));
            found.put(i, key);
            release(key);
            if (i == all / 2 && hashes > 1) {
                assertThat(use(new Key(-2, hashes))).isSameAs(again);
                release(again);
            }
        }

        assertThat(kept.forgotten).as("in use").isFalse();
        assertThat(again.forgotten).as("used again").isFalse();
        if (hashes > 1) {
            assertThat(table.size()).isEqualTo(KeyTable.MOST_UNUSED + 1);
            assertThat(requireNonNull(found.get(0)).forgotten).isTrue();
            assertThat(table.find(new Key(0, hashes))).isNotSameAs(found.get(0));
        }
        assertThat(requireNonNull(found.get(all - 1)).forgotten).isFalse();
    }

    @Test
    void aForgottenKeyIsNotEntered() {
        CallKey first = use("first");
        release(first);
        for (int i = 0; i < KeyTable.MOST_UNUSED; i++) {
            release(use(i));
        }

        assertThat(table.enter(first)).isFalse();
        table.remove(first);
        assertThat(use("first")).isNotSameAs(first);
    }

    @Test
    void threadsThatLookForTheSameKeysFindTheSame() throws Exception {
        Map<Integer, CallKey> found = new ConcurrentHashMap<>();
        Set<CallKey> different = ConcurrentHashMap.newKeySet();
        var threads = IntStream.range(0, 4)
                .mapToObj(seed -> Thread.ofPlatform().start(() -> {
                    var random = new SplittableRandom(seed);
                    for (int i = 0; i < 20_000; i++) {
                        int number = random.nextInt(300);
                        CallKey key = table.find(new Rounded(number));
                        different.add(key);
                        CallKey before = found.putIfAbsent(number, key);
                        if (before != null && before != key) {
                            throw new AssertionError(before + " and " + key);
                        }
                    }
                }))
                .toList();
        for (Thread each : threads) {
            each.join();
        }

        assertThat(different).hasSize(300);
        assertThat(table.size()).isEqualTo(300);
    }

    private record Rounded(int number) {
        @Override
        public int hashCode() {
            return number / 10;
        }
    }
}
