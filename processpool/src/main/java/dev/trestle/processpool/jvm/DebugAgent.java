package dev.trestle.processpool.jvm;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The agent of the JVM that lets debuggers attach. It has no authentication. */
public final class DebugAgent {

    private static final Log logger = Log.of(DebugAgent.class);

    /** The agent that debugging adds: it listens on a free port of the loopback interface, another for each worker. */
    static final String ON_LOOPBACK = "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:0";

    private DebugAgent() {}

    /**
     * Warns if debuggers may attach to the workers of a pool.
     *
     * @param pool the name of the pool
     * @throws IllegalArgumentException if the options name two such agents, with which no JVM starts
     */
    public static void check(String pool, JvmOptions options) {
        List<String> given = given(options);
        if (options.debug() && !given.isEmpty()) {
            throw new IllegalArgumentException("A JVM takes one debugger agent, and the workers of " + pool
                    + " would have two: that of debug(), and " + given.getFirst() + ". Leave one of them away.");
        }
        if (options.debug()) {
            logger.warn("{}", warning(pool, ON_LOOPBACK));
        }
        for (String each : given) {
            logger.warn("{}", warning(pool, each));
        }
    }

    static String warning(String pool, String agent) {
        String reach = isLoopback(agent)
                ? "Debuggers may attach to each worker of " + pool
                        + ", over a port of this machine's loopback interface" + " (" + agent
                        + "). JDWP asks for no password: any user of this machine"
                : "Debuggers on any machine that reaches this one may attach to each worker of " + pool + " (" + agent
                        + "; address=127.0.0.1:0 would be for this machine only). JDWP asks for no password: any of"
                        + " their users";
        return reach + " can run code as the user of this program. This is not for production.";
    }

    /** Returns the agents that the user of a pool has given. */
    private static List<String> given(JvmOptions options) {
        var given = new ArrayList<String>();
        for (String each : options.arguments()) {
            addAgent(each, given);
        }
        for (Map.Entry<String, String> each : options.environment().entrySet()) {
            if (WorkerEnvironment.isJvmOptions(each.getKey())) {
                for (String option : each.getValue().strip().split("\\s+", -1)) {
                    addAgent(option, given);
                }
            }
        }
        return given;
    }

    private static void addAgent(String argument, List<String> given) {
        boolean agent = argument.startsWith("-agentlib:jdwp")
                || argument.startsWith("-Xrunjdwp")
                || (argument.startsWith("-agentpath:") && argument.contains("jdwp"));
        if (agent) {
            given.add(argument);
        }
    }

    /** Returns whether an agent listens on the loopback interface, as it does if its address has no host. */
    private static boolean isLoopback(String agent) {
        Matcher address = Pattern.compile("[=:,]address=([^,]*)").matcher(agent);
        String given = address.find() ? address.group(1) : "";
        String host = given.substring(0, Math.max(0, given.lastIndexOf(':')));
        return host.isEmpty()
                || host.equals("localhost")
                || host.equals("[::1]")
                || host.matches("127(?:\\.[0-9]{1,3}){3}");
    }
}
