package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.trestle.api.Call;
import dev.trestle.api.ConcurrentFuture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Large arrays on their way while workers are killed: a call has its result with all its bytes, or fails. Few by
 * default; CONTRIBUTING.md has the command for many.
 */
@Timeout(3600)
@ExtendWith(NothingLeft.class)
class TransferStormTest {

    private static final int KILLS = Integer.getInteger("trestle.storm.transfers", 10);
    private static final long SEED = Long.getLong("trestle.storm.seed", 20261128);
    private static final int LARGEST = 4 << 20;

    private final SplittableRandom random = new SplittableRandom(SEED);

    private static long rings() throws IOException {
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            return maps.filter(each -> each.contains(".ring")).count();
        }
    }

    @Test
    void largeArraysGoThroughTheRing() {
        try (var pool = TestPools.of(1)) {
            assertThat(pool.submit(() -> rings()).result()).isEqualTo(1);
            assertThat(rings()).isPositive();
        } catch (IOException e) {
            fail(e);
        }
    }

    @Test
    void aWorkerInASandboxHasNoRingAndItsArraysArrive() {
        Jails.assume();
        try (var pool = TestPools.builder(1).sandbox(Sandbox.strict()).build()) {
            assertThat(pool.submit(() -> rings()).result()).isZero();
            byte[] data = bytes(3_000_001);
            assertThat(pool.submit(() -> data).result()).isEqualTo(data);
        }
    }

    private byte[] bytes(int length) {
        var data = new byte[length];
        random.nextBytes(data);
        return data;
    }

    @Test
    void aKilledWorkerSendsNoWrongByte() {
        int whole = 0;
        int died = 0;
        try (var pool = TestPools.of(2)) {
            for (int kills = 0; kills < KILLS; kills++) {
                byte[] data = bytes(random.nextInt(LARGEST));
                Call<byte[]> echo = () -> data;
                ConcurrentFuture<byte[]> first = pool.submit(echo);
                ConcurrentFuture<byte[]> second = pool.submit(echo);
                LockSupport.parkNanos(random.nextLong(5_000_000));
                pool.workerPids().stream()
                        .skip(random.nextInt(2))
                        .findFirst()
                        .flatMap(ProcessHandle::of)
                        .ifPresent(ProcessHandle::destroyForcibly);
                for (ConcurrentFuture<byte[]> each : List.of(first, second)) {
                    if (each.exception().isEmpty()) {
                        assertThat(Arrays.equals(each.result(), data))
                                .as("%d bytes, seed %d", data.length, SEED)
                                .isTrue();
                        whole++;
                    } else {
                        assertThat(each.exception().get()).isInstanceOf(WorkerDiedException.class);
                        died++;
                    }
                }
            }
        }
        System.out.printf("storm of transfers: %d kills, %d arrived, %d lost their workers%n", KILLS, whole, died);
    }
}
