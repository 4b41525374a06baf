package dev.trestle.processpool.child;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The collections of idle workers; each look stands for some seconds. */
@Timeout(30)
class IdleHeapTest {

    private static final long MIB = 1L << 20;

    private long lastCall;
    private long heap = 500 * MIB;
    private final long live = 100 * MIB;
    private int collections;
    private final IdleHeap idleHeap = new IdleHeap(null) {
        @Override
        long idleAfter() {
            return lastCall;
        }

        @Override
        long heapBytes() {
            return heap;
        }

        @Override
        void collect() {
            collections++;
            heap = live;
        }
    };

    private void idle() {
        idleHeap.look();
        idleHeap.look();
    }

    @Test
    void aWorkerThatIsIdleCollectsOnce() {
        lastCall = 1;
        idleHeap.look();
        assertThat(collections).as("a call may just have ended").isZero();
        idleHeap.look();
        assertThat(collections).isEqualTo(1);
        idle();
        assertThat(collections).isEqualTo(1);
    }

    @Test
    void aWorkerThatRunsCallsDoesNotCollect() {
        for (lastCall = 1; lastCall < 5; lastCall++) {
            idleHeap.look();
        }
        lastCall = IdleHeap.BUSY;
        idle();
        assertThat(collections).isZero();
    }

    @Test
    void aWorkerThatHasRunNothingOrIsSmallDoesNotCollect() {
        idle();
        assertThat(collections).isZero();
        heap = 64 * MIB;
        lastCall = 1;
        idle();
        assertThat(collections).isZero();
    }

    /** Without this, rare calls would wait for the collection of a large model each time. */
    @Test
    void aWorkerCollectsAgainOnlyWhenItsHeapHasGrownByHalf() {
        lastCall = 1;
        idle();
        heap = 150 * MIB;
        lastCall = 2;
        idle();
        assertThat(collections).isEqualTo(1);
        heap = 151 * MIB;
        lastCall = 3;
        idle();
        assertThat(collections).isEqualTo(2);
    }
}
