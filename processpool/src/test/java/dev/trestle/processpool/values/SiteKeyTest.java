package dev.trestle.processpool.values;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Keys that a sender makes up. */
@Timeout(30)
class SiteKeyTest {

    private static SiteKey key(String text) {
        return SiteKey.of(ByteBuffer.wrap(text.getBytes(ISO_8859_1)));
    }

    @Test
    void equalBytesAreEqualKeysWhereverTheyLie() {
        byte[] around = "..name of a site..".getBytes(ISO_8859_1);
        ByteBuffer slice = ByteBuffer.wrap(around).slice(2, 14).order(ByteOrder.LITTLE_ENDIAN);

        assertThat(SiteKey.of(slice)).isEqualTo(key("name of a site")).hasSameHashCodeAs(key("name of a site"));
        assertThat(slice.position()).isZero();
        assertThat(key("name of a site")).isNotEqualTo(key("name of a sitf"));
    }

    /** "Aa" and "BB" have the same {@code Arrays.hashCode}, and so has each sequence of them with each other. */
    @Test
    void aSenderCannotChooseHashes() {
        List<String> colliding = IntStream.range(0, 1 << 14)
                .mapToObj(i -> IntStream.range(0, 14)
                        .mapToObj(bit -> (i >> bit & 1) == 0 ? "Aa" : "BB")
                        .reduce("", String::concat))
                .toList();
        assertThat(colliding.stream()
                        .map(each -> Arrays.hashCode(each.getBytes(ISO_8859_1)))
                        .distinct())
                .hasSize(1);

        assertThat(colliding.stream().map(each -> key(each).hashCode()).distinct())
                .hasSizeGreaterThan(colliding.size() - 100);
    }

    /** Hash codes that depend on the bytes alone could be found out by the sender, in its own JVM. */
    @Test
    void hashCodesDependOnNumbersOfThisJvm() throws Exception {
        Class<?> ofAnotherJvm = new ClassLoader(null) {
            @Override
            protected Class<?> findClass(String name) throws ClassNotFoundException {
                try (var bytes = SiteKeyTest.class.getResourceAsStream("SiteKey.class")) {
                    byte[] file = requireNonNull(bytes).readAllBytes();
                    return defineClass(name, file, 0, file.length);
                } catch (IOException e) {
                    throw new ClassNotFoundException(name, e);
                }
            }
        }.loadClass(SiteKey.class.getName());
        Method of = ofAnotherJvm.getDeclaredMethod("of", ByteBuffer.class);
        of.setAccessible(true);

        List<String> names = List.of("", "a", "name of a site", "x".repeat(1000));
        assertThat(names)
                .anyMatch(each -> key(each).hashCode() != hash(of, ByteBuffer.wrap(each.getBytes(ISO_8859_1))));
    }

    private static int hash(Method of, ByteBuffer bytes) {
        try {
            return of.invoke(null, bytes).hashCode();
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(String.valueOf(of), e);
        }
    }

    /** A hash map makes a tree of keys with the same hash if they have an order, and else compares each with all. */
    @Test
    void keysWithTheSameHashAreFoundByTheirOrder() {
        Set<SiteKey> keys = new HashSet<>();
        for (int i = 0; i < 100_000; i++) {
            keys.add(new SiteKey(42, ByteBuffer.allocate(Integer.BYTES).putInt(0, i)));
        }

        assertThat(keys).hasSize(100_000);
        assertThat(key("a")).isLessThan(key("b")).isEqualByComparingTo(key("a"));
    }
}
