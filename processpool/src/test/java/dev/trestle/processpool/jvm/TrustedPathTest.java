package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
@EnabledOnOs(OS.LINUX)
class TrustedPathTest {

    @TempDir
    Path folder = Path.of("");

    private Path made(String path, String mode) throws IOException {
        Path made = Files.createDirectories(folder.resolve(path));
        Files.setPosixFilePermissions(made, PosixFilePermissions.fromString(mode));
        return made;
    }

    static void giveAway(Path path) {
        try {
            Files.setAttribute(path, "unix:uid", 65_534, LinkOption.NOFOLLOW_LINKS);
        } catch (IOException e) {
            assumeTrue(false, "only root gives files away");
        }
    }

    @Test
    void aDirectoryOfThisUserBelowAStickyOneIsTrusted() throws Exception {
        assertThat(TrustedPath.objection(made("a/b", "rwxr-xr-x"))).isEmpty();
        assertThat(TrustedPath.objection(Path.of("/usr/lib"))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"rwxrwx---", "rwx----w-", "rwxrwxrwx"})
    void aDirectoryOnTheWayThatOthersMayWriteToIsNot(String mode) throws Exception {
        Path way = made("way", mode);
        Path end = made("way/a/b", "rwx------");

        assertThat(TrustedPath.objection(end)).hasValue("other users may write to " + way.toRealPath());
        assertThat(TrustedPath.objection(end.resolve("..").resolve("..").resolve("..")))
                .as("a way that leads through it and back")
                .isPresent();
    }

    @Test
    void aDirectoryOnTheWayThatBelongsToAnotherUserIsNot() throws Exception {
        Path way = made("way", "rwxr-xr-x");
        Path end = made("way/a", "rwx------");
        giveAway(way);

        assertThat(TrustedPath.objection(end))
                .hasValueSatisfying(
                        why -> assertThat(why).startsWith(way + " belongs to ").contains("this program runs as "));
    }

    @Test
    void aLinkIsAsGoodAsTheWayOnWhichItLeads() throws Exception {
        Path end = made("end", "rwx------");
        made("way", "rwxr-xr-x");
        made("open", "rwxrwxrwx");
        Files.createSymbolicLink(folder.resolve("way/relative"), Path.of("../end"));
        Files.createSymbolicLink(folder.resolve("way/absolute"), end);
        Files.createSymbolicLink(folder.resolve("open/link"), end);
        Files.createSymbolicLink(folder.resolve("way/open"), folder.resolve("open/link"));

        assertThat(TrustedPath.objection(folder.resolve("way/relative"))).isEmpty();
        assertThat(TrustedPath.objection(folder.resolve("way/absolute"))).isEmpty();
        assertThat(TrustedPath.objection(folder.resolve("way/open")))
                .hasValueSatisfying(why ->
                        assertThat(why).contains("other users may write to").endsWith("open"));
    }

    @Test
    void aLinkOfAnotherUserIsNotFollowed() throws Exception {
        Path end = made("end", "rwx------");
        Path link = Files.createSymbolicLink(folder.resolve("link"), end);
        giveAway(link);

        assertThat(TrustedPath.objection(link))
                .hasValueSatisfying(why -> assertThat(why).startsWith(link + " belongs"));
    }

    @Test
    void linksInACircleEnd() throws Exception {
        Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("link"));

        assertThat(TrustedPath.objection(link)).hasValue("the path has more than 40 links");
    }

    @Test
    void aDirectoryThatIsMissingIsNamed() {
        Path missing = folder.resolve("missing").resolve("below");

        assertThatThrownBy(() -> TrustedPath.objection(missing))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("missing");
    }
}
