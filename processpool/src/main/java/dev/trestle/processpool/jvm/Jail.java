package dev.trestle.processpool.jvm;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The part of the machine that the workers of a pool can see and use when they are jailed.
 *
 * @param readable files and directories that they can read, besides those that a JVM needs
 * @param writable files and directories that they can change
 * @param network whether they have the network of the program
 * @param environment the names of the variables of the program that they have
 * @param temporaryBytes the size of a worker's own temporary directory, which is in memory
 */
public record Jail(
        List<Path> readable, List<Path> writable, boolean network, Set<String> environment, long temporaryBytes) {

    /*
     * The policy of the strict jail. Everything that is not named here or by the program is not there: no other file,
     * process, socket, device, network or variable.
     */
    static final class Policy {

        private static final long MIB = 1 << 20;

        /** The namespaces that a jail has for itself: the worker is process 2 or so, and sees no process outside. */
        static final List<String> OWN =
                List.of("user", "pid", "ipc", "uts", "cgroup"); // and the network, unless it is given

        /** Directories of the system, of programs and libraries. */
        static final List<String> SYSTEM = List.of("/usr", "/nix/store", "/gnu/store");

        /** Names for directories in /usr, which are links to them, or directories in older systems. */
        static final List<String> SYSTEM_NAMES =
                List.of("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/libexec");

        /** The settings that libraries need: where libraries and fonts are, the time zone, certificates. */
        static final List<String> SETTINGS = List.of(
                "/etc/ld.so.cache",
                "/etc/ld.so.conf",
                "/etc/ld.so.conf.d",
                "/etc/alternatives",
                "/etc/localtime",
                "/etc/fonts",
                "/etc/ssl/certs",
                "/etc/pki/tls/certs",
                "/etc/pki/ca-trust/extracted",
                "/etc/nsswitch.conf");

        /** The settings that workers with a network need. */
        static final List<String> NETWORK_SETTINGS =
                List.of("/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/services");

        /** The worker's own temporary directory, and in it its home, which is empty. */
        static final String TEMPORARY = "/tmp";

        static final String HOME = TEMPORARY + "/home";

        /** The variables of the environment besides those of the language and those that the program names. */
        static final List<String> ENVIRONMENT = List.of("HOME=" + HOME, "PATH=/usr/bin:/bin", "TMPDIR=" + TEMPORARY);

        static final String USER = "worker";

        /** Places of the jail itself, which nothing of the machine may take. */
        static final List<String> OWN_PLACES = List.of("/proc", "/dev", "/sys");

        /** The heap of a worker whose pool does not say, in bytes. */
        static final long HEAP = 512 * MIB;

        /** The memory that a worker may have besides its heap, in bytes. */
        static final long BESIDE_THE_HEAP = 512 * MIB;

        static final int TASKS = 256;

        static final long TEMPORARY_BYTES = 256 * MIB;

        static final long FILE_BYTES = 256 * MIB;

        private Policy() {}
    }

    /** The longest path of the temporary directory in which sockets can be: their own paths have some 107 bytes. */
    private static final int LONGEST_TEMPORARY = 70;

    /** The jail that has nothing but what a JVM needs. */
    public static final Jail STRICT = new Jail(List.of(), List.of(), false, Set.of(), Policy.TEMPORARY_BYTES);

    public Jail {
        readable = List.copyOf(readable);
        writable = List.copyOf(writable);
        environment = Set.copyOf(environment);
    }

    /**
     * Checks a path that is to be visible.
     *
     * @throws IllegalArgumentException if a jail cannot have it
     */
    public static void checkPlace(Path path) {
        for (String each : Policy.OWN_PLACES) {
            if (path.startsWith(each) || path.getNameCount() == 0) {
                throw new IllegalArgumentException("A sandbox cannot show " + path
                        + " of this machine to workers: it has a root, /proc and /dev of its own, and no /sys. Show"
                        + " single files and directories.");
            }
        }
    }

    /**
     * Checks whether workers with these options can be in this jail.
     *
     * @throws IllegalStateException if they cannot, with the way out
     */
    void check(JvmOptions options) {
        Optional<String> objection = JailSupport.objection();
        if (objection.isPresent()) {
            throw new IllegalStateException("A process pool cannot have a sandbox for its workers. " + objection.get());
        }
        if (options.debug() && !network) {
            throw new IllegalStateException("A debugger cannot reach workers whose sandbox has no network: use debug()"
                    + " with Sandbox.withNetwork(), or without a sandbox.");
        }
        for (Path each : Stream.concat(readable.stream(), writable.stream()).toList()) {
            if (!Files.exists(each)) {
                throw new IllegalStateException("A sandbox cannot show " + each
                        + " to workers: there is no such file or" + " directory. Create it first, or leave it out.");
            }
        }
        Path temporary = Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath();
        for (String each : Bubblewrap.named(JavaCommand.arguments(options))) {
            Path path = Path.of(each);
            Optional<String> why = Files.exists(path) ? Bubblewrap.objection(path, temporary) : Optional.empty();
            if (why.isPresent()) {
                throw new IllegalStateException("A sandbox cannot show " + path + ", which the class path or another"
                        + " option of the workers names: " + why.get()
                        + ". Put the classes of the program into a directory of their own, or into a jar. An empty"
                        + " entry of a class path means the working directory.");
            }
        }
        options.workingDirectory()
                .map(Path::toAbsolutePath)
                .map(Path::normalize)
                .ifPresent(directory -> {
                    if (!Bubblewrap.shows(this, directory)) {
                        throw new IllegalStateException("The working directory of the workers, " + directory
                                + ", is not visible in their sandbox: show it by Sandbox.withReadable or"
                                + " withWritable.");
                    }
                });
        if (!network && temporary.toString().getBytes(NativeText.CHARSET).length > LONGEST_TEMPORARY) {
            throw new IllegalStateException("Workers whose sandbox has no network reach the pool by a socket in a"
                    + " directory in " + temporary + ", and a path of that length is too long for one: set"
                    + " java.io.tmpdir to a directory whose path has at most " + LONGEST_TEMPORARY + " bytes.");
        }
    }

    /** Returns the heap of a worker whose pool may have said one. */
    static long heap(long said) {
        return said > 0 ? said : Policy.HEAP;
    }

    /**
     * Returns the limits of a worker in a jail, where the memory, the processes and the sizes of files are never
     * without limit.
     *
     * @param said the limits that the pool has set
     * @param saidHeap the heap that the pool has set; 0 if none
     */
    public static ProcessLimits limits(ProcessLimits said, long saidHeap) {
        return new ProcessLimits(
                OptionalLong.of(said.memory().orElse(heap(saidHeap) + Policy.BESIDE_THE_HEAP)),
                OptionalInt.of(said.processes().orElse(Policy.TASKS)),
                OptionalLong.of(said.fileBytes().orElse(Policy.FILE_BYTES)),
                said.cpuTime());
    }
}
