package dev.trestle.examples;

import static dev.trestle.loop.Async.sleep;
import static dev.trestle.loop.Async.yieldNow;
import static java.time.Duration.ofSeconds;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopEvent;
import dev.trestle.loop.LoopLock;
import dev.trestle.loop.TaskGroup;

/** Runners wait for one event; at the end there is one printer, and a lock keeps their lines together. */
final class StartingGun {

    private final LoopEvent gun = new LoopEvent();
    private final LoopLock printer = new LoopLock();

    private StartingGun() {}

    static void main(String[] args) {
        EventLoop.run(() -> new StartingGun().run());
    }

    private void run() {
        TaskGroup.run(group -> {
            for (String name : new String[] {"Ada", "Brook", "Cleo"}) {
                group.createTask(() -> race(name), name);
            }
            sleep(ofSeconds(1));
            IO.println("on your marks: " + gun.waiting());
            gun.set();
        });
    }

    private void race(String name) {
        gun.await();
        printer.acquire();
        try {
            IO.println(name + " started");
            yieldNow(); // the others run here, and wait for the printer
            IO.println(name + " after " + EventLoop.getRunningLoop().time().toSeconds() + " s");
        } finally {
            printer.release();
        }
    }
}
