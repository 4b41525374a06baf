package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The memory of processes, as a directory tells it that looks like /proc. */
@Timeout(30)
class ProcessMemoryTest {

    @TempDir
    Path proc = Path.of("");

    private long now;

    private void process(long pid, long anonymous, long shared, long swapped, String... childrenOfThreads)
            throws IOException {
        Path own = Files.createDirectories(proc.resolve(Long.toString(pid)));
        Files.writeString(
                own.resolve("status"),
                "Name:\tjava\nVmRSS:\t 999999 kB\nRssAnon:\t  " + anonymous + " kB\nRssFile:\t   90000 kB\nRssShmem:\t"
                        + shared + " kB\nVmData:\t  1 kB\nVmSwap:\t       " + swapped + " kB\n");
        for (int i = 0; i < childrenOfThreads.length; i++) {
            Path thread = Files.createDirectories(own.resolve("task").resolve(Long.toString(pid + i)));
            Files.writeString(thread.resolve("children"), childrenOfThreads[i]);
        }
    }

    @Test
    void heapAndNativeMemorySharedMemoryAndSwapCount() throws IOException {
        process(7, 1000, 20, 3);
        assertThat(new ProcessMemory(proc, 7, () -> now).bytes(Long.MAX_VALUE)).isEqualTo(1023 << 10);
    }

    @Test
    void theProcessesBelowItCountAndAreFoundOnceASecond() throws IOException {
        process(7, 1000, 0, 0, "", "50 60 ", "");
        process(50, 100, 0, 0, "70 ");
        process(60, 10, 0, 0);
        process(70, 1, 0, 0, "");
        var memory = new ProcessMemory(proc, 7, () -> now);
        assertThat(memory.bytes(Long.MAX_VALUE)).isEqualTo(1111 << 10);
        long reads = memory.filesRead();

        process(70, 2, 0, 0, "80 ");
        process(80, 5000, 0, 0);
        assertThat(memory.bytes(Long.MAX_VALUE)).isEqualTo(1112 << 10);
        assertThat(memory.filesRead() - reads).as("one file for each process").isEqualTo(4);
        now += TimeUnit.SECONDS.toNanos(1);
        assertThat(memory.bytes(Long.MAX_VALUE)).isEqualTo(6112 << 10);
    }

    @Test
    void sharedMemoryCountsByItsShareOnceItMatters() throws IOException {
        process(7, 1000, 600, 0);
        Files.writeString(
                proc.resolve("7/smaps_rollup"),
                "00400000-7ff rollup\nRss: 1 kB\nPss_Anon:  9 kB\nPss_Shmem:     200 kB\n");
        var memory = new ProcessMemory(proc, 7, () -> now);
        assertThat(memory.bytes(1600 << 10)).as("not above the limit").isEqualTo(1600 << 10);
        assertThat(memory.bytes(1599 << 10)).isEqualTo(1200 << 10);
        Files.delete(proc.resolve("7/smaps_rollup"));
        assertThat(memory.bytes(1599 << 10)).as("what cannot be read").isEqualTo(1600 << 10);
    }

    @Test
    void aProcessThatHasEndedHasNone() {
        assertThat(new ProcessMemory(proc, 7, () -> now).bytes(1)).isZero();
    }

    @Test
    void aSystemWithoutProcSaysWhyNothingIsKnown() throws IOException {
        assertThat(ProcessMemory.unknownBecause(proc, "Mac OS X"))
                .contains("it is read from /proc, which only Linux has, and this is Mac OS X");
        assertThat(ProcessMemory.unknownBecause(proc, "Linux").orElseThrow()).contains("self/status cannot be read: ");
        Files.createDirectories(proc.resolve("self"));
        Files.writeString(proc.resolve("self/status"), "Name:\tjava\nVmRSS:\t 1 kB\n");
        assertThat(ProcessMemory.unknownBecause(proc, "Linux").orElseThrow()).contains("(RssAnon)");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void thisProcessHasMemory() {
        assertThat(ProcessMemory.unknownBecause()).isEmpty();
        long bytes = new ProcessMemory(ProcessHandle.current().pid(), System::nanoTime).bytes(Long.MAX_VALUE);
        assertThat(bytes).isBetween(8L << 20, Runtime.getRuntime().maxMemory() + (2L << 30));
    }

    @Test
    void amountsAreRoundedToMebibytes() {
        assertThat(ProcessMemory.mebibytes(812L << 20)).isEqualTo("812 MiB");
        assertThat(ProcessMemory.mebibytes((1 << 20) + 1)).isEqualTo("1 MiB");
        assertThat(ProcessMemory.mebibytes((3 << 19) + 1)).isEqualTo("2 MiB");
    }
}
