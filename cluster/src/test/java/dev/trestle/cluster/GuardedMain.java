package dev.trestle.cluster;

import java.io.IOException;

/** Runs a member that ends when its standard input does: a test that is killed leaves none behind. */
final class GuardedMain {

    private GuardedMain() {}

    public static void main(String[] arguments) throws InterruptedException {
        Thread.ofPlatform().daemon().name("guard").start(() -> {
            try {
                while (System.in.read() >= 0) {
                    // the parent lives
                }
            } catch (IOException e) {
                // it does not
            }
            Runtime.getRuntime().halt(9);
        });
        Main.main(arguments);
    }
}
