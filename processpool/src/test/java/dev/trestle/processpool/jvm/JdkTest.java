package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "Java cannot tell its files apart")
class JdkTest {

    @TempDir
    Path folder = Path.of("");

    @Test
    void theSameLauncherIsNoNews() throws IOException {
        Jdk jdk = Jdk.at(Files.writeString(folder.resolve("java"), "the old one"));

        assertThat(jdk.ifReplaced()).isEmpty();
    }

    @Test
    void anotherLauncherInItsPlaceIsSaidSo() throws IOException {
        Path launcher = Files.writeString(folder.resolve("java"), "the old one");
        Jdk jdk = Jdk.at(launcher);
        Path upgrade = Files.writeString(folder.resolve("java.new"), "the new one");
        Files.move(upgrade, launcher, StandardCopyOption.REPLACE_EXISTING);

        assertThat(jdk.ifReplaced())
                .isEqualTo(" The JDK of " + launcher + " has been replaced since this pool was created, while the"
                        + " program still runs on the old one: restart the program.");
    }

    @Test
    void aLauncherThatIsGoneIsSaidSo() throws IOException {
        Path launcher = Files.writeString(folder.resolve("java"), "the old one");
        Jdk jdk = Jdk.at(launcher);
        Files.delete(launcher);

        assertThat(jdk.ifReplaced()).contains("has been replaced");
    }

    @Test
    void nothingIsSaidWithoutAFileKey() {
        assertThat(Jdk.at(folder.resolve("none")).ifReplaced()).isEmpty();
    }
}
