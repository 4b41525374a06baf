package dev.trestle.processpool.values;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The hash of a key comes with it. */
@Timeout(30)
class SiteKeyTest {

    private static SiteKey key(int hash, int number) {
        return new SiteKey(hash, ByteBuffer.allocate(1_004).putInt(1_000, number));
    }

    @Test
    void keysOfOneHashAreFoundFast() {
        Map<SiteKey, Integer> map = new ConcurrentHashMap<>();

        for (int i = 0; i < 30_000; i++) { // of keys that are not comparable, 450 million comparisons of 1 000 bytes
            map.put(key(7, i), i);
        }

        assertThat(map).hasSize(30_000).containsEntry(key(7, 29_999), 29_999).doesNotContainKey(key(7, 30_000));
    }

    @Test
    void orderAgreesWithEquality() {
        assertThat(key(1, 1)).isEqualByComparingTo(key(1, 1)).isEqualTo(key(1, 1));
        assertThat(key(1, 1)).isLessThan(key(1, 2)).isLessThan(key(2, 0)).isNotEqualTo(key(1, 2));
        assertThat(key(1, 1)).isNotEqualTo(key(2, 1));
    }
}
