package dev.trestle.loop;

import static dev.trestle.loop.Async.sleep;
import static java.time.Duration.ofHours;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The effects of a real SIGINT, the first and the second. */
@Timeout(60)
class SigintHandlerTest {

    private static final Path ENV = Path.of("/usr/bin/env");

    @BeforeAll
    static void thereAreSignals() {
        assumeTrue(Files.isExecutable(ENV), "needs kill and env");
    }

    @Test
    void theFirstSigintLetsTheMainTaskCleanUp() throws Exception {
        try (var program = new Program(CleansUp.class)) {
            program.awaitLine("ready");
            program.interrupt();

            assertThat(program.rest()).containsExactly("child cleaned up", "main cleaned up");
            assertThat(program.exitCode()).isEqualTo(130);
        }
    }

    static final class CleansUp {
        public static void main(String[] args) {
            EventLoop.run(() -> {
                try (var _ = new Farewell("main cleaned up")) {
                    TaskGroup.run(group -> {
                        group.createTask(() -> {
                            try (var _ = new Farewell("child cleaned up")) {
                                IO.println("ready");
                                sleep(ofHours(1));
                            }
                        });
                    });
                }
            });
            IO.println("not reached");
        }
    }

    private record Farewell(String text) implements AutoCloseable {
        @Override
        public void close() {
            IO.println(text);
        }
    }

    @Test
    void theSecondOneEndsAProgramThatGoesOn() throws Exception {
        try (var program = new Program(GoesOn.class)) {
            program.awaitLine("ready");
            program.interrupt();
            program.awaitLine("going on");
            program.interrupt();

            assertThat(program.rest()).isEmpty();
            assertThat(program.exitCode()).isEqualTo(130);
        }
    }

    static final class GoesOn {
        public static void main(String[] args) {
            EventLoop.run(() -> {
                try {
                    IO.println("ready");
                    sleep(ofHours(1));
                } catch (CancelledError e) {
                    IO.println("going on");
                    sleep(ofHours(1));
                }
            });
        }
    }

    @Test
    void aProgramMayCatchItAndIsInterruptedAgainInItsNextRun() throws Exception {
        try (var program = new Program(CatchesIt.class)) {
            for (int run = 1; run <= 2; run++) {
                program.awaitLine("ready");
                program.interrupt();
                program.awaitLine("Ctrl-C was pressed: the main coroutine was cancelled, and has ended");
            }
            assertThat(program.rest()).containsExactly("end");
            assertThat(program.exitCode()).isZero();
        }
    }

    static final class CatchesIt {
        public static void main(String[] args) {
            try (var runner = new Runner()) {
                for (int run = 1; run <= 2; run++) {
                    try {
                        runner.run(() -> {
                            IO.println("ready");
                            sleep(ofHours(1));
                        });
                    } catch (KeyboardInterrupt e) {
                        IO.println(e.getMessage());
                    }
                }
            }
            IO.println("end");
        }
    }

    @Test
    void onAnotherThreadThanMainItEndsTheProgramAtOnce() throws Exception {
        try (var program = new Program(OnAnotherThread.class)) {
            program.awaitLine("ready");
            program.interrupt();

            assertThat(program.rest()).isEmpty();
            assertThat(program.exitCode()).isEqualTo(130);
        }
    }

    static final class OnAnotherThread {
        public static void main(String[] args) {
            Thread.ofPlatform().start(() -> CleansUp.main(args));
        }
    }

    @Test
    void aHandlerOfTheProgramsOwnIsLeftAlone() throws Exception {
        try (var program = new Program(HandlesItself.class)) {
            program.awaitLine("ready");
            program.interrupt();

            assertThat(program.rest()).containsExactly("handled by the program");
            assertThat(program.exitCode()).isEqualTo(7);
        }
    }

    static final class HandlesItself {
        public static void main(String[] args) throws Exception {
            var type = Class.forName("sun.misc.SignalHandler");
            Object handler = java.lang.reflect.Proxy.newProxyInstance(
                    type.getClassLoader(), new Class<?>[] {type}, (_, _, _) -> {
                        IO.println("handled by the program");
                        Runtime.getRuntime().halt(7);
                        return null;
                    });
            Class<?> signal = Class.forName("sun.misc.Signal");
            signal.getMethod("handle", signal, type)
                    .invoke(null, signal.getConstructor(String.class).newInstance("INT"), handler);
            EventLoop.run(() -> {
                IO.println("ready");
                sleep(ofHours(1));
            });
        }
    }

    @Test
    void withoutSunMiscSignalAProgramRunsAndTheFirstOneEndsIt() throws Exception {
        try (var program = new Program(CleansUp.class, "--limit-modules=java.base")) {
            program.awaitLine("ready");
            program.interrupt();

            assertThat(program.rest()).isEmpty();
            assertThat(program.exitCode()).isEqualTo(130);
        }
    }

    /** A JVM that runs a program, and takes SIGINT even if this one was started with it ignored. */
    private static final class Program implements AutoCloseable {

        private final Process process;
        private final BufferedReader out;

        Program(Class<?> main, String... options) throws IOException {
            var command = new ArrayList<String>();
            if (System.getProperty("os.name").equals("Linux")) {
                command.addAll(List.of(ENV.toString(), "--default-signal=INT"));
            }
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            command.addAll(List.of(options));
            command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
            this.process = new ProcessBuilder(command).redirectErrorStream(true).start();
            this.out = process.inputReader();
        }

        void awaitLine(String expected) throws IOException {
            assertThat(out.readLine()).isEqualTo(expected);
        }

        void interrupt() throws Exception {
            int code = new ProcessBuilder("kill", "-INT", String.valueOf(process.pid()))
                    .start()
                    .waitFor();
            assertThat(code).isZero();
        }

        /** Returns what the program, which ends, still prints, standard error included. */
        List<String> rest() throws IOException {
            return out.readAllLines();
        }

        int exitCode() throws InterruptedException {
            return process.waitFor();
        }

        @Override
        public void close() throws Exception {
            process.destroyForcibly().waitFor();
        }
    }
}
