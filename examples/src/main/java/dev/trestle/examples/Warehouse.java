package dev.trestle.examples;

import static dev.trestle.loop.Async.sleep;
import static java.time.Duration.ofSeconds;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopCondition;
import dev.trestle.loop.TaskGroup;

/** Customers that wait for a condition, enough stock for their order; every delivery signals the condition. */
final class Warehouse {

    private final LoopCondition delivered = new LoopCondition();
    private int stock;

    private Warehouse() {}

    static void main(String[] args) {
        EventLoop.run(() -> {
            var warehouse = new Warehouse();
            TaskGroup.run(group -> {
                group.createTask(() -> warehouse.buy("Ada", 5));
                group.createTask(() -> warehouse.buy("Brook", 2));
                for (int i = 0; i < 3; i++) {
                    sleep(ofSeconds(1));
                    warehouse.deliver(3);
                }
            });
            IO.println("left: " + warehouse.stock);
        });
    }

    private void buy(String customer, int pieces) {
        delivered.acquire();
        try {
            delivered.waitFor(() -> stock >= pieces);
            stock -= pieces;
            IO.println(customer + " bought " + pieces + ", left: " + stock);
        } finally {
            delivered.release();
        }
    }

    private void deliver(int pieces) {
        delivered.acquire();
        try {
            stock += pieces;
            IO.println("delivered " + pieces + ", now: " + stock);
            delivered.signalAll();
        } finally {
            delivered.release();
        }
    }
}
