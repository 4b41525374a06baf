package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(10)
class FileHandlesTest {

    @TempDir
    Path folder = Path.of("");

    @Test
    void theLimitIsTheSoftOne() throws Exception {
        Path limits = Files.writeString(folder.resolve("limits"), """
            Limit                     Soft Limit           Hard Limit           Units
            Max open files            1024                 524288               files
            Max locked memory         8388608              8388608              bytes
            """);
        assertThat(FileHandles.most(limits)).hasValue(1024);
    }

    @Test
    void thereMayBeNoLimitOrNoneThatIsKnown() throws Exception {
        Path limits = Files.writeString(
                folder.resolve("limits"),
                "Max open files            unlimited            unlimited            files\n");
        assertThat(FileHandles.most(limits)).isEmpty();
        assertThat(FileHandles.most(folder.resolve("missing"))).isEmpty();
    }
}
