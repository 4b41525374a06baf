package dev.trestle.examples;

import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.sleep;
import static java.time.Duration.ofMillis;

import dev.trestle.loop.EventLoop;
import dev.trestle.loop.LoopQueue;
import dev.trestle.loop.QueueShutDownException;
import dev.trestle.loop.TaskGroup;

/**
 * A producer fills a queue that has room for two orders; two consumers take from it, one faster than the other. The
 * producer waits where the queue is full. When every order is done the queue is shut down, which ends the consumers.
 */
final class ProducerAndConsumers {

    private final LoopQueue<String> orders = LoopQueue.fifo(2);

    private ProducerAndConsumers() {}

    static void main(String[] args) {
        EventLoop.run(() -> new ProducerAndConsumers().run());
    }

    private void run() {
        TaskGroup.run(group -> {
            group.createTask(() -> consume("fast", 100));
            group.createTask(() -> consume("slow", 250));
            for (int i = 1; i <= 6; i++) {
                orders.put("order " + i);
                print("put order " + i);
            }
            orders.join();
            print("all orders are done");
            orders.shutdown();
        });
        urgentFirst();
    }

    private void consume(String name, int millis) {
        try {
            while (true) {
                String order = orders.get();
                sleep(ofMillis(millis));
                print(name + " did " + order);
                orders.taskDone();
            }
        } catch (QueueShutDownException e) {
            print(name + " goes home");
        }
    }

    private static void urgentFirst() {
        LoopQueue<Integer> tickets = LoopQueue.priority();
        createTask(() -> {
            tickets.put(3);
            tickets.put(1);
            tickets.put(2);
        });
        IO.println("by urgency: " + tickets.get() + ", " + tickets.get() + ", " + tickets.get());
    }

    private static void print(String what) {
        IO.println(EventLoop.getRunningLoop().time().toMillis() + " ms: " + what);
    }
}
