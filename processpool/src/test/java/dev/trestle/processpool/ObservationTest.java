package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.trestle.api.ConcurrentFuture;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import javax.management.AttributeNotFoundException;
import javax.management.InstanceNotFoundException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A pool as flight recordings and JMX show it. */
@Timeout(60)
class ObservationTest {

    @TempDir
    private Path folder;

    @Test
    void aRecordingTellsOfEachCallAndWorker() throws Exception {
        Path file = folder.resolve("recording.jfr");
        long pid;
        try (var recording = new Recording()) {
            recording.enable("dev.trestle.ProcessPoolCall").with("throttle", "off");
            recording.start();
            try (var pool = TestPools.builder(1).name("watched").build()) {
                pid = pool.submit(() -> ProcessHandle.current().pid()).result();
                assertThatThrownBy(pool.submit(() -> Integer.parseInt("x"))::result)
                        .isInstanceOf(NumberFormatException.class);
                assertThatThrownBy(pool.submit(() -> Runtime.getRuntime().halt(7))::result)
                        .isInstanceOf(WorkerDiedException.class);
                pool.submit(() -> 1, CallOptions.DEFAULT.withLabel("last")).result();
            }
            recording.stop();
            recording.dump(file);
        }
        List<RecordedEvent> events = RecordingFile.readAllEvents(file);

        assertThat(of(events, "ProcessPoolCall"))
                .extracting(each -> each.getString("outcome"))
                .containsExactly(
                        "SUCCESS",
                        NumberFormatException.class.getName(),
                        WorkerDiedException.class.getName(),
                        "SUCCESS");
        assertThat(of(events, "ProcessPoolCall")).allSatisfy(each -> {
            assertThat(each.getString("pool")).isEqualTo("watched");
            assertThat(each.getDuration("waited").plus(each.getDuration("ran"))).isLessThan(each.getDuration());
        });
        assertThat(of(events, "ProcessPoolCall"))
                .extracting(each -> each.getString("worker"))
                .containsExactly("watched-worker-1", "watched-worker-1", "", "watched-worker-2");
        assertThat(of(events, "ProcessPoolCall").getLast().getString("call")).startsWith("last (ObservationTest.");

        assertThat(of(events, "ProcessPoolWorkerStart"))
                .hasSize(2)
                .allMatch(each -> each.getBoolean("ready") && each.getDuration().isPositive());
        assertThat(of(events, "ProcessPoolWorkerStart").getFirst().getLong("pid"))
                .isEqualTo(pid);
        assertThat(of(events, "ProcessPoolWorkerEnd"))
                .extracting(each -> each.getInt("exitCode"))
                .containsExactly(7, 0);
    }

    private static List<RecordedEvent> of(List<RecordedEvent> events, String name) {
        return events.stream()
                .filter(each -> each.getEventType().getName().equals("dev.trestle." + name))
                .sorted((a, b) -> a.getEndTime().compareTo(b.getEndTime()))
                .toList();
    }

    @Test
    void aCancelledCallThatNeverBeganIsInTheRecording() throws Exception {
        Path file = folder.resolve("recording.jfr");
        String in = folder.toString();
        try (var recording = new Recording()) {
            recording.enable("dev.trestle.ProcessPoolCall").with("throttle", "off");
            recording.start();
            try (var pool = TestPools.builder(1).build()) {
                var running = pool.submit(() -> Gate.stay(in, "stays"));
                Gate.await(folder, "stays");
                ConcurrentFuture<Integer> waiting = pool.submit(() -> 1);
                waiting.cancel(false);
                assertThatThrownBy(waiting::result).isInstanceOf(CancellationException.class);
                running.cancel(true);
            }
            recording.stop();
            recording.dump(file);
        }

        assertThat(of(RecordingFile.readAllEvents(file), "ProcessPoolCall"))
                .allSatisfy(each -> assertThat(each.getString("outcome")).isEqualTo("CANCELLED"))
                .anySatisfy(
                        each -> assertThat(each.getDuration("waited")).isGreaterThanOrEqualTo(each.getDuration("ran")))
                .hasSize(2);
    }

    @Test
    void jmxShowsThePoolWhileItLives() throws Exception {
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        ObjectName name = PoolBean.name("shown, with a comma", 1);
        ObjectName twin = PoolBean.name("shown, with a comma", 2);
        try (var pool = TestPools.builder(1).name("shown, with a comma").build();
                var other = TestPools.builder(1).name("shown, with a comma").build()) {
            long pid = pool.submit(() -> ProcessHandle.current().pid()).result();
            await().until(() -> server.isRegistered(name));
            other.submit(() -> 1).result();
            await().until(() -> server.isRegistered(twin));

            assertThat(server.getAttribute(name, "Size")).isEqualTo(1);
            assertThat(server.getAttribute(name, "Submitted")).isEqualTo(1L);
            assertThat(server.getAttribute(name, "WorkerPids")).isEqualTo(new long[] {pid});
            assertThat(server.getAttributes(name, new String[] {"Completed", "Nonsense", "Alive"})
                            .asList())
                    .extracting("value")
                    .containsExactly(1L, 1);
            assertThat(server.getMBeanInfo(name).getAttributes())
                    .hasSize(ProcessPool.Statistics.class.getRecordComponents().length + 1)
                    .allMatch(each -> each.isReadable() && !each.isWritable());
            assertThatThrownBy(() -> server.getAttribute(name, "Nonsense"))
                    .isInstanceOf(AttributeNotFoundException.class)
                    .hasMessageContaining("A process pool has no attribute Nonsense; it has WorkerPids and");
        }

        assertThatThrownBy(() -> server.getAttribute(name, "Size")).isInstanceOf(InstanceNotFoundException.class);
        assertThat(server.isRegistered(twin)).isFalse();
    }
}
