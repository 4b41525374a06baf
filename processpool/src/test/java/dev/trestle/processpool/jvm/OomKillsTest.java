package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class OomKillsTest {

    @TempDir
    Path folder = Path.of("");

    @Test
    void theOomKillerIsSuspectedIfItHasKilledMeanwhile() throws IOException {
        assertThat(counted(8).suspect(counted(7)))
                .isEqualTo("probably by the kernel because memory ran out: its OOM killer has killed a process in"
                        + " that time (see"
                        + " dmesg). Have fewer workers, or let them use less, of heap or of native memory");
        assertThat(counted(8).haveGrownSince(counted(7))).isTrue();
    }

    @Test
    void aCountOfZeroIsNoSuspicion() throws IOException {
        assertThat(counted(7).suspect(counted(7)))
                .isEqualTo("by a kill -9; the kernel's OOM killer has killed no process in that time");
        assertThat(counted(7).haveGrownSince(counted(7))).isFalse();
    }

    @Test
    void withoutACountBothAreNamed() throws IOException {
        OomKills unknown = OomKills.in(folder.resolve("none"));

        assertThat(unknown.suspect(counted(7)))
                .isEqualTo("by a kill -9, or by the kernel because memory ran out (see dmesg)");
        assertThat(counted(7).suspect(unknown)).isEqualTo(unknown.suspect(unknown));
        assertThat(counted(7).haveGrownSince(unknown)).isFalse();
        assertThat(unknown.haveGrownSince(counted(7))).isFalse();
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void linuxCounts() {
        assertThat(OomKills.now().count()).isPresent();
    }

    private OomKills counted(int kills) throws IOException {
        return OomKills.in(Files.writeString(
                folder.resolve("vmstat"), "numa_foreign 9\noom_kill " + kills + "\ndrop_pagecache 3\n"));
    }
}
