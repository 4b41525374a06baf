package dev.trestle.loop;

/** The clock of the machine. */
enum SystemClock implements LoopClock {
    INSTANCE;

    @Override
    public long nanos() {
        return System.nanoTime();
    }

    @Override
    public boolean jumpTo(long nanos) {
        return false;
    }
}
