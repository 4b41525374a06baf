package dev.trestle.processpool.jvm;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The difference between the environments of a pool's JVMs and that of the program. */
public final class WorkerEnvironment {

    /**
     * The variables by which a JVM takes options from its environment: a debugger's port, an agent, meant for the
     * program.
     */
    private static final Set<String> JVM_OPTIONS =
            Set.of("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "JDK_AOT_VM_OPTIONS");

    /**
     * The variables that a JVM keeps when its environment is cleared: the locale, which decides how it reads the names
     * of files, among them those of its class path, and on Windows the directory of the system, without which it has no
     * sockets.
     */
    private static final Set<String> KEPT = Set.of("LANG", "LC_ALL", "LC_CTYPE", "SystemRoot");

    private WorkerEnvironment() {}

    /** Returns whether a JVM takes options from a variable. */
    static boolean isJvmOptions(String variable) {
        return JVM_OPTIONS.contains(variable);
    }

    /**
     * Returns the changes to the environment of this program that make that of a JVM of a pool.
     *
     * @return names of variables and their values; null for those that are to be taken out
     * @throws IOException if a variable cannot be taken out, since its name is not to be expressed
     */
    public static Map<String, @Nullable String> changes(JvmOptions options) throws IOException {
        return changes(options, System.getenv().keySet());
    }

    static Map<String, @Nullable String> changes(JvmOptions options, Set<String> inherited) throws IOException {
        var changes = new LinkedHashMap<String, @Nullable String>();
        for (String each : JVM_OPTIONS) {
            changes.put(each, null);
        }
        Set<String> named = options.jail().map(Jail::environment).orElse(Set.of());
        if (options.clearsEnvironment() || options.jail().isPresent()) {
            for (String each : inherited) {
                if (!KEPT.contains(each) && !named.contains(each)) {
                    if (!NativeText.isWritable(each) || each.indexOf('\uFFFD') >= 0) {
                        throw new IOException("Cannot clear the environment of a worker: the locale of this program"
                                + " cannot express the name of the variable '" + each + "', so it would stay. Start the"
                                + " program without it, or in another locale, as with LC_ALL=C.UTF-8.");
                    }
                    changes.put(each, null);
                }
            }
        }
        if (options.jail().isPresent()) {
            for (String each : Jail.Policy.ENVIRONMENT) {
                String[] variable = each.split("=", 2);
                if (!named.contains(variable[0]) || !inherited.contains(variable[0])) {
                    changes.put(variable[0], variable[1]);
                }
            }
        }
        changes.putAll(options.environment());
        return changes;
    }
}
