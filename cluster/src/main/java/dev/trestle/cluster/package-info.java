/**
 * An executor whose calls run in child JVMs on many machines.
 *
 * {@snippet class="dev.trestle.cluster.ClusterExamplesTest" region="pool"}
 *
 * <p>A {@link dev.trestle.cluster.ClusterMember} on each machine runs the calls; a
 * {@link dev.trestle.cluster.ClusterPool} in the program submits them. JGroups finds the members, notices when one is
 * gone, and carries bytes; frames, calls and their outcomes are those of the process pool.
 */
@NullMarked
package dev.trestle.cluster;

import org.jspecify.annotations.NullMarked;
