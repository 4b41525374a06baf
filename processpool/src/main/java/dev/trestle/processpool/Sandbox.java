package dev.trestle.processpool;

import dev.trestle.processpool.jvm.Jail;
import dev.trestle.processpool.jvm.JailSupport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The walls around the workers of a pool, for code and input that are not trusted. Linux only: they are made by
 * bubblewrap, of namespaces of the kernel. Immutable.
 *
 * {@snippet class="dev.trestle.processpool.SandboxTest" region="sandbox"}
 *
 * <p>A worker in a {@link #strict} sandbox sees its Java runtime, its class path, the system's programs and libraries,
 * all of them read-only, and an empty temporary directory of limited size, in which its home is. It has no network, no
 * environment variables of the program, no processes but its own, no privileges, and limits for its memory, its
 * processes and its files. It ends with the program, and all that it has started ends with it. The {@code with} methods
 * open the sandbox where a call needs more.
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
                with(jail.readable(), path), jail.writable(), jail.network(), jail.environment(), jail.limits()));
    }

    /**
     * Lets workers change a file, or a directory with everything in it. What they write there stays, and the size of a
     * directory has no limit.
     *
     * @param path the path, which is the same in the sandbox
     * @return a sandbox that has it
     * @throws IllegalArgumentException if it would replace the root, or {@code /proc}, {@code /dev} or {@code /sys}
     */
    public Sandbox withWritable(Path path) {
        return new Sandbox(new Jail(
                jail.readable(), with(jail.writable(), path), jail.network(), jail.environment(), jail.limits()));
    }

    /**
     * Gives workers the network of the program, and the files by which the system looks up names. They can connect to
     * everything that the program can connect to, services of this machine included.
     *
     * @return a sandbox that has it
     */
    public Sandbox withNetwork() {
        return new Sandbox(new Jail(jail.readable(), jail.writable(), true, jail.environment(), jail.limits()));
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
        return new Sandbox(new Jail(jail.readable(), jail.writable(), jail.network(), names, jail.limits()));
    }

    /**
     * Sets the memory of a worker, with the processes that it starts; a worker that uses more is killed. The memory is
     * what is resident or swapped out and not read from files; it is measured several times a second. If not set, it
     * is the {@link ProcessPool.Builder#heap heap} of the worker and 512 MiB more. The heap of a worker in a sandbox is
     * 512 MiB if the pool does not set it.
     *
     * @param bytes the memory in bytes
     * @return a sandbox that has this limit
     * @throws IllegalArgumentException if it is less than 64 MiB, with which no JVM starts
     */
    public Sandbox withMemoryLimit(long bytes) {
        if (bytes < 64 << 20) {
            throw new IllegalArgumentException("A worker needs 64 MiB of memory at least, in bytes: " + bytes);
        }
        return with(jail.limits().withMemory(bytes));
    }

    /**
     * Sets the number of processes and threads of a worker, its JVM's own threads included; 256 if not set. The system
     * refuses to start more; if the program runs as root, for which the system does not count, a worker that has more
     * is killed.
     *
     * @param value the number
     * @return a sandbox that has this limit
     * @throws IllegalArgumentException if it is less than 32, with which no JVM starts
     */
    public Sandbox withProcessLimit(int value) {
        if (value < 32) {
            throw new IllegalArgumentException("A worker needs 32 processes and threads at least: " + value);
        }
        return with(jail.limits().withTasks(value));
    }

    /**
     * Sets the size of the largest file that a worker can write; 256 MiB if not set.
     *
     * @param bytes the size in bytes
     * @return a sandbox that has this limit
     * @throws IllegalArgumentException if it is less than 4 MiB, which the files of Trestle need
     */
    public Sandbox withFileSizeLimit(long bytes) {
        if (bytes < 4 << 20) {
            throw new IllegalArgumentException("A worker needs files of 4 MiB at least, in bytes: " + bytes);
        }
        return with(jail.limits().withFile(bytes));
    }

    /**
     * Sets the size of the worker's own temporary directory, {@code /tmp}, which is in memory and ends with the worker;
     * 256 MiB if not set. It counts in addition to the {@link #withMemoryLimit memory}.
     *
     * @param bytes the size in bytes
     * @return a sandbox that has this size
     * @throws IllegalArgumentException if it is less than 1 MiB
     */
    public Sandbox withTemporarySpace(long bytes) {
        if (bytes < 1 << 20) {
            throw new IllegalArgumentException("A temporary directory needs 1 MiB at least, in bytes: " + bytes);
        }
        return with(jail.limits().withTemporary(bytes));
    }

    private Sandbox with(Jail.Limits limits) {
        return new Sandbox(new Jail(jail.readable(), jail.writable(), jail.network(), jail.environment(), limits));
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
     * @param reason why they cannot, and what to install or to allow; empty if they can
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
                + ", environment=" + jail.environment() + ", " + jail.limits() + "]";
    }
}
