package dev.trestle.cluster;

/**
 * A member of a cluster, as a client sees it.
 *
 * @param name its name
 * @param host the name of its machine
 * @param pid the process id of its JVM
 * @param javaVersion its {@code java.version}
 */
public record Member(String name, String host, long pid, String javaVersion) {}
