package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The reasons and remedies for a program on a machine where no sandbox can be made. */
@Timeout(30)
class JailSupportTest {

    @TempDir
    Path settings = Path.of("");

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "user/max_user_namespaces | 0 | sysctl -w user.max_user_namespaces=10000",
                "kernel/unprivileged_userns_clone | 0 | sysctl -w kernel.unprivileged_userns_clone=1",
                "kernel/apparmor_restrict_unprivileged_userns | 1 | /etc/apparmor.d/bwrap"
            })
    void theSettingThatForbidsItIsNamed(String setting, String value, String remedy) throws Exception {
        Files.createDirectories(settings.resolve(setting).getParent());
        Files.writeString(settings.resolve(setting), value + "\n");

        assertThat(JailSupport.remedy("bwrap: Operation not permitted", settings, true, 0))
                .contains(remedy);
        Files.writeString(settings.resolve(setting), (1 - Integer.parseInt(value)) + "\n");
        assertThat(JailSupport.remedy("bwrap: Operation not permitted", settings, true, 0))
                .doesNotContain(remedy)
                .contains("docker run --security-opt seccomp=unconfined");
    }

    @ParameterizedTest
    @CsvSource({
        "bwrap: Unknown option --disable-userns, version 0.8 or later is needed",
        "bwrap: execvp prlimit: No such file or directory, util-linux",
        "bwrap: Something else, allowed to make user"
    })
    void messagesOfBubblewrapAreExplained(String said, String remedy) {
        assertThat(JailSupport.remedy(said, settings, false, 0)).contains(remedy);
    }

    @Test
    void aWorkerIsToldThatItMayBeInASandboxItself() throws Exception {
        Files.createDirectories(settings.resolve("user"));
        Files.writeString(settings.resolve("user/max_user_namespaces"), "0\n");

        assertThat(JailSupport.remedy("bwrap: No space left on device", settings, false, 1))
                .contains("probably in a sandbox of its own");
    }
}
