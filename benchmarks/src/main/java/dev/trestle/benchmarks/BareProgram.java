package dev.trestle.benchmarks;

import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The bare cost of a JVM's start and of a message between two JVMs, which is the lower limit of a process pool: a
 * Unix-domain socket, frames of a length and as many bytes, which the other side reads whole and writes back.
 */
final class BareProgram {

    private BareProgram() {}

    public static void main(String[] wanted) throws Exception {
        new Program()
                .least("start to first result", "ms", 10, BareProgram::start)
                .least("start to first result, processor time", "ms", 1, BareProgram::processorTimeOfStart)
                .least("round trip, blocked", "us", ProcessProgram.POOLS, () -> roundTrips(false, 64, 10_000, 8) / 1e3)
                .least("round trip, awaited", "us", ProcessProgram.POOLS, () -> roundTrips(true, 64, 10_000, 8) / 1e3)
                .least("payload of 1 bytes", "ns", 1, () -> roundTrips(false, 1, 5_000, 5))
                .least("payload of 1024 bytes", "ns", 1, () -> roundTrips(false, 1 << 10, 5_000, 5))
                .least("payload of 65536 bytes", "ns", 1, () -> roundTrips(false, 64 << 10, 1_000, 5))
                .least("payload of 1048576 bytes", "ns", 1, () -> roundTrips(false, 1 << 20, 100, 5))
                .least("payload of 67108864 bytes", "ns", 1, () -> roundTrips(false, 64 << 20, 3, 4))
                .most("64 MB there and back", "GB/s", 1, () -> 2 * (64 << 20) / roundTrips(false, 64 << 20, 3, 5))
                .run(wanted);
    }

    private static List<String> java(Class<?> program, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
        command.addAll(List.of(arguments));
        return command;
    }

    /** Milliseconds from the start of a JVM to the first byte of its main method. */
    private static double start() throws IOException, InterruptedException {
        long begin = System.nanoTime();
        Process process = new ProcessBuilder(java(Hello.class)).start();
        process.getInputStream().read();
        double millis = (System.nanoTime() - begin) / 1e6;
        process.getOutputStream().close();
        process.waitFor();
        return millis;
    }

    /** The mean of the milliseconds of processor time of a JVM until the first byte of its main method. */
    private static double processorTimeOfStart() throws IOException, InterruptedException {
        int starts = 10;
        double millis = 0;
        for (int i = 0; i < starts; i++) {
            Process process = new ProcessBuilder(java(Hello.class)).start();
            process.getInputStream().read();
            millis += processorMillis(process.pid());
            process.getOutputStream().close();
            process.waitFor();
        }
        return millis / starts;
    }

    /** Returns the processor time of a process so far, of all its threads; the system counts hundredths of a second. */
    static double processorMillis(long pid) {
        return ProcessHandle.of(pid)
                        .flatMap(process -> process.info().totalCpuDuration())
                        .orElseThrow()
                        .toNanos()
                / 1e6;
    }

    static final class Hello {
        private Hello() {}

        public static void main(String[] arguments) throws IOException {
            System.out.write('!');
            System.out.flush();
            var _ = System.in.read(); // until the other side closes it
        }
    }

    /** Uses a connection to a JVM that sends back what it gets. */
    @FunctionalInterface
    interface WithPeer<T> {
        T use(SocketChannel channel, Process peer) throws Exception;
    }

    static <T> T withPeer(WithPeer<T> body) throws Exception {
        Path directory = Files.createTempDirectory("trestle-bare");
        Path path = directory.resolve("socket");
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(path));
            Process echo = new ProcessBuilder(java(Echo.class, path.toString()))
                    .inheritIO()
                    .start();
            try (SocketChannel channel = server.accept()) {
                return body.use(channel, echo);
            } finally {
                echo.waitFor();
            }
        } finally {
            Files.deleteIfExists(path);
            Files.delete(directory);
        }
    }

    /** The best of some repetitions, in nanoseconds for a message there and back. */
    private static double roundTrips(boolean virtual, int size, int times, int repetitions) throws Exception {
        return withPeer((channel, _) -> onThread(virtual, () -> {
            double best = Double.MAX_VALUE;
            for (int i = 0; i < repetitions; i++) {
                best = Math.min(best, roundTrips(channel, size, times));
            }
            return best;
        }));
    }

    private static double onThread(boolean virtual, Program.Measurement measurement) throws Exception {
        if (!virtual) {
            return measurement.measure();
        }
        var result = new CompletableFuture<Double>();
        Thread.startVirtualThread(() -> {
            try {
                result.complete(measurement.measure());
            } catch (Exception e) {
                result.completeExceptionally(e);
            }
        });
        return result.get();
    }

    static double roundTrips(SocketChannel channel, int size, int times) throws IOException {
        ByteBuffer frame = ByteBuffer.allocateDirect(Integer.BYTES + size);
        long begin = System.nanoTime();
        for (int i = 0; i < times; i++) {
            frame.clear();
            frame.putInt(size).position(0);
            write(channel, frame);
            frame.clear();
            readFully(channel, frame);
        }
        return (System.nanoTime() - begin) / (double) times;
    }

    private static void write(SocketChannel channel, ByteBuffer frame) throws IOException {
        while (frame.hasRemaining()) {
            channel.write(frame);
        }
    }

    private static void readFully(SocketChannel channel, ByteBuffer into) throws IOException {
        while (into.hasRemaining()) {
            if (channel.read(into) < 0) {
                throw new EOFException("The other side has gone");
            }
        }
    }

    static final class Echo {
        private Echo() {}

        public static void main(String[] arguments) throws IOException {
            try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(arguments[0]))) {
                ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 16);
                while (true) {
                    buffer.clear();
                    if (channel.read(buffer) < 0) {
                        return;
                    }
                    while (buffer.position() < Integer.BYTES) {
                        channel.read(buffer);
                    }
                    int whole = Integer.BYTES + buffer.getInt(0);
                    if (whole > buffer.capacity()) {
                        buffer = ByteBuffer.allocateDirect(whole).put(buffer.flip());
                    }
                    buffer.limit(whole);
                    readFully(channel, buffer);
                    write(channel, buffer.flip());
                }
            }
        }
    }
}
