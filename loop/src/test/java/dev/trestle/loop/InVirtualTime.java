package dev.trestle.loop;

import java.util.ArrayList;
import java.util.List;

/** A test whose loops run in virtual time, and that notes what happens in which order. */
abstract class InVirtualTime {

    final VirtualClock clock = new VirtualClock();
    final List<String> trail = new ArrayList<>();

    /** Runs a program as it is, in a loop of its own. */
    final void run(Action main) {
        new LoopOptions().withClock(clock).runAsDefaults(() -> EventLoop.run(main));
    }
}
