package dev.trestle.processpool.jvm;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The options of the child JVMs of a pool.
 *
 * @param count the number of workers that share the machine
 * @param jail the limits of what workers can see and use; empty if they are not jailed
 * @param launcher the command in front of {@code java}; empty if there is none
 * @param heapBytes 0 for a fair share of the machine
 * @param clearsEnvironment whether workers have nothing of the environment of this program
 * @param debug whether debuggers may attach
 * @param limits of the process, beyond the heap
 */
public record JvmOptions(
        int count,
        Optional<Jail> jail,
        List<String> launcher,
        List<String> arguments,
        long heapBytes,
        Map<String, String> environment,
        boolean clearsEnvironment,
        Map<String, String> systemProperties,
        Optional<Path> workingDirectory,
        Optional<String> classPath,
        Optional<String> modulePath,
        boolean debug,
        ProcessLimits limits) {

    public JvmOptions {
        launcher = List.copyOf(launcher);
        arguments = List.copyOf(arguments);
        environment = Map.copyOf(environment);
        systemProperties = Map.copyOf(systemProperties);
    }

    /**
     * Returns the options of a JVM that is not jailed, that no launcher starts and no debugger attaches to, with
     * arguments after those that are there. A jail or a launcher may keep a JVM from writing the cache.
     */
    public JvmOptions forTraining(List<String> more) {
        var all = new ArrayList<>(arguments);
        all.addAll(more);
        return new JvmOptions(
                count,
                Optional.empty(),
                List.of(),
                all,
                jail.isPresent() ? Jail.heap(heapBytes) : heapBytes,
                environment,
                clearsEnvironment || jail.isPresent(),
                systemProperties,
                workingDirectory,
                classPath,
                modulePath,
                false,
                ProcessLimits.NONE);
    }
}
