package dev.trestle.processpool;

import dev.trestle.processpool.jvm.Jail;
import dev.trestle.processpool.jvm.JailSupport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The isolation of a pool's workers from the machine, for code and input that are not trusted. Linux only: bubblewrap
 * makes it of namespaces of the kernel. Immutable.
 *
 * {@snippet class="dev.trestle.processpool.SandboxTest" region="sandbox"}
 *
 * <p>A worker in a {@link #strict} sandbox sees its Java runtime, its class path, the system's programs and libraries,
 * all of them read-only, and an empty temporary directory of limited size, in which its home is. It has no network, no
 * environment variables of the program, no processes but its own, and no privileges. It ends with the program, and all
 * that it has started ends with it. The {@code with} methods open the sandbox where a call needs more.
 *
 * <p>A worker in a sandbox always has limits, also where the pool sets none: 512 MiB of {@link ProcessPool.Builder#heap
 * heap}, 512 MiB more of {@link ProcessPool.Builder#memoryLimit memory} in all, 256 {@link
 * ProcessPool.Builder#processLimit processes and threads}, and 256 MiB for the largest {@link
 * ProcessPool.Builder#fileSizeLimit file}. Processes and threads are those of the sandbox only, and the limit binds
 * root too: the system refuses to start more, or the worker that has more is killed. Time has no limit: set {@link
 * ProcessPool.Builder#callTimeout}.
 *
 * <p>A pool is never open without a word: where no sandbox can be made, the constructor of the pool fails, and says
 * what to install or to allow. {@link #support} tells that beforehand.
 *
 * @see ProcessPool.Builder#sandbox
 */
public final class Sandbox {

    private static final Sandbox STRICT = new Sandbox(Jail.STRICT);

    private final Jail jail;

    private Sandbox(Jail jail) {
        this.jail = jail;
    }

    /**
     * Returns the sandbox that shows and allows the least.
     *
     * @return the sandbox
     */
    public static Sandbox strict() {
        return STRICT;
    }

    /**
     * Shows a file, or a directory with everything in it, to workers. They cannot change it, but can connect to sockets
     * in it.
     *
     * @param path the path, which is the same in the sandbox
     * @return a sandbox that has it
     * @throws IllegalArgumentException if it would replace the root, or {@code /proc}, {@code /dev} or {@code /sys}
     */
    public Sandbox withReadable(Path path) {
        return new Sandbox(new Jail(
                with(jail.readable(), path),
                jail.writable(),
                jail.network(),
                jail.environment(),
                jail.temporaryBytes()));
    }

    /**
     * Lets workers change a file, or a directory with everything in it. Files that they write there stay, and the size
     * of a directory has no limit.
     *
     * @param path the path, which is the same in the sandbox
     * @return a sandbox that has it
     * @throws IllegalArgumentException if it would replace the root, or {@code /proc}, {@code /dev} or {@code /sys}
     */
    public Sandbox withWritable(Path path) {
        return new Sandbox(new Jail(
                jail.readable(),
                with(jail.writable(), path),
                jail.network(),
                jail.environment(),
                jail.temporaryBytes()));
    }

    /**
     * Gives workers the network of the program, and the files by which the system looks up names. They can connect to
     * everything that the program can connect to, services of this machine included.
     *
     * @return a sandbox that has it
     */
    public Sandbox withNetwork() {
        return new Sandbox(new Jail(jail.readable(), jail.writable(), true, jail.environment(), jail.temporaryBytes()));
    }

    /**
     * Gives workers an environment variable of the program, if the program has it. What
     * {@link ProcessPool.Builder#environment} adds they have in any case.
     *
     * @param name the name of the variable
     * @return a sandbox that has it
     * @throws IllegalArgumentException if no variable can have that name
     */
    public Sandbox withEnvironment(String name) {
        if (name.isBlank() || name.indexOf('=') >= 0) {
            throw new IllegalArgumentException("No environment variable can have the name '" + name + "'");
        }
        Set<String> names = new HashSet<>(jail.environment());
        names.add(name);
        return new Sandbox(new Jail(jail.readable(), jail.writable(), jail.network(), names, jail.temporaryBytes()));
    }

    /**
     * Sets the size of the worker's own temporary directory, {@code /tmp}, which is in memory and ends with the worker;
     * 256 MiB if not set. It counts in addition to the memory.
     *
     * @param bytes the size in bytes
     * @return a sandbox that has this size
     * @throws IllegalArgumentException if it is less than 1 MiB
     */
    public Sandbox withTemporarySpace(long bytes) {
        if (bytes < 1 << 20) {
            throw new IllegalArgumentException("A temporary directory needs 1 MiB at least, in bytes: " + bytes);
        }
        return new Sandbox(new Jail(jail.readable(), jail.writable(), jail.network(), jail.environment(), bytes));
    }

    private static List<Path> with(List<Path> paths, Path path) {
        Path absolute = path.toAbsolutePath().normalize();
        Jail.checkPlace(absolute);
        var all = new ArrayList<>(paths);
        all.add(absolute);
        return all;
    }

    /**
     * The answer to whether sandboxes can be made on this machine by this user.
     *
     * @param isAvailable whether they can
     * @param reason the reason why they cannot, with what to install or to allow; empty if they can
     */
    public record Support(boolean isAvailable, String reason) {}

    /**
     * Tries to make a sandbox. Takes some tens of milliseconds, until it has succeeded once.
     *
     * @return whether that has succeeded, and if not, what to do about it
     */
    public static Support support() {
        return JailSupport.objection().map(reason -> new Support(false, reason)).orElseGet(() -> new Support(true, ""));
    }

    Jail jail() {
        return jail;
    }

    @Override
    public String toString() {
        return "Sandbox[readable=" + jail.readable() + ", writable=" + jail.writable() + ", network=" + jail.network()
                + ", environment=" + jail.environment() + ", temporarySpace=" + jail.temporaryBytes() + "]";
    }
}
