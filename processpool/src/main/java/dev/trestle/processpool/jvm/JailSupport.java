package dev.trestle.processpool.jvm;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The answer to whether this machine lets this program make jails, found out by making one. Thread-safe. */
public final class JailSupport {

    private static final long LIMIT_SECONDS = 20;

    private static final String USE_ANOTHER = " Without that, run the whole program in a container or in a virtual"
            + " machine, and its pools without a sandbox.";

    /** True when a jail has been made: what the machine allows once, it usually goes on to allow. */
    private static volatile boolean works;

    private JailSupport() {}

    /** Returns why no jail can be made here, and what to install or to allow; empty if jails can be made. */
    public static Optional<String> objection() {
        if (works) {
            return Optional.empty();
        }
        Optional<String> objection = tried();
        works = objection.isEmpty();
        return objection;
    }

    private static Optional<String> tried() {
        String system = System.getProperty("os.name");
        if (!system.startsWith("Linux")) {
            return Optional.of(
                    "Sandboxes are made by bubblewrap, which is for Linux, and this is " + system + "." + USE_ANOTHER);
        }
        if (Launcher.find(Bubblewrap.PROGRAM).isEmpty()) {
            return Optional.of("Sandboxes are made by bubblewrap, and there is no program 'bwrap' in the PATH: install"
                    + " the package bubblewrap (apt-get install bubblewrap, dnf install bubblewrap, apk add"
                    + " bubblewrap).");
        }
        try {
            var builder = new ProcessBuilder(Bubblewrap.trial()).redirectErrorStream(true);
            builder.environment().clear();
            Process trial = builder.start();
            try {
                trial.getOutputStream().close();
                String said = new String(trial.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
                if (!trial.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                    return Optional.of("bubblewrap has not made a sandbox within " + LIMIT_SECONDS + " seconds.");
                }
                return trial.exitValue() == 0 ? Optional.empty() : Optional.of(explained(said, trial.exitValue()));
            } finally {
                trial.destroyForcibly();
            }
        } catch (IOException e) {
            return Optional.of("bubblewrap cannot be started: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.of("This thread was interrupted while it tried to make a sandbox.");
        }
    }

    private static String explained(String said, int exitCode) {
        boolean container = Files.exists(Path.of("/.dockerenv"))
                || Files.exists(Path.of("/run/.containerenv"))
                || System.getenv("KUBERNETES_SERVICE_HOST") != null;
        return "bubblewrap cannot make a sandbox here: " + (said.isEmpty() ? "exit code " + exitCode : said) + ". "
                + remedy(said, Path.of("/proc/sys"), container, Nesting.depth());
    }

    /**
     * Returns the remedy: the package to install, or the setting to allow.
     *
     * @param said the output of bubblewrap
     * @param settings the directory in which the kernel shows its settings
     * @param container whether this program runs in a container
     * @param depth the depth of this JVM among workers
     */
    static String remedy(String said, Path settings, boolean container, int depth) {
        if (said.contains("Unknown option")) {
            return "It is too old: version 0.8 or later is needed, which Debian 12 and Ubuntu 24.04 have.";
        }
        if (said.contains("execvp")) {
            return "Sandboxes need the programs prlimit and true: install the packages util-linux and coreutils.";
        }
        if (said.contains("max_*_namespaces")
                || setting(settings, "user/max_user_namespaces").equals("0")) {
            return depth > 0
                    ? "This program is a worker, probably in a sandbox of its own, in which no other can be made: open"
                            + " the pool in the program, and submit from there."
                    : "The kernel allows no user namespaces: allow them with sysctl -w user.max_user_namespaces=10000,"
                            + " and for the next start in a file of /etc/sysctl.d." + USE_ANOTHER;
        }
        if (setting(settings, "kernel/unprivileged_userns_clone").equals("0")) {
            return "The kernel allows user namespaces to root only: allow them with sysctl -w"
                    + " kernel.unprivileged_userns_clone=1, and for the next start in a file of /etc/sysctl.d."
                    + USE_ANOTHER;
        }
        if (setting(settings, "kernel/apparmor_restrict_unprivileged_userns").equals("1")) {
            return "AppArmor allows user namespaces only to programs with a profile that says so, as on Ubuntu since"
                    + " 23.10. Give bubblewrap one, in the file /etc/apparmor.d/bwrap: abi <abi/4.0>, include"
                    + " <tunables/global> profile bwrap /usr/bin/bwrap flags=(unconfined) { userns, } and load it with"
                    + " apparmor_parser -r /etc/apparmor.d/bwrap. Or allow them to all programs with sysctl -w"
                    + " kernel.apparmor_restrict_unprivileged_userns=0." + USE_ANOTHER;
        }
        if (container) {
            return "This program runs in a container, which may not make namespaces or mount /proc unless it is"
                    + " allowed to: docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined"
                    + " --security-opt systempaths=unconfined, or podman run --security-opt seccomp=unconfined"
                    + " --security-opt unmask=ALL." + USE_ANOTHER;
        }
        return "This user may have to be allowed to make user, PID, network and mount namespaces, by a setting of the"
                + " kernel, of a security module, or of the container that this program runs in." + USE_ANOTHER;
    }

    private static String setting(Path settings, String name) {
        try {
            return Files.readString(settings.resolve(name)).strip();
        } catch (IOException e) {
            return ""; // this kernel does not have it
        }
    }
}
