package dev.trestle.integration;

import dev.trestle.processpool.ProcessPool;
import dev.trestle.processpool.Sandbox;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.LoggerFactory;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** The computations of the service; each answer is a text. */
@RestController
class Controller {

    private final ProcessPool pool;

    Controller(ProcessPool pool) {
        this.pool = pool;
    }

    record Order(String customer, List<Integer> items, Optional<String> note) {}

    @GetMapping("/list")
    String list() {
        return pool.submit(() -> List.of(1, "two", 3L)).result().toString();
    }

    /** A captured record, and a record as the result. */
    @GetMapping("/record")
    String record(@RequestParam("customer") String customer) {
        var order = new Order(customer, List.of(1, 2), Optional.empty());
        return pool.submit(() -> new Order(order.customer(), order.items(), Optional.of("checked")))
                .result()
                .toString();
    }

    @GetMapping("/map")
    String map() {
        try (Stream<Order> orders = pool.map(Controller::priced, List.of(of(1), of(2), of(3)))) {
            return orders.map(order -> order.note().orElse("")).collect(Collectors.joining(","));
        }
    }

    private static Order of(int item) {
        return new Order("c", List.of(item), Optional.empty());
    }

    private static Order priced(Order order) {
        return new Order(order.customer(), order.items(), Optional.of("price of " + order.items()));
    }

    @GetMapping("/failure")
    String failure() {
        try {
            return pool.submit(() -> Integer.parseInt("no number")).result().toString();
        } catch (NumberFormatException e) {
            return e.getMessage();
        }
    }

    /** A call that logs, as the code of a service does. */
    @GetMapping("/log")
    String log() {
        return pool.submit(() -> {
                    LoggerFactory.getLogger("shop.Orders").debug("too much");
                    LoggerFactory.getLogger("shop.Orders").warn("nearly sold out");
                    return "logged";
                })
                .result();
    }

    /** A program of the application, which a pool runs. */
    static final class Tool {

        private Tool() {}

        /** Prints its arguments as an order. */
        @SuppressWarnings("SystemOut") // what a tool does
        public static void main(String[] arguments) {
            System.out.print(new Order(arguments[0], List.of(arguments.length), Optional.empty()));
            System.exit(3);
        }
    }

    /** A call and a program in a sandbox, which hides a file of the application; or the reason why there is none. */
    @GetMapping("/jail")
    String jail(@RequestParam("file") String file) {
        Sandbox.Support support = Sandbox.support();
        if (!support.isAvailable()) {
            return support.reason();
        }
        try (var jailed = ProcessPool.builder()
                .workers(1)
                .heap(64L << 20)
                .sandbox(Sandbox.strict())
                .build()) {
            Order hidden = jailed.submit(() -> new Order(
                            "c", List.of(), Optional.of(Files.exists(Path.of(file)) ? "it is seen" : "it is hidden")))
                    .result();
            return hidden.note().orElse("") + "; "
                    + jailed.runMain(Tool.class, "me").result();
        }
    }

    /** A call that says when it has begun, and ends when it is told to. */
    @GetMapping("/slow")
    String slow(@RequestParam("folder") String folder) {
        return pool.submit(() -> untilTold(Path.of(folder))).result();
    }

    private static String untilTold(Path folder) throws IOException, InterruptedException {
        Files.createFile(folder.resolve("begun"));
        while (!Files.exists(folder.resolve("end"))) {
            Thread.sleep(10);
        }
        return "finished";
    }
}
